/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "base/file.h"
#include "message/address.h"
#include "message/map-key.h"

#define DISPLAY_MAX 255 /* characters */

struct line {
    char *key;
    char *value; /* SMTP address, or the key that an alias stands for */
    char *display;
    char *where;
    bool alias;
};

struct import {
    const char *const *routed;
    size_t routed_count;
    GPtrArray *lines;  /* of struct line */
    GHashTable *index; /* key -> struct line */
    GPtrArray *rules;  /* of struct line */
    GPtrArray *refusals;
    size_t others;
    bool problem;
};

static void line_free(void *data)
{
    struct line *line = data;

    g_free(line->key);
    g_free(line->value);
    g_free(line->display);
    g_free(line->where);
    g_free(line);
}

/* What is shown to others as constant is ours. */
static void text_free(const char *text)
{
    char *mine;

    memcpy(&mine, &text, sizeof mine);
    g_free(mine);
}

static void refusal_free(void *data)
{
    struct import_refusal *refusal = data;

    text_free(refusal->where);
    text_free(refusal->why);
    g_free(refusal);
}

struct import *import_new(const char *const *routed, size_t routed_count)
{
    struct import *import = g_new0(struct import, 1);

    import->routed = routed;
    import->routed_count = routed_count;
    import->lines = g_ptr_array_new_with_free_func(line_free);
    import->rules = g_ptr_array_new_with_free_func(line_free);
    import->refusals = g_ptr_array_new_with_free_func(refusal_free);
    import->index = g_hash_table_new(map_key_hash, map_key_equal);
    return import;
}

void import_free(struct import *import)
{
    if (import == NULL)
        return;
    g_hash_table_destroy(import->index);
    g_ptr_array_free(import->lines, TRUE);
    g_ptr_array_free(import->rules, TRUE);
    g_ptr_array_free(import->refusals, TRUE);
    g_free(import);
}

