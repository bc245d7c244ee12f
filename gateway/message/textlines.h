/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first lines of a text, decoded, each with its place in the octets: for what is written at
 * the top of messages (block.h, receipt.h, bounce.h). Lines end with CR, LF, CR LF or the text.
 */
#ifndef MESSAGE_TEXTLINES_H
#define MESSAGE_TEXTLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/content.h"
#include "message/message.h"

#define TEXTLINES_OCTETS 65536 /* of the text that are looked at */
#define TEXTLINES_MAX 1000     /* lines */

struct textline {
    char *text;     /* UTF-8; controls, a TAB too, are blanks; no blanks at the end */
    uint64_t start; /* offset of its first octet in the text */
    uint64_t end;   /* offset of the line behind it */
    size_t indent;  /* blanks and TABs before the first other octet */
};

struct textlines {
    struct textline *lines;
    size_t count;
    bool all;      /* the text ends with the last of them */
    uint64_t size; /* octets of the whole text */
};

/* Reads TEXT (NULL: no lines) from OFFSET in CODEPAGE. A line that TEXTLINES_OCTETS cut is not
 * among them. ERROR_SOFT, or the error of content_read or charset_line. */
int textlines_read(struct textlines *out, const struct content *text, const char *codepage,
                   uint64_t offset, struct error *err) WARN_UNUSED;
void textlines_clear(struct textlines *lines);

/* The first line that is not blank, from AT; the count when there is none. */
size_t textlines_skip_blank(const struct textlines *lines, size_t at);

/* True for a line of at least 8 '-', '_', '=' or '*', all the same, and blanks. */
bool textline_ruler(const char *text);

/* Copies TEXT from START up to END without the blanks at both ends; NULL: no memory. */
char *text_trimmed(const char *start, const char *end);

/* Compares without regard to ASCII case; a run of blanks equals one, those at the ends none. */
bool text_alike(const char *a, const char *b);
/* The same of the beginning of TEXT. */
bool text_begins_alike(const char *text, const char *beginning);

/*
 * Reads a date at the beginning of TEXT and points *REST behind it: "1995-04-20 13:07", or, when
 * ORDER is not 0, "04-20-95 17:49" or "20.04.95" in that order (two digits of a year: 80 to 99 are
 * 19xx). The time may be missing (0:00), and "PM" may follow it. False when it is none.
 */
#define DATE_ORDER_MONTH_DAY 1u
#define DATE_ORDER_DAY_MONTH 2u
bool text_date(const char *text, unsigned order, struct message_date *out, const char **rest);

/* "17:49", "5:49 PM" into hour and minute of OUT. */
bool text_time(const char *text, struct message_date *out, const char **rest);

#endif
