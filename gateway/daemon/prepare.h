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
#include "daemon/groups.h"
#include "daemon/intake.h"
#include "message/mime.h"
#include "postoffice/door.h"

#define SYSTEM_REASON_SIZE 128

struct prepared_recipient {
    const char *original;           /* borrowed from the item, or of the names below */
    char *address;                  /* ours; NULL: nobody knows where to */
    bool pending;                   /* in the map, but not moved yet */
    const struct map_entry *person; /* his line of the map, borrowed; or NULL */
    char *why;                      /* ours: what else there is to say when there is no address */
};

struct prepared {
    const struct item *item;               /* of the door's present batch */
    struct prepared_recipient *recipients; /* each original once */
    size_t recipient_count;
    size_t mapped;
    char **names; /* "NET/PO/USER" of members of groups */
    size_t name_count;
    uint8_t digest[FINGERPRINT_SIZE];
    char fingerprint[FINGERPRINT_HEX_SIZE];
    char *sender;
    char *class;                   /* of the letter; NULL before prepare_mime */
    char held[SYSTEM_REASON_SIZE]; /* why it must wait for the operator, or "" */
    char *message_id;
    struct thread_keys own, parents; /* of the letter */
    char *in_reply_to, *references;  /* of what it answers, or NULL: threads.h */
    bool parent_stored;              /* which the queue knew before this batch */
    char *report_to;                 /* who is told of failures; "": the postmaster */
    bool notify;                     /* the server is asked for reports of delivery */
    struct mime_facts facts;
    struct content *mime;
};

/* Names the recipients of ITEM on its queue, members in the place of groups; in a user's mailbag
 * him alone. Each person and each SMTP address is there once. ERROR_SOFT: memory. */
int prepare_recipients(struct prepared *prepared, const struct intake *intake,
                       const struct settings_postoffice *postoffice, struct groups *groups,
                       const struct item *item, struct error *err) WARN_UNUSED;

/* Loads the item through DOOR and takes its fingerprint. */
int prepare_fingerprint(struct prepared *prepared, struct door *door, struct item *item,
                        struct error *err) WARN_UNUSED;

/* Makes the envelope sender and the MIME form of the loaded item, which may answer one of the queue
 * or one of BATCH, what was prepared before it. */
int prepare_mime(struct prepared *prepared, const struct intake *intake,
                 const struct settings_postoffice *postoffice, struct groups *groups,
                 const struct prepared *batch, size_t count, struct error *err) WARN_UNUSED;

/* Makes the MIME form anew, when what it answers is known better. On -1 the one before stays. */
int prepare_again(struct prepared *prepared, const struct intake *intake,
                  const struct settings_postoffice *postoffice, struct groups *groups,
                  struct error *err) WARN_UNUSED;

void prepared_clear(struct prepared *prepared);
void prepared_clear_recipients(struct prepared *prepared); /* of what prepare_recipients made */

#endif
