/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "queue/sqlite-int.h"

#include <inttypes.h>
#include <stdio.h>

#define SCHEMA_VERSION 3
#define OLDEST_VERSION 1          /* that can be brought to this one */
#define APPLICATION_ID 0x4D534D67 /* "MSMg" */

/* Kept by section, not by NET/PO: a backup beside its postoffice has the same name. */
#define REMAIN_TABLE                                                                               \
    "CREATE TABLE remain (title TEXT NOT NULL COLLATE NOCASE, mailbag TEXT NOT NULL,"              \
    " record INTEGER NOT NULL, mai TEXT NOT NULL, postoffice TEXT NOT NULL, kind TEXT NOT NULL,"   \
    " reason TEXT NOT NULL, first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL,"                  \
    " PRIMARY KEY (title, mailbag, record, mai)) STRICT, WITHOUT ROWID;"

/* Users, baselines, mailbags, and who a recipient was: new in layout 2. */
#define CUTOVER_TABLES                                                                             \
    "CREATE TABLE user (postoffice TEXT NOT NULL COLLATE NOCASE,"                                  \
    " mailbox TEXT NOT NULL COLLATE NOCASE, mailbag TEXT NOT NULL,"                                \
    " state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 3), since_ms INTEGER NOT NULL,"            \
    " baseline_ms INTEGER NOT NULL, fault TEXT NOT NULL, PRIMARY KEY (postoffice, mailbox))"       \
    " STRICT, WITHOUT ROWID;"                                                                      \
    "CREATE TABLE baseline (postoffice TEXT NOT NULL COLLATE NOCASE,"                              \
    " mailbox TEXT NOT NULL COLLATE NOCASE, header BLOB NOT NULL CHECK (length (header) = 32),"    \
    " fingerprint TEXT NOT NULL, mai TEXT NOT NULL, PRIMARY KEY (postoffice, mailbox, header))"    \
    " STRICT, WITHOUT ROWID;"                                                                      \
    "CREATE INDEX baseline_by_fingerprint ON baseline (postoffice, mailbox, fingerprint)"          \
    " WHERE fingerprint <> '';"                                                                    \
    "CREATE TABLE mailbag (title TEXT NOT NULL COLLATE NOCASE,"                                    \
    " mailbag TEXT NOT NULL COLLATE NOCASE, owner TEXT NOT NULL, stamp TEXT NOT NULL,"             \
    " swept_ms INTEGER NOT NULL, live INTEGER NOT NULL, records INTEGER NOT NULL,"                 \
    " PRIMARY KEY (title, mailbag)) STRICT, WITHOUT ROWID;"                                        \
    "CREATE TABLE live (title TEXT NOT NULL COLLATE NOCASE,"                                       \
    " mailbag TEXT NOT NULL COLLATE NOCASE, header BLOB NOT NULL CHECK (length (header) = 32),"    \
    " record INTEGER NOT NULL, mai TEXT NOT NULL, first_ms INTEGER NOT NULL,"                      \
    " PRIMARY KEY (title, mailbag, header, record)) STRICT, WITHOUT ROWID;"                        \
    "CREATE INDEX recipient_by_original ON recipient (original COLLATE NOCASE);"

/* Who is told about a message: new in layout 3. notice_of is for a notice of delay: the message
 * that is late. */
#define REPORTING_TABLE                                                                            \
    "CREATE TABLE reporting (message INTEGER PRIMARY KEY REFERENCES message (id),"                 \
    " report_to TEXT NOT NULL, notice_ms INTEGER NOT NULL, notify INTEGER NOT NULL,"               \
    " notice_of INTEGER NOT NULL) STRICT;"                                                         \
    "CREATE INDEX reporting_due ON reporting (notice_ms) WHERE notice_ms > 0;"                     \
    "CREATE INDEX reporting_of ON reporting (notice_of) WHERE notice_of > 0;"

/*
 * recipient.rank and recipient.expires_ms repeat what the message has, so that the indexes over
 * the waiting recipients answer "who is next" and "who is too old" alone.
 */
