/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The address map: who moved, and to which SMTP address. Text, one user a line, TAB separated:
 *
 *   NET/PO/USER  smtp-address  migrated_at  state  display-name  flags
 *
 * Only the first two are required; "#" begins a comment line; UTF-8. The key may be a typed
 * address ("SMTP:user@host"). state is "active" (default) or "pending" (not relayed yet).
 * Keys compare without regard to ASCII case (Q103421).
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
};

/* Called for each problem; LINE 0 when it is about the whole file. */
typedef void map_problem(void *context, unsigned line, const char *text);

/*
 * Loads PATH whole or not at all: ERROR_SETUP names file and line of the first problem (bad
 * address, part longer than 10 characters, reserved network name (Q175978), duplicate key with
 * both lines, unknown state, control characters). With PROBLEM not NULL every problem is reported
 * through it and the load still fails at the end if there was any.
 */
int map_load(struct map **out, const char *path, map_problem *problem, void *context,
             struct error *err) WARN_UNUSED;
void map_free(struct map *map);

size_t map_size(const struct map *map);
const struct map_entry *map_at(const struct map *map, size_t index); /* in file order */

/* Hashed, case-insensitive. ADDRESS as in struct message_address. NULL when absent. */
const struct map_entry *map_find(const struct map *map, const char *address);

#endif
