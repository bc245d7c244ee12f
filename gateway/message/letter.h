/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message of MS Mail interpreted: everything in UTF-8 and in the terms of SMTP, ready to be
 * written as MIME (message/mime.h). Whatever decides what a message means is decided here; writing
 * is mechanical. Odd content never makes it fail: it is kept as it is, and counted.
 */
#ifndef MESSAGE_LETTER_H
#define MESSAGE_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/attachment.h"
#include "message/charset.h"
#include "message/content.h"
#include "message/date.h"
#include "message/map.h"
#include "message/message.h"
#include "message/thread.h"

/* What becomes of a WINMAIL.DAT: an attachment like any other; read and left out; sent on without
 * its lists of people; left out. One that is damaged is read as far as it goes, and stays an
 * attachment: as application/octet-stream, because Exchange refuses a whole message for a damaged
 * application/ms-tnef (KB 2694566) and applies one that it can read (Q184457). */
enum letter_tnef { LETTER_TNEF_KEEP, LETTER_TNEF_DECODE, LETTER_TNEF_PASS, LETTER_TNEF_DROP };

/* A meeting: its time above the text, as text/calendar, or both. */
enum letter_schedule { LETTER_SCHEDULE_TEXT, LETTER_SCHEDULE_ICAL, LETTER_SCHEDULE_BOTH };

/* An OLE object: a file, its picture and a line of text, or the line alone. */
enum letter_ole { LETTER_OLE_KEEP, LETTER_OLE_TEXT };

#define LETTER_RICH_MAX 16777216 /* octets of formatted text, with all messages inside */
#define LETTER_DEPTH_MAX 4       /* messages inside of messages */

/* Octets of To and Cc, and of the fields of other gateways: together less than the 256 KB of a
 * header that Exchange takes. What does not fit is left out, and told in X-MSMail-Note. */
#define LETTER_PEOPLE_MAX 163840
#define LETTER_EXTRAS_MAX 32768

struct letter_options {
    const struct map *map; /* header addresses: see lookup_header */
    bool rules;            /* rules of the map make header addresses */
    const char *domain;    /* of Message-ID and of encapsulated addresses */
    /* From of who has no address that can be written; NULL: unknown@DOMAIN */
    const char *postmaster;
    const char *timezone;  /* IANA name of the postoffice's zone, "UTC" by default */
    const char *directory; /* for temporary files */
    /* The alias (code page, borrowed) of an address that is a group's, or NULL. May be NULL. */
    const char *(*group)(void *context, const char *address);
    void *group_context;
    int64_t received_ms; /* fallback Date when the message has none or an invalid one */
    bool block;          /* the header block of Windows clients is used and taken out of the text */
    enum letter_tnef tnef;
    enum letter_schedule schedule;
    enum letter_ole ole;
    bool registered_normal; /* registered mail is of normal importance */
    bool legacy_receipts;   /* Return-Receipt-To as well: Exchange reports delivery (Q149029) */
    bool latin1;            /* a text that ISO 8859-1 has all of is sent in it, else in UTF-8 */
    unsigned depth;         /* 0: not inside of another message */
    size_t rich;            /* octets of formatted text outside of it already */
};

struct letter_party {
    enum address_role role;
    char *smtp;    /* "" when none can be made: DISPLAY then names an empty group */
    char *display; /* UTF-8 without controls, "" when none */
};

enum letter_part_kind {
    LETTER_FILE,   /* an attachment: NAME and CONTENT */
    LETTER_NOTE,   /* a text of ours in the place of something: TEXT */
    LETTER_MESSAGE /* a message inside: LETTER */
};

struct letter;

struct letter_part {
    enum letter_part_kind kind;
    char *name; /* UTF-8, safe, and in this letter once */
    char type[ATTACHMENT_TYPE_SIZE];
    char modified[DATE_RFC5322_SIZE]; /* "" when not known */
    const struct content *content;
    struct content *owned;   /* CONTENT when it is not borrowed from the message */
    struct message *message; /* what LETTER was made from */
    struct letter *letter;
    char *text; /* UTF-8, LF line ends, complete lines */
};

/* A header of ours: NAME is ASCII, VALUE UTF-8 on one line. */
struct letter_header {
    char *name;
    char *value;
};

struct letter {
    uint8_t fingerprint[FINGERPRINT_SIZE];
    char *message_id; /* with angle brackets: a function of fingerprint and domain only */
    char *sender;     /* SMTP address of the originator: mapped, typed, or IMCEA; "" (the null
                       * sender) for mail of POSTMASTER and for receipts (Q98067) */
    struct letter_party *parties; /* the first is From; then To and Cc in their order */
    size_t party_count;
    char *subject; /* UTF-8, at most 255 characters */
    struct date_sent date;
    char priority;       /* as in struct message */
    bool legacy_receipt; /* ask for it in the old way too */
    bool asks_receipt;   /* the sender wants to know that it was read (Q100457) */
    struct letter_header *headers;
    size_t header_count;
    struct thread_keys own;         /* by which others find this message */
    struct thread_keys parents;     /* by which it finds what it answers or reports on */
    char *in_reply_to, *references; /* of letter_answer, or NULL */
    char *thread_index;             /* of PR_CONVERSATION_INDEX, base64, or NULL */
    struct content *text;           /* LF line ends; NULL: empty */
    bool text_latin1;               /* it is ISO 8859-1, else UTF-8 */
    struct charset_facts text_facts;
    bool text_complete;  /* the last line has its end */
    const char *report;  /* "disposition-notification" or "delivery-status" when it is one */
    char *machine;       /* what a program reads of a report: fields, LF; 7-bit */
    struct letter *copy; /* of a report: the message that it is about, as far as it is known, with
                          * subject NULL, without id and date when not; NULL: nothing is known */
    char *html;          /* the formatted text, or NULL */
    char *calendar;      /* text/calendar, CR LF, or NULL */
    const char *method;  /* of CALENDAR: "REQUEST" */
    char *class;         /* "IPM.Microsoft Mail.Note"; "" when not known */
    bool stripped;       /* a WINMAIL.DAT is not sent */
    char *damage;        /* what is wrong with WINMAIL.DAT, which is an attachment then; or NULL */
    size_t rich;         /* octets of formatted text, with those of the options */
    struct letter_part *parts;
    size_t part_count;
    size_t undecodable; /* octets that became U+FFFD */
    unsigned repeated;  /* enum message_once: what message or header block had again */
};

/*
 * Interprets MESSAGE, which must live as long as the letter: contents are borrowed from it. Errors:
 * ERROR_SOFT (memory, temporary files), those of content_read, ERROR_SETUP (code page, zone);
 * ERROR_DATA when there is no usable sender and none can be made.
 */
int letter_make(struct letter **out, const struct message *message,
                const uint8_t fingerprint[FINGERPRINT_SIZE], const struct letter_options *options,
                struct error *err) WARN_UNUSED;
void letter_free(struct letter *letter); /* NULL is allowed */

/* Before it is written: LETTER answers, or is a report on, the message that was relayed as
 * MESSAGE_ID; REFERENCES are those of an answer to it (thread.h). Both are copied. A notification
 * tells it in Original-Message-ID, too (RFC 8098 3.2.5). ERROR_SOFT: memory. */
int letter_answer(struct letter *letter, const char *message_id, const char *references,
                  struct error *err) WARN_UNUSED;

/* "<mm.HEX32@DOMAIN>": the caller's (free), NULL without memory. */
char *letter_message_id(const uint8_t fingerprint[FINGERPRINT_SIZE], const char *domain);

#endif
