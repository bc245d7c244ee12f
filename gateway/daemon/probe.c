/* SPDX-License-Identifier: BSD-2-Clause */
/* "relay test": connect, TLS, AUTH, QUIT, and what was negotiated. */
#include "config.h"

#include "daemon/relay-int.h"

#include <event2/event.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

struct probe_run {
    struct relay_probe *probe;
    struct event_base *base;
};

static struct delivery *no_delivery(void *context, struct session *session)
{
    (void)context;
    (void)session;
    return NULL;
}

static void no_outcome(void *context, struct session *session, struct delivery *delivery,
                       size_t index, const struct smtp_outcome *outcome, bool doubt)
{
    (void)context;
    (void)session;
    (void)delivery;
    (void)index;
    (void)outcome;
    (void)doubt;
}

static void on_ready(void *context, struct session *session)
{
    struct probe_run *run = context;
    struct relay_probe *probe = run->probe;
    const struct smtp_client *client = session_client(session);
    const struct result_path *path = session_path(session);

    probe->ready = true;
    snprintf(probe->tls, sizeof probe->tls, "%s", path->tls);
    snprintf(probe->certificate, sizeof probe->certificate, "%s", session_certificate(session));
    snprintf(probe->mechanism, sizeof probe->mechanism, "%s", smtp_client_mechanism(client));
    snprintf(probe->extensions, sizeof probe->extensions, "%s", smtp_client_extensions(client));
    probe->size_limit = smtp_client_size_limit(client);
    session_end(session);
}

static void on_over(void *context, struct session *session, const struct smtp_outcome *outcome)
{
    struct probe_run *run = context;

    snprintf(run->probe->host, sizeof run->probe->host, "%s", session_path(session)->relay);
    if (!run->probe->ready)
        run->probe->outcome = *outcome;
    event_base_loopbreak(run->base);
}

static int probe_host(const struct settings *settings, struct event_base *base, struct tls *tls,
                      const char *password, int host, struct relay_probe *probe, struct error *err)
{
    struct probe_run run = {.probe = probe, .base = base};
    struct session_owner owner = {.next = no_delivery,
                                  .outcome = no_outcome,
                                  .ready = on_ready,
                                  .over = on_over,
                                  .context = &run};
    struct session_parts parts = relay_parts(settings, base, tls, password, NULL);
    struct session *session;

    memset(probe, 0, sizeof *probe);
    if (session_new(&session, &parts, &owner, host, err) != 0)
        return -1;
    session_start(session);
    if (!session_is_over(session))
        event_base_dispatch(base);
    session_free(session);
    return probe->ready ? 1 : 0;
}

int relay_probe_hosts(const struct settings *settings, relay_probe_seen *seen, void *context,
                      struct error *err)
{
    struct event_base *base = event_base_new();
    struct tls *tls = NULL;
    char *password = NULL;
    int ready = -1;

    if (base == NULL)
        return error_set(err, ERROR_SETUP, "", "cannot make an event loop");
    if (relay_secrets(settings, &tls, &password, err) == 0) {
        ready = 0;
        for (size_t i = 0; i < settings->relay.host_count && ready >= 0; i++) {
            struct relay_probe probe;
            int status = probe_host(settings, base, tls, password, (int)i, &probe, err);
            if (status >= 0)
                seen(context, &probe);
            ready = status < 0 ? -1 : ready + status;
        }
    }
    tls_free(tls);
    secret_free(password);
    event_base_free(base);
    return ready;
}
