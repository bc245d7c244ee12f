/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A door into a postoffice. Two exist: native (reads the file database itself) and ffapi (runs the
 * postoffice's own GET program and reads MMFF). Both give mail in batches:
 *
 *   door_begin -> door_next, door_load ... -> [the caller commits to the queue] -> door_finish
 *
 * A native batch holds the mailbag's lock from begin to finish or abandon. Nothing in a postoffice
 * changes before door_finish. Everything is idempotent: after a crash the same items come again.
 */
#ifndef POSTOFFICE_DOOR_H
#define POSTOFFICE_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/message.h"

struct door;

/* Where an item lies, for logs and for the list of what remains. */
struct item_place {
    char mailbag[9]; /* "0000002E", or "" (ffapi) */
    char mai[9];     /* "00000062", or "" (ffapi) */
    uint32_t record; /* record of the MBG, or message number in the MMFF file */
    char file[256];  /* ffapi: name of the MMFF file; native: "" */
};

#define DOOR_HEADER_DIGEST 32 /* octets: SHA-256 of the 116 octets of a mailbag record */

/* An item of the present batch; owned by the door until the batch ends. */
struct item {
    struct item_place place;
    const char *queue; /* name of the queue: "NET/PO" or the gateway's name; "" (ffapi) */
    /* "NET/PO/USER" when it lies in his mailbag: he gets it and nobody else, also when neither To
     * nor Cc names him (Bcc, a group), whoever they name (Q159181). recipient_count is 0 then. NULL
     * for an item of a queue. */
    const char *owner;
    uint8_t header[DOOR_HEADER_DIGEST]; /* native; known before the message is read */
    struct message *message; /* after door_next: addresses, subject, date; after door_load: all */
    /* Indexes into message->addresses: those that lie on this queue. A name that the message has
     * twice is there twice. */
    const size_t *recipients;
    size_t recipient_count;
    bool removable; /* false: this door cannot leave it where it is (ffapi: it is out already) */
    size_t number;  /* of this item in the batch, for door_accept */
};

/* Begins a batch of at most LIMIT items: 1 begun, 0 nothing waits, -1 error (nothing is locked
 * then; ERROR_SOFT when somebody else holds the mailbag). A round over all queues ends with 0; the
 * next call begins a new round. A queue whose batch is ended before its first item has had its
 * turn. */
int door_begin(struct door *door, size_t limit, struct error *err) WARN_UNUSED;

/* The next item, oldest first: 1 and *OUT; 0 when the batch has no more; -1 and ERR. With
 * ERROR_DATA this one item is malformed: *OUT still tells its place, and the batch goes on. With
 * any other class the batch cannot go on: door_finish for what was read before, or door_abandon. */
int door_next(struct door *door, struct item **out, struct error *err) WARN_UNUSED;

/* Reads text and attachments of ITEM. Errors as door_next. */
int door_load(struct door *door, struct item *item, struct error *err) WARN_UNUSED;

/* The item is (or already was) in the queue: door_finish is to remove it. */
void door_accept(struct door *door, const struct item *item);

/* After the commit: removes what was accepted (native: delete bits, counters, reference counters,
 * files, in that order; ffapi: the MMFF file) and unlocks. On -1 the items will come again. */
int door_finish(struct door *door, struct error *err) WARN_UNUSED;

/* Ends the batch without changing anything in the postoffice. */
void door_abandon(struct door *door);

void door_free(struct door *door); /* abandons an open batch; NULL is allowed */

/* ---- native ---- */

/* A user whose mailbag is read like a queue: "NET/PO/USER", and the number of his mailbag, which
 * the caller has looked up in ACCESS2 for this very round: numbers are given again (Q117738). */
struct native_user {
    const char *name;
    const char *mailbag; /* "0000002E" */
};

/* KEY and MBG of one mailbag as a round has read them. Valid inside the call only. */
struct native_view {
    const char *queue; /* its name, or NET/PO/USER */
    const char *mailbag;
    bool user;
    const uint8_t *records; /* COUNT of 116 octets */
    const bool *live;       /* COUNT */
    size_t count, live_count;
    const char
        *stamp; /* of both files from before they were read (stamp.h); "": could not be taken */
};

/* What a round tells and asks beside its items; members may be NULL. Calls are made from door_begin
 * and door_finish; nothing may be called of the door inside. */
struct native_watch {
    void *context;
    /* A mailbag has been read for the first time in this round, under its lock. */
    void (*seen)(void *context, const struct native_view *view);
    /* Whether a live record of a user's mailbag is left alone: its message is not even opened. RAW
     * is 116 octets. */
    bool (*skip)(void *context, const char *queue, uint32_t record, const uint8_t *raw);
    /* The removal from MAILBAG was tried; WHY NULL: done. A mailbag whose removal failed is not
     * read further in this round. */
    void (*removed)(void *context, const char *queue, const char *mailbag, const struct error *why);
    /* An accepted item was deleted already, by another program. */
    void (*taken)(void *context, const struct item *item);
    /* Not 0: door_begin gives 0 before it opens another mailbag. */
    const volatile int *stop;
};

struct native_settings {
    const char *path;          /* root of the postoffice (MAILDATA) */
    const char *profile;       /* path of the profile file */
    const char *name;          /* "NET/PO" of this postoffice */
    const char *codepage;      /* "CP850"; NULL: the profile's */
    const char *const *queues; /* "NET/PO" of external postoffices, or names of gateways */
    size_t queue_count;
    const struct native_user *users; /* after the queues, in this order */
    size_t user_count;
    struct native_watch watch;
    const char *directory; /* for temporary files */
    uint64_t max_size;     /* octets of one attachment or text; more is ERROR_DATA */
    bool read_only;        /* never lock, never remove: for backups (door_finish does nothing) */
};

/* Strings are copied. ERROR_SETUP when path or profile cannot be used, or there are queues and no
 * mailbag of one can be found. A queue whose mailbag cannot be found, or is another queue's or
 * user's too, fails in door_begin. */
int door_open_native(struct door **out, const struct native_settings *settings,
                     struct error *err) WARN_UNUSED;

/* ---- ffapi ---- */

struct ffapi_settings {
    const char *name;
    const char *codepage;
    /* The GET program and its arguments, no shell; "{file}" and "{count}" inside an argument are
     * replaced by the output file's path and the number of items asked for (at most 50, Q115490).
     */
    const char *const *command;
    size_t command_count;
    /* NET/PO or gateways whose recipients are meant; a message names those of other queues, too. 0:
     * all recipients are, and so they are of a message that names none of these queues. */
    const char *const *queues;
    size_t queue_count;
    const char *directory; /* the door's own spool directory: output files, leftovers, held files */
    unsigned time_limit_s; /* of one run */
    uint64_t max_size;
    /* Each line the program printed, and its exit status, go here ("ffapi" token). May be NULL. */
    void (*report)(void *context, const char *line);
    void *report_context;
};

int door_open_ffapi(struct door **out, const struct ffapi_settings *settings,
                    struct error *err) WARN_UNUSED;

#endif
