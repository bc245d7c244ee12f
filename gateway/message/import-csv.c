/* SPDX-License-Identifier: BSD-2-Clause */
/* Files that people are imported from. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <assert.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "base/file.h"
#include "message/address.h"
#include "message/csv.h"
#include "message/import.h"
#include "message/map.h"

/* A file of column names and records. */
struct table {
    const char *path;
    char *text;
    struct csv csv;
    int columns[8]; /* of the names that the reader asked for, -1: absent */
};

static int read_text(const char *path, char **out, size_t *size, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    uint8_t *data = NULL;
    struct stat st;
    size_t raw = 0;
    int status = -1;

    if (fd < 0)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot be opened", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        error_set(err, ERROR_SETUP, "", "%s: is not a regular file", path);
    else
        status = file_read_all(fd, path, MAP_MAX_FILE, &data, &raw, err);
    close(fd);
    return status == 0 ? csv_decode(path, data, raw, out, size, err) : -1;
}

static void table_clear(struct table *table)
{
    g_free(table->text);
    table->text = NULL;
}

/* Names of columns compare without case, blanks and hyphens: "E-mail Address" is "EMailAddress". */
static bool same_name(const char *one, const char *other)
{
    for (;; one++, other++) {
        one += strspn(one, " -");
        other += strspn(other, " -");
        if (g_ascii_tolower(*one) != g_ascii_tolower(*other))
            return false;
        if (*one == '\0')
            return true;
    }
}

static void find_columns(struct table *table, const char *const *names)
{
    for (size_t i = 0; names[i] != NULL; i++) {
        table->columns[i] = -1;
        for (size_t c = 0; c < table->csv.count && table->columns[i] < 0; c++) {
            /* A name may list several spellings: "a|b". */
            char **spellings = g_strsplit(names[i], "|", 0);

            for (size_t s = 0; spellings[s] != NULL; s++)
                if (same_name(spellings[s], table->csv.fields[c]))
                    table->columns[i] = (int)c;
            g_strfreev(spellings);
        }
    }
}

/* Reads PATH up to its line of column names, which is behind SKIP others and has all of NAMES but
 * those from REQUIRED on. */
