/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of transitions in doc/INTERNALS.md, the one in the code, and what the store does. */
#include "config.h"

#include "tests/unit/statedoc.h"
#include "tests/unit/storefixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading the document ---- */

static int state_number(const char *name)
{
    enum recipient_state state;

    return recipient_state_from_name(name, &state) == 0 ? (int)state : -1;
}

static struct statedoc read_document(void)
{
    static const struct statedoc_form form = {"| from | event | to | by | when |",
                                              "| state | name | meaning | found after a crash |", 1,
                                              state_number};
    struct statedoc document;

    statedoc_read(&document, &form);
    return document;
}

/* ---- document and code ---- */

static void test_states_are_documented(void **state)
{
    struct statedoc document = read_document();

    (void)state;
    assert_int_equal(document.state_count, RECIPIENT_STATES);
    for (unsigned i = 0; i < RECIPIENT_STATES; i++)
        assert_string_equal(document.states[i], recipient_state_name((enum recipient_state)i));
    assert_string_equal(recipient_state_name((enum recipient_state)RECIPIENT_STATES), "unknown");
}

static void test_documented_transitions_are_in_the_code(void **state)
{
    struct statedoc document = read_document();

    (void)state;
    assert_true(document.count > 0);
    for (size_t i = 0; i < document.count; i++) {
        const struct statedoc_line *line = &document.lines[i];
        const struct store_transition *t = store_transitions();

        while (t->event != NULL &&
               !(t->from == line->from && t->to == line->to && strcmp(t->event, line->event) == 0))
            t++;
        if (t->event == NULL)
            fail_msg("doc/INTERNALS.md line %zu of the table: %s is not in the code", i + 1,
                     line->event);
    }
}

static void test_transitions_of_the_code_are_documented_once(void **state)
{
    struct statedoc document = read_document();

    (void)state;
    for (const struct store_transition *t = store_transitions(); t->event != NULL; t++) {
        size_t found = 0;

        for (size_t i = 0; i < document.count; i++) {
            const struct statedoc_line *line = &document.lines[i];

            found +=
                line->from == t->from && line->to == t->to && strcmp(line->event, t->event) == 0;
        }
        if (found != 1)
            fail_msg("doc/INTERNALS.md: transition %d to %d \"%s\" is there %zu times", t->from,
                     t->to, t->event, found);
    }
}

/* ---- code and what happens ---- */

/* Everything a program can do to a recipient. */
enum act {
    ACT_CLAIM,
    ACT_SENT,
    ACT_FAILED,
    ACT_HELD,
    ACT_DEFERRED,
    ACT_DOUBTFUL,
    ACT_UNSENT,
    ACT_RECOVER,
    ACT_EXPIRE,
    ACT_HOLD,
    ACT_RELEASE,
    ACT_RETRY,
    ACT_RETURN,
    ACT_DELETE,
    ACTS
};

static const struct {
    enum recipient_state state;
    bool attempted, doubt;
} results[ACTS] = {
    [ACT_SENT] = {RECIPIENT_SENT, true, false},
    [ACT_FAILED] = {RECIPIENT_FAILED, true, false},
    [ACT_HELD] = {RECIPIENT_HELD, true, false},
    [ACT_DEFERRED] = {RECIPIENT_QUEUED, true, false},
    [ACT_DOUBTFUL] = {RECIPIENT_QUEUED, true, true},
    [ACT_UNSENT] = {RECIPIENT_QUEUED, false, false},
};

/* What each act does to each state: the event and the new state, or nothing. This is the third
 * telling of the table, on purpose: a change has to be made in all three. */
struct effect {
    const char *event;
    enum recipient_state to;
};
static const struct effect effects[ACTS][RECIPIENT_STATES] = {
    [ACT_CLAIM] = {[RECIPIENT_QUEUED] = {"sending", RECIPIENT_SENDING}},
    [ACT_SENT] = {[RECIPIENT_SENDING] = {"sent", RECIPIENT_SENT}},
    [ACT_FAILED] = {[RECIPIENT_SENDING] = {"failed", RECIPIENT_FAILED}},
    [ACT_HELD] = {[RECIPIENT_SENDING] = {"held", RECIPIENT_HELD}},
    [ACT_DEFERRED] = {[RECIPIENT_SENDING] = {"deferred", RECIPIENT_QUEUED}},
    [ACT_DOUBTFUL] = {[RECIPIENT_SENDING] = {"doubtful", RECIPIENT_QUEUED}},
    [ACT_UNSENT] = {[RECIPIENT_SENDING] = {"unsent", RECIPIENT_QUEUED}},
    [ACT_RECOVER] = {[RECIPIENT_SENDING] = {"recovered", RECIPIENT_QUEUED}},
    [ACT_EXPIRE] = {[RECIPIENT_QUEUED] = {"expired", RECIPIENT_FAILED}},
    [ACT_HOLD] = {[RECIPIENT_QUEUED] = {"held", RECIPIENT_HELD}},
    [ACT_RELEASE] = {[RECIPIENT_HELD] = {"released", RECIPIENT_QUEUED}},
    [ACT_RETRY] = {[RECIPIENT_QUEUED] = {"retried", RECIPIENT_QUEUED},
                   [RECIPIENT_FAILED] = {"retried", RECIPIENT_QUEUED}},
    [ACT_RETURN] = {[RECIPIENT_QUEUED] = {"returned", RECIPIENT_FAILED},
                    [RECIPIENT_HELD] = {"returned", RECIPIENT_FAILED}},
    [ACT_DELETE] = {[RECIPIENT_QUEUED] = {"deleted", RECIPIENT_DELETED},
                    [RECIPIENT_HELD] = {"deleted", RECIPIENT_DELETED},
                    [RECIPIENT_FAILED] = {"deleted", RECIPIENT_DELETED}},
};

