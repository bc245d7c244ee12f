/* SPDX-License-Identifier: BSD-2-Clause */
/* From a postoffice into the queue. Used by the intake process and by "drain". */
#ifndef DAEMON_INTAKE_H
#define DAEMON_INTAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/relaylog.h"
#include "daemon/settings.h"
#include "message/map.h"
#include "queue/store.h"

struct intake_counts {
    uint64_t queued;     /* items that entered the queue */
    uint64_t recipients; /* of them */
    uint64_t known;      /* items the journal knew: only removed */
    uint64_t left;       /* items that stay: unmapped or partly mapped */
    uint64_t damaged;    /* items that stay: malformed */
    uint64_t removed;    /* items removed from the postoffice */
    uint64_t batches;
    uint64_t mailbags;  /* of users: read */
    uint64_t unchanged; /* of users: not opened, as they look as they did */
    uint64_t baseline;  /* items that stay: migrated already */
    uint64_t collected; /* items that a client took before us */
    uint64_t vanished;  /* items whose record went without being deleted */
    uint64_t troubles;  /* rounds and users that failed; each was told */
    bool paused;        /* out: the postoffice waits for the operator (INTERNALS.md, 11.3) */
};

/* A restored backup: the mail in it of users who were moved. */
struct intake_backup {
    const char *const *users; /* NET/PO/USER; none: all who are known, in whatever state */
    size_t user_count;
    bool no_baseline; /* relay all of a user who is not known, too */
};

struct intake {
    const struct settings *settings;
    const struct map *map;
    struct store *store;
    struct relaylog *log;               /* may be NULL */
    bool dry_run;                       /* reads and counts; writes nowhere, locks nothing */
    bool read_only;                     /* queues, but never changes the postoffice */
    bool whole;                         /* reads every mailbag, also those that look as they did */
    const struct intake_backup *backup; /* NULL: a postoffice that is in use */
    bool archive; /* who is not in the map is queued, too, with the MS Mail address as address */
    const volatile int *stop; /* not 0: end after the present batch; may be NULL */
    /* Called after every item; may be NULL. */
    void (*progress)(void *context, const struct intake_counts *counts);
    void *progress_context;
};

/* One round over all queues of POSTOFFICE and the mailbags of its users who are swept. COUNTS is
 * added to. Errors that concern one queue are logged and left in the note "postoffice.TITLE"; -1
 * only when nothing could be done at all. */
int intake_sweep(const struct intake *intake, const struct settings_postoffice *postoffice,
                 struct intake_counts *counts, struct error *err) WARN_UNUSED;

#endif