/* Valid UTF-8 without controls, blanks at the ends and more than DISPLAY_MAX characters. g_free. */
static char *clean(const char *text)
{
    char *valid = g_utf8_make_valid(text, -1), *at;

    for (at = valid; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            *at = ' ';
    g_strstrip(valid);
    if (g_utf8_strlen(valid, -1) > DISPLAY_MAX)
        *g_utf8_offset_to_pointer(valid, DISPLAY_MAX) = '\0';
    return g_strchomp(valid);
}

void import_refuse(struct import *import, const char *where, bool benign, const char *format, ...)
{
    struct import_refusal *refusal = g_new(struct import_refusal, 1);
    va_list args;
    char *why;

    va_start(args, format);
    why = g_strdup_vprintf(format, args);
    va_end(args);
    refusal->where = clean(where);
    refusal->why = g_utf8_make_valid(why, -1);
    refusal->benign = benign;
    import->problem = import->problem || !benign;
    g_free(why);
    g_ptr_array_add(import->refusals, refusal);
}

static const char *domain_of(const char *smtp)
{
    const char *at = strrchr(smtp, '@');

    return at != NULL ? at + 1 : "";
}

static bool is_routed(const struct import *import, const char *smtp)
{
    for (size_t i = 0; i < import->routed_count; i++)
        if (g_ascii_strcasecmp(import->routed[i], domain_of(smtp)) == 0)
            return true;
    return false;
}

/* Whether KEY can be a line: of a user, native, and new. */
static bool key_fits(struct import *import, const char *where, const char *key)
{
    const struct line *old = g_hash_table_lookup(import->index, key);
    char why[MAP_WHY_SIZE], type[MAP_PART_MAX + 1];
    const char *value;

    if (map_key_check(key, why) != 0)
        import_refuse(import, where, false, "%s", why);
    else if (address_typed(key, type, sizeof type, &value) || map_key_is_rule(key))
        import_refuse(import, where, false, "\"%.60s\" is not of the form NET/PO/USER", key);
    else if (old != NULL)
        import_refuse(import, where, false, "\"%s\" belongs to %s already", key, old->where);
    else
        return true;
    return false;
}

static bool add(struct import *import, const char *where, const char *key, const char *value,
                const char *display)
{
    char *trimmed = g_strstrip(g_strdup(key));
    struct line *line;

    if (!key_fits(import, where, trimmed)) {
        g_free(trimmed);
        return false;
    }
    line = g_new0(struct line, 1);
    line->key = trimmed;
    line->value = g_strdup(value);
    line->display = clean(display != NULL ? display : "");
    line->where = clean(where);
    g_ptr_array_add(import->lines, line);
    g_hash_table_insert(import->index, line->key, line);
    return true;
}

static struct line *line_last(const struct import *import)
{
    return g_ptr_array_index(import->lines, import->lines->len - 1);
}

static bool add_alias(struct import *import, const char *where, const char *key, const char *user)
{
    if (!add(import, where, key, user, ""))
        return false;
    line_last(import)->alias = true;
    return true;
}

/* Whether SMTP may be somebody's address here. */
static bool smtp_fits(struct import *import, const char *where, const char *smtp)
{
    if (smtp == NULL || smtp[0] == '\0') {
        import_refuse(import, where, false, "has no SMTP address");
    } else if (!address_smtp_valid(smtp)) {
        import_refuse(import, where, false, "\"%.80s\" is not an SMTP address", smtp);
    } else if (is_routed(import, smtp)) {
        import_refuse(import, where, false,
                      "mail for \"%.80s\" would come back: %s is routed to MS Mail", smtp,
                      domain_of(smtp));
    } else {
        return true;
    }
    return false;
}

void import_line(struct import *import, const char *where, const char *key, const char *smtp,
                 const char *display)
{
    if (smtp_fits(import, where, smtp))
        add(import, where, key, smtp, display);
}

/* The native address in a proxy value, or NULL. */
static const char *native_value(const char *value)
{
    if (g_ascii_strncasecmp(value, "MIGRATE:", 8) == 0)
        value += 8;
    return g_ascii_strncasecmp(value, "MS:", 3) == 0 ? value + 3 : NULL;
}

static int compare_keys(const void *a, const void *b)
{
    const char *const *left = a, *const *right = b;

    return g_ascii_strcasecmp(*left, *right);
}

/* The keys of PERSON, each once, sorted; the array is for g_free. */
static const char **keys_of(const struct import_person *person, size_t *count)
{
    const char **keys = g_new(const char *, person->value_count + 1);
    size_t found = 0, kept = 0;

    for (size_t i = 0; i < person->value_count; i++) {
        const char *key = native_value(person->values[i]);
        if (key != NULL)
            keys[found++] = key;
    }
    qsort(keys, found, sizeof *keys, compare_keys);
    for (size_t i = 0; i < found; i++)
        if (kept == 0 || g_ascii_strcasecmp(keys[kept - 1], keys[i]) != 0)
            keys[kept++] = keys[i];
    *count = kept;
    return keys;
}

/* "SMTP:" in upper case is the address that replies go to (Q153028); else the mail attribute. */
static const char *primary_of(const struct import_person *person)
{
    const char *secondary = NULL;

    for (size_t i = 0; i < person->value_count; i++) {
        const char *value = person->values[i];

        if (strncmp(value, "SMTP:", 5) == 0)
            return value + 5;
        if (secondary == NULL && g_ascii_strncasecmp(value, "smtp:", 5) == 0)
            secondary = value + 5;
    }
    return person->mail != NULL && person->mail[0] != '\0' ? person->mail : secondary;
}

/* False after a refusal: his mail does not end in Exchange. */
static bool has_moved(struct import *import, const struct import_person *person)
{
    const char *target = person->target != NULL ? person->target : "";

    if (native_value(target) != NULL) {
        import_refuse(import, person->where, true, "not migrated: its target is %.80s", target);
    } else if (!person->mailbox && target[0] == '\0') {
        import_refuse(import, person->where, true, "not migrated: it has no mailbox");
    } else if (g_ascii_strncasecmp(target, "SMTP:", 5) == 0 && is_routed(import, target)) {
        import_refuse(import, person->where, false,
                      "its target %.80s would come back: %s is routed to MS Mail", target,
                      domain_of(target));
    } else {
        return true;
    }
    return false;
}

void import_person(struct import *import, const struct import_person *person)
{
    const char *smtp = primary_of(person), *first = NULL, **keys;
    size_t count;

    keys = keys_of(person, &count);
    if (count == 0)
        import->others++;
    else if (import->lines->len >= IMPORT_MAX_PEOPLE)
        import_refuse(import, person->where, false, "there are more than %d addresses",
                      IMPORT_MAX_PEOPLE);
    else if (has_moved(import, person) && smtp_fits(import, person->where, smtp)) {
        for (size_t i = 0; i < count; i++) {
            bool added = first == NULL ? add(import, person->where, keys[i], smtp, person->display)
                                       : add_alias(import, person->where, keys[i], first);
            if (added && first == NULL)
                first = line_last(import)->key;
        }
    }
    g_free(keys);
}

void import_rule(struct import *import, const char *where, const char *postoffice,
                 const char *pattern)
{
    char *key = g_strconcat(postoffice, "/*", NULL), why[MAP_WHY_SIZE];
    struct line *line;

    if (!map_key_is_rule(key))
        snprintf(why, sizeof why, "\"%.60s\" is not of the form NET/PO", postoffice);
    if (!map_key_is_rule(key) || map_key_check(key, why) != 0 ||
        map_pattern_check(pattern, why) != 0) {
        import_refuse(import, where, false, "%s", why);
        g_free(key);
        return;
    }
    line = g_new0(struct line, 1);
    line->key = key;
    line->value = g_strdup(pattern);
    g_ptr_array_add(import->rules, line);
}

size_t import_refusals(const struct import *import)
{
    return import->refusals->len;
}

const struct import_refusal *import_refusal_at(const struct import *import, size_t index)
{
    return g_ptr_array_index(import->refusals, index);
}

size_t import_lines(const struct import *import)
{
    return (size_t)import->lines->len + import->rules->len;
}

size_t import_others(const struct import *import)
{
    return import->others;
}

bool import_has_problem(const struct import *import)
{
    return import->problem;
}

/* ---- the file ---- */

static int compare_lines(const void *a, const void *b)
{
    const struct line *const *left = a, *const *right = b;

    return g_ascii_strcasecmp((*left)->key, (*right)->key);
}

static void put_line(GString *out, const struct line *line)
{
    /* A '#' would begin a comment; an alias must not look like an SMTP address. */
    bool native = line->alias && address_smtp_valid(line->value);

    g_string_append_printf(out, "%s%s\t%s%s", line->key[0] == '#' ? "MS:" : "", line->key,
                           native ? "MS:" : "", line->value);
    if (line->display != NULL && line->display[0] != '\0')
        g_string_append_printf(out, "\t\t\t%s", line->display);
    g_string_append_c(out, '\n');
}

void import_text(const struct import *import, const char *source, char **out, size_t *size)
{
    GString *text = g_string_new(NULL);
    char *comment = clean(source);
    struct line **sorted = g_new(struct line *, import->lines->len + 1);

    g_string_append_printf(text, "# %s\n# address\tsmtp\tmigrated_at\tstate\tdisplay\n", comment);
    for (guint i = 0; i < import->lines->len; i++)
        sorted[i] = g_ptr_array_index(import->lines, i);
    qsort(sorted, import->lines->len, sizeof(struct line *), compare_lines);
    for (guint i = 0; i < import->lines->len; i++)
        put_line(text, sorted[i]);
    for (guint i = 0; i < import->rules->len; i++)
        put_line(text, g_ptr_array_index(import->rules, i));
    g_free(sorted);
    g_free(comment);
    *size = text->len;
    *out = g_string_free(text, FALSE);
}

void import_text_free(char *text)
{
    g_free(text);
}

static int fill_file(int fd, const char *name, const char *path, const char *text, size_t size,
                     struct error *err)
{
    struct stat old;
    mode_t mode = stat(path, &old) == 0 ? old.st_mode & 0777 : 0644;

    if (file_write_all(fd, name, text, size, err) != 0)
        return -1;
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot write the map", name);
    if (rename(name, path) != 0)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot put the new map there", path);
    return 0;
}

int import_write(const char *path, const char *text, size_t size, struct error *err)
{
    char *name = g_strconcat(path, ".XXXXXX", NULL), *directory = g_path_get_dirname(path);
    int fd = mkostemp(name, O_CLOEXEC), status = -1, folder;

    if (fd < 0) {
        error_sys(err, ERROR_SETUP, "", "%s: cannot make a file beside it", path);
    } else {
        status = fill_file(fd, name, path, text, size, err);
        if (status != 0)
            unlink(name);
        close(fd);
    }
    folder = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder >= 0) {
        if (status == 0 && fsync(folder) != 0 && errno != EINVAL)
            status = error_sys(err, ERROR_SETUP, "", "%s: cannot sync the directory", directory);
        close(folder);
    }
    g_free(directory);
    g_free(name);
    return status;
}
