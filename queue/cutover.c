/* SPDX-License-Identifier: BSD-2-Clause */
/* Users, baselines and mailbags: what holds for every backend, and passes on to one. */
#include "config.h"

#include "queue/cutover.h"
#include "queue/store-int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- users ---- */

int store_put_user(struct store *store, const struct store_user *user, struct error *err)
{
    char fault[STORE_TEXT_SIZE + 1];
    struct store_user copy = *user;
    bool own;

    assert((unsigned)user->state < USER_STATES);
    store_clip(fault, user->fault);
    copy.postoffice = store_text(user->postoffice);
    copy.mailbox = store_text(user->mailbox);
    copy.mailbag = store_text(user->mailbag);
    copy.fault = fault;
    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(store, own, store->ops->put_user(store, &copy, err), err);
}

int store_set_fault(struct store *store, const char *postoffice, const char *mailbox,
                    const char *fault, struct error *err)
{
    char clipped[STORE_TEXT_SIZE + 1];
    bool own;

    store_clip(clipped, fault);
    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(store, own,
                         store->ops->set_fault(store, postoffice, mailbox, clipped, err), err);
}

int store_list_users(struct store *store, const char *postoffice, const char *mailbox,
                     store_user_seen *seen, void *context, struct error *err)
{
    return store->ops->list_users(store, postoffice, mailbox, seen, context, err);
}

int store_count_user(struct store *store, const char *original, struct store_user_counts *out,
                     struct error *err)
{
    memset(out, 0, sizeof *out);
    return store->ops->count_user(store, original, out, err);
}

/* ---- baselines ---- */

int store_add_baseline(struct store *store, const char *postoffice, const char *mailbox,
                       const struct store_baseline *item, struct error *err)
{
    struct store_baseline copy = {.fingerprint = store_text(item->fingerprint),
                                  .header = item->header,
                                  .mai = store_text(item->mai)};
    bool own;

    assert(item->header != NULL);
    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(store, own,
                         store->ops->add_baseline(store, postoffice, mailbox, &copy, err), err);
}

int store_clear_baseline(struct store *store, const char *postoffice, const char *mailbox,
                         struct error *err)
{
    bool own;

    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(store, own, store->ops->clear_baseline(store, postoffice, mailbox, err),
                         err);
}

int store_in_baseline(struct store *store, const char *postoffice, const char *mailbox,
                      const uint8_t *header, const char *fingerprint, struct error *err)
{
    return store->ops->in_baseline(store, postoffice, mailbox, header, store_text(fingerprint),
                                   err);
}

/* ---- mailbags ---- */

int store_put_mailbag(struct store *store, const struct store_mailbag *mailbag, struct error *err)
{
    struct store_mailbag copy = *mailbag;
    bool own;

    copy.title = store_text(mailbag->title);
    copy.mailbag = store_text(mailbag->mailbag);
    copy.owner = store_text(mailbag->owner);
    copy.stamp = store_text(mailbag->stamp);
    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(store, own, store->ops->put_mailbag(store, &copy, err), err);
}

int store_list_mailbags(struct store *store, const char *title, store_mailbag_seen *seen,
                        void *context, struct error *err)
{
    return store->ops->list_mailbags(store, title, seen, context, err);
}

/* ---- live items ---- */

struct live_change {
    struct store *store;
    const char *title, *mailbag;
    int64_t now_ms;
    const struct live_row *rows; /* as they were, by header and record */
    size_t row_count;
    const struct store_live **items; /* as they are, likewise */
    size_t count;
};

static int compare(const uint8_t *a_header, uint32_t a_record, const uint8_t *b_header,
                   uint32_t b_record)
{
    int order = memcmp(a_header, b_header, STORE_HEADER_DIGEST);

    if (order == 0 && a_record != b_record)
        order = a_record < b_record ? -1 : 1;
    return order;
}

static int by_header(const void *a, const void *b)
{
    const struct store_live *one = *(const struct store_live *const *)a;
    const struct store_live *two = *(const struct store_live *const *)b;

    return compare(one->header, one->record, two->header, two->record);
}

static int header_of_row(const void *key, const void *row)
{
    return memcmp(key, ((const struct live_row *)row)->header, STORE_HEADER_DIGEST);
}

/* A header that was in another record stays as old as it is: files are compacted. */
static int add_item(const struct live_change *change, const struct store_live *item,
                    struct error *err)
{
    const struct live_row *same = NULL;
    struct store_live copy = *item;

    if (change->row_count != 0)
        same = bsearch(item->header, change->rows, change->row_count, sizeof *same, header_of_row);
    copy.mai = store_text(item->mai);
    copy.first_ms = same != NULL ? same->first_ms : change->now_ms;
    return change->store->ops->add_live(change->store, change->title, change->mailbag, &copy, err);
}

static int drop_row(const struct live_change *change, const struct live_row *row, struct error *err)
{
    return change->store->ops->drop_live(change->store, change->title, change->mailbag, row->header,
                                         row->record, err);
}

/* Negative: the next row is in the old list only; positive: the next item in the new one only. */
static int next_order(const struct live_change *change, size_t row, size_t item)
{
    if (row == change->row_count)
        return 1;
    if (item == change->count)
        return -1;
    return compare(change->rows[row].header, change->rows[row].record, change->items[item]->header,
                   change->items[item]->record);
}

/* Both lists side by side: what is in one of them only is written. */
static int apply(const struct live_change *change, struct error *err)
{
    size_t row = 0, item = 0;
    int rc = 0;

    while (rc == 0 && (row < change->row_count || item < change->count)) {
        int order = next_order(change, row, item);

        if (order < 0)
            rc = drop_row(change, &change->rows[row], err);
        else if (order > 0)
            rc = add_item(change, change->items[item], err);
        row += order <= 0;
        item += order >= 0;
    }
    return rc;
}

/* In order, the same item twice made one. */
static void sort_items(struct live_change *change, const struct store_live *items, size_t count)
{
    for (size_t i = 0; i < count; i++)
        change->items[i] = &items[i];
    qsort(change->items, count, sizeof *change->items, by_header);
    for (size_t i = 0; i < count; i++) {
        if (change->count == 0 ||
            by_header(&change->items[change->count - 1], &change->items[i]) != 0)
            change->items[change->count++] = change->items[i];
    }
}

static int set_live(struct live_change *change, const struct store_live *items, size_t count,
                    struct error *err)
{
    struct live_row *rows = NULL;
    int rc;

    change->items = calloc(count + 1, sizeof *change->items);
    if (change->items == NULL)
        return error_set(err, ERROR_SOFT, "4.3.0", "queue: not enough memory for a mailbag");
    sort_items(change, items, count);
    rc = change->store->ops->load_live(change->store, change->title, change->mailbag, &rows,
                                       &change->row_count, err);
    change->rows = rows;
    if (rc == 0)
        rc = apply(change, err);
    free(rows);
    free(change->items);
    return rc;
}

int store_set_live(struct store *store, const char *title, const char *mailbag,
                   const struct store_live *items, size_t count, int64_t now_ms, struct error *err)
{
    struct live_change change = {
        .store = store, .title = title, .mailbag = mailbag, .now_ms = now_ms};
    bool own;

    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(store, own, set_live(&change, items, count, err), err);
}

int store_list_live(struct store *store, const char *title, const char *mailbag,
                    store_live_seen *seen, void *context, struct error *err)
{
    return store->ops->list_live(store, title, mailbag, seen, context, err);
}
