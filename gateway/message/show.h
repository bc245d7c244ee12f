/* SPDX-License-Identifier: BSD-2-Clause */
/* A written message decoded for people: its headers, its parts, its text. By GMime. */
#ifndef MESSAGE_SHOW_H
#define MESSAGE_SHOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/content.h"

#define SHOW_DEPTH_MAX 32           /* parts inside of parts; what is deeper is one part */
#define SHOW_TEXT_MAX ((size_t)1024 * 1024) /* octets of one text that are shown */

struct show_part {
    unsigned depth; /* 0: the message's own */
    const char *type;
    const char *name;     /* UTF-8; of an embedded message its subject; "" when none */
    const char *encoding; /* "base64"; "" for a multipart */
    uint64_t size;        /* octets, decoded; 0 for a multipart */
};

/* What is found, in the order of the message. Each returns 0, or -1 with ERR set to stop. Texts
 * are UTF-8 but may have controls in them: the caller makes them harmless. Any may be NULL. */
struct show_reader {
    void *context;
    int (*header)(void *context, const char *name, const char *value, struct error *err);
    int (*part)(void *context, const struct show_part *part, struct error *err);
    /* A line of a text/plain that is not an attachment, without its end. Long ones come in pieces
     * of 4,096 octets. */
    int (*line)(void *context, const char *text, size_t size, struct error *err);
    /* The rest of a text is not shown. */
    int (*cut)(void *context, struct error *err);
};

/* Errors: ERROR_DATA when MESSAGE is none, those of content_read and of READER. */
int show_message(const struct content *message, const struct show_reader *reader,
                 struct error *err) WARN_UNUSED;

#endif
