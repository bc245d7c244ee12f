/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel is told to refuse us. A kernel without Landlock (before 5.13) is not an error:
 * the systemd unit confines as well. */
#ifndef DAEMON_CONFINE_H
#define DAEMON_CONFINE_H

#include "base/attr.h"
#include "base/error.h"
#include "daemon/settings.h"

/* For every process: no core dump (secrets), no new privileges, as many open files as allowed. */
int confine_process(struct error *err) WARN_UNUSED;

/* Intake: no new privileges. Its GET program (door = ffapi) may need the network; without one, this
 * process may not make network sockets any more (seccomp). */
int confine_intake(const struct settings *settings, struct error *err) WARN_UNUSED;

/* Relay: may write beneath the spool and the log's directory only, and may not open anything of a
 * postoffice (Landlock). */
int confine_relay(const struct settings *settings, struct error *err) WARN_UNUSED;

#endif
