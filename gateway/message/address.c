/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/address.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <glib.h>

#define LOCAL_MAX 64
#define DOMAIN_MAX 255
#define LABEL_MAX 63

static bool is_atext(char c)
{
    return g_ascii_isalnum(c) || (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Both return the length of what they recognise at TEXT, 0 when there is none. */
static size_t dot_atom(const char *text)
{
    size_t at = 0;

    for (;;) {
        size_t start = at;
        while (is_atext(text[at]))
            at++;
        if (at == start)
            return 0;
        if (text[at] != '.')
            return at;
        at++;
    }
}

static size_t quoted_string(const char *text)
{
    size_t at = 1;

    while (text[at] != '"') {
        if (text[at] == '\\')
            at++;
        if (text[at] < 0x20 || text[at] > 0x7E)
            return 0;
        at++;
    }
    return at + 1;
}

static bool domain_literal(const char *text, size_t size)
{
    size_t i;

    if (size < 4 || text[size - 1] != ']')
        return false;
    for (i = 1; i < size - 1; i++)
        if (!g_ascii_isalnum(text[i]) && text[i] != '.' && text[i] != ':')
            return false;
    return true;
}

static bool domain_valid(const char *text)
{
    size_t size = strlen(text), at = 0;

    if (size == 0 || size > DOMAIN_MAX)
        return false;
    if (text[0] == '[')
        return domain_literal(text, size);
    for (;;) {
        size_t start = at;
        while (g_ascii_isalnum(text[at]) || text[at] == '-')
            at++;
        if (at == start || at - start > LABEL_MAX || text[start] == '-' || text[at - 1] == '-')
            return false;
        if (text[at] == '\0')
            return true;
        if (text[at] != '.')
            return false;
        at++;
    }
}

bool address_smtp_valid(const char *text)
{
    size_t local = text[0] == '"' ? quoted_string(text) : dot_atom(text);

    return local != 0 && local <= LOCAL_MAX && text[local] == '@' && domain_valid(text + local + 1);
}

bool address_on_postoffice(const char *address, const char *postoffice)
{
    size_t size = strlen(postoffice);

    return size != 0 && g_ascii_strncasecmp(address, postoffice, size) == 0 &&
           address[size] == '/' && address[size + 1] != '\0' &&
           strchr(address + size + 1, '/') == NULL;
}

bool address_in_queue(const char *address, const char *name, bool gateway)
{
    size_t length = strlen(name);

    if (strncasecmp(address, name, length) != 0)
        return false;
    return address[length] == '/' || (gateway && address[length] == ':');
}

bool address_typed(const char *address, char *type, size_t size, const char **value)
{
    size_t i = 0;

    while (g_ascii_isalnum(address[i]) || address[i] == '*')
        i++;
    if (i == 0 || address[i] != ':' || i >= size)
        return false;
    *value = address + i + 1;
    type[i] = '\0';
    while (i-- > 0)
        type[i] = g_ascii_toupper(address[i]);
    return true;
}

const char *address_native(const char *address)
{
    if (g_ascii_strncasecmp(address, "CSI:", 4) == 0)
        return address + 4;
    return g_ascii_strncasecmp(address, "MS:", 3) == 0 ? address + 3 : address;
}

/* Appends VALUE encapsulated at OUT + *AT; false when it does not fit. */
static bool put_encoded(const char *value, char *out, size_t size, size_t *at)
{
    for (; *value != '\0'; value++) {
        bool plain = g_ascii_isalnum(*value) || *value == '-' || *value == '=';

        if (size - *at < 4)
            return false;
        if (plain || *value == '/')
            out[(*at)++] = plain ? *value : '_';
        else
            *at += (size_t)snprintf(out + *at, 4, "+%02X", (uint8_t)*value);
    }
    return true;
}

int address_encapsulate(const char *address, const char *domain, char *out, size_t size,
                        struct error *err)
{
    const char *value = address_native(address);
    char type[ADDRESS_SMTP_MAX] = "MS";
    size_t at;
    int written;

    if (!address_typed(value, type, sizeof type, &value))
        memcpy(type, "MS", sizeof "MS");
    written = snprintf(out, size, "IMCEA%s-", type);
    if (written < 0 || (size_t)written >= size)
        goto too_long;
    at = (size_t)written;
    if (!put_encoded(value, out, size, &at))
        goto too_long;
    written = snprintf(out + at, size - at, "@%s", domain);
    if (written < 0 || (size_t)written >= size - at)
        goto too_long;
    return 0;
too_long:
    return error_set(err, ERROR_DATA, "5.1.7", "address \"%.60s\" is too long to be encapsulated",
                     address);
}
