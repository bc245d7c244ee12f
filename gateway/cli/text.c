/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/text.h"

#include <inttypes.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define CUT_MARK "\xE2\x80\xA6"    /* U+2026 */

void text_initialize(void)
{
    (void)setlocale(LC_CTYPE, "C.UTF-8");
}

/* Decodes the character at TEXT (RFC 3629) into *CODE; its octets, or 0 when it is not UTF-8. */
static size_t decode(const char *text, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *octets = (const unsigned char *)text;
    size_t size = 4;

    if (octets[0] < 0x80) {
        *code = octets[0];
        return 1;
    }
    if (octets[0] < 0xC2 || octets[0] > 0xF4)
        return 0;
    if (octets[0] < 0xE0)
        size = 2;
    else if (octets[0] < 0xF0)
        size = 3;
    *code = octets[0] & (0x7Fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((octets[i] & 0xC0) != 0x80)
            return 0;
        *code = *code << 6 | (octets[i] & 0x3Fu);
    }
    if (*code < least[size] || *code > 0x10FFFF || (*code >= 0xD800 && *code <= 0xDFFF))
        return 0;
    return size;
}

/* Controls, line and paragraph separators, and what changes the direction of other text. */
static bool harmful(uint32_t code)
{
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C || code == 0x200E ||
           code == 0x200F || (code >= 0x2028 && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

static char *rewrite(const char *text, bool replace_harmful)
{
    char *out = malloc(strlen(text) * (sizeof REPLACEMENT - 1) + 1), *to = out;
    uint32_t code;

    if (out == NULL)
        return NULL;
    while (*text != '\0') {
        size_t size = decode(text, &code);

        if (size == 0) {
            to = stpcpy(to, REPLACEMENT);
            text++;
        } else if (replace_harmful && harmful(code)) {
            *to++ = '?';
            text += size;
        } else {
            to = mempcpy(to, text, size);
            text += size;
        }
    }
    *to = '\0';
    return out;
}

char *text_valid(const char *text)
{
    return rewrite(text, false);
}

char *text_harmless(const char *text)
{
    return rewrite(text, true);
}

bool text_is_harmless(const char *text)
{
    uint32_t code;

    while (*text != '\0') {
        size_t size = decode(text, &code);

        if (size == 0 || harmful(code))
            return false;
        text += size;
    }
    return true;
}

static unsigned character_width(uint32_t code)
{
    int width = code < 0x80 ? 1 : wcwidth((wchar_t)code);

    return width < 0 ? 1 : (unsigned)width;
}

unsigned text_width(const char *text)
{
    unsigned width = 0;
    uint32_t code;

    while (*text != '\0') {
        size_t size = decode(text, &code);

        width += size == 0 ? 1 : character_width(code);
        text += size == 0 ? 1 : size;
    }
    return width;
}

void text_cut(char *text, unsigned width)
{
    unsigned used = 0;
    uint32_t code;

    if (text_width(text) <= width)
        return;
    for (;;) {
        size_t size = decode(text, &code);
        unsigned wide = size == 0 ? 1 : character_width(code);

        if (used + wide > width - 1)
            break;
        used += wide;
        text += size == 0 ? 1 : size;
    }
    /* The mark has three octets: there is room when as many octets are left. */
    if (strlen(text) >= sizeof CUT_MARK - 1)
        memcpy(text, CUT_MARK, sizeof CUT_MARK);
    else
        memcpy(text, "~", sizeof "~");
}

char *text_join(const char *const *texts, size_t count)
{
    size_t size = 1;
    char *out, *to;

    for (size_t i = 0; i < count; i++)
        size += strlen(texts[i]) + 2;
    out = to = malloc(size);
    if (out == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            to = stpcpy(to, ", ");
        to = stpcpy(to, texts[i]);
    }
    *to = '\0';
    return out;
}

const char *text_size(uint64_t octets, char out[24])
{
    static const char units[] = "KMGT";
    double value = (double)octets;
    size_t unit = 0;

    if (octets < 1024) {
        snprintf(out, 24, "%" PRIu64, octets);
        return out;
    }
    value /= 1024;
    while (value >= 999.95 && unit < sizeof units - 2) {
        value /= 1024;
        unit++;
    }
    snprintf(out, 24, "%.1f%c", value, units[unit]);
    return out;
}

const char *text_duration(int64_t ms, char out[TEXT_DURATION_SIZE])
{
    int64_t seconds = ms / 1000;

    if (seconds < 60)
        snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 "s", seconds);
    else if (seconds < 3600)
        snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 "m%02ds", seconds / 60, (int)(seconds % 60));
    else if (seconds < 86400)
        snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 "h%02dm", seconds / 3600,
                 (int)(seconds / 60 % 60));
    else
        snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 "d%dh", seconds / 86400,
                 (int)(seconds / 3600 % 24));
    return out;
}

