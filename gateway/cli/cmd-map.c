/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "cli/cmd-map.h"
#include "message/address.h"
#include "message/map.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct output_column entry_columns[] = {
    {"key", "KEY", 0},       {"smtp", "SMTP ADDRESS", 0}, {"state", "STATE", 0},
    {"display", "NAME", 40}, {"user", "ALIAS OF", 0},     {"line", "LINE", 0},
};

static void show_entry(struct cli *cli, const struct map_entry *entry)
{
    output_text(cli->out, entry->key);
    output_text(cli->out, entry->smtp);
    output_text(cli->out, entry->active ? "active" : "pending");
    output_text(cli->out, entry->display);
    output_text(cli->out, entry->user != NULL ? entry->user->key : "");
    output_number(cli->out, entry->line);
    output_row_end(cli->out);
}

static void show_rule(struct cli *cli, const struct map_rule *rule)
{
    char key[64];

    snprintf(key, sizeof key, "%.50s/*", rule->postoffice);
    output_text(cli->out, key);
    output_text(cli->out, rule->pattern);
    output_text(cli->out, rule->active ? "active" : "pending");
    output_text(cli->out, "");
    output_text(cli->out, "");
    output_number(cli->out, rule->line);
    output_row_end(cli->out);
}

static int map_show(struct cli *cli, int argc, char **argv)
{
    const struct map_entry *entry = NULL;
    struct map *map;
    struct error err;
    int status = cli_flags(cli, &argc, &argv, NULL, 0, 0, 1, "map show [NET/PO/USER]");

    if (status != 0)
        return status;
    status = cli_settings(cli);
    if (status != 0)
        return status;
    if (map_load(&map, cli->settings->map, NULL, NULL, &err) != 0)
        return cli_fail(&err);
    if (argc == 1) {
        entry = map_find(map, address_native(argv[0]));
        if (entry == NULL)
            status = cli_wrong(CLI_WRONG, "%s has no entry %s", cli->settings->map, argv[0]);
    }
    output_begin(cli->out, OUTPUT_TABLE, "user", NULL, NULL, entry_columns,
                 COUNT_OF(entry_columns));
    if (entry != NULL)
        show_entry(cli, entry);
    for (size_t i = 0; argc == 0 && i < map_size(map); i++)
        show_entry(cli, map_at(map, i));
    for (size_t i = 0; argc == 0 && i < map_rule_count(map); i++)
        show_rule(cli, map_rule_at(map, i));
    output_end(cli->out);
    map_free(map);
    return status;
}

int cmd_map(struct cli *cli, int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"check", map_check, "", "every problem of the map"},
        {"show", map_show, "[KEY]", "entries"},
        {"import", map_import, "csv|wizard|ldap|addrmap", "make a map"},
    };

    return cli_dispatch(cli, "map", verbs, COUNT_OF(verbs), argc, argv);
}
