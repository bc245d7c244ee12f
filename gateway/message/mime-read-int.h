/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files behind message/mime-read.h share. */
#ifndef MESSAGE_MIME_READ_INT_H
#define MESSAGE_MIME_READ_INT_H

#include <gmime/gmime.h>

#include "message/mime-int.h"
#include "message/mime-read.h"

struct reading {
    const struct mime_read_options *options;
    struct mime_read_facts *facts;
    struct message *message;
    struct mime_trouble *trouble; /* of the stream that is read */
    unsigned parts;               /* leaves so far, for the names of those without one */
};

/* From, To, Cc, Subject, Date, priority, EXT fields. */
int read_header(struct reading *reading, GMimeMessage *from, struct error *err) WARN_UNUSED;

/* PART becomes the text: decoded, in the code page, CR LF line ends. */
int read_text(struct reading *reading, GMimePart *part, struct error *err) WARN_UNUSED;

/* The octets of PART as an attachment; FALLBACK names it when it has no name. */
int read_file(struct reading *reading, GMimePart *part, const char *fallback,
              struct error *err) WARN_UNUSED;

/* OBJECT as it stands, as an attachment. */
int read_whole(struct reading *reading, GMimeObject *object, const char *name,
               struct error *err) WARN_UNUSED;

#endif
