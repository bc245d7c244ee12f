/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the relay share. Included only by daemon/relay*.c and daemon/probe.c. */
#ifndef DAEMON_RELAY_INT_H
#define DAEMON_RELAY_INT_H

#include <event2/event.h>
#include <stdbool.h>

#include "daemon/delivery.h"
#include "daemon/hosts.h"
#include "daemon/relay.h"
#include "daemon/results.h"
#include "daemon/session.h"
#include "daemon/tls.h"

struct relay {
    const struct relay_options *options;
    const struct settings *settings;
    struct event_base *base;
    struct event *work;        /* runs relay_work at the end of this turn */
    struct event *timer;       /* runs it at a time */
    struct event *wake, *terminate, *interrupt, *upkeep;
    struct tls *tls;
    char *password;
    struct hosts *hosts;
    struct results *results;
    struct delivery_list waiting; /* claimed, not yet with a session */
    struct session **sessions;
    size_t session_count;
    struct relay_counts counts;
    int64_t next_due_ms; /* of the queue after the last claim, 0: nothing waits */
    int64_t results_since_ms; /* steady: the oldest result not committed, 0: none */
    int64_t idle_since_ms;
    int64_t stop_by_ms; /* 0: not stopping */
    bool exhausted;     /* the last claim found nothing due */
    bool failed_mail;   /* a report may be due */
    uint64_t held_report; /* what the alarm names; UINT64_MAX: not looked yet */
    int wake_fd, lock_fd;
};

/* Asks for relay_work at the end of this turn of the loop. */
void relay_poke(struct relay *relay);

/* ---- relay-setup.c ---- */

/* TLS context and password of the relay section; NULL each when the settings use none. */
int relay_secrets(const struct settings *settings, struct tls **tls, char **password,
                  struct error *err) WARN_UNUSED;

/* What a session needs; STORE NULL for a probe. All borrowed. */
struct session_parts relay_parts(const struct settings *settings, struct event_base *base,
                                 struct tls *tls, const char *password, struct store *store);

/* ---- relay-outcome.c ---- */

/* The owner's callback of session.h: what an outcome makes of the recipient. */
void relay_outcome(void *context, struct session *session, struct delivery *delivery, size_t index,
                   const struct smtp_outcome *outcome, bool doubt);
/* Claimed mail that no session has taken goes back, due when the route opens. */
void relay_release_waiting(struct relay *relay, int64_t now_ms);
/* A session is over: pause or suspend its host by what came of it. */
void relay_session_over(void *context, struct session *session,
                        const struct smtp_outcome *outcome);
void relay_note_route(struct relay *relay, int64_t now_ms);

/* ---- relay-report.c ---- */

/* Puts reports about mail that failed, and notices about mail that is late, into the queue; the
 * alarm about reports that are held. Errors are logged: it is done again. */
void relay_report(struct relay *relay, int64_t now_ms);

/* ---- relay-upkeep.c ---- */

/* Expiry, reports, purge of old content. ERROR_SOFT is logged, not returned. */
void relay_upkeep(struct relay *relay, int64_t now_ms);

#endif
