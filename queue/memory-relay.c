/* SPDX-License-Identifier: BSD-2-Clause */
/* Claims, changes of state and reports of the memory backend. */
#include "config.h"

#include "queue/memory-int.h"

#include <stdlib.h>
#include <string.h>

#define BIT(state) (1u << (state))
/* Not final yet. */
#define WAITING (BIT(RECIPIENT_QUEUED) | BIT(RECIPIENT_SENDING) | BIT(RECIPIENT_HELD))

/* One recipient that is due, in the order of claims. */
struct due {
    int rank;
    int64_t due_ms;
    uint64_t id, message;
};

static int next_due(struct store *store, int64_t after_ms, int64_t *due_ms, struct error *err)
{
    struct memory_store *own = memory_of(store);
    int found = 0;

    (void)err;
    *due_ms = 0;
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *row = memory_recipient(own, id);

        if (row->state == RECIPIENT_QUEUED && row->due_ms > after_ms &&
            (!found || row->due_ms < *due_ms)) {
            *due_ms = row->due_ms;
            found = 1;
        }
    }
    return found;
}

static int change(struct store *store, const struct store_change *change, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_recipient *row = memory_recipient(own, change->recipient);
    const char *reply = change->reply != NULL ? change->reply : change->note;

    if (memory_keep_recipient(own, row) != 0)
        return memory_short(err);
    row->state = change->to;
    row->changed_ms = change->now_ms;
    if (change->to == RECIPIENT_QUEUED)
        row->due_ms = change->due_ms;
    row->tries += change->attempted;
    row->doubt = change->to != RECIPIENT_SENT && (row->doubt || change->doubt);
    if (change->to != RECIPIENT_DELETED)
        row->reported = false;
    if (change->status != NULL)
        row->status = memory_text(own, change->status);
    if (change->reply != NULL)
        row->reply = memory_text(own, change->reply);
    if (change->relay != NULL)
        row->relay = memory_text(own, change->relay);
    if (row->status == NULL || row->reply == NULL || row->relay == NULL)
        return memory_short(err);
    return memory_add_event(own, row, change->now_ms, change->event, change->status, reply,
                            change->relay, err);
}

/* ---- claiming ---- */

static int by_turn(const void *a, const void *b)
{
    const struct due *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->due_ms != y->due_ms)
        return x->due_ms < y->due_ms ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

static int collect_due(struct memory_store *own, int64_t now_ms, struct table *dues)
{
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *row = memory_recipient(own, id);
        struct due *due;

        if (row->state != RECIPIENT_QUEUED || row->due_ms > now_ms)
            continue;
        due = table_add(dues);
        if (due == NULL)
            return -1;
        due->rank = store_rank(memory_message(own, row->message)->facts.priority);
        due->due_ms = row->due_ms;
        due->id = id;
        due->message = row->message;
    }
    if (dues->count != 0)
        qsort(dues->rows, dues->count, dues->row_size, by_turn);
    return 0;
}

static int fill_message(const struct memory_message *from, size_t room, struct claim_message *to)
{
    to->id = from->facts.id;
    to->sender = strdup(from->facts.sender);
    to->message_id = strdup(from->facts.message_id);
    to->fingerprint = strdup(from->facts.fingerprint);
    to->postoffice = strdup(from->facts.postoffice);
    to->mailbag = strdup(from->facts.mailbag);
    to->mai = strdup(from->facts.mai);
    to->size = from->facts.size;
    to->eight_bit = from->facts.eight_bit;
    to->report_of = from->facts.report_of;
    to->notify = from->facts.notify;
    to->received_ms = from->facts.received_ms;
    to->expires_ms = from->facts.expires_ms;
    to->recipients = calloc(room, sizeof *to->recipients);
    return to->sender != NULL && to->message_id != NULL && to->fingerprint != NULL &&
                   to->postoffice != NULL && to->mailbag != NULL && to->mai != NULL &&
                   to->recipients != NULL
               ? 0
               : -1;
}

