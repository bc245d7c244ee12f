/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/intake-int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/doors.h"
#include "daemon/note.h"

/* A queue that cannot be begun is passed over. Items that cannot be read now stop a batch each; a
 * postoffice that has nothing else ends its round. */
#define MAX_FAILURES 256
/* A GET program that does not remove what it gives would give it for ever. The native door gives
 * each item once a round. */
#define MAX_RUNS 2000

const char *sweep_place_name(const struct item_place *place)
{
    return place->mai[0] != '\0' ? place->mai : place->file;
}

bool sweep_is_backup(const struct sweep *sweep)
{
    return sweep->intake->backup != NULL;
}

bool sweep_is_native(const struct sweep *sweep)
{
    return sweep->postoffice->door == DOOR_NATIVE;
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
    size_t limit =
        sweep->postoffice->batch < INTAKE_MAX_BATCH ? sweep->postoffice->batch : INTAKE_MAX_BATCH;
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
            status = batch_run(sweep, &err);
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

static void note_postoffice(const struct sweep *sweep, const struct error *err)
{
    char name[160], stamp[CLOCK_STAMP_SIZE], text[1024], reason[ERROR_TEXT_SIZE];
    const struct intake_counts *counts = sweep->counts;
    struct error ignored;

    if (sweep->intake->dry_run || sweep_is_backup(sweep))
        return;
    snprintf(name, sizeof name, "postoffice.%.100s", sweep->postoffice->title);
    snprintf(text, sizeof text,
             "{\"name\":\"%.64s\",\"sweep\":\"%s\",\"queued\":%" PRIu64 ",\"left\":%" PRIu64
             ",\"damaged\":%" PRIu64 ",\"users\":%zu,\"mailbags\":%" PRIu64
             ",\"unchanged\":%" PRIu64 ",\"baseline\":%" PRIu64 ",\"collected\":%" PRIu64
             ",\"vanished\":%" PRIu64 ",\"error\":\"%s\"}",
             sweep->postoffice->name, clock_stamp(sweep->began_ms, stamp), counts->queued,
             counts->left, counts->damaged, sweep->user_count, counts->mailbags, counts->unchanged,
             counts->baseline, counts->collected, counts->vanished,
             note_text(err->text, reason, sizeof reason));
    if (store_put_note(sweep->intake->store, name, text, clock_now_ms(), &ignored) != 0)
        log_warn("intake", "%s: %s", sweep->postoffice->title, ignored.text);
}

/* What was found to be wrong with users does not keep the queues from being read. */
static int open_door(struct sweep *sweep, struct error *last, struct error *err)
{
    struct doors_users users = {.users = NULL};

    if (sweep_is_native(sweep) && users_choose(sweep, last) != 0) {
        if (sweep_is_backup(sweep)) {
            *err = *last;
            return -1;
        }
        log_warn("intake", "%s: no user is swept: %s", sweep->postoffice->title, last->text);
        sweep->counts->troubles++;
        sweep->chosen_count = 0;
        sweep->failed = true;
    }
    users.users = sweep->chosen;
    users.count = sweep->chosen_count;
    look_watch(sweep, &users.watch);
    return doors_open(&sweep->door, sweep->intake, sweep->postoffice, &users, err);
}

static bool is_stopped(const struct intake *intake)
{
    return intake->stop != NULL && *intake->stop != 0;
}

/* -1 only when nothing could be done at all. */
static int run(struct sweep *sweep, struct error *err)
{
    uint64_t before = sweep->counts->batches + sweep->counts->mailbags;
    struct error last = {0};
    int status;

    if (open_door(sweep, &last, err) != 0) {
        note_postoffice(sweep, err);
        return -1;
    }
    status = run_round(sweep, &last);
    sweep->counts->troubles += status != 0;
    sweep->failed = sweep->failed || status != 0 || is_stopped(sweep->intake);
    look_flush(sweep);
    if (remain_forget(sweep, &last) != 0)
        status = -1;
    note_postoffice(sweep, &last);
    if (status == 0 || sweep->counts->batches + sweep->counts->mailbags != before)
        return 0;
    *err = last;
    return -1;
}

static void sweep_clear(struct sweep *sweep)
{
    door_free(sweep->door);
    look_clear(sweep);
    users_clear(sweep);
    guard_end(sweep);
    groups_free(sweep->groups);
    free(sweep->ready);
    free(sweep->ids);
    free(sweep->remains);
    free(sweep->read);
    lost_clear(&sweep->lost);
}

int intake_sweep(const struct intake *intake, const struct settings_postoffice *postoffice,
                 struct intake_counts *counts, struct error *err)
{
    struct sweep *sweep = calloc(1, sizeof *sweep);
    int status = -1;

    if (sweep == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a sweep");
    sweep->intake = intake;
    sweep->postoffice = postoffice;
    sweep->counts = counts;
    sweep->began_ms = clock_now_ms();
    sweep->ready = calloc(INTAKE_MAX_BATCH, sizeof *sweep->ready);
    sweep->ids = calloc(INTAKE_MAX_BATCH, sizeof *sweep->ids);
    sweep->groups = groups_new(intake->settings);
    lost_init(&sweep->lost, intake, postoffice, sweep->began_ms);
    guard_begin(sweep);
    counts->paused = false;
    if (sweep->ready == NULL || sweep->ids == NULL || sweep->groups == NULL) {
        error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a batch");
    } else if (!guard_may_sweep(sweep, err)) {
        counts->paused = true;
        note_postoffice(sweep, err);
    } else {
        status = run(sweep, err);
    }
    sweep_clear(sweep);
    free(sweep);
    return status;
}
