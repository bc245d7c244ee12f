/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MAI files: one message each, a FIPS PUB 98 Message element (Q93239, Q87379) whose structure is in
 * clear and whose ASCII-Strings are enciphered (Q104423). MAI/MA<last digit>/<id>.MAI (Q87409).
 * Everything is read as a stream; a text or an attachment never sits in memory as a whole.
 */
#ifndef POSTOFFICE_MAI_H
#define POSTOFFICE_MAI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"
#include "message/message.h"
#include "postoffice/profile.h"

#define MAI_MAX_NAME 1024 /* octets of an attachment's name or of a subject */

struct mai;

/* Opens the message file ID ("00000062") with open(2) FLAGS. ROOT and PROFILE are borrowed.
 * ERROR_SETUP when the profile does not know what is needed; ERROR_DATA as root_open_file. */
int mai_open(struct mai **out, struct root *root, const struct profile *profile, const char *id,
             int flags, struct error *err) WARN_UNUSED;
/* The same, of a file that is known by its name: "mai/ma2/00000062.mai". */
int mai_open_name(struct mai **out, struct root *root, const struct profile *profile,
                  const char *name, int flags, struct error *err) WARN_UNUSED;
void mai_close(struct mai *mai); /* NULL is allowed */
const char *mai_name(const struct mai *mai);
int mai_fd(const struct mai *mai); /* borrowed */

/* ERROR_SETUP names the first value that reading messages needs and the profile does not know. */
int mai_check_profile(const struct profile *profile, struct error *err) WARN_UNUSED;

/* From, To, Cc, date, subject and priority into MESSAGE; text and attachments are stepped over.
 * A date that does not have the profile's form leaves message->date.set false. ERROR_DATA also when
 * a part holds text that the profile neither knows nor lists as one to be ignored. */
int mai_envelope(struct mai *mai, struct message *message, struct error *err) WARN_UNUSED;

/* All strings of the Text field, one after the other; at most LIMIT octets. *OUT may be NULL: the
 * message has no Text. */
int mai_text(struct mai *mai, const char *directory, uint64_t limit, struct content **out,
             struct error *err) WARN_UNUSED;

struct mai_attachment {
    char id[9];       /* of the ATT file, re-made from its number */
    const char *name; /* name_size octets of the postoffice's code page */
    size_t name_size;
    uint64_t size; /* as the message says */
    struct message_date
        modified; /* of the file; not set when there is none of the profile's form */
};

/* 0 goes on; anything else stops and is returned. */
typedef int mai_attachment_seen(void *context, const struct mai_attachment *attachment,
                                struct error *err);
int mai_attachments(struct mai *mai, mai_attachment_seen *seen, void *context,
                    struct error *err) WARN_UNUSED;

/* The number of mailbags that still hold the message (Q104423). ERROR_DATA unless the profile's
 * offset is the value of a two-octet Integer in a vendor-defined element of the message. */
int mai_counter(struct mai *mai, uint16_t *out, struct error *err) WARN_UNUSED;

/* To be called only after mai_counter said where it lies. Opened with O_RDWR. */
int mai_set_counter(struct mai *mai, uint16_t value, struct error *err) WARN_UNUSED;

/* "MAI/MA2/00000062.MAI" */
#define MAI_PATH_SIZE 40
void mai_path(const char *id, char out[MAI_PATH_SIZE]);

#endif
