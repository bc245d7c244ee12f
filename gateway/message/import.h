/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An address map made from what an Exchange directory, its migration wizard or the old SMTP gateway
 * knows. All sources give people to one table, which decides who has moved, and is written as a map
 * file (map.h). Nothing is guessed: whoever is not taken is refused with a reason.
 */
#ifndef MESSAGE_IMPORT_H
#define MESSAGE_IMPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"

#define IMPORT_MAX_VALUES 4096 /* addresses of one person */
#define IMPORT_MAX_PEOPLE 1000000
#define IMPORT_MAX_VALUE 1123 /* octets of a proxy address that a directory may hold */

struct import;

/* A person as a directory has him. All texts are UTF-8 and borrowed. */
struct import_person {
    const char *where; /* "line 12", a distinguished name */
    const char *display;
    const char *const *values; /* "TYPE:value": proxy addresses; upper case type: the primary one */
    size_t value_count;
    const char *mail;   /* SMTP address when no "SMTP:" value is there; NULL or "" */
    const char *target; /* "TYPE:value" where his mail is forwarded; NULL or "" */
    bool mailbox;       /* has one in Exchange */
};

/* ROUTED (borrowed, as long as the import): domains whose mail comes back to us. */
struct import *import_new(const char *const *routed, size_t routed_count);
void import_free(struct import *import); /* NULL is allowed */

/*
 * Adds the addresses "MS:NET/PO/USER" and "MIGRATE:MS:NET/PO/USER" of PERSON (Q153028, Q182665)
 * with his primary SMTP address. The first key by name is a line, others are its aliases. People
 * without such an address are counted only. Refused: no mailbox (a custom recipient, whose mail is
 * still with MS Mail), a target on MS Mail or at a routed domain, no or a bad SMTP address, a bad
 * key, a key that somebody else has.
 */
void import_person(struct import *import, const struct import_person *person);

/* A line of its own: KEY to SMTP. Refused as above. */
void import_line(struct import *import, const char *where, const char *key, const char *smtp,
                 const char *display);
/* A rule for POSTOFFICE ("NET/PO"); rules keep their order. */
void import_rule(struct import *import, const char *where, const char *postoffice,
                 const char *pattern);
/* BENIGN: as expected, such as somebody who has not moved. */
void import_refuse(struct import *import, const char *where, bool benign, const char *format, ...)
    PRINTF_LIKE(4, 5);

struct import_refusal {
    const char *where;
    const char *why;
    bool benign;
};
size_t import_refusals(const struct import *import);
const struct import_refusal *import_refusal_at(const struct import *import, size_t index);

size_t import_lines(const struct import *import);     /* users, aliases and rules */
size_t import_others(const struct import *import);    /* people without an MS Mail address */
bool import_has_problem(const struct import *import); /* a refusal that is not benign */

/* The map file, sorted by key, behind SOURCE as a comment. *OUT is for
 * import_text_free. */
void import_text(const struct import *import, const char *source, char **out, size_t *size);
void import_text_free(char *text);

/* TEXT as the file PATH, whole or not at all: a new file beside it, synced, renamed. ERROR_SETUP.
 */
int import_write(const char *path, const char *text, size_t size, struct error *err) WARN_UNUSED;

/* ---- import-csv.c: readers of files; ERROR_SETUP or ERROR_DATA about the whole file ---- */

/*
 * A directory export of Exchange 5.5. Its first line names the columns: Obj-Class, Display Name,
 * E-mail Address(es), Secondary-Proxy-Addresses (absent unless asked for, Q153028). Several values
 * of a column are joined by '%' (Q155594, Q184536). Mailbox: moved. Remote: a custom recipient,
 * refused.
 */
int import_csv(struct import *import, const char *path, struct error *err) WARN_UNUSED;

/*
 * The user list of the Migration Wizard (Q150438) for POSTOFFICE ("NET/PO"): two lines about the
 * postoffice, then names of columns. It has no SMTP addresses: they are Common-Name at DOMAIN, or,
 * with JOIN (a directory export as above), those of the mailbox whose Alias Name is Common-Name.
 */
int import_wizard(struct import *import, const char *path, const char *postoffice,
                  const char *domain, const char *join, struct error *err) WARN_UNUSED;

/* ADDR_MAP.CFG of the SMTP gateway: "NET/PO domain" lines, in their order (Q111840, Q112286). */
int import_addrmap(struct import *import, const char *path, struct error *err) WARN_UNUSED;

#endif
