/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/survey-int.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "postoffice/access2.h"
#include "postoffice/key.h"
#include "postoffice/lock.h"
#include "postoffice/mbg.h"
#include "postoffice/route.h"

struct maker {
    struct survey_list *list;
    struct root *root;
    const struct profile *profile;
};

static struct survey_mailbag *find(const struct survey_list *list, const char *id)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcasecmp(list->mailbags[i].id, id) == 0)
            return &list->mailbags[i];
    }
    return NULL;
}

static int add(struct survey_list *list, const char *id, const char *kind, const char *name,
               struct error *err)
{
    struct survey_mailbag *known = find(list, id);
    struct survey_mailbag *grown;

    if (known != NULL) {
        snprintf(known->problem, sizeof known->problem, "both %s and %s lead to this mailbag",
                 known->name, name);
        known->shared = known->shared || strcmp(kind, "user") == 0;
        return 0;
    }
    if (list->count == SURVEY_MAX_MAILBAGS)
        return error_set(err, ERROR_DATA, "", "more than %d mailbags", SURVEY_MAX_MAILBAGS);
    grown = realloc(list->mailbags, (list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    list->mailbags = grown;
    grown += list->count++;
    memset(grown, 0, sizeof *grown);
    snprintf(grown->id, sizeof grown->id, "%s", id);
    snprintf(grown->name, sizeof grown->name, "%s", name);
    grown->kind = kind;
    grown->oldest_local_minutes = -1;
    return 0;
}

static int add_route(void *context, const struct route *route, struct error *err)
{
    static const char *const kinds[] = {
        [ROUTE_POSTOFFICE] = "postoffice", [ROUTE_GATEWAY] = "gateway", [ROUTE_FFAPI] = "ffapi"};
    const struct maker *maker = context;

    if (route->mailbag[0] == '\0')
        return 0;
    return add(maker->list, route->mailbag, kinds[route->kind], route->name, err);
}

/* A table that cannot be read is told by survey_check. */
static int add_users(const struct maker *maker, struct error *err)
{
    struct access2 *access2;
    struct error ignored;
    int status = 0;

    if (access2_load(&access2, maker->root, maker->profile, &ignored) != 0)
        return 0;
    for (size_t i = 0; i < access2_count(access2) && status == 0; i++) {
        const struct access2_user *user = access2_at(access2, i);

        status = add(maker->list, user->mailbag, "user", user->name, err);
    }
    access2_free(access2);
    return status;
}

static const char *kind_of_file(const char *id)
{
    if (strcmp(id, "INQUEUE") == 0 || strcmp(id, "INQUEUE3") == 0)
        return "inqueue";
    return strcmp(id, "SYSTEM") == 0 ? "system" : "unknown";
}

/* "0000002e.mbg" -> "0000002E"; false for other files. */
static bool id_of_file(const char *entry, char out[9])
{
    size_t length = strcspn(entry, ".");

    if (length == 0 || length > 8 || strcasecmp(entry + length, ".MBG") != 0)
        return false;
    for (size_t i = 0; i < length; i++)
        out[i] = (char)(entry[i] >= 'a' && entry[i] <= 'z' ? entry[i] - 'a' + 'A' : entry[i]);
    out[length] = '\0';
    return true;
}

static int add_files(const struct maker *maker, struct error *err)
{
    struct dirent *entry;
    char id[9];
    int status = 0;
    DIR *dir = survey_open_directory(maker->root, "MBG", NULL);

    if (dir == NULL)
        return 0;
    while (status == 0 && (entry = readdir(dir)) != NULL) {
        if (id_of_file(entry->d_name, id) && find(maker->list, id) == NULL)
            status = add(maker->list, id, kind_of_file(id), "", err);
    }
    closedir(dir);
    return status;
}

static int compare_ids(const void *a, const void *b)
{
    const struct survey_mailbag *one = a, *two = b;

    return strcmp(one->id, two->id);
}

int survey_list_make(struct survey_list *out, struct root *root, const struct profile *profile,
                     struct error *err)
{
    struct maker maker = {out, root, profile};
    struct error routing;
    int status = 0;

    memset(out, 0, sizeof *out);
    error_clear(&routing);
    if (route_each(root, add_route, &maker, &routing) != 0 && routing.class != ERROR_DATA) {
        if (err != NULL)
            *err = routing;
        status = -1;
    }
    if (status == 0 && access2_known(profile))
        status = add_users(&maker, err);
    if (status == 0)
        status = add_files(&maker, err);
    if (status != 0) {
        survey_list_clear(out);
        return -1;
    }
    if (out->count != 0)
        qsort(out->mailbags, out->count, sizeof *out->mailbags, compare_ids);
    return 0;
}

void survey_list_clear(struct survey_list *list)
{
    free(list->mailbags);
    list->mailbags = NULL;
    list->count = 0;
}

static void set_problem(struct survey_mailbag *mailbag, const struct error *err)
{
    snprintf(mailbag->problem, sizeof mailbag->problem, "%.127s", err->text);
}

static void look_at_records(struct survey_mailbag *mailbag, const struct profile *profile,
                            const struct key *key, const uint8_t *records)
{
    for (uint32_t r = 0; r < mailbag->records; r++) {
        struct mbg_record record;
        int64_t minutes;
        if (!key_is_live(key, profile, r))
            continue;
        mailbag->live++;
        mbg_parse(records + (size_t)r * MBG_RECORD_SIZE, &record);
        minutes = mbg_local_minutes(&record);
        if (minutes >= 0 &&
            (mailbag->oldest_local_minutes < 0 || minutes < mailbag->oldest_local_minutes))
            mailbag->oldest_local_minutes = minutes;
    }
}

void survey_look(struct survey_mailbag *mailbag, struct root *root, const struct profile *profile)
{
    struct error err;
    struct key key;
    uint8_t *records;
    size_t count;

    if (lock_probe(root, mailbag->id, &mailbag->locked, &err) != 0)
        set_problem(mailbag, &err);
    if (mbg_load(root, mailbag->id, &records, &count, &err) != 0) {
        set_problem(mailbag, &err);
        return;
    }
    mailbag->records = (uint32_t)count;
    if (key_load(root, mailbag->id, &key, &err) != 0 || key_check_profile(profile, &err) != 0)
        set_problem(mailbag, &err);
    else
        look_at_records(mailbag, profile, &key, records);
    free(records);
}

int survey_mailbags(const char *path, const char *profile_path, survey_mailbag_seen *seen,
                    void *context, struct error *err)
{
    struct survey_list list = {NULL, 0};
    struct profile *profile = NULL;
    struct root *root = NULL;
    int status = -1;

    if (root_open(&root, path, err) != 0)
        return -1;
    if (profile_load(&profile, profile_path, err) == 0)
        status = survey_list_make(&list, root, profile, err);
    for (size_t i = 0; i < list.count && status == 0; i++) {
        survey_look(&list.mailbags[i], root, profile);
        status = seen(context, &list.mailbags[i]);
    }
    survey_list_clear(&list);
    profile_free(profile);
    root_free(root);
    return status;
}
