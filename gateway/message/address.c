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

/* Appends SIZE octets of VALUE encapsulated at OUT + *AT; false when they do not fit. */
static bool put_encoded(const char *value, size_t count, char *out, size_t size, size_t *at)
{
    for (; count > 0; value++, count--) {
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

/* An attribute of an X.400 address that says nothing. One space is what an ADMD has when there is
 * none, so that one stays (Q145585). */
static bool is_empty_attribute(const char *text, size_t size)
{
    const char *equal = memchr(text, '=', size);
    size_t name = equal != NULL ? (size_t)(equal - text) : 0, value, blanks;

    if (equal == NULL)
        return size == 0;
    value = size - name - 1;
    blanks = strspn(equal + 1, " ");
    if (value == 1 && blanks >= 1 &&
        ((name == 1 && g_ascii_tolower(text[0]) == 'a') ||
         (name == 4 && g_ascii_strncasecmp(text, "admd", 4) == 0)))
        return false;
    return blanks >= value;
}

/* As put_encoded, without the empty attributes that old address books wrote (Q145585). */
static bool put_x400(const char *value, char *out, size_t size, size_t *at)
{
    char separator = value[0] == '/' ? '/' : ';';

    while (*value != '\0') {
        bool begins = *value == separator;
        size_t length = begins + strcspn(value + begins, separator == '/' ? "/" : ";");

        if (!is_empty_attribute(value + begins, length - begins) &&
            !put_encoded(value, length, out, size, at))
            return false;
        value += length;
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
    bool fits;

    if (!address_typed(value, type, sizeof type, &value))
        memcpy(type, "MS", sizeof "MS");
    written = snprintf(out, size, "IMCEA%s-", type);
    if (written < 0 || (size_t)written >= size)
        goto too_long;
    at = (size_t)written;
    fits = strcmp(type, "X400") == 0 ? put_x400(value, out, size, &at)
                                     : put_encoded(value, strlen(value), out, size, &at);
    if (!fits)
        goto too_long;
    written = snprintf(out + at, size - at, "@%s", domain);
    if (written < 0 || (size_t)written >= size - at)
        goto too_long;
    return 0;
too_long:
    return error_set(err, ERROR_DATA, "5.1.7", "address \"%.60s\" is too long to be encapsulated",
                     address);
}

/* One octet of an encapsulated value at *TEXT, or -1: malformed, or a control. */
static int take_decoded(const char **text)
{
    const char *at = *text;
    int octet;

    if (*at == '+') {
        int high = g_ascii_xdigit_value(at[1]);
        int low = high >= 0 ? g_ascii_xdigit_value(at[2]) : -1;

        if (low < 0)
            return -1;
        octet = high * 16 + low;
        *text = at + 3;
    } else {
        if (*at != '_' && *at != '-' && *at != '=' && !g_ascii_isalnum(*at))
            return -1;
        octet = *at == '_' ? '/' : *at;
        *text = at + 1;
    }
    return octet < 0x20 || octet == 0x7F ? -1 : octet;
}

bool address_decapsulate(const char *smtp, const char *domain, char *out, size_t size)
{
    const char *at = strrchr(smtp, '@'), *text, *dash;
    size_t type, used = 0;

    if (at == NULL || g_ascii_strcasecmp(at + 1, domain) != 0 ||
        g_ascii_strncasecmp(smtp, "IMCEA", 5) != 0)
        return false;
    text = smtp + 5;
    dash = memchr(text, '-', (size_t)(at - text));
    type = dash != NULL ? (size_t)(dash - text) : 0;
    for (size_t i = 0; i < type; i++)
        if (!g_ascii_isalnum(text[i]) && !(i == 0 && text[0] == '*')) /* *EMS (Q175978) */
            return false;
    if (type == 0 || type + 2 > size)
        return false;
    if (type != 2 || g_ascii_strncasecmp(text, "MS", 2) != 0) {
        for (; used < type; used++)
            out[used] = g_ascii_toupper(text[used]);
        out[used++] = ':';
    }
    for (text = dash + 1; text < at;) {
        int octet = take_decoded(&text);

        if (octet < 0 || text > at || used + 1 >= size)
            return false;
        out[used++] = (char)octet;
    }
    out[used] = '\0';
    return dash + 1 < at;
}

/* Upper case of code page 850, from 80h on: each letter that has a capital. */
static uint8_t fold_octet(uint8_t octet)
{
    static const uint8_t capital[128] = {
        [0x01] = 0x9A, [0x02] = 0x90, [0x03] = 0xB6, [0x04] = 0x8E, [0x05] = 0xB7, [0x06] = 0x8F,
        [0x07] = 0x80, [0x08] = 0xD2, [0x09] = 0xD3, [0x0A] = 0xD4, [0x0B] = 0xD8, [0x0C] = 0xD7,
        [0x0D] = 0xDE, [0x11] = 0x92, [0x13] = 0xE2, [0x14] = 0x99, [0x15] = 0xE3, [0x16] = 0xEA,
        [0x17] = 0xEB, [0x1B] = 0x9D, [0x20] = 0xB5, [0x21] = 0xD6, [0x22] = 0xE0, [0x23] = 0xE9,
        [0x24] = 0xA5, [0x46] = 0xC7, [0x50] = 0xD1, [0x64] = 0xE5, [0x67] = 0xE8, [0x6C] = 0xED,
    };

    if (octet < 0x80)
        return (uint8_t)g_ascii_toupper((gchar)octet);
    return capital[octet - 0x80] != 0 ? capital[octet - 0x80] : octet;
}

int address_compare(const char *one, const char *other)
{
    const uint8_t *a = (const uint8_t *)one, *b = (const uint8_t *)other;

    while (*a != 0 && fold_octet(*a) == fold_octet(*b)) {
        a++;
        b++;
    }
    return (int)fold_octet(*a) - (int)fold_octet(*b);
}
