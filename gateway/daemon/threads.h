/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers in a batch of intake find what they answer: in the queue, whose threads are kept as long
 * as its journal, or in the same batch, before or behind them. All of it is headers only: who finds
 * nothing is relayed without.
 */
#ifndef DAEMON_THREADS_H
#define DAEMON_THREADS_H

#include "daemon/prepare.h"

/* Sets what PREPARED answers, as far as STORE and the COUNT of BATCH, which were prepared before
 * it, know. Errors: those of store_find_thread; ERROR_SOFT, memory. */
int threads_find(struct prepared *prepared, struct store *store, const struct prepared *batch,
                 size_t count, struct error *err) WARN_UNUSED;

/* Before the commit: those of BATCH (INTAKE_MAX_BATCH at most) that answer a later one, or one that
 * does, are set anew. CHANGED has room for COUNT and tells which. ERROR_SOFT: memory. */
int threads_settle(struct prepared *batch, size_t count, bool *changed,
                   struct error *err) WARN_UNUSED;

/* What answers to PREPARED will look for; inside the transaction that queues it. */
int threads_store(const struct prepared *prepared, struct store *store,
                  struct error *err) WARN_UNUSED;

#endif
