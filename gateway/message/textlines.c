/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/textlines.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/charset.h"

#define RULER_MIN 8

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

void textlines_clear(struct textlines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->lines[i].text);
    free(lines->lines);
    memset(lines, 0, sizeof *lines);
}

/* Octets from RAW to the line's end; SIZE when it has none. *NEXT is behind the end. */
static size_t line_size(const char *raw, size_t size, size_t *next)
{
    size_t at = 0;

    while (at < size && raw[at] != '\r' && raw[at] != '\n')
        at++;
    *next = at;
    if (at < size)
        *next = at + 1 < size && raw[at] == '\r' && raw[at + 1] == '\n' ? at + 2 : at + 1;
    return at;
}

/* RAW (SIZE octets) without NUL octets, as UTF-8. */
static int decode_line(struct textline *line, const char *raw, size_t size, const char *codepage,
                       struct error *err)
{
    char *copy = malloc(size + 1);
    size_t used = 0, length;
    int status;

    if (copy == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a line of text");
    for (size_t i = 0; i < size; i++)
        if (raw[i] != '\0')
            copy[used++] = raw[i];
    copy[used] = '\0';
    line->indent = strspn(copy, " \t");
    status = charset_line(codepage, copy, &line->text, NULL, err);
    free(copy);
    if (status != 0)
        return -1;
    length = strlen(line->text);
    while (length != 0 && line->text[length - 1] == ' ')
        line->text[--length] = '\0';
    return 0;
}

static int split(struct textlines *out, const char *raw, size_t size, const char *codepage,
                 uint64_t offset, struct error *err)
{
    size_t at = 0, next;

    while (at < size && out->count < TEXTLINES_MAX) {
        struct textline *line = &out->lines[out->count];
        size_t length = line_size(raw + at, size - at, &next);

        if (at + length == size && offset + size < out->size)
            return 0;
        if (decode_line(line, raw + at, length, codepage, err) != 0)
            return -1;
        line->start = offset + at;
        line->end = offset + at + next;
        out->count++;
        at += next;
    }
    out->all = offset + at == out->size;
    return 0;
}

int textlines_read(struct textlines *out, const struct content *text, const char *codepage,
                   uint64_t offset, struct error *err)
{
    char *raw;
    uint64_t size;
    int status;

    memset(out, 0, sizeof *out);
    out->size = text != NULL ? content_size(text) : 0;
    if (offset >= out->size) {
        out->all = true;
        return 0;
    }
    size = out->size - offset;
    if (size > TEXTLINES_OCTETS)
        size = TEXTLINES_OCTETS;
    raw = calloc(1, size + 1);
    out->lines = calloc(TEXTLINES_MAX, sizeof *out->lines);
    if (raw == NULL || out->lines == NULL)
        status = error_sys(err, ERROR_SOFT, "4.3.0", "no memory for the lines of a text");
    else if ((status = content_read(text, offset, raw, size, err)) == 0)
        status = split(out, raw, size, codepage, offset, err);
    free(raw);
    if (status != 0)
        textlines_clear(out);
    return status;
}

size_t textlines_skip_blank(const struct textlines *lines, size_t at)
{
    while (at < lines->count && lines->lines[at].text[0] == '\0')
        at++;
    return at;
}

bool textline_ruler(const char *text)
{
    size_t count = 0;
    char mark = '\0';

    for (; *text != '\0'; text++) {
        if (is_blank(*text))
            continue;
        if (strchr("-_=*", *text) == NULL || (mark != '\0' && *text != mark))
            return false;
        mark = *text;
        count++;
    }
    return count >= RULER_MIN;
}

char *text_trimmed(const char *start, const char *end)
{
    while (start < end && is_blank(*start))
        start++;
    while (end > start && is_blank(end[-1]))
        end--;
    return strndup(start, (size_t)(end - start));
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* How much of TEXT is BEGINNING; NULL when it is not. */
static const char *pass_alike(const char *text, const char *beginning)
{
    text += strspn(text, " \t");
    beginning += strspn(beginning, " \t");
    while (*beginning != '\0') {
        if (is_blank(*beginning)) {
            beginning += strspn(beginning, " \t");
            if (*beginning == '\0')
                break;
            if (!is_blank(*text))
                return NULL;
            text += strspn(text, " \t");
        }
        if (fold(*text) != fold(*beginning))
            return NULL;
        text++;
        beginning++;
    }
    return text;
}

bool text_alike(const char *a, const char *b)
{
    const char *rest = pass_alike(a, b);

    return rest != NULL && rest[strspn(rest, " \t")] == '\0';
}

bool text_begins_alike(const char *text, const char *beginning)
{
    return pass_alike(text, beginning) != NULL;
}

/* One to MAX digits; -1 when there are none or more. */
static int number(const char **at, int max)
{
    int value = 0, digits = 0;

    while (**at >= '0' && **at <= '9' && digits <= max) {
        value = 10 * value + (**at - '0');
        (*at)++;
        digits++;
    }
    return digits == 0 || digits > max ? -1 : value;
}

bool text_time(const char *text, struct message_date *out, const char **rest)
{
    const char *at = text + strspn(text, " \t");
    int hour = number(&at, 2), minute;

    if (hour < 0 || *at != ':')
        return false;
    at++;
    minute = number(&at, 2);
    if (minute < 0 || minute > 59 || hour > 23)
        return false;
    *rest = at;
    at += strspn(at, " \t");
    if (strncasecmp(at, "pm", 2) == 0 || strncasecmp(at, "am", 2) == 0) {
        if (hour == 0 || hour > 12)
            return false;
        hour = hour % 12 + (fold(*at) == 'p' ? 12 : 0);
        *rest = at + 2;
    }
    out->hour = hour;
    out->minute = minute;
    return true;
}

/* Two numbers and the year, in the order that YEAR_FIRST or ORDER says. */
static bool assign(struct message_date *date, const int part[3], bool year_first, unsigned order)
{
    int first = part[year_first ? 1 : 0];
    int second = part[year_first ? 2 : 1];
    int year = part[year_first ? 0 : 2];
    bool month_first = year_first || order == DATE_ORDER_MONTH_DAY;

    if (year < 100)
        year += year < 80 ? 2000 : 1900;
    date->year = year;
    date->month = month_first ? first : second;
    date->day = month_first ? second : first;
    return message_date_valid(date);
}

bool text_date(const char *text, unsigned order, struct message_date *out, const char **rest)
{
    struct message_date date = {.set = true};
    const char *at = text + strspn(text, " \t");
    const char *start = at;
    bool year_first;
    int part[3];

    part[0] = number(&at, 4);
    year_first = at - start == 4;
    if (part[0] < 0 || (!year_first && (order == 0 || at - start > 2)))
        return false;
    for (size_t i = 1; i < 3; i++) {
        if (*at == '\0' || strchr("-./", *at) == NULL)
            return false;
        at++;
        part[i] = number(&at, year_first || i == 1 ? 2 : 4);
        if (part[i] < 0)
            return false;
    }
    *rest = at;
    if (is_blank(*at) && !text_time(at, &date, rest))
        *rest = at;
    if (!assign(&date, part, year_first, order))
        return false;
    *out = date;
    return true;
}
