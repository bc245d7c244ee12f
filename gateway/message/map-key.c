/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/map-key.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

#include "message/address.h"

static int wrong(char *why, const char *format, ...) PRINTF_LIKE(2, 3);

static int wrong(char *why, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(why, MAP_WHY_SIZE, format, args);
    va_end(args);
    return -1;
}

bool map_network_reserved(const char *network)
{
    static const char *const reserved[] = {
        "ATTMAIL", "COMPUSERVE", "DISOSS", "EASYLINK", "ENVOY", "FAX",    "GTE",    "MCI",  "MHS",
        "MSMAIL",  "OV",         "PROFS",  "SMTP",     "SNADS", "SOURCE", "VMGATE", "X400", "*EMS",
    };
    size_t i;

    for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (g_ascii_strcasecmp(network, reserved[i]) == 0)
            return true;
    return false;
}

static int check_native(const char *key, char *why)
{
    const char *part = key;
    char network[MAP_PART_MAX + 1];
    size_t i;

    for (i = 0; i < 3; i++) {
        size_t size = strcspn(part, "/");
        if (size == 0 || (part[size] == '/') != (i < 2))
            return wrong(why, "\"%.60s\" is not of the form NET/PO/USER", key);
        if (size > MAP_PART_MAX)
            return wrong(why, "\"%.*s\" in \"%.60s\" is longer than %d characters",
                         (int)MIN(size, 40), part, key, MAP_PART_MAX);
        if (i == 0)
            snprintf(network, sizeof network, "%.*s", (int)size, part);
        if (i < 2)
            part += size + 1;
    }
    if (map_network_reserved(network))
        return wrong(why, "\"%s\" is a network name reserved for gateways", network);
    if (g_ascii_strcasecmp(part, "$SYSTEM") == 0 || g_ascii_strcasecmp(part, "*SPECIAL") == 0)
        return wrong(why, "\"%s\" is a mailbox of the system and cannot move", part);
    return 0;
}

int map_key_check(const char *key, char *why)
{
    char type[64];
    const char *value;
    size_t i;

    for (i = 0; key[i] != '\0'; i++)
        if (key[i] < 0x20 || key[i] > 0x7E)
            return wrong(why, "names of MS Mail are 7-bit ASCII; \"%.60s\" is not", key);
    if (i > MAP_KEY_MAX)
        return wrong(why, "the key is longer than %d octets", MAP_KEY_MAX);
    if (!address_typed(key, type, sizeof type, &value))
        return check_native(key, why);
    return *value != '\0' ? 0 : wrong(why, "\"%.60s\" has a type but no address", key);
}

bool map_key_is_rule(const char *key)
{
    const char *slash = strrchr(key, '/');

    return slash != NULL && strcmp(slash, "/*") == 0 && strchr(key, ':') == NULL;
}

/* The part of NET/PO/USER that a letter of a pattern stands for. */
static const char *part_of(char letter, const char *address, size_t *size)
{
    unsigned skip = letter == 'n' ? 0 : letter == 'p' ? 1 : 2;

    while (skip-- > 0) {
        address += strcspn(address, "/");
        address += *address == '/';
    }
    *size = strcspn(address, "/");
    return address;
}

bool map_pattern_expand(const char *pattern, const char *address, char *out, size_t size)
{
    size_t used = 0;

    for (; *pattern != '\0'; pattern++) {
        const char *text = pattern;
        size_t count = 1;

        if (*pattern == '%') {
            pattern++;
            if (*pattern == '\0')
                return false;
            if (*pattern != '%')
                text = part_of(*pattern, address, &count);
        }
        if (used + count >= size)
            return false;
        memcpy(out + used, text, count);
        used += count;
    }
    out[used] = '\0';
    return address_smtp_valid(out);
}

int map_pattern_check(const char *pattern, char *why)
{
    char sample[ADDRESS_SMTP_MAX + 1];
    const char *at = strrchr(pattern, '@');
    bool user = false;
    const char *c;

    for (c = pattern; *c != '\0'; c++) {
        if (*c != '%')
            continue;
        c++;
        if (*c == '\0' || strchr("unp%", *c) == NULL)
            return wrong(why, "\"%.60s\" has a %% that is not %%u, %%p, %%n or %%%%", pattern);
        user = user || (*c == 'u' && at != NULL && c < at);
    }
    if (!user)
        return wrong(why,
                     "\"%.60s\" has no %%u before the \"@\": all users of the postoffice would "
                     "get one address",
                     pattern);
    if (!map_pattern_expand(pattern, "N/P/U", sample, sizeof sample))
        return wrong(why, "\"%.60s\" does not give SMTP addresses", pattern);
    return 0;
}

/* FNV-1a. Keys are ASCII; names compare without regard to case (Q103421). */
unsigned map_key_hash(const void *key)
{
    const char *text = key;
    unsigned hash = 2166136261u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)g_ascii_toupper(*text)) * 16777619u;
    return hash;
}

int map_key_equal(const void *one, const void *other)
{
    return g_ascii_strcasecmp(one, other) == 0;
}
