/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of a host, without blocking the event loop: one short-lived thread a look-up runs
 * getaddrinfo(3), so that /etc/hosts, nsswitch and the local resolver all count. */
#ifndef DAEMON_RESOLVER_H
#define DAEMON_RESOLVER_H

#include <event2/event.h>
#include <netdb.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

struct lookup;

/* ADDRESSES is the callee's (freeaddrinfo), or NULL and TEXT says why. From the event loop. */
typedef void lookup_done(void *context, struct addrinfo *addresses, const char *text);

int lookup_start(struct lookup **out, struct event_base *base, const char *host, uint16_t port,
                 lookup_done *done, void *context, struct error *err) WARN_UNUSED;
/* Forgets it: DONE is not called any more. Not after DONE. NULL is allowed. */
void lookup_cancel(struct lookup *lookup);

#endif
