/* SPDX-License-Identifier: BSD-2-Clause */
/* The sweep of one postoffice from inside. Included only by daemon/intake*.c. */
#ifndef DAEMON_INTAKE_INT_H
#define DAEMON_INTAKE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/intake.h"
#include "daemon/lost.h"
#include "daemon/prepare.h"
#include "postoffice/door.h"
#include "postoffice/stamp.h"
#include "queue/cutover.h"

/* Items a batch at most: their MIME forms wait in memory for the commit. */
#define INTAKE_MAX_BATCH 256

/* Mailbags that were read and wait for the next transaction. */
#define MAX_LOOKS 64

/* An item that stays on the postoffice. */
struct remain {
    struct item_place place;
    const char *kind;
    char reason[ERROR_TEXT_SIZE];
    bool is_new;
};

/* A user who is swept: whose mailbag is read when it does not look as it did. */
struct sweep_user {
    char *name;    /* NET/PO/USER */
    char *mailbox; /* USER */
    char mailbag[9];
    uint64_t baseline_items;
    char context[17]; /* digest of all that decides about his items beside the mailbag itself */
    char *stamp;      /* of his last look, or NULL */
    int64_t swept_ms;
    bool chosen; /* read in this round */
};

enum look_fate {
    LOOK_OPEN,     /* nothing is known of it but that it lies there */
    LOOK_PENDING,  /* in the batch */
    LOOK_ACCOUNTED /* in the queue, in the baseline, or nobody's mail */
};

struct look_item {
    uint8_t header[STORE_HEADER_DIGEST];
    char mai[9];
    uint32_t record;
    enum look_fate fate;
    bool baseline;
};

/* What was live at the last look and is not there any more. */
struct look_gone {
    char mai[9];
    uint32_t record;
    int64_t first_ms;
    bool collected; /* the record is there, deleted; else the record itself is gone */
};

/* One mailbag of this round. */
struct look {
    char mailbag[9];
    const struct sweep_user *user; /* NULL: a queue's, of which nothing is stored */
    char stamp[STAMP_SIZE];
    int64_t at_ms, newest_ms; /* when it was read; latest time of its files */
    uint32_t live, records;
    struct look_item *items; /* live ones */
    size_t count;
    struct look_gone *gone;
    size_t gone_count;
    bool closed;  /* the round has left it */
    bool touched; /* it is not as it was read any more */
    bool spoiled; /* not all of it could be read, or what was could not be stored */
};

struct sweep {
    const struct intake *intake;
    const struct settings_postoffice *postoffice;
    struct intake_counts *counts;
    int64_t began_ms;
    struct door *door;
    struct groups *groups; /* of all postoffices that can be read */
    /* the batch */
    struct prepared *ready; /* items that go into the queue */
    uint64_t *ids;          /* their queue numbers after the commit, 0: known already */
    size_t ready_count;
    uint64_t ready_octets;
    struct remain *remains; /* items that stay */
    size_t remain_count, remain_capacity;
    struct lost lost; /* headers without a message */
    size_t known, left, damaged, baseline;
    size_t dropped; /* mail of programs that goes without being relayed */
    bool owned;     /* items of a user's mailbag are in it */
    /* users */
    struct sweep_user *users;
    size_t user_count;
    struct stat access2;        /* of the file by which they were chosen */
    struct native_user *chosen; /* for the door */
    size_t chosen_count;
    /* mailbags; the last look is the present one until it is closed */
    struct look looks[MAX_LOOKS];
    size_t look_count;
    char (*read)[9]; /* mailbags that were read to their end */
    size_t read_count, read_capacity;
    char **alarms; /* notes "alarm." that were there at the beginning, and new ones */
    size_t alarm_count;
    bool failed; /* the round could not do all of its work */
};

/* A backup is a directory of its own, and never alarms. */
bool sweep_is_backup(const struct sweep *sweep);
/* Files of the postoffice may be read by the native door and nothing else is asked of it. */
bool sweep_is_native(const struct sweep *sweep);
const char *sweep_place_name(const struct item_place *place);

/* ---- intake-batch.c ---- */

/* The batch that door_begin has opened: 0, or -1 and what stopped it. */
int batch_run(struct sweep *sweep, struct error *err) WARN_UNUSED;

/* ---- intake-remain.c ---- */

/* Noted for this batch. Without memory for it the item still stays where it is; the next sweep
 * notes it. */
void remain_note(struct sweep *sweep, const struct item_place *place, const char *kind,
                 const char *reason);
int remain_write(struct sweep *sweep, int64_t now_ms, struct error *err) WARN_UNUSED;
void remain_log(struct sweep *sweep, int64_t now_ms);
/* Forgets what was noted before this sweep, but for the mailbags that were not read. */
int remain_forget(struct sweep *sweep, struct error *err) WARN_UNUSED;

/* ---- intake-system.c ---- */

/* True when ITEM is mail of programs and was dealt with: it stays, or goes without being relayed,
 * as the settings say. One that its door cannot leave where it is gets prepared->held. Asked twice:
 * with the addresses, and with the class, once the message has been read. */
bool system_mail(struct sweep *sweep, struct item *item, struct prepared *prepared);

/* ---- intake-users.c ---- */

/* Finds the users to sweep and those of them whose mailbags are to be read. Faults of single users
 * are stored and told; -1 when none can be swept. */
int users_choose(struct sweep *sweep, struct error *err) WARN_UNUSED;
void users_clear(struct sweep *sweep);
/* -1 when ACCESS2.GLB is not any more what it was when they were chosen: somebody may have got
 * another mailbag meanwhile. */
int users_confirm(const struct sweep *sweep, struct error *err) WARN_UNUSED;
/* NULL when NAME is none of them. */
const struct sweep_user *users_find(const struct sweep *sweep, const char *name);

/* ---- intake-look.c ---- */

void look_watch(struct sweep *sweep, struct native_watch *watch);
/* Of the present mailbag not all could be read, or stored, or removed: it is read again. */
void look_spoil(struct sweep *sweep);
/* COUNT items of the present one are removed. */
void look_removed(struct sweep *sweep, size_t count);
void look_set_fate(struct sweep *sweep, const struct item *item, enum look_fate fate);
/* Inside the batch's transaction. */
int look_write(struct sweep *sweep, int64_t now_ms, struct error *err) WARN_UNUSED;
/* After it: DONE false when it was rolled back. */
void look_written(struct sweep *sweep, bool done);
/* A transaction of its own, for mailbags without a batch. At the end of a round the present one is
 * closed first. */
void look_flush(struct sweep *sweep);
void look_clear(struct sweep *sweep);

/* ---- intake-guard.c: what stops a mailbag or a postoffice, and its alarms ---- */

void guard_begin(struct sweep *sweep);
void guard_end(struct sweep *sweep);
/* False, and ERR, when the postoffice has gone back in time and nobody has said that this is right.
 */
bool guard_may_sweep(struct sweep *sweep, struct error *err);
void guard_removal(struct sweep *sweep, const char *mailbag, const struct error *why);
void guard_fill(struct sweep *sweep, const struct native_view *view);
/* Sets (TEXT, JSON) or takes away (NULL) the alarm NAME; EVENT (may be NULL) is written to the
 * relay log when it was not there, or was. */
void guard_alarm(struct sweep *sweep, const char *name, const char *text, const char *event,
                 const char *mailbag, const char *reason);

#endif
