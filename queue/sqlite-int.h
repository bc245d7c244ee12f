/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the files of the SQLite backend. Every value from outside is bound, never pasted. */
#ifndef QUEUE_SQLITE_INT_H
#define QUEUE_SQLITE_INT_H

#include <sqlite3.h>

#include "queue/store-int.h"

/* One place in the handle's cache of prepared statements for each. */
enum sqlite_statement {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_ADD_MESSAGE,
    SQL_ADD_CONTENT,
    SQL_CONTENT_END,
    SQL_READ_CONTENT,
    SQL_SET_FACTS,
    SQL_MESSAGE_FOR_RECIPIENT,
    SQL_ADD_JOURNAL,
    SQL_ADD_RECIPIENT,
    SQL_ADD_HISTORY,
    SQL_JOURNAL_HAS,
    SQL_GET_REMAIN,
    SQL_PUT_REMAIN,
    SQL_FORGET_REMAINS,
    SQL_LIST_REMAINS,
    SQL_NEXT_DUE,
    SQL_DUE_MESSAGES,
    SQL_CLAIM_MESSAGE,
    SQL_CLAIM_RECIPIENTS,
    SQL_CHANGE,
    SQL_CHANGE_HISTORY,
    SQL_GET_ROW,
    SQL_NEXT_ROW,
    SQL_ANY_SENDING,
    SQL_ANY_EXPIRED,
    SQL_NEXT_UNREPORTED,
    SQL_SET_REPORTED,
    SQL_ADD_REPORTING,
    SQL_NEXT_LATE,
    SQL_SET_NOTICED,
    SQL_FORGET_NOTICES,
    SQL_HELD_REPORT,
    SQL_IDLE_NOTICE,
    SQL_HAS_MESSAGE,
    SQL_LIST_MESSAGE,
    SQL_EXTEND_MESSAGE,
    SQL_EXTEND_RECIPIENTS,
    SQL_HISTORY,
    SQL_COUNT_STATES,
    SQL_COUNT_REST,
    SQL_PUT_NOTE,
    SQL_DROP_NOTE,
    SQL_LIST_NOTES,
    SQL_PURGEABLE,
    SQL_PURGE_CONTENT,
    SQL_PURGE_MARK,
    SQL_PUT_USER,
    SQL_SET_FAULT,
    SQL_LIST_USERS,
    SQL_ADD_BASELINE,
    SQL_CLEAR_BASELINE,
    SQL_BASELINE_HEADER,
    SQL_BASELINE_FINGERPRINT,
    SQL_PUT_MAILBAG,
    SQL_LIST_MAILBAGS,
    SQL_LOAD_LIVE,
    SQL_ADD_LIVE,
    SQL_DROP_LIVE,
    SQL_LIST_LIVE,
    SQL_COUNT_USER,
    SQL_ADD_THREAD,
    SQL_FIND_THREAD,
    SQL_STATEMENTS
};

struct sqlite_store {
    struct store base;
    sqlite3 *db;
    char *path;
    sqlite3_stmt *cache[SQL_STATEMENTS];
};

/* States are stored as their numbers, and the partial indexes name two of them. */
_Static_assert(RECIPIENT_QUEUED == 0 && RECIPIENT_SENDING == 1 && RECIPIENT_HELD == 2 &&
                   RECIPIENT_SENT == 3 && RECIPIENT_FAILED == 4 && RECIPIENT_DELETED == 5,
               "the numbers of the states are in files on disk");
_Static_assert(USER_BASELINE == 0 && USER_ACTIVE == 1 && USER_DRAINING == 2 && USER_CLOSED == 3,
               "and so are those of users");

/* ---- sqlite-query.c: one statement from binding to its last row ---- */

struct query {
    struct sqlite_store *store;
    sqlite3_stmt *stmt;
    int next; /* parameter to bind next, from 1 */
    int code; /* first failure of a binding */
    bool cached;
};

/* Takes statement WHICH from the cache, or prepares it from SQL (always the same text for one
 * WHICH). query_prepare makes one that is not cached. Both: query_end must follow. */
