/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "queue/cutover.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct output_column process_columns[] = {
    {"process", "PROCESS", 0},
    {"pid", "PID", 0},
    {"alive", "ALIVE", 0},
    {"age", "FOR", 0},
};
static const struct output_column postoffice_columns[] = {
    {"title", "POSTOFFICE", 0}, {"name", "NET/PO", 0}, {"sweep_age", "LAST SWEEP", 0},
    {"queued", "QUEUED", 0},    {"left", "LEFT", 0},   {"damaged", "DAMAGED", 0},
    {"error", "ERROR", 0},
};
static const struct output_column queue_columns[] = {
    {"queued", "Queued", 0},     {"sending", "Sending", 0},   {"held", "Held", 0},
    {"sent", "Sent", 0},         {"failed", "Failed", 0},     {"deleted", "Deleted", 0},
    {"messages", "Messages", 0}, {"doubtful", "In doubt", 0}, {"oldest_age", "Oldest", 0},
    {"next_due", "Next due", 0}, {"remains", "Remains", 0},
};
static const struct output_column content_columns[] = {
    {"title", "POSTOFFICE", 0},
    {"undecodable", "UNREADABLE OCTETS", 0},
    {"undecodable_messages", "IN MESSAGES", 0},
    {"dates", "DATES DECIDED", 0},
    {"stripped", "WINMAIL.DAT NOT SENT", 0},
    {"repeated", "FIELDS TWICE", 0},
};
static const struct output_column user_columns[] = {
    {"baseline", "Baseline", 0}, {"active", "Active", 0},   {"draining", "Draining", 0},
    {"closed", "Closed", 0},     {"stopped", "Stopped", 0},
};
static const struct output_column note_columns[] = {
    {"name", "NAME", 0},
    {"age", "SINCE", 0},
    {"detail", "DETAIL", 0},
};
static const struct output_column remain_columns[] = {
    {"title", "POSTOFFICE", 0}, {"postoffice", "NET/PO", 0}, {"mailbag", "MAILBAG", 0},
    {"record", "RECORD", 0},    {"mai", "MAI", 0},           {"cause", "CAUSE", 0},
    {"first_age", "FOR", 0},    {"reason", "REASON", 0},
};

struct status {
    struct cli *cli;
    int64_t now_ms;
    bool wrong;                                   /* something needs the operator */
    const struct settings_postoffice *postoffice; /* that show_postoffice looks for */
    bool found;
};

struct user_totals {
    uint64_t states[USER_STATES], stopped, users;
};

/* A process of ours: a number that was given to another program since does not count. */
static bool alive(long pid)
{
    char path[64], name[32] = "";
    FILE *file;

    if (pid <= 0 || (kill((pid_t)pid, 0) != 0 && errno != EPERM))
        return false;
    snprintf(path, sizeof path, "/proc/%ld/comm", pid);
    file = fopen(path, "re");
    if (file == NULL)
        return errno != ENOENT;
    if (fgets(name, sizeof name, file) == NULL)
        name[0] = '\0';
    fclose(file);
    return strncmp(name, "msmailgw", 8) == 0;
}

static int show_process(void *context, const char *name, const char *value, int64_t at_ms)
{
    struct status *status = context;
    json_t *note = json_loads(value, 0, NULL);
    long pid = (long)json_integer_value(json_object_get(note, "pid"));
    bool lives = alive(pid);

    output_text(status->cli->out, strchr(name, '.') != NULL ? strchr(name, '.') + 1 : name);
    output_number(status->cli->out, (uint64_t)(pid > 0 ? pid : 0));
    output_flag(status->cli->out, lives);
    output_duration(status->cli->out, status->now_ms - at_ms);
    output_row_end(status->cli->out);
    /* A process that ends by itself takes its note away. */
    status->wrong = status->wrong || !lives;
    json_decref(note);
    return 0;
}

static void show_member(struct output *out, const json_t *note, const char *key)
{
    const json_t *value = json_object_get(note, key);

    if (json_is_integer(value) && json_integer_value(value) >= 0)
        output_number(out, (uint64_t)json_integer_value(value));
    else
        output_text(out, json_string_value(value));
}

