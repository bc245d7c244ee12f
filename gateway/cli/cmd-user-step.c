/* SPDX-License-Identifier: BSD-2-Clause */
/* "user activate", "user drain" and "user close": a user goes from one state to the next. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "cli/cmd-user.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct output_column columns[] = {
    {"user", "USER", 0},       {"state", "STATE", 0},
    {"mailbag", "MAILBAG", 0}, {"baseline_items", "BASELINE", 0},
    {"note", "NOTE", 0},
};

static void show(struct user_command *command, const struct user_pick *pick,
                 const struct store_user *user, const char *note)
{
    struct output *out = command->cli->out;

    output_text(out, pick->name);
    output_text(out, user_state_name(user->state));
    output_text(out, user->mailbag);
    output_number(out, user->baseline_items);
    output_text(out, note);
    output_row_end(out);
}

static struct store_user user_of(const struct user_pick *pick, const struct user_row *row)
{
    return (struct store_user){
        .postoffice = pick->postoffice->name,
        .mailbox = row->found ? row->mailbox : pick->mailbox,
        .mailbag = row->mailbag,
        .state = row->state,
        .since_ms = row->since_ms,
        .baseline_ms = row->baseline_ms,
        .baseline_items = row->baseline_items,
        .fault = row->fault,
    };
}

/* ---- activate ---- */

struct activation {
    struct user_command *command;
    const struct user_pick *pick;
    bool no_baseline; /* what lies there is relayed, too */
    struct user_row row;
    const struct access2_user *who;
    struct store_user done; /* as it was stored; its texts are here and in the postoffice's table */
};

static bool is_mapped(const struct activation *activation)
{
    const struct map_entry *entry = user_mapped(activation->command, activation->pick);

    if (entry != NULL && entry->active)
        return true;
    if (!activation->pick->named)
        activation->command->skipped++;
    else
        user_refuse(activation->command, activation->pick,
                    entry == NULL ? "is not in the map: nobody would know where to relay his mail; "
                                    "add a line to %s"
                                  : "is pending in the map: make the line active in %s first",
                    activation->command->cli->settings->map);
    return false;
}

/* Whether the row lets him be activated. */
static bool may_activate(const struct activation *activation)
{
    const struct user_row *row = &activation->row;
    struct user_command *command = activation->command;

    if (!activation->pick->named && row->found && row->state != USER_BASELINE) {
        command->skipped++;
        return false;
    }
    if (!row->found && activation->no_baseline)
        return true;
    if (row->found && user_transition_allowed((int)row->state, USER_ACTIVE, "activated"))
        return true;
    if (!activation->pick->named)
        command->skipped++;
    else if (!row->found)
        user_refuse(command, activation->pick,
                    "has no baseline: mail that the migration copied would come twice. Take one "
                    "with \"user baseline\" when he is migrated, or say --no-baseline to relay "
                    "everything that lies in his mailbag");
    else
        user_refuse(command, activation->pick,
                    "is %s: take a new baseline with \"user baseline --again\" first",
                    user_state_name(row->state));
    return false;
}

/* The mailbag must be the one whose baseline was taken. */
static int check_identity(struct activation *activation, struct error *err)
{
    const struct user_pick *pick = activation->pick;
    const struct access2_user *user;

    if (user_office_open(&activation->command->office, pick, err) != 0 ||
        user_identify(&activation->command->office, pick, &user, err) != 0)
        return -1;
    activation->who = user;
    if (!activation->row.found || strcasecmp(activation->row.mailbag, user->mailbag) == 0)
        return 0;
    return error_set(err, ERROR_DATA, "",
                     "his mailbag was %s and is %s now: numbers are given again (Q117738). See "
                     "whose mail lies there, then \"user baseline --again\"",
                     activation->row.mailbag, user->mailbag);
}

static const char *activation_note(const struct activation *activation)
{
    const struct user_row *row = &activation->row;

    if (row->found && row->fault[0] != '\0')
        return "the fault is cleared";
    if (row->found && row->state == USER_ACTIVE && !activation->no_baseline)
        return "was active already";
    return activation->no_baseline ? "all that lies there will be relayed" : "";
}

