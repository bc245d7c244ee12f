/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The directory of the ffapi door, and what happens to the files in it.
 *
 *   get.lock             locked while the door has a batch open or a GET program runs; holds the
 *                        number of the last run
 *   G0000001.TMP         what run 1 writes: an 8.3 name, because a DOS program has to make it
 *   get-00000001.mmf     the same file, taken over; removed when everything in it is safe
 *   held-00000001-3.mmf  the octets of its third message, which is malformed
 *   held-00000001-3-X.Y  the file X.Y that this message names (XTEXT, XATTACH)
 *
 * A run has new mail in its file that may be gone from the postoffice already. So a file is never
 * thrown away, whatever became of the program: once the lock shows that the program and everything
 * it started is gone, the file is taken over and read as far as it is good.
 * Our own names are not 8.3 names (but for the run's, which is renamed before anything is read), so
 * that no XTEXT or XATTACH line can mean one of them. Included only by postoffice/ffapi*.c.
 */
#ifndef POSTOFFICE_FFAPI_SPOOL_H
#define POSTOFFICE_FFAPI_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"

#define SPOOL_NAME_SIZE 48

struct spool {
    struct root *root;
    int lock; /* -1: not locked */
};

/* ERROR_SETUP when DIRECTORY cannot be used. ffapi_spool_close is allowed after a failure, too. */
int ffapi_spool_open(struct spool *spool, const char *directory, struct error *err) WARN_UNUSED;
void ffapi_spool_close(struct spool *spool);

/* ERROR_SOFT when another process, or a GET program that outlived one, has the lock. Unlocking
 * closes our descriptor: the lock goes on as long as a program has inherited it. */
int ffapi_spool_lock(struct spool *spool, struct error *err) WARN_UNUSED;
void ffapi_spool_unlock(struct spool *spool);

/* "G0000001.TMP" and "get-00000001.mmf" */
void ffapi_spool_run_name(uint32_t number, char out[SPOOL_NAME_SIZE]);
void ffapi_spool_file_name(uint32_t number, char out[SPOOL_NAME_SIZE]);
void ffapi_spool_held_name(uint32_t number, unsigned message, char out[SPOOL_NAME_SIZE]);

/* What the directory holds; 0 for a number that is not there. */
struct ffapi_spool_view {
    uint32_t run;     /* lowest number of a run's file */
    uint32_t file;    /* lowest number above AFTER of a file that was taken over */
    uint32_t highest; /* of all names of ours */
};
int ffapi_spool_look(const struct spool *spool, uint32_t after, struct ffapi_spool_view *view,
                     struct error *err) WARN_UNUSED;

/* A number for a new run: above all that are in use or were before. ERROR_SETUP at the last. */
int ffapi_spool_new_number(struct spool *spool, uint32_t *number, struct error *err) WARN_UNUSED;

/* Makes the file of a run that is over ours, durably: 1; 0 when there is none or it is empty (it
 * is removed then, Q111839); -1: ERROR_SOFT, or ERROR_DATA (its name is no regular file). */
int ffapi_spool_take_over(struct spool *spool, uint32_t number, struct error *err) WARN_UNUSED;

/* Saves octets [START, END) of FD as held file NAME, durably; done already is success. ERROR_SOFT.
 */
int ffapi_spool_hold(struct spool *spool, int fd, uint64_t start, uint64_t end, const char *name,
                     struct error *err) WARN_UNUSED;

/* Saves the file EXTERNAL that a held message names; absent is success. */
int ffapi_spool_hold_external(struct spool *spool, uint32_t number, unsigned message,
                              const char *external, struct error *err) WARN_UNUSED;

/* Makes what happened to names durable. ERROR_SOFT. */
int ffapi_spool_sync(struct spool *spool, struct error *err) WARN_UNUSED;

#endif
