/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/csv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

void csv_init(struct csv *csv, char *text, size_t size, char separator)
{
    memset(csv, 0, sizeof *csv);
    csv->at = text;
    csv->end = text + size;
    *csv->end = '\0';
    csv->separator = separator;
    csv->next = 1;
}

char csv_guess(const char *line)
{
    static const char separators[] = ",;\t";
    size_t most = 0, best = 0, count[3] = {0};

    for (; *line != '\0' && *line != '\n'; line++)
        for (size_t i = 0; i < 3; i++)
            count[i] += *line == separators[i];
    for (size_t i = 0; i < 3; i++)
        if (count[i] > most) {
            most = count[i];
            best = i;
        }
    return separators[best];
}

/* Reads a quoted field at csv->at, behind its quote, in place; its end, or NULL without a quote. */
static char *quoted(struct csv *csv)
{
    char *to = csv->at;

    while (csv->at < csv->end) {
        if (*csv->at == '"' && csv->at[1] != '"') {
            csv->at++;
            return to;
        }
        if (*csv->at == '"')
            csv->at++;
        csv->next += *csv->at == '\n';
        *to++ = *csv->at++;
    }
    return NULL;
}

/* A field at csv->at; *LAST when its record ends behind it. */
static int field(struct csv *csv, bool *last, struct error *err)
{
    char *start, *end = NULL;

    while (csv->at < csv->end && *csv->at == ' ')
        csv->at++;
    start = csv->at;
    if (*start == '"') {
        start = ++csv->at;
        end = quoted(csv);
        if (end == NULL)
            return error_set(err, ERROR_DATA, "", "line %u: a quote has no end", csv->line);
    }
    while (csv->at < csv->end && *csv->at != csv->separator && *csv->at != '\n')
        csv->at++;
    if (end == NULL)
        end = csv->at;
    *last = csv->at >= csv->end || *csv->at == '\n';
    csv->next += *csv->at == '\n';
    if (csv->at < csv->end)
        csv->at++;
    *end = '\0';
    csv->fields[csv->count++] = g_strchomp(start);
    return 0;
}

static int record(struct csv *csv, struct error *err)
{
    bool last = false;

    csv->count = 0;
    csv->line = csv->next;
    while (!last) {
        if (csv->count == CSV_MAX_FIELDS)
            return error_set(err, ERROR_DATA, "", "line %u: more than %d fields", csv->line,
                             CSV_MAX_FIELDS);
        if (field(csv, &last, err) != 0)
            return -1;
    }
    return 0;
}

int csv_next(struct csv *csv, struct error *err)
{
    while (csv->at < csv->end) {
        if (record(csv, err) != 0)
            return -1;
        if (csv->count > 1 || csv->fields[0][0] != '\0')
            return 1;
    }
    return 0;
}

static char *convert(const char *data, size_t size, const char *from, gsize *out_size)
{
    return g_convert(data, (gssize)size, "UTF-8", from, NULL, out_size, NULL);
}

int csv_decode(const char *name, void *data, size_t size, char **out, size_t *out_size,
               struct error *err)
{
    const char *text = data;
    gsize converted = 0;

    if (size >= 2 && memcmp(text, "\xFF\xFE", 2) == 0) {
        *out = convert(text + 2, size - 2, "UTF-16LE", &converted);
    } else if (size >= 2 && memcmp(text, "\xFE\xFF", 2) == 0) {
        *out = convert(text + 2, size - 2, "UTF-16BE", &converted);
    } else {
        size_t mark = size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;

        if (g_utf8_validate(text + mark, (gssize)(size - mark), NULL)) {
            converted = size - mark;
            *out = g_malloc(converted + 1);
            memcpy(*out, text + mark, converted);
            (*out)[converted] = '\0';
        } else {
            *out = convert(text, size, "CP1252", &converted);
        }
    }
    free(data);
    if (*out == NULL)
        return error_set(err, ERROR_DATA, "",
                         "%s: neither UTF-8, UTF-16 nor code page 1252: save it as UTF-8", name);
    if (memchr(*out, '\0', converted) != NULL) {
        g_free(*out);
        *out = NULL;
        return error_set(err, ERROR_DATA, "", "%s: has NUL octets: it is not a text", name);
    }
    *out_size = converted;
    return 0;
}
