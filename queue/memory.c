/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "queue/memory.h"
#include "queue/memory-int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- tables ---- */

void *table_add(struct table *table)
{
    void *row;

    if (table->count == table->room) {
        size_t room = table->room != 0 ? table->room * 2 : 16;
        void *rows = reallocarray(table->rows, room, table->row_size);

        if (rows == NULL)
            return NULL;
        table->rows = rows;
        table->room = room;
    }
    row = (char *)table->rows + table->count++ * table->row_size;
    memset(row, 0, table->row_size);
    return row;
}

void *table_at(const struct table *table, size_t place)
{
    return (char *)table->rows + place * table->row_size;
}

void table_drop(struct table *table, size_t place)
{
    char *row = table_at(table, place);

    table->count--;
    memmove(row, row + table->row_size, (table->count - place) * table->row_size);
}

int table_copy(struct table *to, const struct table *from)
{
    to->count = 0;
    for (size_t i = 0; i < from->count; i++) {
        void *row = table_add(to);

        if (row == NULL)
            return -1;
        memcpy(row, table_at(from, i), from->row_size);
    }
    return 0;
}

/* ---- rows ---- */

struct memory_store *memory_of(struct store *store)
{
    return (struct memory_store *)store;
}

int memory_short(struct error *err)
{
    return error_set(err, ERROR_SOFT, "4.3.0", "queue in memory: not enough memory");
}

int memory_no_message(uint64_t id, struct error *err)
{
    return error_set(err, ERROR_DATA, "5.3.5", "queue: no message %" PRIu64, id);
}

