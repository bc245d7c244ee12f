/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/logline.h"

#include <stdlib.h>
#include <string.h>

#include "cli/text.h"
#include "daemon/relaylog.h"

#define PAIRS_MAX 32

/* Keys and values borrow from the line. */
struct pairs {
    struct output_column columns[PAIRS_MAX];
    const char *values[PAIRS_MAX];
    size_t count;
};

static void add_pair(void *context, const char *key, const char *value)
{
    struct pairs *pairs = context;

    if (pairs->count < PAIRS_MAX) {
        pairs->columns[pairs->count].key = key;
        pairs->values[pairs->count++] = value;
    }
}

static bool is_number(const char *key, const char *value, uint64_t *number)
{
    static const char *const keys[] = {"id", "size", "tries"};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (strcmp(key, keys[i]) == 0)
            return text_parse_number(value, number) == 0;
    }
    return false;
}

static void show_json(struct output *output, char *line)
{
    static const struct output_column broken[] = {{"line", NULL, 0}};
    struct pairs pairs = {.count = 0};
    char *copy = strdup(line);
    uint64_t number;

    if (copy == NULL || relaylog_parse(line, add_pair, &pairs) != 0) {
        output_begin(output, OUTPUT_LINES, "unreadable", NULL, NULL, broken, 1);
        output_text(output, copy);
    } else {
        output_begin(output, OUTPUT_LINES, "log", NULL, NULL, pairs.columns, pairs.count);
        for (size_t i = 0; i < pairs.count; i++) {
            if (is_number(pairs.columns[i].key, pairs.values[i], &number))
                output_number(output, number);
            else
                output_text(output, pairs.values[i]);
        }
    }
    output_row_end(output);
    output_end(output);
    free(copy);
}

void logline_show(struct output *output, char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    if (output_is_json(output))
        show_json(output, line);
    else
        output_note(output, "%s", line);
}

struct wanted {
    const char *key;
    char *out;
    size_t size;
};

static void keep_wanted(void *context, const char *key, const char *value)
{
    struct wanted *wanted = context;
    size_t size = strlen(value);

    if (strcmp(key, wanted->key) == 0 && size < wanted->size)
        memcpy(wanted->out, value, size + 1);
}

void logline_value(const char *line, const char *key, char *out, size_t size)
{
    struct wanted wanted = {key, out, size};
    char *copy = strdup(line);

    out[0] = '\0';
    if (copy != NULL && relaylog_parse(copy, keep_wanted, &wanted) != 0)
        out[0] = '\0';
    free(copy);
}
