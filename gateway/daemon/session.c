/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/session-int.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

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
    free(session->piece);
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
    struct smtp_unfinished unfinished;

    while (smtp_client_unfinished(session->client, &unfinished)) {
        delivery = delivery_remove(&session->mail, unfinished.tag);
        if (delivery != NULL)
            settle(session, delivery, &unfinished.outcome, unfinished.doubt);
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
    if (session->stream != NULL)
        smtp_client_never_left(session->client, stream_never_left(session->stream));
    give_back(session, outcome);
    lookup_cancel(session->lookup);
    session->lookup = NULL;
    stream_free(session->stream);
    session->stream = NULL;
    if (session->timer != NULL)
        event_del(session->timer);
    session->owner.over(session->owner.context, session, outcome);
}

void session_lost(struct session *session, enum smtp_scope scope, const char *text)
{
    smtp_client_lost(session->client, scope, text);
    session_pump(session);
}

/* ---- time limits ---- */

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct session *session = context;

    (void)fd;
    (void)what;
    smtp_client_time_out(session->client);
    session_pump(session);
}

/* The limit is for the awaited reply as a whole: octets of it that trickle in do not extend it. */
static void set_timer(struct session *session)
{
    int64_t ms = smtp_client_time_limit_ms(session->client);
    struct timeval limit = {.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000) * 1000};

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

/* ---- events of the protocol ---- */

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

    smtp_client_event(session->client, &event);
    switch (event.type) {
    case SMTP_NOTHING:
        return false;
    case SMTP_START_TLS:
        session_start_tls(session);
        break;
    case SMTP_READY:
        on_ready(session);
        break;
    case SMTP_WANT_CONTENT:
        session_want_content(session, &event);
        break;
    case SMTP_RECIPIENT:
        session_tell_recipient(session, &event);
        break;
    case SMTP_MAIL_DONE:
        session_mail_done(session, &event);
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
    bool more = session->sending != NULL;

    if (output->size == 0 || session->stream == NULL)
        return;
    if ((more ? stream_feed : stream_write)(session->stream, output->data, output->size) != 0) {
        smtp_client_lost(session->client, SCOPE_CONNECTION, "no memory for output");
        session->again = true;
        return;
    }
    buf_consume(output, output->size);
    session->moved = true;
}

void session_pump(struct session *session)
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
        session_give_mail(session);
        if (session_used_up(session)) {
            session->ready = false;
            smtp_client_quit(session->client);
        }
        write_output(session);
    }
    session->pumping = false;
    if (!session->over)
        set_timer(session);
}

/* ---- for the owner ---- */

void session_start(struct session *session)
{
    session->started_ms = clock_steady_ms();
    session->moved = true;
    session_resolve(session);
    if (!session->over)
        set_timer(session);
}

void session_poke(struct session *session)
{
    if (session->ready && !session->over)
        session_pump(session);
}

void session_end(struct session *session)
{
    session->ending = true;
    if (session->over)
        return;
    if (session->ready)
        session_pump(session);
    else
        session_lost(session, SCOPE_CONNECTION, "ended before it was ready");
}

void session_abort(struct session *session, const char *reason)
{
    if (!session->over)
        session_lost(session, SCOPE_CONNECTION, reason);
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

    if (!session_may_take_mail(session) || session->mail.count >= pipeline)
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
