/* SPDX-License-Identifier: BSD-2-Clause */
/* From an address of MS Mail to an SMTP address: the order in which its sources are asked. */
#ifndef MESSAGE_LOOKUP_H
#define MESSAGE_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "message/address.h"
#include "message/map.h"

enum lookup_kind {
    LOOKUP_NONE,         /* nobody knows it, and it cannot be encapsulated (headers) */
    LOOKUP_PENDING,      /* the map has it, but it has not moved yet */
    LOOKUP_ENTRY,        /* a line of the map, or an alias */
    LOOKUP_RULE,         /* a rule of its postoffice */
    LOOKUP_TYPED,        /* "SMTP:user@host" */
    LOOKUP_ENCAPSULATED, /* IMCEA: headers only */
};

struct lookup_options {
    const struct map *map; /* may be NULL */
    const char *domain;    /* ours: encapsulated addresses are written, and read, with it only */
    bool rules;            /* the rules of the map count */
    bool typed;            /* recipients: "SMTP:user@host" is relayed as it is */
};

/* Octets of an address: more than Exchange takes of a long one without XLONGADDR, 571, would make
 * it refuse the message. */
#define LOOKUP_SMTP_MAX 571

struct lookup {
    enum lookup_kind kind;
    char smtp[LOOKUP_SMTP_MAX + 1]; /* "" for NONE and PENDING */
    const char *display;            /* the map's name, UTF-8, "" when none; borrowed from the map */
    const struct map_entry *person; /* ENTRY: the user's own line, not an alias; borrowed */
};

/*
 * Who gets the mail for ADDRESS: the map's line or alias, then a rule (OPTIONS->rules), then a
 * typed address (OPTIONS->typed); one that encapsulates an address of MS Mail in our own domain is
 * asked for as that address. Never a guess: a pending line stops the search. NONE or PENDING:
 * nobody.
 */
enum lookup_kind lookup_recipient(const struct lookup_options *options, const char *address,
                                  struct lookup *out);

/*
 * How ADDRESS is written in a header: the map's line or alias, then a rule (OPTIONS->rules, also
 * for who has not moved yet), then a typed SMTP address, then encapsulated. NONE: it is too long,
 * or is of SMTP and no address at all.
 */
enum lookup_kind lookup_header(const struct lookup_options *options, const char *address,
                               struct lookup *out);

#endif
