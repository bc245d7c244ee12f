/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs the postoffice's GET program (GTWGET, SMTPGET, or what the operator put around it).
 *
 * No shell: the program and its arguments are given to execve as they are, but for "{file}" and
 * "{count}" in the arguments. It runs in a process group of its own, with stdin /dev/null, stdout
 * and stderr captured, umask 077 and the door's directory as working directory, where relative
 * names of its files lead. Every other descriptor is closed but one: the door's lock file. The
 * program is killed when we die; should a process that it started live on, the lock that came with
 * the descriptor is held until that process is gone, too, and no other run can begin meanwhile.
 */
#ifndef POSTOFFICE_GETRUN_H
#define POSTOFFICE_GETRUN_H

#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"

#define GETRUN_MAX_LINE 512      /* octets of a line of output; the rest of it is dropped */
#define GETRUN_MAX_OUTPUT 262144 /* octets of output that are reported */
#define GETRUN_KILL_AFTER_S 5    /* between SIGTERM and SIGKILL */

struct getrun_settings {
    const char *const *command; /* without '/': looked for in PATH */
    size_t command_count;
    unsigned time_limit_s;
    void (*report)(void *context, const char *line); /* may be NULL */
    void *report_context;
};

struct getrun_job {
    const char *file; /* for "{file}" */
    size_t count;     /* for "{count}" */
    int directory;    /* working directory; borrowed */
    int lock;         /* inherited by the program; borrowed */
};

/*
 * Returns when the program has ended; whatever it left running in its group is killed. 0 only when
 * it exited with status 0. REFUSAL then has the first line it printed in the form of FFAPI errors,
 * "eee-mmm-lll text" (Q118533), or is empty. -1: ERROR_SETUP when it cannot be started, ERROR_SOFT
 * for another status, a signal, or the time limit; the text has its last line of output.
 */
int getrun_run(const struct getrun_settings *settings, const struct getrun_job *job,
               char refusal[GETRUN_MAX_LINE], struct error *err) WARN_UNUSED;

#endif
