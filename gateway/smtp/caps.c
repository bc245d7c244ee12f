/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "smtp/caps.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void caps_clear(struct caps *caps)
{
    memset(caps, 0, sizeof *caps);
}

/* Appends a word and a blank before it; leaves OUT alone when it does not fit. */
static void add_word(char *out, const char *word, size_t size)
{
    size_t used = strlen(out);

    if (size == 0 || used + 1 + size + 1 > CAPS_TEXT_SIZE)
        return;
    if (used > 0)
        out[used++] = ' ';
    memcpy(out + used, word, size);
    out[used + size] = '\0';
}

static void add_words(char *out, const char *text, size_t size)
{
    size_t at = 0;

    while (at < size) {
        size_t word = strcspn(text + at, " \n");

        add_word(out, text + at, word);
        at += word + 1;
    }
}

/* A limit that is no number, or too large for one, is none. */
static uint64_t read_size(const char *text)
{
    unsigned long long value;

    if (!isdigit((unsigned char)*text))
        return 0;
    errno = 0;
    value = strtoull(text, NULL, 10);
    return errno == 0 ? value : 0;
}

static bool is_keyword(const char *line, size_t size, const char *keyword)
{
    return size == strlen(keyword) && strncasecmp(line, keyword, size) == 0;
}

static void read_line(struct caps *caps, const char *line, size_t size)
{
    size_t word = strcspn(line, " =\n");
    const char *rest = word < size ? line + word + 1 : line + size;

    add_word(caps->keywords, line, word);
    if (is_keyword(line, word, "STARTTLS"))
        caps->starttls = true;
    else if (is_keyword(line, word, "PIPELINING"))
        caps->pipelining = true;
    else if (is_keyword(line, word, "8BITMIME"))
        caps->eight_bit = true;
    else if (is_keyword(line, word, "DSN"))
        caps->dsn = true;
    else if (is_keyword(line, word, "CHUNKING"))
        caps->chunking = true;
    else if (is_keyword(line, word, "AUTH"))
        add_words(caps->mechanisms, rest, (size_t)(line + size - rest));
    else if (is_keyword(line, word, "SIZE")) {
        caps->size = true;
        caps->size_limit = read_size(rest);
    }
}

void caps_read(struct caps *caps, const struct reply *reply)
{
    const char *line = strchr(buf_text(&reply->text), '\n');

    caps_clear(caps);
    while (line != NULL) {
        size_t size = strcspn(++line, "\n");

        read_line(caps, line, size);
        line = line[size] == '\n' ? line + size : NULL;
    }
}
