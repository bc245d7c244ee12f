/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/map.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/file.h"
#include "message/address.h"
#include "message/map-key.h"

#define FIELDS 6
#define ALIAS_DEPTH 8 /* an alias of an alias of ... */

struct map {
    uint8_t *data;      /* the file; line ends and TABs became NULs, entries point into it */
    GPtrArray *entries; /* of struct map_entry, in the order of the file */
    GHashTable *index;  /* key -> struct map_entry */
    GPtrArray *rules;   /* of struct map_rule, in the order of the file */
    GHashTable *ruled;  /* "NET/PO" -> the first struct map_rule of it */
};

/* An entry while the map is read, and after it. */
struct owned_entry {
    struct map_entry entry; /* first: the array holds its address */
    const char *target;     /* of an alias, until it is resolved */
};

struct map_load {
    struct map *map;
    const char *path;
    map_problem *problem;
    void *context;
    struct error *err;
    unsigned line;
    unsigned problems;
};

/* Notes a problem of the present line; the first one becomes the error of the load. Returns -1. */
static int complain(struct map_load *load, const char *format, ...) PRINTF_LIKE(2, 3);

static int complain(struct map_load *load, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    if (load->problems++ == 0)
        error_set(load->err, ERROR_SETUP, "", "%s line %u: %s", load->path, load->line, text);
    if (load->problem != NULL)
        load->problem(load->context, load->line, text);
    g_free(text);
    return -1;
}

static char *trim(char *text)
{
    size_t size;

    text += strspn(text, " ");
    size = strlen(text);
    while (size > 0 && text[size - 1] == ' ')
        text[--size] = '\0';
    return text;
}

/* Cuts LINE at its TABs; missing fields are "". */
static int split(struct map_load *load, char *line, char *fields[FIELDS])
{
    static char none[] = "";
    size_t count, i;

    for (i = 0; i < FIELDS; i++)
        fields[i] = none;
    for (count = 0; line != NULL && count < FIELDS; count++) {
        char *next = strchr(line, '\t');
        if (next != NULL)
            *next++ = '\0';
        fields[count] = trim(line);
        line = next;
    }
    if (line != NULL)
        return complain(load, "more than %d TAB separated fields", FIELDS);
    if (count < 2)
        return complain(load, "needs at least NET/PO/USER, a TAB and an SMTP address");
    return 0;
}

/* ISO 8601 with a zone, or a date alone. */
static bool is_time(const char *text)
{
    char *with_time = g_strconcat(text, strchr(text, 'T') != NULL ? "" : "T00:00:00Z", NULL);
    GDateTime *time = g_date_time_new_from_iso8601(with_time, NULL);

    g_free(with_time);
    if (time == NULL)
        return false;
    g_date_time_unref(time);
    return true;
}

static int check_fields(struct map_load *load, char *fields[FIELDS], bool *active)
{
    if (fields[2][0] != '\0' && !is_time(fields[2]))
        return complain(load,
                        "migrated_at \"%.40s\" is not a time such as 1997-03-01T08:00:00+01:00",
                        fields[2]);
    *active = g_ascii_strcasecmp(fields[3], "pending") != 0;
    if (*active && fields[3][0] != '\0' && g_ascii_strcasecmp(fields[3], "active") != 0)
        return complain(load, "unknown state \"%.40s\"; it is \"active\" or \"pending\"",
                        fields[3]);
    return 0;
}

/* What the second field is: an SMTP address, or the old address that an alias stands for. */
static int check_value(struct map_load *load, char *value, const char **target)
{
    char why[MAP_WHY_SIZE];

    *target = NULL;
    if (address_smtp_valid(value))
        return 0;
    if (strchr(value, '/') == NULL && strchr(value, ':') == NULL)
        return complain(load, "\"%.80s\" is not an SMTP address", value);
    *target = address_native(value);
    if (map_key_check(*target, why) != 0)
        return complain(load, "\"%.80s\" is not an SMTP address, nor an address of MS Mail: %s",
                        value, why);
    return 0;
}

