/* SPDX-License-Identifier: BSD-2-Clause */
/* The single commit point of intake: prepared items into the queue, many in one transaction. */
#ifndef DAEMON_ENQUEUE_H
#define DAEMON_ENQUEUE_H

#include "daemon/prepare.h"

/* Whether the journal has every recipient of PREPARED already: 1, 0, or -1. */
int enqueue_known(struct store *store, const struct prepared *prepared,
                  struct error *err) WARN_UNUSED;

/*
 * Adds PREPARED to the queue inside the caller's transaction: mapped recipients as QUEUED, the
 * others as FAILED (setting unmapped = report) or HELD (an item that its door cannot leave where it
 * is, or mail that the operator has to decide about). Recipients that the journal has are left out;
 * *ID is 0 when none was new.
 */
int enqueue_item(const struct intake *intake, const struct settings_postoffice *postoffice,
                 const struct prepared *prepared, int64_t now_ms, uint64_t *id,
                 struct error *err) WARN_UNUSED;

#endif
