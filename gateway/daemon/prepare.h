/* SPDX-License-Identifier: BSD-2-Clause */
/* One item of a postoffice made ready for the queue: who gets it, its fingerprint, its MIME form.
 * Everything that can go wrong with an item goes wrong here, before the queue is touched. */
#ifndef DAEMON_PREPARE_H
#define DAEMON_PREPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/intake.h"
#include "message/mime.h"
#include "postoffice/door.h"

struct prepared_recipient {
    const char *original; /* borrowed from the item */
    char *address;        /* ours; NULL: nobody knows where to */
};

struct prepared {
    const struct item *item;               /* of the door's present batch */
    struct prepared_recipient *recipients; /* each original once */
    size_t recipient_count;
    size_t mapped;
    uint8_t digest[FINGERPRINT_SIZE];
    char fingerprint[FINGERPRINT_HEX_SIZE];
    char *sender;
    char *report_to; /* who is told of failures; "": the postmaster */
    bool notify;     /* the server is asked for reports of delivery */
    struct mime_facts facts;
    struct content *mime;
};

/* Names the recipients of ITEM on its queue; in a user's mailbag him alone. ERROR_SOFT: memory. */
int prepare_recipients(struct prepared *prepared, const struct intake *intake,
                       const struct settings_postoffice *postoffice, const struct item *item,
                       struct error *err) WARN_UNUSED;

/* Loads the item through DOOR and takes its fingerprint. */
int prepare_fingerprint(struct prepared *prepared, struct door *door, struct item *item,
                        struct error *err) WARN_UNUSED;

/* Makes the envelope sender and the MIME form of the loaded item. */
int prepare_mime(struct prepared *prepared, const struct intake *intake,
                 const struct settings_postoffice *postoffice, struct error *err) WARN_UNUSED;

void prepared_clear(struct prepared *prepared);

#endif
