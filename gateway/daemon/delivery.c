/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/delivery.h"

#include <stdlib.h>
#include <string.h>

struct claim {
    struct claim_message *messages;
    size_t count;
    size_t used;
};

struct ranked {
    const char *address;
    size_t recipient;
};

static int compare_ranked(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;

    return strcmp(left->address, right->address);
}

/* Two users that became one mailbox get one copy: equal addresses are one RCPT. */
static int collect_addresses(struct delivery *delivery)
{
    const struct claim_message *message = delivery->message;
    struct ranked *ranked = calloc(message->recipient_count, sizeof *ranked);

    if (ranked == NULL)
        return -1;
    for (size_t i = 0; i < message->recipient_count; i++) {
        ranked[i].address = message->recipients[i].address;
        ranked[i].recipient = i;
    }
    qsort(ranked, message->recipient_count, sizeof *ranked, compare_ranked);
    for (size_t i = 0; i < message->recipient_count; i++) {
        size_t n = delivery->address_count;

        if (n == 0 || strcmp(delivery->addresses[n - 1], ranked[i].address) != 0)
            delivery->addresses[delivery->address_count++] = ranked[i].address;
        delivery->member[ranked[i].recipient] = delivery->address_count - 1;
    }
    free(ranked);
    return 0;
}

static void free_parts(struct delivery *delivery)
{
    free(delivery->addresses);
    free(delivery->member);
    free(delivery->settled);
    free(delivery);
}

static struct delivery *delivery_new(struct claim *claim, const struct claim_message *message)
{
    struct delivery *delivery = calloc(1, sizeof *delivery);
    size_t count = message->recipient_count;

    if (delivery == NULL)
        return NULL;
    delivery->claim = claim;
    delivery->message = message;
    delivery->addresses = calloc(count, sizeof *delivery->addresses);
    delivery->member = calloc(count, sizeof *delivery->member);
    delivery->settled = calloc(count, sizeof *delivery->settled);
    if (delivery->addresses == NULL || delivery->member == NULL || delivery->settled == NULL ||
        collect_addresses(delivery) != 0) {
        free_parts(delivery);
        return NULL;
    }
    return delivery;
}

int delivery_add_claim(struct delivery_list *list, struct claim_message *messages, size_t count,
                       struct error *err)
{
    struct claim *claim = calloc(1, sizeof *claim);
    struct delivery_list made = {0};

    for (size_t i = 0; claim != NULL && i < count; i++) {
        struct delivery *delivery = delivery_new(claim, &messages[i]);
        if (delivery == NULL)
            break;
        delivery_put(&made, delivery);
    }
    if (claim == NULL || made.count != count) {
        struct delivery *delivery;
        while ((delivery = delivery_take(&made)) != NULL)
            free_parts(delivery);
        free(claim);
        store_claim_free(messages, count);
        return error_set(err, ERROR_SOFT, "4.3.0", "no memory for %zu messages", count);
    }
    claim->messages = messages;
    claim->count = count;
    claim->used = count;
    if (count == 0) {
        store_claim_free(messages, count);
        free(claim);
    }
    for (struct delivery *delivery; (delivery = delivery_take(&made)) != NULL;)
        delivery_put(list, delivery);
    return 0;
}

void delivery_put(struct delivery_list *list, struct delivery *delivery)
{
    delivery->next = NULL;
    if (list->last != NULL)
        list->last->next = delivery;
    else
        list->first = delivery;
    list->last = delivery;
    list->count++;
}

static struct delivery *unlink_after(struct delivery_list *list, struct delivery *before)
{
    struct delivery *delivery = before != NULL ? before->next : list->first;

    if (delivery == NULL)
        return NULL;
    if (before != NULL)
        before->next = delivery->next;
    else
        list->first = delivery->next;
    if (list->last == delivery)
        list->last = before;
    list->count--;
    delivery->next = NULL;
    return delivery;
}

struct delivery *delivery_take(struct delivery_list *list)
{
    return unlink_after(list, NULL);
}

struct delivery *delivery_remove(struct delivery_list *list, uint64_t tag)
{
    struct delivery *before = NULL;

    for (struct delivery *delivery = list->first; delivery != NULL; delivery = delivery->next) {
        if (delivery->tag == tag)
            return unlink_after(list, before);
        before = delivery;
    }
    return NULL;
}

void delivery_free(struct delivery *delivery)
{
    struct claim *claim = delivery->claim;

    free_parts(delivery);
    if (--claim->used == 0) {
        store_claim_free(claim->messages, claim->count);
        free(claim);
    }
}

struct smtp_mail delivery_mail(const struct delivery *delivery)
{
    const struct claim_message *message = delivery->message;

    return (struct smtp_mail){.tag = delivery->tag,
                              .sender = message->sender,
                              .recipients = delivery->addresses,
                              .recipient_count = delivery->address_count,
                              .size = message->size,
                              .eight_bit = message->eight_bit,
                              .envelope_id = message->notify ? message->message_id : NULL};
}
