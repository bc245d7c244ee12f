/* SPDX-License-Identifier: BSD-2-Clause */
/* The contract of queue/cutover.h on every backend, and the upgrade of older queues. */
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

#include "queue/sqlite-int.h"

/* A digest that begins with NUMBER. */
static const uint8_t *digest(unsigned number)
{
    static uint8_t digests[8][STORE_HEADER_DIGEST];
    static unsigned next;
    uint8_t *out = digests[next++ % 8];

    memset(out, 0, STORE_HEADER_DIGEST);
    out[0] = (uint8_t)(number >> 8);
    out[1] = (uint8_t)number;
    out[STORE_HEADER_DIGEST - 1] = 7;
    return out;
}

/* ---- users ---- */

static void put_user(struct fixture *fixture, const char *postoffice, const char *mailbox,
                     enum user_state state, const char *fault)
{
    struct store_user user = {.postoffice = postoffice,
                              .mailbox = mailbox,
                              .mailbag = "0000002E",
                              .state = state,
                              .since_ms = 100,
                              .baseline_ms = state == USER_BASELINE ? 90 : 0,
                              .baseline_items = 77,
                              .fault = fault};

    assert_done(fixture, store_put_user(fixture->store, &user, &fixture->err));
}

struct text {
    char *out;
    size_t size;
};

static int add_user_text(void *context, const struct store_user *user)
{
    struct text *text = context;
    size_t used = strlen(text->out);

    snprintf(text->out + used, text->size - used, "%s/%s=%s:%s:%d:%d:%d:%s ", user->postoffice,
             user->mailbox, user->mailbag, user_state_name(user->state), (int)user->since_ms,
             (int)user->baseline_ms, (int)user->baseline_items, user->fault);
    return 0;
}

static void expect_users(struct fixture *fixture, const char *postoffice, const char *mailbox,
                         const char *expected)
{
    char out[1024] = "";
    struct text text = {out, sizeof out};

    assert_done(fixture, store_list_users(fixture->store, postoffice, mailbox, add_user_text, &text,
                                          &fixture->err));
    assert_string_equal(out, expected);
}

static void test_users(void **state)
{
    struct fixture *fixture = *state;

    expect_users(fixture, NULL, NULL, "");
    put_user(fixture, "CORP/HQ", "KIM", USER_BASELINE, "");
    put_user(fixture, "CORP/ALPHA", "ZOE", USER_ACTIVE, "who knows");
    put_user(fixture, "corp/hq", "_UN", USER_CLOSED, NULL);
    put_user(fixture, "CORP/HQ", "bob", USER_DRAINING, "");
    put_user(fixture, "corp/hq", "kim", USER_ACTIVE, "moved");
    expect_users(fixture, NULL, NULL,
                 "CORP/ALPHA/ZOE=0000002E:active:100:0:0:who knows "
                 "corp/hq/_UN=0000002E:closed:100:0:0: "
                 "CORP/HQ/bob=0000002E:draining:100:0:0: "
                 "CORP/HQ/KIM=0000002E:active:100:0:0:moved ");
    expect_users(fixture, "Corp/Alpha", NULL, "CORP/ALPHA/ZOE=0000002E:active:100:0:0:who knows ");
    expect_users(fixture, "corp/HQ", "BOB", "CORP/HQ/bob=0000002E:draining:100:0:0: ");
    expect_users(fixture, NULL, "kim", "CORP/HQ/KIM=0000002E:active:100:0:0:moved ");
    expect_users(fixture, "CORP/HQ", "KI", "");
}

static void test_fault_alone_changes(void **state)
{
    struct fixture *fixture = *state;

    put_user(fixture, "CORP/HQ", "KIM", USER_DRAINING, "");
    assert_done(fixture, store_set_fault(fixture->store, "corp/hq", "kim", "another mailbag",
                                         &fixture->err));
    expect_users(fixture, NULL, NULL, "CORP/HQ/KIM=0000002E:draining:100:0:0:another mailbag ");
    assert_done(fixture, store_set_fault(fixture->store, "CORP/HQ", "KIM", NULL, &fixture->err));
    expect_users(fixture, NULL, NULL, "CORP/HQ/KIM=0000002E:draining:100:0:0: ");
    fixture_refused(fixture, store_set_fault(fixture->store, "CORP/HQ", "EVE", "x", &fixture->err),
                    ERROR_DATA);
    /* In a batch a user who is gone does not hinder the rest. */
    fixture_begin(fixture);
    fixture_refused(fixture, store_set_fault(fixture->store, "CORP/HQ", "EVE", "x", &fixture->err),
                    ERROR_DATA);
    put_user(fixture, "CORP/HQ", "ANN", USER_ACTIVE, "");
    fixture_commit(fixture);
    expect_users(fixture, NULL, "ANN", "CORP/HQ/ANN=0000002E:active:100:0:0: ");
}

