/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of users in doc/INTERNALS.md, and those in the code. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/cutover.h"

#define MOST_LINES 32

struct line {
    int from, to;
    char event[32];
};

struct document {
    struct line lines[MOST_LINES];
    size_t count;
    char states[USER_STATES + 1][32];
    size_t state_count;
};

/* Cell NUMBER (from 0) of "| a | b |" without the spaces around it. */
static void get_cell(const char *line, int number, char out[32])
{
    const char *start = line, *end;

    for (int i = 0; i <= number; i++) {
        start = strchr(start, '|');
        assert_non_null(start);
        start++;
    }
    end = strchr(start, '|');
    assert_non_null(end);
    while (*start == ' ')
        start++;
    while (end > start && end[-1] == ' ')
        end--;
    assert_in_range(end - start, 1, 31);
    memcpy(out, start, (size_t)(end - start));
    out[end - start] = '\0';
}

static int state_number(const char *name)
{
    enum user_state state;

    if (strcmp(name, "new") == 0)
        return -1;
    if (user_state_parse(name, &state) != 0)
        fail_msg("doc/INTERNALS.md: no such state of a user: %s", name);
    return (int)state;
}

static void add_transition(struct document *document, const char *text)
{
    struct line *line = &document->lines[document->count++];
    char cell[32];

    assert_true(document->count <= MOST_LINES);
    get_cell(text, 0, cell);
    line->from = state_number(cell);
    get_cell(text, 1, line->event);
    get_cell(text, 2, cell);
    line->to = state_number(cell);
}

static void add_state(struct document *document, const char *text)
{
    assert_true(document->state_count < USER_STATES);
    get_cell(text, 0, document->states[document->state_count++]);
}

static struct document read_document(void)
{
    static const char transitions_head[] = "| user from | event | to |";
    static const char states_head[] = "| user state | meaning |";
    struct document document = {.count = 0};
    const char *top = getenv("srcdir");
    char text[4096];
    void (*add)(struct document *, const char *) = NULL;
    FILE *file;

    snprintf(text, sizeof text, "%s/doc/INTERNALS.md", top != NULL ? top : ".");
    file = fopen(text, "r");
    if (file == NULL)
        print_error("%s: not there; set srcdir to the top of the source\n", text);
    assert_non_null(file);
    while (fgets(text, sizeof text, file) != NULL) {
        if (strncmp(text, transitions_head, sizeof transitions_head - 1) == 0)
            add = add_transition;
        else if (strncmp(text, states_head, sizeof states_head - 1) == 0)
            add = add_state;
        else if (text[0] != '|')
            add = NULL;
        else if (add != NULL && strncmp(text, "|---", 4) != 0)
            add(&document, text);
    }
    assert_int_equal(fclose(file), 0);
    return document;
}

static void test_states_are_documented(void **state)
{
    struct document document = read_document();

    (void)state;
    assert_int_equal(document.state_count, USER_STATES);
    for (unsigned i = 0; i < USER_STATES; i++)
        assert_string_equal(document.states[i], user_state_name((enum user_state)i));
}

static bool documents(const struct document *document, const struct user_transition *t)
{
    size_t found = 0;

    for (size_t i = 0; i < document->count; i++) {
        const struct line *line = &document->lines[i];

        found += line->from == t->from && line->to == t->to && strcmp(line->event, t->event) == 0;
    }
    return found == 1;
}

static void test_transitions_of_the_code_are_documented_once(void **state)
{
    struct document document = read_document();

    (void)state;
    for (const struct user_transition *t = user_transitions(); t->event != NULL; t++) {
        if (!documents(&document, t))
            fail_msg("doc/INTERNALS.md: \"%s\" from %d to %d is not there once", t->event, t->from,
                     t->to);
    }
}

static void test_documented_transitions_are_in_the_code(void **state)
{
    struct document document = read_document();

    (void)state;
    assert_true(document.count > 0);
    for (size_t i = 0; i < document.count; i++) {
        const struct line *line = &document.lines[i];

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
