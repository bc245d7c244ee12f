/* SPDX-License-Identifier: BSD-2-Clause */
/* One claimed message on its way: each address of it once, and which of its recipients had their
 * outcome. */
#ifndef DAEMON_DELIVERY_H
#define DAEMON_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "queue/store.h"
#include "smtp/client.h"

struct claim; /* the claimed messages of one store_claim, counted by the deliveries in use */

struct delivery {
    struct delivery *next; /* in the list it waits in */
    struct claim *claim;
    const struct claim_message *message;
    const char **addresses; /* each once, as the envelope has them */
    size_t *member;         /* of each recipient: its index in addresses */
    size_t address_count;
    bool *settled; /* of each recipient: its result is with the results */
    uint64_t tag;    /* names it on its connection; set by its user */
    uint64_t offset; /* of the content, while it is sent */
    bool stopped;    /* its content could not be read, and the session was given up for it */
    bool unusable;   /* nor can it be read later: to be held */
};

/* A list in order of entry. */
struct delivery_list {
    struct delivery *first, *last;
    size_t count;
};

/* Takes over MESSAGES and appends a delivery for each to LIST. On -1 (ERROR_SOFT) nothing was
 * appended and the claim is freed: its recipients stay SENDING until the relay starts again. */
int delivery_add_claim(struct delivery_list *list, struct claim_message *messages, size_t count,
                       struct error *err) WARN_UNUSED;
struct delivery *delivery_take(struct delivery_list *list); /* the first, or NULL */
void delivery_put(struct delivery_list *list, struct delivery *delivery);
/* Takes the delivery with TAG out of LIST; NULL when it is not there. */
struct delivery *delivery_remove(struct delivery_list *list, uint64_t tag);
void delivery_free(struct delivery *delivery);
/* What the client is to send; borrowed from DELIVERY. */
struct smtp_mail delivery_mail(const struct delivery *delivery);

#endif
