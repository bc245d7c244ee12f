/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Content on its way to the server (RFC 5321 4.5.2): a dot is put before each line that starts with
 * one. Only CR LF pairs pass: a CR or LF alone, or a NUL, is refused, so that no server can see the
 * end of the data where it is not ("SMTP smuggling").
 */
#ifndef SMTP_DOTS_H
#define SMTP_DOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"

struct dots {
    uint64_t octets; /* of content so far */
    bool line_start;
    bool cr; /* the last octet was a CR, which is not written before its LF is here */
    bool refused;
};

void dots_init(struct dots *dots);

/* Appends the next piece to OUT. -1: ERROR_DATA for an octet that must not pass (and from then on
 * always), ERROR_SOFT when OUT is full: OUT then holds a part and the content is lost. */
int dots_write(struct dots *dots, const void *data, size_t size, struct buf *out,
               struct error *err) WARN_UNUSED;

/* The same for content that goes as it is, by BDAT: only looks at it, and counts it. LAST: no more
 * follows, a CR at the end has no LF. -1: ERROR_DATA, and from then on always. */
int dots_check(struct dots *dots, const void *data, size_t size, bool last,
               struct error *err) WARN_UNUSED;

/* Appends CR LF when the last line has none, and the final dot. Errors as above. */
int dots_end(struct dots *dots, struct buf *out, struct error *err) WARN_UNUSED;

#endif
