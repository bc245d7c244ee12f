/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/access2.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cursor.h"
#include "postoffice/route.h"

#define RECORD_SIZE 69
#define FILE_LIMIT ((size_t)RECORD_SIZE * ACCESS2_MAX_USERS)

struct place {
    struct access2_user *user;
};

struct access2 {
    struct access2_user *users; /* by record */
    size_t count;
    struct place *by_name, *by_number;
};

const char *access2_program(const char *mailbox)
{
    static const char *const names[] = {"$SYSTEM", "*SPECIAL", "*MAILBAG"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcasecmp(mailbox, names[i]) == 0)
            return names[i];
    }
    return NULL;
}

bool access2_is_special(const char *mailbox)
{
    return access2_program(mailbox) != NULL || strcasecmp(mailbox, "ADMINSCH") == 0;
}

bool access2_known(const struct profile *profile)
{
    return profile_knows(profile, PROFILE_ACCESS2_NAME) &&
           profile_knows(profile, PROFILE_ACCESS2_MAILBAG) &&
           profile_knows(profile, PROFILE_ACCESS2_FORM);
}

static int check_profile(const struct profile *profile, struct error *err)
{
    if (profile_require(profile, PROFILE_ACCESS2_NAME, err) != 0 ||
        profile_require(profile, PROFILE_ACCESS2_MAILBAG, err) != 0)
        return -1;
    return profile_require(profile, PROFILE_ACCESS2_FORM, err);
}

/* ---- records ---- */

/* False for a record that is nobody's. */
static bool parse(const struct profile *profile, const uint8_t *record, struct access2_user *out)
{
    struct cursor cursor;
    char digits[10];

    cursor_init(&cursor, record, RECORD_SIZE);
    if (cursor_seek(&cursor, profile->access2_name) != 0 ||
        cursor_text(&cursor, ACCESS2_NAME_SIZE, out->name) != 0 || out->name[0] == '\0' ||
        cursor_seek(&cursor, profile->access2_mailbag) != 0)
        return false;
    if (profile->access2_binary && cursor_le32(&cursor, &out->number) != 0)
        return false;
    if (!profile->access2_binary &&
        (cursor_text(&cursor, 9, digits) != 0 || id_parse(digits, &out->number) != 0))
        return false;
    id_make(out->number, out->mailbag);
    return true;
}

static int compare_records(uint32_t a, uint32_t b)
{
    return a == b ? 0 : a < b ? -1 : 1;
}

static int by_name(const void *a, const void *b)
{
    const struct access2_user *one = ((const struct place *)a)->user;
    const struct access2_user *two = ((const struct place *)b)->user;
    int order = strcasecmp(one->name, two->name);

    return order != 0 ? order : compare_records(one->record, two->record);
}

static int by_number(const void *a, const void *b)
{
    const struct access2_user *one = ((const struct place *)a)->user;
    const struct access2_user *two = ((const struct place *)b)->user;

    if (one->number != two->number)
        return one->number < two->number ? -1 : 1;
    return compare_records(one->record, two->record);
}

/* Neighbours with one name or one number cannot be told apart. */
static void mark_ambiguous(struct access2 *access2)
{
    for (size_t i = 1; i < access2->count; i++) {
        const struct place *name = &access2->by_name[i - 1];
        const struct place *number = &access2->by_number[i - 1];

        if (strcasecmp(name[0].user->name, name[1].user->name) == 0)
            name[0].user->ambiguous = name[1].user->ambiguous = true;
        if (number[0].user->number == number[1].user->number)
            number[0].user->ambiguous = number[1].user->ambiguous = true;
    }
}

static void sort_users(struct access2 *access2)
{
    for (size_t i = 0; i < access2->count; i++)
        access2->by_name[i].user = access2->by_number[i].user = &access2->users[i];
    qsort(access2->by_name, access2->count, sizeof *access2->by_name, by_name);
    qsort(access2->by_number, access2->count, sizeof *access2->by_number, by_number);
    mark_ambiguous(access2);
}

