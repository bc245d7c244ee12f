/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/statedoc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static FILE *open_document(void)
{
    const char *top = getenv("srcdir");
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/doc/INTERNALS.md", top != NULL ? top : ".");
    file = fopen(path, "r");
    if (file == NULL)
        print_error("%s: not there; set srcdir to the top of the source\n", path);
    assert_non_null(file);
    return file;
}

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

static int state_number(const struct statedoc_form *form, const char *name)
{
    int number;

    if (strcmp(name, "new") == 0)
        return -1;
    number = form->state_number(name);
    if (number < 0)
        fail_msg("doc/INTERNALS.md: no such state: %s", name);
    return number;
}

static void add_transition(struct statedoc *out, const struct statedoc_form *form, const char *text)
{
    struct statedoc_line *line = &out->lines[out->count];
    char cell[32];

    assert_true(out->count++ < STATEDOC_LINES);
    get_cell(text, 0, cell);
    line->from = state_number(form, cell);
    get_cell(text, 1, line->event);
    get_cell(text, 2, cell);
    line->to = state_number(form, cell);
}

static void add_state(struct statedoc *out, const struct statedoc_form *form, const char *text)
{
    assert_true(out->state_count < STATEDOC_STATES);
    get_cell(text, form->name_cell, out->states[out->state_count++]);
}

void statedoc_read(struct statedoc *out, const struct statedoc_form *form)
{
    void (*add)(struct statedoc *, const struct statedoc_form *, const char *) = NULL;
    FILE *file = open_document();
    char text[4096];

    memset(out, 0, sizeof *out);
    while (fgets(text, sizeof text, file) != NULL) {
        if (strncmp(text, form->transitions_head, strlen(form->transitions_head)) == 0)
            add = add_transition;
        else if (strncmp(text, form->states_head, strlen(form->states_head)) == 0)
            add = add_state;
        else if (text[0] != '|')
            add = NULL;
        else if (add != NULL && strncmp(text, "|---", 4) != 0)
            add(out, form, text);
    }
    assert_int_equal(fclose(file), 0);
}
