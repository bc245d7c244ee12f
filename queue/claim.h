/* SPDX-License-Identifier: BSD-2-Clause */
/* What the relay gets from the queue. */
#ifndef QUEUE_CLAIM_H
#define QUEUE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One recipient as the relay gets it. Owned by the claim. */
struct claim_recipient {
    uint64_t id;
    char *address;
    char *original;
    unsigned tries;  /* attempts so far, this one not counted */
    bool doubt;      /* an earlier attempt may have been delivered: "possible duplicate" */
};
/* A message with those of its recipients that are due. */
struct claim_message {
    uint64_t id;
    char *sender;
    char *message_id;
    char *fingerprint;
    char *postoffice, *mailbag, *mai;
    uint64_t size;
    bool eight_bit;
    uint64_t report_of;
    bool notify; /* ask the server for reports of delivery */
    int64_t received_ms, expires_ms;
    struct claim_recipient *recipients;
    size_t recipient_count;
};

/* Frees what store_claim gave; NULL is allowed. */
void store_claim_free(struct claim_message *messages, size_t count);

#endif
