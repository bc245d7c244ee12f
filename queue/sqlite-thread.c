/* SPDX-License-Identifier: BSD-2-Clause */
/* Which Message-ID the messages of MS Mail have. */
#include "config.h"

#include "queue/sqlite-int.h"

int sqlite_add_thread(struct store *store, const struct store_thread *thread, struct error *err)
{
    static const char sql[] =
        "INSERT INTO thread (key, message_id, conversation, refs) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (key, message_id) DO UPDATE SET refs = excluded.refs"
        " WHERE refs = '' AND excluded.refs <> ''";
    struct query query;

    if (query_begin(&query, store, SQL_ADD_THREAD, sql, err) != 0)
        return -1;
    query_blob(&query, thread->key, STORE_THREAD_KEY);
    query_text(&query, thread->message_id);
    query_blob(&query, thread->conversation, STORE_THREAD_KEY);
    query_text(&query, thread->references);
    return query_run(&query, err);
}

int sqlite_find_thread(struct store *store, const uint8_t *key, const uint8_t *conversation,
                       const char *except, struct thread_found *out, struct error *err)
{
    static const char sql[] =
        "SELECT message_id, refs FROM thread WHERE key = ?1 AND message_id <> ?3"
        " AND (conversation = ?2 OR conversation = zeroblob (16) OR ?2 = zeroblob (16)) LIMIT 2";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_FIND_THREAD, sql, err) != 0)
        return -1;
    query_blob(&query, key, STORE_THREAD_KEY);
    query_blob(&query, conversation, STORE_THREAD_KEY);
    query_text(&query, except);
    while ((rc = query_next(&query, err)) > 0) {
        if (out->count++ != 0)
            continue;
        out->message_id = query_copy_text(&query, 0);
        out->references = query_copy_text(&query, 1);
    }
    query_end(&query);
    return rc;
}
