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

/* ---- letter-party.c ---- */

/* From, To and Cc; the sender of the envelope. */
int letter_fill_parties(struct letter_job *job, struct error *err) WARN_UNUSED;

/* ---- letter-body.c ---- */

int letter_fill_text(struct letter_job *job, struct error *err) WARN_UNUSED;

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

/* What the stream says of attachment INDEX of the message, or NULL. */
const struct tnef_attachment *letter_match(struct letter_job *job, size_t index);

/* Text that is only in the stream, the formatted text, a meeting's time. */
int letter_fill_rich(struct letter_job *job, struct error *err) WARN_UNUSED;

/* Attachments, objects and messages that are only in the stream, or the stream itself. */
int letter_fill_hidden(struct letter_job *job, struct error *err) WARN_UNUSED;

#endif