static int fill(struct access2 *access2, const struct profile *profile, const uint8_t *data,
                size_t records, struct error *err)
{
    access2->users = calloc(records + 1, sizeof *access2->users);
    access2->by_name = calloc(records + 1, sizeof(struct place));
    access2->by_number = calloc(records + 1, sizeof(struct place));
    if (access2->users == NULL || access2->by_name == NULL || access2->by_number == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory for the users of a postoffice");
    for (size_t i = 0; i < records; i++) {
        struct access2_user *user = &access2->users[access2->count];

        user->record = (uint32_t)i;
        access2->count += parse(profile, data + i * RECORD_SIZE, user);
    }
    sort_users(access2);
    return 0;
}

int access2_load(struct access2 **out, struct root *root, const struct profile *profile,
                 struct error *err)
{
    struct access2 *access2 = NULL;
    uint8_t *data = NULL;
    size_t size = 0;
    int fd, status;

    if (check_profile(profile, err) != 0)
        return -1;
    fd = root_open_file(root, ACCESS2_FILE, O_RDONLY, err);
    if (fd < 0)
        return -1;
    status = file_read_all(fd, ACCESS2_FILE, FILE_LIMIT, &data, &size, err);
    close(fd);
    access2 = status == 0 ? calloc(1, sizeof *access2) : NULL;
    if (status == 0 && access2 == NULL)
        status = error_sys(err, ERROR_SOFT, "", "no memory for the users of a postoffice");
    if (access2 != NULL)
        status = fill(access2, profile, data, size / RECORD_SIZE, err);
    free(data);
    if (status != 0) {
        access2_free(access2);
        return -1;
    }
    *out = access2;
    return 0;
}

void access2_free(struct access2 *access2)
{
    if (access2 == NULL)
        return;
    free(access2->users);
    free(access2->by_name);
    free(access2->by_number);
    free(access2);
}

/* ---- looking up ---- */

size_t access2_count(const struct access2 *access2)
{
    return access2->count;
}

const struct access2_user *access2_at(const struct access2 *access2, size_t place)
{
    return &access2->users[place];
}

static int name_of(const void *key, const void *place)
{
    return strcasecmp(key, ((const struct place *)place)->user->name);
}

static int number_of(const void *key, const void *place)
{
    return compare_records(*(const uint32_t *)key, ((const struct place *)place)->user->number);
}

const struct access2_user *access2_find(const struct access2 *access2, const char *name)
{
    const struct place *found =
        bsearch(name, access2->by_name, access2->count, sizeof *found, name_of);

    return found != NULL ? found->user : NULL;
}

const struct access2_user *access2_find_mailbag(const struct access2 *access2, uint32_t number)
{
    const struct place *found =
        bsearch(&number, access2->by_number, access2->count, sizeof *found, number_of);

    return found != NULL ? found->user : NULL;
}

/* ---- the three files ---- */

int access2_check_counts(struct root *root, struct error *err)
{
    static const struct {
        const char *file;
        unsigned record;
    } files[] = {{"GLB/ACCESS.GLB", 586}, {ACCESS2_FILE, RECORD_SIZE}, {"GLB/ACCESS3.GLB", 512}};
    long long counts[3];

    for (size_t i = 0; i < 3; i++) {
        struct stat st;

        if (root_stat(root, files[i].file, &st, err) != 0)
            return -1;
        if (st.st_size % files[i].record != 0)
            return error_set(err, ERROR_DATA, "",
                             "%s: %lld octets are not a whole number of records of %u",
                             files[i].file, (long long)st.st_size, files[i].record);
        counts[i] = st.st_size / files[i].record;
    }
    if (counts[0] != counts[1] || counts[1] != counts[2])
        return error_set(err, ERROR_DATA, "",
                         "ACCESS, ACCESS2 and ACCESS3 have %lld, %lld and %lld users; mail could "
                         "reach the wrong person",
                         counts[0], counts[1], counts[2]);
    return 0;
}