const char *memory_text(struct memory_store *own, const char *text)
{
    char **kept;

    if (store_text(text)[0] == '\0')
        return "";
    kept = table_add(&own->texts);
    if (kept == NULL)
        return NULL;
    *kept = strdup(text);
    return *kept;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

int memory_compare_nocase(const char *a, const char *b)
{
    while (*a != '\0' && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return (unsigned char)lower(*a) - (unsigned char)lower(*b);
}

bool memory_same_nocase(const char *a, const char *b)
{
    return memory_compare_nocase(a, b) == 0;
}

struct memory_message *memory_message(struct memory_store *own, uint64_t id)
{
    return id != 0 && id <= own->messages.count ? table_at(&own->messages, id - 1) : NULL;
}

struct memory_recipient *memory_recipient(struct memory_store *own, uint64_t id)
{
    return id != 0 && id <= own->recipients.count ? table_at(&own->recipients, id - 1) : NULL;
}

int memory_keep_message(struct memory_store *own, const struct memory_message *row)
{
    struct memory_message *old = table_add(&own->old_messages);

    if (old == NULL)
        return -1;
    *old = *row;
    return 0;
}

int memory_keep_recipient(struct memory_store *own, const struct memory_recipient *row)
{
    struct memory_recipient *old = table_add(&own->old_recipients);

    if (old == NULL)
        return -1;
    *old = *row;
    return 0;
}

int memory_add_event(struct memory_store *own, const struct memory_recipient *recipient,
                     int64_t at_ms, const char *event, const char *status, const char *reply,
                     const char *relay, struct error *err)
{
    struct store_event *row = table_add(&own->history);

    if (row == NULL)
        return memory_short(err);
    row->id = recipient->message;
    row->recipient = recipient->id;
    row->at_ms = at_ms;
    row->event = event;
    row->status = memory_text(own, status);
    row->reply = memory_text(own, reply);
    row->relay = memory_text(own, relay);
    if (row->status == NULL || row->reply == NULL || row->relay == NULL)
        return memory_short(err);
    return 0;
}

/* ---- transactions ---- */

/* A table with rows removed, and what a rollback makes of it. */
struct kept_table {
    struct table *now, *old;
};
#define KEPT_TABLES 7

static void kept_tables(struct memory_store *own, struct kept_table out[KEPT_TABLES])
{
    const struct kept_table all[KEPT_TABLES] = {
        {&own->remains, &own->old_remains},   {&own->notes, &own->old_notes},
        {&own->users, &own->old_users},       {&own->baselines, &own->old_baselines},
        {&own->mailbags, &own->old_mailbags}, {&own->live, &own->old_live},
        {&own->threads, &own->old_threads},
    };

    memcpy(out, all, sizeof all);
}

static void forget_old(struct memory_store *own)
{
    struct kept_table kept[KEPT_TABLES];

    own->old_messages.count = 0;
    own->old_recipients.count = 0;
    kept_tables(own, kept);
    for (size_t i = 0; i < KEPT_TABLES; i++)
        kept[i].old->count = 0;
}

static int begin(struct store *store, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct kept_table kept[KEPT_TABLES];

    forget_old(own);
    kept_tables(own, kept);
    for (size_t i = 0; i < KEPT_TABLES; i++) {
        if (table_copy(kept[i].old, kept[i].now) != 0)
            return memory_short(err);
    }
    own->message_mark = own->messages.count;
    own->recipient_mark = own->recipients.count;
    own->journal_mark = own->journal.count;
    own->history_mark = own->history.count;
    return 0;
}

static int commit(struct store *store, struct error *err)
{
    (void)err;
    forget_old(memory_of(store));
    return 0;
}

static void free_content(struct memory_message *message)
{
    if (message->content != NULL)
        buf_clear(message->content);
    free(message->content);
    message->content = NULL;
}

static void swap_tables(struct table *a, struct table *b)
{
    struct table kept = *a;

    *a = *b;
    *b = kept;
}

static void rollback(struct store *store)
{
    struct memory_store *own = memory_of(store);
    struct kept_table kept[KEPT_TABLES];

    for (size_t i = own->old_messages.count; i-- > 0;) {
        struct memory_message *old = table_at(&own->old_messages, i);

        memcpy(table_at(&own->messages, old->facts.id - 1), old, sizeof *old);
    }
    for (size_t i = own->old_recipients.count; i-- > 0;) {
        struct memory_recipient *old = table_at(&own->old_recipients, i);

        memcpy(table_at(&own->recipients, old->id - 1), old, sizeof *old);
    }
    while (own->messages.count > own->message_mark)
        free_content(table_at(&own->messages, --own->messages.count));
    own->recipients.count = own->recipient_mark;
    own->journal.count = own->journal_mark;
    own->history.count = own->history_mark;
    kept_tables(own, kept);
    for (size_t i = 0; i < KEPT_TABLES; i++)
        swap_tables(kept[i].now, kept[i].old);
    forget_old(own);
}

static void close_store(struct store *store)
{
    struct memory_store *own = memory_of(store);
    struct kept_table kept[KEPT_TABLES];

    kept_tables(own, kept);
    for (size_t i = 0; i < KEPT_TABLES; i++) {
        free(kept[i].now->rows);
        free(kept[i].old->rows);
    }
    for (size_t i = 0; i < own->messages.count; i++)
        free_content(table_at(&own->messages, i));
    for (size_t i = 0; i < own->texts.count; i++)
        free(*(char **)table_at(&own->texts, i));
    free(own->messages.rows);
    free(own->recipients.rows);
    free(own->journal.rows);
    free(own->history.rows);
    free(own->texts.rows);
    free(own->old_messages.rows);
    free(own->old_recipients.rows);
    free(own);
}

static void set_row_sizes(struct memory_store *own)
{
    own->messages.row_size = own->old_messages.row_size = sizeof(struct memory_message);
    own->recipients.row_size = own->old_recipients.row_size = sizeof(struct memory_recipient);
    own->journal.row_size = sizeof(struct memory_journal);
    own->history.row_size = sizeof(struct store_event);
    own->remains.row_size = own->old_remains.row_size = sizeof(struct store_remain);
    own->notes.row_size = own->old_notes.row_size = sizeof(struct memory_note);
    own->users.row_size = own->old_users.row_size = sizeof(struct store_user);
    own->baselines.row_size = own->old_baselines.row_size = sizeof(struct memory_baseline);
    own->mailbags.row_size = own->old_mailbags.row_size = sizeof(struct store_mailbag);
    own->live.row_size = own->old_live.row_size = sizeof(struct memory_live);
    own->threads.row_size = own->old_threads.row_size = sizeof(struct memory_thread);
    own->texts.row_size = sizeof(char *);
}

int store_open_memory(struct store **out, struct error *err)
{
    struct memory_store *own = calloc(1, sizeof *own);

    if (own == NULL)
        return memory_short(err);
    set_row_sizes(own);
    own->ops.close = close_store;
    own->ops.begin = begin;
    own->ops.commit = commit;
    own->ops.rollback = rollback;
    memory_intake_ops(&own->ops);
    memory_relay_ops(&own->ops);
    memory_operator_ops(&own->ops);
    memory_cutover_ops(&own->ops);
    memory_thread_ops(&own->ops);
    own->base.ops = &own->ops;
    *out = &own->base;
    return 0;
}
