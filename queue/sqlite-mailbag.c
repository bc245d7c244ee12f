/* SPDX-License-Identifier: BSD-2-Clause */
/* What mailbags looked like. */
#include "config.h"

#include "queue/sqlite-int.h"

#include <stdlib.h>

int sqlite_put_mailbag(struct store *store, const struct store_mailbag *mailbag, struct error *err)
{
    static const char sql[] =
        "INSERT INTO mailbag (title, mailbag, owner, stamp, swept_ms, live, records)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (title, mailbag) DO UPDATE SET"
        " owner = excluded.owner, stamp = excluded.stamp, swept_ms = excluded.swept_ms,"
        " live = excluded.live, records = excluded.records";
    struct query query;

    if (query_begin(&query, store, SQL_PUT_MAILBAG, sql, err) != 0)
        return -1;
    query_text(&query, mailbag->title);
    query_text(&query, mailbag->mailbag);
    query_text(&query, mailbag->owner);
    query_text(&query, mailbag->stamp);
    query_int(&query, mailbag->swept_ms);
    query_int(&query, mailbag->live);
    query_int(&query, mailbag->records);
    return query_run(&query, err);
}

int sqlite_list_mailbags(struct store *store, const char *title, store_mailbag_seen *seen,
                         void *context, struct error *err)
{
    static const char sql[] = "SELECT title, mailbag, owner, stamp, swept_ms, live, records"
                              " FROM mailbag WHERE ?1 IS NULL OR title = ?1"
                              " ORDER BY title, mailbag";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_LIST_MAILBAGS, sql, err) != 0)
        return -1;
    query_text(&query, title);
    while ((rc = query_next(&query, err)) > 0) {
        struct store_mailbag mailbag = {.title = query_get_text(&query, 0),
                                        .mailbag = query_get_text(&query, 1),
                                        .owner = query_get_text(&query, 2),
                                        .stamp = query_get_text(&query, 3),
                                        .swept_ms = query_get_int(&query, 4),
                                        .live = (uint32_t)query_get_int(&query, 5),
                                        .records = (uint32_t)query_get_int(&query, 6)};

        if (seen(context, &mailbag) != 0)
            break;
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

/* ---- live items ---- */

struct rows {
    struct live_row *rows;
    size_t count, room;
};

static struct live_row *add_row(struct rows *rows)
{
    if (rows->count == rows->room) {
        size_t room = rows->room != 0 ? 2 * rows->room : 16;
        struct live_row *grown = reallocarray(rows->rows, room, sizeof *grown);

        if (grown == NULL)
            return NULL;
        rows->rows = grown;
        rows->room = room;
    }
    return &rows->rows[rows->count++];
}

static int read_rows(struct query *query, struct rows *rows, struct error *err)
{
    struct live_row *row;
    int rc;

    while ((rc = query_next(query, err)) > 0) {
        row = add_row(rows);
        if (row == NULL)
            return error_set(err, ERROR_SOFT, "4.3.0", "queue: not enough memory for a mailbag");
        query_get_blob(query, 0, row->header, sizeof row->header);
        row->record = (uint32_t)query_get_int(query, 1);
        row->first_ms = query_get_int(query, 2);
    }
    return rc;
}

int sqlite_load_live(struct store *store, const char *title, const char *mailbag,
                     struct live_row **out, size_t *count, struct error *err)
{
    static const char sql[] = "SELECT header, record, first_ms FROM live"
                              " WHERE title = ?1 AND mailbag = ?2 ORDER BY header, record";
    struct rows rows = {NULL, 0, 0};
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_LOAD_LIVE, sql, err) != 0)
        return -1;
    query_text(&query, title);
    query_text(&query, mailbag);
    rc = read_rows(&query, &rows, err);
    query_end(&query);
    if (rc != 0) {
        free(rows.rows);
        return -1;
    }
    *out = rows.rows;
    *count = rows.count;
    return 0;
}

int sqlite_add_live(struct store *store, const char *title, const char *mailbag,
                    const struct store_live *item, struct error *err)
{
    static const char sql[] = "INSERT INTO live (title, mailbag, header, record, mai, first_ms)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    struct query query;

    if (query_begin(&query, store, SQL_ADD_LIVE, sql, err) != 0)
        return -1;
    query_text(&query, title);
    query_text(&query, mailbag);
    query_blob(&query, item->header, STORE_HEADER_DIGEST);
    query_int(&query, item->record);
    query_text(&query, item->mai);
    query_int(&query, item->first_ms);
    return query_run(&query, err);
}

int sqlite_drop_live(struct store *store, const char *title, const char *mailbag,
                     const uint8_t *header, uint32_t record, struct error *err)
{
    static const char sql[] = "DELETE FROM live WHERE title = ?1 AND mailbag = ?2"
                              " AND header = ?3 AND record = ?4";
    struct query query;

    if (query_begin(&query, store, SQL_DROP_LIVE, sql, err) != 0)
        return -1;
    query_text(&query, title);
    query_text(&query, mailbag);
    query_blob(&query, header, STORE_HEADER_DIGEST);
    query_int(&query, record);
    return query_run(&query, err);
}

int sqlite_list_live(struct store *store, const char *title, const char *mailbag,
                     store_live_seen *seen, void *context, struct error *err)
{
    static const char sql[] = "SELECT header, record, mai, first_ms FROM live"
                              " WHERE title = ?1 AND mailbag = ?2 ORDER BY record, header";
    uint8_t header[STORE_HEADER_DIGEST];
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_LIST_LIVE, sql, err) != 0)
        return -1;
    query_text(&query, title);
    query_text(&query, mailbag);
    while ((rc = query_next(&query, err)) > 0) {
        struct store_live item = {.header = header,
                                  .record = (uint32_t)query_get_int(&query, 1),
                                  .mai = query_get_text(&query, 2),
                                  .first_ms = query_get_int(&query, 3)};

        query_get_blob(&query, 0, header, sizeof header);
        if (seen(context, &item) != 0)
            break;
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}
