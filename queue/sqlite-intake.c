/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, their content and recipients, the journal. */
#include "config.h"

#include "queue/sqlite-int.h"

#include <inttypes.h>
#include <string.h>

static int no_message(uint64_t id, struct error *err)
{
    return error_set(err, ERROR_DATA, "5.3.5", "queue: no message %" PRIu64, id);
}

int sqlite_add_message(struct store *store, struct store_message *message, struct error *err)
{
    static const char sql[] =
        "INSERT INTO message (fingerprint, postoffice, queue, mailbag, mai, sender, message_id,"
        " subject, date_ms, received_ms, expires_ms, size, eight_bit, priority, report_of)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    struct query query;

    if (query_begin(&query, store, SQL_ADD_MESSAGE, sql, err) != 0)
        return -1;
    query_text(&query, store_text(message->fingerprint));
    query_text(&query, store_text(message->postoffice));
    query_text(&query, store_text(message->queue));
    query_text(&query, store_text(message->mailbag));
    query_text(&query, store_text(message->mai));
    query_text(&query, store_text(message->sender));
    query_text(&query, store_text(message->message_id));
    query_text(&query, store_text(message->subject));
    query_int(&query, message->date_ms);
    query_int(&query, message->received_ms);
    query_int(&query, message->expires_ms);
    query_int(&query, (int64_t)message->size);
    query_int(&query, message->eight_bit);
    query_int(&query, message->priority);
    query_int(&query, (int64_t)message->report_of);
    if (query_run(&query, err) != 0)
        return -1;
    message->id = (uint64_t)sqlite3_last_insert_rowid(((struct sqlite_store *)store)->db);
    return sqlite_add_reporting(store, message, err);
}

