/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/cmd-queue.h"
#include "cli/logline.h"
#include "cli/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define MAI_DIGITS 8
#define MESSAGES_MAX 1000

static const struct output_column event_columns[] = {
    {"id", NULL, 0},      {"time", "TIME", 0},   {"recipient", "RCPT", 0}, {"event", "EVENT", 0},
    {"status", "DSN", 0}, {"relay", "RELAY", 0}, {"reply", "REPLY", 0},
};
static const struct output_column remain_columns[] = {
    {"title", "POSTOFFICE", 0}, {"postoffice", "NET/PO", 0}, {"mailbag", "MAILBAG", 0},
    {"record", "RECORD", 0},    {"mai", "MAI", 0},           {"cause", "CAUSE", 0},
    {"first", "SINCE", 0},      {"last", "LAST SEEN", 0},    {"reason", "REASON", 0},
};

struct trace {
    struct cli *cli;
    uint64_t ids[MESSAGES_MAX]; /* of messages that the key names */
    size_t count;
    const char *mai; /* the key, when it may be one; else NULL */
    bool remains;
};

static int add_id(void *context, const struct store_view *view)
{
    struct trace *trace = context;

    for (size_t i = 0; i < trace->count; i++) {
        if (trace->ids[i] == view->id)
            return 0;
    }
    if (trace->count == MESSAGES_MAX)
        return 1;
    trace->ids[trace->count++] = view->id;
    return 0;
}

/* Exactly as store and log have it: with angle brackets. */
static int find_message_id(struct trace *trace, const char *key, struct error *err)
{
    struct store_filter filter = {.id = 0};
    char *bracketed = NULL;
    int result;

    if (asprintf(&bracketed, key[0] == '<' ? "%s" : "<%s>", key) < 0)
        return error_set(err, ERROR_SOFT, "", "out of memory");
    filter.message_id = bracketed;
    result = store_list(trace->cli->store, &filter, add_id, trace, err);
    free(bracketed);
    return result;
}

/* "00000062" may be a MAI or an ID: a MAI is looked for first, and IDs have no leading zeros. */
static int find(struct trace *trace, const char *key, struct error *err)
{
    struct store_filter filter = {.id = 0};

    if (strchr(key, '@') != NULL)
        return find_message_id(trace, key, err);
    if (strlen(key) == MAI_DIGITS || key[strspn(key, "0123456789")] != '\0') {
        filter.mai = trace->mai = key;
        if (store_list(trace->cli->store, &filter, add_id, trace, err) != 0)
            return -1;
    }
    filter.mai = NULL;
    if (trace->count == 0 && key[0] != '0' && text_parse_number(key, &filter.id) == 0)
        return store_list(trace->cli->store, &filter, add_id, trace, err);
    return 0;
}

static int show_event(void *context, const struct store_event *event)
{
    struct output *out = context;
    char stamp[CLOCK_STAMP_SIZE];

    output_number(out, event->id);
    output_text(out, clock_stamp(event->at_ms, stamp));
    if (event->recipient != 0)
        output_number(out, event->recipient);
    else
        output_text(out, NULL); /* about the message as a whole */
    output_text(out, event->event);
    output_text(out, event->status);
    output_text(out, event->relay);
    output_text(out, event->reply);
    output_row_end(out);
    return 0;
}

static int show_remain(void *context, const struct store_remain *remain)
{
    struct trace *trace = context;
    struct output *out = trace->cli->out;

    if (strcasecmp(remain->mai, trace->mai) != 0)
        return 0;
    output_text(out, remain->title);
    output_text(out, remain->postoffice);
    output_text(out, remain->mailbag);
    output_number(out, remain->record);
    output_text(out, remain->mai);
    output_text(out, remain->kind);
    output_time(out, remain->first_ms);
    output_time(out, remain->last_ms);
    output_text(out, remain->reason);
    output_row_end(out);
    trace->remains = true;
    return 0;
}

static int show_store(struct trace *trace, struct error *err)
{
    struct cli *cli = trace->cli;
    int result = 0;

    for (size_t i = 0; i < trace->count; i++) {
        if (i > 0)
            output_note(cli->out, "%s", "");
        if (queue_show_message(cli, trace->ids[i], err) < 0)
            return -1;
        output_begin(cli->out, OUTPUT_TABLE, "event", "", NULL, event_columns,
                     COUNT_OF(event_columns));
        result = store_history(cli->store, trace->ids[i], show_event, cli->out, err);
        output_end(cli->out);
        if (result != 0)
            return -1;
    }
    if (trace->mai == NULL)
        return 0;
    output_begin(cli->out, OUTPUT_TABLE, "remain", "\nOn the postoffice", NULL, remain_columns,
                 COUNT_OF(remain_columns));
    result = store_list_remains(cli->store, show_remain, trace, err);
    output_end(cli->out);
    return result;
}

/* ---- the relay log ---- */

static bool named(const struct trace *trace, const char *line)
{
    char value[1024];
    uint64_t id;

    if (strstr(line, " id=") != NULL) {
        logline_value(line, "id", value, sizeof value);
        for (size_t i = 0; text_parse_number(value, &id) == 0 && i < trace->count; i++) {
            if (trace->ids[i] == id)
                return true;
        }
        return false;
    }
    if (trace->mai == NULL || strstr(line, " mai=") == NULL)
        return false;
    logline_value(line, "mai", value, sizeof value);
    return strcasecmp(value, trace->mai) == 0;
}

static void show_log(const struct trace *trace)
{
    const char *path = trace->cli->settings->log;
    FILE *file = path != NULL ? fopen(path, "re") : NULL;
    char *line = NULL;
    size_t room = 0;
    bool begun = false;

    if (path == NULL)
        return;
    if (file == NULL) {
        cli_wrong(CLI_DONE, "the relay log %s is left out: %s", path, strerror(errno));
        return;
    }
    while (getline(&line, &room, file) >= 0) {
        if (!named(trace, line))
            continue;
        if (!begun) {
            output_note(trace->cli->out, "%s", "");
            output_note(trace->cli->out, "%s:", path);
        }
        begun = true;
        logline_show(trace->cli->out, line);
    }
    free(line);
    fclose(file);
}

static int run(struct trace *trace, const char *key)
{
    struct error err;

    if (find(trace, key, &err) != 0 || show_store(trace, &err) != 0)
        return cli_fail(&err);
    if (trace->count == 0 && !trace->remains)
        return cli_wrong(CLI_WRONG, "nothing is known about \"%s\"", key);
    show_log(trace);
    if (trace->count == MESSAGES_MAX)
        return cli_wrong(CLI_WRONG, "only the first %d messages were shown", MESSAGES_MAX);
    return CLI_DONE;
}

int cmd_trace(struct cli *cli, int argc, char **argv)
{
    struct trace *trace;
    int status = cli_flags(cli, &argc, &argv, NULL, 0, 1, 1, "trace ID | MESSAGE-ID | MAI");

    if (status != 0)
        return status;
    status = cli_store(cli);
    if (status != 0)
        return status;
    trace = calloc(1, sizeof *trace);
    if (trace == NULL)
        return cli_wrong(CLI_WRONG, "out of memory");
    trace->cli = cli;
    status = run(trace, argv[0]);
    free(trace);
    return status;
}
