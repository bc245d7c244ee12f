/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/stream.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ_SIZE 16384
#define RECORD_SIZE 16384           /* the most of a TLS record */
#define WRITE_SIZE ((size_t)262144) /* the most of one system call */

struct stream {
    struct event_base *base;
    struct bufferevent *events;
    struct stream_callbacks callbacks;
    void *context;
    SSL *ssl; /* owned by events */
    bool connected;
};

static void on_read(struct bufferevent *events, void *context)
{
    struct stream *stream = context;
    struct evbuffer *input = bufferevent_get_input(events);
    size_t size = evbuffer_get_length(input);
    unsigned char *data;

    if (size > READ_SIZE)
        size = READ_SIZE;
    if (size == 0)
        return;
    /* Copied out and drained first: the callback may free the stream. */
    data = malloc(size);
    if (data == NULL) {
        stream->callbacks.closed(stream->context, "no memory");
        return;
    }
    evbuffer_remove(input, data, size);
    if (evbuffer_get_length(input) != 0)
        bufferevent_trigger(events, EV_READ, BEV_OPT_DEFER_CALLBACKS);
    stream->callbacks.received(stream->context, data, size);
    free(data);
}

static void on_write(struct bufferevent *events, void *context)
{
    struct stream *stream = context;

    (void)events;
    if (stream->connected)
        stream->callbacks.drained(stream->context);
}

static void failure_text(struct stream *stream, short what, char *text, size_t size)
{
    int code = EVUTIL_SOCKET_ERROR();

    if ((what & BEV_EVENT_TIMEOUT) != 0)
        snprintf(text, size, "the connection was not established in time");
    else if (stream->ssl != NULL && (what & BEV_EVENT_ERROR) != 0 && code == 0 &&
             !SSL_is_init_finished(stream->ssl))
        tls_failure_text(stream->ssl, text, size);
    else if ((what & BEV_EVENT_EOF) != 0 || code == 0)
        snprintf(text, size, "the server closed the connection");
    else
        snprintf(text, size, "%s", evutil_socket_error_to_string(code));
}

