/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists, history, counts and purge of the memory backend. */
#include "config.h"

#include "queue/memory-int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int has_message(struct store *store, uint64_t id, struct error *err)
{
    (void)err;
    return memory_message(memory_of(store), id) != NULL;
}

static int extend(struct store *store, uint64_t id, int64_t expires_ms, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_message *message = memory_message(own, id);

    if (memory_keep_message(own, message) != 0)
        return memory_short(err);
    if (message->facts.expires_ms < expires_ms)
        message->facts.expires_ms = expires_ms;
    return 0;
}

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool starts_with(const char *text, const char *start)
{
    while (*start != '\0' && lower(*text) == lower(*start)) {
        text++;
        start++;
    }
    return *start == '\0';
}

static bool contains(const char *text, const char *part)
{
    for (; *text != '\0'; text++) {
        if (starts_with(text, part))
            return true;
    }
    return *part == '\0';
}

static bool matches(const struct store_filter *filter, const struct memory_recipient *recipient,
                    const struct store_message *message)
{
    if (recipient->id <= filter->after || (filter->id != 0 && filter->id != message->id))
        return false;
    if (filter->state != NULL && *filter->state != recipient->state)
        return false;
    if (filter->message_id != NULL && strcmp(filter->message_id, message->message_id) != 0)
        return false;
    if (filter->mai != NULL && !memory_same_nocase(filter->mai, message->mai))
        return false;
    return filter->address == NULL || contains(recipient->address, filter->address) ||
           contains(recipient->original, filter->address);
}

static struct store_view make_view(const struct memory_recipient *recipient,
                                   const struct store_message *message)
{
    return (struct store_view){
        .id = message->id,
        .recipient = recipient->id,
        .fingerprint = message->fingerprint,
        .postoffice = message->postoffice,
        .queue = message->queue,
        .mailbag = message->mailbag,
        .mai = message->mai,
        .sender = message->sender,
        .address = recipient->address,
        .original = recipient->original,
        .message_id = message->message_id,
        .subject = message->subject,
        .state = recipient->state,
        .date_ms = message->date_ms,
        .received_ms = message->received_ms,
        .expires_ms = message->expires_ms,
        .due_ms = recipient->due_ms,
        .changed_ms = recipient->changed_ms,
        .size = message->size,
        .tries = recipient->tries,
        .doubt = recipient->doubt,
        .reported = recipient->reported,
        .priority = message->priority,
        .report_of = message->report_of,
        .notice = message->notice,
        .eight_bit = message->eight_bit,
        .report_to = message->report_to,
        .status = recipient->status,
        .reply = recipient->reply,
        .relay = recipient->relay,
    };
}

static int list(struct store *store, const struct store_filter *filter, store_view_seen *seen,
                void *context, struct error *err)
{
    struct memory_store *own = memory_of(store);
    size_t given = 0;

    (void)err;
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *recipient = memory_recipient(own, id);
        const struct memory_message *message = memory_message(own, recipient->message);
        struct store_view view;

        if (!matches(filter, recipient, &message->facts))
            continue;
        if (filter->limit != 0 && given++ == filter->limit)
            break;
        view = make_view(recipient, &message->facts);
        if (seen(context, &view) != 0)
            break;
    }
    return 0;
}

static int history(struct store *store, uint64_t id, store_event_seen *seen, void *context,
                   struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (size_t i = 0; i < own->history.count; i++) {
        const struct store_event *row = table_at(&own->history, i);

        if (row->id == id && seen(context, row) != 0)
            break;
    }
    return 0;
}

static int count(struct store *store, struct store_counts *out, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    out->messages = own->messages.count;
    out->remains = own->remains.count;
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *row = memory_recipient(own, id);
        int64_t received = memory_message(own, row->message)->facts.received_ms;

        out->recipients[row->state]++;
        out->doubtful += row->doubt;
        if (row->state != RECIPIENT_QUEUED)
            continue;
        if (out->recipients[RECIPIENT_QUEUED] == 1 || received < out->oldest_queued_ms)
            out->oldest_queued_ms = received;
        if (out->recipients[RECIPIENT_QUEUED] == 1 || row->due_ms < out->next_due_ms)
            out->next_due_ms = row->due_ms;
    }
    return 0;
}

static bool is_purgeable(struct memory_store *own, const struct memory_message *message,
                         int64_t before_ms)
{
    bool any = false;

    if (message->purged || message->facts.received_ms >= before_ms)
        return false;
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *row = memory_recipient(own, id);

        if (row->message != message->facts.id)
            continue;
        if ((row->state != RECIPIENT_SENT && row->state != RECIPIENT_DELETED) ||
            row->changed_ms >= before_ms)
            return false;
        any = true;
    }
    return any;
}

static int purge(struct store *store, int64_t before_ms, size_t limit, size_t *purged,
                 struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (uint64_t id = 1; id <= own->messages.count && *purged < limit; id++) {
        struct memory_message *message = memory_message(own, id);

        if (!is_purgeable(own, message, before_ms))
            continue;
        buf_clear(message->content);
        message->content_size = 0;
        message->purged = true;
        ++*purged;
    }
    return 0;
}

static int verify(struct store *store, struct error *err)
{
    struct memory_store *own = memory_of(store);

    for (uint64_t id = 1; id <= own->messages.count; id++) {
        const struct memory_message *message = memory_message(own, id);

        if (!message->purged && message->facts.size != message->content_size)
            return error_set(err, ERROR_DATA, "4.3.0",
                             "queue in memory: content is not as long as its message says: "
                             "message %" PRIu64,
                             id);
    }
    return 0;
}

void memory_operator_ops(struct store_ops *ops)
{
    ops->has_message = has_message;
    ops->extend = extend;
    ops->list = list;
    ops->history = history;
    ops->count = count;
    ops->purge = purge;
    ops->verify = verify;
}
