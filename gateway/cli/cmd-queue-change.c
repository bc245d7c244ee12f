/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli/cmd-queue.h"
#include "cli/text.h"
#include "daemon/spool.h"

struct verb {
    enum store_verb verb;
    const char *event; /* of the relay log, and what was done */
    const char *usage;
    unsigned applies; /* states: bit 1 << enum recipient_state */
};

static const struct output_column columns[] = {
    {"id", "ID", 0},
    {"verb", "DONE", 0},
    {"recipients", "RECIPIENTS", 0},
    {"error", "ERROR", 0},
};

/* What the log is told of one recipient; kept until the change is durable. */
struct change {
    char *po, *mailbag, *mai, *from, *rcpt, *msgid;
    uint64_t size;
    unsigned tries;
    int64_t delay_ms;
};

struct changes {
    const struct verb *verb;
    int64_t now_ms;
    struct change *items;
    size_t count;
    bool short_of_memory;
};

static char *copy(struct changes *changes, const char *text)
{
    char *out = strdup(text);

    if (out == NULL)
        changes->short_of_memory = true;
    return out;
}

static int remember(void *context, const struct store_view *view)
{
    struct changes *changes = context;
    struct change *items;

    if ((changes->verb->applies & 1u << view->state) == 0)
        return 0;
    items = realloc(changes->items, (changes->count + 1) * sizeof *items);
    if (items == NULL) {
        changes->short_of_memory = true;
        return 1;
    }
    changes->items = items;
    items[changes->count++] = (struct change){
        .po = copy(changes, view->postoffice),
        .mailbag = copy(changes, view->mailbag),
        .mai = copy(changes, view->mai),
        .from = copy(changes, view->sender),
        .rcpt = copy(changes, view->address),
        .msgid = copy(changes, view->message_id),
        .size = view->size,
        .tries = view->tries,
        .delay_ms = changes->now_ms - view->received_ms,
    };
    return changes->short_of_memory ? 1 : 0;
}

static void clear(struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        struct change *item = &changes->items[i];

        free(item->po);
        free(item->mailbag);
        free(item->mai);
        free(item->from);
        free(item->rcpt);
        free(item->msgid);
    }
    free(changes->items);
}

static void log_changes(struct relaylog *log, uint64_t id, const char *reason,
                        const struct changes *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *item = &changes->items[i];
        struct relaylog_event event = {
            .event = changes->verb->event,
            .id = id,
            .po = item->po,
            .mailbag = item->mailbag,
            .mai = item->mai,
            .from = item->from,
            .rcpt = item->rcpt,
            .size = item->size,
            .msgid = item->msgid,
            .delay_ms = item->delay_ms,
            .tries = item->tries,
            .reason = reason,
        };

        relaylog_write(log, changes->now_ms, &event);
    }
}

static int apply(struct cli *cli, uint64_t id, const char *reason, struct changes *changes,
                 size_t *count, struct error *err)
{
    struct store_filter filter = {.id = id};

    if (store_begin(cli->store, err) != 0)
        return -1;
    if (store_list(cli->store, &filter, remember, changes, err) == 0 && !changes->short_of_memory &&
        store_apply(cli->store, id, changes->verb->verb, changes->now_ms,
                    schedule_expiry(&cli->settings->schedule, changes->now_ms), reason, count,
                    err) == 0)
        return store_commit(cli->store, err);
    if (changes->short_of_memory)
        error_set(err, ERROR_SOFT, "", "out of memory");
    store_rollback(cli->store);
    return -1;
}

/* One message, one transaction: a wrong ID among many does not undo the others. */
static int change_one(struct cli *cli, const struct verb *verb, uint64_t id, const char *reason)
{
    struct changes changes = {.verb = verb, .now_ms = clock_now_ms()};
    struct error err;
    size_t count = 0;
    int status = CLI_DONE;

    error_clear(&err);
    if (apply(cli, id, reason, &changes, &count, &err) == 0)
        log_changes(cli->log, id, reason, &changes);
    else
        count = 0;
    if (count == 0) {
        status = CLI_WRONG;
        if (err.class == ERROR_NONE)
            error_set(&err, ERROR_DATA, "", "no recipient is in a state for this");
    }
    output_number(cli->out, id);
    output_text(cli->out, count > 0 ? verb->event : NULL);
    output_number(cli->out, count);
    output_text(cli->out, err.text);
    output_row_end(cli->out);
    clear(&changes);
    return status;
}

static int change(struct cli *cli, int argc, char **argv, const struct verb *verb)
{
    struct cli_flag flags[] = {{"reason", true, NULL}};
    int status = cli_flags(cli, &argc, &argv, flags, 1, 1, 100000, verb->usage);
    uint64_t id;

    if (status != 0)
        return status;
    for (int i = 0; i < argc; i++) {
        if (text_parse_number(argv[i], &id) != 0)
            return cli_wrong(CLI_USAGE, "\"%s\" is not the ID of a message", argv[i]);
    }
    if ((status = cli_store(cli)) != 0 || (status = cli_relaylog(cli)) != 0)
        return status;
    output_begin(cli->out, OUTPUT_TABLE, "change", NULL, NULL, columns,
                 sizeof columns / sizeof columns[0]);
    for (int i = 0; i < argc; i++) {
        if (text_parse_number(argv[i], &id) == 0 &&
            change_one(cli, verb, id, flags[0].value != NULL ? flags[0].value : "") != CLI_DONE)
            status = CLI_WRONG;
    }
    output_end(cli->out);
    spool_wake(cli->settings);
    return status;
}

int cmd_queue_hold(struct cli *cli, int argc, char **argv)
{
    static const struct verb verb = {VERB_HOLD, "held", "queue hold ID... [--reason TEXT]",
                                     1u << RECIPIENT_QUEUED};

    return change(cli, argc, argv, &verb);
}

int cmd_queue_release(struct cli *cli, int argc, char **argv)
{
    static const struct verb verb = {VERB_RELEASE, "released", "queue release ID...",
                                     1u << RECIPIENT_HELD};

    return change(cli, argc, argv, &verb);
}

int cmd_queue_retry(struct cli *cli, int argc, char **argv)
{
    static const struct verb verb = {VERB_RETRY, "retried", "queue retry ID...",
                                     1u << RECIPIENT_QUEUED | 1u << RECIPIENT_FAILED};

    return change(cli, argc, argv, &verb);
}

int cmd_queue_return(struct cli *cli, int argc, char **argv)
{
    static const struct verb verb = {VERB_RETURN, "returned", "queue return ID... [--reason TEXT]",
                                     1u << RECIPIENT_QUEUED | 1u << RECIPIENT_HELD};

    return change(cli, argc, argv, &verb);
}

int cmd_queue_delete(struct cli *cli, int argc, char **argv)
{
    static const struct verb verb = {VERB_DELETE, "deleted", "queue delete ID... [--reason TEXT]",
                                     1u << RECIPIENT_QUEUED | 1u << RECIPIENT_HELD |
                                         1u << RECIPIENT_FAILED};

    return change(cli, argc, argv, &verb);
}
