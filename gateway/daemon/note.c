/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *note_text(const char *text, char *out, size_t size)
{
    size_t at = 0;

    for (const char *c = text; *c != '\0' && at < size - 1; c++)
        out[at++] = *c == '"' || *c == '\\' || (unsigned char)*c < 0x20 ? '\'' : *c;
    out[at] = '\0';
    return out;
}

uint64_t note_number(const char *text, const char *key)
{
    char wanted[64];
    const char *at;

    snprintf(wanted, sizeof wanted, "\"%s\":", key);
    at = strstr(text, wanted);
    return at != NULL ? strtoull(at + strlen(wanted), NULL, 10) : 0;
}
