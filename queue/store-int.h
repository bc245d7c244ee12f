/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a backend of the queue gives to store.c. Rules that hold for every backend (which
 * transition is legal, what a verb does, what an expired recipient is told) live in states.c and
 * policy.c; a backend only keeps rows. Unless said otherwise an operation runs inside a
 * transaction, returns 0 or -1, and changes nothing when it fails with ERROR_DATA.
 */
#ifndef QUEUE_STORE_INT_H
#define QUEUE_STORE_INT_H

#include "queue/cutover.h"
#include "queue/reporting.h"
#include "queue/store.h"
#include "queue/thread.h"

#define STORE_TEXT_SIZE 1000 /* octets kept of a status, reply, relay or reason */
#define STORE_RANKS 4        /* priorities 5, 4, R and all others */

/* One recipient goes from one state to another. */
struct store_change {
    uint64_t recipient;
    enum recipient_state from; /* proven to be its state in this transaction */
    enum recipient_state to;
    const char *event;
    int64_t now_ms;
    int64_t due_ms;                     /* used when TO is QUEUED */
    bool attempted;                     /* tries grows by one */
    bool doubt;                         /* sets the mark of doubt; SENT removes it */
    const char *status, *reply, *relay; /* bounded; NULL keeps what the row has */
    const char *note; /* bounded; for the history when REPLY is NULL; may be NULL */
};

/* What a rule needs to know of a recipient. */
struct store_row {
    uint64_t recipient; /* 0: there is none */
    uint64_t message;
    bool report; /* the message is one */
    enum recipient_state state;
    unsigned tries;
    char reply[STORE_TEXT_SIZE + 1];
};

/* A new recipient; the texts are bounded. */
struct store_entry {
    uint64_t message;
    const char *original, *address;
    enum recipient_state state;
    const char *event;
    int64_t due_ms, now_ms;
    const char *status, *reason;
};

/* What tells a live item from another of its mailbag. */
struct live_row {
    uint8_t header[STORE_HEADER_DIGEST];
    uint32_t record;
    int64_t first_ms;
};

/* How many messages there are for a key, counted to two at least, and copies of what the first has
 * (the caller's; NULL without memory). */
struct thread_found {
    size_t count;
    char *message_id, *references;
};

struct store_ops {
    void (*close)(struct store *store);
    int (*begin)(struct store *store, struct error *err);
    int (*commit)(struct store *store, struct error *err); /* failed: the caller rolls back */
    void (*rollback)(struct store *store);

    int (*add_message)(struct store *store, struct store_message *message, struct error *err);
    int (*add_content)(struct store *store, uint64_t id, const void *data, size_t size,
                       struct error *err);
    int (*set_content_facts)(struct store *store, uint64_t id, const char *message_id,
                             const char *sender, const char *subject, uint64_t size, bool eight_bit,
                             struct error *err);
    int (*add_recipient)(struct store *store, const struct store_entry *entry, struct error *err);
    /* A line of the history with recipient 0, EVENT and REASON of ENTRY. */
    int (*add_note)(struct store *store, const struct store_entry *entry, struct error *err);
    int (*journal_has)(struct store *store, const char *fingerprint, const char *original,
                       struct error *err); /* outside of transactions too */

    int (*add_remain)(struct store *store, const struct store_remain *remain, bool *new_one,
                      struct error *err);
    int (*forget_remains)(struct store *store, const char *title, const char *mailbag,
                          int64_t before_ms, struct error *err);
    int (*list_remains)(struct store *store, store_remain_seen *seen, void *context,
                        struct error *err);

    /* Makes the chosen recipients SENDING; OUT has room for LIMIT. On failure the caller frees
     * the first *COUNT. */
    int (*claim)(struct store *store, int64_t now_ms, size_t limit, size_t max_recipients,
                 struct claim_message *out, size_t *count, struct error *err);
    /* Earliest due time after AFTER_MS of those QUEUED. 1, 0 (none: 0) or -1. Outside of
     * transactions too. */
    int (*next_due)(struct store *store, int64_t after_ms, int64_t *due_ms, struct error *err);
    int (*read_content)(struct store *store, uint64_t id, uint64_t offset, void *out, size_t size,
                        size_t *got, struct error *err);
    int (*change)(struct store *store, const struct store_change *change, struct error *err);
    int (*get_row)(struct store *store, uint64_t recipient, struct store_row *row,
                   struct error *err);
    /* The first recipient of MESSAGE with an id above AFTER. */
    int (*next_row)(struct store *store, uint64_t message, uint64_t after, struct store_row *row,
                    struct error *err);
    /* Any recipient that is SENDING; any that is QUEUED and expired at NOW_MS. */
    int (*any_sending)(struct store *store, struct store_row *row, struct error *err);
    int (*any_expired)(struct store *store, int64_t now_ms, struct store_row *row,
                       struct error *err);
    int (*next_unreported)(struct store *store, uint64_t after, int64_t before_ms, uint64_t *id,
                           struct error *err);
    int (*set_reported)(struct store *store, uint64_t id, uint64_t last, struct error *err);
    int (*next_late)(struct store *store, int64_t now_ms, uint64_t *id, struct error *err);
    int (*set_noticed)(struct store *store, uint64_t id, struct error *err);
    int (*forget_notices)(struct store *store, int64_t now_ms, struct error *err);
    int (*held_report)(struct store *store, uint64_t *id, struct error *err);
    /* A recipient, QUEUED or HELD, of a notice about MESSAGE, when none of MESSAGE's own is QUEUED,
     * SENDING or HELD. */
    int (*idle_notice)(struct store *store, uint64_t message, struct store_row *row,
                       struct error *err);

