/* SPDX-License-Identifier: BSD-2-Clause */
/* A restored backup as a postoffice that "drain --read-only" sweeps. */
#ifndef CLI_DRAIN_BACKUP_H
#define CLI_DRAIN_BACKUP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "cli/cli.h"
#include "daemon/intake.h"

struct drain_backup {
    struct settings_postoffice postoffice; /* title and path are the directory */
    struct intake_backup backup;
    char *path;
    const char **users; /* borrowed strings */
};

/* What the command line says about it. */
struct drain_wish {
    const char *directory;
    const char *like; /* title of the section whose settings count; NULL: the only native one */
    bool include_outbound;
    bool no_baseline;
    const char *const *users; /* NET/PO/USER */
    size_t user_count;
};

/* 0, or the exit status after a message. drain_backup_clear in any case. */
int drain_backup_make(struct drain_backup *out, struct cli *cli,
                      const struct drain_wish *wish) WARN_UNUSED;
void drain_backup_clear(struct drain_backup *backup);

#endif
