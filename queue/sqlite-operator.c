/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists, history, counts, freeing of content, the check of the file. */
#include "config.h"

#include "queue/sqlite-int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

int sqlite_has_message(struct store *store, uint64_t id, struct error *err)
{
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_HAS_MESSAGE, "SELECT 1 FROM message WHERE id = ?1", err) !=
        0)
        return -1;
    query_int(&query, (int64_t)id);
    rc = query_next(&query, err);
    query_end(&query);
    return rc;
}

static int extend_rows(struct store *store, enum sqlite_statement which, const char *sql,
                       uint64_t id, int64_t expires_ms, struct error *err)
{
    struct query query;

    if (query_begin(&query, store, which, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    query_int(&query, expires_ms);
    return query_run(&query, err);
}

int sqlite_extend(struct store *store, uint64_t id, int64_t expires_ms, struct error *err)
{
    static const char message[] =
        "UPDATE message SET expires_ms = ?2 WHERE id = ?1 AND expires_ms < ?2";
    static const char recipients[] =
        "UPDATE recipient INDEXED BY recipient_by_message SET expires_ms = ?2"
        " WHERE message = ?1 AND expires_ms < ?2";

    if (extend_rows(store, SQL_EXTEND_MESSAGE, message, id, expires_ms, err) != 0)
        return -1;
    return extend_rows(store, SQL_EXTEND_RECIPIENTS, recipients, id, expires_ms, err);
}

/* ---- list ---- */

#define LIST_SELECT                                                                                \
    "SELECT m.id, r.id, m.fingerprint, m.postoffice, m.queue, m.mailbag, m.mai, m.sender,"         \
    " r.address, r.original, m.message_id, m.subject, r.state, m.date_ms, m.received_ms,"          \
    " m.expires_ms, r.due_ms, r.changed_ms, m.size, r.tries, r.doubt, r.reported, m.priority,"     \
    " m.report_of, r.status, r.reply, r.relay, m.eight_bit, coalesce(n.report_to, ''),"            \
    " coalesce(n.notice_of, 0) FROM recipient AS r CROSS JOIN message AS m ON m.id = r.message"    \
    " LEFT JOIN reporting AS n ON n.message = m.id WHERE r.id > ?1"
/* By Message-ID the message is the rare thing: found first, through its index. */
#define LIST_SELECT_BY_MESSAGE_ID " AND r.message IN (SELECT id FROM message WHERE message_id = ?4)"

static int list_text(const struct store_filter *filter, struct buf *sql)
{
    if (buf_append_text(sql, LIST_SELECT) != 0)
        return -1;
    if (filter->id != 0 && buf_append_text(sql, " AND r.message = ?2") != 0)
        return -1;
    if (filter->state != NULL && buf_append_text(sql, " AND r.state = ?3") != 0)
        return -1;
    if (filter->message_id != NULL && buf_append_text(sql, LIST_SELECT_BY_MESSAGE_ID) != 0)
        return -1;
    if (filter->mai != NULL && buf_append_text(sql, " AND m.mai = ?5 COLLATE NOCASE") != 0)
        return -1;
    if (filter->address != NULL &&
        buf_append_text(sql, " AND (instr(lower(r.address), lower(?6)) > 0"
                             " OR instr(lower(r.original), lower(?6)) > 0)") != 0)
        return -1;
    return buf_append_text(sql, " ORDER BY r.id LIMIT ?7");
}

/* One message at a time is what is asked for often. */
static bool is_of_one(const struct store_filter *filter)
{
    return filter->id != 0 && filter->state == NULL && filter->message_id == NULL &&
           filter->mai == NULL && filter->address == NULL;
}

static int list_prepare(struct query *query, struct store *store, const struct store_filter *filter,
                        struct error *err)
{
    struct buf sql;
    int rc;

    buf_init(&sql, 4096);
    rc = list_text(filter, &sql);
    if (rc == 0)
        rc = is_of_one(filter) ? query_begin(query, store, SQL_LIST_MESSAGE, buf_text(&sql), err)
                               : query_prepare(query, store, buf_text(&sql), err);
    else
        error_set(err, ERROR_SOFT, "4.3.0", "queue: not enough memory for a list");
    buf_clear(&sql);
    if (rc != 0)
        return -1;
    query_int(query, (int64_t)filter->after);
    query_int(query, (int64_t)filter->id);
    query_int(query, filter->state != NULL ? (int64_t)*filter->state : 0);
    query_text(query, filter->message_id);
    query_text(query, filter->mai);
    query_text(query, filter->address);
    query_int(query, filter->limit == 0 || filter->limit > INT64_MAX ? -1 : (int64_t)filter->limit);
    return 0;
}

static void get_view(const struct query *query, struct store_view *view)
{
    const char **const texts[] = {
        &view->fingerprint, &view->postoffice, &view->queue,    &view->mailbag,    &view->mai,
        &view->sender,      &view->address,    &view->original, &view->message_id, &view->subject};

    view->id = (uint64_t)query_get_int(query, 0);
    view->recipient = (uint64_t)query_get_int(query, 1);
    for (int i = 0; i < 10; i++)
        *texts[i] = query_get_text(query, 2 + i);
    view->state = (enum recipient_state)query_get_int(query, 12);
    view->date_ms = query_get_int(query, 13);
    view->received_ms = query_get_int(query, 14);
    view->expires_ms = query_get_int(query, 15);
    view->due_ms = query_get_int(query, 16);
    view->changed_ms = query_get_int(query, 17);
    view->size = (uint64_t)query_get_int(query, 18);
    view->tries = (unsigned)query_get_int(query, 19);
    view->doubt = query_get_int(query, 20) != 0;
    view->reported = query_get_int(query, 21) != 0;
    view->priority = (char)query_get_int(query, 22);
    view->report_of = (uint64_t)query_get_int(query, 23);
    view->status = query_get_text(query, 24);
    view->reply = query_get_text(query, 25);
    view->relay = query_get_text(query, 26);
    view->eight_bit = query_get_int(query, 27) != 0;
    view->report_to = query_get_text(query, 28);
    view->notice = query_get_int(query, 29) != 0;
}

int sqlite_list(struct store *store, const struct store_filter *filter, store_view_seen *seen,
                void *context, struct error *err)
{
    struct query query;
    int rc;

    if (list_prepare(&query, store, filter, err) != 0)
        return -1;
    while ((rc = query_next(&query, err)) > 0) {
        struct store_view view;

        get_view(&query, &view);
        if (seen(context, &view) != 0)
            break;
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

int sqlite_history(struct store *store, uint64_t id, store_event_seen *seen, void *context,
                   struct error *err)
{
    static const char sql[] = "SELECT message, recipient, at_ms, event, status, reply, relay"
                              " FROM history WHERE message = ?1 ORDER BY id";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_HISTORY, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    while ((rc = query_next(&query, err)) > 0) {
        struct store_event event = {.id = (uint64_t)query_get_int(&query, 0),
                                    .recipient = (uint64_t)query_get_int(&query, 1),
                                    .at_ms = query_get_int(&query, 2),
                                    .event = query_get_text(&query, 3),
                                    .status = query_get_text(&query, 4),
                                    .reply = query_get_text(&query, 5),
                                    .relay = query_get_text(&query, 6)};

        if (seen(context, &event) != 0)
            break;
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

/* ---- counts ---- */

static int count_states(struct store *store, struct store_counts *out, struct error *err)
{
    static const char sql[] = "SELECT state, count(*) FROM recipient INDEXED BY recipient_by_state"
                              " GROUP BY state";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_COUNT_STATES, sql, err) != 0)
        return -1;
    while ((rc = query_next(&query, err)) > 0) {
        int64_t state = query_get_int(&query, 0);

        if (state >= 0 && state < RECIPIENT_STATES)
            out->recipients[state] = (uint64_t)query_get_int(&query, 1);
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

int sqlite_count(struct store *store, struct store_counts *out, struct error *err)
{
    static const char sql[] =
        "SELECT (SELECT count(*) FROM message),"
        " (SELECT coalesce(min(m.received_ms), 0) FROM recipient AS r INDEXED BY recipient_by_state"
        "  CROSS JOIN message AS m ON m.id = r.message WHERE r.state = 0),"
        " (SELECT count(*) FROM recipient INDEXED BY recipient_doubt WHERE doubt = 1),"
        " (SELECT count(*) FROM remain)";
    struct query query;
    int rc;

    if (count_states(store, out, err) != 0 ||
        sqlite_next_due(store, INT64_MIN, &out->next_due_ms, err) < 0 ||
        query_begin(&query, store, SQL_COUNT_REST, sql, err) != 0)
        return -1;
    rc = query_next(&query, err);
    if (rc > 0) {
        out->messages = (uint64_t)query_get_int(&query, 0);
        out->oldest_queued_ms = query_get_int(&query, 1);
        out->doubtful = (uint64_t)query_get_int(&query, 2);
        out->remains = (uint64_t)query_get_int(&query, 3);
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

/* ---- freeing content ---- */

static int run_for(struct store *store, enum sqlite_statement which, const char *sql, uint64_t id,
                   struct error *err)
{
    struct query query;

    if (query_begin(&query, store, which, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    return query_run(&query, err);
}

/* The first message above *ID whose content is of no use any more; *ID 0: none. */
static int find_purgeable(struct store *store, int64_t before_ms, uint64_t *id, struct error *err)
{
    static const char sql[] =
        "SELECT m.id FROM message AS m INDEXED BY message_unpurged"
        " WHERE m.purged = 0 AND m.received_ms < ?1"
        " AND EXISTS (SELECT 1 FROM recipient AS r WHERE r.message = m.id)"
        " AND NOT EXISTS (SELECT 1 FROM recipient AS r INDEXED BY recipient_by_message"
        " WHERE r.message = m.id AND (r.state NOT IN (3, 5) OR r.changed_ms >= ?1))"
        " ORDER BY m.received_ms LIMIT 1";
    struct query query;
    int rc;

    *id = 0;
    if (query_begin(&query, store, SQL_PURGEABLE, sql, err) != 0)
        return -1;
    query_int(&query, before_ms);
    rc = query_next(&query, err);
    if (rc > 0)
        *id = (uint64_t)query_get_int(&query, 0);
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

int sqlite_purge(struct store *store, int64_t before_ms, size_t limit, size_t *count,
                 struct error *err)
{
    while (*count < limit) {
        uint64_t id;

        if (find_purgeable(store, before_ms, &id, err) != 0)
            return -1;
        if (id == 0)
            break;
        if (run_for(store, SQL_PURGE_CONTENT, "DELETE FROM chunk WHERE message = ?1", id, err) !=
                0 ||
            run_for(store, SQL_PURGE_MARK, "UPDATE message SET purged = 1 WHERE id = ?1", id,
                    err) != 0)
            return -1;
        ++*count;
    }
    return 0;
}

/* ---- checks ---- */

/* Each gives a row for a fault: what is wrong, and where (0: it says so itself). */
static const char *const checks[] = {
    "SELECT quick_check, 0 FROM pragma_quick_check(1) WHERE quick_check <> 'ok'",
    "SELECT 'a row refers to a message that is not there: table ' || \"table\", rowid"
    " FROM pragma_foreign_key_check LIMIT 1",
    "SELECT 'content is not as long as its message says: message', m.id FROM message AS m"
    " WHERE m.purged = 0 AND m.size <>"
    " (SELECT coalesce(sum(length(c.data)), 0) FROM chunk AS c WHERE c.message = m.id) LIMIT 1",
    "SELECT 'content has a gap: message', c.message FROM chunk AS c WHERE c.start <> coalesce("
    "(SELECT p.start + length(p.data) FROM chunk AS p WHERE p.message = c.message"
    " AND p.start < c.start ORDER BY p.start DESC LIMIT 1), 0) LIMIT 1",
    "SELECT 'not in the journal: recipient', r.id FROM recipient AS r"
    " JOIN message AS m ON m.id = r.message WHERE m.fingerprint <> '' AND NOT EXISTS"
    " (SELECT 1 FROM journal AS j WHERE j.fingerprint = m.fingerprint"
    "  AND j.original = r.original AND j.message = m.id) LIMIT 1",
    "SELECT 'without a history: recipient', r.id FROM recipient AS r WHERE NOT EXISTS"
    " (SELECT 1 FROM history AS h WHERE h.message = r.message AND h.recipient = r.id) LIMIT 1",
    "SELECT 'does not agree with its message: recipient', r.id FROM recipient AS r"
    " JOIN message AS m ON m.id = r.message WHERE r.expires_ms <> m.expires_ms LIMIT 1",
};

static int run_check(struct store *store, const char *sql, struct error *err)
{
    struct query query;
    int rc;

    if (query_prepare(&query, store, sql, err) != 0)
        return -1;
    rc = query_next(&query, err);
    if (rc > 0) {
        int64_t where = query_get_int(&query, 1);
        char number[24] = "";

        if (where != 0)
            snprintf(number, sizeof number, " %" PRId64, where);
        rc = error_set(err, ERROR_DATA, "4.3.0",
                       "queue %s: %s%s; stop the service and restore the file",
                       ((struct sqlite_store *)store)->path, query_get_text(&query, 0), number);
    }
    query_end(&query);
    return rc;
}

int sqlite_verify(struct store *store, struct error *err)
{
    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
        if (run_check(store, checks[i], err) != 0)
            return -1;
    }
    return 0;
}
