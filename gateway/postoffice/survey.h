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
    char id[9];       /* "0000002E" */
    char name[32];    /* "NET/PO", gateway name, or mailbox */
    const char *kind; /* "postoffice", "gateway", "ffapi", "user", "inqueue", "system", "unknown" */
    uint32_t records; /* size of the MBG / 116 */
    uint32_t live;    /* not deleted by the KEY bitmap */
    int64_t oldest_local_minutes; /* date of the oldest live item, minutes since 1970 local; -1 */
    bool locked;                  /* somebody holds P1\<id>.0LK */
    bool shared;                  /* it is two users', or a user's and a queue's: see problem */
    char problem[128];            /* "" when its files are sound */
};

typedef int survey_mailbag_seen(void *context, const struct survey_mailbag *mailbag);

/* All mailbags that the routing tables, ACCESS2 and the MBG directory name, in order of id. SEEN
 * returns 0 to go on. PROFILE is a path. ERROR_SETUP when PATH or PROFILE cannot be read. */
int survey_mailbags(const char *path, const char *profile, survey_mailbag_seen *seen, void *context,
                    struct error *err) WARN_UNUSED;

enum survey_severity { SURVEY_OK, SURVEY_NOTE, SURVEY_WARNING, SURVEY_FAULT };

struct survey_finding {
    enum survey_severity severity;
    bool stops;       /* relaying is not safe, or not possible, while this is so */
    const char *code; /* one word of msmailgw(1): "size", "pair"; static */
    char file[64];    /* "MBG/0000002E.MBG", "" for the whole postoffice */
    char text[256];
};

/* FINDING lives as long as the call. 0 goes on. */
typedef int survey_found(void *context, const struct survey_finding *finding);
typedef void survey_progress(void *context, uint64_t done, uint64_t total);

/*
 * Integrity, read-only: directories (Q132744), sizes and divisibility of the fixed-record files
 * (Q77926), KEY and MBG pairs, users and routing, locks, files that removal could not write, every
 * live record against its message, every message and attachment against what refers to it. MAI and
 * ATT are listed as a stream: 16 octets a live record and 8 an attachment are kept. PROFILE is a
 * path, or NULL: then what needs one is told as not checked. What somebody changes meanwhile is
 * looked at again before it is told. CODEPAGE ("CP850"; NULL: the profile's) is compared with what
 * the texts look like. Returns the worst severity, or -1: ERROR_SETUP when PATH or
 * PROFILE cannot be read.
 */
int survey_check(const char *path, const char *profile, const char *codepage, survey_found *found,
                 survey_progress *progress, void *context, struct error *err) WARN_UNUSED;

#endif
