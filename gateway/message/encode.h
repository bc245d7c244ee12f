/* SPDX-License-Identifier: BSD-2-Clause */
/* From UTF-8 to the postoffice's code page: the way back of message/charset.h. */
#ifndef MESSAGE_ENCODE_H
#define MESSAGE_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

/* Gets the octets in order; 0, or -1 with ERR set to stop. */
typedef int encode_emit(void *context, const void *data, size_t size, struct error *err);

/*
 * A converter that takes UTF-8 in pieces of any size. A character that the code page lacks becomes
 * what iconv writes in its place ("ae" for U+00E6, "..." for U+2026), else '?'; octets that are no
 * UTF-8 become '?', too. Both are counted.
 */
struct encoder;

/* CODEPAGE is a name for iconv: ERROR_SETUP when it lacks it; ERROR_SOFT: memory. */
int encoder_new(struct encoder **out, const char *codepage, encode_emit *emit, void *context,
                struct error *err) WARN_UNUSED;
void encoder_free(struct encoder *encoder); /* NULL is allowed */
/* 0, or -1 with the error of the emit function. */
int encoder_add(struct encoder *encoder, const char *utf8, size_t size,
                struct error *err) WARN_UNUSED;
/* What is left: an unfinished character at the end. */
int encoder_end(struct encoder *encoder, struct error *err) WARN_UNUSED;
/* Characters that the code page lacks, and octets that were no UTF-8. */
size_t encoder_lost(const struct encoder *encoder);

/* One line: control characters become a space. *OUT is the caller's (free); *LOST is added to and
 * may be NULL. Errors: those of encoder_new. */
int encode_line(const char *codepage, const char *utf8, char **out, size_t *lost,
                struct error *err) WARN_UNUSED;

#endif
