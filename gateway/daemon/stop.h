/* SPDX-License-Identifier: BSD-2-Clause */
/* The wish of SIGTERM and SIGINT, for loops without an event base. */
#ifndef DAEMON_STOP_H
#define DAEMON_STOP_H

#include <stdbool.h>
#include <stdint.h>

/* From now on SIGTERM and SIGINT only set the wish, and SIGPIPE is ignored. */
void stop_install(void);

/* Not 0 once a signal came; what intake.h calls "stop". */
const volatile int *stop_wish(void);

/* Waits MS or until a signal; a signal that came just before is not missed. */
void stop_wait(int64_t ms);

#endif
