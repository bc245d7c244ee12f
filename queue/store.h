/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The queue: the only meeting point of intake, relay and the operator's command. One contract,
 * several backends: "sqlite:PATH" (WAL, synchronous FULL) here, and one in memory for tests
 * (queue/memory.h), which store_open does not know.
 *
 * A message has recipients; each recipient has its own state and history. doc/INTERNALS.md holds
 * the table of states and transitions, and a test compares it with store_transitions().
 *
 * Every change happens inside store_begin .. store_commit; a commit is durable when it returns.
 * Times are wall-clock milliseconds since 1970 UTC and always an argument: no backend asks a clock.
 * Errors: ERROR_SOFT (busy, disk full 4.3.1, I/O), ERROR_SETUP (cannot open, wrong version),
 * ERROR_DATA (no such message; transition not allowed from the present state).
 */
#ifndef QUEUE_STORE_H
#define QUEUE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "queue/claim.h"
#include "queue/recipient.h"

struct store;

#define STORE_CHUNK_SIZE 65536 /* largest piece of content in one read or write */

/* Opens or creates (mode 0600; complete or not there at all). CREATE false: ERROR_SETUP when it is
 * not there. A handle is for one thread and does not survive fork(). */
int store_open(struct store **out, const char *uri, bool create, struct error *err) WARN_UNUSED;
void store_close(struct store *store); /* rolls back an open transaction; NULL is allowed */

/* Begin waits (at most 30 s) for other writers. One transaction at a time on a handle. After an
 * error other than ERROR_DATA inside it, only a rollback is left: commit then rolls back and fails
 * (ERROR_SOFT). ERROR_DATA changes nothing and does not hinder the commit. A failed commit has
 * rolled back; a rollback without a transaction does nothing. */
int store_begin(struct store *store, struct error *err) WARN_UNUSED;
int store_commit(struct store *store, struct error *err) WARN_UNUSED;
void store_rollback(struct store *store);

/* ---- intake ---- */

struct store_message {
    uint64_t id;             /* out: assigned by store_add_message; never re-used */
    const char *fingerprint; /* 64 hex digits, or "" for reports of ours */
    const char *postoffice;  /* NET/PO it came from, "" for reports */
    const char *queue;       /* queue name it lay on */
    const char *mailbag;     /* "0000002E" or "" */
    const char *mai;         /* "00000062", MMFF file name, or "" */
    const char *sender;      /* envelope sender, "" for the null sender */
    const char *message_id;  /* with angle brackets */
    const char *subject;     /* UTF-8, for the operator's eyes only */
    int64_t date_ms;         /* composed (header Date), 0 unknown */
    int64_t received_ms;     /* entered the queue */
    int64_t expires_ms;      /* wall clock */
    uint64_t size;           /* octets of the content; store_set_content_facts may set it late */
    bool eight_bit;          /* content has 8-bit octets: needs 8BITMIME */
    char priority;           /* of MS Mail, or 0 */
    uint64_t report_of;      /* this message is a report about that one, or 0 */
    bool notice;             /* that one is only late (report_of): of no use once it is final */
    bool notify;             /* ask the server for reports of delivery (RFC 3461) */
    const char *report_to;   /* the originator's SMTP address for reports; "" or NULL: he gets none,
                              * the postmaster does */
    int64_t notice_ms;       /* when he is told that it is late, 0: never */
};

/* Inside a transaction. All strings are copied. */
int store_add_message(struct store *store, struct store_message *message,
                      struct error *err) WARN_UNUSED;
/* Appends SIZE (at most STORE_CHUNK_SIZE) octets to the content of message ID. */
int store_add_content(struct store *store, uint64_t id, const void *data, size_t size,
                      struct error *err) WARN_UNUSED;
/* What is only known after the content was produced. */
int store_set_content_facts(struct store *store, uint64_t id, const char *message_id,
                            const char *sender, const char *subject, uint64_t size, bool eight_bit,
                            struct error *err) WARN_UNUSED;
/* STATE is QUEUED (DUE_MS), HELD or FAILED (REASON says why). ORIGINAL is the MS Mail address.
 * Also writes the journal row (fingerprint, original) when the fingerprint is not empty; one that
 * exists already is ERROR_DATA. */
int store_add_recipient(struct store *store, uint64_t id, const char *original, const char *address,
                        enum recipient_state state, int64_t due_ms, int64_t now_ms,
                        const char *status, const char *reason, struct error *err) WARN_UNUSED;

