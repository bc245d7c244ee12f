/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * KEY files: 560 octets (Q77926, Q104279) of which 512 are a bitmap over the 4,096 records of the
 * MBG of the same name (Q119088). Where the bitmap lies, its bit order and what a set bit means,
 * and where the counters are, comes from the profile.
 */
#ifndef POSTOFFICE_KEY_H
#define POSTOFFICE_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"
#include "postoffice/profile.h"

#define KEY_SIZE 560
#define KEY_MAX_RECORDS 4096
#define KEY_NAME_SIZE 32

struct key {
    uint8_t octets[KEY_SIZE];
};

/* ERROR_SETUP unless the profile knows all that is needed to read a bitmap. */
int key_check_profile(const struct profile *profile, struct error *err) WARN_UNUSED;

/* Opens the KEY of mailbag ID with open(2) FLAGS and reads it. Returns the descriptor, or -1:
 * ERROR_DATA when it is absent or not 560 octets (Q124042). */
int key_open(struct root *root, const char *id, int flags, struct key *out,
             struct error *err) WARN_UNUSED;

/* As key_open with O_RDONLY, and closes it. */
int key_load(struct root *root, const char *id, struct key *out, struct error *err) WARN_UNUSED;

/* RECORD is below KEY_MAX_RECORDS. */
bool key_is_live(const struct key *key, const struct profile *profile, uint32_t record);

/* Sets the delete bit of RECORD, and takes one off each counter that the profile knows, down to
 * zero. */
void key_delete(struct key *key, const struct profile *profile, uint32_t record);

/* Writes what differs between BEFORE and AFTER in one call, so that the end of a process can not
 * come between bit and counters. ID is for messages. ERROR_SOFT. */
int key_write(int fd, const char *id, const struct key *before, const struct key *after,
              struct error *err) WARN_UNUSED;

#endif
