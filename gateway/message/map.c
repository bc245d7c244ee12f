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

#define FIELDS 6
#define PART_MAX 10 /* characters of a network, postoffice or mailbox name (Q116466) */
#define MAP_MAX_KEY 4096

struct map {
    uint8_t *data;      /* the file; line ends and TABs became NULs, entries point into it */
    GPtrArray *entries; /* of struct map_entry, in the order of the file */
    GHashTable *index;  /* key -> struct map_entry */
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

/* Network names that gateways own (Q175978). */
static bool is_reserved(const char *network)
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

static int check_native(struct map_load *load, const char *key)
{
    const char *part = key;
    char network[PART_MAX + 1];
    size_t i;

    for (i = 0; i < 3; i++) {
        size_t size = strcspn(part, "/");
        if (size == 0 || (part[size] == '/') != (i < 2))
            return complain(load, "\"%.60s\" is not of the form NET/PO/USER", key);
        if (size > PART_MAX)
            return complain(load, "\"%.*s\" in \"%.60s\" is longer than %d characters",
                            (int)MIN(size, 40), part, key, PART_MAX);
        if (i == 0)
            snprintf(network, sizeof network, "%.*s", (int)size, part);
        if (i < 2)
            part += size + 1;
    }
    if (is_reserved(network))
        return complain(load, "\"%s\" is a network name reserved for gateways", network);
    if (g_ascii_strcasecmp(part, "$SYSTEM") == 0 || g_ascii_strcasecmp(part, "*SPECIAL") == 0)
        return complain(load, "\"%s\" is a mailbox of the system and cannot move", part);
    return 0;
}

static int check_key(struct map_load *load, const char *key)
{
    char type[64];
    const char *value;
    size_t i;

    for (i = 0; key[i] != '\0'; i++)
        if (key[i] < 0x20 || key[i] > 0x7E)
            return complain(load, "names of MS Mail are 7-bit ASCII; \"%.60s\" is not", key);
    if (i > MAP_MAX_KEY)
        return complain(load, "the key is longer than %d octets", MAP_MAX_KEY);
    if (!address_typed(key, type, sizeof type, &value))
        return check_native(load, key);
    return *value != '\0' ? 0 : complain(load, "\"%.60s\" has a type but no address", key);
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
    if (!address_smtp_valid(fields[1]))
        return complain(load, "\"%.80s\" is not an SMTP address", fields[1]);
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

static int add_entry(struct map_load *load, char *key, const struct map_entry *entry)
{
    const struct map_entry *old = map_find(load->map, key);
    struct map_entry *copy;

    if (old != NULL)
        return complain(load, "\"%.60s\" is already in line %u", key, old->line);
    copy = g_new(struct map_entry, 1);
    *copy = *entry;
    g_ptr_array_add(load->map->entries, copy);
    g_hash_table_insert(load->map->index, key, copy);
    return 0;
}

static int load_line(struct map_load *load, char *line, size_t size)
{
    char *fields[FIELDS];
    struct map_entry entry;
    char *key;
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
    key = fields[0] + (address_native(fields[0]) - fields[0]);
    entry.key = key;
    entry.smtp = fields[1];
    entry.display = fields[4];
    entry.line = load->line;
    if (check_key(load, key) != 0 || check_fields(load, fields, &entry.active) != 0)
        return -1;
    return add_entry(load, key, &entry);
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
    return load->problems == 0 ? 0 : -1;
}

/* Keys are ASCII; names compare without regard to case (Q103421). FNV-1a. */
static guint key_hash(gconstpointer key)
{
    const char *text = key;
    guint hash = 2166136261u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (guchar)g_ascii_toupper(*text)) * 16777619u;
    return hash;
}

static gboolean key_equal(gconstpointer one, gconstpointer other)
{
    return g_ascii_strcasecmp(one, other) == 0;
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
    load.map->index = g_hash_table_new(key_hash, key_equal);
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
