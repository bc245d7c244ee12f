/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer: the first octet chooses a code page; the rest is a text, a line, and the name and the
 * content of attachments. What comes of it must be UTF-8, whole, and what the headers promise. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "message/attachment.h"
#include "message/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const pages[] = {"CP437", "CP850", "CP864", "CP874",  "CP932",
                                    "CP936", "CP949", "CP950", "CP1252", "CP1255"};

static void must(bool so)
{
    if (!so)
        abort();
}

static void check_name(const char *page, const char *text)
{
    struct attachment_names *names = attachment_names_new();
    struct error err;
    char *name, *again, *once;
    size_t bad = 0;

    must(attachment_name(page, text, NULL, &name, &bad, &err) == 0);
    must(g_utf8_validate(name, -1, NULL) && name[0] != '\0' && name[0] != '.');
    must(strlen(name) <= ATTACHMENT_NAME_OCTETS && strpbrk(name, "/\\:\r\n\"<>|?*") == NULL);
    must(attachment_name(page, "", name, &again, &bad, &err) == 0);
    must(strcmp(name, again) == 0);
    free(again);
    once = attachment_names_take(names, name);
    again = attachment_names_take(names, name);
    must(once != NULL && again != NULL && strcmp(once, name) == 0 && strcmp(once, again) != 0);
    must(strlen(again) <= ATTACHMENT_NAME_OCTETS && g_utf8_validate(again, -1, NULL));
    free(once);
    free(again);
    free(name);
    attachment_names_free(names);
}

static void check_line(const char *page, const char *text)
{
    struct error err;
    char *line;

    must(charset_line(page, text, &line, NULL, &err) == 0);
    must(g_utf8_validate(line, -1, NULL) && strpbrk(line, "\r\n\t\x1A\x1B\x7F") == NULL);
    free(line);
}

static void check_text(const char *page, const struct content *text)
{
    struct content *utf8, *latin1;
    struct charset_facts facts;
    struct error err;
    char *octets;
    size_t size;

    must(charset_text(page, text, "/tmp", &utf8, &facts, &err) == 0);
    size = (size_t)content_size(utf8);
    octets = malloc(size + 1);
    must(octets != NULL && content_read(utf8, 0, octets, size, &err) == 0);
    must(g_utf8_validate(octets, (gssize)size, NULL) && memchr(octets, '\r', size) == NULL);
    must((charset_to_latin1(utf8, "/tmp", &latin1, &err) == 0) == facts.latin1);
    if (facts.latin1)
        content_free(latin1);
    free(octets);
    content_free(utf8);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char type[ATTACHMENT_TYPE_SIZE], *text;
    const char *page;
    struct content *content;
    struct error err;

    if (size == 0)
        return 0;
    page = pages[data[0] % (sizeof pages / sizeof pages[0])];
    text = g_strndup((const char *)data + 1, size - 1);
    must(content_from_bytes(&content, data + 1, size - 1, &err) == 0);
    check_name(page, text);
    check_line(page, text);
    check_text(page, content);
    must(attachment_type(text[0] != '\0' ? "A.GIF" : "A", content, type, &err) == 0);
    content_free(content);
    g_free(text);
    return 0;
}
