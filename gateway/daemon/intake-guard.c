/* SPDX-License-Identifier: BSD-2-Clause */
/* What stops a mailbag or a postoffice, and what is told about it. Alarms are notes "alarm.NAME".
 */
#include "config.h"

#include "daemon/intake-int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/note.h"
#include "postoffice/control.h"
#include "postoffice/mbg.h"

#define STUCK_ROUNDS 3
#define NAME_SIZE 192

/* Nothing is noted about a backup, and nothing by a dry run. */
static bool is_mute(const struct sweep *sweep)
{
    return sweep_is_backup(sweep) || sweep->intake->dry_run;
}

static void put_note(const struct sweep *sweep, const char *name, const char *text)
{
    struct error err;

    if (store_put_note(sweep->intake->store, name, text, clock_now_ms(), &err) != 0)
        log_warn("intake", "%s: %s", sweep->postoffice->title, err.text);
}

/* ---- notes ---- */

struct asking {
    const char *name;
    char *out; /* may be NULL */
    size_t size;
    bool found;
};

static int see_note(void *context, const char *name, const char *value, int64_t at_ms)
{
    struct asking *asking = context;

    (void)at_ms;
    if (strcmp(name, asking->name) != 0)
        return 0;
    asking->found = true;
    if (asking->out != NULL)
        snprintf(asking->out, asking->size, "%s", value);
    return 1;
}

/* False also when the store cannot answer. */
static bool get_note(const struct sweep *sweep, const char *name, char *out, size_t size)
{
    struct asking asking = {.name = name, .out = out, .size = size};
    struct error err;

    if (out != NULL)
        out[0] = '\0';
    if (store_list_notes(sweep->intake->store, name, see_note, &asking, &err) < 0)
        log_warn("intake", "%s: %s", sweep->postoffice->title, err.text);
    return asking.found;
}

/* ---- alarms ---- */

static int see_alarm(void *context, const char *name, const char *value, int64_t at_ms)
{
    struct sweep *sweep = context;
    char **grown = reallocarray(sweep->alarms, sweep->alarm_count + 1, sizeof *grown);

    (void)value;
    (void)at_ms;
    if (grown == NULL)
        return 1;
    sweep->alarms = grown;
    sweep->alarms[sweep->alarm_count] = strdup(name);
    if (sweep->alarms[sweep->alarm_count] != NULL)
        sweep->alarm_count++;
    return 0;
}

void guard_begin(struct sweep *sweep)
{
    struct error err;

    if (store_list_notes(sweep->intake->store, "alarm.", see_alarm, sweep, &err) < 0)
        log_warn("intake", "%s: %s", sweep->postoffice->title, err.text);
}

void guard_end(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->alarm_count; i++)
        free(sweep->alarms[i]);
    free(sweep->alarms);
    sweep->alarms = NULL;
    sweep->alarm_count = 0;
}

/* Where it is among the alarms that were there at the beginning, or alarm_count. */
static size_t find_alarm(const struct sweep *sweep, const char *name)
{
    size_t at = 0;

    while (at < sweep->alarm_count && strcmp(sweep->alarms[at], name) != 0)
        at++;
    return at;
}

static void log_event(const struct sweep *sweep, const char *name, const char *mailbag,
                      const char *reason)
{
    struct relaylog_event event = {.event = name,
                                   .po = sweep->postoffice->name,
                                   .mailbag = mailbag,
                                   .reason = reason,
                                   .delay_ms = -1};

    relaylog_write(sweep->intake->log, clock_now_ms(), &event);
}

void guard_alarm(struct sweep *sweep, const char *name, const char *text, const char *event,
                 const char *mailbag, const char *reason)
{
    char whole[NAME_SIZE];
    size_t at;
    bool was;

    if (is_mute(sweep))
        return;
    snprintf(whole, sizeof whole, "alarm.%s", name);
    at = find_alarm(sweep, whole);
    was = at < sweep->alarm_count;
    if (!was && text == NULL)
        return;
    put_note(sweep, whole, text);
    if (was != (text != NULL) && event != NULL)
        log_event(sweep, event, mailbag, reason);
    if (text == NULL)
        sweep->alarms[at][0] = '\0';
    else if (!was)
        (void)see_alarm(sweep, whole, text, 0);
}

