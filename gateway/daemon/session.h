/* SPDX-License-Identifier: BSD-2-Clause */
/* One SMTP connection of the relay: joins a stream, the protocol's state machine and the queue's
 * content. It knows nothing of other connections or of the schedule: it tells its owner. */
#ifndef DAEMON_SESSION_H
#define DAEMON_SESSION_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/delivery.h"
#include "daemon/results.h"
#include "daemon/settings.h"
#include "daemon/tls.h"
#include "queue/store.h"
#include "smtp/client.h"

struct session;

struct session_owner {
    /* The next mail for this session, or NULL. Ownership passes. */
    struct delivery *(*next)(void *context, struct session *session);
    /* Outcome for recipient INDEX of DELIVERY (not of its address: all members are told). */
    void (*outcome)(void *context, struct session *session, struct delivery *delivery, size_t index,
                    const struct smtp_outcome *outcome, bool doubt);
    /* Ready for its first mail. */
    void (*ready)(void *context, struct session *session);
    /* Over, with all deliveries given back before. The owner frees it, not from inside here. */
    void (*over)(void *context, struct session *session, const struct smtp_outcome *outcome);
    void *context;
};

struct session_parts {
    struct event_base *base;
    const struct settings *settings;
    struct tls *tls;           /* NULL when the settings use none */
    struct store *store;       /* for content; NULL for a probe */
    struct smtp_settings smtp; /* protocol settings; strings borrowed */
};

/* HOST is the index of the settings' host; TEXT its "name[address]:port". Both for the owner. */
int session_new(struct session **out, const struct session_parts *parts,
                const struct session_owner *owner, int host, struct error *err) WARN_UNUSED;
void session_free(struct session *session);

/* Begins to resolve and connect; everything else comes through the owner's callbacks. */
void session_start(struct session *session);

/* There is mail, or none any more: an idle session looks again. */
void session_poke(struct session *session);

/* QUIT when idle; QUIT soon when busy (no further mail is taken). */
void session_end(struct session *session);

/* The owner gives up waiting: unfinished mail is given back, in doubt where its dot was sent. */
void session_abort(struct session *session, const char *reason);

bool session_is_opening(const struct session *session); /* not yet negotiated */
bool session_is_ready(const struct session *session);   /* negotiated and not ending */
bool session_is_idle(const struct session *session);    /* ready and without mail */
bool session_is_over(const struct session *session);
int session_host(const struct session *session);
unsigned session_delivered(const struct session *session); /* recipients taken by the server */
size_t session_room(const struct session *session);        /* mails it would take now */
const struct result_path *session_path(const struct session *session);
const struct smtp_client *session_client(const struct session *session);
const char *session_certificate(const struct session *session);

#endif
