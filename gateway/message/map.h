/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address map: who moved, and to which SMTP address. Text, one user a line, TAB separated:
 *
 *   NET/PO/USER  smtp-address  migrated_at  state  display-name  flags
 *
 * Only the first two are required; "#" begins a comment line; UTF-8. The key may be a typed
 * address ("SMTP:user@host"). state is "active" (default) or "pending" (not relayed yet).
 * Keys compare without regard to ASCII case (Q103421).
 *
 * A line whose second field is an address of MS Mail is an alias: whoever has it is the user of
 * that other line. A line with the key "NET/PO/" and "*" is a rule for everybody of a postoffice
 * who has no line: its second field is a pattern, "%u@%p.%n.example". Several rules of a postoffice
 * are tried in their order (Q111840).
 */
#ifndef MESSAGE_MAP_H
#define MESSAGE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"

#define MAP_MAX_FILE ((size_t)256 * 1024 * 1024)

struct map;

struct map_entry {
    const char *key;     /* as written */
    const char *smtp;    /* a valid addr-spec */
    const char *display; /* UTF-8, "" when none */
    bool active;
    unsigned line;
    const struct map_entry *user; /* of an alias: the line of its user, whose address it has */
    const struct map_entry *next; /* the next alias of the same user; of a user: his first */
};

struct map_rule {
    const char *postoffice; /* "NET/PO" */
    const char *pattern;
    bool active;
    unsigned line;
    struct map_rule *next; /* of the same postoffice */
};

/* Called for each problem; LINE 0 when it is about the whole file. */
typedef void map_problem(void *context, unsigned line, const char *text);

/*
 * Loads PATH whole or not at all: ERROR_SETUP names file and line of the first problem (bad
 * address, part longer than 10 characters, reserved network name (Q175978), duplicate key with
 * both lines, unknown state, control characters, an alias without its user or in a circle, a rule
 * that does not give addresses). With PROBLEM not NULL every problem is reported
 * through it and the load still fails at the end if there was any.
 */
int map_load(struct map **out, const char *path, map_problem *problem, void *context,
             struct error *err) WARN_UNUSED;
void map_free(struct map *map);

size_t map_size(const struct map *map);
const struct map_entry *map_at(const struct map *map, size_t index); /* in file order */

/* Hashed, case-insensitive. ADDRESS as in struct message_address. NULL when absent. */
const struct map_entry *map_find(const struct map *map, const char *address);

size_t map_rule_count(const struct map *map);
const struct map_rule *map_rule_at(const struct map *map, size_t index); /* in file order */

/* The address that the first fitting active rule gives to "NET/PO/USER", into OUT (SIZE octets, at
 * least ADDRESS_SMTP_MAX + 1). False: no rule, or none that makes a valid address of this name. */
bool map_rule_apply(const struct map *map, const char *address, char *out, size_t size);

#endif
