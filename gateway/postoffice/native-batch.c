/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/step.h"
#include "postoffice/stamp.h"

struct header {
    uint32_t number;
    struct mbg_record record;
};

static bool was_seen(const struct native_queue *queue, uint32_t number,
                     const struct mbg_record *record)
{
    return queue->seen != NULL && queue->seen->seen[number] &&
           queue->seen->mai[number] == record->mai_number;
}

int native_mark_seen(struct native_queue *queue, const struct native_item *item, struct error *err)
{
    uint32_t number = item->item.place.record;

    if (queue->seen == NULL)
        queue->seen = calloc(1, sizeof *queue->seen);
    if (queue->seen == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", queue->name);
    queue->seen->seen[number] = true;
    queue->seen->mai[number] = item->record.mai_number;
    return 0;
}

/* By time, then number; the record decides only so that the order is always the same. */
static int compare_headers(const void *a, const void *b)
{
    const struct header *one = a, *two = b;
    int order = mbg_compare(&one->record, &two->record);

    return order != 0 ? order : (one->number > two->number) - (one->number < two->number);
}

/* KEY and MBG as they were read. */
struct contents {
    char stamp[STAMP_SIZE];
    int64_t newest_ms;
    uint8_t *records;
    bool *live;
    size_t count;
};

static void contents_clear(struct contents *contents)
{
    free(contents->records);
    free(contents->live);
}

/* The stamp is taken first: what changes behind it is found again. */
static int contents_read(struct contents *contents, struct native *native, struct error *err)
{
    const char *id = native->batch.queue->route.mailbag;
    struct error ignored;
    struct key key;

    memset(contents, 0, sizeof *contents);
    if (stamp_take(native->root, id, contents->stamp, &contents->newest_ms, &ignored) != 0)
        contents->stamp[0] = '\0';
    if (step("key-load", err) != 0 || key_load(native->root, id, &key, err) != 0 ||
        step("mbg-load", err) != 0 ||
        mbg_load(native->root, id, &contents->records, &contents->count, err) != 0)
        return -1;
    contents->live = calloc(contents->count + 1, sizeof *contents->live);
    if (contents->live == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", id);
    for (uint32_t r = 0; r < contents->count; r++)
        contents->live[r] = key_is_live(&key, native->profile, r);
    return 0;
}

static void tell_contents(struct native *native, const struct contents *contents)
{
    struct native_queue *queue = native->batch.queue;
    struct native_view view = {
        .queue = queue->name,
        .mailbag = queue->route.mailbag,
        .user = queue->user,
        .records = contents->records,
        .live = contents->live,
        .count = contents->count,
        .stamp = contents->stamp,
        .newest_ms = contents->newest_ms,
    };

    if (queue->told || native->watch.seen == NULL)
        return;
    queue->told = true;
    for (size_t r = 0; r < contents->count; r++)
        view.live_count += contents->live[r];
    native->watch.seen(native->watch.context, &view);
}

static bool is_skipped(const struct native *native, uint32_t record, const uint8_t *raw)
{
    const struct native_queue *queue = native->batch.queue;

    return queue->user && native->watch.skip != NULL &&
           native->watch.skip(native->watch.context, queue->name, record, raw);
}

static size_t collect(const struct native *native, const struct contents *contents,
                      struct header *out)
{
    size_t found = 0;

    for (uint32_t r = 0; r < contents->count; r++) {
        struct header *header = &out[found];
        const uint8_t *raw;
        if (!contents->live[r])
            continue;
        header->number = r;
        raw = contents->records + (size_t)r * MBG_RECORD_SIZE;
        if (is_skipped(native, r, raw))
            continue;
        mbg_parse(raw, &header->record);
        if (!was_seen(native->batch.queue, r, &header->record))
            found++;
    }
    qsort(out, found, sizeof *out, compare_headers);
    return found;
}

static void fill_item(struct native_item *item, const struct header *header,
                      const struct native_queue *queue, const uint8_t *records, size_t number)
{
    item->record = header->record;
    memcpy(item->raw, records + (size_t)header->number * MBG_RECORD_SIZE, MBG_RECORD_SIZE);
    memcpy(item->item.place.mailbag, queue->route.mailbag, sizeof item->item.place.mailbag);
    memcpy(item->item.place.mai, header->record.mai, sizeof item->item.place.mai);
    item->item.place.record = header->number;
    fingerprint_octets(item->raw, MBG_RECORD_SIZE, item->item.header);
    item->item.queue = queue->name;
    item->item.owner = queue->user ? queue->name : NULL;
    item->item.number = number;
}

static int make_items(struct native *native, const struct header *headers, size_t count,
                      const uint8_t *records, struct error *err)
{
    struct native_batch *batch = &native->batch;

    batch->items = calloc(count + 1, sizeof *batch->items);
    if (batch->items == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", batch->queue->name);
    for (size_t i = 0; i < count; i++) {
        fill_item(&batch->items[i], &headers[i], batch->queue, records, i);
        batch->items[i].item.removable = true;
    }
    batch->count = count;
    return 0;
}

int native_list(struct native *native, size_t limit, struct error *err)
{
    struct contents contents;
    struct header *headers = NULL;
    size_t found;
    int status = -1;

    if (contents_read(&contents, native, err) != 0)
        goto out;
    tell_contents(native, &contents);
    headers = calloc(contents.count + 1, sizeof *headers);
    if (headers == NULL) {
        error_sys(err, ERROR_SOFT, "", "%s: no memory", native->batch.queue->name);
        goto out;
    }
    found = collect(native, &contents, headers);
    if (make_items(native, headers, found < limit ? found : limit, contents.records, err) == 0)
        status = (int)found;
out:
    free(headers);
    contents_clear(&contents);
    return status;
}
