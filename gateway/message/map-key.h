/* SPDX-License-Identifier: BSD-2-Clause */
/* What the first and second field of a map line may be: for the map and for what is imported. */
#ifndef MESSAGE_MAP_KEY_H
#define MESSAGE_MAP_KEY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

#define MAP_PART_MAX 10 /* characters of a network, postoffice or mailbox name (Q116466) */
#define MAP_KEY_MAX 4096
#define MAP_WHY_SIZE 192

/* Network names that gateways own (Q175978). */
bool map_network_reserved(const char *network);

/*
 * KEY is "NET/PO/USER", each part of 1 to 10 octets of 7-bit ASCII (Q101461) without controls, or
 * a typed address. WHY (MAP_WHY_SIZE) says what is wrong: the form, a part that is too long, a
 * reserved network, a mailbox of the system. 0 or -1.
 */
int map_key_check(const char *key, char *why) WARN_UNUSED;

/* "NET/PO/" and "*": a rule for a postoffice. */
bool map_key_is_rule(const char *key);

/*
 * A rule's pattern with %u (mailbox), %p (postoffice), %n (network) and %% put in: true when OUT
 * (SIZE octets) then is a valid SMTP address. ADDRESS is "NET/PO/USER".
 */
bool map_pattern_expand(const char *pattern, const char *address, char *out, size_t size);

/* PATTERN gives each user of a postoffice an address of his own: %u before the '@', nothing else
 * unknown. 0, or -1 with WHY. */
int map_pattern_check(const char *pattern, char *why) WARN_UNUSED;

/* Hashed and compared without ASCII case, for GHashTable. */
unsigned map_key_hash(const void *key);
int map_key_equal(const void *one, const void *other);

#endif
