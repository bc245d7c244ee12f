/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/resolver.h"
#include "daemon/stream.h"

#define CONNECT_LIMIT_MS 30000
/* Content waits in memory up to this much for a slow server; the rest waits in the queue. */
#define UNSENT_LIMIT ((size_t)4 * STORE_CHUNK_SIZE)
/* Exchange ends a session after 10 minutes even while it is busy (ConnectionTimeout). */
#define SESSION_AGE_MS INT64_C(480000)

struct session {
    struct session_parts parts;
    struct session_owner owner;
    const struct settings_host *target;
    int host;
    struct lookup *lookup;
    struct addrinfo *addresses, *address; /* all, and the one in use */
    struct stream *stream;
    struct smtp_client *client;
    struct event *timer;
    struct delivery_list mail; /* in flight */
    struct delivery *sending;  /* whose content is being sent */
    int64_t started_ms;
    unsigned given, delivered;
    bool connected, opened, ready, ending, over, pumping, again;
    bool moved;      /* since the time limit was last set: output was written */
    uint64_t replies; /* then */
    char name[320];
    char tls[128], certificate[256];
    struct result_path path;
};

static void pump(struct session *session);

int session_new(struct session **out, const struct session_parts *parts,
                const struct session_owner *owner, int host, struct error *err)
{
    struct session *session = calloc(1, sizeof *session);

    if (session == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a session");
    session->parts = *parts;
    session->owner = *owner;
    session->host = host;
    session->target = &parts->settings->relay.hosts[host];
    snprintf(session->name, sizeof session->name, "%s:%u", session->target->name,
             (unsigned)session->target->port);
    session->path = (struct result_path){.relay = session->name, .tls = session->tls, .auth = ""};
    if (smtp_client_new(&session->client, &parts->smtp, err) != 0) {
        session_free(session);
        return -1;
    }
    smtp_client_scale_time(session->client, parts->settings->relay.time_divisor);
    *out = session;
    return 0;
}

void session_free(struct session *session)
{
    if (session == NULL)
        return;
    assert(session->mail.count == 0);
    lookup_cancel(session->lookup);
    if (session->addresses != NULL)
        freeaddrinfo(session->addresses);
    if (session->timer != NULL)
        event_free(session->timer);
    stream_free(session->stream);
    smtp_client_free(session->client);
    free(session);
}

/* ---- the end ---- */

static void settle(struct session *session, struct delivery *delivery,
                   const struct smtp_outcome *outcome, bool doubt)
{
    for (size_t i = 0; i < delivery->message->recipient_count; i++) {
        if (!delivery->settled[i])
            session->owner.outcome(session->owner.context, session, delivery, i, outcome, doubt);
    }
    delivery_free(delivery);
}

static void give_back(struct session *session, const struct smtp_outcome *outcome)
{
    struct delivery *delivery;
    uint64_t tag;
    bool doubt;

    while (smtp_client_unfinished(session->client, &tag, &doubt)) {
        delivery = delivery_remove(&session->mail, tag);
        if (delivery != NULL)
            settle(session, delivery, outcome, doubt);
    }
    while ((delivery = delivery_take(&session->mail)) != NULL)
        settle(session, delivery, outcome, false);
}

/* A session that failed may still have its QUIT to say. */
static void say_farewell(struct session *session)
{
    struct buf *output = smtp_client_output(session->client);

    if (session->stream != NULL && output->size != 0)
        stream_farewell(session->stream, output->data, output->size);
    buf_consume(output, output->size);
}

static void finish(struct session *session, const struct smtp_outcome *outcome)
{
    if (session->over)
        return;
    session->over = true;
    session->ready = false;
    session->sending = NULL;
    say_farewell(session);
    give_back(session, outcome);
    lookup_cancel(session->lookup);
    session->lookup = NULL;
    stream_free(session->stream);
    session->stream = NULL;
    if (session->timer != NULL)
        event_del(session->timer);
    session->owner.over(session->owner.context, session, outcome);
}

static void lost(struct session *session, enum smtp_scope scope, const char *text)
{
    smtp_client_lost(session->client, scope, text);
    pump(session);
}

/* ---- time limits ---- */

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct session *session = context;

    (void)fd;
    (void)what;
    lost(session, SCOPE_CONNECTION, "no reply within the time limit");
}

/* The limit is for the awaited reply as a whole: octets of it that trickle in do not extend it. */
static void set_timer(struct session *session)
{
    int64_t ms = smtp_client_time_limit_ms(session->client);
    struct timeval limit = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    if (session->timer == NULL)
        session->timer = evtimer_new(session->parts.base, on_timer, session);
    if (session->timer == NULL ||
        (!session->moved && session->replies == smtp_client_replies(session->client)))
        return;
    session->moved = false;
    session->replies = smtp_client_replies(session->client);
    if (ms > 0)
        evtimer_add(session->timer, &limit);
    else
        evtimer_del(session->timer);
}

/* ---- mail ---- */

