/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue of each older layout, as its program made it, becomes one of this layout. */
#include "config.h"

#include "tests/unit/storefixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue/cutover.h"
#include "queue/thread.h"

#define LAYOUTS 2 /* older ones: tests/data/queue/layout-N.sql */

struct text {
    char *out;
    size_t size;
};

static char *recorded_sql(unsigned layout)
{
    const char *top = getenv("srcdir");
    char path[4096], *text = calloc(1, 65536);
    FILE *file;

    assert_non_null(text);
    snprintf(path, sizeof path, "%s/tests/data/queue/layout-%u.sql", top != NULL ? top : ".",
             layout);
    file = fopen(path, "r");
    if (file == NULL)
        print_error("%s: not there; set srcdir to the top of the source\n", path);
    assert_non_null(file);
    assert_in_range(fread(text, 1, 65535, file), 1000, 65534);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* Puts a queue of LAYOUT, and what MORE does to it, in the place of the fixture's. */
static void old_queue(struct fixture *fixture, unsigned layout, const char *more)
{
    char *sql = recorded_sql(layout);
    sqlite3 *db;

    store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(unlink(fixture->path), 0);
    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, more, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(chmod(fixture->path, 0600), 0);
    free(sql);
}

static int add_row_text(void *context, int columns, char **values, char **names)
{
    struct text *text = context;

    (void)names;
    for (int i = 0; i < columns; i++) {
        size_t used = strlen(text->out);

        snprintf(text->out + used, text->size - used, "%s|", values[i] != NULL ? values[i] : "");
    }
    return 0;
}

/* All rows of SQL as one text. */
static void ask(const char *path, const char *sql, char *out, size_t size)
{
    struct text text = {out, size};
    sqlite3 *db;

    out[0] = '\0';
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, add_row_text, &text, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_upgraded_is_as_new(void **state)
{
    static const char all[] = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name";
    static char fresh[16384], upgraded[16384];
    struct fixture *fixture = *state;

    ask(fixture->path, all, fresh, sizeof fresh);
    for (unsigned layout = 1; layout <= LAYOUTS; layout++) {
        old_queue(fixture, layout, "");
        assert_done(fixture, store_open(&fixture->store, fixture->uri, false, &fixture->err));
        ask(fixture->path, all, upgraded, sizeof upgraded);
        assert_string_equal(upgraded, fresh);
        ask(fixture->path, "PRAGMA user_version", upgraded, sizeof upgraded);
        assert_string_equal(upgraded, "3|");
        ask(fixture->path, "PRAGMA integrity_check", upgraded, sizeof upgraded);
        assert_string_equal(upgraded, "ok|");
    }
}

static int add_remain_text(void *context, const struct store_remain *remain)
{
    struct text *text = context;
    size_t used = strlen(text->out);

    snprintf(text->out + used, text->size - used, "%s/%s/%s/%s/%d-%d ", remain->title,
             remain->postoffice, remain->mai, remain->reason, (int)remain->first_ms,
             (int)remain->last_ms);
    return 0;
}

static void expect_mail(struct fixture *fixture)
{
    struct store_user_counts user;
    struct store_counts counts;
    char out[512] = "";
    struct text text = {out, sizeof out};

    assert_done(fixture, store_verify(fixture->store, &fixture->err));
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.messages, 2);
    assert_int_equal(counts.recipients[RECIPIENT_QUEUED], 2);
    assert_int_equal(counts.recipients[RECIPIENT_SENT], 1);
    assert_int_equal(store_journal_has(fixture->store, "f1", "corp/hq/eve", &fixture->err), 1);
    assert_done(fixture, store_count_user(fixture->store, "CORP/HQ/BOB", &user, &fixture->err));
    assert_int_equal(user.recipients[RECIPIENT_QUEUED], 2);
    assert_int_equal(user.doubtful, 1);
    assert_done(fixture, store_list_remains(fixture->store, add_remain_text, &text, &fixture->err));
    assert_string_equal(out, "CORP/HQ/CORP/HQ/get-1/no DATE/11-21 "
                             "CORP/NORTH/CORP/NORTH/get-1/no TIME/12-22 ");
}

/* What is new can be used as in a new queue. */
static void expect_use(struct fixture *fixture)
{
    static const uint8_t key[STORE_THREAD_KEY] = {1}, none[STORE_THREAD_KEY];
    struct store_user user = {
        .postoffice = "CORP/HQ", .mailbox = "KIM", .mailbag = "0000002F", .since_ms = 1};
    struct store_thread thread = {key, none, "<1@example.com>", ""};
    char *id, *references;

    assert_done(fixture, store_put_user(fixture->store, &user, &fixture->err));
    fixture_begin(fixture);
    assert_done(fixture, store_add_thread(fixture->store, &thread, &fixture->err));
    fixture_commit(fixture);
    assert_int_equal(
        store_find_thread(fixture->store, key, none, "", &id, &references, &fixture->err), 1);
    free(id);
    free(references);
    assert_int_equal(fixture_claim_all(fixture, 2000), 2);
}

static void test_upgrade_keeps_the_mail(void **state)
{
    struct fixture *fixture = *state;

    for (unsigned layout = 1; layout <= LAYOUTS; layout++) {
        old_queue(fixture, layout, "");
        assert_done(fixture, store_open(&fixture->store, fixture->uri, false, &fixture->err));
        expect_mail(fixture);
        expect_use(fixture);
    }
}

/* The user whom layout 2 knows, with his baseline. */
static void test_upgrade_keeps_the_users(void **state)
{
    struct fixture *fixture = *state;
    uint8_t header[STORE_HEADER_DIGEST] = {0};

    header[sizeof header - 1] = 1;
    old_queue(fixture, 2, "");
    assert_done(fixture, store_open(&fixture->store, fixture->uri, false, &fixture->err));
    assert_int_equal(
        store_in_baseline(fixture->store, "CORP/HQ", "bob", header, NULL, &fixture->err), 1);
}

/* It fails in its last steps: nothing of it may be left. */
static void test_failed_upgrade_leaves_the_old_queue(void **state)
{
    struct fixture *fixture = *state;
    static char before[16384], after[16384], version[8];
    static const char all[] = "SELECT name, sql FROM sqlite_master ORDER BY name";

    for (unsigned layout = 1; layout <= LAYOUTS; layout++) {
        old_queue(fixture, layout, "CREATE TABLE thread (x)");
        ask(fixture->path, all, before, sizeof before);
        assert_int_equal(store_open(&fixture->store, fixture->uri, false, &fixture->err), -1);
        assert_null(fixture->store);
        assert_string_not_equal(fixture->err.text, "");
        error_clear(&fixture->err);
        ask(fixture->path, all, after, sizeof after);
        assert_string_equal(after, before);
        snprintf(version, sizeof version, "%u|", layout);
        ask(fixture->path, "PRAGMA user_version", after, sizeof after);
        assert_string_equal(after, version);
        ask(fixture->path, "SELECT count(*) FROM remain", after, sizeof after);
        assert_string_equal(after, layout == 1 ? "3|" : "2|");
    }
}

static int open_together(const char *uri, int gate)
{
    struct store *store;
    struct store_counts counts;
    char octet;

    if (read(gate, &octet, 1) != 0)
        return 1;
    if (store_open(&store, uri, false, NULL) != 0)
        return 2;
    if (store_count(store, &counts, NULL) != 0 || counts.messages != 2)
        return 3;
    store_close(store);
    return 0;
}

static void test_programs_that_upgrade_together(void **state)
{
    enum { CHILDREN = 6 };
    struct fixture *fixture = *state;
    pid_t children[CHILDREN];
    int gate[2], status;

    old_queue(fixture, 1, "");
    assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
    for (unsigned i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            close(gate[1]);
            _exit(open_together(fixture->uri, gate[0]));
        }
    }
    close(gate[0]);
    close(gate[1]);
    for (unsigned i = 0; i < CHILDREN; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_done(fixture, store_open(&fixture->store, fixture->uri, false, &fixture->err));
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SQLITE(test_upgraded_is_as_new),
        ON_SQLITE(test_upgrade_keeps_the_mail),
        ON_SQLITE(test_upgrade_keeps_the_users),
        ON_SQLITE(test_failed_upgrade_leaves_the_old_queue),
        ON_SQLITE(test_programs_that_upgrade_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
