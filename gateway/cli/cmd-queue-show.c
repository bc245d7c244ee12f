/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "cli/cmd-queue.h"
#include "cli/text.h"

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
    {"fingerprint", "Fingerprint", 0},
};

static const struct output_column recipient_columns[] = {
    {"id", NULL, 0},      {"recipient", "RCPT", 0},      {"state", "STATE", 0},
    {"to", "TO", 0},      {"original", "MS MAIL", 0},    {"tries", "TRIES", 0},
    {"next", "NEXT", 0},  {"changed", "LAST CHANGE", 0}, {"doubt", "DOUBT", 0},
    {"status", "DSN", 0}, {"reply", "LAST REPLY", 0},    {"relay", "RELAY", 0},
};

struct show {
    struct output *out;
    bool found;
};

static int show_message(void *context, const struct store_view *view)
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

int queue_show_message(struct cli *cli, uint64_t id, struct error *err)
{
    struct show show = {cli->out, false};
    struct store_filter filter = {.id = id};
    int result;

    output_begin(cli->out, OUTPUT_RECORD, "message", NULL, NULL, message_columns,
                 COUNT_OF(message_columns));
    result = store_list(cli->store, &filter, show_message, &show, err);
    output_end(cli->out);
    if (result != 0)
        return -1;
    if (!show.found)
        return 0;
    output_begin(cli->out, OUTPUT_TABLE, "recipient", "", NULL, recipient_columns,
                 COUNT_OF(recipient_columns));
    result = store_list(cli->store, &filter, show_recipient, &show, err);
    output_end(cli->out);
    return result == 0 ? 1 : -1;
}

/* ---- content ---- */

/* Gets the content piece by piece; -1 ends with ERR set. */
typedef int content_seen(void *context, const char *data, size_t size, struct error *err);

static int find_size(void *context, const struct store_view *view)
{
    *(uint64_t *)context = view->size;
    return 1;
}

static int each_piece(struct store *store, uint64_t id, content_seen *seen, void *context,
                      struct error *err)
{
    struct store_filter filter = {.id = id};
    uint64_t offset = 0, size = UINT64_MAX;
    size_t got = 1;
    char *piece;
    int result = -1;

    if (store_list(store, &filter, find_size, &size, err) != 0)
        return -1;
    if (size == UINT64_MAX)
        return error_set(err, ERROR_DATA, "", "there is no message %llu", (unsigned long long)id);
    piece = malloc(STORE_CHUNK_SIZE);
    if (piece == NULL)
        return error_set(err, ERROR_SOFT, "", "out of memory");
    while (got > 0) {
        if (store_read_content(store, id, offset, piece, STORE_CHUNK_SIZE, &got, err) != 0 ||
            (got > 0 && seen(context, piece, got, err) != 0))
            goto out;
        offset += got;
    }
    if (offset != size)
        error_set(err, ERROR_DATA, "",
                  offset == 0 ? "the content of message %llu was freed after it was relayed "
                                "(keep-days)"
                              : "the content of message %llu is incomplete",
                  (unsigned long long)id);
    else
        result = 0;
out:
    free(piece);
    return result;
}

/* Lines of the content: as they are, or one JSON object each. */
struct lines {
    struct output *out;
    bool headers_only, ended, json;
    char line[4096]; /* ours never exceed 998 octets */
    size_t held;
};

static const struct output_column line_columns[] = {{"line", NULL, 0}};

static int show_line(struct lines *lines, struct error *err)
{
    size_t size = lines->held;

    lines->held = 0;
    if (!lines->json) {
        if (text_write_message(stdout, lines->line, size) != 0)
            return error_sys(err, ERROR_SOFT, "", "cannot write the message");
        return 0;
    }
    while (size > 0 && (lines->line[size - 1] == '\n' || lines->line[size - 1] == '\r'))
        size--;
    lines->line[size] = '\0';
    output_begin(lines->out, OUTPUT_LINES, "line", NULL, NULL, line_columns, 1);
    output_exact(lines->out, lines->line);
    output_row_end(lines->out);
    output_end(lines->out);
    return 0;
}

