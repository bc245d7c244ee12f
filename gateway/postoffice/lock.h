/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The semaphore of a mailbag, P1\<id>.0LK: created, then opened so that nobody else can open it,
 * held while mail is taken, deleted last (Q128913, Q129456, Q117152, Q136004). Its name is in upper
 * case; a lower-case twin is the same lock (Q129456, Q152903). One left by a program that died is
 * harmless and taken over when nobody holds it.
 *
 * Deny-all opens do not exist here. Their form is an exclusive lock of the whole file that belongs
 * to the open file (F_OFD_SETLK), and flock(2) besides it; on an SMB mount both would become
 * byte-range locks of one handle and shut each other out, so there only the first is taken.
 */
#ifndef POSTOFFICE_LOCK_H
#define POSTOFFICE_LOCK_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"

struct lock;

/* Takes the lock of mailbag ID ("0000002E"); never waits. ERROR_SOFT when somebody else holds it,
 * or a lock of an older kind (<id>.0xx) lies beside it. ROOT is borrowed until the release. */
int lock_take(struct lock **out, struct root *root, const char *id, struct error *err) WARN_UNUSED;

/* Whether it is still ours: ERROR_SOFT when its file was removed or replaced, or cannot be reached.
 * So it also tells whether what is absent is absent, or the share is. */
int lock_check(const struct lock *lock, struct error *err) WARN_UNUSED;

/* Deletes the file, if it is ours still, and lets go. NULL is allowed. */
void lock_release(struct lock *lock);

/* Whether somebody holds the lock now. Changes nothing. */
int lock_probe(struct root *root, const char *id, bool *held, struct error *err) WARN_UNUSED;

/* Locks an open file of the database against other gateways while it is changed; ends with the
 * descriptor. ERROR_SOFT when it is taken. */
int lock_file(int fd, const char *name, struct error *err) WARN_UNUSED;

#endif
