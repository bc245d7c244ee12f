/* SPDX-License-Identifier: BSD-2-Clause */
/* Mail of a session: from the owner to the protocol, its content from the queue, its outcomes. */
#include "config.h"

#include "daemon/session-int.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

/* Content waits in memory up to this much for a slow server; the rest waits in the queue. */
#define UNSENT_LIMIT ((size_t)4 * STORE_CHUNK_SIZE)
/* Exchange ends a session after 10 minutes even while it is busy (ConnectionTimeout). */
#define SESSION_AGE_MS INT64_C(480000)
/* So much content given ahead is enough: more of it goes by other connections, and would not be
 * through before Exchange ends this one. */
#define AHEAD_LIMIT ((uint64_t)4 * 1024 * 1024)
/* After so long without a word from it a server may have gone. */
#define QUIET_MS 1000

/* As much as there is to be, and not more: that would be another look into the queue. */
static size_t piece_size(const struct delivery *delivery)
{
    uint64_t left = delivery->message->size - delivery->offset;

    return left < STORE_CHUNK_SIZE ? (size_t)left : STORE_CHUNK_SIZE;
}

static int check_size(const struct delivery *delivery, size_t wanted, size_t got, struct error *err)
{
    if (got == wanted)
        return 0;
    return error_set(err, ERROR_DATA, "5.3.5", "the queue has %llu octets of its content, not %llu",
                     (unsigned long long)delivery->offset,
                     (unsigned long long)delivery->message->size);
}

/* The next piece of the content, with the last one its end, goes into the output. */
static int send_piece(struct session *session, struct delivery *delivery, struct error *err)
{
    size_t wanted = piece_size(delivery), got;

    if (session->piece == NULL && (session->piece = malloc(STORE_CHUNK_SIZE)) == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for content");
    if (store_read_content(session->parts.store, delivery->message->id, delivery->offset,
                           session->piece, wanted, &got, err) != 0)
        return -1;
    delivery->offset += got;
    if (check_size(delivery, wanted, got, err) != 0 ||
        smtp_client_content(session->client, session->piece, got, err) != 0)
        return -1;
    if (delivery->offset < delivery->message->size)
        return 0;
    session->sending = NULL;
    return smtp_client_content_end(session->client, err);
}

void session_feed_content(struct session *session)
{
    struct buf *output = smtp_client_output(session->client);
    struct error err;

    while (session->sending != NULL &&
           output->size + stream_unsent(session->stream) < UNSENT_LIMIT) {
        struct delivery *delivery = session->sending;

        if (send_piece(session, delivery, &err) == 0)
            continue;
        log_error("relay", "message %llu: %s", (unsigned long long)delivery->message->id, err.text);
        delivery->stopped = true;
        delivery->unusable = err.class != ERROR_SOFT; /* a busy queue passes by itself */
        session->sending = NULL;
        smtp_client_content_abort(session->client, err.text);
    }
}

bool session_may_take_mail(const struct session *session)
{
    const struct settings_relay *relay = &session->parts.settings->relay;

    return session->ready && !session->ending && session->given < relay->messages &&
           session->octets < AHEAD_LIMIT &&
           clock_steady_ms() - session->started_ms < SESSION_AGE_MS &&
           smtp_client_can_mail(session->client);
}

void session_give_mail(struct session *session)
{
    if (session->mail.count == 0 && clock_steady_ms() - session->heard_ms >= QUIET_MS)
        smtp_client_wary(session->client);
    while (session_may_take_mail(session)) {
        struct delivery *delivery = session->owner.next(session->owner.context, session);
        struct smtp_mail mail;
        struct error err;

        if (delivery == NULL)
            return;
        /* Not the message's number: it may be here twice, for different recipients. */
        delivery->tag = session->given + 1;
        mail = delivery_mail(delivery);
        delivery_put(&session->mail, delivery);
        session->octets += delivery->message->size;
        session->given++;
        if (smtp_client_mail(session->client, &mail, &err) != 0) {
            smtp_client_lost(session->client, SCOPE_CONNECTION, err.text);
            session->again = true;
            return;
        }
        session->again = true; /* mail that is refused without asking is an event at once */
    }
}

static struct delivery *find_mail(struct session *session, uint64_t tag)
{
    struct delivery *delivery = session->mail.first;

    while (delivery != NULL && delivery->tag != tag)
        delivery = delivery->next;
    return delivery;
}

void session_tell_recipient(struct session *session, const struct smtp_event *event)
{
    struct delivery *delivery = find_mail(session, event->tag);

    assert(delivery != NULL);
    for (size_t i = 0; i < delivery->message->recipient_count; i++) {
        if (delivery->member[i] != event->index || delivery->settled[i])
            continue;
        if (event->outcome.action == ACTION_DELIVERED)
            session->delivered++;
        session->owner.outcome(session->owner.context, session, delivery, i, &event->outcome,
                               false);
    }
}

void session_want_content(struct session *session, const struct smtp_event *event)
{
    session->sending = find_mail(session, event->tag);
    assert(session->sending != NULL);
    session_feed_content(session);
}

void session_mail_done(struct session *session, const struct smtp_event *event)
{
    struct delivery *delivery = delivery_remove(&session->mail, event->tag);

    assert(delivery != NULL);
    if (session->sending == delivery)
        session->sending = NULL;
    session->octets -= delivery->message->size;
    delivery_free(delivery);
}

bool session_used_up(const struct session *session)
{
    return session->ready && session->mail.count == 0 &&
           (session->ending || session->given >= session->parts.settings->relay.messages ||
            clock_steady_ms() - session->started_ms >= SESSION_AGE_MS);
}
