/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli/cmd-queue.h"
#include "cli/text.h"
#include "message/content.h"
#include "message/mime.h"
#include "message/show.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct output_column message_columns[] = {
    {"id", "ID", 0},
    {"postoffice", "Postoffice", 0},
    {"queue", "Queue", 0},
    {"mailbag", "Mailbag", 0},
    {"mai", "MAI", 0},
    {"from", "From", 0},
    {"subject", "Subject", 0},
    {"message_id", "Message-ID", 0},
    {"date", "Date", 0},
    {"received", "Received", 0},
    {"expires", "Expires", 0},
    {"size", "Octets", 0},
    {"priority", "Priority", 0},
    {"report_of", "Report about", 0},
    {"report_to", "Reports to", 0},
    {"fingerprint", "Fingerprint", 0},
};

static const struct output_column recipient_columns[] = {
    {"id", NULL, 0},      {"recipient", "RCPT", 0},      {"state", "STATE", 0},
    {"to", "TO", 0},      {"original", "MS MAIL", 0},    {"tries", "TRIES", 0},
    {"next", "NEXT", 0},  {"changed", "LAST CHANGE", 0}, {"doubt", "DOUBT", 0},
    {"status", "DSN", 0}, {"reply", "LAST REPLY", 0},    {"relay", "RELAY", 0},
};

static const struct output_column remark_columns[] = {
    {"event", "REMARK", 0},
    {"reason", "", 0},
};

struct show {
    struct output *out;
    bool found;
};

static int show_facts(void *context, const struct store_view *view)
{
    struct show *show = context;
    char priority[2] = {view->priority, '\0'};

    output_number(show->out, view->id);
    output_text(show->out, view->postoffice);
    output_text(show->out, view->queue);
    output_text(show->out, view->mailbag);
    output_text(show->out, view->mai);
    output_text(show->out, view->sender[0] != '\0' ? view->sender : "<>");
    output_text(show->out, view->subject);
    output_text(show->out, view->message_id);
    output_time(show->out, view->date_ms);
    output_time(show->out, view->received_ms);
    output_time(show->out, view->expires_ms);
    output_number(show->out, view->size);
    output_text(show->out, priority);
    if (view->report_of != 0)
        output_number(show->out, view->report_of);
    else
        output_text(show->out, NULL);
    output_text(show->out, view->report_to[0] != '\0' ? view->report_to : NULL);
    output_text(show->out, view->fingerprint);
    output_row_end(show->out);
    show->found = true;
    return 1;
}

static int show_recipient(void *context, const struct store_view *view)
{
    struct show *show = context;

    output_number(show->out, view->id);
    output_number(show->out, view->recipient);
    output_text(show->out, recipient_state_name(view->state));
    output_text(show->out, view->address);
    output_text(show->out, view->original);
    output_number(show->out, view->tries);
    output_time(show->out, view->state == RECIPIENT_QUEUED ? view->due_ms : 0);
    output_time(show->out, view->changed_ms);
    output_flag(show->out, view->doubt);
    output_text(show->out, view->status);
    output_text(show->out, view->reply);
    output_text(show->out, view->relay);
    output_row_end(show->out);
    return 0;
}

/* Lines about the message as a whole; those of recipients are for "trace". */
static int show_remark(void *context, const struct store_event *event)
{
    struct output *out = context;

    if (event->recipient != 0)
        return 0;
    output_text(out, event->event);
    output_text(out, event->reply);
    output_row_end(out);
    return 0;
}

int queue_show_message(struct cli *cli, uint64_t id, struct error *err)
{
    struct show show = {cli->out, false};
    struct store_filter filter = {.id = id};
    int result;

    output_begin(cli->out, OUTPUT_RECORD, "message", NULL, NULL, message_columns,
                 COUNT_OF(message_columns));
    result = store_list(cli->store, &filter, show_facts, &show, err);
    output_end(cli->out);
    if (result != 0)
        return -1;
    if (!show.found)
        return 0;
    output_begin(cli->out, OUTPUT_TABLE, "recipient", "", NULL, recipient_columns,
                 COUNT_OF(recipient_columns));
    result = store_list(cli->store, &filter, show_recipient, &show, err);
    output_end(cli->out);
    if (result != 0)
        return -1;
    output_begin(cli->out, OUTPUT_TABLE, "remark", "", NULL, remark_columns,
                 COUNT_OF(remark_columns));
    result = store_history(cli->store, id, show_remark, cli->out, err);
    output_end(cli->out);
    return result == 0 ? 1 : -1;
}

/* ---- for people ---- */

static const struct output_column header_columns[] = {{"name", NULL, 0}, {"value", NULL, 0}};
static const struct output_column part_columns[] = {
    {"depth", NULL, 0},    {"type", NULL, 0}, {"name", NULL, 0},
    {"encoding", NULL, 0}, {"size", NULL, 0},
};
static const struct output_column line_columns[] = {{"line", NULL, 0}};

