/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the store that remembers mailbags: which users are being moved and how far each is,
 * what lay in a mailbag at the baseline and is therefore never relayed, and what a mailbag looked
 * like at its last sweep, so that the next one opens only what changed and notices what went away.
 *
 * POSTOFFICE is NET/PO where users and baselines are meant: a postoffice and a restored backup of
 * it share them. It is the TITLE of the settings' section where the files of one directory are
 * meant (mailbags, live items): a backup's never mix with those of the postoffice itself.
 * Names compare without ASCII case. Strings are copied. Changes happen inside store_begin ..
 * store_commit, unless none is open: then each is a transaction of its own. Errors as in store.h.
 */
#ifndef QUEUE_CUTOVER_H
#define QUEUE_CUTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "queue/store.h"

/* ---- users ---- */

/* doc/INTERNALS.md has the transitions. A user without a row is one whom nobody touched. */
enum user_state {
    USER_BASELINE, /* what lies in the mailbag is recorded; nothing is swept yet */
    USER_ACTIVE,   /* swept */
    USER_DRAINING, /* swept; the mailbox is about to be deleted */
    USER_CLOSED,   /* no longer swept; the postoffice may delete the mailbox */
    USER_STATES
};

/* "baseline", "active", "draining", "closed". */
const char *user_state_name(enum user_state state);
/* 0 and *OUT, or -1 for an unknown name. */
int user_state_parse(const char *name, enum user_state *out) WARN_UNUSED;

/* Every step that a user may take, for the operator's command and for the test that compares
 * doc/INTERNALS.md. FROM -1 is "new". Ends with event NULL. store_put_user does not look at it. */
struct user_transition {
    int from, to;
    const char *event;
};
const struct user_transition *user_transitions(void);
bool user_transition_allowed(int from, enum user_state to, const char *event);

struct store_user {
    const char *postoffice; /* NET/PO */
    const char *mailbox;    /* "JSMITH" */
    const char *mailbag;    /* "0000002E": whose it was when the baseline was taken (Q117738) */
    enum user_state state;
    int64_t since_ms;        /* in this state */
    int64_t baseline_ms;     /* 0: activated without a baseline */
    uint64_t baseline_items; /* out only: rows of his baseline */
    const char *fault;       /* "", or why he is not swept until the operator acts */
};
/* Adds or replaces the row (POSTOFFICE, MAILBOX). */
int store_put_user(struct store *store, const struct store_user *user,
                   struct error *err) WARN_UNUSED;
/* Changes nothing but the fault ("" clears it), so that who sweeps never undoes a step that the
 * operator makes at the same time. ERROR_DATA: there is no such row. */
int store_set_fault(struct store *store, const char *postoffice, const char *mailbox,
                    const char *fault, struct error *err) WARN_UNUSED;
/* SEEN returns 0 to go on. POSTOFFICE, MAILBOX: NULL for all. In order of both names. */
typedef int store_user_seen(void *context, const struct store_user *user);
int store_list_users(struct store *store, const char *postoffice, const char *mailbox,
                     store_user_seen *seen, void *context, struct error *err) WARN_UNUSED;

/* ---- baselines ---- */

#define STORE_HEADER_DIGEST 32 /* octets: SHA-256 of the 116 octets of a mailbag record */

struct store_baseline {
    const char *fingerprint; /* 64 hex digits; "" when the message could not be read */
    const uint8_t *header;   /* STORE_HEADER_DIGEST octets */
    const char *mai;         /* "00000062", or "" */
};
/* Adds to the baseline of a user. One whose header is there already is no error: it stays, and gets
 * the fingerprint and MAI if it had no fingerprint. */
int store_add_baseline(struct store *store, const char *postoffice, const char *mailbox,
                       const struct store_baseline *item, struct error *err) WARN_UNUSED;
/* Forgets the whole baseline of a user. */
int store_clear_baseline(struct store *store, const char *postoffice, const char *mailbox,
                         struct error *err) WARN_UNUSED;
/* 1 when the baseline has this header (HEADER not NULL) or this fingerprint (FINGERPRINT not NULL
 * and not ""), 0 when it has neither. */
int store_in_baseline(struct store *store, const char *postoffice, const char *mailbox,
                      const uint8_t *header, const char *fingerprint,
                      struct error *err) WARN_UNUSED;

/* ---- what a mailbag looked like ---- */

struct store_mailbag {
    const char *title;   /* of the settings' section */
    const char *mailbag; /* "0000002E" */
    const char *owner;   /* mailbox name, or "" */
    const char *stamp;   /* what its files looked like; opaque; "": look again */
    int64_t swept_ms;    /* last time that it was read */
    uint32_t live, records;
};
int store_put_mailbag(struct store *store, const struct store_mailbag *mailbag,
                      struct error *err) WARN_UNUSED;
typedef int store_mailbag_seen(void *context, const struct store_mailbag *mailbag);
/* In order of TITLE and MAILBAG. TITLE NULL: all. */
int store_list_mailbags(struct store *store, const char *title, store_mailbag_seen *seen,
                        void *context, struct error *err) WARN_UNUSED;

/* An item that was live in a mailbag when it was last read, and that is still to be accounted for:
 * not in the queue, not removed by us. */
struct store_live {
    const uint8_t *header; /* STORE_HEADER_DIGEST octets */
    const char *mai;
    uint32_t record;
    int64_t first_ms; /* when it was seen first */
};
/* Replaces the live items of (TITLE, MAILBAG) by ITEMS. One whose header was there keeps its
 * first_ms, the others get NOW_MS (first_ms of ITEMS is not looked at). Writes only what differs.
 * Two with the same header and record are one. */
int store_set_live(struct store *store, const char *title, const char *mailbag,
                   const struct store_live *items, size_t count, int64_t now_ms,
                   struct error *err) WARN_UNUSED;
typedef int store_live_seen(void *context, const struct store_live *item);
/* In order of record. */
int store_list_live(struct store *store, const char *title, const char *mailbag,
                    store_live_seen *seen, void *context, struct error *err) WARN_UNUSED;

/* ---- for can-delete and close ---- */

/* Recipients whose original address is NET/PO/MAILBOX (ORIGINAL, without case), by state, and how
 * many are in doubt. */
struct store_user_counts {
    uint64_t recipients[RECIPIENT_STATES];
    uint64_t doubtful;
};
int store_count_user(struct store *store, const char *original, struct store_user_counts *out,
                     struct error *err) WARN_UNUSED;

#endif
