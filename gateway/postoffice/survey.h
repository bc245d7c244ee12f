/* SPDX-License-Identifier: BSD-2-Clause */
/* Read-only views of a postoffice for the operator: its queues, their fill, and what is wrong. */
#ifndef POSTOFFICE_SURVEY_H
#define POSTOFFICE_SURVEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

#define MAILBAG_MAX_RECORDS 4096 /* Q119088, Q138054 */

struct survey_mailbag {
    char id[9];        /* "0000002E" */
    char name[32];     /* "NET/PO", gateway name, or mailbox */
    const char *kind;  /* "postoffice", "gateway", "ffapi", "user", "inqueue", "system", "unknown" */
    uint32_t records;  /* size of the MBG / 116 */
    uint32_t live;     /* not deleted by the KEY bitmap */
    int64_t oldest_local_minutes; /* date of the oldest live item, minutes since 1970 local; -1 */
    bool locked;       /* somebody holds P1\<id>.0LK */
    char problem[128]; /* "" when its files are sound */
};

typedef int survey_mailbag_seen(void *context, const struct survey_mailbag *mailbag);

/* All mailbags that the routing tables, ACCESS2 and the MBG directory name, in order of id. SEEN
 * returns 0 to go on. PROFILE is a path. ERROR_SETUP when PATH or PROFILE cannot be read. */
int survey_mailbags(const char *path, const char *profile, survey_mailbag_seen *seen, void *context,
                    struct error *err) WARN_UNUSED;

enum survey_severity { SURVEY_OK, SURVEY_NOTE, SURVEY_WARNING, SURVEY_FAULT };

struct survey_finding {
    enum survey_severity severity;
    char file[64];   /* "MBG/0000002E.MBG", "" for the whole postoffice */
    char text[256];
};

typedef int survey_found(void *context, const struct survey_finding *finding);
typedef void survey_progress(void *context, uint64_t done, uint64_t total);

/*
 * Integrity: directories (Q132744), sizes and divisibility of the fixed-record files (Q77926),
 * KEY and MBG pairs, live records whose MAI is missing, routing of NETWORK.GLB and XTN, agreement
 * of ACCESS, ACCESS2 and ACCESS3, fill towards 4,096, locks. Returns the worst severity, or -1.
 */
int survey_check(const char *path, const char *profile, survey_found *found,
                 survey_progress *progress, void *context, struct error *err) WARN_UNUSED;

#endif
