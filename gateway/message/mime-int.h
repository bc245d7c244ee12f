/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files behind message/mime.h share. */
#ifndef MESSAGE_MIME_INT_H
#define MESSAGE_MIME_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gmime/gmime.h>

#include "base/error.h"
#include "message/content.h"
#include "message/mime.h"

/* GMime passes only -1 up, and not always: the first error of a read or write is kept here. */
struct mime_trouble {
    bool failed;
    struct error err;
};

/* A stream that reads CONTENT (borrowed). */
GMimeStream *content_stream_new(const struct content *content, struct mime_trouble *trouble);

/* What is written into its stream goes to SINK in pieces of at most MIME_PIECE octets, and is
 * checked on the way for what mime.h promises about lines. All arguments are borrowed. */
struct outlet;
struct outlet *outlet_new(mime_sink *sink, void *context, struct mime_trouble *trouble);
GMimeStream *outlet_stream(struct outlet *outlet); /* must not live longer than OUTLET */
/* Gives the rest to the sink and frees; 0, or -1 with the first error in the trouble. */
int outlet_finish(struct outlet *outlet, uint64_t *size, bool *eight_bit) WARN_UNUSED;

/* Longest line that may leave us, without its end (RFC 5322 2.1.1). */
#define MIME_LINE_MAX 998

/*
 * UTF-8 as it is to be given to GMime for an unstructured header or a display name: itself, or
 * encoded words where GMime would let a reader see something else. g_free.
 */
char *header_text(const char *utf8);
/* A header with any text as its value. */
void header_set(GMimeObject *object, const char *name, const char *utf8);
/* Another one of that name. */
void header_append(GMimeObject *object, const char *name, const char *utf8);
/* A copy of at most MAX characters. g_free. */
char *header_cut(const char *utf8, size_t max);

/* All headers of LETTER into OUT. */
void header_fill(GMimeMessage *out, const struct letter *letter);
/* Those that are known of COPY, the message that a report is about. */
void header_fill_copy(GMimeMessage *out, const struct letter *copy);

/* text/SUBTYPE of STREAM (taken over), UTF-8 with LF line ends. */
GMimePart *part_text(const char *subtype, GMimeStream *stream, GMimeContentEncoding encoding);
/* text/SUBTYPE of UTF8: LF line ends, also after the last line. */
GMimePart *part_text_from(const char *utf8, const char *subtype);
/* A part of the contents in memory, sent as it is: 7-bit, short lines, LF line ends. */
GMimePart *part_plain_new(const char *type, const char *subtype, const char *text);
/* What the header of an attachment tells of it. */
struct part_facts {
    const char *name;     /* UTF-8, of attachment_name */
    const char *type;     /* "image/gif", of attachment_type */
    const char *modified; /* of date_rfc5322; NULL when not known */
    uint64_t size;
};
GMimePart *part_file(const struct part_facts *facts, GMimeStream *stream);

/* Writes all of MESSAGE to SINK. */
int mime_emit(GMimeMessage *message, mime_sink *sink, void *context, struct mime_trouble *trouble,
              uint64_t *size, bool *eight_bit) WARN_UNUSED;

#endif
