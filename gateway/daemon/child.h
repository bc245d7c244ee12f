/* SPDX-License-Identifier: BSD-2-Clause */
/* A child of msmailgwd that is to run always: when it may be started, and how long to pause after
 * it died. Time is an argument (steady milliseconds). */
#ifndef DAEMON_CHILD_H
#define DAEMON_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/settings.h"

struct child {
    const char *role;
    int (*run)(const struct settings *settings);
    int not_ours; /* descriptor of the parent's that the child closes: its lock; -1: none */
    pid_t pid;    /* 0: does not run */
    int64_t started_ms, start_at_ms;
    unsigned deaths; /* in a row, without having lived for a minute */
};

/* Starts it when it does not run and its time has come. ERROR_SOFT: cannot fork now. */
int child_start(struct child *child, const struct settings *settings, int64_t now_ms,
                struct error *err) WARN_UNUSED;

/* It ended with STATUS (of waitpid): logs why and sets the pause: none when it was ASKED to end,
 * else 1 s, doubled up to 60 s. */
void child_ended(struct child *child, int status, bool asked, int64_t now_ms);

#endif