static int see_lines(void *context, const char *data, size_t size, struct error *err)
{
    struct lines *lines = context;

    for (size_t i = 0; i < size && !lines->ended; i++) {
        lines->line[lines->held++] = data[i];
        if (data[i] != '\n' && lines->held < sizeof lines->line - 1)
            continue;
        lines->ended = lines->headers_only && strspn(lines->line, "\r\n") >= lines->held;
        if (!lines->ended && show_line(lines, err) != 0)
            return -1;
    }
    return 0;
}

static int show_content(struct cli *cli, uint64_t id, bool headers_only)
{
    struct lines *lines = calloc(1, sizeof *lines);
    struct error err;
    int result = -1;

    if (lines == NULL)
        return cli_wrong(CLI_WRONG, "out of memory");
    lines->out = cli->out;
    lines->json = cli->json;
    lines->headers_only = headers_only;
    if (each_piece(cli->store, id, see_lines, lines, &err) == 0 &&
        (lines->ended || lines->held == 0 || show_line(lines, &err) == 0))
        result = 0;
    free(lines);
    return result == 0 ? CLI_DONE : cli_fail(&err);
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
        return show_content(cli, id, flags[0].value != NULL);
    status = queue_show_message(cli, id, &err);
    if (status < 0)
        return cli_fail(&err);
    if (status == 0)
        return cli_wrong(CLI_WRONG, "there is no message %s", argv[0]);
    return CLI_DONE;
}

/* ---- export ---- */

struct export_file {
    const char *path;
    int fd;
};

static int write_piece(void *context, const char *data, size_t size, struct error *err)
{
    const struct export_file *file = context;

    return file_write_all(file->fd, file->path, data, size, err);
}

/* The name of a new file is durable only after its directory is. */
static int sync_directory(const char *path, struct error *err)
{
    char *copy = strdup(path);
    int fd = copy != NULL ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    int result = fd >= 0 ? fsync(fd) : -1;

    if (result != 0)
        error_sys(err, ERROR_SOFT, "", "cannot make %s durable", path);
    if (fd >= 0)
        close(fd);
    free(copy);
    return result;
}

static int export_message(struct store *store, uint64_t id, const char *path, struct error *err)
{
    struct export_file file = {path, open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
    int result;

    if (file.fd < 0)
        return error_sys(err, ERROR_SETUP, "", "cannot make %s", path);
    result = each_piece(store, id, write_piece, &file, err);
    if (result == 0 && fsync(file.fd) != 0)
        result = error_sys(err, ERROR_SOFT, "", "cannot write %s", path);
    if (close(file.fd) != 0 && result == 0)
        result = error_sys(err, ERROR_SOFT, "", "cannot write %s", path);
    if (result == 0)
        result = sync_directory(path, err);
    if (result != 0)
        unlink(path);
    return result;
}

int cmd_queue_export(struct cli *cli, int argc, char **argv)
{
    static const struct output_column columns[] = {{"id", "ID", 0}, {"file", "File", 0}};
    struct error err;
    uint64_t id;
    int status = cli_flags(cli, &argc, &argv, NULL, 0, 2, 2, "queue export ID FILE");

    if (status != 0)
        return status;
    if (text_parse_number(argv[0], &id) != 0)
        return cli_wrong(CLI_USAGE, "\"%s\" is not the ID of a message", argv[0]);
    status = cli_store(cli);
    if (status != 0)
        return status;
    if (export_message(cli->store, id, argv[1], &err) != 0)
        return cli_fail(&err);
    output_begin(cli->out, OUTPUT_RECORD, "export", NULL, NULL, columns, COUNT_OF(columns));
    output_number(cli->out, id);
    output_text(cli->out, argv[1]);
    output_row_end(cli->out);
    output_end(cli->out);
    return CLI_DONE;
}
