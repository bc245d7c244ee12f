/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * "user baseline": what lies in a mailbag when a user is migrated. The migration copies it, so it
 * is never relayed (Q190423, Q151197). It is read whole first and stored in one transaction, so
 * that nothing waits for the postoffice meanwhile.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "cli/cmd-user.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct output_column columns[] = {
    {"user", "USER", 0},
    {"mailbag", "MAILBAG", 0},
    {"items", "ITEMS", 0},
    {"unreadable", "UNREADABLE", 0},
};

static int store_items(struct store *store, const struct user_pick *pick,
                       const struct user_mailbag *mailbag, struct error *err)
{
    const char *postoffice = pick->postoffice->name;

    if (store_clear_baseline(store, postoffice, pick->mailbox, err) != 0)
        return -1;
    for (size_t i = 0; i < mailbag->count; i++) {
        const struct user_item *item = &mailbag->items[i];
        struct store_baseline row = {
            .fingerprint = item->fingerprint, .header = item->header, .mai = item->mai};

        if (store_add_baseline(store, postoffice, pick->mailbox, &row, err) != 0)
            return -1;
    }
    return 0;
}

/* Whether the row, as it is now, lets a baseline be taken. */
static bool may_take(struct user_command *command, const struct user_pick *pick,
                     const struct user_row *row, bool again)
{
    int from = row->found ? (int)row->state : -1;

    if (user_transition_allowed(from, USER_BASELINE, again ? "again" : "baseline") ||
        user_transition_allowed(from, USER_BASELINE, "baseline"))
        return true;
    if (!pick->named) {
        command->skipped++;
        return false;
    }
    user_refuse(command, pick,
                "is %s: a new baseline would take mail that came since for migrated, and it would "
                "never be relayed. When he has just been migrated once more: --again",
                user_state_name(row->state));
    return false;
}

/* Inside a transaction. 0 done, 1 refused, -1. */
static int record(struct user_command *command, const struct user_pick *pick, bool again,
                  const struct access2_user *who, const struct user_mailbag *mailbag,
                  struct error *err)
{
    struct store *store = command->cli->store;
    int64_t now = clock_now_ms();
    struct store_user user = {.postoffice = pick->postoffice->name,
                              .mailbox = who->name,
                              .mailbag = who->mailbag,
                              .state = USER_BASELINE,
                              .since_ms = now,
                              .baseline_ms = now,
                              .fault = ""};
    struct user_row row;

    if (user_row_get(store, pick, &row, err) != 0)
        return -1;
    if (!may_take(command, pick, &row, again))
        return 1;
    if (store_items(store, pick, mailbag, err) != 0 || store_put_user(store, &user, err) != 0 ||
        user_drop_alarm(store, pick, row.found ? row.mailbox : who->name, err) != 0)
        return -1;
    return user_look_again(store, command->cli->settings, pick, who->mailbag, err);
}

static int record_now(struct user_command *command, const struct user_pick *pick, bool again,
                      const struct access2_user *who, const struct user_mailbag *mailbag,
                      struct error *err)
{
    struct store *store = command->cli->store;
    int status;

    if (store_begin(store, err) != 0)
        return -1;
    status = record(command, pick, again, who, mailbag, err);
    if (status == 0)
        return store_commit(store, err);
    store_rollback(store);
    return status;
}

static void show(struct user_command *command, const struct user_pick *pick, const char *number,
                 const struct user_mailbag *mailbag)
{
    struct output *out = command->cli->out;
    char reason[64];

    snprintf(reason, sizeof reason, "%zu items, %zu unreadable", mailbag->count,
             mailbag->unreadable);
    user_log(command, pick, "user-baseline", number, reason);
    output_text(out, pick->name);
    output_text(out, number);
    output_number(out, mailbag->count);
    output_number(out, mailbag->unreadable);
    output_row_end(out);
}

static int take(struct user_command *command, const struct user_pick *pick, bool again,
                struct error *err)
{
    const struct access2_user *who;
    struct user_mailbag mailbag = {0};
    struct user_row row;
    int status;

    if (user_row_get(command->cli->store, pick, &row, err) != 0)
        return -1;
    if (!may_take(command, pick, &row, again))
        return 0;
    if (user_office_open(&command->office, pick, err) != 0 ||
        user_identify(&command->office, pick, &who, err) != 0)
        return -1;
    status =
        user_mailbag_read(command->cli->settings, pick, who->mailbag, NULL, NULL, &mailbag, err);
    if (status == 0)
        status = record_now(command, pick, again, who, &mailbag, err);
    if (status == 0)
        show(command, pick, who->mailbag, &mailbag);
    user_mailbag_clear(&mailbag);
    return status < 0 ? -1 : 0;
}

static void take_all(struct user_command *command, bool again)
{
    struct error err;

    for (size_t i = 0; i < command->count; i++) {
        const struct user_pick *pick = &command->picks[i];

        error_clear(&err);
        if (user_is_special(command, pick) || take(command, pick, again, &err) == 0)
            ;
        else if (!pick->named && err.sys == ENOENT)
            command->absent++;
        else
            user_refuse(command, pick, "%s", err.text);
        bar_update(&command->bar, i + 1);
    }
}

int cmd_user_baseline(struct cli *cli, int argc, char **argv)
{
    static const char usage[] = "user baseline NET/PO/USER... [--again] | --all PO";
    struct cli_flag flags[] = {{"all", true, NULL}, {"again", false, NULL}};
    struct user_command command = {.cli = cli};
    int status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 0, 10000, usage);

    if (status != 0)
        return status;
    if (flags[0].value != NULL && flags[1].value != NULL)
        return cli_wrong(CLI_USAGE, "--again is for users whom you name, never for --all");
    status = user_command_begin(&command, argv, argc, flags[0].value, usage);
    if (status == 0)
        status = cli_relaylog(cli);
    if (status == 0) {
        output_begin(cli->out, OUTPUT_TABLE, "baseline", NULL, NULL, columns, COUNT_OF(columns));
        take_all(&command, flags[1].value != NULL);
        cli_bar_hide(&command.bar);
        output_end(cli->out);
        if (command.skipped != 0)
            output_note(cli->out, "%zu users are past their baseline and were left alone",
                        command.skipped);
        if (command.absent != 0)
            output_note(cli->out, "%zu users of the map have no mailbox there", command.absent);
    }
    return user_command_end(&command, status);
}
