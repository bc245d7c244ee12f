/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * WINMAIL.DAT: a stream of the Transport Neutral Encapsulation Format ([MS-OXTNEF]), which Windows
 * clients add to a message with attachments or formatting (Q126648, Q94180, Q148515). It names the
 * attachments (Q161945), says what kind of message it is, and may hold the formatted text, whole
 * attachments and messages inside a message.
 *
 * Everything in it is optional and nothing in it is believed: lengths are checked against what is
 * there, an attribute with a wrong checksum is left out and counted, and reading stops without an
 * error where the stream stops making sense. Large values are not copied but told as ranges of the
 * content. The list of recipients of the message itself is never taken: old ones made replies fail
 * (Q184457). That of a message inside is read for its To and Cc lines.
 */
#ifndef MESSAGE_TNEF_H
#define MESSAGE_TNEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/content.h"
#include "message/message.h"

#define TNEF_MAX_ATTACHMENTS 1024
#define TNEF_MAX_DEPTH 4   /* messages inside messages */
#define TNEF_MAX_NAME 4096 /* octets of a name, subject or class that is kept */
#define TNEF_CODEPAGE_SIZE 16
#define TNEF_NO_POSITION UINT32_MAX

/* Octets of the content that was given to tnef_read, also for messages inside. */
struct tnef_range {
    bool set;
    uint64_t offset;
    uint64_t size;
};

/* utc: from a property list, where times have no zone; else the writer's local time, as in the
 * attributes (the sample of [MS-OXTNEF] 3.1 has the same moment in both forms). */
struct tnef_time {
    struct message_date date; /* .set false: none, or not a date */
    bool utc;
};

enum tnef_kind {
    TNEF_FILE,
    TNEF_OLE,     /* data is an OLE 1 stream (Q200661), or a docfile of a later client */
    TNEF_PICTURE, /* a static OLE object: metafile is all that it is */
    TNEF_MESSAGE, /* message is set unless it was too deep or not a stream */
};

/* All texts are UTF-8 without control characters, or NULL. */
struct tnef_attachment {
    enum tnef_kind kind;
    char *title;       /* attAttachTitle: usually the long name too */
    char *long_name;   /* PR_ATTACH_LONG_FILENAME */
    char *short_name;  /* attAttachTransportFilename or PR_ATTACH_FILENAME: 8.3 */
    char *mime_type;   /* PR_ATTACH_MIME_TAG; data, not checked */
    uint32_t position; /* character in the text, or TNEF_NO_POSITION */
    bool macbinary;    /* data is MacBinary (Q86371) */
    struct tnef_time modified;
    struct tnef_range data;     /* not set: its octets are in an ATT file only */
    struct tnef_range metafile; /* picture: a WMF without the placeable header */
    struct tnef *message;
};

struct tnef {
    struct tnef_range stream;          /* all of it */
    char codepage[TNEF_CODEPAGE_SIZE]; /* for iconv: that of attOemCodepage, else as given */
    char *class;          /* attMessageClass, or PR_MESSAGE_CLASS: "IPM.Microsoft Mail.Note" */
    char *original_class; /* attOriginalMessageClass */
    char *subject;
    char *topic; /* PR_CONVERSATION_TOPIC */
    char *message_id, *parent_id, *conversation_id;
    struct tnef_range index;            /* PR_CONVERSATION_INDEX, octets */
    char *sender_name, *sender_address; /* "MS:NET/PO/MAILBOX", "SMTP:..." */
    char *owner_name, *owner_address;   /* attOwner: who called the meeting */
    char *location;                     /* of the meeting */
    int priority;                       /* attPriority as it is, or -1 */
    struct tnef_time sent, start, end;
    bool has_owner_id; /* attAidOwner: the meeting in its owner's calendar */
    uint32_t owner_id;
    int response_requested; /* attRequestRes: 0, 1, or -1 */
    struct tnef_range body; /* text in codepage; UTF-16LE when body_utf16 */
    bool body_utf16;
    struct tnef_range rtf;  /* PR_RTF_COMPRESSED, see rtf.h */
    struct tnef_range html; /* PR_BODY_HTML, octets; never to be sent without cleaning */
    struct tnef_attachment *attachments;
    size_t attachment_count; /* those with data that no file of the message matches are attachments
                              * of their own */
    /* What was noticed. */
    size_t bad_checksums; /* attributes left out */
    size_t malformed;     /* attributes or property lists that did not parse to their end */
    size_t recipients;    /* recipient tables */
    struct tnef_range recipient_table; /* the last of them */
    bool truncated; /* the stream ended inside an attribute, or a limit was reached */
};