#define TAB_WIDTH 8

static int see_header(void *context, const char *name, const char *value, struct error *err)
{
    struct output *out = context;

    (void)err;
    if (!output_is_json(out)) {
        output_note(out, "%s: %s", name, value);
        return 0;
    }
    output_begin(out, OUTPUT_LINES, "header", NULL, NULL, header_columns, COUNT_OF(header_columns));
    output_exact(out, name);
    output_exact(out, value);
    output_row_end(out);
    output_end(out);
    return 0;
}

static int see_part(void *context, const struct show_part *part, struct error *err)
{
    struct output *out = context;
    char size[24];

    (void)err;
    if (!output_is_json(out)) {
        output_note(out, "%s", "");
        output_note(out, "%*s[%s%s%s%s%s]", (int)(2 * part->depth), "", part->type,
                    part->name[0] != '\0' ? ", " : "", part->name, part->size != 0 ? ", " : "",
                    part->size != 0 ? text_size(part->size, size) : "");
        return 0;
    }
    output_begin(out, OUTPUT_LINES, "part", NULL, NULL, part_columns, COUNT_OF(part_columns));
    output_number(out, part->depth);
    output_exact(out, part->type);
    output_text(out, part->name);
    output_text(out, part->encoding);
    output_number(out, part->size);
    output_row_end(out);
    output_end(out);
    return 0;
}

/* A TAB would be shown as what it is not, and a terminal must not get it: blanks as it would show
 * them. */
static char *expand_tabs(const char *text, size_t size)
{
    char *out = malloc(size * TAB_WIDTH + 1);
    size_t used = 0, i;

    for (i = 0; out != NULL && i < size; i++) {
        if (text[i] != '\t') {
            out[used++] = text[i] != '\0' ? text[i] : '?';
            continue;
        }
        do
            out[used++] = ' ';
        while (used % TAB_WIDTH != 0);
    }
    if (out != NULL)
        out[used] = '\0';
    return out;
}

static int see_line(void *context, const char *text, size_t size, struct error *err)
{
    struct output *out = context;
    char *line = output_is_json(out) ? strndup(text, size) : expand_tabs(text, size);

    if (line == NULL)
        return error_set(err, ERROR_SOFT, "", "out of memory");
    output_begin(out, OUTPUT_LINES, "text", NULL, NULL, line_columns, 1);
    output_exact(out, line);
    output_row_end(out);
    output_end(out);
    free(line);
    return 0;
}

static int see_cut(void *context, struct error *err)
{
    (void)err;
    output_note(context, "[there is more: --message shows all of it]");
    return 0;
}

static int add_piece(void *context, const char *data, size_t size, struct error *err)
{
    return content_writer_add(context, data, size, err);
}

static int show_readable(struct cli *cli, uint64_t id, struct error *err)
{
    struct show_reader reader = {cli->out, see_header, see_part, see_line, see_cut};
    struct content_writer *writer;
    struct content *content;
    int result;

    if (content_writer_new(&writer, "/tmp", UINT64_MAX, err) != 0)
        return -1;
    if (queue_each_piece(cli->store, id, add_piece, writer, err) != 0) {
        content_writer_free(writer);
        return -1;
    }
    if (content_writer_finish(writer, &content, err) != 0)
        return -1;
    output_note(cli->out, "%s", "");
    mime_initialize();
    result = show_message(content, &reader, err);
    content_free(content);
    return result;
}

/* Its facts stay when its content was freed. */
static bool has_content(struct cli *cli, uint64_t id)
{
    char octet;
    size_t got = 0;
    struct error err;

    return store_read_content(cli->store, id, 0, &octet, 1, &got, &err) == 0 && got == 1;
}

int cmd_queue_show(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {{"headers", false, NULL}, {"message", false, NULL}};
    struct error err;
    uint64_t id;
    int status =
        cli_flags(cli, &argc, &argv, flags, 2, 1, 1, "queue show ID [--headers | --message]");

    if (status != 0)
        return status;
    if (text_parse_number(argv[0], &id) != 0)
        return cli_wrong(CLI_USAGE, "\"%s\" is not the ID of a message", argv[0]);
    if (flags[0].value != NULL && flags[1].value != NULL)
        return cli_wrong(CLI_USAGE, "--headers or --message, not both");
    status = cli_store(cli);
    if (status != 0)
        return status;
    if (flags[0].value != NULL || flags[1].value != NULL)
        return queue_show_content(cli, id, flags[0].value != NULL);
    status = queue_show_message(cli, id, &err);
    if (status < 0)
        return cli_fail(&err);
    if (status == 0)
        return cli_wrong(CLI_WRONG, "there is no message %s", argv[0]);
    if (!has_content(cli, id))
        output_note(cli->out, "Its content was freed after it was relayed (keep-days).");
    else if (show_readable(cli, id, &err) != 0)
        return cli_fail(&err);
    return CLI_DONE;
}
