/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a TNEF stream in pieces: octets, attributes, texts. */
#include "config.h"

#include "message/tnef-int.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "message/charset.h"

#define PIECE 16384

void window_init(struct window *window, const struct content *content,
                 const struct tnef_range *range)
{
    window->content = content;
    window->at = range->offset;
    window->end = range->offset + range->size;
    window->base = range->offset;
    window->filled = 0;
}

uint64_t window_left(const struct window *window)
{
    return window->end - window->at;
}

static int too_little(const struct window *window, uint64_t wanted, struct error *err)
{
    return error_set(err, ERROR_DATA, "5.6.0",
                     "WINMAIL.DAT: %llu octets wanted at offset %llu, %llu are left",
                     (unsigned long long)wanted, (unsigned long long)window->at,
                     (unsigned long long)window_left(window));
}

int window_skip(struct window *window, uint64_t size, struct error *err)
{
    if (size > window_left(window))
        return too_little(window, size, err);
    window->at += size;
    return 0;
}

int window_bytes(struct window *window, void *out, size_t size, struct error *err)
{
    if (size > window_left(window))
        return too_little(window, size, err);
    if (size > WINDOW_SIZE) {
        if (content_read(window->content, window->at, out, size, err) != 0)
            return -1;
        window->at += size;
        return 0;
    }
    if (window->at < window->base || window->at + size > window->base + window->filled) {
        window->filled = 0;
        window->base = window->at;
        if (content_read(window->content, window->at, window->data,
                         (size_t)MIN(window_left(window), WINDOW_SIZE), err) != 0)
            return -1;
        window->filled = (size_t)MIN(window_left(window), WINDOW_SIZE);
    }
    memcpy(out, window->data + (window->at - window->base), size);
    window->at += size;
    return 0;
}

int window_u8(struct window *window, uint8_t *out, struct error *err)
{
    return window_bytes(window, out, 1, err);
}

int window_u16(struct window *window, uint16_t *out, struct error *err)
{
    uint8_t octets[2] = {0};

    if (window_bytes(window, octets, sizeof octets, err) != 0)
        return -1;
    *out = (uint16_t)(octets[0] | octets[1] << 8);
    return 0;
}

int window_u32(struct window *window, uint32_t *out, struct error *err)
{
    uint8_t octets[4] = {0};

    if (window_bytes(window, octets, sizeof octets, err) != 0)
        return -1;
    *out = (uint32_t)octets[0] | (uint32_t)octets[1] << 8 | (uint32_t)octets[2] << 16 |
           (uint32_t)octets[3] << 24;
    return 0;
}

int tnef_begin(struct window *window, uint16_t *key, struct error *err)
{
    uint32_t signature;

    if (window_u32(window, &signature, err) != 0 || window_u16(window, key, err) != 0)
        return -1;
    if (signature != TNEF_SIGNATURE)
        return error_set(err, ERROR_DATA, "5.6.0",
                         "WINMAIL.DAT: begins with %08X, not with the signature %08X", signature,
                         TNEF_SIGNATURE);
    return 0;
}

/* The sum of the octets ([MS-OXTNEF] 2.1.3.2). */
static int sum(const struct content *content, const struct tnef_range *range, uint16_t *out,
               struct error *err)
{
    uint8_t piece[PIECE];
    uint64_t done = 0;
    uint32_t total = 0;
    size_t size, i;

    for (; done < range->size; done += size) {
        size = (size_t)MIN(range->size - done, PIECE);
        if (content_read(content, range->offset + done, piece, size, err) != 0)
            return -1;
        for (i = 0; i < size; i++)
            total += piece[i];
    }
    *out = (uint16_t)total;
    return 0;
}

int tnef_attribute_next(struct window *window, struct tnef_attribute *out, struct error *err)
{
    uint32_t size;
    uint16_t told, real;

    if (window_u8(window, &out->level, err) != 0 || window_u32(window, &out->id, err) != 0 ||
        window_u32(window, &size, err) != 0)
        return -1;
    if (out->level != TNEF_LEVEL_MESSAGE && out->level != TNEF_LEVEL_ATTACHMENT)
        return error_set(err, ERROR_DATA, "5.6.0",
                         "WINMAIL.DAT: an attribute of level %u before offset %llu", out->level,
                         (unsigned long long)window->at);
    out->range = (struct tnef_range){.set = true, .offset = window->at, .size = size};
    if (window_skip(window, size, err) != 0 || window_u16(window, &told, err) != 0 ||
        sum(window->content, &out->range, &real, err) != 0)
        return -1;
    out->sound = told == real;
    return 0;
}

static void replace(char **out, char *text)
{
    free(*out);
    if (text != NULL && *text == '\0') {
        free(text);
        text = NULL;
    }
    *out = text;
}

int tnef_text(const struct content *content, const struct tnef_range *range, const char *codepage,
              char **out, struct error *err)
{
    char octets[TNEF_MAX_NAME + 1];
    size_t size = (size_t)MIN(range->size, TNEF_MAX_NAME);
    char *text;

    if (content_read(content, range->offset, octets, size, err) != 0)
        return -1;
    octets[size] = '\0';
    if (charset_line(codepage, octets, &text, NULL, err) != 0)
        return -1;
    replace(out, text);
    return 0;
}

int tnef_text16(const struct content *content, const struct tnef_range *range, char **out,
                struct error *err)
{
    uint8_t octets[TNEF_MAX_NAME];
    size_t size = (size_t)MIN(range->size, sizeof octets) & ~(size_t)1, i;
    gunichar2 units[TNEF_MAX_NAME / 2 + 1];
    char *text = NULL, *line;
    glong used = 0;

    if (content_read(content, range->offset, octets, size, err) != 0)
        return -1;
    for (i = 0; i < size / 2 && (octets[2 * i] | octets[2 * i + 1]) != 0; i++)
        units[i] = (gunichar2)(octets[2 * i] | octets[2 * i + 1] << 8);
    text = g_utf16_to_utf8(units, (glong)i, &used, NULL, NULL);
    if (text == NULL) /* half a pair of surrogates: what stands before it */
        text = g_utf16_to_utf8(units, used, NULL, NULL, NULL);
    if (text == NULL)
        return 0;
    if (charset_line("UTF-8", text, &line, NULL, err) != 0) {
        g_free(text);
        return -1;
    }
    g_free(text);
    replace(out, line);
    return 0;
}