/* ---- a KEY that cannot be written (Q120220, Q92439, Q170574) ---- */

/* One failure is a client that has the KEY open just now; three rounds in a row are not. */
static void key_failed(struct sweep *sweep, const char *mailbag, const char *count_name,
                       const char *alarm, const struct error *why)
{
    char text[ERROR_TEXT_SIZE + 160] = "", plain[ERROR_TEXT_SIZE];
    uint64_t rounds = 1;

    if (get_note(sweep, count_name, text, sizeof text))
        rounds += note_number(text, "rounds");
    snprintf(text, sizeof text,
             "{\"postoffice\":\"%.32s\",\"mailbag\":\"%.8s\",\"rounds\":%" PRIu64
             ",\"reason\":\"%s\"}",
             sweep->postoffice->name, mailbag, rounds, note_text(why->text, plain, sizeof plain));
    put_note(sweep, count_name, text);
    if (rounds >= STUCK_ROUNDS)
        guard_alarm(sweep, alarm, text, "key-stuck", mailbag, why->text);
}

void guard_removal(struct sweep *sweep, const char *mailbag, const struct error *why)
{
    char count_name[NAME_SIZE], alarm[NAME_SIZE];

    if (is_mute(sweep))
        return;
    snprintf(count_name, sizeof count_name, "stuck.%.100s.%.8s", sweep->postoffice->title, mailbag);
    snprintf(alarm, sizeof alarm, "key-stuck.%.100s.%.8s", sweep->postoffice->title, mailbag);
    if (why != NULL) {
        key_failed(sweep, mailbag, count_name, alarm, why);
        return;
    }
    if (get_note(sweep, count_name, NULL, 0))
        put_note(sweep, count_name, NULL);
    guard_alarm(sweep, alarm, NULL, "key-free", mailbag, NULL);
}

/* ---- a mailbag that fills (Q138054, Q163020) ---- */

/* Counted by the bitmap: the MBG does not shrink when its records become free (Q146113). */
void guard_fill(struct sweep *sweep, const struct native_view *view)
{
    static const unsigned levels[] = {95, 80, 50};
    char name[NAME_SIZE], alarm[NAME_SIZE], before[512] = "", text[512], reason[64];
    unsigned level = 0;

    if (is_mute(sweep))
        return;
    for (size_t i = 0; i < sizeof levels / sizeof levels[0] && level == 0; i++) {
        if (view->live_count * 100 >= (size_t)levels[i] * MBG_MAX_RECORDS)
            level = levels[i];
    }
    snprintf(name, sizeof name, "fill.%.100s.%.8s", sweep->postoffice->title, view->mailbag);
    snprintf(alarm, sizeof alarm, "alarm.%.150s", name);
    if (level == 0) {
        guard_alarm(sweep, name, NULL, "emptier", view->mailbag, NULL);
        return;
    }
    snprintf(reason, sizeof reason, "%zu of %d records", view->live_count, MBG_MAX_RECORDS);
    snprintf(text, sizeof text,
             "{\"postoffice\":\"%.32s\",\"mailbag\":\"%.8s\",\"owner\":\"%.64s\",\"live\":%zu,"
             "\"most\":%d,\"level\":%u}",
             sweep->postoffice->name, view->mailbag, view->queue, view->live_count, MBG_MAX_RECORDS,
             level);
    if (find_alarm(sweep, alarm) < sweep->alarm_count &&
        get_note(sweep, alarm, before, sizeof before) && note_number(before, "level") < level)
        log_event(sweep, "filling", view->mailbag, reason);
    guard_alarm(sweep, name, text, "filling", view->mailbag, reason);
}

/* ---- a postoffice that goes back in time (Q120449) ---- */

