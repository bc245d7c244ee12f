/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/output.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/text.h"

#define COLUMNS_MAX 32
#define BLOCK_ROWS 500 /* a long table is laid out in blocks, so that memory is bounded */

struct output {
    FILE *stream;
    bool json;
    bool failed;
    enum output_form form;
    const char *kind, *heading, *none;
    const struct output_column *columns;
    size_t count, at; /* columns, and the next cell's */
    unsigned widths[COLUMNS_MAX];
    bool right[COLUMNS_MAX]; /* numbers */
    char **cells;            /* row after row */
    size_t rows, rows_before;
    json_t *object;
    bool plain_object; /* nothing in it would need to be escaped for a terminal */
};

struct output *output_new(FILE *stream, bool json)
{
    struct output *output = calloc(1, sizeof *output);

    if (output != NULL) {
        output->stream = stream;
        output->json = json;
    }
    return output;
}

int output_free(struct output *output)
{
    int result;

    if (output == NULL)
        return 0;
    if (output->columns != NULL)
        output_end(output);
    result = output->failed || fflush(output->stream) != 0 || ferror(output->stream) ? -1 : 0;
    json_decref(output->object);
    free(output);
    return result;
}

bool output_is_json(const struct output *output)
{
    return output->json;
}

void output_begin(struct output *output, enum output_form form, const char *kind,
                  const char *heading, const char *none, const struct output_column *columns,
                  size_t count)
{
    output->form = form;
    output->kind = kind;
    output->heading = heading;
    output->none = none;
    output->columns = columns;
    output->count = count < COLUMNS_MAX ? count : COLUMNS_MAX;
    output->at = 0;
    output->rows = output->rows_before = 0;
    output->cells = NULL;
    if (!output->json)
        output->cells =
            calloc((form == OUTPUT_TABLE ? BLOCK_ROWS : 1) * output->count, sizeof(char *));
    if (!output->json && output->cells == NULL)
        output->failed = true;
    for (size_t i = 0; i < output->count; i++) {
        output->widths[i] = columns[i].title != NULL ? text_width(columns[i].title) : 0;
        if (form == OUTPUT_LINES)
            output->widths[i] = columns[i].width;
        output->right[i] = false;
    }
}

/* ---- cells ---- */

/* The column of the next cell, and moves on; NULL when there is none. */
static const struct output_column *next_column(struct output *output)
{
    if (output->at >= output->count)
        return NULL;
    return &output->columns[output->at++];
}

/* VALUE is taken over; NULL: memory was short. */
static void json_cell(struct output *output, json_t *value)
{
    const struct output_column *column = next_column(output);

    if (column == NULL || column->key == NULL) {
        json_decref(value);
        return;
    }
    if (output->object == NULL) {
        output->object = json_object();
        output->plain_object = true;
        if (output->kind != NULL &&
            json_object_set_new(output->object, "kind", json_string(output->kind)) != 0)
            output->failed = true;
    }
    if (json_object_set_new(output->object, column->key, value) != 0)
        output->failed = true;
}

static void text_cell(struct output *output, const char *value, bool right)
{
    const struct output_column *column = next_column(output);
    size_t index;
    unsigned width;
    char *text;

    if (column == NULL || column->title == NULL || output->cells == NULL)
        return;
    text = text_harmless(value);
    if (text == NULL) {
        output->failed = true;
        return;
    }
    if (output->form == OUTPUT_TABLE && column->width > 0)
        text_cut(text, column->width);
    index = (size_t)(column - output->columns);
    width = text_width(text);
    if (width > output->widths[index] && output->form != OUTPUT_LINES)
        output->widths[index] = width;
    output->right[index] = output->right[index] || right;
    output->cells[output->rows * output->count + index] = text;
}

void output_text(struct output *output, const char *text)
{
    if (text != NULL && text[0] != '\0')
        output_exact(output, text);
    else if (output->json)
        json_cell(output, json_null());
    else
        text_cell(output, "-", false);
}

