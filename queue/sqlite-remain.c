/* SPDX-License-Identifier: BSD-2-Clause */
/* What remains on postoffices, and the notes of programs. */
#include "config.h"

#include "queue/sqlite-int.h"

#include <string.h>

static void bind_key(struct query *query, const struct store_remain *remain)
{
    query_text(query, store_text(remain->title));
    query_text(query, store_text(remain->mailbag));
    query_int(query, remain->record);
    query_text(query, store_text(remain->mai));
}

static int is_new(struct store *store, const struct store_remain *remain, bool *new_one,
                  struct error *err)
{
    static const char sql[] = "SELECT kind, reason FROM remain WHERE title = ?1"
                              " AND mailbag = ?2 AND record = ?3 AND mai = ?4";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_GET_REMAIN, sql, err) != 0)
        return -1;
    bind_key(&query, remain);
    rc = query_next(&query, err);
    *new_one = rc <= 0 || strcmp(query_get_text(&query, 0), store_text(remain->kind)) != 0 ||
               strcmp(query_get_text(&query, 1), store_text(remain->reason)) != 0;
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

int sqlite_add_remain(struct store *store, const struct store_remain *remain, bool *new_one,
                      struct error *err)
{
    static const char sql[] =
        "INSERT INTO remain (title, mailbag, record, mai, postoffice, kind, reason, first_ms,"
        " last_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)"
        " ON CONFLICT (title, mailbag, record, mai) DO UPDATE SET postoffice = excluded.postoffice,"
        " kind = excluded.kind, reason = excluded.reason, last_ms = excluded.last_ms";
    struct query query;

    if (is_new(store, remain, new_one, err) != 0 ||
        query_begin(&query, store, SQL_PUT_REMAIN, sql, err) != 0)
        return -1;
    bind_key(&query, remain);
    query_text(&query, store_text(remain->postoffice));
    query_text(&query, store_text(remain->kind));
    query_text(&query, store_text(remain->reason));
    query_int(&query, remain->last_ms);
    return query_run(&query, err);
}

int sqlite_forget_remains(struct store *store, const char *title, const char *mailbag,
                          int64_t before_ms, struct error *err)
{
    static const char sql[] = "DELETE FROM remain WHERE title = ?1"
                              " AND (?2 IS NULL OR mailbag = ?2) AND last_ms < ?3";
    struct query query;

    if (query_begin(&query, store, SQL_FORGET_REMAINS, sql, err) != 0)
        return -1;
    query_text(&query, store_text(title));
    query_text(&query, mailbag);
    query_int(&query, before_ms);
    return query_run(&query, err);
}

int sqlite_list_remains(struct store *store, store_remain_seen *seen, void *context,
                        struct error *err)
{
    static const char sql[] = "SELECT postoffice, mailbag, record, mai, kind, reason, first_ms,"
                              " last_ms, title FROM remain"
                              " ORDER BY postoffice, title, mailbag, record, mai";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_LIST_REMAINS, sql, err) != 0)
        return -1;
    while ((rc = query_next(&query, err)) > 0) {
        struct store_remain remain = {.title = query_get_text(&query, 8),
                                      .postoffice = query_get_text(&query, 0),
                                      .mailbag = query_get_text(&query, 1),
                                      .record = (uint32_t)query_get_int(&query, 2),
                                      .mai = query_get_text(&query, 3),
                                      .kind = query_get_text(&query, 4),
                                      .reason = query_get_text(&query, 5),
                                      .first_ms = query_get_int(&query, 6),
                                      .last_ms = query_get_int(&query, 7)};

        if (seen(context, &remain) != 0)
            break;
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

static int drop_note(struct store *store, const char *name, struct error *err)
{
    struct query query;

    if (query_begin(&query, store, SQL_DROP_NOTE, "DELETE FROM note WHERE name = ?1", err) != 0)
        return -1;
    query_text(&query, name);
    return query_run(&query, err);
}

int sqlite_put_note(struct store *store, const char *name, const char *value, int64_t now_ms,
                    struct error *err)
{
    static const char sql[] = "INSERT INTO note (name, value, at_ms) VALUES (?1, ?2, ?3)"
                              " ON CONFLICT (name) DO UPDATE SET value = excluded.value,"
                              " at_ms = excluded.at_ms";
    struct query query;

    if (value == NULL)
        return drop_note(store, name, err);
    if (query_begin(&query, store, SQL_PUT_NOTE, sql, err) != 0)
        return -1;
    query_text(&query, name);
    query_text(&query, value);
    query_int(&query, now_ms);
    return query_run(&query, err);
}

int sqlite_list_notes(struct store *store, const char *prefix, store_note_seen *seen, void *context,
                      struct error *err)
{
    static const char sql[] = "SELECT name, value, at_ms FROM note"
                              " WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_LIST_NOTES, sql, err) != 0)
        return -1;
    query_text(&query, prefix);
    while ((rc = query_next(&query, err)) > 0) {
        if (seen(context, query_get_text(&query, 0), query_get_text(&query, 1),
                 query_get_int(&query, 2)) != 0)
            break;
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}
