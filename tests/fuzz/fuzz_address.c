/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer: any text as an address: what is encapsulated comes back, and never breaks a line. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/address.h"
#include "message/lookup.h"
#include "message/map-key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Controls cannot come back: they are refused on the way. Empty attributes of X.400 are dropped. */
static bool comes_back(const char *text)
{
    char type[16];
    const char *value;

    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return false;
    if (!address_typed(text, type, sizeof type, &value))
        return text[0] != '\0';
    return value[0] != '\0' && strcmp(type, "X400") != 0 && strcmp(type, "MS") != 0 &&
           strcmp(type, "CSI") != 0 && strchr(type, '*') == NULL;
}

static void encapsulate(const char *text)
{
    char smtp[LOOKUP_SMTP_MAX + 1], back[LOOKUP_SMTP_MAX + 1];
    struct error err;

    if (address_encapsulate(text, "d.example", smtp, sizeof smtp, &err) != 0)
        return;
    for (const char *c = smtp; *c != '\0'; c++)
        if (*c <= 0x20 || *c > 0x7E)
            abort();
    if (comes_back(text) && strchr(text, ':') == NULL &&
        (!address_decapsulate(smtp, "d.example", back, sizeof back) || strcmp(back, text) != 0))
        abort();
}

static void look_up(const char *text)
{
    struct lookup_options options = {.domain = "d.example", .rules = true, .typed = true};
    struct lookup found;

    lookup_recipient(&options, text, &found);
    if (found.kind == LOOKUP_ENCAPSULATED ||
        (found.kind == LOOKUP_TYPED && !address_smtp_valid(found.smtp)))
        abort();
    lookup_header(&options, text, &found);
    if ((found.kind == LOOKUP_NONE) != (found.smtp[0] == '\0'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), out[400], why[MAP_WHY_SIZE];

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    encapsulate(text);
    look_up(text);
    if (address_decapsulate(text, "d.example", out, sizeof out) && strpbrk(out, "\r\n") != NULL)
        abort();
    if (map_pattern_check(text, why) == 0 &&
        map_pattern_expand(text, "NET/PO/USER", out, sizeof out) && !address_smtp_valid(out))
        abort();
    (void)!map_key_check(text, why);
    if (address_compare(text, text) != 0)
        abort();
    free(text);
    return 0;
}
