/* SPDX-License-Identifier: BSD-2-Clause */
/* Users, baselines and mailbags of the memory backend. */
#include "config.h"

#include "queue/memory-int.h"

#include <stdlib.h>
#include <string.h>

/* ---- users ---- */

static struct store_user *find_user(struct memory_store *own, const char *postoffice,
                                    const char *mailbox)
{
    for (size_t i = 0; i < own->users.count; i++) {
        struct store_user *row = table_at(&own->users, i);

        if (memory_same_nocase(row->postoffice, postoffice) &&
            memory_same_nocase(row->mailbox, mailbox))
            return row;
    }
    return NULL;
}

static int put_user(struct store *store, const struct store_user *user, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct store_user *row = find_user(own, user->postoffice, user->mailbox);
    struct store_user copy = *user;

    /* A name stays as it was written first. */
    copy.postoffice = row != NULL ? row->postoffice : memory_text(own, user->postoffice);
    copy.mailbox = row != NULL ? row->mailbox : memory_text(own, user->mailbox);
    copy.mailbag = memory_text(own, user->mailbag);
    copy.fault = memory_text(own, user->fault);
    if (row == NULL)
        row = table_add(&own->users);
    if (row == NULL || copy.postoffice == NULL || copy.mailbox == NULL || copy.mailbag == NULL ||
        copy.fault == NULL)
        return memory_short(err);
    *row = copy;
    return 0;
}

static int set_fault(struct store *store, const char *postoffice, const char *mailbox,
                     const char *fault, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct store_user *row = find_user(own, postoffice, mailbox);
    const char *copy = memory_text(own, fault);

    if (row == NULL)
        return error_set(err, ERROR_DATA, "5.3.5", "queue: no user %s/%s", postoffice, mailbox);
    if (copy == NULL)
        return memory_short(err);
    row->fault = copy;
    return 0;
}

static bool is_of(const struct memory_baseline *row, const char *postoffice, const char *mailbox)
{
    return memory_same_nocase(row->postoffice, postoffice) &&
           memory_same_nocase(row->mailbox, mailbox);
}

static int by_user(const void *a, const void *b)
{
    const struct store_user *one = a, *two = b;
    int order = memory_compare_nocase(one->postoffice, two->postoffice);

    return order != 0 ? order : memory_compare_nocase(one->mailbox, two->mailbox);
}

static int list_users(struct store *store, const char *postoffice, const char *mailbox,
                      store_user_seen *seen, void *context, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    if (own->users.count != 0)
        qsort(own->users.rows, own->users.count, own->users.row_size, by_user);
    for (size_t i = 0; i < own->users.count; i++) {
        struct store_user user = *(struct store_user *)table_at(&own->users, i);

        if ((postoffice != NULL && !memory_same_nocase(user.postoffice, postoffice)) ||
            (mailbox != NULL && !memory_same_nocase(user.mailbox, mailbox)))
            continue;
        user.baseline_items = 0;
        for (size_t b = 0; b < own->baselines.count; b++)
            user.baseline_items +=
                is_of(table_at(&own->baselines, b), user.postoffice, user.mailbox);
        if (seen(context, &user) != 0)
            break;
    }
    return 0;
}

static int count_user(struct store *store, const char *original, struct store_user_counts *out,
                      struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *row = memory_recipient(own, id);

        if (!memory_same_nocase(row->original, original))
            continue;
        out->recipients[row->state]++;
        out->doubtful += row->doubt;
    }
    return 0;
}

/* ---- baselines ---- */

static struct memory_baseline *find_header(struct memory_store *own, const char *postoffice,
                                           const char *mailbox, const uint8_t *header)
{
    for (size_t i = 0; i < own->baselines.count; i++) {
        struct memory_baseline *row = table_at(&own->baselines, i);

        if (is_of(row, postoffice, mailbox) &&
            memcmp(row->header, header, STORE_HEADER_DIGEST) == 0)
            return row;
    }
    return NULL;
}

static int add_baseline(struct store *store, const char *postoffice, const char *mailbox,
                        const struct store_baseline *item, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_baseline *row = find_header(own, postoffice, mailbox, item->header);

    if (row != NULL && row->fingerprint[0] != '\0')
        return 0;
    if (row == NULL)
        row = table_add(&own->baselines);
    if (row == NULL)
        return memory_short(err);
    row->postoffice = memory_text(own, postoffice);
    row->mailbox = memory_text(own, mailbox);
    row->fingerprint = memory_text(own, item->fingerprint);
    row->mai = memory_text(own, item->mai);
    memcpy(row->header, item->header, STORE_HEADER_DIGEST);
    if (row->postoffice == NULL || row->mailbox == NULL || row->fingerprint == NULL ||
        row->mai == NULL)
        return memory_short(err);
    return 0;
}

static int clear_baseline(struct store *store, const char *postoffice, const char *mailbox,
                          struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (size_t i = own->baselines.count; i-- > 0;) {
        if (is_of(table_at(&own->baselines, i), postoffice, mailbox))
            table_drop(&own->baselines, i);
    }
    return 0;
}

static int in_baseline(struct store *store, const char *postoffice, const char *mailbox,
                       const uint8_t *header, const char *fingerprint, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    if (header != NULL && find_header(own, postoffice, mailbox, header) != NULL)
        return 1;
    for (size_t i = 0; i < own->baselines.count && fingerprint[0] != '\0'; i++) {
        const struct memory_baseline *row = table_at(&own->baselines, i);

        if (is_of(row, postoffice, mailbox) && strcmp(row->fingerprint, fingerprint) == 0)
            return 1;
    }
    return 0;
}