static void test_state_names(void **state)
{
    enum user_state parsed;

    (void)state;
    for (unsigned i = 0; i < USER_STATES; i++) {
        assert_int_equal(user_state_parse(user_state_name((enum user_state)i), &parsed), 0);
        assert_int_equal(parsed, i);
    }
    assert_int_equal(user_state_parse("new", &parsed), -1);
    assert_string_equal(user_state_name((enum user_state)USER_STATES), "unknown");
}

/* ---- baselines ---- */

static void add_baseline(struct fixture *fixture, const char *mailbox, unsigned header,
                         const char *fingerprint)
{
    struct store_baseline item = {
        .fingerprint = fingerprint, .header = digest(header), .mai = "00000062"};

    assert_done(fixture,
                store_add_baseline(fixture->store, "CORP/HQ", mailbox, &item, &fixture->err));
}

static bool in_baseline(struct fixture *fixture, const char *mailbox, const uint8_t *header,
                        const char *fingerprint)
{
    int rc =
        store_in_baseline(fixture->store, "corp/hq", mailbox, header, fingerprint, &fixture->err);

    assert_in_range(rc, 0, 1);
    return rc == 1;
}

static void test_baseline(void **state)
{
    struct fixture *fixture = *state;

    put_user(fixture, "CORP/HQ", "KIM", USER_BASELINE, "");
    put_user(fixture, "CORP/HQ", "EVE", USER_BASELINE, "");
    fixture_begin(fixture);
    add_baseline(fixture, "KIM", 1, "aa");
    add_baseline(fixture, "kim", 1, "aa");
    add_baseline(fixture, "KIM", 2, "");
    add_baseline(fixture, "EVE", 3, "bb");
    fixture_commit(fixture);

    assert_true(in_baseline(fixture, "kim", digest(1), NULL));
    assert_true(in_baseline(fixture, "KIM", NULL, "aa"));
    assert_true(in_baseline(fixture, "KIM", digest(9), "aa"));
    assert_true(in_baseline(fixture, "KIM", digest(2), "zz"));
    assert_false(in_baseline(fixture, "KIM", digest(9), ""));
    assert_false(in_baseline(fixture, "KIM", NULL, NULL));
    assert_false(in_baseline(fixture, "KIM", digest(3), "bb"));
    assert_true(in_baseline(fixture, "EVE", digest(3), NULL));
    expect_users(fixture, NULL, NULL,
                 "CORP/HQ/EVE=0000002E:baseline:100:90:1: "
                 "CORP/HQ/KIM=0000002E:baseline:100:90:2: ");

    assert_done(fixture, store_clear_baseline(fixture->store, "CORP/HQ", "kim", &fixture->err));
    assert_false(in_baseline(fixture, "KIM", digest(1), "aa"));
    assert_true(in_baseline(fixture, "EVE", NULL, "bb"));
}

/* What could not be read the first time is better known after a second look; never worse. */
static void test_baseline_learns(void **state)
{
    struct fixture *fixture = *state;

    put_user(fixture, "CORP/HQ", "KIM", USER_BASELINE, "");
    add_baseline(fixture, "KIM", 1, "");
    add_baseline(fixture, "KIM", 1, "aa");
    assert_true(in_baseline(fixture, "KIM", NULL, "aa"));
    add_baseline(fixture, "KIM", 1, "");
    assert_true(in_baseline(fixture, "KIM", NULL, "aa"));
    expect_users(fixture, NULL, NULL, "CORP/HQ/KIM=0000002E:baseline:100:90:1: ");
}

/* ---- mailbags ---- */

static int add_mailbag_text(void *context, const struct store_mailbag *mailbag)
{
    struct text *text = context;
    size_t used = strlen(text->out);

    snprintf(text->out + used, text->size - used, "%s/%s=%s:%s:%d:%u:%u ", mailbag->title,
             mailbag->mailbag, mailbag->owner, mailbag->stamp, (int)mailbag->swept_ms,
             (unsigned)mailbag->live, (unsigned)mailbag->records);
    return 0;
}

