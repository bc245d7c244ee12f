/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The neutral message: what both doors of the postoffice produce and all that MIME is made from.
 * Texts are the octets of the postoffice, in its code page, not yet converted: the fingerprint is
 * taken over them, so that a corrected code page setting does not make a known message new.
 */
#ifndef MESSAGE_MESSAGE_H
#define MESSAGE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/content.h"

#define MESSAGE_MAX_ADDRESSES 65536
#define MESSAGE_MAX_ATTACHMENTS 4096
#define MESSAGE_MAX_ADDRESS                                                                        \
    4096 /* octets of one address; typed addresses may be long (Q130381)                           \
          */

enum address_role { ADDRESS_FROM, ADDRESS_TO, ADDRESS_CC };

/* "NET/PO/MAILBOX" (10/10/10 characters, Q116466) or typed, "SMTP:user@host" (Q94410). The type
 * prefixes "CSI:" and "MS:" of native addresses are removed on entry (Q106623). */
struct message_address {
    enum address_role role;
    char *text;
    char *display; /* UTF-8, in a message inside another only; NULL: none. Not part of the
                    * fingerprint */
};

/* An MMFF "EXT:" field that is carried along (Q147034). */
struct message_extra {
    char *kind; /* "I:3" as it stood there, what it means is not public; "" when it is not known */
    char *name;
    char *value;
};

/* What a message may have once. Of two of a kind the first counts (Q134371). */
enum message_once {
    MESSAGE_ONE_SENDER = 1,
    MESSAGE_ONE_SUBJECT = 2,
    MESSAGE_ONE_DATE = 4,
    MESSAGE_ONE_PRIORITY = 8,
};

/* Local time of the writer, no zone (Q133192). set is false when the message has none. */
struct message_date {
    bool set;
    int year, month, day, hour, minute;
};

struct message_attachment {
    char *name;
    struct content *content;      /* NULL: its file is lost on the postoffice (Q118675) */
    struct message_date modified; /* what the message tells of its file, if it does (Q87223) */
};

struct message {
    char *postoffice; /* NET/PO it was taken from */
    char *codepage;   /* name for iconv: "CP850" */
    struct message_address *addresses;
    size_t address_count;
    char *subject;      /* may be "" */
    bool date_borrowed; /* DATE is RECEIVED: it has none that can be read; not in the fingerprint */
    struct message_date date;
    struct message_date received; /* the mailbag's stamp; not part of the fingerprint */
    char priority;                /* see message_priority_valid; 0: none */
    struct content *text;         /* any line ends; NULL means empty */
    struct message_attachment *attachments;
    size_t attachment_count;
    struct message_extra *extras;
    size_t extra_count;
    unsigned repeated; /* enum message_once: what it had again, and was left out; not in the
                        * fingerprint */
    char *sender_name; /* UTF-8, of a message inside whose sender has no address; or NULL */
};

/* POSTOFFICE and CODEPAGE are copied. */
int message_new(struct message **out, const char *postoffice, const char *codepage,
                struct error *err) WARN_UNUSED;
void message_free(struct message *message); /* NULL is allowed */

/* TEXT of SIZE octets is copied; a NUL or control octet inside, an empty text or one longer than
 * MESSAGE_MAX_ADDRESS is ERROR_DATA. A second ADDRESS_FROM is ERROR_DATA. */
int message_add_address(struct message *message, enum address_role role, const char *text,
                        size_t size, struct error *err) WARN_UNUSED;

/* The name of the address added last; copied. ERROR_SOFT: memory. */
int message_name_address(struct message *message, const char *display,
                         struct error *err) WARN_UNUSED;

/* Takes over CONTENT (also when it fails). NAME is copied; it is data, never used as a path. */
int message_add_attachment(struct message *message, const char *name, size_t size,
                           struct content *content, struct error *err) WARN_UNUSED;

/* When the file of the attachment added last was written. Not part of the fingerprint. */
void message_date_attachment(struct message *message, const struct message_date *modified);

int message_add_extra(struct message *message, const char *name, const char *value,
                      struct error *err) WARN_UNUSED;
int message_add_extra_kind(struct message *message, const char *kind, const char *name,
                           const char *value, struct error *err) WARN_UNUSED;

/* SIZE octets are copied; cut at the first NUL. */
int message_set_subject(struct message *message, const char *subject, size_t size,
                        struct error *err) WARN_UNUSED;

/* The first ADDRESS_FROM, or NULL. */
const struct message_address *message_from(const struct message *message);

/* True for '1'..'5', 'R', 'C', 'F' and 'T', which have a meaning, and for '6'..'9' and other
 * capitals, which a message may have as well (Q118787). */
bool message_priority_valid(char priority);

/* True for 1..12, 1..31 (of that month), 0..23, 0..59 and years 1980..2079. */
bool message_date_valid(const struct message_date *date);

/*
 * SHA-256 over a canonical form (each part preceded by its length) of: postoffice, From, To and Cc
 * in order with their roles, date, subject, SHA-256 of the text in the form of lineends.h (LF, no
 * NUL, no trailing ^Z), and name and SHA-256 of each attachment. Addresses and postoffice
 * are folded to upper case (Q103421). Never a file number: a postoffice re-uses them (Q117738).
 * Errors: those of content_read.
 */
#define FINGERPRINT_SIZE 32
#define FINGERPRINT_HEX_SIZE 65
int message_fingerprint(const struct message *message, uint8_t out[FINGERPRINT_SIZE],
                        struct error *err) WARN_UNUSED;

/* SHA-256 of SIZE octets. */
void fingerprint_octets(const void *data, size_t size, uint8_t out[FINGERPRINT_SIZE]);

void fingerprint_hex(const uint8_t fingerprint[FINGERPRINT_SIZE], char out[FINGERPRINT_HEX_SIZE]);

#endif