static int fill_recipient(const struct memory_recipient *from, struct claim_message *to)
{
    struct claim_recipient *recipient = &to->recipients[to->recipient_count++];

    recipient->id = from->id;
    recipient->address = strdup(from->address);
    recipient->original = strdup(from->original);
    recipient->tries = from->tries;
    recipient->doubt = from->doubt;
    return recipient->address != NULL && recipient->original != NULL ? 0 : -1;
}

static struct claim_message *find_claim(struct claim_message *out, size_t count, uint64_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (out[i].id == id)
            return &out[i];
    }
    return NULL;
}

static int take(struct memory_store *own, const struct due *due, int64_t now_ms,
                struct claim_message *to, struct error *err)
{
    struct store_change sending = {.recipient = due->id,
                                   .from = RECIPIENT_QUEUED,
                                   .to = RECIPIENT_SENDING,
                                   .event = "sending",
                                   .now_ms = now_ms};

    if (fill_recipient(memory_recipient(own, due->id), to) != 0)
        return memory_short(err);
    return change(&own->base, &sending, err);
}

static int take_all(struct memory_store *own, const struct table *dues, int64_t now_ms,
                    size_t limit, size_t max_recipients, struct claim_message *out, size_t *count,
                    struct error *err)
{
    size_t room = max_recipients < dues->count ? max_recipients : dues->count;

    for (size_t i = 0; i < dues->count; i++) {
        const struct due *due = table_at(dues, i);
        struct claim_message *to = find_claim(out, *count, due->message);

        if (to == NULL) {
            if (*count == limit)
                continue;
            to = &out[(*count)++];
            if (fill_message(memory_message(own, due->message), room, to) != 0)
                return memory_short(err);
        }
        if (to->recipient_count < room && take(own, due, now_ms, to, err) != 0)
            return -1;
    }
    return 0;
}

static int claim(struct store *store, int64_t now_ms, size_t limit, size_t max_recipients,
                 struct claim_message *out, size_t *count, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct table dues = {.row_size = sizeof(struct due)};
    int rc = collect_due(own, now_ms, &dues);

    if (rc == 0)
        rc = take_all(own, &dues, now_ms, limit, max_recipients, out, count, err);
    else
        memory_short(err);
    free(dues.rows);
    return rc;
}

/* ---- rows for the rules ---- */

static int give(struct memory_store *own, const struct memory_recipient *from,
                struct store_row *row)
{
    row->recipient = 0;
    if (from != NULL) {
        row->recipient = from->id;
        row->message = from->message;
        row->report = memory_message(own, from->message)->facts.report_of != 0;
        row->state = from->state;
        row->tries = from->tries;
        store_clip(row->reply, from->reply);
    }
    return 0;
}

static int get_row(struct store *store, uint64_t recipient, struct store_row *row,
                   struct error *err)
{
    (void)err;
    return give(memory_of(store), memory_recipient(memory_of(store), recipient), row);
}

static int next_row(struct store *store, uint64_t message, uint64_t after, struct store_row *row,
                    struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (uint64_t id = after + 1; id <= own->recipients.count; id++) {
        if (memory_recipient(own, id)->message == message)
            return give(own, memory_recipient(own, id), row);
    }
    return give(own, NULL, row);
}

static int any_sending(struct store *store, struct store_row *row, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        if (memory_recipient(own, id)->state == RECIPIENT_SENDING)
            return give(own, memory_recipient(own, id), row);
    }
    return give(own, NULL, row);
}

static int any_expired(struct store *store, int64_t now_ms, struct store_row *row,
                       struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *from = memory_recipient(own, id);

        if (from->state == RECIPIENT_QUEUED &&
            memory_message(own, from->message)->facts.expires_ms <= now_ms)
            return give(own, from, row);
    }
    return give(own, NULL, row);
}

/* ---- reports ---- */

static bool any_in(struct memory_store *own, uint64_t message, unsigned states)
{
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *row = memory_recipient(own, id);

        if (row->message == message && (states & BIT(row->state)) != 0)
            return true;
    }
    return false;
}