/* What happens to a recipient of a notice of delay when it expires, and when the message that it is
 * about becomes final. */
enum notice_act { NOTICE_EXPIRES, NOTICE_IS_LATE, NOTICE_ACTS };
static const struct effect notice_effects[NOTICE_ACTS][RECIPIENT_STATES] = {
    [NOTICE_EXPIRES] = {[RECIPIENT_QUEUED] = {"expired", RECIPIENT_HELD}},
    [NOTICE_IS_LATE] = {[RECIPIENT_QUEUED] = {"withdrawn", RECIPIENT_DELETED},
                        [RECIPIENT_HELD] = {"withdrawn", RECIPIENT_DELETED}},
};

static void give_result(struct fixture *fixture, enum act act, uint64_t recipient, bool legal)
{
    struct store_result result = {.recipient = recipient,
                                  .state = results[act].state,
                                  .now_ms = 5000,
                                  .due_ms = 9000,
                                  .attempted = results[act].attempted,
                                  .doubt = results[act].doubt};
    int rc;

    fixture_begin(fixture);
    rc = store_set_result(fixture->store, &result, &fixture->err);
    if (legal)
        assert_done(fixture, rc);
    else
        fixture_refused(fixture, rc, ERROR_DATA);
    fixture_commit(fixture);
}

static void act_on(struct fixture *fixture, enum act act, uint64_t message, uint64_t recipient,
                   bool legal)
{
    static const enum store_verb verbs[ACTS] = {[ACT_HOLD] = VERB_HOLD,
                                                [ACT_RELEASE] = VERB_RELEASE,
                                                [ACT_RETRY] = VERB_RETRY,
                                                [ACT_RETURN] = VERB_RETURN,
                                                [ACT_DELETE] = VERB_DELETE};
    size_t count = 0;

    if (act == ACT_CLAIM) {
        count = fixture_claim_all(fixture, 2000);
    } else if (act == ACT_RECOVER) {
        assert_done(fixture, store_recover(fixture->store, 5000, &count, &fixture->err));
    } else if (act < ACT_RECOVER) {
        give_result(fixture, act, recipient, legal);
        return;
    } else {
        fixture_begin(fixture);
        if (act == ACT_EXPIRE)
            assert_done(fixture, store_expire(fixture->store, 1000000, &count, &fixture->err));
        else
            assert_done(fixture, store_apply(fixture->store, message, verbs[act], 5000, 2000000, "",
                                             &count, &fixture->err));
        fixture_commit(fixture);
    }
    assert_int_equal(count, legal);
}

static bool in_table(int from, const struct effect *effect)
{
    for (const struct store_transition *t = store_transitions(); t->event != NULL; t++) {
        if (t->from == from && t->to == (int)effect->to && strcmp(t->event, effect->event) == 0)
            return true;
    }
    return false;
}

static void try_one(struct fixture *fixture, enum act act, enum recipient_state from,
                    const char *fingerprint)
{
    const struct effect *effect = &effects[act][from];
    uint64_t recipient = fixture_in_state(fixture, fingerprint, from);
    uint64_t message = fixture_see(fixture, recipient).message;
    char before[512], after[512];

    fixture_events(fixture, message, before, sizeof before);
    act_on(fixture, act, message, recipient, effect->event != NULL);
    fixture_events(fixture, message, after, sizeof after);
    if (effect->event == NULL) {
        assert_int_equal(fixture_see(fixture, recipient).state, from);
        assert_string_equal(after, before);
    } else {
        assert_true(in_table((int)from, effect));
        assert_int_equal(fixture_see(fixture, recipient).state, effect->to);
        assert_memory_equal(after, before, strlen(before));
        assert_int_equal(after[strlen(before)], ' ');
        assert_string_equal(after + strlen(before) + 1, effect->event);
    }
}

/* Makes the recipient of MESSAGE end, so that it does not disturb the next try. */
static void put_away(struct fixture *fixture)
{
    size_t count;

    fixture_claim_all(fixture, INT64_MAX);
    assert_done(fixture, store_recover(fixture->store, 0, &count, &fixture->err));
    fixture_begin(fixture);
    assert_done(fixture, store_expire(fixture->store, INT64_MAX, &count, &fixture->err));
    fixture_commit(fixture);
}