static bool read_control(const struct sweep *sweep, struct control *out)
{
    struct root *root;
    struct error err;
    int status;

    if (root_open(&root, sweep->postoffice->path, &err) != 0)
        return false; /* the door tells */
    status = control_read(out, root, &err);
    root_free(root);
    if (status != 0)
        log_info("intake", "%s: whether it went back in time is not known: %s",
                 sweep->postoffice->title, err.text);
    return status == 0;
}

static void note_rewind(struct sweep *sweep, const char *note, const struct control *before,
                        const struct control *now)
{
    char text[384], stamp[CLOCK_STAMP_SIZE], alarm[NAME_SIZE], reason[160];

    snprintf(text, sizeof text,
             "{\"postoffice\":\"%.32s\",\"mailbags_before\":%" PRIu32 ",\"mailbags_now\":%" PRIu32
             ",\"messages_before\":%" PRIu32 ",\"messages_now\":%" PRIu32 ",\"since\":\"%s\"}",
             sweep->postoffice->name, before->mailbags, now->mailbags, before->messages,
             now->messages, clock_stamp(clock_now_ms(), stamp));
    snprintf(reason, sizeof reason,
             CONTROL_FILE " has gone back: mailbags %" PRIX32 " to %" PRIX32 ", messages %" PRIX32
                          " to %" PRIX32,
             before->mailbags, now->mailbags, before->messages, now->messages);
    snprintf(alarm, sizeof alarm, "rewind.%.100s", sweep->postoffice->title);
    put_note(sweep, note, text);
    guard_alarm(sweep, alarm, text, "rewound", NULL, reason);
}

static void remember_control(const struct sweep *sweep, const char *note, const struct control *now)
{
    char text[96];

    snprintf(text, sizeof text, "{\"mailbags\":%" PRIu32 ",\"messages\":%" PRIu32 "}",
             now->mailbags, now->messages);
    put_note(sweep, note, text);
}

/* The note "control.TITLE" has the highest numbers that were seen. When they go back they are
 * replaced by the lower ones, and the note "rewind.TITLE" stops the postoffice from then on:
 *   {"postoffice":"NET/PO","mailbags_before":N,"mailbags_now":N,"messages_before":N,
 *    "messages_now":N,"since":"2026-11-22T12:36:00.000Z"}
 * Who takes that note away (postoffice ack-rewind) lets it go on; the alarm goes with the next
 * sweep. */
static void watch_control(struct sweep *sweep, const char *rewind)
{
    char note[NAME_SIZE], text[96] = "";
    struct control before, now;

    if (!read_control(sweep, &now))
        return;
    snprintf(note, sizeof note, "control.%.100s", sweep->postoffice->title);
    if (!get_note(sweep, note, text, sizeof text)) {
        remember_control(sweep, note, &now);
        return;
    }
    before.mailbags = (uint32_t)note_number(text, "mailbags");
    before.messages = (uint32_t)note_number(text, "messages");
    if (now.mailbags < before.mailbags || now.messages < before.messages)
        note_rewind(sweep, rewind, &before, &now);
    if (now.mailbags != before.mailbags || now.messages != before.messages)
        remember_control(sweep, note, &now);
}

bool guard_may_sweep(struct sweep *sweep, struct error *err)
{
    char rewind[NAME_SIZE], alarm[NAME_SIZE];

    if (!sweep_is_native(sweep) || sweep_is_backup(sweep))
        return true;
    snprintf(rewind, sizeof rewind, "rewind.%.100s", sweep->postoffice->title);
    snprintf(alarm, sizeof alarm, "rewind.%.100s", sweep->postoffice->title);
    if (!get_note(sweep, rewind, NULL, 0) && !sweep->intake->dry_run) {
        guard_alarm(sweep, alarm, NULL, NULL, NULL, NULL);
        watch_control(sweep, rewind);
    }
    if (!get_note(sweep, rewind, NULL, 0))
        return true;
    error_set(err, ERROR_SETUP, "",
              "paused: the numbers of " CONTROL_FILE
              " went back, as when a backup was put over it; when that is right say \"msmailgw "
              "postoffice ack-rewind %s\"",
              sweep->postoffice->title);
    return false;
}
