/* SPDX-License-Identifier: BSD-2-Clause */
/* From the neutral message to RFC 5322 and MIME. By GMime. */
#ifndef MESSAGE_MIME_H
#define MESSAGE_MIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/letter.h"

/* Most octets that a sink gets in one call. */
#define MIME_PIECE 65536

/* Takes the produced octets in order (CR LF line ends); 0, or -1 with ERR set to stop. */
typedef int mime_sink(void *context, const void *data, size_t size, struct error *err);

/* What was produced, for the queue and the log. Owned by the caller: mime_facts_clear. */
struct mime_facts {
    char *message_id; /* with angle brackets: a function of the fingerprint and the domain only */
    char *subject;    /* UTF-8 */
    char *sender;     /* SMTP address of the originator: mapped, typed, or IMCEA; "" (the null
                       * sender) for mail of POSTMASTER and for receipts (Q98067) */
    uint64_t size;    /* octets given to the sink */
    size_t undecodable;
    unsigned repeated;                      /* as in struct letter */
    enum date_note date_note;               /* what had to be decided about the Date */
    char date_original[DATE_ORIGINAL_SIZE]; /* as in struct date_sent */
    bool stripped;                          /* a WINMAIL.DAT is not sent */
    int eight_bit;                          /* 0: all output is 7-bit */
    char *damage;                           /* what is wrong with WINMAIL.DAT, or NULL */
};
void mime_facts_clear(struct mime_facts *facts);

/*
 * Writes LETTER as MIME: From, To, Cc, Subject, Date (composed local time in the zone, seconds
 * 00), Message-ID, X-MSMail-Source; text/plain; charset=utf-8, attachments base64 with
 * RFC 2231 names and Content-Disposition. The same message always gives the same octets, but for
 * the Received line, which is not part of it. A lost attachment becomes a text part that says so
 * (Q118675). Lines never exceed 998 octets, there is no bare CR or LF and no 8-bit octet.
 * Errors: those of the sink and of content_read.
 */
int mime_write(const struct letter *letter, mime_sink *sink, void *context,
               struct mime_facts *facts, struct error *err) WARN_UNUSED;

/* Once in a process, before any other function of this file. */
void mime_initialize(void);

#endif