static void test_every_act_on_every_state(void **state)
{
    struct fixture *fixture = *state;
    char fingerprint[32];

    for (int act = 0; act < ACTS; act++) {
        for (int from = 0; from < RECIPIENT_STATES; from++) {
            snprintf(fingerprint, sizeof fingerprint, "%02x%02x", (unsigned)act, (unsigned)from);
            try_one(fixture, (enum act)act, (enum recipient_state)from, fingerprint);
            put_away(fixture);
        }
    }
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
}

/* A notice about ABOUT with a recipient in state FROM; returns the recipient. */
static uint64_t add_notice(struct fixture *fixture, uint64_t about, enum recipient_state from)
{
    struct store_message notice = {.report_of = about, .notice = true, .expires_ms = 5000};
    bool direct = from != RECIPIENT_SENDING && from != RECIPIENT_SENT && from != RECIPIENT_DELETED;
    uint64_t recipient;
    size_t count;

    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &notice, &fixture->err));
    recipient =
        fixture_recipient(fixture, notice.id, "ORIGINATOR", direct ? from : RECIPIENT_QUEUED, 2000);
    if (from == RECIPIENT_DELETED)
        assert_done(fixture, store_apply(fixture->store, notice.id, VERB_DELETE, 1500, 0, "",
                                         &count, &fixture->err));
    fixture_commit(fixture);
    if (from == RECIPIENT_SENDING || from == RECIPIENT_SENT)
        assert_int_equal(fixture_claim_all(fixture, 2000), 1);
    if (from == RECIPIENT_SENT)
        fixture_result(fixture, recipient, RECIPIENT_SENT, true, false, 0);
    return recipient;
}

static void try_notice(struct fixture *fixture, enum notice_act act, enum recipient_state from)
{
    const struct effect *effect = &notice_effects[act][from];
    uint64_t about, recipient;
    struct seen_recipient seen;
    size_t count;

    fixture_begin(fixture);
    about = fixture_message(fixture, "", 0);
    fixture_recipient(fixture, about, "CORP/HQ/BOB", RECIPIENT_QUEUED, 9000);
    fixture_commit(fixture);
    recipient = add_notice(fixture, about, from);
    fixture_begin(fixture);
    if (act == NOTICE_EXPIRES)
        assert_done(fixture, store_expire(fixture->store, 5000, &count, &fixture->err));
    else
        assert_done(fixture, store_apply(fixture->store, about, VERB_DELETE, 5000, 0, "", &count,
                                         &fixture->err));
    fixture_commit(fixture);
    seen = fixture_see(fixture, recipient);
    assert_int_equal(seen.state, effect->event != NULL ? effect->to : from);
    put_away(fixture);
}

static void test_every_act_on_a_notice(void **state)
{
    for (int act = 0; act < NOTICE_ACTS; act++) {
        for (int from = 0; from < RECIPIENT_STATES; from++)
            try_notice(*state, (enum notice_act)act, (enum recipient_state)from);
    }
}

static bool same(const struct effect *effect, const struct store_transition *t)
{
    return effect->event != NULL && effect->to == (enum recipient_state)t->to &&
           strcmp(effect->event, t->event) == 0;
}

/* Each transition from a state is reached by some act: none is there for nothing. */
static void test_every_transition_is_reached(void **state)
{
    (void)state;
    for (const struct store_transition *t = store_transitions(); t->event != NULL; t++) {
        bool reached = t->from < 0;

        for (int act = 0; act < ACTS && !reached; act++)
            reached = same(&effects[act][t->from], t);
        for (int act = 0; act < NOTICE_ACTS && !reached; act++)
            reached = same(&notice_effects[act][t->from], t);
        if (!reached)
            fail_msg("transition \"%s\" from %d to %d cannot be reached", t->event, t->from, t->to);
    }
}

static void test_new_recipients(void **state)
{
    static const bool allowed[RECIPIENT_STATES] = {
        [RECIPIENT_QUEUED] = true, [RECIPIENT_HELD] = true, [RECIPIENT_FAILED] = true};
    struct fixture *fixture = *state;

    for (int to = 0; to < RECIPIENT_STATES; to++) {
        struct effect effect = {recipient_state_name((enum recipient_state)to),
                                (enum recipient_state)to};
        uint64_t message;
        int rc;

        assert_int_equal(in_table(-1, &effect), allowed[to]);
        fixture_begin(fixture);
        message = fixture_message(fixture, "", 0);
        rc = store_add_recipient(fixture->store, message, "CORP/HQ/BOB", "bob@example.com",
                                 effect.to, 1, 1, "", "", &fixture->err);
        if (allowed[to])
            assert_done(fixture, rc);
        else
            fixture_refused(fixture, rc, ERROR_DATA);
        fixture_commit(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_are_documented),
        cmocka_unit_test(test_documented_transitions_are_in_the_code),
        cmocka_unit_test(test_transitions_of_the_code_are_documented_once),
        cmocka_unit_test(test_every_transition_is_reached),
        ON_BOTH(test_every_act_on_every_state),
        ON_BOTH(test_every_act_on_a_notice),
        ON_BOTH(test_new_recipients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