int query_begin(struct query *query, struct store *store, enum sqlite_statement which,
                const char *sql, struct error *err) WARN_UNUSED;
int query_prepare(struct query *query, struct store *store, const char *sql,
                  struct error *err) WARN_UNUSED;

/* Bind the next parameter. The memory must stay until query_end; NULL text binds SQL NULL. */
void query_int(struct query *query, int64_t value);
void query_text(struct query *query, const char *text);
void query_blob(struct query *query, const void *data, size_t size);

/* 1: a row is there, 0: no more, -1. */
int query_next(struct query *query, struct error *err) WARN_UNUSED;
void query_end(struct query *query);
/* Runs a statement without rows, and ends it. */
int query_run(struct query *query, struct error *err) WARN_UNUSED;

/* Columns from 0; text is never NULL and lasts until the next row. */
int64_t query_get_int(const struct query *query, int column);
const char *query_get_text(const struct query *query, int column);
/* Exactly SIZE octets, copied; zeroes when the column has another size. */
void query_get_blob(const struct query *query, int column, void *out, size_t size);
/* A copy for the caller (free), or NULL. */
char *query_copy_text(const struct query *query, int column);

/* Classifies result CODE of SQLite; returns -1. */
int sqlite_fail(const struct sqlite_store *store, int code, struct error *err);

/* ---- sqlite-schema.c ---- */

/* Makes the tables in a new file. A failure leaves a file to be thrown away. */
int sqlite_create_schema(struct sqlite_store *store, struct error *err) WARN_UNUSED;
/* ERROR_SETUP unless the file is a queue of this layout or of one that can be made into it. */
int sqlite_check_schema(struct sqlite_store *store, struct error *err) WARN_UNUSED;
/* Brings an older layout to this one: one transaction, so a crash leaves the old or the new one,
 * and of two programs that start together one does it. */
int sqlite_upgrade_schema(struct sqlite_store *store, struct error *err) WARN_UNUSED;
int sqlite_exec(struct sqlite_store *store, const char *sql, struct error *err) WARN_UNUSED;

/* ---- operations; contracts in store-int.h ---- */

/* sqlite-intake.c */
int sqlite_add_message(struct store *store, struct store_message *message, struct error *err);
int sqlite_add_content(struct store *store, uint64_t id, const void *data, size_t size,
                       struct error *err);
int sqlite_set_content_facts(struct store *store, uint64_t id, const char *message_id,
                             const char *sender, const char *subject, uint64_t size, bool eight_bit,
                             struct error *err);
int sqlite_add_recipient(struct store *store, const struct store_entry *entry, struct error *err);
int sqlite_add_note(struct store *store, const struct store_entry *entry, struct error *err);
int sqlite_journal_has(struct store *store, const char *fingerprint, const char *original,
                       struct error *err);
int sqlite_read_content(struct store *store, uint64_t id, uint64_t offset, void *out, size_t size,
                        size_t *got, struct error *err);

/* sqlite-remain.c */
int sqlite_add_remain(struct store *store, const struct store_remain *remain, bool *new_one,
                      struct error *err);
int sqlite_forget_remains(struct store *store, const char *title, const char *mailbag,
                          int64_t before_ms, struct error *err);
int sqlite_list_remains(struct store *store, store_remain_seen *seen, void *context,
                        struct error *err);
int sqlite_put_note(struct store *store, const char *name, const char *value, int64_t now_ms,
                    struct error *err);
int sqlite_list_notes(struct store *store, const char *prefix, store_note_seen *seen, void *context,
                      struct error *err);

/* sqlite-relay.c */
int sqlite_claim(struct store *store, int64_t now_ms, size_t limit, size_t max_recipients,
                 struct claim_message *out, size_t *count, struct error *err);
int sqlite_next_due(struct store *store, int64_t after_ms, int64_t *due_ms, struct error *err);
int sqlite_change(struct store *store, const struct store_change *change, struct error *err);
int sqlite_get_row(struct store *store, uint64_t recipient, struct store_row *row,
                   struct error *err);
int sqlite_next_row(struct store *store, uint64_t message, uint64_t after, struct store_row *row,
                    struct error *err);