/* Inside a transaction: 0 done, 1 not allowed any more, -1. */
static int activate_row(struct activation *activation, struct error *err)
{
    struct store *store = activation->command->cli->store;
    const struct user_pick *pick = activation->pick;
    struct store_user user;

    if (user_row_get(store, pick, &activation->row, err) != 0)
        return -1;
    if (!may_activate(activation))
        return 1;
    if (check_identity(activation, err) != 0)
        return -1;
    user = user_of(pick, &activation->row);
    if (!activation->row.found || user.state != USER_ACTIVE)
        user.since_ms = clock_now_ms();
    user.state = USER_ACTIVE;
    user.mailbag = activation->who->mailbag;
    if (!activation->row.found)
        user.mailbox = activation->who->name;
    user.fault = "";
    if (activation->no_baseline) {
        user.baseline_ms = 0;
        user.baseline_items = 0;
        if (store_clear_baseline(store, user.postoffice, user.mailbox, err) != 0)
            return -1;
    }
    if (store_put_user(store, &user, err) != 0 ||
        user_drop_alarm(store, pick, user.mailbox, err) != 0 ||
        user_look_again(store, activation->command->cli->settings, pick, user.mailbag, err) != 0)
        return -1;
    activation->done = user;
    return 0;
}

/* 0 done, 1 not allowed, -1. */
static int activate_now(struct store *store, struct activation *activation, struct error *err)
{
    int status;

    if (store_begin(store, err) != 0)
        return -1;
    status = activate_row(activation, err);
    if (status == 0)
        return store_commit(store, err);
    store_rollback(store);
    return status;
}

static int activate(struct user_command *command, const struct user_pick *pick, bool no_baseline,
                    struct error *err)
{
    struct activation activation = {.command = command, .pick = pick, .no_baseline = no_baseline};
    int status;

    if (user_is_special(command, pick) || !is_mapped(&activation))
        return 0;
    /* What takes time is done before the queue is locked for others. */
    if (user_office_open(&command->office, pick, err) != 0)
        return -1;
    status = activate_now(command->cli->store, &activation, err);
    if (status == 0) {
        const char *note = activation_note(&activation);

        show(command, pick, &activation.done, note);
        user_log(command, pick, "user-activated", activation.done.mailbag, note);
    }
    return status < 0 ? -1 : 0;
}

int cmd_user_activate(struct cli *cli, int argc, char **argv)
{
    static const char usage[] = "user activate NET/PO/USER... | --all PO [--no-baseline]";
    struct cli_flag flags[] = {{"all", true, NULL}, {"no-baseline", false, NULL}};
    struct user_command command = {.cli = cli};
    struct error err;
    int status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 0, 10000, usage);

    if (status != 0)
        return status;
    status = user_command_begin(&command, argv, argc, flags[0].value, usage);
    if (status == 0)
        status = cli_relaylog(cli);
    if (status != 0)
        return user_command_end(&command, status);
    output_begin(cli->out, OUTPUT_TABLE, "user", NULL, NULL, columns, COUNT_OF(columns));
    for (size_t i = 0; i < command.count; i++) {
        error_clear(&err);
        if (activate(&command, &command.picks[i], flags[1].value != NULL, &err) == 0)
            ;
        else if (!command.picks[i].named && err.sys == ENOENT)
            command.absent++;
        else
            user_refuse(&command, &command.picks[i], "%s", err.text);
    }
    output_end(cli->out);
    if (command.skipped + command.absent != 0)
        output_note(cli->out,
                    "%zu users of the map were left alone: not in the state baseline, "
                    "pending, or without a mailbox",
                    command.skipped + command.absent);
    return user_command_end(&command, status);
}

/* ---- drain and close ---- */

struct step {
    enum user_state to;
    const char *event, *log_event;
    const char *advice; /* when the state does not allow it */
};

static const struct step draining = {
    .to = USER_DRAINING,
    .event = "draining",
    .log_event = "user-draining",
    .advice = "only who is active can be drained: \"user activate\" first",
};
static const struct step closing = {
    .to = USER_CLOSED,
    .event = "closed",
    .log_event = "user-closed",
    .advice = "only who is draining can be closed: \"user drain\" first",
};

