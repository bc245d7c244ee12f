/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers whose message is gone from the postoffice (Q103421, Q136004). Nothing can be relayed, and
 * nobody would ever know: once a sweep finds the same message missing that an earlier sweep found
 * missing, the queue gets a message without content whose recipients are these headers, failed
 * already. So the relay reports them to the postmaster, once; the journal knows them from then on.
 */
#ifndef DAEMON_LOST_H
#define DAEMON_LOST_H

#include "daemon/intake.h"
#include "message/message.h"
#include "postoffice/door.h"

struct lost_header {
    char name[48]; /* "00000016/00017D4A": where it lies, for the journal */
    char reason[ERROR_TEXT_SIZE];
};

struct lost {
    const struct intake *intake;
    const struct settings_postoffice *postoffice;
    int64_t began_ms; /* of this sweep */
    bool looked;      /* the list of the sweep before has been read */
    char (*before)[48];
    size_t before_count, before_capacity;
    char fingerprint[FINGERPRINT_HEX_SIZE]; /* that all headers of this postoffice have */
    struct lost_header *headers;            /* of this batch, to be told */
    size_t count, capacity;
};

/* All is borrowed. lost_clear frees. */
void lost_init(struct lost *lost, const struct intake *intake,
               const struct settings_postoffice *postoffice, int64_t began_ms);
void lost_clear(struct lost *lost);

/* The message of ITEM is missing, WHY says so. 1: it was in an earlier sweep, too, and is told with
 * this batch or was before; 0: it was not; -1 error of the queue. */
int lost_note(struct lost *lost, const struct item *item, const struct error *why,
              struct error *err) WARN_UNUSED;

/* Inside the transaction of the batch: what is to be told goes into the queue. */
int lost_write(const struct lost *lost, int64_t now_ms, struct error *err) WARN_UNUSED;

/* The batch has ended. */
void lost_end_batch(struct lost *lost);

#endif