static const char schema[] =
    "CREATE TABLE message (id INTEGER PRIMARY KEY AUTOINCREMENT, fingerprint TEXT NOT NULL,"
    " postoffice TEXT NOT NULL, queue TEXT NOT NULL, mailbag TEXT NOT NULL, mai TEXT NOT NULL,"
    " sender TEXT NOT NULL, message_id TEXT NOT NULL, subject TEXT NOT NULL,"
    " date_ms INTEGER NOT NULL, received_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
    " size INTEGER NOT NULL, eight_bit INTEGER NOT NULL, priority INTEGER NOT NULL,"
    " report_of INTEGER NOT NULL, purged INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX message_by_message_id ON message (message_id);"
    "CREATE INDEX message_unpurged ON message (received_ms) WHERE purged = 0;"

    "CREATE TABLE recipient (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " message INTEGER NOT NULL REFERENCES message (id),"
    " state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5), rank INTEGER NOT NULL,"
    " due_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL,"
    " tries INTEGER NOT NULL DEFAULT 0, doubt INTEGER NOT NULL DEFAULT 0,"
    " reported INTEGER NOT NULL DEFAULT 0, original TEXT NOT NULL, address TEXT NOT NULL,"
    " status TEXT NOT NULL, reply TEXT NOT NULL, relay TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX recipient_by_message ON recipient (message);"
    "CREATE INDEX recipient_by_state ON recipient (state);"
    "CREATE INDEX recipient_due ON recipient (rank, due_ms) WHERE state = 0;"
    "CREATE INDEX recipient_expiry ON recipient (expires_ms) WHERE state = 0;"
    "CREATE INDEX recipient_unreported ON recipient (message) WHERE state = 4 AND reported = 0;"
    "CREATE INDEX recipient_doubt ON recipient (doubt) WHERE doubt = 1;"

    "CREATE TABLE chunk (id INTEGER PRIMARY KEY,"
    " message INTEGER NOT NULL REFERENCES message (id), start INTEGER NOT NULL,"
    " data BLOB NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX chunk_by_message ON chunk (message, start);"

    "CREATE TABLE history (id INTEGER PRIMARY KEY,"
    " message INTEGER NOT NULL REFERENCES message (id), recipient INTEGER NOT NULL,"
    " at_ms INTEGER NOT NULL, event TEXT NOT NULL, status TEXT NOT NULL, reply TEXT NOT NULL,"
    " relay TEXT NOT NULL) STRICT;"
    "CREATE INDEX history_by_message ON history (message);"

    "CREATE TABLE journal (fingerprint TEXT NOT NULL, original TEXT NOT NULL COLLATE NOCASE,"
    " message INTEGER NOT NULL, PRIMARY KEY (fingerprint, original)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL, at_ms INTEGER NOT NULL)"
    " STRICT, WITHOUT ROWID;"

    REMAIN_TABLE CUTOVER_TABLES REPORTING_TABLE;

/* What remains in mailbags is noted again by the next sweep, under its title. What a GET program's
 * door holds (no mailbag) is noted once only and has to stay. */
static const char from_layout_1[] =
    "ALTER TABLE remain RENAME TO remain_1;" REMAIN_TABLE
    "INSERT INTO remain (title, mailbag, record, mai, postoffice, kind, reason, first_ms, last_ms)"
    " SELECT postoffice, mailbag, record, mai, postoffice, kind, reason, first_ms, last_ms"
    " FROM remain_1 WHERE mailbag = '';"
    "DROP TABLE remain_1;" CUTOVER_TABLES;

static const char from_layout_2[] = REPORTING_TABLE;

int sqlite_exec(struct sqlite_store *store, const char *sql, struct error *err)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

    return code == SQLITE_OK ? 0 : sqlite_fail(store, code, err);
}

/* The value of a statement with one row of one number. */
static int get_number(struct sqlite_store *store, const char *sql, int64_t *out, struct error *err)
{
    struct query query;
    int rc;

    if (query_prepare(&query, &store->base, sql, err) != 0)
        return -1;
    rc = query_next(&query, err);
    *out = rc > 0 ? query_get_int(&query, 0) : 0;
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

static int set_version(struct sqlite_store *store, struct error *err)
{
    char sql[64];

    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", SCHEMA_VERSION);
    return sqlite_exec(store, sql, err);
}

int sqlite_create_schema(struct sqlite_store *store, struct error *err)
{
    char sql[64];

    snprintf(sql, sizeof sql, "PRAGMA application_id = %d", APPLICATION_ID);
    if (sqlite_exec(store, "BEGIN IMMEDIATE", err) != 0 || sqlite_exec(store, schema, err) != 0 ||
        sqlite_exec(store, sql, err) != 0 || set_version(store, err) != 0)
        return -1;
    return sqlite_exec(store, "COMMIT", err);
}

int sqlite_check_schema(struct sqlite_store *store, struct error *err)
{
    int64_t version, application;

    if (get_number(store, "PRAGMA user_version", &version, err) != 0 ||
        get_number(store, "PRAGMA application_id", &application, err) != 0)
        return -1;
    if (application != APPLICATION_ID)
        return error_set(err, ERROR_SETUP, "4.3.5",
                         "queue %s: not a queue of this program; name another file", store->path);
    if (version < OLDEST_VERSION || version > SCHEMA_VERSION)
        return error_set(err, ERROR_SETUP, "4.3.5",
                         "queue %s: has layout %" PRId64
                         ", this program knows %d to %d; use the version that made it",
                         store->path, version, OLDEST_VERSION, SCHEMA_VERSION);
    return 0;
}

/* Inside a transaction: another program may have done it since the file was looked at. */
static int upgrade(struct sqlite_store *store, struct error *err)
{
    int64_t version;

    if (get_number(store, "PRAGMA user_version", &version, err) != 0)
        return -1;
    if (version >= SCHEMA_VERSION)
        return 0;
    if (version == 1 && sqlite_exec(store, from_layout_1, err) != 0)
        return -1;
    if (sqlite_exec(store, from_layout_2, err) != 0)
        return -1;
    return set_version(store, err);
}

int sqlite_upgrade_schema(struct sqlite_store *store, struct error *err)
{
    int64_t version;

    if (get_number(store, "PRAGMA user_version", &version, err) != 0)
        return -1;
    if (version == SCHEMA_VERSION)
        return 0;
    if (sqlite_exec(store, "BEGIN IMMEDIATE", err) != 0)
        return -1;
    if (upgrade(store, err) == 0 && sqlite_exec(store, "COMMIT", err) == 0)
        return 0;
    if (!sqlite3_get_autocommit(store->db))
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return -1;
}
