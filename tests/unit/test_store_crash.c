/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kills a program that works on the queue, at random instants, and looks at what is left. What it
 * said after a commit must be there; what is there must be whole. STORE_CRASH_ROUNDS sets the
 * number of kills (default 40), STORE_CRASH_SEED repeats a run.
 */
#include "config.h"

#include "tests/unit/storefixture.h"

#include <glob.h>
#include <inttypes.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 40
#define LONGEST_NS 40000000 /* a child lives at most this long after its first commit */

/* ---- what is in a message is a function of its number ---- */

static uint64_t mix(uint64_t seed)
{
    uint64_t z = seed + UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static size_t size_of(uint64_t number)
{
    uint64_t kind = mix(number) % 10;

    return (size_t)(mix(number + 1) % (kind == 0 ? 400000 : kind < 4 ? 70000 : 3000));
}

static size_t recipients_of(uint64_t number)
{
    return 1 + mix(number + 2) % 3;
}

static uint8_t octet_of(uint64_t number, size_t offset)
{
    return (uint8_t)(number * 7 + offset + (offset >> 8));
}

static void name_recipient(char out[32], size_t place)
{
    snprintf(out, 32, "CORP/HQ/U%zu", place);
}

static void name_message(char out[32], uint64_t number)
{
    snprintf(out, 32, "%016" PRIx64, number);
}

/* ---- the child: works until it is killed; errors end it with a status ---- */

/* What it tells after each commit. */
struct word {
    char kind; /* 'A': message NUMBER is in; 'R': NUMBER is the recipient, STATE its result; 'P':
                * message NUMBER, by its id, was reported */
    enum recipient_state state;
    uint64_t number;
};

struct child {
    struct store *store;
    int out;
    uint64_t next, random;
};

static void end_unless(bool good, int status)
{
    if (!good)
        _exit(status);
}

static void say(const struct child *child, char kind, uint64_t number, enum recipient_state state)
{
    struct word word;

    memset(&word, 0, sizeof word);
    word.kind = kind;
    word.number = number;
    word.state = state;
    end_unless(write(child->out, &word, sizeof word) == (ssize_t)sizeof word, 10);
}

static void add_content(const struct child *child, uint64_t number, uint64_t id)
{
    static uint8_t piece[STORE_CHUNK_SIZE];
    size_t size = size_of(number), filled = 0;

    for (size_t at = 0; at < size; at++) {
        piece[filled++] = octet_of(number, at);
        if (filled < sizeof piece && at + 1 < size)
            continue;
        end_unless(store_add_content(child->store, id, piece, filled, NULL) == 0, 11);
        filled = 0;
    }
}

static void add_one(const struct child *child, uint64_t number)
{
    char fingerprint[32], original[32];
    struct store_message message = {
        .fingerprint = fingerprint, .expires_ms = INT64_MAX, .size = size_of(number)};

    name_message(fingerprint, number);
    end_unless(store_add_message(child->store, &message, NULL) == 0, 12);
    add_content(child, number, message.id);
    for (size_t i = 0; i < recipients_of(number); i++) {
        name_recipient(original, i);
        end_unless(store_add_recipient(child->store, message.id, original, "u@example.com",
                                       RECIPIENT_QUEUED, 0, 0, "", "", NULL) == 0,
                   13);
    }
}

static void intake(struct child *child)
{
    uint64_t first = child->next, count = 1 + mix(child->random++) % 3;

    end_unless(store_begin(child->store, NULL) == 0, 14);
    while (child->next < first + count)
        add_one(child, child->next++);
    end_unless(store_commit(child->store, NULL) == 0, 15);
    while (first < child->next)
        say(child, 'A', first++, RECIPIENT_QUEUED);
}

static void relay(struct child *child)
{
    static const enum recipient_state states[] = {RECIPIENT_SENT, RECIPIENT_FAILED, RECIPIENT_SENT,
                                                  RECIPIENT_HELD};
    struct claim_message *messages;
    size_t count;
    int64_t next;

    end_unless(store_claim(child->store, 1, 2, 2, &messages, &count, &next, NULL) == 0, 16);
    end_unless(store_begin(child->store, NULL) == 0, 17);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < messages[i].recipient_count; j++) {
            uint64_t id = messages[i].recipients[j].id;
            struct store_result result = {
                .recipient = id, .state = states[mix(id) % 4], .attempted = true};

            end_unless(store_set_result(child->store, &result, NULL) == 0, 18);
        }
    }
    end_unless(store_commit(child->store, NULL) == 0, 19);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < messages[i].recipient_count; j++)
            say(child, 'R', messages[i].recipients[j].id,
                states[mix(messages[i].recipients[j].id) % 4]);
    }
    store_claim_free(messages, count);
}

