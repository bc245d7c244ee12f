/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "queue/sqlite-int.h"

#include <errno.h>
#include <string.h>

static bool means_full(int sys)
{
    return sys == ENOSPC || sys == EDQUOT || sys == EFBIG;
}

/* A commit does not pass on the error of the system: the file of the log still knows it. */
static int log_errno(const struct sqlite_store *store)
{
    sqlite3_file *file = NULL;
    int sys = 0;

    if (sqlite3_file_control(store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) ==
            SQLITE_OK &&
        file != NULL && file->pMethods != NULL)
        file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &sys);
    return sys;
}

static bool is_full(const struct sqlite_store *store, int code)
{
    switch (code) {
    case SQLITE_FULL:
        return true;
    case SQLITE_IOERR_WRITE:
    case SQLITE_IOERR_FSYNC:
    case SQLITE_IOERR_TRUNCATE:
    case SQLITE_IOERR_SHMSIZE:
        return means_full(sqlite3_system_errno(store->db)) || means_full(log_errno(store));
    default:
        return false;
    }
}

int sqlite_fail(const struct sqlite_store *store, int code, struct error *err)
{
    const char *reason = sqlite3_errmsg(store->db);

    if (is_full(store, code))
        return error_set(err, ERROR_SOFT, "4.3.1",
                         "queue %s: no space left (%s); free space on that file system",
                         store->path, reason);
    switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(err, ERROR_SOFT, "4.3.0", "queue %s: another process keeps it busy",
                         store->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(err, ERROR_SETUP, "4.3.0",
                         "queue %s: the file is damaged (%s); stop the service and restore it",
                         store->path, reason);
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return error_set(err, ERROR_SETUP, "4.3.5",
                         "queue %s: %s; the service needs to write the file and its directory",
                         store->path, reason);
    default:
        return error_set(err, ERROR_SOFT, "4.3.0", "queue %s: %s (%d)", store->path, reason, code);
    }
}

static int prepare(struct query *query, const char *sql, unsigned flags, struct error *err)
{
    int code = sqlite3_prepare_v3(query->store->db, sql, -1, flags, &query->stmt, NULL);

    return code == SQLITE_OK ? 0 : sqlite_fail(query->store, code, err);
}

int query_prepare(struct query *query, struct store *store, const char *sql, struct error *err)
{
    *query = (struct query){.store = (struct sqlite_store *)store, .next = 1};
    return prepare(query, sql, 0, err);
}

int query_begin(struct query *query, struct store *store, enum sqlite_statement which,
                const char *sql, struct error *err)
{
    struct sqlite_store *own = (struct sqlite_store *)store;

    *query = (struct query){.store = own, .stmt = own->cache[which], .next = 1, .cached = true};
    /* A statement still at work belongs to a caller whose callback came back to us. */
    if (query->stmt != NULL && sqlite3_stmt_busy(query->stmt)) {
        query->stmt = NULL;
        query->cached = false;
        return prepare(query, sql, 0, err);
    }
    if (query->stmt == NULL) {
        if (prepare(query, sql, SQLITE_PREPARE_PERSISTENT, err) != 0)
            return -1;
        own->cache[which] = query->stmt;
    }
    return 0;
}

static void note_code(struct query *query, int code)
{
    if (query->code == SQLITE_OK)
        query->code = code;
}

void query_int(struct query *query, int64_t value)
{
    note_code(query, sqlite3_bind_int64(query->stmt, query->next++, value));
}

void query_text(struct query *query, const char *text)
{
    if (text == NULL)
        note_code(query, sqlite3_bind_null(query->stmt, query->next++));
    else
        note_code(query, sqlite3_bind_text64(query->stmt, query->next++, text, strlen(text),
                                             SQLITE_STATIC, SQLITE_UTF8));
}

void query_blob(struct query *query, const void *data, size_t size)
{
    note_code(query, sqlite3_bind_blob64(query->stmt, query->next++, data, size, SQLITE_STATIC));
}

int query_next(struct query *query, struct error *err)
{
    int code = query->code;

    if (code == SQLITE_OK)
        code = sqlite3_step(query->stmt);
    if (code == SQLITE_ROW)
        return 1;
    if (code == SQLITE_DONE)
        return 0;
    return sqlite_fail(query->store, code, err);
}

void query_end(struct query *query)
{
    if (query->stmt == NULL)
        return;
    if (query->cached) {
        sqlite3_reset(query->stmt);
        sqlite3_clear_bindings(query->stmt);
    } else {
        sqlite3_finalize(query->stmt);
    }
    query->stmt = NULL;
}

int query_run(struct query *query, struct error *err)
{
    int rc = query_next(query, err);

    query_end(query);
    return rc < 0 ? -1 : 0;
}

int64_t query_get_int(const struct query *query, int column)
{
    return sqlite3_column_int64(query->stmt, column);
}

const char *query_get_text(const struct query *query, int column)
{
    const unsigned char *text = sqlite3_column_text(query->stmt, column);

    return text != NULL ? (const char *)text : "";
}

void query_get_blob(const struct query *query, int column, void *out, size_t size)
{
    const void *data = sqlite3_column_blob(query->stmt, column);

    if (data != NULL && (size_t)sqlite3_column_bytes(query->stmt, column) == size)
        memcpy(out, data, size);
    else
        memset(out, 0, size);
}

char *query_copy_text(const struct query *query, int column)
{
    return strdup(query_get_text(query, column));
}