/* The next piece of the content, or its end, goes into the output. */
static int send_piece(struct session *session, struct delivery *delivery, struct error *err)
{
    uint8_t data[STORE_CHUNK_SIZE];
    size_t got;

    if (store_read_content(session->parts.store, delivery->message->id, delivery->offset, data,
                           sizeof data, &got, err) != 0)
        return -1;
    delivery->offset += got;
    if (got != 0)
        return smtp_client_content(session->client, data, got, err);
    if (delivery->offset != delivery->message->size)
        return error_set(err, ERROR_DATA, "5.3.5",
                         "the queue has %llu octets of its content, not %llu",
                         (unsigned long long)delivery->offset,
                         (unsigned long long)delivery->message->size);
    session->sending = NULL;
    return smtp_client_content_end(session->client, err);
}

static void feed_content(struct session *session)
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

static bool may_take_mail(const struct session *session)
{
    const struct settings_relay *relay = &session->parts.settings->relay;

    return session->ready && !session->ending && session->given < relay->messages &&
           clock_steady_ms() - session->started_ms < SESSION_AGE_MS &&
           smtp_client_can_mail(session->client);
}

static void give_mail(struct session *session)
{
    while (may_take_mail(session)) {
        struct delivery *delivery = session->owner.next(session->owner.context, session);
        struct smtp_mail mail;
        struct error err;

        if (delivery == NULL)
            return;
        /* Not the message's number: it may be here twice, for different recipients. */
        delivery->tag = session->given + 1;
        mail = delivery_mail(delivery);
        delivery_put(&session->mail, delivery);
        session->given++;
        if (smtp_client_mail(session->client, &mail, &err) != 0) {
            smtp_client_lost(session->client, SCOPE_CONNECTION, err.text);
            session->again = true;
            return;
        }
        session->again = true; /* mail that is refused without asking is an event at once */
    }
}

/* ---- events of the protocol ---- */

static struct delivery *find_mail(struct session *session, uint64_t tag)
{
    struct delivery *delivery = session->mail.first;

    while (delivery != NULL && delivery->tag != tag)
        delivery = delivery->next;
    return delivery;
}

static void on_recipient(struct session *session, const struct smtp_event *event)
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

static void start_tls(struct session *session)
{
    SSL *ssl;
    struct error err;

    if (!session->connected) /* implicit TLS, and the connection failed: that event follows */
        return;
    ssl = tls_connection(session->parts.tls, session->target->name);
    if (ssl == NULL)
        smtp_client_lost(session->client, SCOPE_CONNECTION, "no memory for TLS");
    else if (stream_start_tls(session->stream, ssl, &err) != 0)
        smtp_client_lost(session->client, SCOPE_CONNECTION, err.text);
}

static void on_ready(struct session *session)
{
    session->ready = true;
    session->opened = true;
    session->path.auth = smtp_client_mechanism(session->client);
    session->owner.ready(session->owner.context, session);
}

/* One event of the state machine; false when it has nothing more to tell. */
static bool take_event(struct session *session)
{
    struct smtp_event event;
    struct delivery *delivery;

    smtp_client_event(session->client, &event);
    switch (event.type) {
    case SMTP_NOTHING:
        return false;
    case SMTP_START_TLS:
        start_tls(session);
        break;
    case SMTP_READY:
        on_ready(session);
        break;
    case SMTP_WANT_CONTENT:
        session->sending = find_mail(session, event.tag);
        assert(session->sending != NULL);
        feed_content(session);
        break;
    case SMTP_RECIPIENT:
        on_recipient(session, &event);
        break;
    case SMTP_MAIL_DONE:
        delivery = delivery_remove(&session->mail, event.tag);
        assert(delivery != NULL);
        if (session->sending == delivery)
            session->sending = NULL;
        delivery_free(delivery);
        break;
    case SMTP_FAILED:
    case SMTP_CLOSED:
        finish(session, &event.outcome);
        return false;
    }
    return true;
}

static void write_output(struct session *session)
{
    struct buf *output = smtp_client_output(session->client);

    if (output->size == 0 || session->stream == NULL)
        return;
    if (stream_write(session->stream, output->data, output->size) != 0) {
        smtp_client_lost(session->client, SCOPE_CONNECTION, "no memory for output");
        session->again = true;
        return;
    }
    buf_consume(output, output->size);
    session->moved = true;
}

static bool used_up(const struct session *session)
{
    return session->ready && session->mail.count == 0 &&
           (session->ending || session->given >= session->parts.settings->relay.messages ||
            clock_steady_ms() - session->started_ms >= SESSION_AGE_MS);
}

/*
 * Everything that happened is turned into everything that is to be sent, and that leaves in one
 * write. Callbacks of the owner may call back into this session: `again` notes that instead of
 * recursing.
 */
static void pump(struct session *session)
{
    session->again = true;
    if (session->pumping)
        return;
    session->pumping = true;
    while (session->again && !session->over) {
        session->again = false;
        while (take_event(session))
            ;
        if (session->over)
            break;
        give_mail(session);
        if (used_up(session)) {
            session->ready = false;
            smtp_client_quit(session->client);
        }
        write_output(session);
    }
    session->pumping = false;
    if (!session->over)
        set_timer(session);
}

/* ---- events of the stream ---- */

