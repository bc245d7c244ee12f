/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is told of failures and delays, and what is still to be told. */
#include "config.h"

#include "queue/sqlite-int.h"

int sqlite_add_reporting(struct store *store, const struct store_message *message,
                         struct error *err)
{
    static const char sql[] = "INSERT INTO reporting (message, report_to, notice_ms, notify,"
                              " notice_of) VALUES (?1, ?2, ?3, ?4, ?5)";
    const char *report_to = store_text(message->report_to);
    struct query query;

    if (report_to[0] == '\0' && message->notice_ms == 0 && !message->notify && !message->notice)
        return 0;
    if (query_begin(&query, store, SQL_ADD_REPORTING, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)message->id);
    query_text(&query, report_to);
    query_int(&query, message->notice_ms);
    query_int(&query, message->notify);
    query_int(&query, message->notice ? (int64_t)message->report_of : 0);
    return query_run(&query, err);
}

/* The number in the first row of a query, *ID 0 without one; ends the query. */
static int take_id(struct query *query, uint64_t *id, struct error *err)
{
    int rc = query_next(query, err);

    *id = rc > 0 ? (uint64_t)query_get_int(query, 0) : 0;
    query_end(query);
    return rc < 0 ? -1 : 0;
}

int sqlite_next_unreported(struct store *store, uint64_t after, int64_t before_ms, uint64_t *id,
                           struct error *err)
{
    static const char sql[] =
        "SELECT r.message FROM recipient AS r INDEXED BY recipient_unreported"
        " JOIN message AS m ON m.id = r.message"
        " WHERE r.state = 4 AND r.reported = 0 AND r.message > ?1 AND m.report_of = 0"
        " AND (r.changed_ms <= ?2"
        " OR NOT EXISTS (SELECT 1 FROM recipient AS o INDEXED BY recipient_by_message"
        " WHERE o.message = r.message AND o.state IN (0, 1)))"
        " ORDER BY r.message LIMIT 1";
    struct query query;

    if (query_begin(&query, store, SQL_NEXT_UNREPORTED, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)after);
    query_int(&query, before_ms);
    return take_id(&query, id, err);
}

int sqlite_set_reported(struct store *store, uint64_t id, uint64_t last, struct error *err)
{
    static const char sql[] = "UPDATE recipient INDEXED BY recipient_by_message SET reported = 1"
                              " WHERE message = ?1 AND state = 4 AND id <= ?2";
    struct query query;

    if (query_begin(&query, store, SQL_SET_REPORTED, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    query_int(&query, last < INT64_MAX ? (int64_t)last : INT64_MAX);
    return query_run(&query, err);
}

/* ---- notices of delay ---- */

int sqlite_next_late(struct store *store, int64_t now_ms, uint64_t *id, struct error *err)
{
    static const char sql[] =
        "SELECT n.message FROM reporting AS n INDEXED BY reporting_due"
        " WHERE n.notice_ms > 0 AND n.notice_ms <= ?1"
        " AND EXISTS (SELECT 1 FROM recipient AS r INDEXED BY recipient_by_message"
        " WHERE r.message = n.message AND r.state = 0)"
        " ORDER BY n.notice_ms, n.message LIMIT 1";
    struct query query;

    if (query_begin(&query, store, SQL_NEXT_LATE, sql, err) != 0)
        return -1;
    query_int(&query, now_ms);
    return take_id(&query, id, err);
}

int sqlite_set_noticed(struct store *store, uint64_t id, struct error *err)
{
    struct query query;

    if (query_begin(&query, store, SQL_SET_NOTICED,
                    "UPDATE reporting SET notice_ms = 0 WHERE message = ?1", err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    return query_run(&query, err);
}

int sqlite_forget_notices(struct store *store, int64_t now_ms, struct error *err)
{
    static const char sql[] =
        "UPDATE reporting INDEXED BY reporting_due SET notice_ms = 0"
        " WHERE notice_ms > 0 AND notice_ms <= ?1"
        " AND NOT EXISTS (SELECT 1 FROM recipient AS r INDEXED BY recipient_by_message"
        " WHERE r.message = reporting.message AND r.state IN (0, 1, 2))";
    struct query query;

    if (query_begin(&query, store, SQL_FORGET_NOTICES, sql, err) != 0)
        return -1;
    query_int(&query, now_ms);
    return query_run(&query, err);
}

int sqlite_idle_notice(struct store *store, uint64_t message, struct store_row *row,
                       struct error *err)
{
    /* Its message is looked at only when there is a notice: nearly never. */
    static const char sql[] = SQLITE_ROW_COLUMNS
        " INDEXED BY recipient_by_message WHERE message IN"
        " (SELECT message FROM reporting INDEXED BY reporting_of"
        " WHERE notice_of = ?1 AND notice_of > 0)"
        " AND state IN (0, 2)"
        " AND NOT EXISTS (SELECT 1 FROM recipient AS o INDEXED BY recipient_by_message"
        " WHERE o.message = (SELECT notice_of FROM reporting AS n WHERE n.message = "
        "recipient.message)"
        " AND o.state IN (0, 1, 2)) LIMIT 1";
    struct query query;

    if (query_begin(&query, store, SQL_IDLE_NOTICE, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)message);
    return sqlite_take_row(&query, row, err);
}

/* ---- reports that failed ---- */

int sqlite_held_report(struct store *store, uint64_t *id, struct error *err)
{
    static const char sql[] =
        "SELECT r.message FROM recipient AS r INDEXED BY recipient_by_state"
        " CROSS JOIN message AS m ON m.id = r.message WHERE r.state = 2 AND m.report_of <> 0"
        " LIMIT 1";
    struct query query;

    if (query_begin(&query, store, SQL_HELD_REPORT, sql, err) != 0)
        return -1;
    return take_id(&query, id, err);
}
