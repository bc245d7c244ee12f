/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/intake.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/step.h"
#include "daemon/doors.h"
#include "daemon/enqueue.h"
#include "daemon/lost.h"
#include "daemon/note.h"
#include "daemon/prepare.h"
#include "daemon/spool.h"

/* A queue that cannot be begun is passed over. Items that cannot be read now stop a batch each; a
 * postoffice that has nothing else ends its round. */
#define MAX_FAILURES 256
/* MIME forms of a batch wait in memory for the commit (64 KiB each at most). */
#define MAX_BATCH 256
/* So do their temporary files on disk: a batch ends early when they are this large together. */
#define MAX_BATCH_OCTETS UINT64_C(67108864)
/* A GET program that does not remove what it gives would give it for ever. The native door gives
 * each item once a round. */
#define MAX_RUNS 2000

/* An item that stays on the postoffice. */
struct remain {
    struct item_place place;
    const char *kind;
    char reason[ERROR_TEXT_SIZE];
    bool is_new;
};

struct sweep {
    const struct intake *intake;
    const struct settings_postoffice *postoffice;
    struct intake_counts *counts;
    struct door *door;
    struct prepared *ready; /* items of this batch that go into the queue */
    uint64_t *ids;          /* their queue numbers after the commit, 0: known already */
    size_t ready_count;
    uint64_t ready_octets;
    struct remain *remains; /* items of this batch that stay */
    size_t remain_count, remain_capacity;
    struct lost lost;            /* headers without a message */
    size_t known, left, damaged; /* of this batch */
};

static const char *place_name(const struct item_place *place)
{
    return place->mai[0] != '\0' ? place->mai : place->file;
}

/* Noted here, written with the batch. Without memory for it the item still stays where it is; the
 * next sweep notes it. */
static void note_remain(struct sweep *sweep, const struct item_place *place, const char *kind,
                        const char *reason)
{
    struct remain *remain;

    if (sweep->remain_count == sweep->remain_capacity) {
        size_t capacity = sweep->remain_capacity != 0 ? 2 * sweep->remain_capacity : 64;
        struct remain *remains = realloc(sweep->remains, capacity * sizeof *remains);
        if (remains == NULL)
            return;
        sweep->remains = remains;
        sweep->remain_capacity = capacity;
    }
    remain = &sweep->remains[sweep->remain_count++];
    remain->place = *place;
    remain->kind = kind;
    remain->is_new = false;
    snprintf(remain->reason, sizeof remain->reason, "%s", reason);
}

static int write_remains(struct sweep *sweep, int64_t now, struct error *err)
{
    for (size_t i = 0; i < sweep->remain_count; i++) {
        struct remain *remain = &sweep->remains[i];
        struct store_remain row = {
            .title = sweep->postoffice->title,
            .postoffice = sweep->postoffice->name,
            .mailbag = remain->place.mailbag,
            .mai = place_name(&remain->place),
            .kind = remain->kind,
            .reason = remain->reason,
            .record = remain->place.record,
            .last_ms = now,
        };

        if (store_add_remain(sweep->intake->store, &row, &remain->is_new, err) != 0)
            return -1;
    }
    return 0;
}

static void log_remains(struct sweep *sweep, int64_t now)
{
    struct relaylog_event event = {
        .event = "remains", .po = sweep->postoffice->name, .delay_ms = -1};

    for (size_t i = 0; i < sweep->remain_count; i++) {
        const struct remain *remain = &sweep->remains[i];

        if (!remain->is_new)
            continue;
        event.mailbag = remain->place.mailbag;
        event.mai = place_name(&remain->place);
        event.reason = remain->reason;
        relaylog_write(sweep->intake->log, now, &event);
    }
}

static void leave_damaged(struct sweep *sweep, const struct item *item, const struct error *err)
{
    sweep->damaged++;
    note_remain(sweep, &item->place, "damaged", err->text);
}

/* The item stays; one whose message is gone is told to the postmaster when it was gone before, and
 * its header goes when the settings say so. */
static int leave_item(struct sweep *sweep, const struct item *item, const struct error *why,
                      struct error *err)
{
    struct error reason = *why;
    int told = 0;

