/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of states and transitions in doc/INTERNALS.md, for the tests that compare the code. */
#ifndef TESTS_UNIT_STATEDOC_H
#define TESTS_UNIT_STATEDOC_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#define STATEDOC_LINES 64
#define STATEDOC_STATES 16

struct statedoc_line {
    int from, to; /* -1: new */
    char event[32];
};

struct statedoc {
    struct statedoc_line lines[STATEDOC_LINES];
    size_t count;
    char states[STATEDOC_STATES][32]; /* in order */
    size_t state_count;
};

struct statedoc_form {
    const char *transitions_head, *states_head; /* with which the tables begin */
    int name_cell;                              /* of the table of states: where its name is */
    int (*state_number)(const char *name);      /* of a name other than "new"; -1: there is none */
};

/* A table is known by its head and ends with the first line that is not a row. Fails the test. */
void statedoc_read(struct statedoc *out, const struct statedoc_form *form);

#endif
