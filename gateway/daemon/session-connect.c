/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses, connection and TLS of a session. */
#include "config.h"

#include "daemon/session-int.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"

#define CONNECT_LIMIT_MS 30000

void session_start_tls(struct session *session)
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

static void on_connected(void *context)
{
    struct session *session = context;

    log_debug("relay", "%s: connected", session->name);
    session->moved = true;
    session->connected = true;
    smtp_client_connected(session->client);
    session_pump(session);
}

static void on_received(void *context, const void *data, size_t size)
{
    struct session *session = context;

    session->heard_ms = clock_steady_ms();
    smtp_client_input(session->client, data, size);
    session_pump(session);
}

static void on_drained(void *context)
{
    struct session *session = context;

    if (session->sending != NULL) {
        session_feed_content(session);
        session_pump(session);
    }
}

static void on_secured(void *context)
{
    struct session *session = context;
    SSL *ssl = stream_ssl(session->stream);
    struct error err;

    if (tls_check_peer(session->parts.tls, ssl, &err) != 0) {
        session_lost(session, SCOPE_HOST, err.text);
        return;
    }
    tls_describe(ssl, session->tls, sizeof session->tls, session->certificate,
                 sizeof session->certificate);
    smtp_client_tls_started(session->client);
    session_pump(session);
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
        session_lost(session, SCOPE_HOST, text);
    else
        session_lost(session, SCOPE_CONNECTION, text);
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
    session_lost(session, SCOPE_CONNECTION, err.text);
}

static void on_addresses(void *context, struct addrinfo *addresses, const char *text)
{
    struct session *session = context;
    char reason[256];

    session->lookup = NULL;
    if (addresses == NULL) {
        snprintf(reason, sizeof reason, "cannot find the address of %.120s: %s",
                 session->target->name, text);
        session_lost(session, SCOPE_HOST, reason);
        return;
    }
    session->addresses = addresses;
    session->address = addresses;
    connect_from(session);
}

void session_resolve(struct session *session)
{
    struct error err;

    if (lookup_start(&session->lookup, session->parts.base, session->target->name,
                     session->target->port, on_addresses, session, &err) != 0)
        session_lost(session, SCOPE_CONNECTION, err.text);
}
