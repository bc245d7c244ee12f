/* SPDX-License-Identifier: BSD-2-Clause */
/* The two children of msmailgwd. Each runs until SIGTERM and gives its exit status: 0 ended as
 * asked, 1 failed (its parent starts it again), 2 settings are wrong (started again, slowly). */
#ifndef DAEMON_PROCESS_H
#define DAEMON_PROCESS_H

#include "daemon/settings.h"

/* Sweeps the postoffices; opens no network connection. */
int process_intake(const struct settings *settings);

/* Relays the queue; opens nothing of a postoffice. */
int process_relay(const struct settings *settings);

#endif
