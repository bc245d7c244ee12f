/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files beneath a root directory. Everything is opened with openat2(RESOLVE_BENEATH |
 * RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS) and must be a regular file, so that no name on a
 * share can lead outside it, block us (fifo) or reach a device.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/attr.h"
#include "base/error.h"

struct root; /* an open directory, and the path for messages */

/* ERROR_SETUP when the directory is absent or not readable. root_free(NULL) does nothing. */
int root_open(struct root **out, const char *path, struct error *err) WARN_UNUSED;
void root_free(struct root *root);
const char *root_path(const struct root *root);
int root_fd(const struct root *root); /* borrowed */

/*
 * Opens NAME ("MBG/0000002E.MBG": components joined by '/', each made by us) with open(2) FLAGS.
 * First as written, then with any case of each component: the name that the directory really has
 * is found by one directory scan a component, and two names that differ only in case are an
 * ERROR_DATA. O_CREAT creates the name as written, mode 0600.
 * Returns the descriptor or -1: ERROR_DATA with sys ENOENT (absent), ELOOP or EXDEV (leads
 * outside), or not a regular file; ERROR_SOFT for EIO, ESTALE, EACCES and the like.
 */
int root_open_file(struct root *root, const char *name, int flags, struct error *err) WARN_UNUSED;

/* Removes NAME (any case). Absent is success. */
int root_unlink(struct root *root, const char *name, struct error *err) WARN_UNUSED;

/* Writes the name that the directory really has into OUT ("" when absent); 0, or -1 as above. */
int root_real_name(struct root *root, const char *name, char *out, size_t size,
                   struct error *err) WARN_UNUSED;

/* Whether NAME (any case) is the file that FD is: not when it was removed or replaced. */
int root_same(struct root *root, const char *name, int fd, bool *same,
              struct error *err) WARN_UNUSED;

/* fstat of NAME (any case); the rules of root_open_file. */
int root_stat(struct root *root, const char *name, struct stat *out, struct error *err) WARN_UNUSED;

/* As root_stat, without opening the file, and without a scan of the directory when the name is
 * there as written or all in lower case: for looking at thousands of files. */
int root_look(struct root *root, const char *name, struct stat *out, struct error *err) WARN_UNUSED;

/* Reads the whole of an open file of at most LIMIT octets; *OUT is the caller's (free). Larger:
 * ERROR_DATA. NAME is for messages. */
int file_read_all(int fd, const char *name, size_t limit, uint8_t **out, size_t *size,
                  struct error *err) WARN_UNUSED;

/* pread/pwrite of exactly SIZE octets, through EINTR and short transfers. A file that ends early
 * is ERROR_DATA naming file and offset; errors of the system are ERROR_SOFT. */
int file_pread(int fd, const char *name, void *data, size_t size, uint64_t offset,
               struct error *err) WARN_UNUSED;
int file_pwrite(int fd, const char *name, const void *data, size_t size, uint64_t offset,
                struct error *err) WARN_UNUSED;

/* write(2) of all of DATA. */
int file_write_all(int fd, const char *name, const void *data, size_t size,
                   struct error *err) WARN_UNUSED;

/* An unnamed temporary file (O_TMPFILE, or mkostemp and unlink) in DIRECTORY; -1: ERROR_SOFT. */
int file_temporary(const char *directory, struct error *err) WARN_UNUSED;

/*
 * A secret of at most 4,096 octets from PATH: a regular file that only its owner (the user we run
 * as, or root) can read, trailing line end removed. ERROR_SETUP names the path and what to change.
 * *OUT is NUL-terminated, the caller's, and to be given to secret_free, which wipes it.
 */
int secret_read(const char *path, char **out, struct error *err) WARN_UNUSED;
void secret_free(char *secret);

#endif
