/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/cmd-queue.h"

#include <string.h>

#include "base/clock.h"
#include "cli/text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct output_column columns[] = {
    {"id", "ID", 0},         {"recipient", "RCPT", 0},   {"state", "STATE", 0},
    {"postoffice", NULL, 0}, {"queue", "QUEUE", 21},     {"mailbag", NULL, 0},
    {"mai", "MAI", 12},      {"priority", NULL, 0},      {"size", "SIZE", 0},
    {"from", "FROM", 30},    {"original", NULL, 0},      {"to", "TO", 30},
    {"message_id", NULL, 0}, {"subject", "SUBJECT", 30}, {"date", NULL, 0},
    {"received", NULL, 0},   {"age", "AGE", 0},          {"expires", NULL, 0},
    {"tries", "TRIES", 0},   {"next", "NEXT", 0},        {"changed", NULL, 0},
    {"doubt", NULL, 0},      {"reported", NULL, 0},      {"report_of", NULL, 0},
    {"status", NULL, 0},     {"relay", NULL, 0},         {"reply", "LAST REPLY", 60},
};

struct list {
    struct cli *cli;
    int64_t now_ms;
    bool states[RECIPIENT_STATES];
    uint64_t limit, shown, last; /* limit 0: none */
    bool more;
};

static void show_row(const struct list *list, const struct store_view *view)
{
    struct output *out = list->cli->out;
    char priority[2] = {view->priority, '\0'};

    output_number(out, view->id);
    output_number(out, view->recipient);
    output_text(out, recipient_state_name(view->state));
    output_text(out, view->postoffice);
    output_text(out, view->queue);
    output_text(out, view->mailbag);
    output_text(out, view->mai);
    output_text(out, priority);
    output_size(out, view->size);
    output_text(out, view->sender);
    output_text(out, view->original);
    output_text(out, view->address);
    output_text(out, view->message_id);
    output_text(out, view->subject);
    output_time(out, view->date_ms);
    output_time(out, view->received_ms);
    output_duration(out, list->now_ms - view->received_ms);
    output_time(out, view->expires_ms);
    output_number(out, view->tries);
    output_time(out, view->state == RECIPIENT_QUEUED ? view->due_ms : 0);
    output_time(out, view->changed_ms);
    output_flag(out, view->doubt);
    output_flag(out, view->reported);
    if (view->report_of != 0)
        output_number(out, view->report_of);
    else
        output_text(out, NULL);
    output_text(out, view->status);
    output_text(out, view->relay);
    output_text(out, view->reply);
    output_row_end(out);
}

static int see_row(void *context, const struct store_view *view)
{
    struct list *list = context;

    if (!list->states[view->state])
        return 0;
    if (list->limit > 0 && list->shown == list->limit) {
        list->more = true;
        return 1;
    }
    show_row(list, view);
    list->shown++;
    list->last = view->recipient;
    return 0;
}

/* "queued,held", "open" (all that is not final), NULL (all). */
static int parse_states(const char *text, bool states[RECIPIENT_STATES])
{
    enum recipient_state state;
    char word[16];

    for (int i = 0; i < RECIPIENT_STATES; i++)
        states[i] = text == NULL;
    while (text != NULL && *text != '\0') {
        size_t size = strcspn(text, ",");

        if (size >= sizeof word)
            return -1;
        memcpy(word, text, size);
        word[size] = '\0';
        if (strcmp(word, "open") == 0)
            states[RECIPIENT_QUEUED] = states[RECIPIENT_SENDING] = states[RECIPIENT_HELD] = true;
        else if (recipient_state_from_name(word, &state) == 0)
            states[state] = true;
        else
            return -1;
        text += size + (text[size] == ',');
    }
    return 0;
}

/* One state goes to the store, which has an index for it; several are chosen here. */
static void choose_state(const struct list *list, struct store_filter *filter,
                         enum recipient_state *only)
{
    unsigned count = 0;

    for (int i = 0; i < RECIPIENT_STATES; i++) {
        if (list->states[i]) {
            *only = (enum recipient_state)i;
            count++;
        }
    }
    if (count == 1)
        filter->state = only;
}

int cmd_queue_list(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {
        {"state", true, NULL}, {"rcpt", true, NULL}, {"limit", true, NULL}, {"after", true, NULL}};
    struct list list = {.cli = cli, .now_ms = clock_now_ms()};
    struct store_filter filter = {.id = 0};
    enum recipient_state only = RECIPIENT_QUEUED;
    struct error err;
    int result, status;

    status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 0, 0,
                       "queue list [--state STATE[,STATE]] [--rcpt TEXT] [--limit N] [--after N]");
    if (status != 0)
        return status;
    if (parse_states(flags[0].value, list.states) != 0)
        return cli_wrong(CLI_USAGE,
                         "--state %s: queued, sending, held, sent, failed, deleted, or open",
                         flags[0].value);
    if ((flags[2].value != NULL && text_parse_number(flags[2].value, &list.limit) != 0) ||
        (flags[3].value != NULL && text_parse_number(flags[3].value, &filter.after) != 0))
        return cli_wrong(CLI_USAGE, "--limit and --after need a number of 1 or more");
    status = cli_store(cli);
    if (status != 0)
        return status;
    filter.address = flags[1].value;
    choose_state(&list, &filter, &only);
    output_begin(cli->out, OUTPUT_TABLE, "recipient", NULL, "nothing", columns, COUNT_OF(columns));
    result = store_list(cli->store, &filter, see_row, &list, &err);
    if (result != 0)
        output_cut_short(cli->out);
    output_end(cli->out);
    if (result != 0)
        return cli_fail(&err);
    if (list.more)
        output_note(cli->out, "there are more: --after %llu", (unsigned long long)list.last);
    return CLI_DONE;
}

int cmd_queue(struct cli *cli, int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"list", cmd_queue_list, "", "recipients and their states"},
        {"show", cmd_queue_show, "ID", "one message"},
        {"export", cmd_queue_export, "ID FILE", "one message into a file"},
        {"hold", cmd_queue_hold, "ID...", "stop trying"},
        {"release", cmd_queue_release, "ID...", "try what was held"},
        {"retry", cmd_queue_retry, "ID...", "try now, also what failed"},
        {"return", cmd_queue_return, "ID...", "fail it with a report"},
        {"delete", cmd_queue_delete, "ID...", "fail it without a report"},
    };

    return cli_dispatch(cli, "queue", verbs, COUNT_OF(verbs), argc, argv);
}