/* Adds a line about message ID as a whole (recipient 0) to its history; no state changes. EVENT is
 * static. */
int store_add_note(struct store *store, uint64_t id, int64_t now_ms, const char *event,
                   const char *text, struct error *err) WARN_UNUSED;

/* 1 when (FINGERPRINT, ORIGINAL) is in the journal, 0 when not. ORIGINAL compares without case. */
int store_journal_has(struct store *store, const char *fingerprint, const char *original,
                      struct error *err) WARN_UNUSED;

/* ---- what remains on a postoffice, and why (unmapped, damaged, partly mapped) ----
 * Each its own transaction unless one is open: many at a time are cheaper inside one. */

struct store_remain {
    const char *title;      /* of the settings' section; NET/PO when noted before layout 2 */
    const char *postoffice; /* NET/PO: several sections may have the same */
    const char *mailbag;
    const char *mai;    /* or MMFF file name */
    const char *kind;   /* "unmapped", "damaged", "foreign" */
    const char *reason; /* for the operator */
    uint32_t record;
    int64_t first_ms, last_ms; /* seen; store_add_remain takes last_ms and keeps first_ms */
};
/* Adds or refreshes. *NEW (may be NULL) tells whether it was not known with that reason. */
int store_add_remain(struct store *store, const struct store_remain *remain, bool *new_one,
                     struct error *err) WARN_UNUSED;
/* Forgets those of section TITLE and MAILBAG (NULL: all its mailbags) last seen before BEFORE_MS.
 * Those of another section stay, even when it has the same NET/PO: a backup beside its postoffice.
 */
int store_forget_remains(struct store *store, const char *title, const char *mailbag,
                         int64_t before_ms, struct error *err) WARN_UNUSED;
typedef int store_remain_seen(void *context, const struct store_remain *remain);
int store_list_remains(struct store *store, store_remain_seen *seen, void *context,
                       struct error *err) WARN_UNUSED;

/* ---- relay ---- */

/*
 * Takes up to LIMIT messages (at most MAX_RECIPIENTS recipients of each) whose recipients are
 * QUEUED and due at NOW_MS, highest priority (5, 4, R) and oldest due first, and makes them
 * SENDING: one transaction of its own, durable when it returns; inside a transaction it is a part
 * of that, and nothing may be offered before its commit. *OUT (store_claim_free) may hold
 * none. *NEXT_DUE_MS: the earliest due time after NOW_MS, or 0. What LIMIT or MAX_RECIPIENTS left
 * is due already: claim again until nothing comes.
 */
int store_claim(struct store *store, int64_t now_ms, size_t limit, size_t max_recipients,
                struct claim_message **out, size_t *count, int64_t *next_due_ms,
                struct error *err) WARN_UNUSED;

/* Copies up to SIZE octets of the content of message ID from OFFSET; *GOT is less only at the end,
 * 0 behind it. ERROR_DATA: no such message, or its content was purged. Outside of transactions
 * too. */
int store_read_content(struct store *store, uint64_t id, uint64_t offset, void *out, size_t size,
                       size_t *got, struct error *err) WARN_UNUSED;

struct store_result {
    uint64_t recipient; /* id */
    int64_t now_ms, due_ms;
    const char *status;         /* RFC 3463 */
    const char *reply;          /* last reply or reason, at most 1,000 octets are kept */
    const char *relay;          /* "host[address]:port", or "" */
    enum recipient_state state; /* SENT, FAILED, QUEUED (again, due_ms) or HELD */
    bool attempted;             /* counts as a try (false: claimed but not offered to the server) */
    bool doubt; /* outcome unknown: content was sent, no reply came; kept until SENT */
};
/* Only from SENDING; inside a transaction, so that many results make one commit. When it leaves the
 * message final for all recipients, a notice about it that is still QUEUED or HELD is withdrawn
 * (DELETED): expiry and the operator's verbs do the same. */
int store_set_result(struct store *store, const struct store_result *result,
                     struct error *err) WARN_UNUSED;

/* At the start of the relay: every SENDING becomes QUEUED, due at NOW_MS, in doubt. *COUNT of them.
 * Its own transaction. */
int store_recover(struct store *store, int64_t now_ms, size_t *count,
                  struct error *err) WARN_UNUSED;

