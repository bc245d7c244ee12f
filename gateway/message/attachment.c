/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/attachment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "message/charset.h"

#define SUFFIX_SIZE 16   /* "-4096" */
#define EXTENSION_MAX 32 /* octets of what counts as an extension */

/* Marks that turn the direction of writing, so that "gpj.exe" looks like "exe.jpg", and others that
 * are not seen: they are of no use in a name. */
static bool is_hidden(gunichar c)
{
    return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD || c == 0x61C ||
           (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
           (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}

/* The text with what may stay of it. g_free. */
static GString *kept_characters(const char *utf8)
{
    GString *kept = g_string_new(NULL);

    for (; *utf8 != '\0'; utf8 = g_utf8_find_next_char(utf8, NULL)) {
        gunichar c = g_utf8_get_char(utf8);

        if (is_hidden(c))
            continue;
        if (c < 0x80 && strchr("<>:\"|?*", (int)c) != NULL)
            c = '_';
        g_string_append_unichar(kept, c);
    }
    return kept;
}

static const char *last_part(const char *name)
{
    const char *at;

    if (g_ascii_isalpha(name[0]) && name[1] == ':')
        name += 2;
    for (at = name; *at != '\0'; at++)
        if (*at == '/' || *at == '\\')
            name = at + 1;
    return name;
}

/* Files whose names begin with a dot are hidden on some systems, and dots and blanks at the end are
 * cut off on others. */
static void trim(GString *name)
{
    size_t end = name->len;

    while (end > 0 && (name->str[end - 1] == ' ' || name->str[end - 1] == '.'))
        end--;
    g_string_truncate(name, end);
    g_string_erase(name, 0, (gssize)strspn(name->str, " ."));
}

/* Where the extension with its dot begins; the end when there is none. */
static const char *extension_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    size_t size = strlen(name);

    if (dot == NULL || dot == name || dot[1] == '\0' || strlen(dot) > EXTENSION_MAX)
        return name + size;
    return dot;
}

/* "AUX", "com1.txt": opening such a file opens a device on DOS and Windows. */
static bool is_device(const char *name)
{
    static const char *const devices[] = {"CON",    "PRN",    "AUX",    "NUL",
                                          "CLOCK$", "CONIN$", "CONOUT$"};
    size_t size = strcspn(name, ".");
    size_t i;

    while (size > 0 && name[size - 1] == ' ')
        size--;
    for (i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (strlen(devices[i]) == size && g_ascii_strncasecmp(name, devices[i], size) == 0)
            return true;
    return size == 4 && name[3] >= '0' && name[3] <= '9' &&
           (g_ascii_strncasecmp(name, "COM", 3) == 0 || g_ascii_strncasecmp(name, "LPT", 3) == 0);
}

/* At most MAX octets of SIZE, and no half character. */
static size_t whole_characters(const char *text, size_t size, size_t max)
{
    if (size <= max)
        return size;
    while (max > 0 && ((guchar)text[max] & 0xC0) == 0x80)
        max--;
    return max;
}

/* STEM, SUFFIX and EXTENSION in at most ATTACHMENT_NAME_OCTETS: the stem is cut. g_free. */
static char *put_together(const char *name, const char *suffix)
{
    const char *extension = extension_of(name);
    size_t room = ATTACHMENT_NAME_OCTETS - strlen(suffix) - strlen(extension);
    size_t stem = whole_characters(name, (size_t)(extension - name), room);

    /* the cut may have come behind a dot or a blank, which must not be the end */
    while (extension[0] == '\0' && stem > 1 && (name[stem - 1] == ' ' || name[stem - 1] == '.'))
        stem--;
    return g_strdup_printf("%.*s%s%s", (int)stem, name, suffix, extension);
}

/* UTF8 as a name; NULL when nothing is left. g_free. */
static char *clean_name(const char *utf8)
{
    GString *name;
    char *out = NULL;

    if (!g_utf8_validate(utf8, -1, NULL))
        return NULL;
    name = kept_characters(last_part(utf8));
    trim(name);
    if (is_device(name->str))
        g_string_prepend_c(name, '_');
    if (name->len != 0)
        out = put_together(name->str, "");
    g_string_free(name, TRUE);
    return out;
}

/* RAW without its control octets; they are in no character of any code page. g_free. */
static char *without_controls(const char *raw)
{
    GString *kept = g_string_new(NULL);

    for (; *raw != '\0'; raw++)
        if ((guchar)*raw >= 0x20 && *raw != 0x7F)
            g_string_append_c(kept, *raw);
    return g_string_free(kept, FALSE);
}

static char *from_glib(char *text)
{
    char *copy = text != NULL ? strdup(text) : NULL;

    g_free(text);
    return copy;
}

int attachment_name(const char *codepage, const char *raw, const char *long_name, char **out,
                    size_t *bad, struct error *err)
{
    char *name = long_name != NULL ? clean_name(long_name) : NULL;
    char *kept, *line;
    int status;

    if (name == NULL) {
        kept = without_controls(raw);
        status = charset_line(codepage, kept, &line, bad, err);
        g_free(kept);
        if (status != 0)
            return -1;
        name = clean_name(line);
        free(line);
    }
    *out = name != NULL ? from_glib(name) : strdup(ATTACHMENT_NO_NAME);
    return *out != NULL ? 0 : error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a name");
}

/* ---- names that are given once ---- */

struct attachment_names {
    GHashTable *next; /* case folded, to the number to be tried next */
};

struct attachment_names *attachment_names_new(void)
{
    struct attachment_names *names = g_new0(struct attachment_names, 1);

    names->next = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return names;
}

void attachment_names_free(struct attachment_names *names)
{
    if (names == NULL)
        return;
    g_hash_table_destroy(names->next);
    g_free(names);
}

/* 0 and NAME is taken, or the number that may make another one of it. */
static unsigned take(struct attachment_names *names, const char *name)
{
    char *folded = g_utf8_casefold(name, -1);
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(names->next, folded));

    /* NOLINTNEXTLINE(performance-no-int-to-ptr): GLib's way to keep numbers */
    g_hash_table_insert(names->next, folded, GUINT_TO_POINTER(number != 0 ? number + 1 : 2));
    return number;
}

char *attachment_names_take(struct attachment_names *names, const char *name)
{
    char suffix[SUFFIX_SIZE], *other;
    unsigned number;

    while ((number = take(names, name)) != 0) {
        snprintf(suffix, sizeof suffix, "-%u", number);
        other = put_together(name, suffix);
        if (take(names, other) == 0)
            return from_glib(other);
        g_free(other);
    }
    return strdup(name);
}