static void on_connected(void *context)
{
    struct session *session = context;

    log_debug("relay", "%s: connected", session->name);
    session->moved = true;
    session->connected = true;
    smtp_client_connected(session->client);
    pump(session);
}

static void on_received(void *context, const void *data, size_t size)
{
    struct session *session = context;

    smtp_client_input(session->client, data, size);
    pump(session);
}

static void on_drained(void *context)
{
    struct session *session = context;

    if (session->sending != NULL) {
        feed_content(session);
        pump(session);
    }
}

static void on_secured(void *context)
{
    struct session *session = context;
    SSL *ssl = stream_ssl(session->stream);
    struct error err;

    if (tls_check_peer(session->parts.tls, ssl, &err) != 0) {
        lost(session, SCOPE_HOST, err.text);
        return;
    }
    tls_describe(ssl, session->tls, sizeof session->tls, session->certificate,
                 sizeof session->certificate);
    smtp_client_tls_started(session->client);
    pump(session);
}

static void connect_from(struct session *session);

static void on_closed(void *context, const char *text)
{
    struct session *session = context;

    if (smtp_client_state(session->client) == SMTP_STATE_CONNECT && session->address != NULL &&
        session->address->ai_next != NULL) {
        log_debug("relay", "%s: %s", session->name, text);
        session->address = session->address->ai_next;
        connect_from(session);
        return;
    }
    if (smtp_client_state(session->client) == SMTP_STATE_TLS &&
        tls_refused_certificate(stream_ssl(session->stream)))
        lost(session, SCOPE_HOST, text);
    else
        lost(session, SCOPE_CONNECTION, text);
}

static void name_address(struct session *session)
{
    char text[128] = "";

    getnameinfo(session->address->ai_addr, session->address->ai_addrlen, text, sizeof text, NULL, 0,
                NI_NUMERICHOST);
    snprintf(session->name, sizeof session->name, "%.120s[%s]:%u", session->target->name, text,
             (unsigned)session->target->port);
}

/* To the present address, or the first behind it that can be tried at all: a machine without IPv6
 * knows at once that it cannot go there. */
static void connect_from(struct session *session)
{
    static const struct stream_callbacks callbacks = {on_connected, on_received, on_drained,
                                                      on_secured, on_closed};
    int64_t limit = CONNECT_LIMIT_MS / (int64_t)session->parts.settings->relay.time_divisor;
    struct error err;

    stream_free(session->stream);
    session->stream = NULL;
    for (;;) {
        name_address(session);
        if (stream_connect(&session->stream, session->parts.base, session->address->ai_addr,
                           session->address->ai_addrlen, limit, &callbacks, session, &err) == 0)
            return;
        if (session->address->ai_next == NULL)
            break;
        log_debug("relay", "%s: %s", session->name, err.text);
        session->address = session->address->ai_next;
    }
    lost(session, SCOPE_CONNECTION, err.text);
}

static void on_addresses(void *context, struct addrinfo *addresses, const char *text)
{
    struct session *session = context;
    char reason[256];

    session->lookup = NULL;
    if (addresses == NULL) {
        snprintf(reason, sizeof reason, "cannot find the address of %.120s: %s",
                 session->target->name, text);
        lost(session, SCOPE_HOST, reason);
        return;
    }
    session->addresses = addresses;
    session->address = addresses;
    connect_from(session);
}

/* ---- for the owner ---- */

void session_start(struct session *session)
{
    struct error err;

    session->started_ms = clock_steady_ms();
    session->moved = true;
    if (lookup_start(&session->lookup, session->parts.base, session->target->name,
                     session->target->port, on_addresses, session, &err) != 0)
        lost(session, SCOPE_CONNECTION, err.text);
    else
        set_timer(session);
}

void session_poke(struct session *session)
{
    if (session->ready && !session->over)
        pump(session);
}

void session_end(struct session *session)
{
    session->ending = true;
    if (session->over)
        return;
    if (session->ready)
        pump(session);
    else
        lost(session, SCOPE_CONNECTION, "ended before it was ready");
}

void session_abort(struct session *session, const char *reason)
{
    if (!session->over)
        lost(session, SCOPE_CONNECTION, reason);
}

bool session_is_opening(const struct session *session)
{
    return !session->opened && !session->over;
}

bool session_is_ready(const struct session *session)
{
    return session->ready && !session->ending && !session->over;
}

bool session_is_idle(const struct session *session)
{
    return session_is_ready(session) && session->mail.count == 0;
}

bool session_is_over(const struct session *session)
{
    return session->over;
}

int session_host(const struct session *session)
{
    return session->host;
}

unsigned session_delivered(const struct session *session)
{
    return session->delivered;
}

size_t session_room(const struct session *session)
{
    size_t pipeline = session->parts.smtp.pipeline;

    if (!may_take_mail(session) || session->mail.count >= pipeline)
        return 0;
    return pipeline - session->mail.count;
}

const struct result_path *session_path(const struct session *session)
{
    return &session->path;
}

const struct smtp_client *session_client(const struct session *session)
{
    return session->client;
}

const char *session_certificate(const struct session *session)
{
    return session->certificate;
}
