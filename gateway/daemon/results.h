/* SPDX-License-Identifier: BSD-2-Clause */
/* Outcomes on their way into the queue: collected during one turn of the event loop, committed in
 * one transaction, and logged only then. */
#ifndef DAEMON_RESULTS_H
#define DAEMON_RESULTS_H

#include "base/attr.h"
#include "base/error.h"
#include "daemon/delivery.h"
#include "daemon/relay.h"
#include "daemon/relaylog.h"

struct results;

/* How the server was reached, for queue and log; borrowed. */
struct result_path {
    const char *relay, *tls, *auth;
};

int results_new(struct results **out, struct store *store, struct relaylog *log,
                struct error *err) WARN_UNUSED;
void results_free(struct results *results); /* what was not committed is lost: SENDING stays */

/* Notes the result of recipient INDEX of DELIVERY (once each). RESULT's recipient is filled in
 * here; its strings and those of PATH are copied. */
void results_add(struct results *results, struct delivery *delivery, size_t index,
                 const struct store_result *result, const struct result_path *path);

size_t results_pending(const struct results *results);

/* Inside a transaction of the caller's; results_stored after its commit, which logs all and forgets
 * them. When it is rolled back they stay, to be stored again. */
int results_store(struct results *results, struct error *err) WARN_UNUSED;
void results_stored(struct results *results, struct relay_counts *counts);

/* Both with a transaction of its own. COUNTS are added to. ERROR_SOFT: nothing was committed, call
 * again. */
int results_commit(struct results *results, struct relay_counts *counts,
                   struct error *err) WARN_UNUSED;

#endif
