/* SPDX-License-Identifier: BSD-2-Clause */
/* One batch of a door: each item is read, the queue commits, and only then it is removed. */
#include "config.h"

#include "daemon/intake-int.h"

#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/step.h"
#include "daemon/enqueue.h"
#include "daemon/oddity.h"
#include "daemon/spool.h"
#include "daemon/threads.h"

/* MIME forms of a batch wait in memory for the commit (64 KiB each at most); their temporary files
 * on disk: a batch ends early when they are this large together. */
#define MAX_BATCH_OCTETS UINT64_C(67108864)

static void leave_damaged(struct sweep *sweep, const struct item *item, const struct error *err)
{
    sweep->damaged++;
    remain_note(sweep, &item->place, "damaged", err->text);
}

/* The item stays; one whose message is gone is told to the postmaster when it was gone before, and
 * its header goes when the settings say so. */
static int leave_item(struct sweep *sweep, const struct item *item, const struct error *why,
                      struct error *err)
{
    struct error reason = *why;
    int told = 0;

    leave_damaged(sweep, item, &reason);
    if (reason.sys == ENOENT && sweep_is_native(sweep) && !sweep->intake->dry_run &&
        !sweep->intake->read_only)
        told = lost_note(&sweep->lost, item, &reason, err);
    if (told == 1 && sweep->postoffice->lost == LOST_REMOVE)
        door_accept(sweep->door, item);
    return told < 0 ? -1 : 0;
}

/* Mapped recipients only, or the settings say that the others come back, or it is out anyway. */
static bool to_be_taken(const struct sweep *sweep, const struct prepared *prepared)
{
    if (!prepared->item->removable)
        return prepared->recipient_count != 0;
    if (prepared->mapped == 0)
        return false;
    return prepared->mapped == prepared->recipient_count ||
           sweep->postoffice->unmapped == UNMAPPED_REPORT;
}

