/* SPDX-License-Identifier: BSD-2-Clause */
/* The spool directory and the small things in it: locks that make a role single, and the wake-up
 * FIFO by which a process tells the relay that there is new mail. */
#ifndef DAEMON_SPOOL_H
#define DAEMON_SPOOL_H

#include "base/attr.h"
#include "base/error.h"
#include "daemon/settings.h"

/* Makes SPOOL and in it tmp, native and ffapi (mode 0700) as needed and checks that they are ours and
 * writable. ERROR_SETUP. */
int spool_prepare(const struct settings *settings, struct error *err) WARN_UNUSED;

/* Takes the lock SPOOL/ROLE.lock ("msmailgwd", "intake", "relay") and writes our process id into it. Returns a
 * descriptor to keep open, or -1: ERROR_SETUP naming the process that holds it. */
int spool_lock(const struct settings *settings, const char *role, struct error *err) WARN_UNUSED;

/* Writes our process id into the lock of that descriptor: for a process that got it by fork. */
int spool_lock_note(int fd, const char *role, struct error *err) WARN_UNUSED;

/* Opens SPOOL/wake for the relay: readable when somebody called spool_wake. Non-blocking. */
int spool_wake_open(const struct settings *settings, struct error *err) WARN_UNUSED;

/* Wakes the relay if one runs; nothing happens if none does. */
void spool_wake(const struct settings *settings);

#endif