/* True when CONTENT begins with the signature of a stream. Errors of content_read are false. */
bool tnef_is(const struct content *content);

/*
 * Reads the stream; CODEPAGE (for iconv) is for streams that do not tell theirs. Not a stream:
 * ERROR_DATA. Otherwise only errors of memory and of content_read: what is damaged is counted.
 */
int tnef_read(struct tnef **out, const struct content *content, const char *codepage,
              struct error *err) WARN_UNUSED;
void tnef_free(struct tnef *tnef); /* NULL is allowed; messages inside are freed too */

/* What is wrong with the stream, in words, in OUT; false: nothing is. Of messages inside only that
 * they are no streams. */
bool tnef_damage(const struct tnef *tnef, char *out, size_t size);

/* RANGE of CONTENT as a content of its own; large ones lie in a temporary file in DIRECTORY. */
int tnef_extract(const struct content *content, const struct tnef_range *range,
                 const char *directory, struct content **out, struct error *err) WARN_UNUSED;

/* A file of the message that has to be found in its stream. */
struct tnef_file {
    const char *name;              /* UTF-8, 8.3 or longer */
    const struct content *content; /* NULL: lost on the postoffice */
    size_t index;                  /* among the files of the message except WINMAIL.DAT */
    size_t count;                  /* of these */
};

/*
 * *OUT is the attachment that FILE is: one whose short name, title or long name is its name in any
 * case; else the one at its place, when there are as many files as attachments that have no octets
 * in the stream, or as attachments, and the extensions agree (a name without one agrees with any:
 * "ATT1", Q99716). Octets in the stream must be those of the file. TAKEN (attachment_count) are
 * those that other files are. NULL when there is none. Errors: those of content_read, memory.
 */
int tnef_match(const struct tnef *tnef, const struct content *content, const struct tnef_file *file,
               const bool *taken, const struct tnef_attachment **out,
               struct error *err) WARN_UNUSED;

/* The best name: long name, title, short name; NULL when it has none. Borrowed. */
const char *tnef_name(const struct tnef_attachment *attachment);

/*
 * The plain text as UTF-8: the body, else the text of the formatted one; *OUT is NULL when there is
 * neither. What is malformed is none. Large ones lie in a temporary file in DIRECTORY.
 */
int tnef_body(const struct tnef *tnef, const struct content *content, const char *directory,
              struct content **out, struct error *err) WARN_UNUSED;

/* The formatted text, decompressed (rtf_convert); *OUT is the caller's, NULL when there is none.
 * ERROR_DATA: it is damaged. */
int tnef_rtf(const struct tnef *tnef, const struct content *content, char **out, size_t *size,
             struct error *err) WARN_UNUSED;

/*
 * A message inside as a neutral message whose texts are UTF-8 (its codepage is "UTF-8"): sender,
 * recipients, subject, date and text, and one attachment WINMAIL.DAT, which is its stream, so
 * that its attachments, formatting and messages are interpreted as those of any message. Who does
 * that counts the depth. POSTOFFICE and ZONE (IANA) are those of the outer message. A sender that
 * is no address is left out: then message_from gives NULL, and sender_name tells his name.
 */
int tnef_message(const struct tnef *tnef, const struct content *content, const char *postoffice,
                 const char *zone, const char *directory, struct message **out,
                 struct error *err) WARN_UNUSED;

/* TIME as local time in the IANA ZONE ("" is UTC); *OUT not set when TIME has none. ERROR_SETUP:
 * the zone is not known. */
int tnef_local(const struct tnef_time *time, const char *zone, struct message_date *out,
               struct error *err) WARN_UNUSED;

/*
 * The stream without recipient table, senders, owners and delegates, with CORRELATOR (the
 * Message-ID) as PR_TNEF_CORRELATION_KEY, for receivers that read TNEF: a stream without that key
 * is applied to whatever it comes with. Attributes that are damaged are left out.
 */
int tnef_rewrite(const struct content *content, const char *correlator, const char *directory,
                 struct content **out, struct error *err) WARN_UNUSED;

#endif
