/* SPDX-License-Identifier: BSD-2-Clause */
/* "map check": what is wrong with the map, before mail finds out. */
#include "config.h"

#include "cli/cmd-map.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/resolve.h"
#include "message/address.h"
#include "message/map.h"
#include "postoffice/access2.h"
#include "postoffice/group.h"
#include "postoffice/profile.h"

static const struct output_column columns[] = {
    {"result", "", 4},
    {"line", "LINE", 6},
    {"text", "", 0},
};

struct checking {
    struct cli *cli;
    const struct map *map;
    size_t warnings, failures;
};

static void tell(struct checking *checking, bool failure, unsigned line, const char *format, ...)
    PRINTF_LIKE(4, 5);

static void tell(struct checking *checking, bool failure, unsigned line, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    checking->failures += failure;
    checking->warnings += !failure;
    output_text(checking->cli->out, failure ? "FAIL" : "WARN");
    output_number(checking->cli->out, line);
    output_text(checking->cli->out, text);
    output_row_end(checking->cli->out);
}

static void show_problem(void *context, unsigned line, const char *text)
{
    tell(context, true, line, "%s", text);
}

/* ---- two users with one address ---- */

static int compare_smtp(const void *a, const void *b)
{
    const struct map_entry *const *left = a, *const *right = b;
    int order = strcasecmp((*left)->smtp, (*right)->smtp);

    return order != 0 ? order : ((*left)->line > (*right)->line) - ((*left)->line < (*right)->line);
}

static void check_duplicates(struct checking *checking)
{
    size_t count = map_size(checking->map), used = 0;
    const struct map_entry **sorted = calloc(count + 1, sizeof(struct map_entry *));

    if (sorted == NULL)
        return;
    for (size_t i = 0; i < count; i++)
        if (map_at(checking->map, i)->user == NULL)
            sorted[used++] = map_at(checking->map, i);
    qsort(sorted, used, sizeof(struct map_entry *), compare_smtp);
    for (size_t i = 1; i < used; i++)
        if (strcasecmp(sorted[i - 1]->smtp, sorted[i]->smtp) == 0)
            tell(checking, false, sorted[i]->line,
                 "%s has the SMTP address of %s in line %u, %s: if they are one person, write the "
                 "one as an alias of the other",
                 sorted[i]->key, sorted[i - 1]->key, sorted[i - 1]->line, sorted[i]->smtp);
    free(sorted);
}

/* ---- mail that would come back (Q164456) ---- */

static void check_loops(struct checking *checking)
{
    const struct settings *settings = checking->cli->settings;

    for (size_t i = 0; i < map_size(checking->map); i++) {
        const struct map_entry *entry = map_at(checking->map, i);

        if (entry->user == NULL && resolve_comes_back(settings, entry->smtp))
            tell(checking, true, entry->line,
                 "mail for %s would come back: %s is routed to MS Mail", entry->key, entry->smtp);
    }
    for (size_t i = 0; i < map_rule_count(checking->map); i++) {
        const struct map_rule *rule = map_rule_at(checking->map, i);

        if (resolve_comes_back(settings, rule->pattern))
            tell(checking, false, rule->line,
                 "mail by the rule %s/* would come back: it is of use in headers only",
                 rule->postoffice);
    }
}

/* ---- the map and the postoffices ---- */

/* NULL: no groups are known. */
static bool has_group(const struct group_table *groups, const char *name)
{
    const struct group *group;

    return groups != NULL && group_find(groups, name, &group, NULL) != 0;
}

static void check_absent(struct checking *checking, const struct settings_postoffice *postoffice,
                         const struct access2 *users, const struct group_table *groups)
{
    for (size_t i = 0; i < map_size(checking->map); i++) {
        const struct map_entry *entry = map_at(checking->map, i);
        const char *name = strrchr(entry->key, '/');

        if (name != NULL && address_on_postoffice(entry->key, postoffice->name) &&
            access2_find(users, name + 1) == NULL && !has_group(groups, name + 1))
            tell(checking, false, entry->line, "%s has no mailbox on the postoffice %s", entry->key,
                 postoffice->title);
    }
}

static void check_unmapped(struct checking *checking, const struct settings_postoffice *postoffice,
                           const struct access2 *users)
{
    char key[64];

    for (size_t i = 0; i < access2_count(users); i++) {
        const char *name = access2_at(users, i)->name;
        size_t k = 0;

        snprintf(key, sizeof key, "%.40s/%s", postoffice->name, name);
        while (name[k] >= 0x20 && name[k] <= 0x7E)
            k++;
        if (name[k] != '\0')
            tell(checking, false, 0,
                 "%s has a mailbox whose name is not 7-bit ASCII: it cannot be in the map, mail "
                 "for it stays (Q101461)",
                 key);
        else if (map_find(checking->map, key) == NULL && !resolve_is_role(key))
            tell(checking, false, 0, "%s has a mailbox and is not in the map: mail for it stays",
                 key);
    }
}

static void check_postoffice(struct checking *checking,
                             const struct settings_postoffice *postoffice)
{
    struct profile *profile = NULL;
    struct access2 *users = NULL;
    struct group_table *groups = NULL;
    struct root *root = NULL;
    struct error err;

    if (postoffice->door != DOOR_NATIVE)
        return;
    if (profile_load(&profile, postoffice->profile, &err) != 0 ||
        root_open(&root, postoffice->path, &err) != 0) {
        tell(checking, false, 0, "%s: the map was not compared with its users: %s",
             postoffice->title, err.text);
    } else if (access2_known(profile)) {
        if (access2_load(&users, root, profile, &err) == 0) {
            if (group_table_load(&groups, root, &err) != 0)
                groups = NULL;
            check_absent(checking, postoffice, users, groups);
            check_unmapped(checking, postoffice, users);
        } else {
            tell(checking, false, 0, "%s: the map was not compared with its users: %s",
                 postoffice->title, err.text);
        }
    }
    group_table_free(groups);
    access2_free(users);
    root_free(root);
    profile_free(profile);
}

static void check_all(struct checking *checking)
{
    const struct settings *settings = checking->cli->settings;

    check_duplicates(checking);
    check_loops(checking);
    for (size_t i = 0; i < settings->postoffice_count; i++)
        check_postoffice(checking, &settings->postoffices[i]);
}

int map_check(struct cli *cli, int argc, char **argv)
{
    struct checking checking = {.cli = cli};
    struct map *map = NULL;
    struct error err;
    int result, status = cli_flags(cli, &argc, &argv, NULL, 0, 0, 0, "map check");

    if (status != 0)
        return status;
    status = cli_settings(cli);
    if (status != 0)
        return status;
    output_begin(cli->out, OUTPUT_LINES, "problem", NULL, NULL, columns,
                 sizeof columns / sizeof columns[0]);
    result = map_load(&map, cli->settings->map, show_problem, &checking, &err);
    checking.map = map;
    if (result == 0)
        check_all(&checking);
    output_end(cli->out);
    if (result != 0)
        return cli_wrong(CLI_WRONG, "%s", err.text);
    if (checking.warnings + checking.failures == 0)
        output_note(cli->out, "%s: %zu users, no problem", cli->settings->map, map_size(map));
    else
        output_note(cli->out, "%s: %zu users, %zu WARN, %zu FAIL", cli->settings->map,
                    map_size(map), checking.warnings, checking.failures);
    map_free(map);
    return checking.failures > 0 ? CLI_WRONG : CLI_DONE;
}
