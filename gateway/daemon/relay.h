/* SPDX-License-Identifier: BSD-2-Clause */
/* From the queue to the mail server. Used by the relay process and by "drain" and "relay test". */
#ifndef DAEMON_RELAY_H
#define DAEMON_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/relaylog.h"
#include "daemon/settings.h"
#include "queue/store.h"
#include "smtp/outcome.h"

struct relay_counts {
    uint64_t sent, deferred, failed; /* recipients */
};

struct relay_options {
    const struct settings *settings;
    struct store *store;
    struct relaylog *log; /* may be NULL */
    bool once; /* end when nothing is due any more or the route is closed (drain) */
    void (*progress)(void *context, const struct relay_counts *counts);
    void *progress_context;
};

/*
 * Recovers what a crash left (store_recover), then relays until SIGTERM or SIGINT (claimed mail
 * that was not offered goes back to the queue), or until nothing is due (once). Failed and late
 * mail is reported to its originator or the postmaster through the queue. COUNTS may be NULL. -1:
 * could not start at all.
 */
int relay_run(const struct relay_options *options, struct relay_counts *counts,
              struct error *err) WARN_UNUSED;

/* What "relay test" and "check" tell about one host. */
struct relay_probe {
    char host[300];       /* "mail.example.com[192.0.2.1]:587" */
    bool ready;           /* TLS and AUTH as the settings want them */
    char tls[128];        /* "TLSv1.3 TLS_AES_256_GCM_SHA384", or "" */
    char certificate[256]; /* subject and end of validity, or "" */
    char mechanism[32];
    char extensions[512];
    uint64_t size_limit;
    struct smtp_outcome outcome; /* when not ready */
};
typedef void relay_probe_seen(void *context, const struct relay_probe *probe);

/* Connects to each host in turn, negotiates, says QUIT; sends no mail. Returns the number of hosts
 * that are ready, or -1. */
int relay_probe_hosts(const struct settings *settings, relay_probe_seen *seen, void *context,
                      struct error *err) WARN_UNUSED;

#endif