/* Where the next octet of the content goes: the end of its last chunk. */
static int content_end(struct store *store, uint64_t id, int64_t *end, struct error *err)
{
    static const char sql[] = "SELECT start + length(data) FROM chunk WHERE message = ?1"
                              " ORDER BY start DESC LIMIT 1";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_CONTENT_END, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    rc = query_next(&query, err);
    *end = rc > 0 ? query_get_int(&query, 0) : 0;
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

int sqlite_add_content(struct store *store, uint64_t id, const void *data, size_t size,
                       struct error *err)
{
    static const char sql[] = "INSERT INTO chunk (message, start, data) VALUES (?1, ?2, ?3)";
    struct query query;
    int64_t end;
    int known = sqlite_has_message(store, id, err);

    if (known <= 0)
        return known < 0 ? -1 : no_message(id, err);
    if (content_end(store, id, &end, err) != 0 ||
        query_begin(&query, store, SQL_ADD_CONTENT, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    query_int(&query, end);
    query_blob(&query, data, size);
    return query_run(&query, err);
}

int sqlite_set_content_facts(struct store *store, uint64_t id, const char *message_id,
                             const char *sender, const char *subject, uint64_t size, bool eight_bit,
                             struct error *err)
{
    static const char sql[] = "UPDATE message SET message_id = ?1, sender = ?2, subject = ?3,"
                              " size = ?4, eight_bit = ?5 WHERE id = ?6";
    struct query query;

    if (query_begin(&query, store, SQL_SET_FACTS, sql, err) != 0)
        return -1;
    query_text(&query, store_text(message_id));
    query_text(&query, store_text(sender));
    query_text(&query, store_text(subject));
    query_int(&query, (int64_t)size);
    query_int(&query, eight_bit);
    query_int(&query, (int64_t)id);
    if (query_run(&query, err) != 0)
        return -1;
    return sqlite3_changes(((struct sqlite_store *)store)->db) != 0 ? 0 : no_message(id, err);
}

/* What a recipient repeats of its message. */
struct message_part {
    char fingerprint[72];
    int rank;
    int64_t expires_ms;
};

static int get_message(struct store *store, uint64_t id, struct message_part *out,
                       struct error *err)
{
    static const char sql[] = "SELECT fingerprint, priority, expires_ms FROM message WHERE id = ?1";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_MESSAGE_FOR_RECIPIENT, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    rc = query_next(&query, err);
    if (rc > 0) {
        const char *fingerprint = query_get_text(&query, 0);
        size_t size = strnlen(fingerprint, sizeof out->fingerprint - 1);

        memcpy(out->fingerprint, fingerprint, size);
        out->fingerprint[size] = '\0';
        out->rank = store_rank((char)query_get_int(&query, 1));
        out->expires_ms = query_get_int(&query, 2);
    }
    query_end(&query);
    if (rc == 0)
        no_message(id, err);
    return rc > 0 ? 0 : -1;
}

/* The one place where a second copy of a source message is refused by the file itself. */
static int add_journal(struct store *store, const struct store_entry *entry,
                       const char *fingerprint, struct error *err)
{
    static const char sql[] =
        "INSERT INTO journal (fingerprint, original, message) VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO NOTHING";
    struct query query;

    if (fingerprint[0] == '\0')
        return 0;
    if (query_begin(&query, store, SQL_ADD_JOURNAL, sql, err) != 0)
        return -1;
    query_text(&query, fingerprint);
    query_text(&query, entry->original);
    query_int(&query, (int64_t)entry->message);
    if (query_run(&query, err) != 0)
        return -1;
    if (sqlite3_changes(((struct sqlite_store *)store)->db) != 0)
        return 0;
    return error_set(err, ERROR_DATA, "5.3.5",
                     "queue: %s is known already as a recipient of message %.16s", entry->original,
                     fingerprint);
}

static int insert_recipient(struct store *store, const struct store_entry *entry,
                            const struct message_part *part, struct error *err)
{
    static const char sql[] =
        "INSERT INTO recipient (message, state, rank, due_ms, expires_ms, changed_ms, original,"
        " address, status, reply) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    struct query query;

    if (query_begin(&query, store, SQL_ADD_RECIPIENT, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)entry->message);
    query_int(&query, (int64_t)entry->state);
    query_int(&query, part->rank);
    query_int(&query, entry->due_ms);
    query_int(&query, part->expires_ms);
    query_int(&query, entry->now_ms);
    query_text(&query, entry->original);
    query_text(&query, entry->address);
    query_text(&query, entry->status);
    query_text(&query, entry->reason);
    return query_run(&query, err);
}

static int insert_history(struct store *store, const struct store_entry *entry, int64_t recipient,
                          struct error *err)
{
    static const char sql[] =
        "INSERT INTO history (message, recipient, at_ms, event, status, reply, relay)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, '')";
    struct query query;

    if (query_begin(&query, store, SQL_ADD_HISTORY, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)entry->message);
    query_int(&query, recipient);
    query_int(&query, entry->now_ms);
    query_text(&query, entry->event);
    query_text(&query, entry->status);
    query_text(&query, entry->reason);
    return query_run(&query, err);
}

int sqlite_add_recipient(struct store *store, const struct store_entry *entry, struct error *err)
{
    struct message_part part;

    if (get_message(store, entry->message, &part, err) != 0 ||
        add_journal(store, entry, part.fingerprint, err) != 0 ||
        insert_recipient(store, entry, &part, err) != 0)
        return -1;
    return insert_history(store, entry,
                          sqlite3_last_insert_rowid(((struct sqlite_store *)store)->db), err);
}

int sqlite_add_note(struct store *store, const struct store_entry *entry, struct error *err)
{
    struct message_part part;

    return get_message(store, entry->message, &part, err) == 0
               ? insert_history(store, entry, 0, err)
               : -1;
}

int sqlite_journal_has(struct store *store, const char *fingerprint, const char *original,
                       struct error *err)
{
    static const char sql[] = "SELECT 1 FROM journal WHERE fingerprint = ?1 AND original = ?2";
    struct query query;
    int rc;

    if (query_begin(&query, store, SQL_JOURNAL_HAS, sql, err) != 0)
        return -1;
    query_text(&query, fingerprint);
    query_text(&query, original);
    rc = query_next(&query, err);
    query_end(&query);
    return rc;
}

/* Copies from the chunk that holds OFFSET. *GOT 0: the content ends before it. */
static int read_chunk(struct store *store, uint64_t id, uint64_t offset, void *out, size_t size,
                      size_t *got, struct error *err)
{
    static const char sql[] = "SELECT start, data FROM chunk WHERE message = ?1 AND start <= ?2"
                              " ORDER BY start DESC LIMIT 1";
    struct query query;
    int rc;

    *got = 0;
    if (query_begin(&query, store, SQL_READ_CONTENT, sql, err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    query_int(&query, (int64_t)offset);
    rc = query_next(&query, err);
    if (rc > 0) {
        size_t skip = (size_t)(offset - (uint64_t)query_get_int(&query, 0));
        const uint8_t *data = sqlite3_column_blob(query.stmt, 1);
        size_t there = (size_t)sqlite3_column_bytes(query.stmt, 1);

        if (data != NULL && skip < there) {
            *got = there - skip < size ? there - skip : size;
            memcpy(out, data + skip, *got);
        }
    }
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

/* Asked only when nothing was read, so that whole messages cost nothing more. */
static int why_nothing(struct store *store, uint64_t id, struct error *err)
{
    struct query query;
    int rc;

    if (query_prepare(&query, store, "SELECT purged FROM message WHERE id = ?1", err) != 0)
        return -1;
    query_int(&query, (int64_t)id);
    rc = query_next(&query, err);
    if (rc == 0)
        rc = no_message(id, err);
    else if (rc > 0 && query_get_int(&query, 0) != 0)
        rc = error_set(err, ERROR_DATA, "5.3.5",
                       "queue: the content of message %" PRIu64 " was freed after delivery", id);
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

int sqlite_read_content(struct store *store, uint64_t id, uint64_t offset, void *out, size_t size,
                        size_t *got, struct error *err)
{
    uint8_t *at = out;

    if (offset > INT64_MAX - size)
        return 0;
    while (*got < size) {
        size_t more;

        if (read_chunk(store, id, offset + *got, at + *got, size - *got, &more, err) != 0)
            return -1;
        if (more == 0)
            break;
        *got += more;
    }
    if (*got == 0 && offset == 0)
        return why_nothing(store, id, err);
    return 0;
}
