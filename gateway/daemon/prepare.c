/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/prepare.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/resolve.h"
#include "message/address.h"

/* MIME is larger than what it was made from: base64 takes 4/3, quoted-printable up to 3. */
#define MIME_GROWTH 8 /* a report that returns its attachments has the text twice */
#define MIME_EXTRA UINT64_C(16777216)

static int compare_originals(const void *a, const void *b)
{
    const struct prepared_recipient *left = a, *right = b;

    return address_compare(left->original, right->original);
}

/* One copy a recipient, however often the message names it (Q143375). */
static void drop_repeated(struct prepared *prepared)
{
    size_t kept = 0;

    qsort(prepared->recipients, prepared->recipient_count, sizeof *prepared->recipients,
          compare_originals);
    for (size_t i = 0; i < prepared->recipient_count; i++) {
        if (kept != 0 &&
            compare_originals(&prepared->recipients[kept - 1], &prepared->recipients[i]) == 0)
            continue;
        prepared->recipients[kept++] = prepared->recipients[i];
    }
    prepared->recipient_count = kept;
}

static int resolve_all(struct prepared *prepared, const struct intake *intake,
                       const struct settings_postoffice *postoffice, struct error *err)
{
    struct lookup found;

    for (size_t i = 0; i < prepared->recipient_count; i++) {
        struct prepared_recipient *recipient = &prepared->recipients[i];
        const char *address = resolve_recipient(intake->settings, postoffice, intake->map,
                                                recipient->original, &found);

        if (address == NULL)
            continue;
        recipient->address = strdup(address);
        if (recipient->address == NULL)
            return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for an address");
        prepared->mapped++;
    }
    return 0;
}

int prepare_recipients(struct prepared *prepared, const struct intake *intake,
                       const struct settings_postoffice *postoffice, const struct item *item,
                       struct error *err)
{
    size_t count = item->owner != NULL ? 1 : item->recipient_count;

    memset(prepared, 0, sizeof *prepared);
    prepared->item = item;
    prepared->recipients = calloc(count + 1, sizeof *prepared->recipients);
    if (prepared->recipients == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for %zu recipients", count);
    prepared->recipient_count = count;
    for (size_t i = 0; i < count; i++)
        prepared->recipients[i].original =
            item->owner != NULL ? item->owner : item->message->addresses[item->recipients[i]].text;
    drop_repeated(prepared);
    return resolve_all(prepared, intake, postoffice, err);
}

static int add_to_writer(void *context, const void *data, size_t size, struct error *err)
{
    return content_writer_add(context, data, size, err);
}

/* What the MIME form may need at most; reached only by a mistake of ours. */
static uint64_t mime_limit(const struct message *message)
{
    uint64_t limit = MIME_EXTRA;

    limit += MIME_GROWTH * (message->text != NULL ? content_size(message->text) : 0);
    for (size_t i = 0; i < message->attachment_count; i++) {
        const struct content *content = message->attachments[i].content;
        limit += 2 * (content != NULL ? content_size(content) : 0);
    }
    return limit;
}

int prepare_fingerprint(struct prepared *prepared, struct door *door, struct item *item,
                        struct error *err)
{
    if (door_load(door, item, err) != 0)
        return -1;
    if (message_fingerprint(item->message, prepared->digest, err) != 0)
        return -1;
    fingerprint_hex(prepared->digest, prepared->fingerprint);
    return 0;
}

static int write_mime(struct prepared *prepared, const struct letter *letter, const char *directory,
                      struct error *err)
{
    struct content_writer *writer;

    if (content_writer_new(&writer, directory, mime_limit(prepared->item->message), err) != 0)
        return -1;
    if (mime_write(letter, add_to_writer, writer, &prepared->facts, err) != 0) {
        content_writer_free(writer);
        return -1;
    }
    return content_writer_finish(writer, &prepared->mime, err);
}

int prepare_mime(struct prepared *prepared, const struct intake *intake,
                 const struct settings_postoffice *postoffice, struct error *err)
{
    const struct settings *settings = intake->settings;
    const struct message *message = prepared->item->message;
    struct letter_options options = {
        .map = intake->map,
        .rules = postoffice->rewrite_unmapped,
        .domain = settings->domain,
        .timezone = postoffice->timezone,
        .directory = settings->temporary,
        .received_ms = clock_now_ms(),
        .block = postoffice->header_block,
        .tnef = postoffice->tnef,
        .schedule = postoffice->schedule,
        .registered_normal = postoffice->registered_normal,
        .legacy_receipts = postoffice->legacy_receipts,
    };
    struct letter *letter;
    int status;
    struct lookup found;

    prepared->sender = strdup(resolve_sender(settings, postoffice, intake->map, message, &found));
    if (prepared->sender == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for an address");
    if (letter_make(&letter, message, prepared->digest, &options, err) != 0)
        return -1;
    /* Reports and receipts must never be answered by a report (Q98067). */
    if (letter->sender[0] == '\0')
        prepared->sender[0] = '\0';
    status = write_mime(prepared, letter, settings->temporary, err);
    letter_free(letter);
    return status;
}

void prepared_clear(struct prepared *prepared)
{
    for (size_t i = 0; i < prepared->recipient_count; i++)
        free(prepared->recipients[i].address);
    free(prepared->recipients);
    free(prepared->sender);
    mime_facts_clear(&prepared->facts);
    content_free(prepared->mime);
    memset(prepared, 0, sizeof *prepared);
}