/* ---- mailbags ---- */

static int by_mailbag(const void *a, const void *b)
{
    const struct store_mailbag *one = a, *two = b;
    int order = memory_compare_nocase(one->title, two->title);

    return order != 0 ? order : memory_compare_nocase(one->mailbag, two->mailbag);
}

static int put_mailbag(struct store *store, const struct store_mailbag *mailbag, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct store_mailbag copy = *mailbag, *row = NULL;

    for (size_t i = 0; i < own->mailbags.count && row == NULL; i++) {
        if (by_mailbag(table_at(&own->mailbags, i), mailbag) == 0)
            row = table_at(&own->mailbags, i);
    }
    copy.title = row != NULL ? row->title : memory_text(own, mailbag->title);
    copy.mailbag = row != NULL ? row->mailbag : memory_text(own, mailbag->mailbag);
    copy.owner = memory_text(own, mailbag->owner);
    copy.stamp = memory_text(own, mailbag->stamp);
    if (row == NULL)
        row = table_add(&own->mailbags);
    if (row == NULL || copy.title == NULL || copy.mailbag == NULL || copy.owner == NULL ||
        copy.stamp == NULL)
        return memory_short(err);
    *row = copy;
    return 0;
}

static int list_mailbags(struct store *store, const char *title, store_mailbag_seen *seen,
                         void *context, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    if (own->mailbags.count != 0)
        qsort(own->mailbags.rows, own->mailbags.count, own->mailbags.row_size, by_mailbag);
    for (size_t i = 0; i < own->mailbags.count; i++) {
        struct store_mailbag mailbag = *(struct store_mailbag *)table_at(&own->mailbags, i);

        if ((title == NULL || memory_same_nocase(mailbag.title, title)) &&
            seen(context, &mailbag) != 0)
            break;
    }
    return 0;
}

/* ---- live items ---- */

static bool lies_in(const struct memory_live *row, const char *title, const char *mailbag)
{
    return memory_same_nocase(row->title, title) && memory_same_nocase(row->mailbag, mailbag);
}

static int by_header(const void *a, const void *b)
{
    const struct live_row *one = a, *two = b;
    int order = memcmp(one->header, two->header, STORE_HEADER_DIGEST);

    if (order == 0 && one->record != two->record)
        order = one->record < two->record ? -1 : 1;
    return order;
}

static int load_live(struct store *store, const char *title, const char *mailbag,
                     struct live_row **out, size_t *count, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct live_row *rows = calloc(own->live.count + 1, sizeof *rows);

    if (rows == NULL)
        return memory_short(err);
    *count = 0;
    for (size_t i = 0; i < own->live.count; i++) {
        const struct memory_live *row = table_at(&own->live, i);

        if (lies_in(row, title, mailbag))
            rows[(*count)++] = row->row;
    }
    qsort(rows, *count, sizeof *rows, by_header);
    *out = rows;
    return 0;
}

static int add_live(struct store *store, const char *title, const char *mailbag,
                    const struct store_live *item, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_live *row = table_add(&own->live);

    if (row == NULL)
        return memory_short(err);
    row->title = memory_text(own, title);
    row->mailbag = memory_text(own, mailbag);
    row->mai = memory_text(own, item->mai);
    memcpy(row->row.header, item->header, STORE_HEADER_DIGEST);
    row->row.record = item->record;
    row->row.first_ms = item->first_ms;
    if (row->title == NULL || row->mailbag == NULL || row->mai == NULL)
        return memory_short(err);
    return 0;
}

static int drop_live(struct store *store, const char *title, const char *mailbag,
                     const uint8_t *header, uint32_t record, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (size_t i = own->live.count; i-- > 0;) {
        const struct memory_live *row = table_at(&own->live, i);

        if (lies_in(row, title, mailbag) && row->row.record == record &&
            memcmp(row->row.header, header, STORE_HEADER_DIGEST) == 0)
            table_drop(&own->live, i);
    }
    return 0;
}

static int by_record(const void *a, const void *b)
{
    const struct memory_live *one = a, *two = b;

    if (one->row.record != two->row.record)
        return one->row.record < two->row.record ? -1 : 1;
    return memcmp(one->row.header, two->row.header, STORE_HEADER_DIGEST);
}

static int list_live(struct store *store, const char *title, const char *mailbag,
                     store_live_seen *seen, void *context, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    if (own->live.count != 0)
        qsort(own->live.rows, own->live.count, own->live.row_size, by_record);
    for (size_t i = 0; i < own->live.count; i++) {
        struct memory_live row = *(struct memory_live *)table_at(&own->live, i);
        struct store_live item = {.header = row.row.header,
                                  .mai = row.mai,
                                  .record = row.row.record,
                                  .first_ms = row.row.first_ms};

        if (lies_in(&row, title, mailbag) && seen(context, &item) != 0)
            break;
    }
    return 0;
}

void memory_cutover_ops(struct store_ops *ops)
{
    ops->put_user = put_user;
    ops->set_fault = set_fault;
    ops->list_users = list_users;
    ops->count_user = count_user;
    ops->add_baseline = add_baseline;
    ops->clear_baseline = clear_baseline;
    ops->in_baseline = in_baseline;
    ops->put_mailbag = put_mailbag;
    ops->list_mailbags = list_mailbags;
    ops->load_live = load_live;
    ops->add_live = add_live;
    ops->drop_live = drop_live;
    ops->list_live = list_live;
}
