/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rich text of Windows clients: decompression ([MS-OXRTFCP]) and conversion to text and to HTML.
 * The HTML is made only of our own tags; everything that comes from the data is escaped, links,
 * pictures, objects and fields give their visible text and nothing else.
 */
#ifndef MESSAGE_RTF_H
#define MESSAGE_RTF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"

#define RTF_MAX_COMPRESSED 2097152 /* larger is refused */
#define RTF_MAX 4194304            /* octets of RTF; results may have four times as many */
#define RTF_MAX_DEPTH 256          /* groups; what lies deeper is left out */

/*
 * *OUT (OUT_SIZE octets and a NUL) is the caller's. Checksum or form wrong, or larger than RTF_MAX:
 * ERROR_DATA; shorter than promised is none when the checksum is right. Memory: ERROR_SOFT.
 */
int rtf_decompress(const void *data, size_t size, char **out, size_t *out_size,
                   struct error *err) WARN_UNUSED;

struct rtf_result {
    char *text;     /* UTF-8, LF */
    char *html;     /* a whole document in UTF-8, LF */
    bool formatted; /* the HTML shows more than the text: bold, colours, sizes and the like */
    bool from_html; /* it was HTML before (\fromhtml1) */
    size_t bad;     /* octets that could not be decoded */
};

/* Not RTF, or larger than the limits: ERROR_DATA. */
int rtf_convert(const char *rtf, size_t size, struct rtf_result *out,
                struct error *err) WARN_UNUSED;
void rtf_clear(struct rtf_result *result);

#endif
