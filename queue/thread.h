/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which Message-ID a message of MS Mail was relayed with, by keys that its answers know
 * (message/thread.h). It only makes headers of answers: mail is sent as well without. Kept as long
 * as the journal.
 */
#ifndef QUEUE_THREAD_H
#define QUEUE_THREAD_H

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

struct store;

#define STORE_THREAD_KEY 16 /* octets */

struct store_thread {
    const uint8_t *key;          /* STORE_THREAD_KEY octets */
    const uint8_t *conversation; /* as many; all zeroes: not known */
    const char *message_id;      /* with angle brackets */
    const char *references;      /* its own, "" without */
};

/* Inside a transaction. The pair of key and Message-ID is there once: the same message again
 * changes nothing, but for References where it had none. */
int store_add_thread(struct store *store, const struct store_thread *thread,
                     struct error *err) WARN_UNUSED;

/*
 * The one message with KEY whose conversation is CONVERSATION, or not known of one of them, other
 * than EXCEPT (a Message-ID: the one that asks). 1 and its Message-ID and References, copies for
 * the caller (free); 0 and NULL when there is none or when there are several, because then nobody
 * knows. Outside of transactions too.
 */
int store_find_thread(struct store *store, const uint8_t *key, const uint8_t *conversation,
                      const char *except, char **message_id, char **references,
                      struct error *err) WARN_UNUSED;

#endif
