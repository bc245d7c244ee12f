/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads MMFF, the text form in which the postoffice's GET programs give out mail: Basic (Q118785)
 * and as much of Extended as is public (CC:, EXT:; Q87223, Q147034). Several messages a file.
 * Sizes are octets with the line ends as written (Q103801); nothing is copied: texts and inline
 * attachments are ranges of the file.
 *
 * A malformed message is ERROR_DATA with the published form of error, behind file and offset:
 * "FILE offset 4711: 144-003-007 unable to partition line ..." (error, message in the file, line in
 * the message; Q118533, Q85043). Where it ends is known when its sizes lead to the end of the file
 * or to a VERSION line. Else everything up to the next "VERSION:n.nn" line that is followed by a
 * TO: or FROM: line belongs to it.
 */
#ifndef POSTOFFICE_MMFF_H
#define POSTOFFICE_MMFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"
#include "message/message.h"

#define MMFF_MAX_MESSAGES 10000   /* what follows is one malformed message */
#define MMFF_MAX_HEADER 16777216U /* octets before the text */
#define MMFF_MAX_EXTRAS 1024

struct mmff;

struct mmff_settings {
    const char *name;       /* of the file, for messages and error texts */
    const char *postoffice; /* "NET/PO" */
    const char *codepage;
    struct root *directory; /* where XTEXT: and XATTACH: files lie; NULL: there are none */
    uint64_t max_size;      /* octets of one text or attachment; more is ERROR_DATA */
};

/* Where a message lies: octets [start, end) of the file. */
struct mmff_place {
    unsigned number; /* 1 is the first in the file */
    uint64_t start, end;
};

/* FD and SETTINGS with its strings are borrowed until mmff_free. ERROR_SOFT. */
int mmff_open(struct mmff **out, int fd, const struct mmff_settings *settings,
              struct error *err) WARN_UNUSED;
void mmff_free(struct mmff *mmff); /* NULL is allowed */

/* The file holds nothing but line ends and ^Z: 1, else 0; -1 ERROR_SOFT. */
int mmff_blank(struct mmff *mmff, struct error *err) WARN_UNUSED;

/*
 * The next message: 1 and *OUT (the caller's); 0 at the end; -1. With ERROR_DATA the message at
 * PLACE is malformed and the next call gives the one behind it. With ERROR_SOFT (the file cannot be
 * read, no memory) reading cannot go on. PLACE is set for 1 and ERROR_DATA.
 */
int mmff_next(struct mmff *mmff, struct message **out, struct mmff_place *place,
              struct error *err) WARN_UNUSED;

/* Names of the files that the last message, malformed or not, has its text or attachments in. */
size_t mmff_external_count(const struct mmff *mmff);
const char *mmff_external(const struct mmff *mmff, size_t index);

/*
 * Octets of NAME that are the name of a file itself, behind any DOS path ("M:\GATE\X.TXT"), into
 * OUT (MMFF_EXTERNAL_SIZE). -1 unless it is one 8.3 name: no names of ours, no other directory.
 */
#define MMFF_EXTERNAL_SIZE 13
int mmff_external_name(const char *name, size_t length, char out[MMFF_EXTERNAL_SIZE]) WARN_UNUSED;

#endif
