/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of the memory backend. Rows live in growing tables; the id of a message or
 * recipient is its place + 1. A transaction remembers how long the tables were and a copy of each
 * older row before it changes; a rollback puts both back. Texts are never freed before the store
 * is, so that copies of rows can share them.
 */
#ifndef QUEUE_MEMORY_INT_H
#define QUEUE_MEMORY_INT_H

#include "base/buf.h"
#include "queue/store-int.h"

struct table {
    void *rows;
    size_t row_size, count, room;
};

struct memory_message {
    struct store_message facts; /* texts belong to the store */
    struct buf *content;
    size_t content_size; /* what of it counts; a rollback leaves more in the buffer */
    bool purged;
};

struct memory_recipient {
    uint64_t id, message;
    const char *original, *address;
    enum recipient_state state;
    int64_t due_ms, changed_ms;
    unsigned tries;
    bool doubt, reported;
    const char *status, *reply, *relay;
};

struct memory_journal {
    const char *fingerprint, *original;
};

struct memory_note {
    const char *name, *value;
    int64_t at_ms;
};

struct memory_baseline {
    const char *postoffice, *mailbox, *fingerprint, *mai;
    uint8_t header[STORE_HEADER_DIGEST];
};

struct memory_live {
    const char *title, *mailbag, *mai;
    struct live_row row;
};

struct memory_thread {
    uint8_t key[STORE_THREAD_KEY], conversation[STORE_THREAD_KEY];
    const char *message_id, *references;
};

struct memory_store {
    struct store base;
    struct store_ops ops;
    struct table messages, recipients, journal, history; /* rows are only added */
    struct table remains, notes;                         /* small, with rows removed */
    struct table users, baselines, mailbags, live;       /* likewise */
    struct table threads;                                /* rows change */
    struct table texts;                                  /* char *, freed with the store */
    struct table old_messages, old_recipients;           /* before the change, oldest first */
    struct table old_remains, old_notes;                 /* as the transaction found them */
    struct table old_users, old_baselines, old_mailbags, old_live, old_threads;
    size_t message_mark, recipient_mark, journal_mark, history_mark;
};

struct memory_store *memory_of(struct store *store);
int memory_short(struct error *err); /* ERROR_SOFT; -1 */

/* A new zeroed row, or NULL. */
void *table_add(struct table *table);
void *table_at(const struct table *table, size_t place);
void table_drop(struct table *table, size_t place); /* the rest moves up */
int table_copy(struct table *to, const struct table *from);

/* A copy of TEXT (NULL: "") that lasts as long as the store, or NULL. */
const char *memory_text(struct memory_store *own, const char *text);
bool memory_same_nocase(const char *a, const char *b); /* ASCII letters only, as SQLite's NOCASE */

/* NULL when there is none. The second kind remembers the row first: for changes. */
struct memory_message *memory_message(struct memory_store *own, uint64_t id);
struct memory_recipient *memory_recipient(struct memory_store *own, uint64_t id);
int memory_keep_message(struct memory_store *own, const struct memory_message *row);
int memory_keep_recipient(struct memory_store *own, const struct memory_recipient *row);
int memory_no_message(uint64_t id, struct error *err);

/* Adds a line to the history. */
int memory_add_event(struct memory_store *own, const struct memory_recipient *recipient,
                     int64_t at_ms, const char *event, const char *status, const char *reply,
                     const char *relay, struct error *err);

/* Order of A and B without ASCII case: memory_same_nocase is 0. */
int memory_compare_nocase(const char *a, const char *b);

/* memory-intake.c, memory-relay.c, memory-operator.c, memory-cutover.c, memory-thread.c fill their
 * part. */
void memory_intake_ops(struct store_ops *ops);
void memory_relay_ops(struct store_ops *ops);
void memory_operator_ops(struct store_ops *ops);
void memory_cutover_ops(struct store_ops *ops);
void memory_thread_ops(struct store_ops *ops);

#endif
