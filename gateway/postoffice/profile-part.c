/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/profile-part.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD 0x4C /* FIPS PUB 98 */
#define VENDOR 0x7F

static const struct {
    const char *word;
    uint8_t id;
} kinds[] = {{"field:", FIELD}, {"vendor:", VENDOR}};

bool profile_part_same(const struct profile_part *a, const struct profile_part *b)
{
    return a->id == b->id && a->qualifier_size == b->qualifier_size &&
           memcmp(a->qualifier, b->qualifier, a->qualifier_size) == 0;
}

/* Pairs of hexadecimal digits up to the end; how many, or -1. */
static int parse_octets(const char *text, uint8_t *out, size_t most)
{
    size_t count = 0;

    for (; *text != '\0'; text += 2) {
        char pair[3] = {text[0], text[1], '\0'};
        if (!isxdigit((unsigned char)pair[0]) || !isxdigit((unsigned char)pair[1]) || count == most)
            return -1;
        out[count++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return (int)count;
}

int profile_part_parse(const char *word, struct profile_part *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t length = strlen(kinds[i].word);
        int size;
        if (strncmp(word, kinds[i].word, length) != 0)
            continue;
        size = parse_octets(word + length, out->qualifier, sizeof out->qualifier);
        out->id = kinds[i].id;
        out->qualifier_size = size > 0 ? (uint8_t)size : 0;
        return size > 0 ? 0 : -1;
    }
    if (strncmp(word, "element:", 8) != 0 || parse_octets(word + 8, &out->id, 1) != 1)
        return -1;
    return out->id < 0x80 ? 0 : -1;
}

void profile_part_text(const struct profile_part *part, char out[PROFILE_PART_TEXT])
{
    size_t at = 0;

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (part->id == kinds[i].id && part->qualifier_size != 0)
            at = (size_t)snprintf(out, PROFILE_PART_TEXT, "%s", kinds[i].word);
    }
    if (at == 0) {
        snprintf(out, PROFILE_PART_TEXT, "element:%02X", part->id);
        return;
    }
    for (size_t i = 0; i < part->qualifier_size; i++)
        at += (size_t)snprintf(out + at, PROFILE_PART_TEXT - at, "%02X", part->qualifier[i]);
}
