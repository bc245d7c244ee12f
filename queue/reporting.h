/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is still to be told of failures and delays. What store.h says of all operations holds here.
 */
#ifndef QUEUE_REPORTING_H
#define QUEUE_REPORTING_H

#include "queue/store.h"

/* Messages with FAILED recipients not yet reported, of which one failed at BEFORE_MS or earlier or
 * no other is QUEUED or SENDING any more. *ID 0 when there is none after AFTER. Reports themselves
 * (report_of) are never returned. */
int store_next_unreported(struct store *store, uint64_t after, int64_t before_ms, uint64_t *id,
                          struct error *err) WARN_UNUSED;
/* Inside the transaction that adds the report (or decides that none is sent): the FAILED recipients
 * of message ID with ids up to LAST are in it. */
int store_set_reported(struct store *store, uint64_t id, uint64_t last,
                       struct error *err) WARN_UNUSED;

/* A message whose notice_ms is NOW_MS or before and that has a QUEUED recipient; *ID 0: none. */
int store_next_late(struct store *store, int64_t now_ms, uint64_t *id,
                    struct error *err) WARN_UNUSED;
/* Inside the transaction that adds the notice: there is no other for this message. */
int store_set_noticed(struct store *store, uint64_t id, struct error *err) WARN_UNUSED;
/* Forgets the notices due at NOW_MS of messages that are final for all recipients. Its own
 * transaction. */
int store_forget_notices(struct store *store, int64_t now_ms, struct error *err) WARN_UNUSED;

/* A report with a recipient that is HELD: a failure that nobody was told; *ID 0: none. */
int store_held_report(struct store *store, uint64_t *id, struct error *err) WARN_UNUSED;

#endif
