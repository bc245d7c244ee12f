/* SPDX-License-Identifier: BSD-2-Clause */
/* The native door from inside. Included only by postoffice/native*.c. */
#ifndef POSTOFFICE_NATIVE_H
#define POSTOFFICE_NATIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "postoffice/door-int.h"
#include "postoffice/intent.h"
#include "postoffice/key.h"
#include "postoffice/lock.h"
#include "postoffice/mai.h"
#include "postoffice/mbg.h"
#include "postoffice/profile.h"
#include "postoffice/released.h"
#include "postoffice/route.h"

/* What a round has handed out of one mailbag: a record that is used again for other mail counts as
 * new. */
struct seen_records {
    bool seen[MBG_MAX_RECORDS];
    uint32_t mai[MBG_MAX_RECORDS];
};

struct native_queue {
    char *name;
    bool user; /* a user's mailbag: route.mailbag is given, all items are his */
    bool told; /* watch.seen has been called in this round */
    struct route route;
    struct route *sharers; /* other names whose mail lies in the same mailbag */
    size_t sharer_count;
    struct seen_records *seen; /* NULL until the first item of a round */
};

struct native_item {
    struct item item; /* what the caller sees */
    uint8_t raw[MBG_RECORD_SIZE];
    struct mbg_record record;
    size_t *recipients;
    uint16_t counter;
    bool counted; /* counter has been read */
    bool loaded;
    bool accepted;
    bool header_only; /* its message was taken out before: only the header is to go */
};

struct native_batch {
    bool open;
    bool more;         /* the mailbag has items beyond the batch's limit */
    bool failed;       /* its removal did: nothing more of the mailbag in this round */
    struct lock *lock; /* NULL when read only */
    struct native_queue *queue;
    struct native_item *items;
    size_t count;
    size_t next;
    struct native_item *reading; /* whose MAI is open */
    struct mai *mai;
};

struct native {
    struct door door; /* first */
    struct root *root;
    struct profile *profile;
    char *path, *name, *codepage, *directory;
    struct native_queue *queues;
    size_t queue_count;
    uint64_t max_size;
    bool read_only;
    struct native_watch watch;
    size_t at;     /* queue of the next batch */
    bool in_round; /* a round has begun */
    bool again;    /* the queue at `at` has more than the last batch gave */
    struct native_batch batch;
};

/* native-batch.c: makes the batch's items from KEY and MBG of its queue, at most LIMIT, oldest
 * first. Returns how many live items the round has not seen yet, or -1. */
int native_list(struct native *native, size_t limit, struct error *err) WARN_UNUSED;

/* ITEM is handed out: not again in this round. */
int native_mark_seen(struct native_queue *queue, const struct native_item *item,
                     struct error *err) WARN_UNUSED;

/* native-read.c. native_read: 1 when the message was taken out before (Q136004, Q120220): nothing
 * to hand out, its header goes with the batch. */
int native_read(struct native *native, struct native_item *item, struct error *err) WARN_UNUSED;
int native_load(struct native *native, struct native_item *item, struct error *err) WARN_UNUSED;
void native_close_message(struct native_batch *batch);

/* native-remove.c: removes the accepted items of the batch, whose lock is held; there is one. */
bool native_any_accepted(const struct native_batch *batch);
int native_remove(struct native *native, struct error *err) WARN_UNUSED;

/* Finishes what was cut off in mailbag ID, whose LOCK the caller holds. */
int native_recover(struct native *native, const char *id, const struct lock *lock,
                   struct error *err) WARN_UNUSED;

/* Whose files in our own directory are meant. All borrowed. */
void native_place(const struct native *native, const char *mailbag, struct intent_place *out);

/* The same for every mailbag that needs it and is not locked by somebody else. */
int native_recover_all(struct native *native, struct error *err) WARN_UNUSED;

#endif
