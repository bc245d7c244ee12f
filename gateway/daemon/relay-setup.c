/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/relay-int.h"

#include <sys/prctl.h>

#include "base/file.h"

static struct smtp_settings protocol_settings(const struct settings *settings, const char *password)
{
    const struct settings_relay *relay = &settings->relay;

    return (struct smtp_settings){
        .helo = settings->hostname,
        .tls = relay->tls,
        .server = relay->server_name != NULL ? relay->server_name : relay->hosts[0].name,
        .user = relay->user,
        .password = password,
        .mechanisms = relay->mechanisms,
        .mechanism_count = relay->mechanism_count,
        .plain_without_tls = relay->plain_without_tls,
        .pipeline = relay->pipeline,
    };
}

int relay_secrets(const struct settings *settings, struct tls **tls, char **password,
                  struct error *err)
{
    const struct settings_relay *relay = &settings->relay;

    *tls = NULL;
    *password = NULL;
    /* The command reads the password, too: no core of it. */
    if (relay->user != NULL && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return error_sys(err, ERROR_SETUP, "", "cannot forbid core dumps");
    if (relay->user != NULL && secret_read(relay->password_file, password, err) != 0)
        return -1;
    if (relay->tls != SMTP_TLS_NONE && tls_new(tls, relay, err) != 0) {
        secret_free(*password);
        *password = NULL;
        return -1;
    }
    return 0;
}

struct session_parts relay_parts(const struct settings *settings, struct event_base *base,
                                 struct tls *tls, const char *password, struct store *store)
{
    return (struct session_parts){
        .base = base,
        .settings = settings,
        .tls = tls,
        .store = store,
        .smtp = protocol_settings(settings, password),
    };
}