static int show_postoffice(void *context, const char *name, const char *value, int64_t at_ms)
{
    struct status *status = context;
    struct output *out = status->cli->out;
    const char *title = strchr(name, '.'), *error;
    json_t *note;

    if (title == NULL || strcasecmp(title + 1, status->postoffice->title) != 0)
        return 0;
    note = json_loads(value, 0, NULL);
    error = json_string_value(json_object_get(note, "error"));
    status->found = true;
    output_text(out, status->postoffice->title);
    output_text(out, status->postoffice->name);
    output_duration(out, status->now_ms - at_ms);
    show_member(out, note, "queued");
    show_member(out, note, "left");
    show_member(out, note, "damaged");
    output_text(out, note != NULL ? error : value);
    output_row_end(out);
    status->wrong = status->wrong || (error != NULL && error[0] != '\0');
    json_decref(note);
    return 0;
}

static int show_postoffices(struct status *status, struct error *err)
{
    struct output *out = status->cli->out;
    int result = 0;

    output_begin(out, OUTPUT_TABLE, "postoffice", "\nPostoffices", NULL, postoffice_columns,
                 COUNT_OF(postoffice_columns));
    for (size_t i = 0; i < status->cli->settings->postoffice_count && result == 0; i++) {
        status->postoffice = &status->cli->settings->postoffices[i];
        status->found = false;
        result = store_list_notes(status->cli->store, "postoffice.", show_postoffice, status, err);
        if (result == 0 && !status->found) {
            output_text(out, status->postoffice->title);
            output_text(out, status->postoffice->name);
            output_duration(out, -1);
            for (int cell = 0; cell < 4; cell++)
                output_text(out, NULL);
            output_row_end(out);
        }
    }
    output_end(out);
    return result;
}

static int show_queue(struct status *status, struct error *err)
{
    static const enum recipient_state order[] = {RECIPIENT_QUEUED, RECIPIENT_SENDING,
                                                 RECIPIENT_HELD,   RECIPIENT_SENT,
                                                 RECIPIENT_FAILED, RECIPIENT_DELETED};
    struct output *out = status->cli->out;
    struct store_counts counts;

    if (store_count(status->cli->store, &counts, err) != 0)
        return -1;
    output_begin(out, OUTPUT_RECORD, "queue", "\nQueue (recipients)", NULL, queue_columns,
                 COUNT_OF(queue_columns));
    for (size_t i = 0; i < COUNT_OF(order); i++)
        output_number(out, counts.recipients[order[i]]);
    output_number(out, counts.messages);
    output_number(out, counts.doubtful);
    output_duration(out,
                    counts.oldest_queued_ms > 0 ? status->now_ms - counts.oldest_queued_ms : -1);
    output_time(out, counts.next_due_ms);
    output_number(out, counts.remains);
    output_row_end(out);
    output_end(out);
    return 0;
}

/* ---- users who are being moved ---- */

static int count_user(void *context, const struct store_user *user)
{
    struct user_totals *totals = context;

    totals->states[user->state]++;
    totals->stopped += user->fault[0] != '\0';
    totals->users++;
    return 0;
}

/* Who is stopped has an alarm, too, and "user list" names him. */
static int show_users(struct status *status, struct error *err)
{
    struct output *out = status->cli->out;
    struct user_totals totals = {0};

    if (store_list_users(status->cli->store, NULL, NULL, count_user, &totals, err) != 0)
        return -1;
    if (totals.users == 0)
        return 0;
    output_begin(out, OUTPUT_RECORD, "users", "\nUsers", NULL, user_columns,
                 COUNT_OF(user_columns));
    for (size_t i = 0; i < USER_STATES; i++)
        output_number(out, totals.states[i]);
    output_number(out, totals.stopped);
    output_row_end(out);
    output_end(out);
    status->wrong = status->wrong || totals.stopped != 0;
    return 0;
}

