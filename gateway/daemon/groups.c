/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "message/address.h"
#include "postoffice/group.h"
#include "postoffice/profile.h"

/* The tables of one section. */
struct office {
    const struct settings_postoffice *postoffice;
    bool tried;
    struct root *root;
    struct group_table *table;
    struct access2 *users;
    struct error trouble; /* why there are no users */
};

struct groups {
    struct office *offices;
    size_t count;
};

struct groups *groups_new(const struct settings *settings)
{
    struct groups *groups = calloc(1, sizeof *groups);

    if (groups == NULL)
        return NULL;
    groups->offices = calloc(settings->postoffice_count + 1, sizeof *groups->offices);
    if (groups->offices == NULL) {
        free(groups);
        return NULL;
    }
    for (size_t i = 0; i < settings->postoffice_count; i++)
        if (settings->postoffices[i].door == DOOR_NATIVE)
            groups->offices[groups->count++].postoffice = &settings->postoffices[i];
    return groups;
}

void groups_free(struct groups *groups)
{
    if (groups == NULL)
        return;
    for (size_t i = 0; i < groups->count; i++) {
        group_table_free(groups->offices[i].table);
        access2_free(groups->offices[i].users);
        root_free(groups->offices[i].root);
    }
    free(groups->offices);
    free(groups);
}

/* What cannot be read has no groups; what is wrong with it, its own sweep tells. */
static void load_office(struct office *office)
{
    struct profile *profile = NULL;
    struct error err = {0};

    office->tried = true;
    if (root_open(&office->root, office->postoffice->path, &err) != 0 ||
        group_table_load(&office->table, office->root, &err) != 0) {
        log_debug("intake", "%s: no groups: %s", office->postoffice->title, err.text);
        return;
    }
    if (group_table_count(office->table) != 0 &&
        profile_load(&profile, office->postoffice->profile, &office->trouble) == 0 &&
        access2_check_counts(office->root, &office->trouble) == 0 &&
        access2_load(&office->users, office->root, profile, &office->trouble) != 0)
        office->users = NULL;
    profile_free(profile);
}

/* 1 and the group, 0, or -1 as group_find. */
static int find(struct groups *groups, const char *address, struct office **office,
                const struct group **group, struct error *err)
{
    address = address_native(address);
    for (size_t i = 0; i < groups->count; i++) {
        const char *name = strrchr(address, '/');

        *office = &groups->offices[i];
        if (name == NULL || !address_on_postoffice(address, (*office)->postoffice->name))
            continue;
        if (!(*office)->tried)
            load_office(*office);
        if ((*office)->table == NULL ||
            ((*office)->users != NULL && access2_find((*office)->users, name + 1) != NULL))
            return 0;
        return group_find((*office)->table, name + 1, group, err);
    }
    return 0;
}

const char *groups_alias(struct groups *groups, const char *address)
{
    const struct group *group;
    struct office *office;

    return find(groups, address, &office, &group, NULL) == 1 ? group->alias : NULL;
}

void groups_names_free(char **names, size_t count)
{
    for (size_t i = 0; names != NULL && i < count; i++)
        free(names[i]);
    free(names);
}

static char **make_names(const char *postoffice, const struct access2_user *const *members,
                         size_t count, struct error *err)
{
    char **names = calloc(count + 1, sizeof *names);

    for (size_t i = 0; names != NULL && i < count; i++) {
        if (asprintf(&names[i], "%s/%s", postoffice, members[i]->name) >= 0)
            continue;
        groups_names_free(names, i);
        names = NULL;
    }
    if (names == NULL)
        error_sys(err, ERROR_SOFT, "4.3.0", "no memory for the members of a group");
    return names;
}

int groups_expand(struct groups *groups, const char *address, char ***out, size_t *count,
                  struct error *err)
{
    const struct access2_user **members;
    const struct group *group;
    struct office *office;
    int status = find(groups, address, &office, &group, err);

    if (status != 1)
        return status;
    if (office->users == NULL) {
        if (err != NULL)
            *err = office->trouble;
        return -1;
    }
    if (group_members(office->root, group, office->users, &members, count, err) != 0)
        return -1;
    *out = make_names(office->postoffice->name, members, *count, err);
    free(members);
    return *out != NULL ? 1 : -1;
}