static int add_entry(struct map_load *load, char *key, const struct owned_entry *entry)
{
    const struct map_entry *old = map_find(load->map, key);
    struct owned_entry *copy;

    if (old != NULL)
        return complain(load, "\"%.60s\" is already in line %u", key, old->line);
    copy = g_new(struct owned_entry, 1);
    *copy = *entry;
    g_ptr_array_add(load->map->entries, copy);
    g_hash_table_insert(load->map->index, key, copy);
    return 0;
}

/* Rules of one postoffice are tried in the order of the file (Q111840). */
static int add_rule(struct map_load *load, char *key, const char *pattern, bool active)
{
    struct map_rule *rule, *last;
    char why[MAP_WHY_SIZE];

    if (map_key_check(key, why) != 0 || map_pattern_check(pattern, why) != 0)
        return complain(load, "%s", why);
    *strrchr(key, '/') = '\0';
    rule = g_new0(struct map_rule, 1);
    rule->postoffice = key;
    rule->pattern = pattern;
    rule->active = active;
    rule->line = load->line;
    g_ptr_array_add(load->map->rules, rule);
    last = g_hash_table_lookup(load->map->ruled, key);
    if (last == NULL) {
        g_hash_table_insert(load->map->ruled, key, rule);
        return 0;
    }
    while (last->next != NULL)
        last = last->next;
    last->next = rule;
    return 0;
}

static int load_fields(struct map_load *load, char *fields[FIELDS])
{
    char *key = fields[0] + (address_native(fields[0]) - fields[0]);
    struct owned_entry owned = {.entry = {.key = key, .smtp = fields[1], .display = fields[4]}};
    struct map_entry *entry = &owned.entry;
    char why[MAP_WHY_SIZE];

    entry->line = load->line;
    if (check_fields(load, fields, &entry->active) != 0)
        return -1;
    if (map_key_is_rule(key))
        return add_rule(load, key, fields[1], entry->active);
    if (map_key_check(key, why) != 0)
        return complain(load, "%s", why);
    if (check_value(load, fields[1], &owned.target) != 0)
        return -1;
    return add_entry(load, key, &owned);
}

static int load_line(struct map_load *load, char *line, size_t size)
{
    char *fields[FIELDS];
    size_t i;

    if (size > 0 && line[size - 1] == '\r')
        line[--size] = '\0';
    for (i = 0; i < size; i++)
        if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7F)
            return complain(load, "control character 0x%02X at column %zu", (unsigned char)line[i],
                            i + 1);
    if (!g_utf8_validate(line, (gssize)size, NULL))
        return complain(load, "is not UTF-8");
    if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
        return 0;
    if (split(load, line, fields) != 0)
        return -1;
    return load_fields(load, fields);
}

/* Gives an alias what its user has. All targets are there now, or never. */
static int resolve_alias(struct map_load *load, struct owned_entry *alias)
{
    struct owned_entry *target = alias;
    unsigned depth;

    load->line = alias->entry.line;
    for (depth = 0; target != NULL && target->target != NULL && depth <= ALIAS_DEPTH; depth++)
        target = g_hash_table_lookup(load->map->index, target->target);
    if (target == NULL)
        return complain(load, "\"%.60s\" stands for \"%.60s\", which is not in the map",
                        alias->entry.key, alias->target);
    if (target->target != NULL)
        return complain(load,
                        "\"%.60s\" stands for \"%.60s\", which leads back to it or through more "
                        "than %d aliases",
                        alias->entry.key, alias->target, ALIAS_DEPTH);
    alias->entry.user = &target->entry;
    alias->entry.next = target->entry.next;
    target->entry.next = &alias->entry;
    alias->entry.smtp = target->entry.smtp;
    if (alias->entry.display[0] == '\0')
        alias->entry.display = target->entry.display;
    alias->entry.active = alias->entry.active && target->entry.active;
    return 0;
}