/* What there is to do about a recipient without an address. */
static const char *why_unmapped(const struct prepared_recipient *recipient)
{
    if (recipient->why != NULL)
        return recipient->why;
    if (recipient->pending)
        return "pending";
    for (const char *c = recipient->original; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            return "not 7-bit ASCII, so that it cannot be in the map (Q101461)";
    return NULL;
}

/* The message names nobody of this queue. When it names a group of its own postoffice, the queue
 * means members that no file of known form lists (Q117804): only the operator knows them. */
static void leave_foreign(struct sweep *sweep, const struct item *item)
{
    const struct message *message = item->message;
    char reason[192] = "no recipient of this queue";

    for (size_t i = 0; i < message->address_count; i++) {
        const char *address = message->addresses[i].text;

        if (message->addresses[i].role == ADDRESS_FROM ||
            groups_alias(sweep->groups, address) == NULL)
            continue;
        snprintf(reason, sizeof reason,
                 "no recipient of this queue but members of the group %.60s, who are not known",
                 address);
        break;
    }
    remain_note(sweep, &item->place, "foreign", reason);
}

static void leave_unmapped(struct sweep *sweep, const struct prepared *prepared)
{
    char reason[320];

    sweep->left++;
    if (prepared->recipient_count == 0) {
        leave_foreign(sweep, prepared->item);
        return;
    }
    for (size_t i = 0; i < prepared->recipient_count; i++) {
        const char *why = why_unmapped(&prepared->recipients[i]);

        if (prepared->recipients[i].address != NULL)
            continue;
        snprintf(reason, sizeof reason, "%zu of %zu recipients not in the map, first %.100s%s%s",
                 prepared->recipient_count - prepared->mapped, prepared->recipient_count,
                 prepared->recipients[i].original, why != NULL ? ": " : "", why != NULL ? why : "");
        break;
    }
    remain_note(sweep, &prepared->item->place, "unmapped", reason);
}

/* 1 when the item was in his mailbag at the baseline: by its header, or by what it says (HEX, NULL
 * before it was read). */
static int leave_baseline(struct sweep *sweep, const struct item *item, const char *hex,
                          struct error *err)
{
    const struct sweep_user *user = item->owner != NULL ? users_find(sweep, item->owner) : NULL;
    int found;

    if (user == NULL || user->baseline_items == 0)
        return 0;
    found = store_in_baseline(sweep->intake->store, sweep->postoffice->name, user->mailbox,
                              hex == NULL ? item->header : NULL, hex, err);
    if (found == 1) {
        sweep->baseline++;
        look_set_fate(sweep, item, LOOK_ACCOUNTED);
    }
    return found;
}

static void log_duplicate(struct sweep *sweep, const struct prepared *prepared)
{
    struct relaylog_event event = {
        .event = "duplicate",
        .po = sweep->postoffice->name,
        .mailbag = prepared->item->place.mailbag,
        .mai = sweep_place_name(&prepared->item->place),
        .rcpt = prepared->item->owner,
        .reason = "the journal knows it",
        .delay_ms = -1,
    };

    relaylog_write(sweep->intake->log, clock_now_ms(), &event);
}

/* 1: goes into the queue with this batch; 0: stays, or is known; -1 as door_next. */
static int consider(struct sweep *sweep, struct prepared *prepared, struct item *item,
                    struct error *err)
{
    int known;

    if (system_mail(sweep, item, prepared))
        return 0;
    known = leave_baseline(sweep, item, NULL, err);
    if (known != 0)
        return known < 0 ? -1 : 0;
    if (prepare_recipients(prepared, sweep->intake, sweep->postoffice, sweep->groups, item, err) !=
        0)
        return -1;
    if (!to_be_taken(sweep, prepared)) {
        leave_unmapped(sweep, prepared);
        return 0;
    }
    if (prepare_fingerprint(prepared, sweep->door, item, err) != 0)
        return -1;
    known = leave_baseline(sweep, item, prepared->fingerprint, err);
    if (known != 0)
        return known < 0 ? -1 : 0;
    known = enqueue_known(sweep->intake->store, prepared, err);
    if (known < 0)
        return -1;
    if (known == 1) {
        sweep->known++;
        log_duplicate(sweep, prepared);
        look_set_fate(sweep, item, LOOK_PENDING);
        door_accept(sweep->door, item);
        return 0;
    }
    if (prepare_mime(prepared, sweep->intake, sweep->postoffice, sweep->groups, sweep->ready,
                     sweep->ready_count, err) != 0)
        return -1;
    return system_mail(sweep, item, prepared) ? 0 : 1;
}

/* Reads one item of the batch. 1 read, 0 no more, -1 the batch cannot go on. */
static int read_item(struct sweep *sweep, struct error *err)
{
    struct item *item = NULL;
    struct prepared prepared = {0};
    int status = door_next(sweep->door, &item, err);

    if (status == 0)
        return 0;
    sweep->owned = sweep->owned || (item != NULL && item->owner != NULL);
    if (status > 0 && item != NULL)
        status = consider(sweep, &prepared, item, err);
    if (status == 1 && item != NULL) {
        sweep->ready_octets += content_size(prepared.mime);
        sweep->ready[sweep->ready_count++] = prepared;
        look_set_fate(sweep, item, LOOK_PENDING);
        door_accept(sweep->door, item);
        return 1;
    }
    prepared_clear(&prepared);
    if (status < 0) {
        if (err->class != ERROR_DATA || item == NULL)
            return -1;
        if (leave_item(sweep, item, err, err) != 0)
            return -1;
    }
    return 1;
}

/* Answers that were read before what they answer. One that cannot be made anew goes as it is. */
static int settle_batch(struct sweep *sweep, struct error *err)
{
    bool changed[INTAKE_MAX_BATCH];

    if (threads_settle(sweep->ready, sweep->ready_count, changed, err) != 0)
        return -1;
    for (size_t i = 0; i < sweep->ready_count; i++) {
        struct error ignored = {0};

        if (changed[i] && prepare_again(&sweep->ready[i], sweep->intake, sweep->postoffice,
                                        sweep->groups, &ignored) != 0)
            log_warn("intake", "%s", ignored.text);
    }
    return 0;
}

static int write_batch(struct sweep *sweep, int64_t now, struct error *err)
{
    struct store *store = sweep->intake->store;
    struct oddity_sums sums = {0};

    for (size_t i = 0; i < sweep->ready_count; i++) {
        if (enqueue_item(sweep->intake, sweep->postoffice, &sweep->ready[i], now, &sweep->ids[i],
                         err) != 0)
            return -1;
        if (sweep->ids[i] != 0 &&
            oddity_write(store, sweep->ids[i], &sweep->ready[i], now, &sums, err) != 0)
            return -1;
    }
    if (oddity_note(store, sweep->postoffice->title, &sums, now, err) != 0)
        return -1;
    if (remain_write(sweep, now, err) != 0 || lost_write(&sweep->lost, now, err) != 0 ||
        look_write(sweep, now, err) != 0)
        return -1;
    return step("batch-commit", err);
}

static int commit_batch(struct sweep *sweep, struct error *err)
{
    const struct intake *intake = sweep->intake;
    int status;

    if (sweep->ready_count + sweep->remain_count == 0 || intake->dry_run)
        return 0;
    if (settle_batch(sweep, err) != 0 || store_begin(intake->store, err) != 0)
        return -1;
    status = write_batch(sweep, clock_now_ms(), err);
    if (status == 0)
        status = store_commit(intake->store, err);
    else
        store_rollback(intake->store);
    look_written(sweep, status == 0);
    if (status != 0)
        return -1;
    step_passed("batch-committed");
    if (sweep->ready_count + sweep->lost.count != 0)
        spool_wake(intake->settings);
    return 0;
}

static void log_held(const struct sweep *sweep, const struct relaylog_event *queued,
                     const char *why, int64_t now)
{
    struct relaylog_event event = *queued;

    event.event = "held";
    event.reason = why;
    relaylog_write(sweep->intake->log, now, &event);
}

/* It is sent as it is, beside what could be read of it. */
static void log_winmail(struct sweep *sweep, const struct prepared *prepared, uint64_t id)
{
    struct relaylog_event event = {
        .event = "winmail-damaged",
        .id = id,
        .po = sweep->postoffice->name,
        .mailbag = prepared->item->place.mailbag,
        .mai = sweep_place_name(&prepared->item->place),
        .msgid = prepared->facts.message_id,
        .reason = prepared->facts.damage,
        .delay_ms = -1,
    };

    if (prepared->facts.damage != NULL)
        relaylog_write(sweep->intake->log, clock_now_ms(), &event);
}

static void log_batch(struct sweep *sweep)
{
    int64_t now = clock_now_ms();

    for (size_t i = 0; i < sweep->ready_count; i++) {
        const struct prepared *prepared = &sweep->ready[i];
        struct relaylog_event event = {
            .event = "queued",
            .id = sweep->ids[i],
            .po = sweep->postoffice->name,
            .mailbag = prepared->item->place.mailbag,
            .mai = sweep_place_name(&prepared->item->place),
            .from = prepared->sender,
            .size = content_size(prepared->mime),
            .msgid = prepared->facts.message_id,
            .delay_ms = -1,
        };

        if (sweep->ids[i] == 0) {
            log_duplicate(sweep, prepared);
            continue;
        }
        for (size_t r = 0; r < prepared->recipient_count; r++) {
            event.rcpt = prepared->recipients[r].address != NULL ? prepared->recipients[r].address
                                                                 : prepared->recipients[r].original;
            relaylog_write(sweep->intake->log, now, &event);
            if (prepared->held[0] != '\0')
                log_held(sweep, &event, prepared->held, now);
        }
        event.rcpt = NULL;
        oddity_log(sweep->intake->log, prepared, now, &event);
        log_winmail(sweep, prepared, sweep->ids[i]);
    }
}

static void count_batch(struct sweep *sweep, bool removed)
{
    struct intake_counts *counts = sweep->counts;

    for (size_t i = 0; i < sweep->ready_count; i++)
        counts->recipients += sweep->ready[i].recipient_count;
    counts->queued += sweep->ready_count;
    counts->known += sweep->known;
    counts->left += sweep->left;
    counts->damaged += sweep->damaged;
    counts->baseline += sweep->baseline;
    if (removed)
        counts->removed += sweep->ready_count + sweep->known + sweep->dropped;
    counts->batches++;
    if (sweep->intake->progress != NULL)
        sweep->intake->progress(sweep->intake->progress_context, counts);
}

static void clear_batch(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->ready_count; i++)
        prepared_clear(&sweep->ready[i]);
    sweep->ready_count = 0;
    sweep->ready_octets = 0;
    sweep->remain_count = 0;
    sweep->owned = false;
    lost_end_batch(&sweep->lost);
    sweep->known = sweep->left = sweep->damaged = sweep->baseline = sweep->dropped = 0;
}

