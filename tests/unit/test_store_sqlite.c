/* SPDX-License-Identifier: BSD-2-Clause */
/* What only a queue in a file can do wrong: opening, other processes, memory, a full disk. */
#include "config.h"

#include "tests/unit/storefixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- opening ---- */

static void refuse_open(struct fixture *fixture, const char *uri, bool create, const char *why)
{
    struct store *store = NULL;

    assert_int_equal(store_open(&store, uri, create, &fixture->err), -1);
    assert_null(store);
    assert_int_equal(fixture->err.class, ERROR_SETUP);
    if (strstr(fixture->err.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", fixture->err.text, why);
    error_clear(&fixture->err);
}

static void name_beside(const struct fixture *fixture, const char *name, char path[128],
                        char uri[160])
{
    snprintf(path, 128, "%s/%s", fixture->directory, name);
    snprintf(uri, 160, "sqlite:%s", path);
}

static void test_unknown_names(void **state)
{
    struct fixture *fixture = *state;

    refuse_open(fixture, "", true, "sqlite:");
    refuse_open(fixture, "sqlite:", true, "sqlite:");
    refuse_open(fixture, "memory:", true, "sqlite:");
    refuse_open(fixture, fixture->path, true, "sqlite:");
    refuse_open(fixture, "sqlite:/nonexistent/queue.db", true, "cannot be made");
}

static void test_absent_file(void **state)
{
    struct fixture *fixture = *state;
    char path[128], uri[160];

    name_beside(fixture, "absent.db", path, uri);
    refuse_open(fixture, uri, false, "not there");
    assert_int_equal(access(path, F_OK), -1);
}

static void test_file_is_ours_alone(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    char log[128];

    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    snprintf(log, sizeof log, "%s-wal", fixture->path);
    assert_int_equal(stat(log, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);

    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(chmod(fixture->path, 0640), 0);
    refuse_open(fixture, fixture->uri, true, "0640");
}

static void test_strange_files(void **state)
{
    struct fixture *fixture = *state;
    char path[128], uri[160];
    int fd;

    name_beside(fixture, "link.db", path, uri);
    assert_int_equal(symlink(fixture->path, path), 0);
    refuse_open(fixture, uri, true, "not a regular file");
    assert_int_equal(unlink(path), 0);

    assert_int_equal(mkfifo(path, 0600), 0);
    refuse_open(fixture, uri, true, "not a regular file");
    assert_int_equal(unlink(path), 0);

    fd = open(path, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    refuse_open(fixture, uri, true, "not a queue of this program");
    assert_int_equal(write(fd, "This is a letter, and no database at all.", 41), 41);
    assert_int_equal(close(fd), 0);
    refuse_open(fixture, uri, true, "damaged");
    assert_int_equal(unlink(path), 0);
}

static void change_file(const char *path, const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_other_layouts(void **state)
{
    struct fixture *fixture = *state;

    store_close(fixture->store);
    fixture->store = NULL;
    change_file(fixture->path, "PRAGMA user_version = 4");
    refuse_open(fixture, fixture->uri, true, "has layout 4");
    change_file(fixture->path, "PRAGMA user_version = 0");
    refuse_open(fixture, fixture->uri, true, "has layout 0");
    change_file(fixture->path, "PRAGMA user_version = 1; PRAGMA application_id = 7");
    refuse_open(fixture, fixture->uri, true, "not a queue of this program");
}

static void test_damage_is_found(void **state)
{
    struct fixture *fixture = *state;

    fixture_in_state(fixture, "f1", RECIPIENT_SENT);
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
    change_file(fixture->path, "DELETE FROM journal");
    fixture_refused(fixture, store_verify(fixture->store, &fixture->err), ERROR_DATA);
}

/* ---- several handles and processes ---- */

static void test_two_handles(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipient = fixture_in_state(fixture, "f1", RECIPIENT_QUEUED);
    struct fixture other = *fixture;

    assert_done(fixture, store_open(&other.store, fixture->uri, false, &fixture->err));
    fixture_begin(fixture);
    fixture_recipient(fixture, fixture_message(fixture, "f2", 0), "A", RECIPIENT_HELD, 0);
    assert_int_equal(store_journal_has(other.store, "f2", "A", &other.err), 0);
    fixture_commit(fixture);
    assert_int_equal(store_journal_has(other.store, "f2", "A", &other.err), 1);
    assert_int_equal(fixture_claim_all(&other, 2000), 1);
    assert_int_equal(fixture_claim_all(fixture, 2000), 0);
    fixture_result(fixture, recipient, RECIPIENT_SENT, true, false, 0);
    assert_int_equal(fixture_see(&other, recipient).state, RECIPIENT_SENT);
    store_close(other.store);
}

/* Waits until GATE closes, so that all begin at once; the exit status is 0 when all went well. */
static int start_together(const char *uri, int gate, unsigned number)
{
    struct store_message message = {.fingerprint = "f1"};
    struct store *store;
    char octet, original[16];

    snprintf(original, sizeof original, "U%u", number);
    if (read(gate, &octet, 1) != 0)
        return 1;
    if (store_open(&store, uri, true, NULL) != 0)
        return 2;
    if (store_begin(store, NULL) != 0 || store_add_message(store, &message, NULL) != 0 ||
        store_add_recipient(store, message.id, original, "a@example.com", RECIPIENT_QUEUED, 0, 0,
                            "", "", NULL) != 0 ||
        store_commit(store, NULL) != 0)
        return 3;
    store_close(store);
    return 0;
}

static void test_processes_that_start_together(void **state)
{
    enum { CHILDREN = 6 };
    struct fixture *fixture = *state, other = {.on_disk = true};
    pid_t children[CHILDREN];
    struct store_counts counts;
    char path[128], uri[160];
    int gate[2], status;

    name_beside(fixture, "new.db", path, uri);
    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
    for (unsigned i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            close(gate[1]);
            _exit(start_together(uri, gate[0], i));
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (unsigned i = 0; i < CHILDREN; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_done(&other, store_open(&other.store, uri, false, &other.err));
    assert_done(&other, store_count(other.store, &counts, &other.err));
    assert_int_equal(counts.recipients[RECIPIENT_QUEUED], CHILDREN);
    assert_done(&other, store_verify(other.store, &other.err));
    store_close(other.store);
    assert_int_equal(unlink(path), 0);
}

/* ---- size ---- */

static int add_large(struct fixture *fixture, size_t chunks, struct store_message *message)
{
    static const uint8_t chunk[STORE_CHUNK_SIZE] = "0123456789";

    message->size = (uint64_t)chunks * STORE_CHUNK_SIZE;
    if (store_add_message(fixture->store, message, &fixture->err) != 0)
        return -1;
    for (size_t i = 0; i < chunks; i++) {
        if (store_add_content(fixture->store, message->id, chunk, sizeof chunk, &fixture->err) != 0)
            return -1;
    }
    return 0;
}

static void test_large_content_takes_little_memory(void **state)
{
    enum { CHUNKS = 1024 }; /* 64 MiB */
    struct fixture *fixture = *state;
    struct store_message message = {.fingerprint = "f1"};
    uint8_t *data = malloc(STORE_CHUNK_SIZE);
    struct stat status;
    char log[128];
    size_t got;

    assert_non_null(data);
    sqlite3_memory_highwater(1);
    fixture_begin(fixture);
    assert_done(fixture, add_large(fixture, CHUNKS, &message));
    fixture_commit(fixture);
    for (size_t i = 0; i < CHUNKS; i++) {
        assert_done(fixture, store_read_content(fixture->store, message.id, i * STORE_CHUNK_SIZE,
                                                data, STORE_CHUNK_SIZE, &got, &fixture->err));
        assert_int_equal(got, STORE_CHUNK_SIZE);
    }
    assert_in_range(sqlite3_memory_highwater(0), 1, 8 << 20);

    fixture_in_state(fixture, "f2", RECIPIENT_SENT);
    snprintf(log, sizeof log, "%s-wal", fixture->path);
    assert_int_equal(stat(log, &status), 0);
    assert_in_range(status.st_size, 1, 33 << 20);
    free(data);
}

/* ---- a full disk ---- */

/* No file may grow beyond what the log has now and SPACE octets more; SPACE 0 ends that. */
static void limit_space(const struct fixture *fixture, size_t space)
{
    struct rlimit limit;
    struct stat status;
    char log[128];

    snprintf(log, sizeof log, "%s-wal", fixture->path);
    assert_int_equal(stat(log, &status), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = space != 0 ? (rlim_t)status.st_size + space : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void expect_full(struct fixture *fixture, int rc)
{
    assert_int_equal(rc, -1);
    assert_int_equal(fixture->err.class, ERROR_SOFT);
    if (strcmp(fixture->err.status, "4.3.1") != 0)
        fail_msg("not 4.3.1: %s", fixture->err.text);
    error_clear(&fixture->err);
}

/* Each is too large for SPACE; the smaller ones fail in the commit, the larger in the middle. */
static void fill_up(struct fixture *fixture, size_t chunks)
{
    struct store_message message = {.fingerprint = "f2"};
    int rc;

    fixture_begin(fixture);
    rc = add_large(fixture, chunks, &message);
    if (rc != 0) {
        expect_full(fixture, rc);
        /* Half a message must not be committed, even by a caller that does not look. */
        assert_int_equal(store_commit(fixture->store, &fixture->err), -1);
        assert_int_equal(fixture->err.class, ERROR_SOFT);
    } else {
        expect_full(fixture, store_commit(fixture->store, &fixture->err));
    }
    store_rollback(fixture->store);
}

static void test_full_disk(void **state)
{
    static const size_t chunks[] = {16, 40, 80, 160, 16};
    struct fixture *fixture = *state;
    uint64_t recipient = fixture_in_state(fixture, "f1", RECIPIENT_SENDING);
    struct store_counts counts;
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);

    limit_space(fixture, 400000);
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        fill_up(fixture, chunks[i]);
        assert_int_equal(fixture_see(fixture, recipient).state, RECIPIENT_SENDING);
        assert_done(fixture, store_verify(fixture->store, &fixture->err));
    }
    /* What fits still goes in. */
    fixture_result(fixture, recipient, RECIPIENT_SENT, true, false, 0);
    limit_space(fixture, 0);
    signal(SIGXFSZ, old);

    fixture_in_state(fixture, "f2", RECIPIENT_SENT);
    store_close(fixture->store);
    assert_done(fixture, store_open(&fixture->store, fixture->uri, false, &fixture->err));
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.messages, 2);
    assert_int_equal(counts.recipients[RECIPIENT_SENT], 2);
}

int main(void)
{
    /* A queue is opened without a count of SQLite's memory, which a test here reads. */
    const bool counted = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1) == SQLITE_OK &&
                         sqlite3_initialize() == SQLITE_OK;
    const struct CMUnitTest tests[] = {
        ON_SQLITE(test_unknown_names),
        ON_SQLITE(test_absent_file),
        ON_SQLITE(test_file_is_ours_alone),
        ON_SQLITE(test_strange_files),
        ON_SQLITE(test_other_layouts),
        ON_SQLITE(test_damage_is_found),
        ON_SQLITE(test_two_handles),
        ON_SQLITE(test_processes_that_start_together),
        ON_SQLITE(test_large_content_takes_little_memory),
        ON_SQLITE(test_full_disk),
    };

    if (!counted)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
