/* SPDX-License-Identifier: BSD-2-Clause */
/* Claims, results, and what is left to report. */
#include "config.h"

#include "queue/sqlite-int.h"

#include <stdlib.h>
#include <string.h>

/* Room for the recipients of one claimed message; grows as they come. */
#define FIRST_RECIPIENTS 4

/* ---- claiming ---- */

int sqlite_next_due(struct store *store, int64_t after_ms, int64_t *due_ms, struct error *err)
{
    static const char sql[] = "SELECT due_ms FROM recipient INDEXED BY recipient_due"
                              " WHERE state = 0 AND rank = ?1 AND due_ms > ?2"
                              " ORDER BY due_ms LIMIT 1";

    int found = 0;

    *due_ms = 0;
    for (int rank = 0; rank < STORE_RANKS; rank++) {
        struct query query;
        int rc;

        if (query_begin(&query, store, SQL_NEXT_DUE, sql, err) != 0)
            return -1;
        query_int(&query, rank);
        query_int(&query, after_ms);
        rc = query_next(&query, err);
        if (rc > 0 && (!found || query_get_int(&query, 0) < *due_ms)) {
            *due_ms = query_get_int(&query, 0);
            found = 1;
        }
        query_end(&query);
        if (rc < 0)
            return -1;
    }
    return found;
}

static bool is_chosen(const uint64_t *ids, size_t count, uint64_t id)
{
    while (count > 0) {
        if (ids[--count] == id)
            return true;
    }
    return false;
}