void output_exact(struct output *output, const char *text)
{
    char *valid;

    if (!output->json) {
        text_cell(output, text, false);
        return;
    }
    valid = text_valid(text);
    json_cell(output, valid != NULL ? json_string(valid) : NULL);
    if (valid == NULL || !text_is_harmless(valid))
        output->plain_object = false;
    free(valid);
}

void output_number(struct output *output, uint64_t number)
{
    char text[24];

    if (output->json) {
        json_cell(output, json_integer((json_int_t)number));
        return;
    }
    snprintf(text, sizeof text, "%" PRIu64, number);
    text_cell(output, text, true);
}

void output_size(struct output *output, uint64_t octets)
{
    char text[24];

    if (output->json) {
        json_cell(output, json_integer((json_int_t)octets));
        return;
    }
    text_cell(output, text_size(octets, text), true);
}

void output_time(struct output *output, int64_t ms)
{
    char stamp[CLOCK_STAMP_SIZE];

    if (ms == 0) {
        output_text(output, NULL);
        return;
    }
    clock_stamp(ms, stamp);
    if (!output->json && strlen(stamp) > 19) {
        /* "2026-11-22 12:36:00Z": milliseconds matter to programs only. */
        stamp[10] = ' ';
        stamp[19] = 'Z';
        stamp[20] = '\0';
    }
    output_text(output, stamp);
}

void output_duration(struct output *output, int64_t ms)
{
    char text[TEXT_DURATION_SIZE];

    if (ms < 0)
        output_text(output, NULL);
    else if (output->json)
        json_cell(output, json_real((double)ms / 1000.0));
    else
        text_cell(output, text_duration(ms, text), true);
}

void output_flag(struct output *output, bool flag)
{
    if (output->json)
        json_cell(output, json_boolean(flag));
    else
        text_cell(output, flag ? "yes" : "no", false);
}

void output_list(struct output *output, const char *const *texts, size_t count)
{
    json_t *array = output->json ? json_array() : NULL;
    char *joined = output->json ? NULL : text_join(texts, count);

    for (size_t i = 0; i < count && array != NULL; i++) {
        char *valid = text_valid(texts[i]);

        if (valid == NULL || json_array_append_new(array, json_string(valid)) != 0)
            output->failed = true;
        if (valid != NULL && !text_is_harmless(valid))
            output->plain_object = false;
        free(valid);
    }
    if (output->json)
        json_cell(output, array);
    else
        output_text(output, joined);
    free(joined);
}

/* "key=value" for each member; the caller's. */
static char *object_text(json_t *object)
{
    const char *key;
    json_t *value;
    char *out = strdup(""), *longer;

    json_object_foreach(object, key, value)
    {
        char *text = json_is_string(value) ? strdup(json_string_value(value))
                                           : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

        if (text != NULL && text[0] == '\0') {
            free(text);
            continue;
        }
        if (out == NULL || text == NULL ||
            asprintf(&longer, "%s%s%s=%s", out, out[0] != '\0' ? " " : "", key, text) < 0)
            longer = NULL;
        free(text);
        free(out);
        out = longer;
    }
    return out;
}

void output_object(struct output *output, const char *json)
{
    json_t *object = json != NULL ? json_loads(json, JSON_REJECT_DUPLICATES, NULL) : NULL;
    char *text;

    if (object == NULL || !json_is_object(object)) {
        output_text(output, json);
        json_decref(object);
        return;
    }
    if (output->json) {
        json_cell(output, object);
        output->plain_object = false; /* not looked into: escaped to be safe */
        return;
    }
    text = object_text(object);
    output_text(output, text);
    free(text);
    json_decref(object);
}

/* ---- rows ---- */

static void print_cell(struct output *output, const char *text, size_t column, bool last)
{
    unsigned width = text_width(text), wanted = output->widths[column];
    int fill = width < wanted ? (int)(wanted - width) : 0;

    if (output->right[column])
        fprintf(output->stream, "%*s%s", fill, "", text);
    else
        fprintf(output->stream, "%s%*s", text, last ? 0 : fill, "");
    fputs(last ? "\n" : "  ", output->stream);
}