/* Small writes must not wait for the acknowledgement of the one before. */
static void disable_nagle(struct bufferevent *events)
{
    int one = 1;

    setsockopt(bufferevent_getfd(events), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static void on_event(struct bufferevent *events, short what, void *context)
{
    struct stream *stream = context;
    char text[256];

    if ((what & BEV_EVENT_CONNECTED) != 0) {
        if (stream->ssl != NULL) {
            stream->callbacks.secured(stream->context);
            return;
        }
        stream->connected = true;
        bufferevent_set_timeouts(events, NULL, NULL);
        disable_nagle(events);
        stream->callbacks.connected(stream->context);
        return;
    }
    failure_text(stream, what, text, sizeof text);
    stream->callbacks.closed(stream->context, text);
}

int stream_connect(struct stream **out, struct event_base *base, const struct sockaddr *address,
                   socklen_t size, int64_t limit_ms, const struct stream_callbacks *callbacks,
                   void *context, struct error *err)
{
    struct timeval limit = {.tv_sec = (time_t)(limit_ms / 1000),
                            .tv_usec = (suseconds_t)(limit_ms % 1000) * 1000};
    struct stream *stream = calloc(1, sizeof *stream);

    if (stream == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a connection");
    stream->base = base;
    stream->callbacks = *callbacks;
    stream->context = context;
    stream->events =
        bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (stream->events == NULL) {
        free(stream);
        return error_set(err, ERROR_SOFT, "4.3.0", "no memory for a connection");
    }
    bufferevent_setcb(stream->events, on_read, on_write, on_event, stream);
    bufferevent_set_max_single_write(stream->events, WRITE_SIZE);
    bufferevent_set_timeouts(stream->events, &limit, &limit);
    bufferevent_enable(stream->events, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(stream->events, address, (int)size) != 0) {
        error_sys(err, ERROR_SOFT, "4.4.1", "cannot connect");
        stream_free(stream);
        return -1;
    }
    *out = stream;
    return 0;
}

void stream_free(struct stream *stream)
{
    if (stream == NULL)
        return;
    if (stream->events != NULL) {
        bufferevent_setcb(stream->events, NULL, NULL, NULL, NULL);
        bufferevent_free(stream->events);
    }
    free(stream);
}

/* The socket moves to a bufferevent of OpenSSL's; the old one must not close it. */
int stream_start_tls(struct stream *stream, SSL *ssl, struct error *err)
{
    evutil_socket_t fd = bufferevent_getfd(stream->events);
    struct bufferevent *secure;

    if (evbuffer_get_length(bufferevent_get_input(stream->events)) != 0) {
        SSL_free(ssl);
        return error_set(err, ERROR_SOFT, "4.7.0", "octets in clear text before the handshake");
    }
    SSL_set_mode(ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER); /* see write_records */
    bufferevent_disable(stream->events, EV_READ | EV_WRITE);
    bufferevent_setcb(stream->events, NULL, NULL, NULL, NULL);
    bufferevent_setfd(stream->events, -1);
    bufferevent_free(stream->events);
    secure = bufferevent_openssl_socket_new(stream->base, fd, ssl, BUFFEREVENT_SSL_CONNECTING,
                                            BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (secure == NULL) {
        SSL_free(ssl);
        stream->events = bufferevent_socket_new(stream->base, fd, BEV_OPT_CLOSE_ON_FREE);
        return error_set(err, ERROR_SOFT, "4.3.0", "no memory for TLS");
    }
    bufferevent_openssl_set_allow_dirty_shutdown(secure, 1);
    stream->events = secure;
    stream->ssl = ssl;
    bufferevent_setcb(secure, on_read, on_write, on_event, stream);
    bufferevent_enable(secure, EV_READ | EV_WRITE);
    return 0;
}

/* A record at a time: what could not be written is then written again as a whole, and by libevent,
 * at another place in memory. Errors come again there, too. */
static size_t write_records(struct stream *stream, const uint8_t *data, size_t size)
{
    size_t sent = 0;

    while (sent < size) {
        size_t record = size - sent < RECORD_SIZE ? size - sent : RECORD_SIZE;

        if (SSL_write(stream->ssl, data + sent, (int)record) <= 0) {
            ERR_clear_error();
            break;
        }
        sent += record;
    }
    return sent;
}

static size_t write_now(struct stream *stream, const void *data, size_t size)
{
    ssize_t sent;

    if (!stream->connected || stream_unsent(stream) != 0)
        return 0;
    if (stream->ssl != NULL)
        return SSL_is_init_finished(stream->ssl) ? write_records(stream, data, size) : 0;
    sent = send(bufferevent_getfd(stream->events), data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return sent > 0 ? (size_t)sent : 0;
}

int stream_write(struct stream *stream, const void *data, size_t size)
{
    size_t sent = write_now(stream, data, size);

    return sent < size ? stream_feed(stream, (const uint8_t *)data + sent, size - sent) : 0;
}

int stream_feed(struct stream *stream, const void *data, size_t size)
{
    return bufferevent_write(stream->events, data, size);
}

void stream_farewell(struct stream *stream, const void *data, size_t size)
{
    ssize_t sent;

    if (!stream->connected || stream_unsent(stream) != 0 || size > INT_MAX)
        return;
    if (stream->ssl != NULL)
        sent = SSL_is_init_finished(stream->ssl) ? SSL_write(stream->ssl, data, (int)size) : 0;
    else
        sent = send(bufferevent_getfd(stream->events), data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent <= 0)
        ERR_clear_error();
}

size_t stream_unsent(const struct stream *stream)
{
    return evbuffer_get_length(bufferevent_get_output(stream->events));
}

size_t stream_never_left(const struct stream *stream)
{
    return stream->ssl == NULL ? stream_unsent(stream) : 0;
}

SSL *stream_ssl(const struct stream *stream)
{
    return stream->ssl;
}