/* Adds to IDS the messages of RANK that are due, until there are LIMIT. */
static int choose_rank(struct store *store, int rank, int64_t now_ms, uint64_t *ids, size_t limit,
                       size_t *count, struct error *err)
{
    static const char sql[] = "SELECT message FROM recipient INDEXED BY recipient_due"
                              " WHERE state = 0 AND rank = ?1 AND due_ms <= ?2"
                              " ORDER BY due_ms, id";
    struct query query;
    int rc = 0;

    if (query_begin(&query, store, SQL_DUE_MESSAGES, sql, err) != 0)
        return -1;
    query_int(&query, rank);
    query_int(&query, now_ms);
    while (*count < limit && (rc = query_next(&query, err)) > 0) {
        uint64_t id = (uint64_t)query_get_int(&query, 0);

        if (!is_chosen(ids, *count, id))
            ids[(*count)++] = id;
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

static int out_of_memory(struct error *err)
{
    return error_set(err, ERROR_SOFT, "4.3.0", "queue: not enough memory for a claim");
}

static int load_message(struct store *store, uint64_t id, struct claim_message *out,
                        struct error *err)
{
    static const char sql[] =
        "SELECT sender, message_id, fingerprint, postoffice, mailbag, mai, size, eight_bit,"
        " report_of, received_ms, expires_ms,"
        " EXISTS (SELECT 1 FROM reporting AS n WHERE n.message = message.id AND notify <> 0)"
        " FROM message WHERE id = ?1";
    char **const texts[] = {&out->sender,     &out->message_id, &out->fingerprint,
                            &out->postoffice, &out->mailbag,    &out->mai};
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_CLAIM_MESSAGE, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    rc = query_next(&query, err);
    for (int i = 0; rc > 0 && i < 6; i++) {
        *texts[i] = query_copy_text(&query, i);
        if (*texts[i] == NULL)
            rc = out_of_memory(err);
    }
    out->id = id;
    out->size = (uint64_t)query_get_int(&query, 6);
    out->eight_bit = query_get_int(&query, 7) != 0;
    out->report_of = (uint64_t)query_get_int(&query, 8);
    out->received_ms = query_get_int(&query, 9);
    out->expires_ms = query_get_int(&query, 10);
    out->notify = query_get_int(&query, 11) != 0;
    query_end(&query);
    if (rc == 0)
        return error_set(err, ERROR_SETUP, "4.3.0",
                         "queue %s: a recipient without its message; run a check",
                         ((struct sqlite_store *)store)->path);
    return rc < 0 ? -1 : 0;
}

static int add_claimed(struct claim_message *out, size_t *room, const struct query *query,
                       struct error *err)
{
    struct claim_recipient *recipient;

    if (out->recipient_count == *room) {
        size_t more = *room != 0 ? *room * 2 : FIRST_RECIPIENTS;
        void *grown = reallocarray(out->recipients, more, sizeof *out->recipients);

        if (grown == NULL)
            return out_of_memory(err);
        out->recipients = grown;
        *room = more;
    }
    recipient = &out->recipients[out->recipient_count++];
    recipient->id = (uint64_t)query_get_int(query, 0);
    recipient->address = query_copy_text(query, 1);
    recipient->original = query_copy_text(query, 2);
    recipient->tries = (unsigned)query_get_int(query, 3);
    recipient->doubt = query_get_int(query, 4) != 0;
    if (recipient->address == NULL || recipient->original == NULL)
        return out_of_memory(err);
    return 0;
}

static int load_recipients(struct store *store, int64_t now_ms, size_t max_recipients,
                           struct claim_message *out, struct error *err)
{
    static const char sql[] =
        "SELECT id, address, original, tries, doubt FROM recipient INDEXED BY recipient_by_message"
        " WHERE message = ?1 AND state = 0 AND due_ms <= ?2 ORDER BY due_ms, id LIMIT ?3";
    struct query query;
    size_t room = 0;
    int rc;

    if (query_begin(&query, store, SQL_CLAIM_RECIPIENTS, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)out->id);
    query_int(&query, now_ms);
    query_int(&query, (int64_t)(max_recipients < INT32_MAX ? max_recipients : INT32_MAX));
    while ((rc = query_next(&query, err)) > 0) {
        if (add_claimed(out, &room, &query, err) != 0) {
            rc = -1;
            break;
        }
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

static int claim_message(struct store *store, uint64_t id, int64_t now_ms, size_t max_recipients,
                         struct claim_message *out, struct error *err)
{
    if (load_message(store, id, out, err) != 0 ||
        load_recipients(store, now_ms, max_recipients, out, err) != 0)
        return -1;
    for (size_t i = 0; i < out->recipient_count; i++) {
        struct store_change change = {.recipient = out->recipients[i].id,
                                      .from = RECIPIENT_QUEUED,
                                      .to = RECIPIENT_SENDING,
                                      .event = "sending",
                                      .now_ms = now_ms};

        if (sqlite_change(store, &change, err) != 0)
            return -1;
    }
    return 0;
}

int sqlite_claim(struct store *store, int64_t now_ms, size_t limit, size_t max_recipients,
                 struct claim_message *out, size_t *count, struct error *err)
{
    uint64_t *ids = calloc(limit, sizeof *ids);
    size_t chosen = 0;
    int rc = 0;

    if (ids == NULL)
        return out_of_memory(err);
    for (int rank = 0; rc == 0 && rank < STORE_RANKS; rank++)
        rc = choose_rank(store, rank, now_ms, ids, limit, &chosen, err);
    for (size_t i = 0; rc == 0 && i < chosen; i++) {
        ++*count;
        rc = claim_message(store, ids[i], now_ms, max_recipients, &out[i], err);
    }
    free(ids);
    return rc;
}

/* ---- states ---- */

static int add_change_history(struct store *store, const struct store_change *change,
                              struct error *err)
{
    static const char sql[] =
        "INSERT INTO history (message, recipient, at_ms, event, status, reply, relay)"
        " SELECT message, id, ?2, ?3, ?4, ?5, ?6 FROM recipient WHERE id = ?1";
    const char *reply = change->reply != NULL ? change->reply : change->note;
    struct query query;

    if (query_begin(&query, store, SQL_CHANGE_HISTORY, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)change->recipient);
    query_int(&query, change->now_ms);
    query_text(&query, change->event);
    query_text(&query, store_text(change->status));
    query_text(&query, store_text(reply));
    query_text(&query, store_text(change->relay));
    return query_run(&query, err);
}

int sqlite_change(struct store *store, const struct store_change *change, struct error *err)
{
    static const char sql[] =
        "UPDATE recipient SET state = ?2, changed_ms = ?3,"
        " due_ms = CASE ?2 WHEN 0 THEN ?4 ELSE due_ms END, tries = tries + ?5,"
        " doubt = CASE ?2 WHEN 3 THEN 0 ELSE doubt | ?6 END,"
        " reported = CASE ?2 WHEN 5 THEN reported ELSE 0 END,"
        " status = coalesce(?7, status), reply = coalesce(?8, reply),"
        " relay = coalesce(?9, relay) WHERE id = ?1 AND state = ?10";
    struct query query;

    if (query_begin(&query, store, SQL_CHANGE, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)change->recipient);
    query_int(&query, (int64_t)change->to);
    query_int(&query, change->now_ms);
    query_int(&query, change->due_ms);
    query_int(&query, change->attempted);
    query_int(&query, change->doubt);
    query_text(&query, change->status);
    query_text(&query, change->reply);
    query_text(&query, change->relay);
    query_int(&query, (int64_t)change->from);
    if (query_run(&query, err) != 0)
        return -1;
    if (sqlite3_changes(((struct sqlite_store *)store)->db) != 1)
        return error_set(err, ERROR_SETUP, "4.3.0",
                         "queue %s: an index does not agree with its table; run a check",
                         ((struct sqlite_store *)store)->path);
    return add_change_history(store, change, err);
}

int sqlite_take_row(struct query *query, struct store_row *row, struct error *err)
{
    int rc = query_next(query, err);

    row->recipient = 0;
    if (rc > 0) {
        row->recipient = (uint64_t)query_get_int(query, 0);
        row->state = (enum recipient_state)query_get_int(query, 1);
        row->tries = (unsigned)query_get_int(query, 2);
        store_clip(row->reply, query_get_text(query, 3));
        row->message = (uint64_t)query_get_int(query, 4);
        row->report = query_get_int(query, 5) != 0;
    }
    query_end(query);
    return rc < 0 ? -1 : 0;
}

int sqlite_get_row(struct store *store, uint64_t recipient, struct store_row *row,
                   struct error *err)
{
    struct query query;

    if (query_begin(&query, store, SQL_GET_ROW, SQLITE_ROW_COLUMNS "WHERE id = ?1", err) != 0)
        return -1;
    query_int(&query, (int64_t)recipient);
    return sqlite_take_row(&query, row, err);
}

int sqlite_next_row(struct store *store, uint64_t message, uint64_t after, struct store_row *row,
                    struct error *err)
{
    static const char sql[] =
        SQLITE_ROW_COLUMNS "INDEXED BY recipient_by_message"
                           " WHERE message = ?1 AND id > ?2 ORDER BY id LIMIT 1";
    struct query query;

    if (query_begin(&query, store, SQL_NEXT_ROW, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)message);
    query_int(&query, (int64_t)after);
    return sqlite_take_row(&query, row, err);
}

int sqlite_any_sending(struct store *store, struct store_row *row, struct error *err)
{
    static const char sql[] = SQLITE_ROW_COLUMNS "INDEXED BY recipient_by_state"
                                                 " WHERE state = 1 ORDER BY id LIMIT 1";
    struct query query;

    if (query_begin(&query, store, SQL_ANY_SENDING, sql, err) != 0)
        return -1;
    return sqlite_take_row(&query, row, err);
}

int sqlite_any_expired(struct store *store, int64_t now_ms, struct store_row *row,
                       struct error *err)
{
    static const char sql[] =
        SQLITE_ROW_COLUMNS "INDEXED BY recipient_expiry"
                           " WHERE state = 0 AND expires_ms <= ?1 ORDER BY expires_ms LIMIT 1";
    struct query query;

    if (query_begin(&query, store, SQL_ANY_EXPIRED, sql, err) != 0)
        return -1;
    query_int(&query, now_ms);
    return sqlite_take_row(&query, row, err);
}
