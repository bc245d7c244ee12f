/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/lost.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS "5.6.0"

void lost_init(struct lost *lost, const struct intake *intake,
               const struct settings_postoffice *postoffice, int64_t began_ms)
{
    memset(lost, 0, sizeof *lost);
    lost->intake = intake;
    lost->postoffice = postoffice;
    lost->began_ms = began_ms;
}

void lost_clear(struct lost *lost)
{
    free(lost->before);
    free(lost->headers);
    memset(lost, 0, sizeof *lost);
}

void lost_end_batch(struct lost *lost)
{
    lost->count = 0;
}

static void name_of(const char *mailbag, const char *mai, char out[48])
{
    snprintf(out, 48, "%.16s/%.16s", mailbag, mai);
}

/* Without memory for it the header counts as seen for the first time: it is told later. */
static int keep_before(void *context, const struct store_remain *remain)
{
    struct lost *lost = context;

    if (strcmp(remain->title, lost->postoffice->title) != 0 ||
        strcmp(remain->kind, "damaged") != 0 || remain->first_ms >= lost->began_ms)
        return 0;
    if (lost->before_count == lost->before_capacity) {
        size_t capacity = lost->before_capacity != 0 ? 2 * lost->before_capacity : 64;
        void *grown = realloc(lost->before, capacity * sizeof *lost->before);
        if (grown == NULL)
            return 0;
        lost->before = grown;
        lost->before_capacity = capacity;
    }
    name_of(remain->mailbag, remain->mai, lost->before[lost->before_count++]);
    return 0;
}

/* One fingerprint for all: that of a message which says nothing but where it was. */
static int make_fingerprint(struct lost *lost, struct error *err)
{
    uint8_t digest[FINGERPRINT_SIZE];
    struct message *message;
    int status;

    if (message_new(&message, lost->postoffice->name, "CP850", err) != 0)
        return -1;
    status = message_fingerprint(message, digest, err);
    message_free(message);
    if (status == 0)
        fingerprint_hex(digest, lost->fingerprint);
    return status;
}

static int look_back(struct lost *lost, struct error *err)
{
    if (lost->looked)
        return 0;
    if (make_fingerprint(lost, err) != 0 ||
        store_list_remains(lost->intake->store, keep_before, lost, err) != 0)
        return -1;
    lost->looked = true;
    return 0;
}

static bool was_missing(const struct lost *lost, const char *name)
{
    for (size_t i = 0; i < lost->before_count; i++) {
        if (strcmp(lost->before[i], name) == 0)
            return true;
    }
    return false;
}

static int add_header(struct lost *lost, const char *name, const struct error *why,
                      struct error *err)
{
    struct lost_header *header;

    if (lost->count == lost->capacity) {
        size_t capacity = lost->capacity != 0 ? 2 * lost->capacity : 16;
        void *grown = realloc(lost->headers, capacity * sizeof *lost->headers);
        if (grown == NULL)
            return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a lost header");
        lost->headers = grown;
        lost->capacity = capacity;
    }
    header = &lost->headers[lost->count++];
    snprintf(header->name, sizeof header->name, "%s", name);
    snprintf(header->reason, sizeof header->reason, "%s", why->text);
    return 1;
}

int lost_note(struct lost *lost, const struct item *item, const struct error *why,
              struct error *err)
{
    char name[48];
    int known;

    name_of(item->place.mailbag, item->place.mai, name);
    if (look_back(lost, err) != 0)
        return -1;
    if (!was_missing(lost, name))
        return 0;
    known = store_journal_has(lost->intake->store, lost->fingerprint, name, err);
    if (known != 0)
        return known;
    for (size_t i = 0; i < lost->count; i++) {
        if (strcmp(lost->headers[i].name, name) == 0)
            return 1;
    }
    return add_header(lost, name, why, err);
}

int lost_write(const struct lost *lost, int64_t now_ms, struct error *err)
{
    struct store *store = lost->intake->store;
    struct store_message message = {
        .fingerprint = lost->fingerprint,
        .postoffice = lost->postoffice->name,
        .queue = "",
        .mailbag = "",
        .mai = "",
        .sender = "",
        .message_id = "",
        .subject = "Mail that was lost on the postoffice",
        .received_ms = now_ms,
        .expires_ms = now_ms,
    };

    if (lost->count == 0)
        return 0;
    if (store_add_message(store, &message, err) != 0)
        return -1;
    for (size_t i = 0; i < lost->count; i++) {
        const struct lost_header *header = &lost->headers[i];
        if (store_add_recipient(store, message.id, header->name, "", RECIPIENT_FAILED, 0, now_ms,
                                STATUS, header->reason, err) != 0)
            return -1;
    }
    return 0;
}
