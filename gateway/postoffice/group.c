/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cursor.h"
#include "postoffice/route.h"

#define GROUP_FILE "GLB/GROUP.GLB"
#define NME_FILE "NME/ADMIN.NME"
#define HEADER_SIZE 4
#define RECORD_SIZE 51
#define NME_SIZE 45
#define NME_NAME 2     /* Q119563 */
#define NME_TID 41     /* Q119563, Q107767 */
#define TYPE_GROUP 4   /* Q107767 */
#define ADDRESS_MAX 10 /* characters of a name in an address (Q116466) */

/* A text of a record that may be the group's address. */
struct group_name {
    char text[ADDRESS_MAX + 1];
    const struct group *group;
};

struct group_table {
    struct group *groups;
    size_t count;
    struct group_name *names; /* sorted */
    size_t name_count, name_capacity;
};

/* ---- texts of a record ---- */

static bool is_text(uint8_t octet)
{
    return octet >= 0x20 && octet != 0x7F;
}

/* The next text of RECORD from *AT on: octets that are no controls, with a NUL behind them or the
 * end of the record. */
static bool next_text(const uint8_t *record, size_t *at, const uint8_t **text, size_t *size)
{
    while (*at < RECORD_SIZE) {
        size_t start, end;

        while (*at < RECORD_SIZE && !is_text(record[*at]))
            (*at)++;
        start = end = *at;
        while (end < RECORD_SIZE && is_text(record[end]))
            end++;
        *at = end;
        if (end > start && (end == RECORD_SIZE || record[end] == '\0')) {
            *text = record + start;
            *size = end - start;
            return true;
        }
    }
    return false;
}

static bool has_text(const uint8_t *record, const char *wanted)
{
    size_t at = 0, size, length = strlen(wanted);
    const uint8_t *text;

    while (next_text(record, &at, &text, &size))
        if (size == length && strncasecmp((const char *)text, wanted, size) == 0)
            return true;
    return false;
}

/* ---- reading ---- */

static bool parse_nme(const uint8_t *record, struct group *out)
{
    struct cursor cursor;

    cursor_init(&cursor, record, NME_SIZE);
    return (record[0] == TYPE_GROUP || record[1] == TYPE_GROUP) &&
           cursor_seek(&cursor, NME_NAME) == 0 &&
           cursor_text(&cursor, GROUP_ALIAS_SIZE, out->alias) == 0 && out->alias[0] != '\0' &&
           cursor_seek(&cursor, NME_TID) == 0 && cursor_le32(&cursor, &out->tid) == 0;
}