/* As the relay does it: what failed is read, told and marked in one transaction. */
static void report_one(const struct child *child, uint64_t about)
{
    char key[32];
    struct store_message message = {
        .fingerprint = key, .expires_ms = INT64_MAX, .size = 8, .report_of = about};

    snprintf(key, sizeof key, "report %" PRIu64, about);
    end_unless(store_begin(child->store, NULL) == 0, 21);
    end_unless(store_add_message(child->store, &message, NULL) == 0, 22);
    end_unless(store_add_content(child->store, message.id, "report\r\n", 8, NULL) == 0, 23);
    end_unless(store_add_recipient(child->store, message.id, "ORIGINATOR", "a@example.com",
                                   RECIPIENT_QUEUED, 0, 0, "", "", NULL) == 0,
               24);
    end_unless(store_set_reported(child->store, about, UINT64_MAX, NULL) == 0, 25);
    end_unless(store_commit(child->store, NULL) == 0, 26);
    say(child, 'P', about, RECIPIENT_FAILED);
}

static void report_all(const struct child *child)
{
    uint64_t id = 0;

    do {
        end_unless(store_next_unreported(child->store, id, -1, &id, NULL) == 0, 27);
        if (id != 0)
            report_one(child, id);
    } while (id != 0);
}

static void work(const char *uri, int out, uint64_t first)
{
    struct child child = {.out = out, .next = first, .random = first};

    end_unless(store_open(&child.store, uri, true, NULL) == 0, 20);
    for (;;) {
        intake(&child);
        relay(&child);
        report_all(&child);
    }
}

/* ---- the parent ---- */

