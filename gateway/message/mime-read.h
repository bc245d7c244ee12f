/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From RFC 5322 and MIME to the neutral message, in the code page of a postoffice: the way back of
 * message/mime.h. Reads what mime_write made without a loss of what MS Mail knows (FORMATS.md says
 * what that is), and any other mail as well as MS Mail can show it. By GMime.
 *
 * Any octets are read: what is malformed is taken as far as it goes, counted, and never an error.
 * Nesting is followed to MIME_READ_DEPTH; what lies deeper is an attachment as it stands.
 */
#ifndef MESSAGE_MIME_READ_H
#define MESSAGE_MIME_READ_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/content.h"
#include "message/message.h"

#define MIME_READ_DEPTH 16         /* multiparts inside each other */
#define MIME_READ_MAX 1073741824LL /* octets of one message; more is ERROR_DATA */

/* The MS Mail address ("NET/PO/USER") that SMTP belongs to, borrowed until the next call, or NULL.
 */
typedef const char *mime_native(void *context, const char *smtp);

struct mime_read_options {
    const char *postoffice; /* of the message that is made: "NET/PO" */
    const char *codepage;   /* name for iconv */
    const char *domain;     /* IMCEA addresses are decoded in this domain alone */
    const char *timezone;   /* IANA name of the postoffice's zone; NULL: UTC */
    const char *directory;  /* for temporary files */
    uint64_t max_size;      /* octets of the text, and of one attachment; more is ERROR_DATA */
    mime_native *native;    /* NULL: nobody has moved */
    void *context;          /* of native */
};

/* What the message has lost on the way. */
struct mime_read_facts {
    size_t lost_characters; /* that the code page lacks, or no characters at all */
    size_t lost_addresses;  /* that MS Mail cannot have: too long, or no address */
    size_t lost_parts;      /* beyond MESSAGE_MAX_ATTACHMENTS */
    size_t alternatives;    /* other forms of the text, which is taken in its plain form */
};

/*
 * *OUT is the caller's. From, To, Cc: mailbox by mailbox, those of groups, too; native() first,
 * then the inside of an IMCEA address, else "SMTP:address". A message may have no From or no
 * recipients. Date in local time; a local time that mime_write would write with this offset is
 * kept, also one that clocks skipped. Priority: X-MSMail-Priority-Raw, a wanted read receipt ('R'),
 * Importance and Priority, else '3'. Text: the first text/plain that is no attachment, in CR LF
 * lines; without one an HTML text goes as the attachment MESSAGE.HTM. All other leaves are
 * attachments, message/rfc822 as a whole. ERROR_SOFT (memory, directory, CONTENT), ERROR_SETUP
 * (code page, zone), ERROR_DATA (sizes).
 */
int mime_read(struct message **out, const struct content *content,
              const struct mime_read_options *options, struct mime_read_facts *facts,
              struct error *err) WARN_UNUSED;

#endif