/* After the commit nothing is lost any more, whatever door_finish says: the journal knows. */
static int finish_batch(struct sweep *sweep, struct error *err)
{
    struct relaylog_event event = {
        .event = "removed", .po = sweep->postoffice->name, .delay_ms = -1};
    size_t gone = sweep->ready_count + sweep->known + sweep->dropped;
    char reason[64];
    int status;

    log_batch(sweep);
    remain_log(sweep, clock_now_ms());
    status = door_finish(sweep->door, err);
    if (status != 0)
        look_spoil(sweep);
    else if (!sweep->intake->read_only)
        look_removed(sweep, gone);
    count_batch(sweep, status == 0 && !sweep->intake->read_only);
    if (status == 0 && gone != 0 && !sweep->intake->read_only) {
        snprintf(reason, sizeof reason, "%zu items", gone);
        event.reason = reason;
        relaylog_write(sweep->intake->log, clock_now_ms(), &event);
    }
    return status;
}

/* A file of the ffapi door is one batch, however large: its contents are ranges of that file. */
static bool batch_full(const struct sweep *sweep)
{
    return sweep->ready_count == INTAKE_MAX_BATCH ||
           (sweep->ready_octets >= MAX_BATCH_OCTETS && sweep->postoffice->door == DOOR_NATIVE);
}

/* Commits what was read, and only then has it removed. */
static int end_batch(struct sweep *sweep, struct error *err)
{
    int status = sweep->owned ? users_confirm(sweep, err) : 0;

    if (status == 0)
        status = commit_batch(sweep, err);
    if (status == 0 && !sweep->intake->dry_run)
        return finish_batch(sweep, err);
    if (status == 0)
        count_batch(sweep, false);
    else
        look_spoil(sweep);
    door_abandon(sweep->door);
    return status;
}

/* An item that stops the batch stops only itself: what was read before it goes into the queue, and
 * what comes behind it is in the next batch. */
int batch_run(struct sweep *sweep, struct error *err)
{
    struct error stopped = {0};
    int read, status;

    do
        read = batch_full(sweep) ? 0 : read_item(sweep, err);
    while (read == 1);
    if (read < 0) {
        stopped = *err;
        look_spoil(sweep);
    }
    status = end_batch(sweep, err);
    clear_batch(sweep);
    if (read < 0)
        *err = stopped;
    return read < 0 ? -1 : status;
}