struct judge {
    struct fixture *fixture;
    uint64_t messages, results, recovered, reports;
};

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static int64_t count_rows(const struct fixture *fixture, const char *sql)
{
    sqlite3_stmt *stmt;
    sqlite3 *db;
    int64_t count;

    assert_int_equal(sqlite3_open(fixture->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    count = sqlite3_column_int64(stmt, 0);
    assert_int_equal(sqlite3_finalize(stmt), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return count;
}

static void check_word(struct judge *judge, const struct word *word)
{
    struct store *store = judge->fixture->store;
    char fingerprint[32], original[32];

    if (word->kind == 'R') {
        judge->results++;
        assert_int_equal(fixture_see(judge->fixture, word->number).state, word->state);
        return;
    }
    if (word->kind == 'P') {
        judge->reports++; /* judge_reports looks at all of them */
        return;
    }
    judge->messages++;
    assert_int_equal(word->kind, 'A');
    name_message(fingerprint, word->number);
    for (size_t i = 0; i < recipients_of(word->number); i++) {
        name_recipient(original, i);
        assert_int_equal(store_journal_has(store, fingerprint, original, NULL), 1);
    }
}

/* Starts a child, kills it, and returns what it said. */
static size_t run_and_kill(const struct fixture *fixture, uint64_t first, uint64_t random,
                           struct word *words, size_t room)
{
    struct timespec life = {0, (long)(mix(random) % LONGEST_NS)};
    size_t count = 0;
    int pipes[2], status;
    pid_t pid;

    assert_int_equal(pipe(pipes), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(pipes[0]);
        work(fixture->uri, pipes[1], first);
    }
    close(pipes[1]);
    /* Now and then it dies while it opens the file; else after its first commit. */
    if (mix(random + 1) % 8 != 0 &&
        read(pipes[0], &words[0], sizeof words[0]) == (ssize_t)sizeof words[0])
        count = 1;
    nanosleep(&life, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    while (count < room &&
           read(pipes[0], &words[count], sizeof words[0]) == (ssize_t)sizeof words[0])
        count++;
    close(pipes[0]);
    return count;
}

/* Told once, or not yet: never twice, and never marked without the report. */
static void judge_reports(const struct fixture *fixture)
{
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM (SELECT report_of FROM message"
                                         " WHERE report_of <> 0 GROUP BY report_of"
                                         " HAVING count(*) > 1)"),
                     0);
    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM recipient AS r JOIN message AS m"
                                         " ON m.id = r.message WHERE r.state = 4 AND"
                                         " m.report_of = 0 AND r.reported <> EXISTS (SELECT 1 FROM"
                                         " message WHERE report_of = r.message)"),
                     0);
}

static void judge_round(struct judge *judge, const struct word *words, size_t count)
{
    struct fixture *fixture = judge->fixture;
    struct store_counts counts;
    size_t recovered;

    assert_done(fixture, store_open(&fixture->store, fixture->uri, true, &fixture->err));
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    for (size_t i = 0; i < count; i++)
        check_word(judge, &words[i]);
    assert_done(fixture, store_recover(fixture->store, 0, &recovered, &fixture->err));
    assert_int_equal(recovered, counts.recipients[RECIPIENT_SENDING]);
    assert_true(recovered <= 4);
    judge->recovered += recovered;
    store_close(fixture->store);
    fixture->store = NULL;
    judge_reports(fixture);
    assert_int_equal(count_rows(fixture, "SELECT (SELECT count(*) FROM journal) -"
                                         " (SELECT count(*) FROM recipient)"),
                     0);
}

static int check_whole(void *context, const struct store_view *view)
{
    static uint8_t piece[STORE_CHUNK_SIZE];
    struct fixture *fixture = context;
    uint64_t number = strtoull(view->fingerprint, NULL, 16);
    size_t at = 0, got;

    if (view->report_of != 0)
        return 0;
    assert_int_equal(view->size, size_of(number));
    do {
        assert_done(fixture, store_read_content(fixture->store, view->id, at, piece, sizeof piece,
                                                &got, &fixture->err));
        for (size_t i = 0; i < got; i++) {
            if (piece[i] != octet_of(number, at + i))
                fail_msg("message %016" PRIx64 ": octet %zu is wrong", number, at + i);
        }
        at += got;
    } while (got != 0);
    assert_int_equal(at, view->size);
    return 0;
}

/* Every message is whole and has all its recipients, whether it was acknowledged or not. */
static void judge_all(struct judge *judge)
{
    struct fixture *fixture = judge->fixture;
    struct store_filter all = {.limit = 0};

    assert_int_equal(count_rows(fixture, "SELECT count(*) FROM message AS m WHERE NOT EXISTS"
                                         " (SELECT 1 FROM recipient WHERE message = m.id)"),
                     0);
    assert_done(fixture, store_open(&fixture->store, fixture->uri, true, &fixture->err));
    assert_done(fixture, store_list(fixture->store, &all, check_whole, fixture, &fixture->err));
}

/* What a child that died over a new file may leave; nothing refers to it. */
static void remove_unfinished(const struct fixture *fixture)
{
    char pattern[128];
    glob_t names;

    snprintf(pattern, sizeof pattern, "%s.??????*", fixture->path);
    if (glob(pattern, 0, NULL, &names) == 0) {
        for (size_t i = 0; i < names.gl_pathc; i++)
            assert_int_equal(unlink(names.gl_pathv[i]), 0);
        globfree(&names);
    }
}

static void test_killed_at_any_instant(void **state)
{
    enum { WORDS = 16384 };
    struct fixture *fixture = *state;
    struct judge judge = {.fixture = fixture};
    uint64_t rounds = setting("STORE_CRASH_ROUNDS", ROUNDS);
    uint64_t seed = setting("STORE_CRASH_SEED", (uint64_t)time(NULL));
    struct word *words = calloc(WORDS, sizeof *words);

    assert_non_null(words);
    store_close(fixture->store);
    fixture->store = NULL;
    print_message("STORE_CRASH_SEED=%" PRIu64 "\n", seed);
    /* The first round finds no file at all. */
    assert_int_equal(unlink(fixture->path), 0);
    for (uint64_t i = 0; i < rounds; i++) {
        size_t count = run_and_kill(fixture, i << 32, seed + i * 2, words, WORDS);

        judge_round(&judge, words, count);
    }
    judge_all(&judge);
    print_message("%" PRIu64 " kills: %" PRIu64 " messages, %" PRIu64 " results, %" PRIu64
                  " recovered, %" PRIu64 " reports\n",
                  rounds, judge.messages, judge.results, judge.recovered, judge.reports);
    assert_true(rounds < ROUNDS || judge.reports > 0);
    assert_true(judge.messages > rounds / 2);
    remove_unfinished(fixture);
    free(words);
}

static void kill_opening(const struct fixture *fixture, uint64_t random)
{
    struct timespec life = {0, (long)(mix(random) % 8000000)};
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct store *store;

        end_unless(store_open(&store, fixture->uri, true, NULL) == 0, 20);
        pause();
    }
    nanosleep(&life, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void test_killed_while_the_file_is_made(void **state)
{
    struct fixture *fixture = *state;
    uint64_t rounds = setting("STORE_CRASH_ROUNDS", ROUNDS);
    uint64_t seed = setting("STORE_CRASH_SEED", (uint64_t)time(NULL));

    print_message("STORE_CRASH_SEED=%" PRIu64 "\n", seed);
    for (uint64_t i = 0; i < rounds; i++) {
        store_close(fixture->store);
        fixture->store = NULL;
        assert_int_equal(unlink(fixture->path), 0);
        kill_opening(fixture, seed + i);
        assert_done(fixture, store_open(&fixture->store, fixture->uri, true, &fixture->err));
        fixture_in_state(fixture, "f1", RECIPIENT_SENT);
        assert_done(fixture, store_verify(fixture->store, &fixture->err));
    }
    remove_unfinished(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_SQLITE(test_killed_at_any_instant),
        ON_SQLITE(test_killed_while_the_file_is_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
