/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of users in doc/INTERNALS.md, and those in the code. */
#include "config.h"

#include "tests/unit/statedoc.h"

#include <stdbool.h>
#include <string.h>

#include "queue/cutover.h"

static int state_number(const char *name)
{
    enum user_state state;

    return user_state_parse(name, &state) == 0 ? (int)state : -1;
}

static struct statedoc read_document(void)
{
    static const struct statedoc_form form = {"| user from | event | to |",
                                              "| user state | meaning |", 0, state_number};
    struct statedoc document;

    statedoc_read(&document, &form);
    return document;
}

static void test_states_are_documented(void **state)
{
    struct statedoc document = read_document();

    (void)state;
    assert_int_equal(document.state_count, USER_STATES);
    for (unsigned i = 0; i < USER_STATES; i++)
        assert_string_equal(document.states[i], user_state_name((enum user_state)i));
}

static bool documents(const struct statedoc *document, const struct user_transition *t)
{
    size_t found = 0;

    for (size_t i = 0; i < document->count; i++) {
        const struct statedoc_line *line = &document->lines[i];

        found += line->from == t->from && line->to == t->to && strcmp(line->event, t->event) == 0;
    }
    return found == 1;
}

static void test_transitions_of_the_code_are_documented_once(void **state)
{
    struct statedoc document = read_document();

    (void)state;
    for (const struct user_transition *t = user_transitions(); t->event != NULL; t++) {
        if (!documents(&document, t))
            fail_msg("doc/INTERNALS.md: \"%s\" from %d to %d is not there once", t->event, t->from,
                     t->to);
    }
}

static void test_documented_transitions_are_in_the_code(void **state)
{
    struct statedoc document = read_document();

    (void)state;
    assert_true(document.count > 0);
    for (size_t i = 0; i < document.count; i++) {
        const struct statedoc_line *line = &document.lines[i];

        if (!user_transition_allowed(line->from, (enum user_state)line->to, line->event))
            fail_msg("doc/INTERNALS.md line %zu of the table: %s is not in the code", i + 1,
                     line->event);
    }
}

/* The third telling: what each event does to each state, "new" first. */
static void test_every_event_on_every_state(void **state)
{
    static const struct {
        const char *event;
        enum user_state to;
        bool from[USER_STATES + 1];
    } events[] = {
        {"baseline", USER_BASELINE, {true, true, false, false, false}},
        {"again", USER_BASELINE, {false, false, true, true, true}},
        {"activated", USER_ACTIVE, {true, true, true, true, false}},
        {"draining", USER_DRAINING, {false, false, true, false, false}},
        {"closed", USER_CLOSED, {false, false, false, true, false}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        for (int from = -1; from < USER_STATES; from++) {
            for (unsigned to = 0; to < USER_STATES; to++) {
                bool wanted = to == (unsigned)events[i].to && events[i].from[from + 1];

                if (user_transition_allowed(from, (enum user_state)to, events[i].event) != wanted)
                    fail_msg("%s from %d to %u: %d wanted", events[i].event, from, to, wanted);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_states_are_documented),
        cmocka_unit_test(test_transitions_of_the_code_are_documented_once),
        cmocka_unit_test(test_documented_transitions_are_in_the_code),
        cmocka_unit_test(test_every_event_on_every_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
