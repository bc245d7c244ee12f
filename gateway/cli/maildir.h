/* SPDX-License-Identifier: BSD-2-Clause */
/* A Maildir that is written to: each message complete or not there, whoever reads meanwhile. */
#ifndef CLI_MAILDIR_H
#define CLI_MAILDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

struct maildir;

/* Opens PATH, making it and its three directories (mode 0700) where they are not there.
 * ERROR_SETUP: it is another kind of directory and not empty, cannot be made, or another program
 * writes to it. */
int maildir_open(struct maildir **out, const char *path, struct error *err) WARN_UNUSED;
void maildir_close(struct maildir *maildir); /* NULL is allowed */

/* Whether a message of that name (without flags) is in new or cur: 1, 0 or -1. */
int maildir_has(struct maildir *maildir, const char *name, struct error *err) WARN_UNUSED;

/* A message on its way: in tmp, with the line ends of files. */
int maildir_begin(struct maildir *maildir, const char *name, struct error *err) WARN_UNUSED;
/* Octets with CR LF line ends, in pieces of any size. */
int maildir_add(struct maildir *maildir, const void *data, size_t size,
                struct error *err) WARN_UNUSED;
/* Durable, dated UNIX_S, and then in new. One of the same name there is replaced. */
int maildir_end(struct maildir *maildir, int64_t unix_s, struct error *err) WARN_UNUSED;
void maildir_abandon(struct maildir *maildir);

/* Makes the names that maildir_end gave durable. */
int maildir_sync(struct maildir *maildir, struct error *err) WARN_UNUSED;

#endif