static int take_nme(struct group_table *table, const uint8_t *data, size_t size, struct error *err)
{
    size_t records = size / NME_SIZE;

    table->groups = calloc(records + 1, sizeof *table->groups);
    if (table->groups == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory for the groups of a postoffice");
    for (size_t i = 0; i < records; i++)
        table->count += parse_nme(data + i * NME_SIZE, &table->groups[table->count]);
    return 0;
}

static int add_name(struct group_table *table, const uint8_t *text, size_t size,
                    const struct group *group, struct error *err)
{
    struct group_name *name;

    if (table->name_count == table->name_capacity) {
        size_t capacity = table->name_capacity != 0 ? 2 * table->name_capacity : 64;
        void *grown = realloc(table->names, capacity * sizeof *table->names);

        if (grown == NULL)
            return error_sys(err, ERROR_SOFT, "", "no memory for the groups of a postoffice");
        table->names = grown;
        table->name_capacity = capacity;
    }
    name = &table->names[table->name_count++];
    memcpy(name->text, text, size);
    name->text[size] = '\0';
    name->group = group;
    return 0;
}

/* The texts of RECORD that may be its address; the name of its file is none. */
static int add_names(struct group_table *table, const uint8_t *record, const struct group *group,
                     struct error *err)
{
    size_t at = 0, size;
    const uint8_t *text;
    char digits[9];

    id_make(group->tid, digits);
    while (next_text(record, &at, &text, &size)) {
        if (size > ADDRESS_MAX || (size == 8 && strncasecmp((const char *)text, digits, 8) == 0))
            continue;
        if (add_name(table, text, size, group, err) != 0)
            return -1;
    }
    return 0;
}

static int by_tid(const void *a, const void *b)
{
    const struct group *one = a, *two = b;

    return (one->tid > two->tid) - (one->tid < two->tid);
}

/* False when RECORD may be that of two groups. */
static bool consider(const struct group_table *table, const uint8_t *record, uint32_t tid,
                     const struct group **found)
{
    const struct group wanted = {.tid = tid};
    const struct group *group =
        tid != 0 ? bsearch(&wanted, table->groups, table->count, sizeof *group, by_tid) : NULL;

    if (group == NULL || group == *found || !has_text(record, group->alias))
        return true;
    if (*found != NULL)
        return false;
    *found = group;
    return true;
}

/* The only group whose alias and TID are in RECORD, or NULL. The TID is a number at some place, or
 * the name of the file. */
static const struct group *owner_of(const struct group_table *table, const uint8_t *record)
{
    const struct group *found = NULL;
    size_t at = 0, size;
    const uint8_t *text;
    struct cursor cursor;
    uint32_t tid;

    cursor_init(&cursor, record, RECORD_SIZE);
    for (size_t i = 0; cursor_seek(&cursor, i) == 0 && cursor_le32(&cursor, &tid) == 0; i++)
        if (!consider(table, record, tid, &found))
            return NULL;
    while (next_text(record, &at, &text, &size)) {
        char digits[9];

        snprintf(digits, sizeof digits, "%.*s", size == 8 ? 8 : 0, (const char *)text);
        if (id_parse(digits, &tid) == 0 && !consider(table, record, tid, &found))
            return NULL;
    }
    return found;
}

static int by_text(const void *a, const void *b)
{
    return strcasecmp(((const struct group_name *)a)->text, ((const struct group_name *)b)->text);
}

static int take_groups(struct group_table *table, const uint8_t *data, size_t size,
                       struct error *err)
{
    qsort(table->groups, table->count, sizeof *table->groups, by_tid);
    for (size_t at = HEADER_SIZE; at + RECORD_SIZE <= size; at += RECORD_SIZE) {
        const struct group *group = owner_of(table, data + at);

        if (group != NULL && add_names(table, data + at, group, err) != 0)
            return -1;
    }
    if (table->name_count != 0)
        qsort(table->names, table->name_count, sizeof *table->names, by_text);
    return 0;
}

static int read_file(struct root *root, const char *name, size_t limit, uint8_t **data,
                     size_t *size, struct error *err)
{
    int fd = root_open_file(root, name, O_RDONLY, err), status;

    if (fd < 0)
        return -1;
    status = file_read_all(fd, name, limit, data, size, err);
    close(fd);
    return status;
}

int group_table_load(struct group_table **out, struct root *root, struct error *err)
{
    struct group_table *table = calloc(1, sizeof *table);
    uint8_t *nme = NULL, *groups = NULL;
    size_t nme_size = 0, group_size = 0;
    int status = -1;

    if (table == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory for the groups of a postoffice");
    if (read_file(root, NME_FILE, (size_t)NME_SIZE * GROUP_MAX_RECORDS, &nme, &nme_size, err) ==
            0 &&
        read_file(root, GROUP_FILE, (size_t)RECORD_SIZE * GROUP_MAX_RECORDS, &groups, &group_size,
                  err) == 0 &&
        take_nme(table, nme, nme_size, err) == 0)
        status = take_groups(table, groups, group_size, err);
    free(nme);
    free(groups);
    if (status == 0)
        *out = table;
    else
        group_table_free(table);
    return status;
}

void group_table_free(struct group_table *table)
{
    if (table == NULL)
        return;
    free(table->groups);
    free(table->names);
    free(table);
}

size_t group_table_count(const struct group_table *table)
{
    return table->count;
}

/* ---- looking up ---- */

static int text_of(const void *key, const void *name)
{
    return strcasecmp(key, ((const struct group_name *)name)->text);
}

int group_find(const struct group_table *table, const char *name, const struct group **out,
               struct error *err)
{
    const struct group_name *found, *end, *at;

    if (table->name_count == 0)
        return 0;
    found = bsearch(name, table->names, table->name_count, sizeof *found, text_of);
    if (found == NULL)
        return 0;
    end = table->names + table->name_count;
    for (at = found; at > table->names && strcasecmp(at[-1].text, name) == 0;)
        at--;
    for (; at < end && strcasecmp(at->text, name) == 0; at++)
        if (at->group->tid != found->group->tid)
            return error_set(err, ERROR_DATA, "5.1.4", "%s: two groups have the name %.20s",
                             GROUP_FILE, name);
    *out = found->group;
    return 1;
}

static int by_record(const void *a, const void *b)
{
    const struct access2_user *const *one = a, *const *two = b;

    return ((*one)->record > (*two)->record) - ((*one)->record < (*two)->record);
}

static size_t each_once(const struct access2_user **members, size_t count)
{
    size_t kept = 0;

    if (count != 0)
        qsort(members, count, sizeof(struct access2_user *), by_record);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || members[kept - 1] != members[i])
            members[kept++] = members[i];
    return kept;
}

/* The users of the mailbags in DATA; the caller's, or NULL. */
static const struct access2_user **find_members(const char *name, const uint8_t *data, size_t size,
                                                const struct access2 *users, size_t *count,
                                                struct error *err)
{
    const struct access2_user **members = calloc(size / 4 + 1, sizeof(struct access2_user *));
    struct cursor cursor;
    size_t used = 0;
    uint32_t number;

    if (members == NULL) {
        error_sys(err, ERROR_SOFT, "", "no memory for the members of a group");
        return NULL;
    }
    cursor_init(&cursor, data, size);
    while (cursor_le32(&cursor, &number) == 0) {
        const struct access2_user *user = access2_find_mailbag(users, number);

        if (user == NULL || user->ambiguous) {
            error_set(err, ERROR_DATA, "5.1.4",
                      "%s: offset 0x%zX: mailbag %08X is %s user's: who is meant is not known",
                      name, 4 * used, (unsigned)number, user == NULL ? "no" : "more than one");
            free(members);
            return NULL;
        }
        members[used++] = user;
    }
    *count = each_once(members, used);
    return members;
}

int group_members(struct root *root, const struct group *group, const struct access2 *users,
                  const struct access2_user ***out, size_t *count, struct error *err)
{
    const struct access2_user **members = NULL;
    struct error trouble = {0};
    char name[24], digits[9];
    uint8_t *data = NULL;
    size_t size = 0;
    int status;

    id_make(group->tid, digits);
    snprintf(name, sizeof name, "MEM/%s.MEM", digits);
    status = read_file(root, name, (size_t)4 * GROUP_MAX_MEMBERS, &data, &size, &trouble);
    if (status != 0 && trouble.class == ERROR_DATA && trouble.sys == ENOENT)
        status = 0; /* no local members (Q117895) */
    if (status == 0 && size % 4 != 0)
        status = error_set(&trouble, ERROR_DATA, "5.1.4", "%s: %zu octets are no list of mailbags",
                           name, size);
    if (status == 0)
        members = find_members(name, data, size, users, count, &trouble);
    free(data);
    if (members == NULL && err != NULL)
        *err = trouble;
    *out = members;
    return members != NULL ? 0 : -1;
}
