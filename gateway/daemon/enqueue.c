/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/enqueue.h"

#include <time.h>

#include "daemon/threads.h"

/* Whatever name of that person the journal has. */
static int journal_has(struct store *store, const struct prepared *prepared,
                       const struct prepared_recipient *recipient, struct error *err)
{
    int has = store_journal_has(store, prepared->fingerprint, recipient->original, err);

    for (const struct map_entry *name = recipient->person; has == 0 && name != NULL;
         name = name->next)
        has = store_journal_has(store, prepared->fingerprint, name->key, err);
    return has;
}

int enqueue_known(struct store *store, const struct prepared *prepared, struct error *err)
{
    for (size_t i = 0; i < prepared->recipient_count; i++) {
        int has = journal_has(store, prepared, &prepared->recipients[i], err);
        if (has != 1)
            return has;
    }
    return prepared->recipient_count != 0;
}

static int copy_content(struct store *store, uint64_t id, const struct content *content,
                        struct error *err)
{
    static const size_t piece = STORE_CHUNK_SIZE;
    uint8_t data[STORE_CHUNK_SIZE];
    uint64_t size = content_size(content);

    for (uint64_t at = 0; at < size;) {
        size_t n = size - at < piece ? (size_t)(size - at) : piece;
        if (content_read(content, at, data, n, err) != 0)
            return -1;
        if (store_add_content(store, id, data, n, err) != 0)
            return -1;
        at += n;
    }
    return 0;
}

static int64_t composed_ms(const struct prepared *prepared)
{
    const struct message_date *date = &prepared->item->message->date;
    struct tm local = {.tm_year = date->year - 1900,
                       .tm_mon = date->month - 1,
                       .tm_mday = date->day,
                       .tm_hour = date->hour,
                       .tm_min = date->minute};

    /* For the operator's lists only, which show it as the postoffice does: without a zone. */
    return message_date_valid(date) && date->set ? (int64_t)timegm(&local) * 1000 : 0;
}

static int add_message(const struct intake *intake, const struct settings_postoffice *postoffice,
                       const struct prepared *prepared, int64_t now_ms, uint64_t *id,
                       struct error *err)
{
    const struct item *item = prepared->item;
    struct store_message message = {
        .fingerprint = prepared->fingerprint,
        .postoffice = postoffice->name,
        .queue = item->queue,
        .mailbag = item->place.mailbag,
        .mai = item->place.mai[0] != '\0' ? item->place.mai : item->place.file,
        .sender = prepared->sender,
        .message_id = prepared->facts.message_id,
        .subject = prepared->facts.subject,
        .date_ms = composed_ms(prepared),
        .received_ms = now_ms,
        .expires_ms = schedule_expiry(&intake->settings->schedule, now_ms),
        .size = content_size(prepared->mime),
        .eight_bit = prepared->facts.eight_bit != 0,
        .priority = item->message->priority,
        .notify = prepared->notify,
        .report_to = prepared->report_to,
    };

    if (prepared->report_to[0] != '\0' && intake->settings->delay_notice_s != 0)
        message.notice_ms = now_ms + (int64_t)intake->settings->delay_notice_s * 1000;
    if (store_add_message(intake->store, &message, err) != 0)
        return -1;
    *id = message.id;
    return copy_content(intake->store, message.id, prepared->mime, err);
}

static int add_recipient(const struct intake *intake, const struct settings_postoffice *postoffice,
                         uint64_t id, const struct prepared *prepared,
                         const struct prepared_recipient *recipient, int64_t now_ms,
                         struct error *err)
{
    if (prepared->held[0] != '\0')
        return store_add_recipient(intake->store, id, recipient->original,
                                   recipient->address != NULL ? recipient->address : "",
                                   RECIPIENT_HELD, 0, now_ms, "4.7.0", prepared->held, err);
    if (recipient->address != NULL)
        return store_add_recipient(intake->store, id, recipient->original, recipient->address,
                                   RECIPIENT_QUEUED, now_ms, now_ms, "", "", err);
    if (postoffice->unmapped == UNMAPPED_REPORT)
        return store_add_recipient(
            intake->store, id, recipient->original, "", RECIPIENT_FAILED, 0, now_ms, "5.1.1",
            recipient->why != NULL ? recipient->why : "not in the address map", err);
    return store_add_recipient(intake->store, id, recipient->original, "", RECIPIENT_HELD, 0,
                               now_ms, "4.1.1",
                               "not in the address map, and out of the postoffice already: add it "
                               "to the map and release, or return it",
                               err);
}

int enqueue_item(const struct intake *intake, const struct settings_postoffice *postoffice,
                 const struct prepared *prepared, int64_t now_ms, uint64_t *id, struct error *err)
{
    *id = 0;
    for (size_t i = 0; i < prepared->recipient_count; i++) {
        const struct prepared_recipient *recipient = &prepared->recipients[i];
        int has = journal_has(intake->store, prepared, recipient, err);

        if (has < 0)
            return -1;
        if (has == 1)
            continue;
        if (*id == 0 && (add_message(intake, postoffice, prepared, now_ms, id, err) != 0 ||
                         threads_store(prepared, intake->store, err) != 0))
            return -1;
        if (add_recipient(intake, postoffice, *id, prepared, recipient, now_ms, err) != 0)
            return -1;
    }
    return 0;
}
