/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The groups of a postoffice and their local members. GLB/GROUP.GLB has a record of 51 octets for
 * each behind a header of 4 (Q77926), with alias, address, TID, type and delete flag (Q107767), in
 * clear (Q119685). Where in the record each of them lies is not public, so nothing is taken from a
 * place: the record belongs to the record of NME/ADMIN.NME (45 octets, Q77926) that is a group's
 * (type 4), and whose name and TID are both in it. The TID names MEM/<TID>.MEM: the mailbags of the
 * local members, 4 octets each (Q87396, Q107767). Members on other postoffices are in no file of
 * known form: mail for a group never reached them from outside either (Q117804, Q105525).
 */
#ifndef POSTOFFICE_GROUP_H
#define POSTOFFICE_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"
#include "postoffice/access2.h"

#define GROUP_MAX_RECORDS 65536
#define GROUP_MAX_MEMBERS 16384 /* of one group; a MEM file holds 500 (Q77926) */
#define GROUP_ALIAS_SIZE 31     /* octets of an alias, at most 30 and a NUL (Q104869) */

struct group {
    char alias[GROUP_ALIAS_SIZE + 1]; /* in the postoffice's code page */
    uint32_t tid;
};

struct group_table;

/* ERROR_DATA (sys ENOENT: absent) and ERROR_SOFT as root_open_file; ERROR_DATA when a file is too
 * large. Records that agree with nothing are left out. */
int group_table_load(struct group_table **out, struct root *root, struct error *err) WARN_UNUSED;
void group_table_free(struct group_table *table); /* NULL is allowed */
size_t group_table_count(const struct group_table *table);

/* The group whose address (the last part of NET/PO/NAME) is NAME, without case: 1 and *OUT
 * (borrowed), 0 when there is none, -1 and ERROR_DATA when two records have that name. */
int group_find(const struct group_table *table, const char *name, const struct group **out,
               struct error *err) WARN_UNUSED;

/*
 * The local members of GROUP by USERS, each once: *OUT is an array of *COUNT borrowed users (free).
 * A MEM file that is absent or empty has none (Q117895). ERROR_DATA when it is no list of mailbags
 * of known users: who is meant is not known then; ERROR_SOFT.
 */
int group_members(struct root *root, const struct group *group, const struct access2 *users,
                  const struct access2_user ***out, size_t *count, struct error *err) WARN_UNUSED;

#endif
