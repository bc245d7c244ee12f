/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which message a message answers, or reports on. MS Mail tells by ids of its own (Q119356,
 * Q175958: "Message ID", "Parent message ID", "Conversation ID"; the same in WINMAIL.DAT), and in
 * receipts and failure reports by who sent what and when (Q129707, Q131523). From these come keys:
 * one message has some, another asks for them, and the queue remembers which Message-ID they had.
 */
#ifndef MESSAGE_THREAD_H
#define MESSAGE_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message/message.h"

#define THREAD_KEY_SIZE 16 /* octets: the beginning of a SHA-256 */
#define THREAD_KEYS 3      /* of one message */

/* CONVERSATION is all zeroes when it is not known. An id has 32 bits only: one of another
 * conversation is another message that happens to have it. */
struct thread_key {
    uint8_t key[THREAD_KEY_SIZE];
    uint8_t conversation[THREAD_KEY_SIZE];
};

/* The surest first. */
struct thread_keys {
    struct thread_key items[THREAD_KEYS];
    size_t count;
};

/* The key of the message with ID of MS Mail (UTF-8, any case; NULL, shorter than 8 characters or
 * all zeroes: none) in CONVERSATION (likewise). What is there already, or one too many, is left
 * out. */
void thread_add_id(struct thread_keys *keys, const char *id, const char *conversation);

/* The key of what ADDRESS (NET/PO/USER, any case) wrote on DATE with SUBJECT (UTF-8): of the
 * subject its first 20 characters, which are in the 40 octets that all clients keep (Q156844); two
 * octets a character at most. None without a valid date. */
void thread_add_sent(struct thread_keys *keys, const char *address, const struct message_date *date,
                     const char *subject);

/* Whether a message that has A is one that B asks for. */
bool thread_key_matches(const struct thread_key *a, const struct thread_key *b);

#define THREAD_REFERENCES 20 /* Message-IDs in References */

/*
 * The References of an answer to MESSAGE_ID, whose own are REFERENCES ("" without): both, divided
 * by single blanks (RFC 5322 3.6.4). Of more than THREAD_REFERENCES the first and the last ones
 * stay: a header of 5 KB at the very most, where Exchange allows 256 KB for all of them. The
 * caller's (free); NULL without memory.
 */
char *thread_references(const char *references, const char *message_id);

#endif
