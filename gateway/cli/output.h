/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the operator sees: aligned text, or JSON Lines. A command describes its columns once and
 * gives the same cells for both. Text from outside never reaches a terminal with control or
 * direction characters in it, nor with octets that are not UTF-8.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"

struct output;

enum output_form {
    OUTPUT_TABLE,  /* heading and columns as wide as their contents */
    OUTPUT_LINES,  /* no heading, every row at once, columns padded to WIDTH */
    OUTPUT_RECORD, /* "title: value", one line each; what is empty is left out */
};

struct output_column {
    const char *key;   /* in JSON; NULL: only in text */
    const char *title; /* in text; NULL: only in JSON */
    unsigned width;    /* TABLE: cut after so many columns, 0: never. LINES: padded to it */
};

/* STREAM is borrowed. NULL without memory. */
struct output *output_new(FILE *stream, bool json);
/* 0, or -1 when something could not be written. NULL is allowed. */
int output_free(struct output *output) WARN_UNUSED;
bool output_is_json(const struct output *output);

/*
 * Begins a block of rows; COLUMNS (borrowed until output_end) are filled from left to right. KIND
 * becomes the first member of each JSON object, and HEADING, when not NULL, goes
 * before the first row in text; a table without rows prints nothing but NONE (may be NULL) in text.
 */
void output_begin(struct output *output, enum output_form form, const char *kind,
                  const char *heading, const char *none, const struct output_column *columns,
                  size_t count);
void output_text(struct output *output, const char *text);  /* NULL or "": "-" / null */
void output_exact(struct output *output, const char *text); /* also when it is "" */
void output_number(struct output *output, uint64_t number);
void output_size(struct output *output, uint64_t octets); /* "5.0K"; JSON: octets */
void output_time(struct output *output, int64_t ms);      /* UTC; 0: "-" / null */
/* Milliseconds: "3h12m"; JSON: seconds. Below 0: "-" / null. */
void output_duration(struct output *output, int64_t ms);
void output_flag(struct output *output, bool flag); /* "yes", "no" */
void output_list(struct output *output, const char *const *texts, size_t count);
/* JSON text of an object: "key=value key=value"; broken text is shown as it is. */
void output_object(struct output *output, const char *json);
void output_row_end(struct output *output);
/* The rows could not all be found: the end does not say that there are none. */
void output_cut_short(struct output *output);
void output_end(struct output *output);

/* A line for people, not in JSON. Harmless as above. */
void output_note(struct output *output, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