static void expect_mailbags(struct fixture *fixture, const char *title, const char *expected)
{
    char out[1024] = "";
    struct text text = {out, sizeof out};

    assert_done(fixture,
                store_list_mailbags(fixture->store, title, add_mailbag_text, &text, &fixture->err));
    assert_string_equal(out, expected);
}

static void put_mailbag(struct fixture *fixture, const char *title, const char *mailbag,
                        const char *stamp, uint32_t live)
{
    struct store_mailbag row = {.title = title,
                                .mailbag = mailbag,
                                .owner = "KIM",
                                .stamp = stamp,
                                .swept_ms = 50,
                                .live = live,
                                .records = 4096};

    assert_done(fixture, store_put_mailbag(fixture->store, &row, &fixture->err));
}

static void test_mailbags(void **state)
{
    struct fixture *fixture = *state;

    put_mailbag(fixture, "HQ", "0000002E", "k1", 3);
    put_mailbag(fixture, "backup", "0000002e", "k9", 8);
    put_mailbag(fixture, "HQ", "0000000A", NULL, UINT32_MAX);
    put_mailbag(fixture, "hq", "0000002e", "k2", 4);
    expect_mailbags(fixture, NULL,
                    "backup/0000002e=KIM:k9:50:8:4096 "
                    "HQ/0000000A=KIM::50:4294967295:4096 "
                    "HQ/0000002E=KIM:k2:50:4:4096 ");
    expect_mailbags(fixture, "BACKUP", "backup/0000002e=KIM:k9:50:8:4096 ");
    expect_mailbags(fixture, "none", "");
}

static int add_live_text(void *context, const struct store_live *item)
{
    struct text *text = context;
    size_t used = strlen(text->out);

    assert_int_equal(item->header[STORE_HEADER_DIGEST - 1], 7);
    snprintf(text->out + used, text->size - used, "%u:%u:%s@%d ", (unsigned)item->record,
             (unsigned)item->header[0] << 8 | item->header[1], item->mai, (int)item->first_ms);
    return 0;
}

static void expect_live(struct fixture *fixture, const char *title, const char *expected)
{
    char out[1024] = "";
    struct text text = {out, sizeof out};

    assert_done(fixture, store_list_live(fixture->store, title, "0000002e", add_live_text, &text,
                                         &fixture->err));
    assert_string_equal(out, expected);
}

static void set_live(struct fixture *fixture, const char *title, const struct store_live *items,
                     size_t count, int64_t now_ms)
{
    assert_done(fixture, store_set_live(fixture->store, title, "0000002E", items, count, now_ms,
                                        &fixture->err));
}

static void test_live(void **state)
{
    struct fixture *fixture = *state;
    const struct store_live first[] = {{digest(3), "C", 30, 0}, {digest(1), "A", 10, 99}};
    const struct store_live second[] = {
        {digest(1), "A", 10, 0}, {digest(2), "B", 30, 0}, {digest(1), "A", 10, 0}};
    const struct store_live moved[] = {{digest(2), NULL, 4, 0}, {digest(1), "A", 5, 0}};

    expect_live(fixture, "HQ", "");
    set_live(fixture, "HQ", NULL, 0, 1);
    set_live(fixture, "HQ", first, 2, 100);
    set_live(fixture, "Backup", first, 1, 100);
    expect_live(fixture, "hq", "10:1:A@100 30:3:C@100 ");
    set_live(fixture, "hq", second, 3, 200);
    expect_live(fixture, "HQ", "10:1:A@100 30:2:B@200 ");
    set_live(fixture, "HQ", moved, 2, 300);
    expect_live(fixture, "HQ", "4:2:@200 5:1:A@100 ");
    fixture_begin(fixture);
    set_live(fixture, "HQ", NULL, 0, 400);
    expect_live(fixture, "HQ", "");
    store_rollback(fixture->store);
    expect_live(fixture, "HQ", "4:2:@200 5:1:A@100 ");
    set_live(fixture, "HQ", NULL, 0, 400);
    expect_live(fixture, "HQ", "");
    expect_live(fixture, "Backup", "30:3:C@100 ");
}

