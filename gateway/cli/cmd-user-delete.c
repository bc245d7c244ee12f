/* SPDX-License-Identifier: BSD-2-Clause */
/* "can-delete": whether anything would be lost with a mailbox. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cli/cmd-user.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define MOST_ITEMS 5 /* told one by one */

struct judging {
    struct user_command *command;
    const struct user_pick *pick;
    const struct user_row *row;
    user_reason *told;
    void *context;
    struct user_verdict *out;
};

static void tell(struct judging *judging, const char *remedy, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void tell(struct judging *judging, const char *remedy, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    judging->out->reasons++;
    judging->told(judging->context, text, remedy);
}

/* ---- the state and the queue ---- */

static void judge_state(struct judging *judging)
{
    const struct user_row *row = judging->row;

    if (!row->found)
        tell(judging, "\"user baseline\" and \"user activate\" first",
             "nobody has moved him: no baseline was taken and his mailbag was never swept");
    else if (row->state == USER_BASELINE)
        tell(judging, "\"user activate\" first", "his mailbag is not swept yet");
    /* That the mailbox is gone is a fault for the sweep, and what is wanted here. */
    if (row->found && row->fault[0] != '\0' && !judging->out->gone)
        tell(judging, "see to the cause, then \"user activate\"", "he is not swept: %s",
             row->fault);
}

static int judge_queue(struct judging *judging, struct error *err)
{
    static const struct {
        enum recipient_state state;
        const char *remedy;
    } open[] = {
        {RECIPIENT_QUEUED, "wait for the relay, or look at \"queue list --state queued\""},
        {RECIPIENT_SENDING, "wait for the relay"},
        {RECIPIENT_HELD, "\"queue list --state held\": release, return or delete it"},
    };
    struct store_user_counts *counts = &judging->out->counts;

    if (store_count_user(judging->command->cli->store, judging->pick->name, counts, err) != 0)
        return -1;
    for (size_t i = 0; i < COUNT_OF(open); i++) {
        uint64_t count = counts->recipients[open[i].state];

        if (count != 0)
            tell(judging, open[i].remedy, "%" PRIu64 " message%s for him %s %s", count,
                 count == 1 ? "" : "s", count == 1 ? "is" : "are",
                 recipient_state_name(open[i].state));
    }
    if (counts->doubtful != 0)
        tell(judging, "wait for its result, or see \"trace\" and decide",
             "%" PRIu64 " message%s for him in doubt: sent, and no answer came", counts->doubtful,
             counts->doubtful == 1 ? " is" : "s are");
    return 0;
}

/* ---- the mailbag ---- */

static int in_baseline(void *context, const uint8_t *header, struct error *err)
{
    const struct judging *judging = context;

    return store_in_baseline(judging->command->cli->store, judging->pick->postoffice->name,
                             judging->pick->mailbox, header, NULL, err);
}

static void tell_item(struct judging *judging, const struct user_item *item)
{
    if (item->problem[0] != '\0')
        tell(judging, "repair or remove it with the postoffice's own programs",
             "record %u (message %s) cannot be read: %s", (unsigned)item->record, item->mai,
             item->problem);
    else
        tell(judging, "wait for the next sweep; \"status --remains\" tells why one stays",
             "record %u (message %s) lies in mailbag %s and is not in the baseline",
             (unsigned)item->record, item->mai, judging->out->mailbag);
}

/* A header may have changed since the baseline: then the message itself tells. */
static int judge_items(struct judging *judging, const struct user_mailbag *mailbag,
                       struct error *err)
{
    size_t others = 0;

    judging->out->baseline_items = mailbag->known;
    for (size_t i = 0; i < mailbag->count; i++) {
        const struct user_item *item = &mailbag->items[i];
        int known = store_in_baseline(judging->command->cli->store, judging->pick->postoffice->name,
                                      judging->pick->mailbox, NULL, item->fingerprint, err);

        if (known < 0)
            return -1;
        if (known > 0)
            judging->out->baseline_items++;
        else if (others++ < MOST_ITEMS)
            tell_item(judging, item);
    }
    if (others > MOST_ITEMS)
        tell(judging, "wait for the next sweep", "and %zu more items", others - MOST_ITEMS);
    return 0;
}

static int judge_mailbag(struct judging *judging, struct error *err)
{
    struct user_mailbag mailbag;
    int status = user_mailbag_read(judging->command->cli->settings, judging->pick,
                                   judging->out->mailbag, in_baseline, judging, &mailbag, err);

    if (status == 0)
        status = judge_items(judging, &mailbag, err);
    user_mailbag_clear(&mailbag);
    return status;
}

/* ---- a mailbox that is not there any more ---- */

struct gone {
    struct judging *judging;
    size_t lost;
};

static int count_lost(void *context, const struct store_live *item)
{
    struct gone *gone = context;

    gone->lost += in_baseline(gone->judging, item->header, NULL) == 0;
    return 0;
}

/* What was seen at the last sweep and neither relayed nor collected went with it. */
static int judge_gone(struct judging *judging, struct error *err)
{
    const struct settings *settings = judging->command->cli->settings;
    struct gone gone = {judging, 0};

    judging->out->gone = true;
    for (size_t i = 0; i < settings->postoffice_count && judging->row->found; i++) {
        const struct settings_postoffice *postoffice = &settings->postoffices[i];

        if (strcasecmp(postoffice->name, judging->pick->postoffice->name) == 0 &&
            store_list_live(judging->command->cli->store, postoffice->title, judging->row->mailbag,
                            count_lost, &gone, err) != 0)
            return -1;
    }
    if (gone.lost != 0)
        tell(judging,
             "drain a backup of the postoffice that still has them; then \"user close --lost\"",
             "the mailbox is not there any more, and %zu items that were not relayed went with it",
             gone.lost);
    return 1;
}

/* 0: his mailbag is to be looked at; 1: it is not, and that was told or is no matter; -1. */
static int judge_identity(struct judging *judging, struct error *err)
{
    const struct access2_user *user;

    if (user_office_open(&judging->command->office, judging->pick, err) != 0)
        return -1;
    if (user_identify(&judging->command->office, judging->pick, &user, err) != 0) {
        if (err->sys == ENOENT)
            return judge_gone(judging, err);
        tell(judging, "then ask again", "%s", err->text);
        return 1;
    }
    snprintf(judging->out->mailbag, sizeof judging->out->mailbag, "%s", user->mailbag);
    if (!judging->row->found || strcasecmp(judging->row->mailbag, user->mailbag) == 0)
        return 0;
    tell(judging, "see whose mail lies there, then \"user baseline --again\"",
         "his mailbag was %s and is %s now: numbers are given again (Q117738)",
         judging->row->mailbag, user->mailbag);
    return 1;
}

int user_judge(struct user_command *command, const struct user_pick *pick,
               const struct user_row *row, user_reason *told, void *context,
               struct user_verdict *out, struct error *err)
{
    struct judging judging = {command, pick, row, told, context, out};
    int looked;

    memset(out, 0, sizeof *out);
    looked = judge_identity(&judging, err);
    if (looked < 0)
        return -1;
    judge_state(&judging);
    if (judge_queue(&judging, err) != 0)
        return -1;
    return looked == 0 ? judge_mailbag(&judging, err) : 0;
}

/* ---- the command ---- */

static const struct output_column reason_columns[] = {
    {"user", "", 0}, {"reason", "", 0}, {"remedy", "", 0}};
static const struct output_column verdict_columns[] = {
    {"user", NULL, 0}, {"can_delete", NULL, 0},     {"state", NULL, 0}, {"mailbag", NULL, 0},
    {"gone", NULL, 0}, {"baseline_items", NULL, 0}, {"sent", NULL, 0},  {"failed", NULL, 0},
};

struct asking {
    struct user_command *command;
    const struct user_pick *pick;
};

static void show_reason(void *context, const char *reason, const char *remedy)
{
    struct asking *asking = context;
    struct output *out = asking->command->cli->out;

    output_text(out, asking->pick->name);
    output_text(out, reason);
    output_text(out, remedy);
    output_row_end(out);
}

static void show_verdict(struct output *out, const struct user_pick *pick,
                         const struct user_row *row, const struct user_verdict *verdict)
{
    const struct store_user_counts *counts = &verdict->counts;

    output_begin(out, OUTPUT_RECORD, "can_delete", NULL, NULL, verdict_columns,
                 COUNT_OF(verdict_columns));
    output_text(out, pick->name);
    output_flag(out, verdict->reasons == 0);
    output_text(out, row->found ? user_state_name(row->state) : NULL);
    output_text(out, verdict->mailbag);
    output_flag(out, verdict->gone);
    output_number(out, verdict->baseline_items);
    output_number(out, counts->recipients[RECIPIENT_SENT]);
    output_number(out, counts->recipients[RECIPIENT_FAILED]);
    output_row_end(out);
    output_end(out);
    if (verdict->reasons != 0)
        return;
    if (verdict->gone)
        output_note(out, "%s: nothing waits for him; the mailbox is not there any more",
                    pick->name);
    else
        output_note(out,
                    "%s: nothing would be lost with mailbag %s; %" PRIu64
                    " items of the baseline lie there and count as migrated",
                    pick->name, verdict->mailbag, verdict->baseline_items);
    if (row->state == USER_ACTIVE)
        output_note(out, "He is active: mail may still come. \"user drain\" him, ask again, delete "
                         "the mailbox at once, then \"user close\".");
    if (counts->recipients[RECIPIENT_FAILED] != 0)
        output_note(out, "%" PRIu64 " messages for him failed: see \"queue list --state failed\".",
                    counts->recipients[RECIPIENT_FAILED]);
}

static int ask(struct user_command *command)
{
    const struct user_pick *pick = &command->picks[0];
    struct asking asking = {command, pick};
    struct user_verdict verdict = {0};
    struct user_row row;
    struct error err;
    int result;

    if (user_row_get(command->cli->store, pick, &row, &err) != 0)
        return cli_fail(&err);
    output_begin(command->cli->out, OUTPUT_LINES, "reason", NULL, NULL, reason_columns,
                 COUNT_OF(reason_columns));
    result = user_judge(command, pick, &row, show_reason, &asking, &verdict, &err);
    output_end(command->cli->out);
    if (result != 0)
        return cli_wrong(CLI_WRONG, "%s: %s", pick->name, err.text);
    show_verdict(command->cli->out, pick, &row, &verdict);
    return verdict.reasons == 0 ? CLI_DONE : CLI_WRONG;
}

int cmd_can_delete(struct cli *cli, int argc, char **argv)
{
    static const char usage[] = "can-delete NET/PO/USER";
    struct user_command command = {.cli = cli};
    int status = cli_flags(cli, &argc, &argv, NULL, 0, 1, 1, usage);

    if (status != 0)
        return status;
    status = user_command_begin(&command, argv, argc, NULL, usage);
    if (status == 0)
        status = ask(&command);
    return user_command_end(&command, status);
}