    int (*has_message)(struct store *store, uint64_t id, struct error *err); /* 1, 0 or -1 */
    /* Message ID expires at EXPIRES_MS unless it expires later already. */
    int (*extend)(struct store *store, uint64_t id, int64_t expires_ms, struct error *err);
    int (*list)(struct store *store, const struct store_filter *filter, store_view_seen *seen,
                void *context, struct error *err);
    int (*history)(struct store *store, uint64_t id, store_event_seen *seen, void *context,
                   struct error *err);
    int (*count)(struct store *store, struct store_counts *out, struct error *err);
    int (*put_note)(struct store *store, const char *name, const char *value, int64_t now_ms,
                    struct error *err);
    int (*list_notes)(struct store *store, const char *prefix, store_note_seen *seen, void *context,
                      struct error *err);
    int (*purge)(struct store *store, int64_t before_ms, size_t limit, size_t *count,
                 struct error *err);
    int (*verify)(struct store *store, struct error *err);

    /* As in cutover.h; texts are never NULL but where NULL means all. Reading operations run
     * outside of transactions too. */
    int (*put_user)(struct store *store, const struct store_user *user, struct error *err);
    int (*set_fault)(struct store *store, const char *postoffice, const char *mailbox,
                     const char *fault, struct error *err);
    int (*list_users)(struct store *store, const char *postoffice, const char *mailbox,
                      store_user_seen *seen, void *context, struct error *err);
    int (*add_baseline)(struct store *store, const char *postoffice, const char *mailbox,
                        const struct store_baseline *item, struct error *err);
    int (*clear_baseline)(struct store *store, const char *postoffice, const char *mailbox,
                          struct error *err);
    /* HEADER may be NULL, FINGERPRINT "". */
    int (*in_baseline)(struct store *store, const char *postoffice, const char *mailbox,
                       const uint8_t *header, const char *fingerprint, struct error *err);
    int (*put_mailbag)(struct store *store, const struct store_mailbag *mailbag, struct error *err);
    int (*list_mailbags)(struct store *store, const char *title, store_mailbag_seen *seen,
                         void *context, struct error *err);
    /* What store_set_live needs: the present items in order of header and record (free *OUT), and
     * one change. */
    int (*load_live)(struct store *store, const char *title, const char *mailbag,
                     struct live_row **out, size_t *count, struct error *err);
    int (*add_live)(struct store *store, const char *title, const char *mailbag,
                    const struct store_live *item, struct error *err);
    int (*drop_live)(struct store *store, const char *title, const char *mailbag,
                     const uint8_t *header, uint32_t record, struct error *err);
    int (*list_live)(struct store *store, const char *title, const char *mailbag,
                     store_live_seen *seen, void *context, struct error *err);
    int (*count_user)(struct store *store, const char *original, struct store_user_counts *out,
                      struct error *err);

    /* As in thread.h; texts are never NULL. */
    int (*add_thread)(struct store *store, const struct store_thread *thread, struct error *err);
    int (*find_thread)(struct store *store, const uint8_t *key, const uint8_t *conversation,
                       const char *except, struct thread_found *out, struct error *err);
};

/* First member of every backend's handle. */
struct store {
    const struct store_ops *ops;
    bool in_transaction;
    bool broken; /* a change failed half-way: this transaction can only be rolled back */
};

/* ---- states.c ---- */

bool store_transition_allowed(int from, enum recipient_state to, const char *event);

/* False when VERB leaves a recipient in state FROM alone. */
bool store_verb_change(enum store_verb verb, enum recipient_state from, enum recipient_state *to,
                       const char **event);

/* 0 (first) to STORE_RANKS - 1. */
int store_rank(char priority);

/* Copies at most STORE_TEXT_SIZE octets of TEXT (NULL: ""), never half a UTF-8 character. */
void store_clip(char out[STORE_TEXT_SIZE + 1], const char *text);

/* TEXT or "". */
const char *store_text(const char *text);

/* ---- store.c ---- */

/* Returns RC. A failure that may have left half a change makes the transaction impossible to
 * commit (`broken`). */
int store_finish(struct store *store, int rc, const struct error *err);

/* For operations that may stand alone: opens a transaction unless one is open (*OWN tells), and
 * ends it with result RC of the operation. */
int store_begin_own(struct store *store, bool *own, struct error *err) WARN_UNUSED;
int store_end_own(struct store *store, bool own, int rc, struct error *err) WARN_UNUSED;

#endif
