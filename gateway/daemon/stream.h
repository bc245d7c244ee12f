/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection of octets to one address, in clear and then, on demand, under TLS. The only file
 * with stream.c that sees libevent's bufferevents. Errors come as text through closed(). */
#ifndef DAEMON_STREAM_H
#define DAEMON_STREAM_H

#include <event2/event.h>
#include <stddef.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/tls.h"

struct stream;

/* Called from the event loop only, never from inside a function of this file. A callback may free
 * the stream. */
struct stream_callbacks {
    void (*connected)(void *context);
    void (*received)(void *context, const void *data, size_t size);
    void (*drained)(void *context); /* all that was written has left */
    void (*secured)(void *context); /* the handshake is over, the peer not yet checked */
    void (*closed)(void *context, const char *text);
};

/* Begins to connect; closed() after LIMIT_MS at most if nothing answers. */
int stream_connect(struct stream **out, struct event_base *base, const struct sockaddr *address,
                   socklen_t size, int64_t limit_ms, const struct stream_callbacks *callbacks,
                   void *context, struct error *err) WARN_UNUSED;
void stream_free(struct stream *stream); /* closes; NULL is allowed */

/* Takes over SSL and begins the handshake. Everything written before must have drained, and all
 * that was received must have been given: octets still here fail it (injection). */
int stream_start_tls(struct stream *stream, SSL *ssl, struct error *err) WARN_UNUSED;

/* One write is one flight: octets leave together (TCP_NODELAY), as far as the connection takes them
 * at once before this returns: what the caller does next may take the disk's time. */
int stream_write(struct stream *stream, const void *data, size_t size) WARN_UNUSED;
/* The same when more follows as soon as drained() says so; drained() comes in any case. */
int stream_feed(struct stream *stream, const void *data, size_t size) WARN_UNUSED;
/* Last words before stream_free: sent at once if the connection takes them, else not at all. */
void stream_farewell(struct stream *stream, const void *data, size_t size);
size_t stream_unsent(const struct stream *stream);
/* Octets at the end of what was written that the system surely did not get; under TLS 0, because a
 * write that did not end may have sent a part. */
size_t stream_never_left(const struct stream *stream);

SSL *stream_ssl(const struct stream *stream); /* borrowed; NULL in clear */

#endif