static void resolve_aliases(struct map_load *load)
{
    for (guint i = 0; i < load->map->entries->len; i++) {
        struct owned_entry *entry = g_ptr_array_index(load->map->entries, i);

        if (entry->target != NULL && resolve_alias(load, entry) != 0 && load->problem == NULL)
            return;
    }
}

static int load_lines(struct map_load *load, size_t size)
{
    char *text = (char *)load->map->data;
    char *end = text + size;

    if (size >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    while (text < end) {
        char *next = memchr(text, '\n', (size_t)(end - text));
        size_t length = (size_t)((next != NULL ? next : end) - text);

        text[length] = '\0'; /* file_read_all leaves one octet behind the last */
        load->line++;
        if (load_line(load, text, length) != 0 && load->problem == NULL)
            break;
        text += length + 1;
    }
    if (load->problems == 0 || load->problem != NULL)
        resolve_aliases(load);
    return load->problems == 0 ? 0 : -1;
}

static int read_whole(const char *path, uint8_t **data, size_t *size, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    int status = -1;

    if (fd < 0)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot open the address map", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        error_set(err, ERROR_SETUP, "", "%s: the address map is not a regular file", path);
    else
        status = file_read_all(fd, path, MAP_MAX_FILE, data, size, err);
    if (status != 0 && err != NULL)
        err->class = ERROR_SETUP;
    close(fd);
    return status;
}

int map_load(struct map **out, const char *path, map_problem *problem, void *context,
             struct error *err)
{
    struct error first;
    struct map_load load = {.path = path, .problem = problem, .context = context, .err = &first};
    uint8_t *data = NULL;
    size_t size = 0;

    error_clear(&first);
    if (read_whole(path, &data, &size, &first) != 0) {
        if (problem != NULL)
            problem(context, 0, first.text);
        goto fail;
    }
    load.map = g_new0(struct map, 1);
    load.map->data = data;
    load.map->entries = g_ptr_array_new_with_free_func(g_free);
    load.map->index = g_hash_table_new(map_key_hash, map_key_equal);
    load.map->rules = g_ptr_array_new_with_free_func(g_free);
    load.map->ruled = g_hash_table_new(map_key_hash, map_key_equal);
    if (load_lines(&load, size) == 0) {
        *out = load.map;
        return 0;
    }
    map_free(load.map);
fail:
    if (err != NULL)
        *err = first;
    return -1;
}

void map_free(struct map *map)
{
    if (map == NULL)
        return;
    g_hash_table_destroy(map->index);
    g_hash_table_destroy(map->ruled);
    g_ptr_array_free(map->rules, TRUE);
    g_ptr_array_free(map->entries, TRUE);
    free(map->data);
    g_free(map);
}

size_t map_size(const struct map *map)
{
    return map->entries->len;
}

const struct map_entry *map_at(const struct map *map, size_t index)
{
    return g_ptr_array_index(map->entries, index);
}

const struct map_entry *map_find(const struct map *map, const char *address)
{
    return g_hash_table_lookup(map->index, address);
}

size_t map_rule_count(const struct map *map)
{
    return map->rules->len;
}

const struct map_rule *map_rule_at(const struct map *map, size_t index)
{
    return g_ptr_array_index(map->rules, index);
}

bool map_rule_apply(const struct map *map, const char *address, char *out, size_t size)
{
    const struct map_rule *rule;
    const char *slash = strrchr(address, '/');
    char *postoffice;

    if (slash == NULL || g_hash_table_size(map->ruled) == 0)
        return false;
    postoffice = g_strndup(address, (gsize)(slash - address));
    rule = g_hash_table_lookup(map->ruled, postoffice);
    g_free(postoffice);
    for (; rule != NULL; rule = rule->next)
        if (rule->active && map_pattern_expand(rule->pattern, address, out, size))
            return true;
    return false;
}
