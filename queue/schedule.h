/* SPDX-License-Identifier: BSD-2-Clause */
/* When to try again. By wall clock, time an argument; jitter is a function of the recipient, so
 * that tests can repeat it. */
#ifndef QUEUE_SCHEDULE_H
#define QUEUE_SCHEDULE_H

#include <stdint.h>

struct schedule {
    int64_t first_ms;   /* pause after the first failed try (default 60 s) */
    int64_t longest_ms; /* pauses double up to this (default 1 h) */
    int64_t expiry_ms;  /* from entering the queue (default 5 days) */
};

void schedule_defaults(struct schedule *schedule);

/* Due time after try number TRIES (1 is the first): the pause is drawn from 75 % to 125 % of the
 * doubled pause by SEED. Never before NOW_MS + 1. */
int64_t schedule_next(const struct schedule *schedule, unsigned tries, uint64_t seed,
                      int64_t now_ms);

int64_t schedule_expiry(const struct schedule *schedule, int64_t received_ms);

#endif
