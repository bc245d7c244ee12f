/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local users of a postoffice and their mailbags: GLB/ACCESS2.GLB, 69 octets a record (Q77926).
 * The record of a user has the same number in ACCESS, ACCESS2 and ACCESS3 (Q87402); the mailbag is
 * a hexadecimal number that a postoffice can give again to somebody else (Q117738, Q120449). Where
 * name and number lie comes from the profile.
 */
#ifndef POSTOFFICE_ACCESS2_H
#define POSTOFFICE_ACCESS2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"
#include "postoffice/profile.h"

#define ACCESS2_FILE "GLB/ACCESS2.GLB"
#define ACCESS2_MAX_USERS 65536
#define ACCESS2_NAME_SIZE 11 /* octets of a mailbox name, at most 10 and a NUL */

struct access2_user {
    char name[ACCESS2_NAME_SIZE + 1]; /* mailbox, as the file has it */
    char mailbag[9];                  /* "0000002E" */
    uint32_t number;                  /* the same as a number */
    uint32_t record;
    bool ambiguous; /* another record has the same name or the same mailbag: whose mail is it? */
};

struct access2;

/* $SYSTEM, *SPECIAL, *MAILBAG: what programs of the postoffice write to each other, nobody's mail
 * (Q117648, Q112879, Q162841). The name so written when MAILBOX is one, without regard to case;
 * else NULL. */
const char *access2_program(const char *mailbox);

/* These, and ADMINSCH: accounts of the postoffice itself, which are never swept. */
bool access2_is_special(const char *mailbox);

/* False when the profile does not say where names and mailbags lie. */
bool access2_known(const struct profile *profile);

/* Reads all users; records without a name (deleted users, Q85058) or without a number are not among
 * them. ERROR_SETUP names what the profile does not know; ERROR_DATA (sys ENOENT: absent) and
 * ERROR_SOFT as root_open_file. */
int access2_load(struct access2 **out, struct root *root, const struct profile *profile,
                 struct error *err) WARN_UNUSED;
void access2_free(struct access2 *access2); /* NULL is allowed */

/* In order of record. */
size_t access2_count(const struct access2 *access2);
const struct access2_user *access2_at(const struct access2 *access2, size_t place);

/* Without ASCII case. NULL: there is none. Look at `ambiguous` before you believe one. */
const struct access2_user *access2_find(const struct access2 *access2, const char *name);
const struct access2_user *access2_find_mailbag(const struct access2 *access2, uint32_t number);

/* ERROR_DATA unless ACCESS (586), ACCESS2 (69) and ACCESS3 (512 octets a record) hold whole records
 * and equally many: else mail could reach the wrong person (Q168736, Q77926). No profile is needed.
 */
int access2_check_counts(struct root *root, struct error *err) WARN_UNUSED;

#endif