static size_t last_shown(const struct output *output)
{
    size_t last = 0;

    for (size_t i = 0; i < output->count; i++) {
        if (output->columns[i].title != NULL)
            last = i;
    }
    return last;
}

static void print_heading(struct output *output)
{
    for (size_t i = 0, last = last_shown(output); i <= last; i++) {
        if (output->columns[i].title != NULL)
            print_cell(output, output->columns[i].title, i, i == last);
    }
}

/* Titles of a record are aligned with each other. */
static void print_record(struct output *output, char **cells)
{
    unsigned widest = 0;

    for (size_t i = 0; i < output->count; i++) {
        if (output->columns[i].title != NULL && text_width(output->columns[i].title) > widest)
            widest = text_width(output->columns[i].title);
    }
    for (size_t i = 0; i < output->count; i++) {
        const char *title = output->columns[i].title;

        if (title != NULL && cells[i] != NULL && strcmp(cells[i], "-") != 0)
            fprintf(output->stream, "%s:%*s %s\n", title, (int)(widest - text_width(title)), "",
                    cells[i]);
    }
}

static void print_rows(struct output *output)
{
    size_t last = last_shown(output);

    if (output->heading != NULL && output->rows > 0 && output->rows_before == 0)
        fprintf(output->stream, "%s\n", output->heading);
    if (output->form == OUTPUT_TABLE && output->rows > 0 && output->rows_before == 0)
        print_heading(output);
    for (size_t row = 0; row < output->rows; row++) {
        char **cells = output->cells + row * output->count;

        if (output->form == OUTPUT_RECORD)
            print_record(output, cells);
        for (size_t i = 0; i < output->count; i++) {
            if (output->form != OUTPUT_RECORD && output->columns[i].title != NULL)
                print_cell(output, cells[i] != NULL ? cells[i] : "-", i, i == last);
            free(cells[i]);
            cells[i] = NULL;
        }
    }
    output->rows_before += output->rows;
    output->rows = 0;
}

/* jansson leaves DEL as it is; in JSON text it can only be inside of a string. */
static int print_json(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\x7F' ? fputs("\\u007F", stream) == EOF : fputc(*text, stream) == EOF)
            return -1;
    }
    return fputc('\n', stream) == EOF ? -1 : 0;
}

static void print_object(struct output *output)
{
    size_t flags = JSON_COMPACT | (output->plain_object ? 0 : JSON_ENSURE_ASCII);
    char *text;

    if (output->object == NULL)
        return;
    text = json_dumps(output->object, flags);
    if (text == NULL || print_json(output->stream, text) != 0)
        output->failed = true;
    free(text);
    json_decref(output->object);
    output->object = NULL;
}

void output_row_end(struct output *output)
{
    output->at = 0;
    if (output->json) {
        print_object(output);
    } else if (output->cells != NULL) {
        output->rows++;
        if (output->rows == BLOCK_ROWS || output->form != OUTPUT_TABLE)
            print_rows(output);
    }
    /* What is known is shown while the rest is still being found out. */
    if (output->form == OUTPUT_LINES && fflush(output->stream) != 0)
        output->failed = true;
}

void output_cut_short(struct output *output)
{
    output->none = NULL;
}

void output_end(struct output *output)
{
    if (output->cells != NULL) {
        print_rows(output);
        if (output->rows_before == 0 && output->none != NULL)
            fprintf(output->stream, "%s\n", output->none);
        free(output->cells);
        output->cells = NULL;
    }
    output->columns = NULL;
    output->count = 0;
}

void output_note(struct output *output, const char *format, ...)
{
    char *text = NULL, *harmless;
    va_list args;
    int size;

    if (output->json)
        return;
    va_start(args, format);
    size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0) {
        output->failed = true;
        return;
    }
    harmless = text_harmless(text);
    if (harmless == NULL || fprintf(output->stream, "%s\n", harmless) < 0)
        output->failed = true;
    free(harmless);
    free(text);
}
