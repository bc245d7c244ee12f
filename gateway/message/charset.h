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
 * NULL); control characters become a space. *OUT is the caller's (free). ERROR_SOFT: memory;
 * ERROR_SETUP: unknown code page. */
int charset_line(const char *codepage, const char *text, char **out, size_t *bad,
                 struct error *err) WARN_UNUSED;

/*
 * A whole text: UTF-8 with every CR, LF or CR LF written as LF, NUL removed, trailing ^Z removed.
 * Nothing is wrapped, added or trimmed. *OUT is the caller's; large results lie in a temporary
 * file in DIRECTORY. *ASCII tells whether all of it is 7-bit, *LONGEST the longest line in octets,
 * *BLANK_ENDS whether any line ends in a blank.
 */
struct charset_facts {
    bool ascii;
    bool blank_ends;
    size_t longest;
    size_t bad;
};
int charset_text(const char *codepage, const struct content *text, const char *directory,
                 struct content **out, struct charset_facts *facts, struct error *err) WARN_UNUSED;

#endif
