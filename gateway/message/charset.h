/* SPDX-License-Identifier: BSD-2-Clause */
/* From the postoffice's code page to UTF-8 (code pages: Q174153). */
#ifndef MESSAGE_CHARSET_H
#define MESSAGE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/content.h"

/* "850" or "CP850" to the name iconv knows ("CP850"); -1 (ERROR_SETUP) when iconv lacks it. */
int charset_name(const char *codepage, char *out, size_t size, struct error *err) WARN_UNUSED;

/* One line of text: an octet that cannot be decoded becomes U+FFFD and is counted in *BAD (may be
 * NULL); control characters become a space. The first half of a character at the very end, left
 * there by a program that cut the line at 40 octets (Q156844), is dropped and not counted. *OUT is
 * the caller's (free). ERROR_SOFT: memory; ERROR_SETUP: unknown code page. */
int charset_line(const char *codepage, const char *text, char **out, size_t *bad,
                 struct error *err) WARN_UNUSED;

/*
 * A whole text: UTF-8 with every CR, LF or CR LF written as LF, NUL removed, trailing ^Z removed.
 * Nothing is wrapped, added or trimmed. *OUT is the caller's; large results lie in a temporary
 * file in DIRECTORY. *ASCII tells whether all of it is 7-bit, *LONGEST the longest line in octets,
 * *BLANK_ENDS whether any line ends in a blank, *LATIN1 whether ISO 8859-1 has all of it, and not as
 * controls.
 */
struct charset_facts {
    bool ascii;
    bool latin1;
    bool blank_ends;
    size_t longest;
    size_t bad;
};
int charset_text(const char *codepage, const struct content *text, const char *directory,
                 struct content **out, struct charset_facts *facts, struct error *err) WARN_UNUSED;

/* UTF8, the outcome of charset_text with LATIN1 set, in ISO 8859-1. *OUT is the caller's. Anything
 * else in UTF8 is ERROR_DATA; other errors are those of content_read and the content writer. */
int charset_to_latin1(const struct content *utf8, const char *directory, struct content **out,
                      struct error *err) WARN_UNUSED;

#endif
