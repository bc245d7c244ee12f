/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an attachment is called and what it is. Names come from other people's machines and go to
 * other people's disks: what is given here can be shown in a header and saved as a file anywhere.
 */
#ifndef MESSAGE_ATTACHMENT_H
#define MESSAGE_ATTACHMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/content.h"

#define ATTACHMENT_NAME_OCTETS 240 /* of UTF-8: file systems take 255 */
#define ATTACHMENT_TYPE_SIZE 64    /* "application/vnd.ms-powerpoint" */
#define ATTACHMENT_LOOK_MAX 128    /* octets of a content that are looked at for its type */

/* The name of one that has none, or nothing that may stay of it. */
#define ATTACHMENT_NO_NAME "attachment"

/*
 * The name to send: LONG_NAME (UTF-8, of the TNEF stream; NULL when there is none) if anything is
 * left of it, else RAW, the 8.3 name in CODEPAGE (Q99716, Q129870). Kept are the last part of a
 * path and its case (Q111894). Controls, bidirectional overrides, characters that some file system
 * refuses (< > : " | ? *) become '_' or go; so do blanks and dots at the ends, and a device name of
 * DOS ("AUX.TXT", "com1") gets a '_' before it. At most ATTACHMENT_NAME_OCTETS, cut between
 * characters and before the extension. *BAD (may be NULL) counts octets that CODEPAGE does not
 * have. *OUT is the caller's (free). ERROR_SOFT, ERROR_SETUP as charset_line.
 */
int attachment_name(const char *codepage, const char *raw, const char *long_name, char **out,
                    size_t *bad, struct error *err) WARN_UNUSED;

/* The names that a message has already, compared as file systems do that ignore case. */
struct attachment_names;
struct attachment_names *attachment_names_new(void);
void attachment_names_free(struct attachment_names *names); /* NULL is allowed */

/* NAME itself, or "NAME-2.EXT" and so on when it was given before. The caller's (free); NULL
 * without memory. */
char *attachment_names_take(struct attachment_names *names, const char *name) WARN_UNUSED;

/*
 * "type/subtype" of NAME (UTF-8) with CONTENT. Both must agree: the extension's type is taken only
 * when the content begins as that type does, and a content that is certain only when there is no
 * extension; all else, and all text, is "application/octet-stream", which no reader opens by itself
 * or changes the line ends of. A MacBinary file is "application/macbinary" and an AppleSingle or
 * AppleDouble one "application/applefile" whatever its name (Q86371, Q118487). No library decides:
 * the same message has the same octets after every update. ERROR_SOFT or ERROR_DATA of
 * content_read.
 */
int attachment_type(const char *name, const struct content *content, char out[ATTACHMENT_TYPE_SIZE],
                    struct error *err) WARN_UNUSED;

#endif