    leave_damaged(sweep, item, &reason);
    if (reason.sys == ENOENT && sweep->postoffice->door == DOOR_NATIVE && !sweep->intake->dry_run &&
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

static void leave_unmapped(struct sweep *sweep, const struct prepared *prepared)
{
    char reason[192];

    sweep->left++;
    if (prepared->recipient_count == 0) {
        note_remain(sweep, &prepared->item->place, "foreign", "no recipient of this queue");
        return;
    }
    for (size_t i = 0; i < prepared->recipient_count; i++) {
        if (prepared->recipients[i].address != NULL)
            continue;
        snprintf(reason, sizeof reason, "%zu of %zu recipients not in the map, first %.100s",
                 prepared->recipient_count - prepared->mapped, prepared->recipient_count,
                 prepared->recipients[i].original);
        break;
    }
    note_remain(sweep, &prepared->item->place, "unmapped", reason);
}

static void log_duplicate(struct sweep *sweep, const struct prepared *prepared)
{
    struct relaylog_event event = {
        .event = "duplicate",
        .po = sweep->postoffice->name,
        .mailbag = prepared->item->place.mailbag,
        .mai = place_name(&prepared->item->place),
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

    if (prepare_recipients(prepared, sweep->intake, sweep->postoffice, item, err) != 0)
        return -1;
    if (!to_be_taken(sweep, prepared)) {
        leave_unmapped(sweep, prepared);
        return 0;
    }
    if (prepare_fingerprint(prepared, sweep->door, item, err) != 0)
        return -1;
    known = enqueue_known(sweep->intake->store, prepared, err);
    if (known < 0)
        return -1;
    if (known == 1) {
        sweep->known++;
        log_duplicate(sweep, prepared);
        door_accept(sweep->door, item);
        return 0;
    }
    if (prepare_mime(prepared, sweep->intake, sweep->postoffice, err) != 0)
        return -1;
    return 1;
}

/* Reads one item of the batch. 1 read, 0 no more, -1 the batch cannot go on. */
static int read_item(struct sweep *sweep, struct error *err)
{
    struct item *item = NULL;
    struct prepared prepared = {0};
    int status = door_next(sweep->door, &item, err);

    if (status == 0)
        return 0;
    if (status > 0)
        status = consider(sweep, &prepared, item, err);
    if (status == 1) {
        sweep->ready_octets += content_size(prepared.mime);
        sweep->ready[sweep->ready_count++] = prepared;
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

static int commit_batch(struct sweep *sweep, struct error *err)
{
    const struct intake *intake = sweep->intake;
    int64_t now = clock_now_ms();

    if (sweep->ready_count + sweep->remain_count == 0 || intake->dry_run)
        return 0;
    if (store_begin(intake->store, err) != 0)
        return -1;
    for (size_t i = 0; i < sweep->ready_count; i++) {
        if (enqueue_item(intake, sweep->postoffice, &sweep->ready[i], now, &sweep->ids[i], err) !=
            0) {
            store_rollback(intake->store);
            return -1;
        }
    }
    if (write_remains(sweep, now, err) != 0 || lost_write(&sweep->lost, now, err) != 0 ||
        step("batch-commit", err) != 0) {
        store_rollback(intake->store);
        return -1;
    }
    if (store_commit(intake->store, err) != 0)
        return -1;
    step_passed("batch-committed");
    if (sweep->ready_count + sweep->lost.count != 0)
        spool_wake(intake->settings);
    return 0;
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
            .mai = place_name(&prepared->item->place),
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
        }
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
    if (removed)
        counts->removed += sweep->ready_count + sweep->known;
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
    lost_end_batch(&sweep->lost);
    sweep->known = sweep->left = sweep->damaged = 0;
}

/* After the commit nothing is lost any more, whatever door_finish says: the journal knows. */
static int finish_batch(struct sweep *sweep, struct error *err)
{
    struct relaylog_event event = {
        .event = "removed", .po = sweep->postoffice->name, .delay_ms = -1};
    char reason[64];
    int status;

    log_batch(sweep);
    log_remains(sweep, clock_now_ms());
    status = door_finish(sweep->door, err);
    count_batch(sweep, status == 0);
    if (status == 0 && sweep->ready_count + sweep->known != 0 && !sweep->intake->read_only) {
        snprintf(reason, sizeof reason, "%zu items", sweep->ready_count + sweep->known);
        event.reason = reason;
        relaylog_write(sweep->intake->log, clock_now_ms(), &event);
    }
    return status;
}

/* A file of the ffapi door is one batch, however large: its contents are ranges of that file. */
static bool batch_full(const struct sweep *sweep)
{
    return sweep->ready_count == MAX_BATCH ||
           (sweep->ready_octets >= MAX_BATCH_OCTETS && sweep->postoffice->door == DOOR_NATIVE);
}

/* Commits what was read, and only then has it removed. */
static int end_batch(struct sweep *sweep, struct error *err)
{
    int status = commit_batch(sweep, err);

    if (status == 0 && !sweep->intake->dry_run)
        return finish_batch(sweep, err);
    if (status == 0)
        count_batch(sweep, false);
    door_abandon(sweep->door);
    return status;
}

/* An item that stops the batch stops only itself: what was read before it goes into the queue, and
 * what comes behind it is in the next batch. */
static int run_batch(struct sweep *sweep, struct error *err)
{
    struct error stopped = {0};
    int read, status;

    do
        read = batch_full(sweep) ? 0 : read_item(sweep, err);
    while (read == 1);
    if (read < 0)
        stopped = *err;
    status = end_batch(sweep, err);
    clear_batch(sweep);
    if (read < 0)
        *err = stopped;
    return read < 0 ? -1 : status;
}

static bool has_end(const struct sweep *sweep, unsigned batches, struct error *last)
{
    if (sweep->postoffice->door != DOOR_FFAPI || batches < MAX_RUNS)
        return true;
    error_set(last, ERROR_SOFT, "",
              "the GET program gave mail %d times in a row; the rest waits for the next round, or "
              "it does not remove what it gives",
              MAX_RUNS);
    log_warn("intake", "%s: %s", sweep->postoffice->title, last->text);
    return false;
}

static int run_round(struct sweep *sweep, struct error *last)
{
    const struct intake *intake = sweep->intake;
    size_t limit = sweep->postoffice->batch < MAX_BATCH ? sweep->postoffice->batch : MAX_BATCH;
    unsigned failures = 0, batches = 0;
    bool failed = false;

    while (failures < MAX_FAILURES && (intake->stop == NULL || *intake->stop == 0)) {
        struct error err = {0};
        int status;
        bool begun;

        if (!has_end(sweep, batches++, last)) {
            failed = true;
            break;
        }
        status = door_begin(sweep->door, limit, &err);
        if (status == 0)
            break;
        begun = status > 0;
        if (begun)
            status = run_batch(sweep, &err);
        if (status < 0) {
            failures += begun;
            failed = true;
            *last = err;
            log_warn("intake", "%s: %s", sweep->postoffice->title, err.text);
        }
        /* A GET program that fails is not run again before the next sweep. */
        if (!begun && sweep->postoffice->door == DOOR_FFAPI)
            break;
    }
    return failed ? -1 : 0;
}

static void note_postoffice(struct sweep *sweep, int64_t began, const struct error *err)
{
    char name[160], stamp[CLOCK_STAMP_SIZE], text[1024], reason[ERROR_TEXT_SIZE];
    const struct intake_counts *counts = sweep->counts;
    struct error ignored;

    if (sweep->intake->dry_run)
        return;
    snprintf(name, sizeof name, "postoffice.%.100s", sweep->postoffice->title);
    snprintf(text, sizeof text,
             "{\"name\":\"%.64s\",\"sweep\":\"%s\",\"queued\":%" PRIu64 ",\"left\":%" PRIu64
             ",\"damaged\":%" PRIu64 ",\"error\":\"%s\"}",
             sweep->postoffice->name, clock_stamp(began, stamp), counts->queued, counts->left,
             counts->damaged, note_text(err->text, reason, sizeof reason));
    if (store_put_note(sweep->intake->store, name, text, clock_now_ms(), &ignored) != 0)
        log_warn("intake", "%s: %s", sweep->postoffice->title, ignored.text);
}

static int forget_gone(struct sweep *sweep, int64_t began, struct error *err)
{
    struct store *store = sweep->intake->store;

    /* What an ffapi door held lies in our spool, and stays noted until the operator removes it. */
    if (sweep->intake->dry_run || sweep->postoffice->door == DOOR_FFAPI)
        return 0;
    return store_forget_remains(store, sweep->postoffice->title, NULL, began, err);
}

int intake_sweep(const struct intake *intake, const struct settings_postoffice *postoffice,
                 struct intake_counts *counts, struct error *err)
{
    struct sweep sweep = {.intake = intake, .postoffice = postoffice, .counts = counts};
    struct intake_counts before = *counts;
    struct error last = {0};
    int64_t began = clock_now_ms();
    int status = -1;

    lost_init(&sweep.lost, intake, postoffice, began);
    sweep.ready = calloc(MAX_BATCH, sizeof *sweep.ready);
    sweep.ids = calloc(MAX_BATCH, sizeof *sweep.ids);
    if (sweep.ready == NULL || sweep.ids == NULL) {
        error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a batch");
        goto out;
    }
    status = doors_open(&sweep.door, intake, postoffice, err);
    if (status != 0) {
        note_postoffice(&sweep, began, err);
        goto out;
    }
    status = run_round(&sweep, &last);
    if (status == 0)
        status = forget_gone(&sweep, began, &last);
    note_postoffice(&sweep, began, &last);
    if (status != 0 && counts->batches == before.batches)
        *err = last;
    else
        status = 0;
    door_free(sweep.door);
out:
    free(sweep.ready);
    free(sweep.ids);
    free(sweep.remains);
    lost_clear(&sweep.lost);
    return status;
}
