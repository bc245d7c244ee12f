/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/report-content.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LIMIT 65536

char *report_read_headers(struct store *store, uint64_t id)
{
    char *text = calloc(1, HEADER_LIMIT + 1);
    struct error err;
    size_t got = 0;
    char *end;

    if (text == NULL)
        return NULL;
    if (store_read_content(store, id, 0, text, HEADER_LIMIT, &got, &err) != 0)
        got = 0;
    text[got] = '\0';
    end = strstr(text, "\r\n\r\n");
    if (end == NULL) {
        free(text);
        return NULL;
    }
    end[2] = '\0';
    return text;
}

static bool read_all(struct store *store, uint64_t id, char *text, size_t size)
{
    struct error err;
    size_t got;

    for (size_t at = 0; at < size; at += got) {
        if (store_read_content(store, id, at, text + at, size - at, &got, &err) != 0 || got == 0)
            return false;
    }
    return true;
}

/* The size without CR, or 0 when it has an octet that no 7-bit content has. */
static size_t drop_cr(char *text, size_t size)
{
    size_t kept = 0;

    for (size_t i = 0; i < size; i++) {
        if (text[i] == '\0' || (unsigned char)text[i] >= 0x80)
            return 0;
        if (text[i] != '\r')
            text[kept++] = text[i];
    }
    return kept;
}

char *report_read_original(struct store *store, uint64_t id, uint64_t size)
{
    char *text = size != 0 && size < SIZE_MAX ? malloc((size_t)size + 1) : NULL;
    size_t kept;

    if (text == NULL)
        return NULL;
    kept = read_all(store, id, text, (size_t)size) ? drop_cr(text, (size_t)size) : 0;
    if (kept == 0) {
        free(text);
        return NULL;
    }
    text[kept] = '\0';
    return text;
}