static void test_rollback_takes_all_back(void **state)
{
    struct fixture *fixture = *state;
    const struct store_live item = {digest(1), "A", 10, 0};

    put_user(fixture, "CORP/HQ", "KIM", USER_BASELINE, "");
    add_baseline(fixture, "KIM", 1, "aa");
    put_mailbag(fixture, "HQ", "0000002E", "k1", 3);
    fixture_begin(fixture);
    put_user(fixture, "CORP/HQ", "KIM", USER_ACTIVE, "x");
    put_user(fixture, "CORP/HQ", "EVE", USER_ACTIVE, "");
    assert_done(fixture, store_clear_baseline(fixture->store, "CORP/HQ", "KIM", &fixture->err));
    add_baseline(fixture, "KIM", 2, "bb");
    put_mailbag(fixture, "HQ", "0000002E", "k2", 4);
    set_live(fixture, "HQ", &item, 1, 5);
    store_rollback(fixture->store);
    expect_users(fixture, NULL, NULL, "CORP/HQ/KIM=0000002E:baseline:100:90:1: ");
    assert_true(in_baseline(fixture, "KIM", digest(1), NULL));
    expect_mailbags(fixture, NULL, "HQ/0000002E=KIM:k1:50:3:4096 ");
    expect_live(fixture, "HQ", "");
}

/* ---- counts ---- */

static void test_counts_of_a_user(void **state)
{
    struct fixture *fixture = *state;
    struct store_user_counts counts;
    uint64_t message, recipient;

    fixture_begin(fixture);
    message = fixture_message(fixture, "f1", 0);
    recipient = fixture_recipient(fixture, message, "CORP/HQ/BOB", RECIPIENT_QUEUED, 2000);
    fixture_recipient(fixture, message, "CORP/HQ/BOBBY", RECIPIENT_QUEUED, 2000);
    message = fixture_message(fixture, "f2", 0);
    fixture_recipient(fixture, message, "corp/HQ/bob", RECIPIENT_HELD, 2000);
    fixture_recipient(fixture, message, "CORP/NORTH/BOB", RECIPIENT_FAILED, 2000);
    fixture_commit(fixture);
    fixture_claim_all(fixture, 2000);
    fixture_result(fixture, recipient, RECIPIENT_QUEUED, true, true, 9000);

    assert_done(fixture, store_count_user(fixture->store, "Corp/HQ/Bob", &counts, &fixture->err));
    assert_int_equal(counts.recipients[RECIPIENT_QUEUED], 1);
    assert_int_equal(counts.recipients[RECIPIENT_HELD], 1);
    assert_int_equal(counts.recipients[RECIPIENT_FAILED], 0);
    assert_int_equal(counts.recipients[RECIPIENT_SENDING], 0);
    assert_int_equal(counts.doubtful, 1);
    assert_done(fixture, store_count_user(fixture->store, "CORP/HQ/X", &counts, &fixture->err));
    assert_int_equal(counts.recipients[RECIPIENT_QUEUED], 0);
    assert_int_equal(counts.doubtful, 0);
}

/* ---- many mailbags ---- */

static int count_mailbag(void *context, const struct store_mailbag *mailbag)
{
    (void)mailbag;
    ++*(size_t *)context;
    return 0;
}

/* One sweep over many mailbags, as the intake does it: one transaction. */
static void sweep_many(struct fixture *fixture, unsigned mailbags, int64_t now_ms)
{
    enum { ITEMS = 20 };
    static uint8_t headers[ITEMS][STORE_HEADER_DIGEST];
    struct store_live items[ITEMS];

    for (unsigned i = 0; i < ITEMS; i++) {
        headers[i][0] = (uint8_t)(ITEMS - i);
        items[i] = (struct store_live){headers[i], "00000062", i, 0};
    }
    fixture_begin(fixture);
    for (unsigned i = 0; i < mailbags; i++) {
        char id[9];

        snprintf(id, sizeof id, "%08X", i);
        put_mailbag(fixture, "HQ", id, "stamp", ITEMS);
        assert_done(fixture,
                    store_set_live(fixture->store, "HQ", id, items, ITEMS, now_ms, &fixture->err));
    }
    fixture_commit(fixture);
}

/* No limit of time: a machine may be slow. What must hold is that a sweep without news writes the
 * mailbags' rows only, which the number of changed rows tells. */
