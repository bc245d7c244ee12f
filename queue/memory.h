/* SPDX-License-Identifier: BSD-2-Clause */
/* A queue that lives in memory: the same contract, nothing durable. For tests only, so store_open
 * does not know it and the programs do not link it. */
#ifndef QUEUE_MEMORY_H
#define QUEUE_MEMORY_H

#include "queue/store.h"

int store_open_memory(struct store **out, struct error *err) WARN_UNUSED;

#endif
