/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening, making and closing the file; transactions. */
#include "config.h"

#include "queue/sqlite.h"
#include "queue/sqlite-int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 30000

/*
 * FULL makes each commit durable before it returns. A cache of 4 MiB makes large content spill
 * into the log; the log is copied back every 16 MiB and shrinks to 32 MiB when it was larger.
 * Temporary data never leaves memory: there is no directory for it that only we can read.
 */
static const char connection_pragmas[] = "PRAGMA synchronous = FULL;"
                                         "PRAGMA foreign_keys = ON;"
                                         "PRAGMA cache_size = -4096;"
                                         "PRAGMA wal_autocheckpoint = 4096;"
                                         "PRAGMA journal_size_limit = 33554432;"
                                         "PRAGMA temp_store = MEMORY;"
                                         "PRAGMA trusted_schema = OFF;"
                                         "PRAGMA cell_size_check = ON;";

static int run(struct store *store, enum sqlite_statement which, const char *sql, struct error *err)
{
    struct query query;

    if (query_begin(&query, store, which, sql, err) != 0)
        return -1;
    return query_run(&query, err);
}

static int begin(struct store *store, struct error *err)
{
    return run(store, SQL_BEGIN, "BEGIN IMMEDIATE", err);
}

static int commit(struct store *store, struct error *err)
{
    return run(store, SQL_COMMIT, "COMMIT", err);
}

/* A full disk may have made SQLite roll back by itself. */
static void rollback(struct store *store)
{
    struct sqlite_store *own = (struct sqlite_store *)store;

    if (!sqlite3_get_autocommit(own->db) && run(store, SQL_ROLLBACK, "ROLLBACK", NULL) != 0)
        sqlite3_exec(own->db, "ROLLBACK", NULL, NULL, NULL);
}

static void close_store(struct store *store)
{
    struct sqlite_store *own = (struct sqlite_store *)store;

    for (size_t i = 0; i < SQL_STATEMENTS; i++)
        sqlite3_finalize(own->cache[i]);
    sqlite3_close_v2(own->db);
    free(own->path);
    free(own);
}

static const struct store_ops sqlite_ops = {
    .close = close_store,
    .begin = begin,
    .commit = commit,
    .rollback = rollback,
    .add_message = sqlite_add_message,
    .add_content = sqlite_add_content,
    .set_content_facts = sqlite_set_content_facts,
    .add_recipient = sqlite_add_recipient,
    .add_note = sqlite_add_note,
    .journal_has = sqlite_journal_has,
    .add_remain = sqlite_add_remain,
    .forget_remains = sqlite_forget_remains,
    .list_remains = sqlite_list_remains,
    .claim = sqlite_claim,
    .next_due = sqlite_next_due,
    .read_content = sqlite_read_content,
    .change = sqlite_change,
    .get_row = sqlite_get_row,
    .next_row = sqlite_next_row,
    .any_sending = sqlite_any_sending,
    .any_expired = sqlite_any_expired,
    .next_unreported = sqlite_next_unreported,
    .set_reported = sqlite_set_reported,
    .next_late = sqlite_next_late,
    .set_noticed = sqlite_set_noticed,
    .forget_notices = sqlite_forget_notices,
    .held_report = sqlite_held_report,
    .idle_notice = sqlite_idle_notice,
    .has_message = sqlite_has_message,
    .extend = sqlite_extend,
    .list = sqlite_list,
    .history = sqlite_history,
    .count = sqlite_count,
    .put_note = sqlite_put_note,
    .list_notes = sqlite_list_notes,
    .purge = sqlite_purge,
    .verify = sqlite_verify,
    .put_user = sqlite_put_user,
    .set_fault = sqlite_set_fault,
    .list_users = sqlite_list_users,
    .add_baseline = sqlite_add_baseline,
    .clear_baseline = sqlite_clear_baseline,
    .in_baseline = sqlite_in_baseline,
    .put_mailbag = sqlite_put_mailbag,
    .list_mailbags = sqlite_list_mailbags,
    .load_live = sqlite_load_live,
    .add_live = sqlite_add_live,
    .drop_live = sqlite_drop_live,
    .list_live = sqlite_list_live,
    .count_user = sqlite_count_user,
    .add_thread = sqlite_add_thread,
    .find_thread = sqlite_find_thread,
};

