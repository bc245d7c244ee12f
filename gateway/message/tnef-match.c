/* SPDX-License-Identifier: BSD-2-Clause */
/* Which attachment of a TNEF stream a file of the message is. */
#include "config.h"

#include "message/tnef.h"

#include <string.h>

#include <glib.h>

#define PIECE 16384

static bool same_text(const char *a, const char *b)
{
    char *fold_a, *fold_b;
    bool same;

    if (a == NULL || b == NULL)
        return false;
    fold_a = g_utf8_casefold(a, -1);
    fold_b = g_utf8_casefold(b, -1);
    same = strcmp(fold_a, fold_b) == 0;
    g_free(fold_a);
    g_free(fold_b);
    return same;
}

/* Whether the 8.3 NAME may be a short form of LONGER: the first three octets of the extension. */
static bool extension_agrees(const char *name, const char *longer)
{
    const char *a = strrchr(name, '.'), *b = longer != NULL ? strrchr(longer, '.') : NULL;

    if (a == NULL)
        return longer != NULL;
    return b != NULL && g_ascii_strncasecmp(a + 1, b + 1, 3) == 0;
}

/* The octets that the stream has of EACH, if any, are those of FILE. */
static int same_octets(const struct content *stream, const struct tnef_attachment *each,
                       const struct content *file, bool *same, struct error *err)
{
    uint8_t one[PIECE], other[PIECE];
    uint64_t at = 0;
    size_t size;

    *same = !each->data.set || file == NULL || each->data.size == content_size(file);
    if (!each->data.set || file == NULL)
        return 0;
    for (; *same && at < each->data.size; at += size) {
        size = (size_t)MIN(each->data.size - at, PIECE);
        if (content_read(stream, each->data.offset + at, one, size, err) != 0 ||
            content_read(file, at, other, size, err) != 0)
            return -1;
        *same = memcmp(one, other, size) == 0;
    }
    return 0;
}

static bool has_name(const struct tnef_attachment *each, const char *name)
{
    return same_text(each->short_name, name) || same_text(each->title, name) ||
           same_text(each->long_name, name);
}

/* Which attachments may be files, from the surest guess to the last. */
enum guess { WITHOUT_OCTETS, NO_MESSAGE, PLAIN_FILE, GUESSES };

static bool may_be(const struct tnef_attachment *each, enum guess guess)
{
    if (guess == PLAIN_FILE)
        return each->kind == TNEF_FILE;
    return each->kind != TNEF_MESSAGE && (guess == NO_MESSAGE || !each->data.set);
}

/* The one at the place of FILE; NULL when there are more or fewer than files. */
static const struct tnef_attachment *at_place(const struct tnef *tnef, const struct tnef_file *file,
                                              enum guess guess)
{
    const struct tnef_attachment *found = NULL;
    size_t seen = 0, i;

    for (i = 0; i < tnef->attachment_count; i++)
        if (may_be(&tnef->attachments[i], guess) && seen++ == file->index)
            found = &tnef->attachments[i];
    return seen == file->count ? found : NULL;
}

int tnef_match(const struct tnef *tnef, const struct content *content, const struct tnef_file *file,
               const bool *taken, const struct tnef_attachment **out, struct error *err)
{
    const struct tnef_attachment *each;
    enum guess guess;
    bool same;
    size_t i;

    *out = NULL;
    for (i = 0; i < tnef->attachment_count; i++) {
        each = &tnef->attachments[i];
        if (taken[i] || !has_name(each, file->name))
            continue;
        if (same_octets(content, each, file->content, &same, err) != 0)
            return -1;
        if (same) {
            *out = each;
            return 0;
        }
    }
    for (guess = WITHOUT_OCTETS; *out == NULL && guess < GUESSES; guess++) {
        each = at_place(tnef, file, guess);
        if (each == NULL || taken[each - tnef->attachments] ||
            !extension_agrees(file->name, tnef_name(each)))
            continue;
        if (same_octets(content, each, file->content, &same, err) != 0)
            return -1;
        *out = same ? each : NULL;
    }
    return 0;
}