static void test_sweep_without_news_writes_little(void **state)
{
    enum { MAILBAGS = 2000 };
    struct fixture *fixture = *state;
    size_t count = 0;
    sqlite3 *db = ((struct sqlite_store *)fixture->store)->db;
    int before;

    sweep_many(fixture, MAILBAGS, 100);
    before = sqlite3_total_changes(db);
    sweep_many(fixture, MAILBAGS, 200);
    assert_int_equal(sqlite3_total_changes(db) - before, MAILBAGS);
    assert_done(fixture,
                store_list_mailbags(fixture->store, "hq", count_mailbag, &count, &fixture->err));
    assert_int_equal(count, MAILBAGS);
}

/* ---- the upgrade ---- */

/* The queue of layout NUMBER as its program made it. */
static char *recorded_sql(unsigned number)
{
    const char *top = getenv("srcdir");
    char path[4096], *text = calloc(1, 65536);
    FILE *file;

    assert_non_null(text);
    snprintf(path, sizeof path, "%s/tests/data/queue/layout-%u.sql", top != NULL ? top : ".",
             number);
    file = fopen(path, "r");
    if (file == NULL)
        print_error("%s: not there; set srcdir to the top of the source\n", path);
    assert_non_null(file);
    assert_in_range(fread(text, 1, 65535, file), 1000, 65534);
    assert_int_equal(fclose(file), 0);
    return text;
}

/* Puts a queue of layout NUMBER, and what MORE does to it, in the place of the fixture's. */
static void old_queue(struct fixture *fixture, unsigned number, const char *more)
{
    char *sql = recorded_sql(number);
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
    for (unsigned number = 1; number <= 2; number++) {
        old_queue(fixture, number, "");
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

static void keeps_the_mail(struct fixture *fixture, unsigned number)
{
    struct store_user_counts user;
    struct store_counts counts;
    char out[512] = "";
    struct text text = {out, sizeof out};

    old_queue(fixture, number, "");
    assert_done(fixture, store_open(&fixture->store, fixture->uri, false, &fixture->err));
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
    put_user(fixture, "CORP/HQ", "BOB", USER_BASELINE, "");
    add_baseline(fixture, "BOB", 1, "aa");
    assert_int_equal(fixture_claim_all(fixture, 2000), 2);
}

static void test_upgrade_keeps_the_mail(void **state)
{
    keeps_the_mail(*state, 1);
}

static void test_upgrade_of_layout_2_keeps_the_mail(void **state)
{
    keeps_the_mail(*state, 2);
}

/* It fails in its last steps: nothing of it may be left. */
static void test_failed_upgrade_leaves_the_old_queue(void **state)
{
    struct fixture *fixture = *state;
    static char before[16384], after[16384];
    static const char all[] = "SELECT name, sql FROM sqlite_master ORDER BY name";

    old_queue(fixture, 1, "CREATE TABLE live (x)");
    ask(fixture->path, all, before, sizeof before);
    assert_int_equal(store_open(&fixture->store, fixture->uri, false, &fixture->err), -1);
    assert_null(fixture->store);
    assert_string_not_equal(fixture->err.text, "");
    error_clear(&fixture->err);
    ask(fixture->path, all, after, sizeof after);
    assert_string_equal(after, before);
    ask(fixture->path, "PRAGMA user_version", after, sizeof after);
    assert_string_equal(after, "1|");
    ask(fixture->path, "SELECT count(*) FROM remain", after, sizeof after);
    assert_string_equal(after, "3|");
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
        ON_BOTH(test_users),
        ON_BOTH(test_fault_alone_changes),
        cmocka_unit_test(test_state_names),
        ON_BOTH(test_baseline),
        ON_BOTH(test_baseline_learns),
        ON_BOTH(test_mailbags),
        ON_BOTH(test_live),
        ON_BOTH(test_rollback_takes_all_back),
        ON_BOTH(test_counts_of_a_user),
        ON_SQLITE(test_sweep_without_news_writes_little),
        ON_SQLITE(test_upgraded_is_as_new),
        ON_SQLITE(test_upgrade_keeps_the_mail),
        ON_SQLITE(test_upgrade_of_layout_2_keeps_the_mail),
        ON_SQLITE(test_failed_upgrade_leaves_the_old_queue),
        ON_SQLITE(test_programs_that_upgrade_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
