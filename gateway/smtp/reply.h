/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reply parser: octets in, replies out (RFC 5321 4.2, RFC 2034). A line ends in CR LF or LF;
 * octets that are not printable ASCII become '?'. Codes outside 200..599, lines of one reply with
 * different codes, a missing separator and anything above the limits are protocol errors.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#define REPLY_LINE_LIMIT 2048  /* octets of a line; RFC 5321 promises 512 */
#define REPLY_LINES_LIMIT 64   /* lines of a reply */
#define REPLY_SIZE_LIMIT 16384 /* octets of a reply's text */
#define REPLY_STATUS_SIZE 12

struct reply {
    int code;
    char status[REPLY_STATUS_SIZE]; /* RFC 3463, of the class of CODE; "" when there is none */
    size_t lines;
    struct buf text; /* without the codes, lines joined by '\n' */
};

enum reply_result {
    REPLY_MORE, /* all was taken and no reply is complete */
    REPLY_DONE, /* parser.reply is complete, until the next call */
    REPLY_BAD,  /* parser.problem says why; for ever */
};

struct reply_parser {
    struct reply reply;
    struct buf line;
    enum reply_result state;
    const char *problem;
};

void reply_parser_init(struct reply_parser *parser);
void reply_parser_clear(struct reply_parser *parser);

/* Takes octets up to the end of one reply; *USED is how many. */
enum reply_result reply_parse(struct reply_parser *parser, const uint8_t *data, size_t size,
                              size_t *used) WARN_UNUSED;

/* The lines joined by " / ", each without the enhanced status; cut to SIZE. */
void reply_join(const struct reply *reply, char *out, size_t size);

/* Copies an enhanced status at the start of TEXT into OUT ("" when there is none), which must be
 * of the class of CODE. Returns how many octets of TEXT it took, a following blank included. */
size_t reply_status(const char *text, int code, char out[REPLY_STATUS_SIZE]);

#endif
