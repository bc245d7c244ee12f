/* SPDX-License-Identifier: BSD-2-Clause */
/* The contract of queue/thread.h on every backend. */
#include "config.h"

#include "tests/unit/storefixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/thread.h"

/* A key or a conversation; 0 is none. */
static const uint8_t *octets(unsigned number)
{
    static uint8_t all[8][STORE_THREAD_KEY];

    all[number][0] = (uint8_t)number;
    return all[number];
}

static int try_add(struct fixture *fixture, unsigned key, unsigned conversation, const char *id,
                   const char *references)
{
    struct store_thread thread = {octets(key), octets(conversation), id, references};

    return store_add_thread(fixture->store, &thread, &fixture->err);
}

static void add(struct fixture *fixture, unsigned key, unsigned conversation, const char *id,
                const char *references)
{
    fixture_begin(fixture);
    assert_done(fixture, try_add(fixture, key, conversation, id, references));
    fixture_commit(fixture);
}

/* WANTED is "ID|REFERENCES", or "" for none. */
static void expect(struct fixture *fixture, unsigned key, unsigned conversation, const char *except,
                   const char *wanted)
{
    char *id, *references, got[512] = "";
    int found = store_find_thread(fixture->store, octets(key), octets(conversation), except, &id,
                                  &references, &fixture->err);

    assert_int_equal(found, wanted[0] != '\0');
    if (found == 1)
        snprintf(got, sizeof got, "%s|%s", id, references);
    else
        assert_true(id == NULL && references == NULL);
    assert_string_equal(got, wanted);
    free(id);
    free(references);
}

static void test_found_by_its_key(void **state)
{
    struct fixture *fixture = *state;

    expect(fixture, 1, 0, "", "");
    add(fixture, 1, 0, "<a@x>", "");
    add(fixture, 2, 0, "<b@x>", "<a@x>");
    expect(fixture, 1, 0, "", "<a@x>|");
    expect(fixture, 2, 0, "<c@x>", "<b@x>|<a@x>");
    expect(fixture, 3, 0, "", "");
}

/* An id has 32 bits: another conversation is another message. */
static void test_conversations(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, 1, 5, "<a@x>", "");
    expect(fixture, 1, 5, "", "<a@x>|");
    expect(fixture, 1, 0, "", "<a@x>|");
    expect(fixture, 1, 6, "", "");
    add(fixture, 1, 6, "<b@x>", "");
    expect(fixture, 1, 5, "", "<a@x>|");
    expect(fixture, 1, 6, "", "<b@x>|");
    expect(fixture, 1, 0, "", "");
    add(fixture, 2, 0, "<c@x>", "");
    expect(fixture, 2, 6, "", "<c@x>|");
}

/* Who knows two of them knows none, and nobody answers himself. */
static void test_several(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, 1, 5, "<a@x>", "");
    add(fixture, 1, 5, "<b@x>", "");
    expect(fixture, 1, 5, "", "");
    expect(fixture, 1, 5, "<b@x>", "<a@x>|");
    add(fixture, 1, 5, "<c@x>", "");
    expect(fixture, 1, 5, "<b@x>", "");
}

/* From a second mailbag. */
static void test_same_again(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, 1, 5, "<b@x>", "");
    add(fixture, 1, 5, "<b@x>", "");
    expect(fixture, 1, 5, "", "<b@x>|");
    add(fixture, 1, 5, "<b@x>", "<a@x>");
    expect(fixture, 1, 5, "", "<b@x>|<a@x>");
    add(fixture, 1, 5, "<b@x>", "");
    add(fixture, 1, 5, "<b@x>", "<c@x>");
    expect(fixture, 1, 5, "", "<b@x>|<a@x>");
}

static void test_transactions(void **state)
{
    struct fixture *fixture = *state;

    add(fixture, 1, 0, "<a@x>", "");
    fixture_begin(fixture);
    assert_done(fixture, try_add(fixture, 1, 0, "<a@x>", "<z@x>"));
    assert_done(fixture, try_add(fixture, 2, 0, "<b@x>", ""));
    expect(fixture, 2, 0, "", "<b@x>|");
    store_rollback(fixture->store);
    expect(fixture, 1, 0, "", "<a@x>|");
    expect(fixture, 2, 0, "", "");
}

static void test_kept_by_a_purge(void **state)
{
    struct fixture *fixture = *state;
    size_t count;

    fixture_in_state(fixture, "f1", RECIPIENT_SENT);
    add(fixture, 1, 0, "<a@x>", "");
    assert_done(fixture, store_purge(fixture->store, INT64_MAX, 100, &count, &fixture->err));
    assert_int_equal(count, 1);
    expect(fixture, 1, 0, "", "<a@x>|");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_found_by_its_key), ON_BOTH(test_conversations), ON_BOTH(test_several),
        ON_BOTH(test_same_again),       ON_BOTH(test_transactions),  ON_BOTH(test_kept_by_a_purge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
