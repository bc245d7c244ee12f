/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/intake-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void remain_note(struct sweep *sweep, const struct item_place *place, const char *kind,
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

int remain_write(struct sweep *sweep, int64_t now_ms, struct error *err)
{
    for (size_t i = 0; i < sweep->remain_count; i++) {
        struct remain *remain = &sweep->remains[i];
        struct store_remain row = {
            .title = sweep->postoffice->title,
            .postoffice = sweep->postoffice->name,
            .mailbag = remain->place.mailbag,
            .mai = sweep_place_name(&remain->place),
            .kind = remain->kind,
            .reason = remain->reason,
            .record = remain->place.record,
            .last_ms = now_ms,
        };

        if (store_add_remain(sweep->intake->store, &row, &remain->is_new, err) != 0)
            return -1;
    }
    return 0;
}

void remain_log(struct sweep *sweep, int64_t now_ms)
{
    struct relaylog_event event = {
        .event = "remains", .po = sweep->postoffice->name, .delay_ms = -1};

    for (size_t i = 0; i < sweep->remain_count; i++) {
        const struct remain *remain = &sweep->remains[i];

        if (!remain->is_new)
            continue;
        event.mailbag = remain->place.mailbag;
        event.mai = sweep_place_name(&remain->place);
        event.reason = remain->reason;
        relaylog_write(sweep->intake->log, now_ms, &event);
    }
}

struct forgetting {
    struct sweep *sweep;
    char (*mailbags)[9]; /* of this postoffice that have remains from before this sweep */
    size_t count, capacity;
    bool short_of_memory;
};

static bool is_among(const char (*mailbags)[9], size_t count, const char *mailbag)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(mailbags[i], mailbag) == 0)
            return true;
    }
    return false;
}

/* Not read in this round, but still somebody's: what was noted of it is as true as it was. */
static bool is_kept(const struct sweep *sweep, const char *mailbag)
{
    if (is_among((const char(*)[9])sweep->read, sweep->read_count, mailbag))
        return false;
    for (size_t i = 0; i < sweep->user_count; i++) {
        if (strcmp(sweep->users[i].mailbag, mailbag) == 0)
            return true;
    }
    return sweep->failed;
}

/* Noted by a version that kept them by NET/PO. */
static bool is_old(const struct sweep *sweep, const struct store_remain *remain)
{
    return !sweep_is_backup(sweep) && strcasecmp(remain->title, sweep->postoffice->name) == 0;
}

static int forget(const struct sweep *sweep, const char *mailbag, struct error *err)
{
    const struct settings_postoffice *postoffice = sweep->postoffice;
    struct store *store = sweep->intake->store;

    if (store_forget_remains(store, postoffice->title, mailbag, sweep->began_ms, err) != 0)
        return -1;
    if (sweep_is_backup(sweep))
        return 0;
    return store_forget_remains(store, postoffice->name, mailbag, sweep->began_ms, err);
}

static int see_remain(void *context, const struct store_remain *remain)
{
    struct forgetting *forgetting = context;
    const struct settings_postoffice *postoffice = forgetting->sweep->postoffice;
    char(*grown)[9];

    if ((strcasecmp(remain->title, postoffice->title) != 0 && !is_old(forgetting->sweep, remain)) ||
        remain->last_ms >= forgetting->sweep->began_ms ||
        is_kept(forgetting->sweep, remain->mailbag) ||
        is_among((const char(*)[9])forgetting->mailbags, forgetting->count, remain->mailbag))
        return 0;
    if (forgetting->count == forgetting->capacity) {
        forgetting->capacity += 64;
        grown = reallocarray(forgetting->mailbags, forgetting->capacity, sizeof *grown);
        if (grown == NULL) {
            forgetting->short_of_memory = true;
            return 1;
        }
        forgetting->mailbags = grown;
    }
    snprintf(forgetting->mailbags[forgetting->count++], sizeof *forgetting->mailbags, "%s",
             remain->mailbag);
    return 0;
}

/* What an ffapi door held lies in our spool, and stays noted until the operator removes it. */
int remain_forget(struct sweep *sweep, struct error *err)
{
    struct forgetting forgetting = {.sweep = sweep};
    struct store *store = sweep->intake->store;
    int status;

    if (sweep->intake->dry_run || !sweep_is_native(sweep))
        return 0;
    status = store_list_remains(store, see_remain, &forgetting, err);
    if (status == 0 && forgetting.short_of_memory)
        status = error_sys(err, ERROR_SOFT, "", "no memory");
    for (size_t i = 0; i < forgetting.count && status == 0; i++)
        status = forget(sweep, forgetting.mailbags[i], err);
    free(forgetting.mailbags);
    return status;
}
