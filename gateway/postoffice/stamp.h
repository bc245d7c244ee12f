/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the two files of a mailbag look like from outside: their sizes and times. An equal stamp
 * means an equal mailbag, once it is settled: FAT and SMB know times to two seconds, and a file
 * that was written twice in that time looks the same.
 */
#ifndef POSTOFFICE_STAMP_H
#define POSTOFFICE_STAMP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"

#define STAMP_SIZE 192

/* Longer than any file system's step of time. */
#define STAMP_SETTLE_MS 5000

/* Looks at KEY and MBG of mailbag ID and opens neither. OUT is printable, without spaces;
 * *NEWEST_MS (may be NULL) is the latest of their times. ERROR_DATA when one is absent. */
int stamp_take(struct root *root, const char *id, char out[STAMP_SIZE], int64_t *newest_ms,
               struct error *err) WARN_UNUSED;

#endif
