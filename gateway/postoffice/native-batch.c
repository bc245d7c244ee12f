/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/native.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/step.h"

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

static size_t collect(const struct native *native, const struct key *key, const uint8_t *records,
                      size_t count, struct header *out)
{
    size_t found = 0;

    for (uint32_t r = 0; r < count; r++) {
        struct header *header = &out[found];
        if (!key_is_live(key, native->profile, r))
            continue;
        header->number = r;
        mbg_parse(records + (size_t)r * MBG_RECORD_SIZE, &header->record);
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
    item->item.queue = queue->name;
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
    const char *id = native->batch.queue->route.mailbag;
    struct header *headers = NULL;
    uint8_t *records = NULL;
    struct key key;
    size_t count, found;
    int status = -1;

    if (step("key-load", err) != 0 || key_load(native->root, id, &key, err) != 0 ||
        step("mbg-load", err) != 0 || mbg_load(native->root, id, &records, &count, err) != 0)
        return -1;
    headers = calloc(count + 1, sizeof *headers);
    if (headers == NULL) {
        error_sys(err, ERROR_SOFT, "", "%s: no memory", id);
    } else {
        found = collect(native, &key, records, count, headers);
        if (make_items(native, headers, found < limit ? found : limit, records, err) == 0)
            status = (int)found;
    }
    free(headers);
    free(records);
    return status;
}