int sqlite_any_sending(struct store *store, struct store_row *row, struct error *err);
int sqlite_any_expired(struct store *store, int64_t now_ms, struct store_row *row,
                       struct error *err);
/* The first row of a query for these columns; ends the query. */
#define SQLITE_ROW_COLUMNS                                                                         \
    "SELECT id, state, tries, reply, message,"                                                     \
    " EXISTS (SELECT 1 FROM message AS m WHERE m.id = recipient.message AND m.report_of <> 0)"     \
    " FROM recipient "
int sqlite_take_row(struct query *query, struct store_row *row, struct error *err);

/* sqlite-report.c */
/* What is not in the table of messages, because most messages have none of it. */
int sqlite_add_reporting(struct store *store, const struct store_message *message,
                         struct error *err);
int sqlite_next_unreported(struct store *store, uint64_t after, int64_t before_ms, uint64_t *id,
                           struct error *err);
int sqlite_set_reported(struct store *store, uint64_t id, uint64_t last, struct error *err);
int sqlite_next_late(struct store *store, int64_t now_ms, uint64_t *id, struct error *err);
int sqlite_set_noticed(struct store *store, uint64_t id, struct error *err);
int sqlite_forget_notices(struct store *store, int64_t now_ms, struct error *err);
int sqlite_held_report(struct store *store, uint64_t *id, struct error *err);
int sqlite_idle_notice(struct store *store, uint64_t message, struct store_row *row,
                       struct error *err);

/* sqlite-operator.c */
int sqlite_has_message(struct store *store, uint64_t id, struct error *err);
int sqlite_extend(struct store *store, uint64_t id, int64_t expires_ms, struct error *err);
int sqlite_list(struct store *store, const struct store_filter *filter, store_view_seen *seen,
                void *context, struct error *err);
int sqlite_history(struct store *store, uint64_t id, store_event_seen *seen, void *context,
                   struct error *err);
int sqlite_count(struct store *store, struct store_counts *out, struct error *err);
int sqlite_purge(struct store *store, int64_t before_ms, size_t limit, size_t *count,
                 struct error *err);
int sqlite_verify(struct store *store, struct error *err);

/* sqlite-cutover.c */
int sqlite_put_user(struct store *store, const struct store_user *user, struct error *err);
int sqlite_set_fault(struct store *store, const char *postoffice, const char *mailbox,
                     const char *fault, struct error *err);
int sqlite_list_users(struct store *store, const char *postoffice, const char *mailbox,
                      store_user_seen *seen, void *context, struct error *err);
int sqlite_add_baseline(struct store *store, const char *postoffice, const char *mailbox,
                        const struct store_baseline *item, struct error *err);
int sqlite_clear_baseline(struct store *store, const char *postoffice, const char *mailbox,
                          struct error *err);
int sqlite_in_baseline(struct store *store, const char *postoffice, const char *mailbox,
                       const uint8_t *header, const char *fingerprint, struct error *err);
int sqlite_count_user(struct store *store, const char *original, struct store_user_counts *out,
                      struct error *err);

/* sqlite-mailbag.c */
int sqlite_put_mailbag(struct store *store, const struct store_mailbag *mailbag, struct error *err);
int sqlite_list_mailbags(struct store *store, const char *title, store_mailbag_seen *seen,
                         void *context, struct error *err);
int sqlite_load_live(struct store *store, const char *title, const char *mailbag,
                     struct live_row **out, size_t *count, struct error *err);
int sqlite_add_live(struct store *store, const char *title, const char *mailbag,
                    const struct store_live *item, struct error *err);
int sqlite_drop_live(struct store *store, const char *title, const char *mailbag,
                     const uint8_t *header, uint32_t record, struct error *err);
int sqlite_list_live(struct store *store, const char *title, const char *mailbag,
                     store_live_seen *seen, void *context, struct error *err);

/* sqlite-thread.c */
int sqlite_add_thread(struct store *store, const struct store_thread *thread, struct error *err);
int sqlite_find_thread(struct store *store, const uint8_t *key, const uint8_t *conversation,
                       const char *except, struct thread_found *out, struct error *err);

#endif