static int table_open(struct table *table, const char *path, size_t skip, const char *const *names,
                      size_t required, struct error *err)
{
    char *at;
    size_t size = 0;
    unsigned line = 1;

    memset(table, 0, sizeof *table);
    table->path = path;
    if (read_text(path, &table->text, &size, err) != 0)
        return -1;
    assert(table->text != NULL);
    for (at = table->text; skip > 0 && *at != '\0'; skip--, line++) {
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    csv_init(&table->csv, at, size - (size_t)(at - table->text), csv_guess(at));
    table->csv.next = line;
    if (csv_next(&table->csv, err) != 1)
        return error_set(err, ERROR_DATA, "", "%s: has no line with the names of columns", path);
    find_columns(table, names);
    for (size_t i = 0; i < required; i++)
        if (table->columns[i] < 0)
            return error_set(err, ERROR_DATA, "",
                             "%s line %u: there is no column \"%.*s\" (Q153028)", path,
                             table->csv.line, (int)strcspn(names[i], "|"), names[i]);
    return 0;
}

static const char *cell(const struct table *table, size_t name)
{
    int column = table->columns[name];

    return column >= 0 && (size_t)column < table->csv.count ? table->csv.fields[column] : "";
}

/* ---- directory export ---- */

enum { CLASS, DISPLAY, ADDRESSES, SECONDARY, ALIAS };
static const char *const export_names[] = {"Obj-Class",
                                           "Display Name",
                                           "E-mail Addresses|E-mail Address",
                                           "Secondary-Proxy-Addresses",
                                           "Alias Name",
                                           NULL};

/* Cuts the values of TEXT, joined by '%', into VALUES; the blanks that a folded line left go. */
static size_t split_values(char *text, const char **values, size_t count, size_t most)
{
    while (text != NULL && count < most) {
        char *next = strchr(text, '%');

        if (next != NULL)
            *next++ = '\0';
        g_strstrip(text);
        if (*text != '\0')
            values[count++] = text;
        text = next;
    }
    return count;
}

static char *cell_text(const struct table *table, size_t name)
{
    int column = table->columns[name];

    return column >= 0 && (size_t)column < table->csv.count ? table->csv.fields[column] : NULL;
}

/* The primary addresses come first, so that theirs is the first "SMTP:" (Q153028). */
static void export_row(struct import *import, const struct table *table, const char **values)
{
    char where[32];
    struct import_person person = {.where = where, .display = cell(table, DISPLAY)};
    const char *class = cell(table, CLASS);

    snprintf(where, sizeof where, "line %u", table->csv.line);
    person.values = values;
    person.value_count = split_values(cell_text(table, ADDRESSES), values, 0, IMPORT_MAX_VALUES);
    person.value_count =
        split_values(cell_text(table, SECONDARY), values, person.value_count, IMPORT_MAX_VALUES);
    person.mailbox = g_ascii_strcasecmp(class, "Mailbox") == 0;
    if (person.value_count == IMPORT_MAX_VALUES)
        import_refuse(import, where, false, "has more than %d addresses", IMPORT_MAX_VALUES - 1);
    else
        import_person(import, &person);
}

int import_csv(struct import *import, const char *path, struct error *err)
{
    const char **values = g_new(const char *, IMPORT_MAX_VALUES);
    struct table table;
    int status = table_open(&table, path, 0, export_names, 3, err);

    if (status == 0)
        while ((status = csv_next(&table.csv, err)) == 1)
            export_row(import, &table, values);
    if (status < 0)
        error_prefix(err, "%s", path);
    table_clear(&table);
    g_free(values);
    return status;
}

/* ---- user list of the Migration Wizard ---- */

/* Alias names of a directory export and the primary SMTP address of each. */
static int load_join(const char *path, GHashTable *join, struct error *err)
{
    const char **values = g_new(const char *, IMPORT_MAX_VALUES);
    struct table table;
    int status = table_open(&table, path, 0, export_names, 3, err);

    if (status == 0 && table.columns[ALIAS] < 0)
        status = error_set(err, ERROR_DATA, "", "%s: there is no column \"Alias Name\"", path);
    while (status == 0 && (status = csv_next(&table.csv, err)) == 1) {
        size_t count = split_values(cell_text(&table, ADDRESSES), values, 0, IMPORT_MAX_VALUES);

        status = 0;
        if (g_ascii_strcasecmp(cell(&table, CLASS), "Mailbox") != 0)
            continue;
        for (size_t i = 0; i < count; i++)
            if (g_ascii_strncasecmp(values[i], "SMTP:", 5) == 0) {
                g_hash_table_insert(join, g_ascii_strdown(cell(&table, ALIAS), -1),
                                    g_strdup(values[i] + 5));
                break;
            }
    }
    table_clear(&table);
    g_free(values);
    return status;
}

enum { USER, MIGRATE, OBJECT, COMMON, FULL, SHOWN };

static void wizard_row(struct import *import, const struct table *table, const char *postoffice,
                       const char *domain, GHashTable *join)
{
    const char *user = cell(table, USER), *common = cell(table, COMMON), *shown;
    char *key = g_strconcat(postoffice, "/", user, NULL), *alias, *smtp, where[32];

    if (*common == '\0')
        common = user;
    shown = *cell(table, SHOWN) != '\0' ? cell(table, SHOWN) : cell(table, FULL);
    snprintf(where, sizeof where, "line %u", table->csv.line);
    alias = g_ascii_strdown(common, -1);
    smtp = domain != NULL ? g_strconcat(common, "@", domain, NULL)
                          : g_strdup(g_hash_table_lookup(join, alias));
    if (g_ascii_strcasecmp(cell(table, MIGRATE), "Y") != 0)
        import_refuse(import, where, true, "%s: not migrated: MigrateUser is \"%.10s\"", user,
                      cell(table, MIGRATE));
    else if (g_ascii_strcasecmp(cell(table, OBJECT), "Mailbox") != 0)
        import_refuse(import, where, true, "%s: not migrated: Obj-Class is \"%.20s\"", user,
                      cell(table, OBJECT));
    else if (smtp == NULL)
        import_refuse(import, where, false, "%s: no mailbox of the export has the alias %.64s",
                      user, common);
    else
        import_line(import, where, key, smtp, shown);
    g_free(smtp);
    g_free(alias);
    g_free(key);
}

int import_wizard(struct import *import, const char *path, const char *postoffice,
                  const char *domain, const char *join_path, struct error *err)
{
    static const char *const names[] = {"SFS_UserName", "MigrateUser",  "Obj-Class", "Common-Name",
                                        "SFS_FullName", "Display-Name", NULL};
    GHashTable *join = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    struct table table = {.text = NULL};
    int status = domain == NULL ? load_join(join_path, join, err) : 0;

    if (status == 0)
        status = table_open(&table, path, 2, names, 3, err);
    if (status == 0) {
        while ((status = csv_next(&table.csv, err)) == 1)
            wizard_row(import, &table, postoffice, domain, join);
        if (status < 0)
            error_prefix(err, "%s", path);
    }
    table_clear(&table);
    g_hash_table_destroy(join);
    return status;
}

/* ---- ADDR_MAP.CFG ---- */

static void addrmap_line(struct import *import, unsigned number, char *line)
{
    char where[32], *pattern;
    size_t name = strcspn(line, " \t");
    char *domain = line + name;

    snprintf(where, sizeof where, "line %u", number);
    if (*domain != '\0')
        *domain++ = '\0';
    domain += strspn(domain, " \t");
    if (*domain == '\0' || domain[strcspn(domain, " \t")] != '\0') {
        import_refuse(import, where, false, "is not of the form NET/PO and a domain");
    } else if (*domain == '.') {
        import_refuse(import, where, true,
                      "\"%.80s\" stands for many domains: of no use for "
                      "outgoing mail",
                      domain);
    } else {
        pattern = g_strconcat("%u@", domain, NULL);
        import_rule(import, where, address_native(line), pattern);
        g_free(pattern);
    }
}

int import_addrmap(struct import *import, const char *path, struct error *err)
{
    char *text = NULL, *line, where[32];
    unsigned number = 0;
    size_t size = 0;

    if (read_text(path, &text, &size, err) != 0)
        return -1;
    assert(text != NULL);
    if (size > 0 && text[size - 1] == 0x1A) /* DOS may leave ^Z at the end */
        text[--size] = '\0';
    for (line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        bool whole = line[length] == '\n';

        number++;
        line[length] = '\0';
        g_strstrip(line);
        if (*line != '\0' && !whole) {
            snprintf(where, sizeof where, "line %u", number);
            import_refuse(import, where, true,
                          "has no line end: programs that read it may lose its last characters "
                          "(Q140951); it is taken as it is");
        }
        if (*line != '\0')
            addrmap_line(import, number, line);
        line = next;
    }
    g_free(text);
    return 0;
}