/* QUEUED recipients whose message expires at NOW_MS or before become FAILED, those of reports HELD
 * (status 5.4.7). Inside a transaction; *COUNT of them. SENDING ones are left to their result. */
int store_expire(struct store *store, int64_t now_ms, size_t *count, struct error *err) WARN_UNUSED;

/* ---- the operator ---- */

struct store_view {
    uint64_t id, recipient; /* one row a recipient */
    const char *fingerprint, *postoffice, *queue, *mailbag, *mai;
    const char *sender, *address, *original, *message_id, *subject;
    enum recipient_state state;
    int64_t date_ms, received_ms, expires_ms, due_ms, changed_ms;
    uint64_t size;
    unsigned tries;
    bool doubt, reported;
    char priority;
    uint64_t report_of;
    bool notice, eight_bit;
    const char *report_to;
    const char *status, *reply, *relay; /* of the last result */
};
typedef int store_view_seen(void *context, const struct store_view *view);

struct store_filter {
    uint64_t id;                       /* 0: any */
    uint64_t after;                    /* recipient id to begin after: pages */
    const enum recipient_state *state; /* NULL: any */
    const char *address;               /* part of address or original, NULL: any */
    const char *message_id;            /* NULL: any */
    const char *mai;                   /* NULL: any */
    size_t limit;                      /* 0: no limit */
};
/* In order of recipient id. SEEN returns 0 to go on. */
int store_list(struct store *store, const struct store_filter *filter, store_view_seen *seen,
               void *context, struct error *err) WARN_UNUSED;

struct store_event {
    uint64_t id, recipient;
    int64_t at_ms;
    const char *event; /* "queued", "sending", ...: the events of doc/INTERNALS.md */
    const char *status, *reply, *relay;
};
typedef int store_event_seen(void *context, const struct store_event *event);
int store_history(struct store *store, uint64_t id, store_event_seen *seen, void *context,
                  struct error *err) WARN_UNUSED;

enum store_verb {
    VERB_HOLD,    /* QUEUED -> HELD */
    VERB_RELEASE, /* HELD -> QUEUED, due now, expiry begins anew */
    VERB_RETRY,   /* QUEUED -> QUEUED due now; FAILED -> QUEUED due now, expiry begins anew */
    VERB_RETURN,  /* QUEUED, HELD -> FAILED 5.0.0 "returned by the operator": a report follows */
    VERB_DELETE,  /* QUEUED, HELD, FAILED -> DELETED */
};
/* Applies VERB to all recipients of message ID that it may be applied to, inside a transaction.
 * *COUNT of them; 0 is not an error. ERROR_DATA: no such message. EXPIRES_MS, when later than the
 * message's, becomes it where expiry begins anew. REASON ("" or NULL: none) goes to the history. */
int store_apply(struct store *store, uint64_t id, enum store_verb verb, int64_t now_ms,
                int64_t expires_ms, const char *reason, size_t *count,
                struct error *err) WARN_UNUSED;

struct store_counts {
    uint64_t recipients[RECIPIENT_STATES];
    uint64_t messages;
    int64_t oldest_queued_ms; /* received time, 0: none */
    int64_t next_due_ms;      /* 0: none */
    uint64_t doubtful;
    uint64_t remains;
};
int store_count(struct store *store, struct store_counts *out, struct error *err) WARN_UNUSED;

/* Small named values that programs leave for "status": "process.relay", "postoffice.HQ", "alarm.x".
 * VALUE is JSON text; NULL removes. Its own transaction unless one is open. */
int store_put_note(struct store *store, const char *name, const char *value, int64_t now_ms,
                   struct error *err) WARN_UNUSED;
typedef int store_note_seen(void *context, const char *name, const char *value, int64_t at_ms);
int store_list_notes(struct store *store, const char *prefix, store_note_seen *seen, void *context,
                     struct error *err) WARN_UNUSED;

/* Frees the content of messages all of whose recipients are SENT or DELETED since before
 * BEFORE_MS; rows, history and journal stay. Its own transaction, at most LIMIT messages. */
int store_purge(struct store *store, int64_t before_ms, size_t limit, size_t *count,
                struct error *err) WARN_UNUSED;

/* Structural self-check (SQLite: quick_check). ERROR_DATA with what is wrong. */
int store_verify(struct store *store, struct error *err) WARN_UNUSED;

#endif
