/* SPDX-License-Identifier: BSD-2-Clause */
/* A batch of intake: which message answers which. */
#include "config.h"

#include "tests/unit/storefixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/intake-int.h"
#include "daemon/threads.h"

#define MOST 5

/* Messages named by letters. One line a message of the batch: its name, whose id it asks for ('-':
 * none), and what its References must be in the end. The queue knows Q, an answer to P. */
static const struct {
    const char *what;
    const char *batch[MOST];
} cases[] = {
    {"in order", {"A-", "BA A", "CB A B"}},
    {"backwards", {"CB A B", "BA A", "A-"}},
    {"mixed", {"BA A", "DC A B C", "A-", "CB A B"}},
    {"two answers", {"BA A", "A-", "CA A"}},
    {"in the queue", {"AQ P Q", "BA P Q A"}},
    {"in the queue, backwards", {"BA P Q A", "AQ P Q"}},
    {"of nobody", {"BX", "CB B"}},
    {"itself", {"AA", "BA A"}},
    {"a circle of two", {"AB B", "BA A"}},
    {"out of a circle", {"CA B A", "AB B", "BA A"}},
    {"the same twice", {"A-", "A-", "BA A"}},
};

static char *named(char letter)
{
    char *id;

    assert_true(asprintf(&id, "<%c@x>", letter) > 0);
    return id;
}

static void key_of(struct thread_keys *keys, char letter)
{
    char id[9];

    memset(id, letter, 8);
    id[8] = '\0';
    thread_add_id(keys, id, NULL);
}

static size_t fill(struct prepared *batch, const char *const *lines)
{
    size_t count = 0;

    for (; count < MOST && lines[count] != NULL; count++) {
        batch[count].message_id = named(lines[count][0]);
        key_of(&batch[count].own, lines[count][0]);
        if (lines[count][1] != '-')
            key_of(&batch[count].parents, lines[count][1]);
    }
    return count;
}

static void expect(const char *what, const struct prepared *prepared, const char *line)
{
    char wanted[128] = "", parent[8] = "";

    for (const char *at = line + 2; *at == ' '; at += 2) {
        size_t used = strlen(wanted);

        snprintf(wanted + used, sizeof wanted - used, "%s<%c@x>", used != 0 ? " " : "", at[1]);
        snprintf(parent, sizeof parent, "<%c@x>", at[1]);
    }
    if (strcmp(prepared->references != NULL ? prepared->references : "", wanted) != 0)
        fail_msg("%s: %s answers %s, not %s", what, prepared->message_id,
                 prepared->references != NULL ? prepared->references : "none", wanted);
    assert_string_equal(prepared->in_reply_to != NULL ? prepared->in_reply_to : "", parent);
}

/* As intake does it: each when it is read, all before the commit, rows with the commit. */
static void run(struct fixture *fixture, const char *what, const char *const *lines)
{
    struct prepared batch[MOST] = {{.item = NULL}};
    size_t count = fill(batch, lines);
    bool changed[MOST], again[MOST];

    for (size_t i = 0; i < count; i++)
        assert_done(fixture, threads_find(&batch[i], fixture->store, batch, i, &fixture->err));
    assert_done(fixture, threads_settle(batch, count, changed, &fixture->err));
    assert_done(fixture, threads_settle(batch, count, again, &fixture->err));
    fixture_begin(fixture);
    for (size_t i = 0; i < count; i++) {
        expect(what, &batch[i], lines[i]);
        assert_false(again[i]);
        assert_done(fixture, threads_store(&batch[i], fixture->store, &fixture->err));
    }
    store_rollback(fixture->store);
    for (size_t i = 0; i < count; i++)
        prepared_clear(&batch[i]);
}

static void known(struct fixture *fixture, char letter, const char *references)
{
    struct prepared one = {.message_id = named(letter)};

    key_of(&one.own, letter);
    if (references[0] != '\0')
        one.references = strdup(references);
    fixture_begin(fixture);
    assert_done(fixture, threads_store(&one, fixture->store, &fixture->err));
    fixture_commit(fixture);
    prepared_clear(&one);
}

static void test_batches(void **state)
{
    struct fixture *fixture = *state;

    known(fixture, 'P', "");
    known(fixture, 'Q', "<P@x>");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        run(fixture, cases[i].what, cases[i].batch);
}

/* Two messages that have one id: who knows which is meant? */
static void test_two_with_one_id(void **state)
{
    static const char *const lines[MOST] = {"A-", "B-", "CA"};
    struct prepared batch[MOST] = {{.item = NULL}};
    struct fixture *fixture = *state;
    size_t count = fill(batch, lines);
    bool changed[MOST];

    batch[1].own = batch[0].own;
    assert_done(fixture, threads_find(&batch[2], fixture->store, batch, 2, &fixture->err));
    assert_done(fixture, threads_settle(batch, count, changed, &fixture->err));
    expect("two with one id", &batch[2], "CA");
    for (size_t i = 0; i < count; i++)
        prepared_clear(&batch[i]);
}

/* A full batch that is one chain, the last first. */
static void test_long_chain(void **state)
{
    struct prepared *batch = calloc(INTAKE_MAX_BATCH, sizeof *batch);
    struct fixture *fixture = *state;
    bool changed[INTAKE_MAX_BATCH];
    const char *at;
    size_t count = 0;

    assert_non_null(batch);
    for (unsigned i = 0; i < INTAKE_MAX_BATCH; i++) {
        unsigned number = INTAKE_MAX_BATCH - i;
        char own[16], parent[16];

        snprintf(own, sizeof own, "%08X", number);
        snprintf(parent, sizeof parent, "%08X", number - 1);
        thread_add_id(&batch[i].own, own, NULL);
        thread_add_id(&batch[i].parents, parent, NULL);
        assert_true(asprintf(&batch[i].message_id, "<%u@x>", number) > 0);
        assert_done(fixture, threads_find(&batch[i], fixture->store, batch, i, &fixture->err));
    }
    assert_done(fixture, threads_settle(batch, INTAKE_MAX_BATCH, changed, &fixture->err));
    assert_string_equal(batch[0].in_reply_to, "<255@x>");
    for (at = batch[0].references; at != NULL; at = strchr(at + 1, '<'))
        count++;
    assert_int_equal(count, THREAD_REFERENCES);
    assert_int_equal(strncmp(batch[0].references, "<1@x> <237@x> ", 14), 0);
    assert_true(changed[0]);
    assert_false(changed[INTAKE_MAX_BATCH - 1]);
    for (size_t i = 0; i < INTAKE_MAX_BATCH; i++)
        prepared_clear(&batch[i]);
    free(batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_batches),
        ON_BOTH(test_two_with_one_id),
        ON_BOTH(test_long_chain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
