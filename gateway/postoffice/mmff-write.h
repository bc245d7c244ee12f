/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a message in MMFF, Basic (Q118785) or as much of Extended as is public (CC:, EXT:; Q87223,
 * Q147034): what a postoffice's PUT program takes, and what mmff.h reads.
 *
 * The lines are VERSION, TO, CC, FROM, DATE, TIME, SUBJECT, PRIORITY, ATTACHMENT, EXT, TEXT, in
 * this order; text and attachments follow inline. Reading a file of this form and writing it again
 * gives the same octets.
 */
#ifndef POSTOFFICE_MMFF_WRITE_H
#define POSTOFFICE_MMFF_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/message.h"

/* Takes the octets in order; 0, or -1 with ERR set to stop. */
typedef int mmff_sink(void *context, const void *data, size_t size, struct error *err);

struct mmff_write_options {
    const char *line_end; /* "\r", "\n" or "\r\n": the PUT program's -f0, -f1, -f2 (Q85055) */
    bool extended;        /* Basic writes Cc as TO, which it has no line for, and no EXT (Q87223) */
};

/*
 * The text's line ends become LINE_END; NUL, and ^Z at its end, are left out (lineends.h). Controls
 * in subject, names and EXT fields become blanks; a date that is none and a priority of 0 are left
 * out: PUT then takes today and its own. A lost attachment (Q118675) becomes a file of its name
 * that says so. EXT fields of unknown kind are left out.
 * ERROR_DATA when there is no From or no recipient (PUT refuses that), or the header is larger than
 * MMFF_MAX_HEADER; else the errors of the sink and of content_read. Nothing goes to the sink before
 * the header is complete.
 */
int mmff_write(const struct message *message, const struct mmff_write_options *options,
               mmff_sink *sink, void *context, struct error *err) WARN_UNUSED;

#endif
