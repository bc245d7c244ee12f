/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the parser of RTF and what writes text and HTML. */
#ifndef MESSAGE_RTF_INT_H
#define MESSAGE_RTF_INT_H

#include <stdint.h>

#include "base/buf.h"
#include "message/rtf.h"

struct rtf_style {
    bool bold, italic, underline, strike;
    uint32_t colour; /* 0xRRGGBB; 0 is black and automatic */
    int size;        /* half points; 0: not said */
};

struct rtf_out {
    struct buf text;
    struct buf html;
    struct rtf_style open; /* what the HTML shows at its present end */
    int usual_size;        /* the first that was used: shown as the reader likes it */
    bool after_space;
    bool formatted;
    size_t bad;
};

void rtf_out_init(struct rtf_out *out);
void rtf_out_clear(struct rtf_out *out);

/* SIZE octets of code page PAGE (a name for iconv; an unknown one is CP1252). */
int rtf_out_octets(struct rtf_out *out, const struct rtf_style *style, const char *page,
                   const struct buf *octets, struct error *err) WARN_UNUSED;
/* One character; what is none becomes U+FFFD. */
int rtf_out_character(struct rtf_out *out, const struct rtf_style *style, uint32_t character,
                      struct error *err) WARN_UNUSED;
int rtf_out_line(struct rtf_out *out, struct error *err) WARN_UNUSED;
int rtf_out_tab(struct rtf_out *out, struct error *err) WARN_UNUSED;

/* Ends the document. */
int rtf_out_finish(struct rtf_out *out, struct rtf_result *result, struct error *err) WARN_UNUSED;

#endif
