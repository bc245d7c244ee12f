/* SPDX-License-Identifier: BSD-2-Clause */
/* What a mailbag looked like, beside what it looked like at the last sweep: what a client has taken
 * meanwhile, and whether it has to be read again. */
#include "config.h"

#include "daemon/intake-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "postoffice/mbg.h"

/* A stamp whose times are older than any clock is wrong needs no second look. */
#define OLD_MS INT64_C(93600000)

static struct look *present(struct sweep *sweep)
{
    struct look *look = sweep->look_count != 0 ? &sweep->looks[sweep->look_count - 1] : NULL;

    return look != NULL && !look->closed ? look : NULL;
}

static void look_drop(struct look *look)
{
    free(look->items);
    free(look->gone);
    memset(look, 0, sizeof *look);
}

/* ---- reading ---- */

static struct look_item *find_item(const struct look *look, uint32_t record, const uint8_t *header)
{
    for (size_t low = 0, high = look->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        struct look_item *item = &look->items[middle];
        if (item->record == record)
            return memcmp(item->header, header, STORE_HEADER_DIGEST) == 0 ? item : NULL;
        if (item->record < record)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* A store that cannot answer now is asked again when the item is considered. */
static bool in_baseline(const struct sweep *sweep, const struct sweep_user *user,
                        const uint8_t *header)
{
    struct error ignored;

    return user->baseline_items != 0 &&
           store_in_baseline(sweep->intake->store, sweep->postoffice->name, user->mailbox, header,
                             NULL, &ignored) == 1;
}

static int take_items(struct sweep *sweep, struct look *look, const struct native_view *view)
{
    look->items = calloc(view->live_count + 1, sizeof *look->items);
    if (look->items == NULL)
        return -1;
    for (uint32_t r = 0; r < view->count && look->count < view->live_count; r++) {
        const uint8_t *raw = view->records + (size_t)r * MBG_RECORD_SIZE;
        struct look_item *item = &look->items[look->count];
        struct mbg_record record;

        if (!view->live[r])
            continue;
        mbg_parse(raw, &record);
        fingerprint_octets(raw, MBG_RECORD_SIZE, item->header);
        memcpy(item->mai, record.mai, sizeof item->mai);
        item->record = r;
        item->baseline = in_baseline(sweep, look->user, item->header);
        item->fate = item->baseline ? LOOK_ACCOUNTED : LOOK_OPEN;
        sweep->counts->baseline += item->baseline;
        look->count++;
    }
    return 0;
}

struct comparing {
    struct look *look;
    const struct native_view *view;
};

static bool still_lives(const struct look *look, const struct store_live *old)
{
    if (find_item(look, old->record, old->header) != NULL)
        return true;
    for (size_t i = 0; i < look->count; i++) {
        if (memcmp(look->items[i].header, old->header, STORE_HEADER_DIGEST) == 0)
            return true;
    }
    return false;
}

/* Whoever deletes an item sets its bit and leaves the record; it is used again later. */
static bool lies_deleted(const struct native_view *view, const struct store_live *old)
{
    uint8_t header[STORE_HEADER_DIGEST];

    for (uint32_t r = 0; r < view->count; r++) {
        if (view->live[r])
            continue;
        fingerprint_octets(view->records + (size_t)r * MBG_RECORD_SIZE, MBG_RECORD_SIZE, header);
        if (memcmp(header, old->header, sizeof header) == 0)
            return true;
    }
    return false;
}

static int compare_one(void *context, const struct store_live *old)
{
    const struct comparing *comparing = context;
    struct look *look = comparing->look;
    struct look_gone *grown;

    if (still_lives(look, old))
        return 0;
    grown = reallocarray(look->gone, look->gone_count + 1, sizeof *grown);
    if (grown == NULL)
        return 1;
    look->gone = grown;
    grown = &look->gone[look->gone_count++];
    snprintf(grown->mai, sizeof grown->mai, "%s", old->mai);
    grown->record = old->record;
    grown->first_ms = old->first_ms;
    grown->collected = lies_deleted(comparing->view, old);
    return 0;
}

static void compare(struct sweep *sweep, struct look *look, const struct native_view *view)
{
    struct comparing comparing = {look, view};
    struct error err;

    if (store_list_live(sweep->intake->store, sweep->postoffice->title, look->mailbag, compare_one,
                        &comparing, &err) == 0)
        return;
    log_warn("intake", "%s: mailbag %s: %s", sweep->postoffice->title, look->mailbag, err.text);
    look->spoiled = true;
}

static void look_begin(struct sweep *sweep, const struct native_view *view)
{
    struct look *look = &sweep->looks[sweep->look_count++];

    memset(look, 0, sizeof *look);
    snprintf(look->mailbag, sizeof look->mailbag, "%s", view->mailbag);
    snprintf(look->stamp, sizeof look->stamp, "%s", view->stamp);
    look->user = view->user ? users_find(sweep, view->queue) : NULL;
    look->newest_ms = view->newest_ms;
    look->at_ms = clock_now_ms();
    look->live = (uint32_t)view->live_count;
    look->records = (uint32_t)view->count;
    look->spoiled = view->stamp[0] == '\0';
    if (look->user == NULL)
        return;
    if (take_items(sweep, look, view) == 0)
        compare(sweep, look, view);
    else
        look->user = NULL; /* no memory: as if it had not been looked at */
}

static void seen(void *context, const struct native_view *view)
{
    struct sweep *sweep = context;

    if (sweep->look_count == MAX_LOOKS)
        look_flush(sweep);
    guard_fill(sweep, view);
    look_begin(sweep, view);
    sweep->counts->mailbags += view->user;
    if (sweep->intake->progress != NULL)
        sweep->intake->progress(sweep->intake->progress_context, sweep->counts);
}

static bool skip(void *context, const char *queue, uint32_t record, const uint8_t *raw)
{
    const struct look *look = present(context);
    uint8_t header[STORE_HEADER_DIGEST];
    const struct look_item *item;

    (void)queue;
    if (look == NULL || look->user == NULL || look->user->baseline_items == 0)
        return false;
    fingerprint_octets(raw, MBG_RECORD_SIZE, header);
    item = find_item(look, record, header);
    return item != NULL && item->baseline;
}

static void removed(void *context, const char *queue, const char *mailbag, const struct error *why)
{
    (void)queue;
    guard_removal(context, mailbag, why);
}

/* It is in the queue, and a client has it, too. */
static void taken(void *context, const struct item *item)
{
    struct sweep *sweep = context;
    struct relaylog_event event = {
        .event = "collected",
        .po = sweep->postoffice->name,
        .mailbag = item->place.mailbag,
        .mai = sweep_place_name(&item->place),
        .rcpt = item->owner,
        .reason = "by another program while it was taken into the queue: it arrives twice",
        .delay_ms = -1,
    };

    sweep->counts->collected++;
    relaylog_write(sweep->intake->log, clock_now_ms(), &event);
}

/* ---- what becomes of the present mailbag ---- */

static void note_read(struct sweep *sweep, const char *mailbag)
{
    if (sweep->read_count == sweep->read_capacity) {
        size_t capacity = sweep->read_capacity != 0 ? 2 * sweep->read_capacity : 64;
        char(*grown)[9] = reallocarray(sweep->read, capacity, sizeof *grown);
        if (grown == NULL)
            return; /* what was noted of it is forgotten later */
        sweep->read = grown;
        sweep->read_capacity = capacity;
    }
    snprintf(sweep->read[sweep->read_count++], sizeof *sweep->read, "%s", mailbag);
}

static void left(void *context, bool complete)
{
    struct look *look = present(context);

    if (look == NULL)
        return;
    look->closed = true;
    look->spoiled = look->spoiled || !complete;
    if (!look->spoiled)
        note_read(context, look->mailbag);
}

void look_spoil(struct sweep *sweep)
{
    struct look *look = present(sweep);

    if (look != NULL)
        look->spoiled = true;
}

void look_watch(struct sweep *sweep, struct native_watch *watch)
{
    watch->context = sweep;
    watch->seen = seen;
    watch->left = left;
    watch->skip = skip;
    watch->removed = removed;
    watch->taken = taken;
    watch->stop = sweep->intake->stop;
}

void look_removed(struct sweep *sweep, size_t count)
{
    struct look *look = present(sweep);

    if (look == NULL || count == 0)
        return;
    look->touched = true;
    look->live -= count < look->live ? (uint32_t)count : look->live;
}

void look_set_fate(struct sweep *sweep, const struct item *item, enum look_fate fate)
{
    const struct look *look = present(sweep);
    struct look_item *found;

    if (look == NULL || look->user == NULL || item->owner == NULL)
        return;
    found = find_item(look, item->place.record, item->header);
    if (found != NULL)
        found->fate = fate;
}

/* ---- writing ---- */

/* CONTEXT|=|MS|FILES once it is settled, before that CONTEXT|?|MS|FILES, with the time of the first
 * look at it: FAT and SMB know times to two seconds, and what was written twice in that time looks
 * the same as if it had been once. "" when it has to be read again in any case. */
static void make_stamp(const struct look *look, char *out, size_t size)
{
    const struct sweep_user *user = look->user;
    const char *before = user->stamp != NULL ? strchr(user->stamp, '|') : NULL;
    const char *files = before != NULL ? strrchr(before, '|') + 1 : "";
    bool settled = look->newest_ms != 0 && look->newest_ms < look->at_ms - OLD_MS;
    int64_t first = look->at_ms;

    out[0] = '\0';
    if (!look->closed || look->touched || look->spoiled)
        return;
    if (before != NULL && strcmp(files, look->stamp) == 0 && strlen(before) > 3) {
        first = strtoll(before + 3, NULL, 10);
        settled = settled || before[1] == '=' || look->at_ms - first >= STAMP_SETTLE_MS;
    }
    snprintf(out, size, "%s|%c|%lld|%s", user->context, settled ? '=' : '?', (long long)first,
             look->stamp);
}

static int write_one(struct sweep *sweep, const struct look *look, struct store_live *items,
                     int64_t now_ms, struct error *err)
{
    char stamp[STAMP_SIZE + 64];
    size_t count = 0;
    struct store_mailbag row = {
        .title = sweep->postoffice->title,
        .mailbag = look->mailbag,
        .owner = look->user->mailbox,
        .stamp = stamp,
        .swept_ms = look->at_ms,
        .live = look->live,
        .records = look->records,
    };

    make_stamp(look, stamp, sizeof stamp);
    for (size_t i = 0; i < look->count; i++) {
        const struct look_item *item = &look->items[i];
        if (item->fate != LOOK_OPEN)
            continue;
        items[count++] =
            (struct store_live){.header = item->header, .mai = item->mai, .record = item->record};
    }
    if (store_put_mailbag(sweep->intake->store, &row, err) != 0)
        return -1;
    return store_set_live(sweep->intake->store, row.title, row.mailbag, items, count, now_ms, err);
}

int look_write(struct sweep *sweep, int64_t now_ms, struct error *err)
{
    int status = 0;

    for (size_t i = 0; i < sweep->look_count && status == 0; i++) {
        const struct look *look = &sweep->looks[i];
        struct store_live *items;
        if (look->user == NULL)
            continue;
        items = calloc(look->count + 1, sizeof *items);
        status = items != NULL ? write_one(sweep, look, items, now_ms, err)
                               : error_sys(err, ERROR_SOFT, "4.3.0", "no memory");
        free(items);
    }
    return status;
}

static void log_gone(struct sweep *sweep, struct look *look)
{
    struct relaylog_event event = {.po = sweep->postoffice->name, .mailbag = look->mailbag};
    int64_t now = clock_now_ms();

    for (size_t i = 0; i < look->gone_count; i++) {
        const struct look_gone *gone = &look->gone[i];
        event.event = gone->collected ? "collected" : "vanished";
        event.mai = gone->mai;
        event.rcpt = look->user->name;
        event.delay_ms = gone->first_ms > 0 ? now - gone->first_ms : -1;
        event.reason = gone->collected ? "by a client before it was relayed"
                                       : "its record is gone from the mailbag";
        relaylog_write(sweep->intake->log, now, &event);
        if (gone->collected)
            sweep->counts->collected++;
        else
            sweep->counts->vanished++;
    }
    look->gone_count = 0;
}

static void settle_fates(struct look *look, bool done)
{
    for (size_t i = 0; i < look->count; i++) {
        if (look->items[i].fate == LOOK_PENDING)
            look->items[i].fate = done ? LOOK_ACCOUNTED : LOOK_OPEN;
    }
}

void look_written(struct sweep *sweep, bool done)
{
    size_t kept = 0;

    for (size_t i = 0; i < sweep->look_count; i++) {
        struct look *look = &sweep->looks[i];
        settle_fates(look, done);
        if (done)
            log_gone(sweep, look);
        if (look->closed && done)
            look_drop(look);
        else
            sweep->looks[kept++] = *look;
    }
    sweep->look_count = kept;
}

void look_flush(struct sweep *sweep)
{
    struct store *store = sweep->intake->store;
    struct error err = {0};
    bool done = sweep->intake->dry_run;

    if (!done && store_begin(store, &err) == 0) {
        if (look_write(sweep, clock_now_ms(), &err) == 0)
            done = store_commit(store, &err) == 0;
        else
            store_rollback(store);
    }
    if (!done)
        log_warn("intake", "%s: %s", sweep->postoffice->title, err.text);
    look_written(sweep, done);
    if (!done)
        look_clear(sweep); /* they are looked at again */
}

void look_clear(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->look_count; i++)
        look_drop(&sweep->looks[i]);
    sweep->look_count = 0;
}
