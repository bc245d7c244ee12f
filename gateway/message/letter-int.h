/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files behind message/letter.h share. */
#ifndef MESSAGE_LETTER_INT_H
#define MESSAGE_LETTER_INT_H

#include "message/letter.h"

/* A letter on its way. */
struct letter_job {
    struct letter *letter;
    const struct message *message;
    const struct letter_options *options;
    struct attachment_names *names; /* given already */
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
int letter_fill_parts(struct letter_job *job, struct error *err) WARN_UNUSED;

#endif
