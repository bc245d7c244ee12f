/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups that reach a queue of ours as a recipient: the client that wrote the message did not take
 * them apart, because they are another postoffice's (Q117804, Q105525). Where the settings have a
 * section for that postoffice, its own tables say who is meant.
 */
#ifndef DAEMON_GROUPS_H
#define DAEMON_GROUPS_H

#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/settings.h"

struct groups;

/* SETTINGS are borrowed. Nothing is opened before it is asked for; what was read stays as it was
 * until groups_free. NULL: no memory. */
struct groups *groups_new(const struct settings *settings);
void groups_free(struct groups *groups); /* NULL is allowed */

/* The alias of the group "NET/PO/NAME" in its postoffice's code page (borrowed), or NULL: it is no
 * group of a postoffice that can be read. */
const char *groups_alias(struct groups *groups, const char *address);

/*
 * 1: ADDRESS is a group, and *OUT has *COUNT texts "NET/PO/USER", its local members, for
 * groups_names_free. 0: it is none. -1: it is one whose members cannot be known, ERR says why;
 * ERROR_SOFT: memory.
 */
int groups_expand(struct groups *groups, const char *address, char ***out, size_t *count,
                  struct error *err) WARN_UNUSED;
void groups_names_free(char **names, size_t count);

#endif
