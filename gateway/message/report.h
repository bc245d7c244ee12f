/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports about mail that failed or is late (RFC 3464, RFC 6522). Never about a report: that is for
 * the caller to see to. */
#ifndef MESSAGE_REPORT_H
#define MESSAGE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/mime.h"

/* One recipient that failed or waits. */
struct report_recipient {
    const char *original; /* MS Mail address: "NET/PO/USER" */
    const char *final;    /* SMTP address, may be "" */
    const char *status;   /* RFC 3463 */
    const char *reply;    /* what the server said, or our reason */
    const char *relay;    /* "host[address]:port" that said it; "" or NULL: nobody did */
    int64_t at_ms;        /* when; 0 unknown */
};

#define REPORT_KEY_DIGITS 64

struct report {
    const char *domain;     /* ours: Reporting-MTA and Message-ID */
    const char *postmaster; /* SMTP address: From, so that answers go to a person */
    const char *to;         /* the originator's SMTP address; NULL: the postmaster */
    bool late;              /* Action: delayed, not failed */
    const char *key;        /* 64 hex digits: the same for the same failures, and for no others. The
                             * Message-ID is a function of it and the domain */
    const char *message_id; /* of the message */
    const char *subject;
    const char *sender; /* originator */
    const char *why; /* to the postmaster: why the originator is not told; NULL: nothing about it */
    uint64_t id;     /* queue number */
    int64_t now_ms;
    int64_t received_ms; /* when the message came; 0 unknown */
    int64_t until_ms;    /* late: until when it is tried */
    const struct report_recipient *recipients;
    size_t recipient_count;
    const char *original; /* the whole message as sent, 7-bit, lines end with LF; or NULL */
    const char *headers;  /* without ORIGINAL: its header block, CR LF; may be NULL */
};

/*
 * A multipart/report; report-type=delivery-status: text for people, message/delivery-status,
 * message/rfc822 or text/rfc822-headers. Auto-Submitted: auto-replied; for the null sender. The
 * originator reads the words of MS Mail for a status, the postmaster what the operator can do.
 * MESSAGE_ID gets the report's own Message-ID (the caller's, free). ERROR_SETUP: an address is
 * none.
 */
int report_write(const struct report *report, mime_sink *sink, void *context, char **message_id,
                 struct error *err) WARN_UNUSED;

/* The reason that STATUS gives, in the words of MS Mail with their number where it has some:
 * "[002] Mail was received that was addressed to unknown addresses." Never NULL. OUT holds it. */
#define REPORT_REASON_SIZE 160
const char *report_reason(const char *status, char out[REPORT_REASON_SIZE]);

#endif
