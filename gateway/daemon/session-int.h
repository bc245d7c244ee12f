/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of a session share: session.c is what the owner sees, the turn of events, time
 * limits and the end; session-connect.c addresses, connection and TLS; session-mail.c mail and its
 * content. */
#ifndef DAEMON_SESSION_INT_H
#define DAEMON_SESSION_INT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/resolver.h"
#include "daemon/session.h"
#include "daemon/stream.h"

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
    uint64_t octets;           /* of content of the mail in flight */
    struct delivery *sending;  /* whose content is being sent */
    uint8_t *piece;            /* STORE_CHUNK_SIZE octets of it */
    int64_t started_ms, heard_ms;
    unsigned given, delivered;
    bool connected, opened, ready, ending, over, pumping, again;
    bool moved;       /* since the time limit was last set: output was written */
    uint64_t replies; /* then */
    char name[320];
    char tls[128], certificate[256];
    struct result_path path;
};

/* ---- session.c ---- */

/*
 * Everything that happened is turned into everything that is to be sent, and that leaves in one
 * write. Callbacks of the owner may call back into this session: that is noted and done when they
 * return.
 */
void session_pump(struct session *session);
/* The connection is lost, or never was: the protocol decides what that means. */
void session_lost(struct session *session, enum smtp_scope scope, const char *text);

/* ---- session-connect.c ---- */

/* Begins with the addresses of the host. */
void session_resolve(struct session *session);
/* The protocol asks for the handshake. */
void session_start_tls(struct session *session);

/* ---- session-mail.c ---- */

bool session_may_take_mail(const struct session *session);
/* No more mail is to come, and none is under way: time for QUIT. */
bool session_used_up(const struct session *session);
/* Gives the protocol what the owner has, as long as it takes mail. */
void session_give_mail(struct session *session);
/* As much of the content being sent as the connection should hold. */
void session_feed_content(struct session *session);
/* SMTP_WANT_CONTENT, SMTP_RECIPIENT and SMTP_MAIL_DONE. */
void session_want_content(struct session *session, const struct smtp_event *event);
void session_tell_recipient(struct session *session, const struct smtp_event *event);
void session_mail_done(struct session *session, const struct smtp_event *event);

#endif
