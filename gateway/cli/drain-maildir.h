/* SPDX-License-Identifier: BSD-2-Clause */
/* "drain --to maildir DIR": the mail of a postoffice, or of a backup, into an archive. */
#ifndef CLI_DRAIN_MAILDIR_H
#define CLI_DRAIN_MAILDIR_H

#include "cli/cli.h"
#include "cli/drain-backup.h"

struct drain_archive_wish {
    struct drain_wish source; /* DIRECTORY: a postoffice of the settings, or a directory */
    const char *maildir;
};

/*
 * Copies what is in the queues of a postoffice (of a directory: only when asked to) and in the
 * mailbags of all its users, or of those that are named, into a Maildir, each message of each
 * mailbag once, with the addresses of the map where it has them. MAILDIR/msmailgw.db is a journal
 * of its own: what was written before is not written again, whatever a reader did with it. Nothing
 * is changed in the postoffice, in the spool, or in its journal. The exit status.
 */
int drain_archive(struct cli *cli, const struct drain_archive_wish *wish);

#endif