static int connect_file(struct sqlite_store *own, struct error *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int code = sqlite3_open_v2(own->path, &own->db, flags, NULL);

    if (code != SQLITE_OK)
        return sqlite_fail(own, code, err);
    sqlite3_busy_timeout(own->db, BUSY_MS);
    sqlite3_db_config(own->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(own->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(own->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    return 0;
}

static int new_handle(struct sqlite_store **out, const char *path, struct error *err)
{
    struct sqlite_store *own = calloc(1, sizeof *own);

    if (own == NULL || (own->path = strdup(path)) == NULL) {
        free(own);
        error_set(err, ERROR_SOFT, "4.3.0", "queue %s: not enough memory", path);
        return -1;
    }
    own->base.ops = &sqlite_ops;
    if (connect_file(own, err) != 0) {
        close_store(&own->base);
        return -1;
    }
    *out = own;
    return 0;
}

/* The write-ahead log must really be on: without it synchronous means something else. */
static int use_log(struct sqlite_store *own, struct error *err)
{
    struct query query;
    int rc;

    if (query_prepare(&query, &own->base, "PRAGMA journal_mode = WAL", err) != 0)
        return -1;
    rc = query_next(&query, err);
    if (rc > 0 && strcmp(query_get_text(&query, 0), "wal") != 0)
        rc = error_set(err, ERROR_SETUP, "4.3.5",
                       "queue %s: no write-ahead log here; put it on a local file system",
                       own->path);
    query_end(&query);
    return rc < 0 ? -1 : 0;
}

static int sync_directory(const char *path, struct error *err)
{
    const char *slash = strrchr(path, '/');
    char directory[PATH_MAX];
    int fd, rc;

    if (slash == NULL)
        snprintf(directory, sizeof directory, ".");
    else
        snprintf(directory, sizeof directory, "%.*s", slash == path ? 1 : (int)(slash - path),
                 path);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_sys(err, ERROR_SETUP, "4.3.5", "queue: cannot open directory %s", directory);
    rc = fsync(fd);
    if (rc != 0)
        error_sys(err, ERROR_SOFT, "4.3.0", "queue: cannot make directory %s durable", directory);
    close(fd);
    return rc;
}

/* Fills the empty file TEMPORARY; closing it leaves one complete, durable file. */
static int fill_file(const char *temporary, struct error *err)
{
    struct sqlite_store *own;
    int rc;

    if (new_handle(&own, temporary, err) != 0)
        return -1;
    rc = use_log(own, err);
    if (rc == 0)
        rc = sqlite_exec(own, connection_pragmas, err);
    if (rc == 0)
        rc = sqlite_create_schema(own, err);
    if (rc == 0)
        rc = sqlite_exec(own, "PRAGMA wal_checkpoint(TRUNCATE)", err);
    close_store(&own->base);
    return rc;
}

/*
 * Made under another name and linked into place: PATH is never seen half made, and of two programs
 * that start together one wins and both use its file.
 */
static int create_file(const char *path, struct error *err)
{
    char temporary[PATH_MAX];
    int fd, rc;

    if ((size_t)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= sizeof temporary)
        return error_set(err, ERROR_SETUP, "4.3.5", "queue: path too long: %s", path);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_sys(err, ERROR_SETUP, "4.3.5", "queue %s: cannot be made", path);
    close(fd);
    rc = fill_file(temporary, err);
    if (rc == 0 && link(temporary, path) != 0 && errno != EEXIST)
        rc = error_sys(err, ERROR_SETUP, "4.3.5", "queue %s: cannot be made", path);
    unlink(temporary);
    return rc == 0 ? sync_directory(path, err) : -1;
}

/* Looks without opening: to close a second descriptor of the file would drop SQLite's locks. */
static int check_file(const char *path, bool create, struct error *err)
{
    struct stat status;

    if (lstat(path, &status) != 0) {
        if (errno != ENOENT)
            return error_sys(err, ERROR_SETUP, "4.3.5", "queue %s", path);
        if (!create)
            return error_set(err, ERROR_SETUP, "4.3.5",
                             "queue %s: not there; the service makes it at its first start", path);
        return create_file(path, err);
    }
    if (!S_ISREG(status.st_mode))
        return error_set(err, ERROR_SETUP, "4.3.5", "queue %s: not a regular file", path);
    if ((status.st_mode & 077) != 0)
        return error_set(err, ERROR_SETUP, "4.3.5",
                         "queue %s: mode %04o lets others at the mail; chmod 600 it", path,
                         (unsigned)status.st_mode & 07777);
    return 0;
}

int store_open_sqlite(struct store **out, const char *path, bool create, struct error *err)
{
    struct sqlite_store *own;

    /* Nobody asks how much memory SQLite has, and to count it takes a lock at each malloc. Refused,
     * and of no harm, when a queue was open before in this process. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (check_file(path, create, err) != 0 || new_handle(&own, path, err) != 0)
        return -1;
    if (sqlite_check_schema(own, err) != 0 || use_log(own, err) != 0 ||
        sqlite_exec(own, connection_pragmas, err) != 0 || sqlite_upgrade_schema(own, err) != 0) {
        close_store(&own->base);
        return -1;
    }
    *out = &own->base;
    return 0;
}