/* Sums since the beginning; "log" and "trace" name the messages. */
static int show_content(void *context, const char *name, const char *value, int64_t at_ms)
{
    struct output *out = ((struct status *)context)->cli->out;
    json_t *note = json_loads(value, 0, NULL);

    (void)at_ms;
    output_text(out, strchr(name, '.') != NULL ? strchr(name, '.') + 1 : name);
    show_member(out, note, "undecodable");
    show_member(out, note, "messages");
    show_member(out, note, "dates");
    show_member(out, note, "stripped");
    show_member(out, note, "repeated");
    output_row_end(out);
    json_decref(note);
    return 0;
}

static int show_contents(struct status *status, struct error *err)
{
    int result;

    output_begin(status->cli->out, OUTPUT_TABLE, "content", "\nContent", NULL, content_columns,
                 COUNT_OF(content_columns));
    result = store_list_notes(status->cli->store, "content.", show_content, status, err);
    output_end(status->cli->out);
    return result;
}

static int show_note(void *context, const char *name, const char *value, int64_t at_ms)
{
    struct status *status = context;

    output_text(status->cli->out, strchr(name, '.') != NULL ? strchr(name, '.') + 1 : name);
    output_duration(status->cli->out, status->now_ms - at_ms);
    output_object(status->cli->out, value);
    output_row_end(status->cli->out);
    status->found = true;
    return 0;
}

static int show_notes(struct status *status, const char *prefix, const char *kind,
                      const char *heading, struct error *err)
{
    int result;

    status->found = false;
    output_begin(status->cli->out, OUTPUT_TABLE, kind, heading, NULL, note_columns,
                 COUNT_OF(note_columns));
    result = store_list_notes(status->cli->store, prefix, show_note, status, err);
    output_end(status->cli->out);
    return result;
}

static int show_remain(void *context, const struct store_remain *remain)
{
    struct status *status = context;
    struct output *out = status->cli->out;

    output_text(out, remain->title);
    output_text(out, remain->postoffice);
    output_text(out, remain->mailbag);
    output_number(out, remain->record);
    output_text(out, remain->mai);
    output_text(out, remain->kind);
    output_duration(out, status->now_ms - remain->first_ms);
    output_text(out, remain->reason);
    output_row_end(out);
    return 0;
}

static int show_all(struct status *status, struct error *err)
{
    struct cli *cli = status->cli;
    int result;

    output_begin(cli->out, OUTPUT_TABLE, "process", "Processes", "no process runs", process_columns,
                 COUNT_OF(process_columns));
    result = store_list_notes(cli->store, "process.", show_process, status, err);
    if (result != 0)
        output_cut_short(cli->out);
    output_end(cli->out);
    if (result != 0 || show_postoffices(status, err) != 0 ||
        show_notes(status, "route.", "route", "\nRoutes", err) != 0 ||
        show_queue(status, err) != 0 || show_users(status, err) != 0 ||
        show_contents(status, err) != 0 ||
        show_notes(status, "alarm.", "alarm", "\nALARMS", err) != 0)
        return -1;
    status->wrong = status->wrong || status->found;
    return 0;
}

int cmd_status(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {{"remains", false, NULL}};
    struct status all = {.cli = cli, .now_ms = clock_now_ms()};
    struct error err;
    int result, status = cli_flags(cli, &argc, &argv, flags, 1, 0, 0, "status [--remains]");

    if (status != 0)
        return status;
    status = cli_store(cli);
    if (status != 0)
        return status;
    if (flags[0].value == NULL) {
        result = show_all(&all, &err);
    } else {
        output_begin(cli->out, OUTPUT_TABLE, "remain", NULL, "nothing remains on a postoffice",
                     remain_columns, COUNT_OF(remain_columns));
        result = store_list_remains(cli->store, show_remain, &all, &err);
        if (result != 0)
            output_cut_short(cli->out);
        output_end(cli->out);
    }
    if (result != 0)
        return cli_fail(&err);
    return all.wrong ? CLI_WRONG : CLI_DONE;
}