static bool is_unreported(struct memory_store *own, uint64_t message, int64_t before_ms)
{
    bool unreported = false, waited = false;

    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *row = memory_recipient(own, id);

        if (row->message != message || row->state != RECIPIENT_FAILED || row->reported)
            continue;
        unreported = true;
        waited = waited || row->changed_ms <= before_ms;
    }
    return unreported &&
           (waited || !any_in(own, message, BIT(RECIPIENT_QUEUED) | BIT(RECIPIENT_SENDING)));
}

static int next_unreported(struct store *store, uint64_t after, int64_t before_ms, uint64_t *id,
                           struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (uint64_t message = after + 1; message <= own->messages.count; message++) {
        if (memory_message(own, message)->facts.report_of == 0 &&
            is_unreported(own, message, before_ms)) {
            *id = message;
            return 0;
        }
    }
    return 0;
}

static int set_reported(struct store *store, uint64_t id, uint64_t last, struct error *err)
{
    struct memory_store *own = memory_of(store);

    for (uint64_t i = 1; i <= own->recipients.count && i <= last; i++) {
        struct memory_recipient *row = memory_recipient(own, i);

        if (row->message != id || row->state != RECIPIENT_FAILED)
            continue;
        if (memory_keep_recipient(own, row) != 0)
            return memory_short(err);
        row->reported = true;
    }
    return 0;
}

static int next_late(struct store *store, int64_t now_ms, uint64_t *id, struct error *err)
{
    struct memory_store *own = memory_of(store);
    int64_t first_ms = 0;

    (void)err;
    for (uint64_t message = 1; message <= own->messages.count; message++) {
        int64_t at_ms = memory_message(own, message)->facts.notice_ms;

        if (at_ms > 0 && at_ms <= now_ms && (*id == 0 || at_ms < first_ms) &&
            any_in(own, message, BIT(RECIPIENT_QUEUED))) {
            *id = message;
            first_ms = at_ms;
        }
    }
    return 0;
}

static int set_noticed(struct store *store, uint64_t id, struct error *err)
{
    struct memory_message *message = memory_message(memory_of(store), id);

    if (message == NULL)
        return 0;
    if (memory_keep_message(memory_of(store), message) != 0)
        return memory_short(err);
    message->facts.notice_ms = 0;
    return 0;
}

static int forget_notices(struct store *store, int64_t now_ms, struct error *err)
{
    struct memory_store *own = memory_of(store);

    for (uint64_t message = 1; message <= own->messages.count; message++) {
        int64_t at_ms = memory_message(own, message)->facts.notice_ms;

        if (at_ms > 0 && at_ms <= now_ms && !any_in(own, message, WAITING) &&
            set_noticed(store, message, err) != 0)
            return -1;
    }
    return 0;
}

static int held_report(struct store *store, uint64_t *id, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (uint64_t message = 1; message <= own->messages.count && *id == 0; message++) {
        if (memory_message(own, message)->facts.report_of != 0 &&
            any_in(own, message, BIT(RECIPIENT_HELD)))
            *id = message;
    }
    return 0;
}

static int idle_notice(struct store *store, uint64_t message, struct store_row *row,
                       struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (uint64_t id = 1; id <= own->recipients.count; id++) {
        const struct memory_recipient *from = memory_recipient(own, id);
        const struct store_message *facts = &memory_message(own, from->message)->facts;

        if (facts->notice && facts->report_of == message &&
            (from->state == RECIPIENT_QUEUED || from->state == RECIPIENT_HELD) &&
            !any_in(own, message, WAITING))
            return give(own, from, row);
    }
    return give(own, NULL, row);
}

void memory_relay_ops(struct store_ops *ops)
{
    ops->claim = claim;
    ops->next_due = next_due;
    ops->change = change;
    ops->get_row = get_row;
    ops->next_row = next_row;
    ops->any_sending = any_sending;
    ops->any_expired = any_expired;
    ops->next_unreported = next_unreported;
    ops->set_reported = set_reported;
    ops->next_late = next_late;
    ops->set_noticed = set_noticed;
    ops->forget_notices = forget_notices;
    ops->held_report = held_report;
    ops->idle_notice = idle_notice;
}