static void refuse_reason(void *context, const char *reason, const char *remedy)
{
    struct user_command *command = context;

    user_refuse(command, &command->picks[0], "%s; %s", reason, remedy);
}

static void ignore_reason(void *context, const char *reason, const char *remedy)
{
    (void)context;
    (void)reason;
    (void)remedy;
}

/* 0: may be closed; 1: not, and told; -1. LOST: what went with a mailbox that is not there any more
 * does not count. */
static int may_close(struct user_command *command, const struct user_row *row, bool lost,
                     struct error *err)
{
    const struct user_pick *pick = &command->picks[0];
    struct user_verdict verdict = {0};

    if (user_judge(command, pick, row, ignore_reason, NULL, &verdict, err) != 0)
        return -1;
    if (verdict.reasons == 0 || (verdict.gone && lost))
        return 0;
    return user_judge(command, pick, row, refuse_reason, command, &verdict, err) != 0 ? -1 : 1;
}

struct stepped {
    struct user_row row;
    struct store_user user; /* its texts are in ROW */
};

/* The state may have changed while the mailbag was looked at: it is asked again. */
static int put_step(struct user_command *command, const struct step *step, struct stepped *row_done,
                    struct error *err)
{
    struct store *store = command->cli->store;
    struct user_pick *pick = &command->picks[0];
    struct store_user user;
    struct user_row row;

    if (user_row_get(store, pick, &row, err) != 0)
        return -1;
    if (!row.found || !user_transition_allowed((int)row.state, step->to, step->event))
        return error_set(err, ERROR_DATA, "", "is %s: %s",
                         row.found ? user_state_name(row.state) : "new", step->advice);
    user = user_of(pick, &row);
    user.state = step->to;
    user.since_ms = clock_now_ms();
    if (step->to == USER_CLOSED)
        user.fault = "";
    if (store_put_user(store, &user, err) != 0 ||
        (step->to == USER_CLOSED && user_drop_alarm(store, pick, user.mailbox, err) != 0))
        return -1;
    row_done->row = row;
    row_done->user = user_of(pick, &row_done->row);
    row_done->user.state = user.state;
    return 0;
}

static int take_step(struct user_command *command, const struct step *step, bool lost,
                     struct error *err)
{
    struct store *store = command->cli->store;
    struct stepped done = {.row = {.found = false}};
    struct user_row row;
    int status = 0;

    if (user_row_get(store, &command->picks[0], &row, err) != 0)
        return -1;
    if (step->to == USER_CLOSED && row.found && row.state == USER_DRAINING)
        status = may_close(command, &row, lost, err);
    if (status != 0)
        return status < 0 ? -1 : 0;
    if (store_begin(store, err) != 0)
        return -1;
    if (put_step(command, step, &done, err) != 0) {
        store_rollback(store);
        return -1;
    }
    if (store_commit(store, err) != 0)
        return -1;
    show(command, &command->picks[0], &done.user, "");
    user_log(command, &command->picks[0], step->log_event, done.user.mailbag, "");
    return 0;
}

static int run_step(struct cli *cli, int argc, char **argv, const struct step *step,
                    const char *usage)
{
    struct cli_flag lost = {"lost", false, NULL};
    struct user_command command = {.cli = cli};
    struct error err;
    int status = cli_flags(cli, &argc, &argv, &lost, step == &closing, 1, 1, usage);

    if (status != 0)
        return status;
    status = user_command_begin(&command, argv, argc, NULL, usage);
    if (status == 0)
        status = cli_relaylog(cli);
    if (status == 0) {
        output_begin(cli->out, OUTPUT_TABLE, "user", NULL, NULL, columns, COUNT_OF(columns));
        if (take_step(&command, step, lost.value != NULL, &err) != 0)
            user_refuse(&command, &command.picks[0], "%s", err.text);
        output_end(cli->out);
    }
    return user_command_end(&command, status);
}

int cmd_user_drain(struct cli *cli, int argc, char **argv)
{
    return run_step(cli, argc, argv, &draining, "user drain NET/PO/USER");
}

int cmd_user_close(struct cli *cli, int argc, char **argv)
{
    return run_step(cli, argc, argv, &closing, "user close NET/PO/USER [--lost]");
}
