/* SPDX-License-Identifier: BSD-2-Clause */
/* Users who are being moved, and their baselines. */
#include "config.h"

#include "queue/sqlite-int.h"

int sqlite_put_user(struct store *store, const struct store_user *user, struct error *err)
{
    static const char sql[] =
        "INSERT INTO user (postoffice, mailbox, mailbag, state, since_ms, baseline_ms, fault)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (postoffice, mailbox) DO UPDATE SET"
        " mailbag = excluded.mailbag, state = excluded.state, since_ms = excluded.since_ms,"
        " baseline_ms = excluded.baseline_ms, fault = excluded.fault";
    struct query query;

    if (query_begin(&query, store, SQL_PUT_USER, sql, err) != 0)
        return -1;
    query_text(&query, user->postoffice);
    query_text(&query, user->mailbox);
    query_text(&query, user->mailbag);
    query_int(&query, (int64_t)user->state);
    query_int(&query, user->since_ms);
    query_int(&query, user->baseline_ms);
    query_text(&query, user->fault);
    return query_run(&query, err);
}

int sqlite_set_fault(struct store *store, const char *postoffice, const char *mailbox,
                     const char *fault, struct error *err)
{
    static const char sql[] = "UPDATE user SET fault = ?3 WHERE postoffice = ?1 AND mailbox = ?2";
    struct query query;

    if (query_begin(&query, store, SQL_SET_FAULT, sql, err) != 0)
        return -1;
    query_text(&query, postoffice);
    query_text(&query, mailbox);
    query_text(&query, fault);
    if (query_run(&query, err) != 0)
        return -1;
    if (sqlite3_changes(((struct sqlite_store *)store)->db) == 0)
        return error_set(err, ERROR_DATA, "5.3.5", "queue: no user %s/%s", postoffice, mailbox);
    return 0;
}

static struct store_user user_of_row(const struct query *query)
{
    return (struct store_user){
        .postoffice = query_get_text(query, 0),
        .mailbox = query_get_text(query, 1),
        .mailbag = query_get_text(query, 2),
        .state = (enum user_state)query_get_int(query, 3),
        .since_ms = query_get_int(query, 4),
        .baseline_ms = query_get_int(query, 5),
        .fault = query_get_text(query, 6),
        .baseline_items = (uint64_t)query_get_int(query, 7),
    };
}

int sqlite_list_users(struct store *store, const char *postoffice, const char *mailbox,
                      store_user_seen *seen, void *context, struct error *err)
{
    static const char sql[] =
        "SELECT postoffice, mailbox, mailbag, state, since_ms, baseline_ms, fault,"
        " (SELECT count(*) FROM baseline AS b"
        "  WHERE b.postoffice = u.postoffice AND b.mailbox = u.mailbox)"
        " FROM user AS u WHERE (?1 IS NULL OR postoffice = ?1) AND (?2 IS NULL OR mailbox = ?2)"
        " ORDER BY postoffice, mailbox";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_LIST_USERS, sql, err) != 0)
        return -1;
    query_text(&query, postoffice);
    query_text(&query, mailbox);
    while ((rc = query_next(&query, err)) > 0) {
        struct store_user user = user_of_row(&query);

        if (seen(context, &user) != 0)
            break;
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

int sqlite_add_baseline(struct store *store, const char *postoffice, const char *mailbox,
                        const struct store_baseline *item, struct error *err)
{
    static const char sql[] =
        "INSERT INTO baseline (postoffice, mailbox, header, fingerprint, mai)"
        " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (postoffice, mailbox, header) DO UPDATE SET"
        " fingerprint = excluded.fingerprint, mai = excluded.mai WHERE fingerprint = ''";
    struct query query;

    if (query_begin(&query, store, SQL_ADD_BASELINE, sql, err) != 0)
        return -1;
    query_text(&query, postoffice);
    query_text(&query, mailbox);
    query_blob(&query, item->header, STORE_HEADER_DIGEST);
    query_text(&query, item->fingerprint);
    query_text(&query, item->mai);
    return query_run(&query, err);
}

int sqlite_clear_baseline(struct store *store, const char *postoffice, const char *mailbox,
                          struct error *err)
{
    struct query query;

    if (query_begin(&query, store, SQL_CLEAR_BASELINE,
                    "DELETE FROM baseline WHERE postoffice = ?1 AND mailbox = ?2", err) != 0)
        return -1;
    query_text(&query, postoffice);
    query_text(&query, mailbox);
    return query_run(&query, err);
}

static int has_header(struct store *store, const char *postoffice, const char *mailbox,
                      const uint8_t *header, struct error *err)
{
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_BASELINE_HEADER,
                    "SELECT 1 FROM baseline WHERE postoffice = ?1 AND mailbox = ?2"
                    " AND header = ?3",
                    err) != 0)
        return -1;
    query_text(&query, postoffice);
    query_text(&query, mailbox);
    query_blob(&query, header, STORE_HEADER_DIGEST);
    rc = query_next(&query, err);
    query_end(&query);
    return rc;
}

static int has_fingerprint(struct store *store, const char *postoffice, const char *mailbox,
                           const char *fingerprint, struct error *err)
{
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_BASELINE_FINGERPRINT,
                    "SELECT 1 FROM baseline INDEXED BY baseline_by_fingerprint"
                    " WHERE postoffice = ?1 AND mailbox = ?2 AND fingerprint = ?3"
                    " AND fingerprint <> ''",
                    err) != 0)
        return -1;
    query_text(&query, postoffice);
    query_text(&query, mailbox);
    query_text(&query, fingerprint);
    rc = query_next(&query, err);
    query_end(&query);
    return rc;
}

int sqlite_in_baseline(struct store *store, const char *postoffice, const char *mailbox,
                       const uint8_t *header, const char *fingerprint, struct error *err)
{
    int rc = header != NULL ? has_header(store, postoffice, mailbox, header, err) : 0;

    if (rc == 0 && fingerprint[0] != '\0')
        rc = has_fingerprint(store, postoffice, mailbox, fingerprint, err);
    return rc;
}

int sqlite_count_user(struct store *store, const char *original, struct store_user_counts *out,
                      struct error *err)
{
    static const char sql[] = "SELECT state, count(*), sum(doubt) FROM recipient"
                              " INDEXED BY recipient_by_original"
                              " WHERE original = ?1 COLLATE NOCASE GROUP BY state";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_COUNT_USER, sql, err) != 0)
        return -1;
    query_text(&query, original);
    while ((rc = query_next(&query, err)) > 0) {
        int64_t state = query_get_int(&query, 0);

        if (state >= 0 && state < RECIPIENT_STATES)
            out->recipients[state] = (uint64_t)query_get_int(&query, 1);
        out->doubtful += (uint64_t)query_get_int(&query, 2);
    }
    query_end(&query);
    return rc;
}
