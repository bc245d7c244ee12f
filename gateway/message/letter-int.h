/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files behind message/letter.h share. */
#ifndef MESSAGE_LETTER_INT_H
#define MESSAGE_LETTER_INT_H

#include "message/block.h"
#include "message/bounce.h"
#include "message/letter.h"
#include "message/lookup.h"
#include "message/receipt.h"
#include "message/tnef.h"

/* A letter on its way. */
struct letter_job {
    struct letter *letter;
    const struct message *message;
    const struct letter_options *options;
    struct attachment_names *names; /* given already */
    struct block block;             /* of Windows clients, at the top of the text */
    struct receipt receipt;         /* what the message is, if it is one of these */
    struct bounce bounce;
    size_t winmail;                   /* index of WINMAIL.DAT; attachment_count: there is none */
    struct tnef *tnef;                /* what is in it, or NULL */
    bool taken[TNEF_MAX_ATTACHMENTS]; /* of the stream: those that are files of the message */
    struct content *rewritten;        /* the stream that is sent on, or NULL */
    size_t objects;                   /* OLE objects so far */
    bool kept;                        /* WINMAIL.DAT stays an attachment */
};

int letter_no_memory(struct error *err); /* ERROR_SOFT; returns -1 */

/* Characters that are kept of a subject, a display name, a file name. */
#define LETTER_TEXT_MAX 255

/* Cuts UTF8 behind its first MAX characters. */
void letter_cut(char *utf8, size_t max);

/* TEXT of the postoffice as UTF-8 on one line of at most LETTER_TEXT_MAX characters; *OUT is the
 * caller's (free). */
int letter_line(struct letter_job *job, const char *text, char **out,
                struct error *err) WARN_UNUSED;

/* A header with the UTF-8 line VALUE, copied. */
int letter_add_header(struct letter *letter, const char *name, const char *value,
                      struct error *err) WARN_UNUSED;

/* The header of a field that came with an MMFF file (Q147034). */
#define LETTER_EXTRA_HEADER "X-MSMail-Ext"

/* ---- letter-fit.c ---- */

/* Last of all: keeps the header within the limits of letter.h. */
int letter_fit(struct letter *letter, struct error *err) WARN_UNUSED;

/* ---- letter-thread.c ---- */

/* The ids of the message and of its parent; the index of its conversation. */
int letter_fill_thread(struct letter_job *job, struct error *err) WARN_UNUSED;

/* ---- letter-party.c ---- */

/* From, To and Cc; the sender of the envelope. */
int letter_fill_parties(struct letter_job *job, struct error *err) WARN_UNUSED;

/* ---- letter-body.c ---- */

int letter_fill_text(struct letter_job *job, struct error *err) WARN_UNUSED;
/* The finished text in the character set of the options, when it is lossless. */
int letter_fill_charset(struct letter_job *job, struct error *err) WARN_UNUSED;

/* The text of the message from octet SKIP on into INTO. There must be one. */
int letter_take_text(struct letter_job *job, struct letter *into, uint64_t skip,
                     struct error *err) WARN_UNUSED;
int letter_fill_parts(struct letter_job *job, struct error *err) WARN_UNUSED;

/* A name for part INDEX that is unique, from RAW (code page) or LONG_NAME (UTF-8, may be NULL). */
int letter_name(struct letter_job *job, struct letter_part *part, const char *raw,
                const char *long_name, struct error *err) WARN_UNUSED;

/* Room for one more part, or NULL and ERR. */
struct letter_part *letter_add_part(struct letter *letter, struct error *err) WARN_UNUSED;

/* ---- letter-report.c ---- */

/* Whether it is a read receipt or a failure report of MS Mail, before anything is made of it. */
int letter_read_report(struct letter_job *job, struct error *err) WARN_UNUSED;

/* It becomes one of mail: null sender, and a part for programs; its text stays. */
int letter_fill_report(struct letter_job *job, struct error *err) WARN_UNUSED;

/* ---- letter-copy.c ---- */

/* What is known of the message that the report is about; takes over the letter's parts. */
int letter_fill_copy(struct letter_job *job, struct error *err) WARN_UNUSED;

/* The SMTP address in headers for an address of MS Mail, in FOUND; "" when there is none. */
const char *letter_smtp(const struct letter_job *job, const char *address, struct lookup *found);

/* DATE, a local time of the postoffice, for a header; "" when it is not valid. */
int letter_date(const struct letter_job *job, const struct message_date *date,
                char out[DATE_RFC5322_SIZE], struct error *err) WARN_UNUSED;

/* ---- letter-tnef.c ---- */

/* Finds WINMAIL.DAT and reads it, as the options say. */
int letter_read_tnef(struct letter_job *job, struct error *err) WARN_UNUSED;

/* WINMAIL.DAT as it lies in the message; only while job->tnef is not NULL. */
const struct content *letter_stream(const struct letter_job *job);

/* What the stream has is taken out of it: it is not sent on for readers of TNEF. */
bool letter_decodes(const struct letter_job *job);

/* What the stream says of attachment INDEX of the message; *OUT is NULL when nothing. */
int letter_match(struct letter_job *job, size_t index, const struct tnef_attachment **out,
                 struct error *err) WARN_UNUSED;

/* WINMAIL.DAT could not be read whole: it will stay an attachment. The first WHY counts. */
int letter_damaged(struct letter_job *job, const char *why, struct error *err) WARN_UNUSED;

/* The stream itself, when it is sent. */
int letter_fill_stream(struct letter_job *job, struct error *err) WARN_UNUSED;

/* ---- letter-rich.c ---- */

/* Text that is only in the stream, the formatted text, a meeting's time. */
int letter_fill_rich(struct letter_job *job, struct error *err) WARN_UNUSED;

/* ---- letter-hidden.c ---- */

/* Attachments, objects and messages that are only in the stream. */
int letter_fill_hidden(struct letter_job *job, struct error *err) WARN_UNUSED;

/* RANGE of CONTENT is an OLE object: parts for it. PICTURE (may be NULL) is a metafile of it in the
 * stream. BORROW: the range is all of CONTENT, which lives as long as the message. */
int letter_add_object(struct letter_job *job, const struct content *content,
                      const struct tnef_range *range, const struct tnef_range *picture, bool borrow,
                      struct error *err) WARN_UNUSED;

#endif