int text_parse_number(const char *text, uint64_t *out)
{
    uint64_t value = 0;

    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9' || value > (UINT64_MAX - 9) / 10)
            return -1;
        value = value * 10 + (uint64_t)(*c - '0');
    }
    *out = value;
    return value > 0 ? 0 : -1;
}

static int parse_span(const char *text, int64_t *ms)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char digits[8];
    size_t size = strlen(text);
    uint64_t value;

    if (size < 2 || size > sizeof digits)
        return -1;
    memcpy(digits, text, size - 1);
    digits[size - 1] = '\0';
    if (text_parse_number(digits, &value) != 0)
        return -1;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (units[i].unit == text[size - 1]) {
            *ms = (int64_t)value * units[i].seconds * 1000;
            return 0;
        }
    }
    return -1;
}

/* strptime takes fewer digits than the form has: the length is compared too. */
static int parse_stamp(const char *text, struct tm *out)
{
    static const struct {
        const char *form;
        size_t size;
    } forms[] = {{"%Y-%m-%d", 10}, {"%Y-%m-%dT%H:%M", 16}, {"%Y-%m-%dT%H:%M:%S", 19}};
    size_t size = strlen(text);

    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        const char *rest;

        memset(out, 0, sizeof *out);
        rest = strptime(text, forms[i].form, out);
        if (size >= forms[i].size && rest == text + forms[i].size && *rest == '\0')
            return 0;
    }
    return -1;
}

int text_parse_time(const char *text, int64_t now_ms, int64_t *out)
{
    char stamp[32];
    size_t size = strlen(text);
    int64_t span, ms = 0;
    struct tm date, given;

    if (parse_span(text, &span) == 0) {
        *out = now_ms - span;
        return 0;
    }
    if (size >= sizeof stamp)
        return -1;
    memcpy(stamp, text, size + 1);
    if (size > 0 && stamp[size - 1] == 'Z')
        stamp[--size] = '\0';
    if (size > 10 && stamp[10] == ' ')
        stamp[10] = 'T';
    if (size == 23 && stamp[19] == '.' && strspn(stamp + 20, "0123456789") == 3) {
        ms = strtol(stamp + 20, NULL, 10);
        stamp[19] = '\0';
    }
    if (parse_stamp(stamp, &date) != 0)
        return -1;
    given = date;
    *out = (int64_t)timegm(&date) * 1000 + ms;
    /* timegm makes 2026-03-03 of 2026-02-31. */
    return date.tm_mday == given.tm_mday && date.tm_mon == given.tm_mon ? 0 : -1;
}

int text_write_message(FILE *stream, const char *data, size_t size)
{
    if (isatty(fileno(stream)) != 1)
        return fwrite(data, 1, size, stream) == size ? 0 : -1;
    for (size_t i = 0; i < size; i++) {
        unsigned char octet = (unsigned char)data[i];

        if (octet == '\r')
            continue;
        if ((octet < 0x20 && octet != '\n' && octet != '\t') || octet >= 0x7F)
            octet = '?';
        if (fputc(octet, stream) == EOF)
            return -1;
    }
    return 0;
}
