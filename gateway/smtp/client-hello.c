/* SPDX-License-Identifier: BSD-2-Clause */
/* The opening of a session: greeting, EHLO, STARTTLS, AUTH. One command at a time. */
#include "config.h"

#include "smtp/client-int.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool is_positive(const struct reply *reply)
{
    return reply->code / 100 == 2;
}

static void refuse(struct smtp_client *client, enum smtp_state state, const struct reply *reply)
{
    struct smtp_outcome outcome;

    client_outcome(client, state, reply, &outcome);
    client_fail(client, &outcome, reply->code != 421);
}

/* The server is not what the settings ask for. */
static void unfit(struct smtp_client *client, enum smtp_state state, enum smtp_scope scope,
                  const char *text)
{
    struct smtp_outcome outcome;

    outcome_local(&outcome, state, scope, ACTION_SUSPEND, "4.7.0", text);
    client_fail(client, &outcome, true);
}

void take_greeting(struct smtp_client *client, const struct awaited *awaited,
                   const struct reply *reply)
{
    if (is_positive(reply))
        client_command(client, SMTP_STATE_EHLO, NULL, 0);
    else
        refuse(client, awaited->state, reply);
}

static void send_name(struct smtp_client *client, const char *verb, enum smtp_state state)
{
    char line[300];

    snprintf(line, sizeof line, "%s %s", verb, client->settings.helo);
    client_send(client, line, line, state, NULL, 0);
}

void send_ehlo(struct smtp_client *client, struct mail *mail, size_t index)
{
    (void)mail;
    (void)index;
    send_name(client, "EHLO", SMTP_STATE_EHLO);
}

void send_helo(struct smtp_client *client, struct mail *mail, size_t index)
{
    (void)mail;
    (void)index;
    send_name(client, "HELO", SMTP_STATE_HELO);
}

static void become_ready(struct smtp_client *client)
{
    auth_free(client->auth);
    client->auth = NULL;
    client->ready = true;
    client_push_event(client, SMTP_READY);
}

/* Nothing secret can leave before this point; from here it may only where TLS is as required. */
static void begin_auth(struct smtp_client *client)
{
    const struct auth_settings settings = {
        .server = client->settings.server,
        .user = client->settings.user,
        .password = client->settings.password,
        .mechanisms = client->settings.mechanisms,
        .mechanism_count = client->settings.mechanism_count,
        .plain = client->tls_on || client->settings.plain_without_tls,
    };
    struct error err;

    assert(client->tls_on || client->settings.tls == SMTP_TLS_NONE);
    if (client->caps.mechanisms[0] == '\0') {
        unfit(client, SMTP_STATE_AUTH, SCOPE_CREDENTIAL,
              "the settings have a user, but the server does not offer AUTH");
    } else if (auth_new(&client->auth, &settings, client->caps.mechanisms, &err) == 0) {
        snprintf(client->mechanism, sizeof client->mechanism, "%s", auth_mechanism(client->auth));
        client_command(client, SMTP_STATE_AUTH, NULL, 0);
    } else if (err.class == ERROR_SETUP) {
        unfit(client, SMTP_STATE_AUTH, SCOPE_CREDENTIAL, err.text);
    } else {
        client_fail_text(client, SCOPE_CONNECTION, err.text);
    }
}

static void after_hello(struct smtp_client *client)
{
    if (client->settings.user != NULL)
        begin_auth(client);
    else
        become_ready(client);
}

static void ehlo_refused(struct smtp_client *client, const struct reply *reply)
{
    const bool tls = client->settings.tls == SMTP_TLS_STARTTLS && !client->tls_on;
    const bool auth = client->settings.user != NULL;
    char text[SMTP_TEXT_SIZE], joined[SMTP_TEXT_SIZE - 100];

    if (reply->code / 100 != 5) {
        refuse(client, SMTP_STATE_EHLO, reply);
    } else if (!tls && !auth) {
        client_command(client, SMTP_STATE_HELO, NULL, 0);
    } else {
        reply_join(reply, joined, sizeof joined);
        snprintf(text, sizeof text, "the server refuses EHLO, without which there is no %s: %d %s",
                 tls && auth ? "STARTTLS and no AUTH"
                 : tls       ? "STARTTLS"
                             : "AUTH",
                 reply->code, joined);
        unfit(client, SMTP_STATE_EHLO, SCOPE_HOST, text);
    }
}

void take_ehlo(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    if (!is_positive(reply)) {
        ehlo_refused(client, reply);
        return;
    }
    caps_read(&client->caps, reply);
    if (client->settings.tls != SMTP_TLS_STARTTLS || client->tls_on)
        after_hello(client);
    else if (client->caps.starttls)
        client_command(client, SMTP_STATE_STARTTLS, NULL, 0);
    else
        unfit(client, awaited->state, SCOPE_HOST,
              "the settings require STARTTLS, but the server does not offer it");
}

void take_helo(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    caps_clear(&client->caps);
    if (is_positive(reply))
        after_hello(client);
    else
        refuse(client, awaited->state, reply);
}

void send_starttls(struct smtp_client *client, struct mail *mail, size_t index)
{
    (void)mail;
    (void)index;
    client_send(client, "STARTTLS", "STARTTLS", SMTP_STATE_STARTTLS, NULL, 0);
}

/* What the server said in clear text may be anybody's word: it is forgotten. */
void take_starttls(struct smtp_client *client, const struct awaited *awaited,
                   const struct reply *reply)
{
    if (!is_positive(reply)) {
        refuse(client, awaited->state, reply);
        return;
    }
    caps_clear(&client->caps);
    client_set_state(client, SMTP_STATE_TLS);
    client_push_event(client, SMTP_START_TLS);
}

static void send_hidden(struct smtp_client *client, const char *line, bool command)
{
    char shown[80];

    snprintf(shown, sizeof shown, command ? "AUTH %s <hidden>" : "<hidden>", client->mechanism);
    client_send(client, line, shown, SMTP_STATE_AUTH, NULL, 0);
}

/* A mechanism that cannot go on: what it was told does not fit the account or is no SASL. */
static void auth_failed(struct smtp_client *client, const struct error *err)
{
    struct smtp_outcome outcome;

    if (err->class != ERROR_SETUP) {
        client_fail_text(client, SCOPE_CONNECTION, err->text);
        return;
    }
    outcome_local(&outcome, SMTP_STATE_AUTH, SCOPE_CREDENTIAL, ACTION_SUSPEND, err->status,
                  err->text);
    client_fail(client, &outcome, false);
}

void send_auth(struct smtp_client *client, struct mail *mail, size_t index)
{
    struct buf line;
    struct error err;

    (void)mail;
    (void)index;
    buf_init(&line, AUTH_LINE_LIMIT);
    if (auth_command(client->auth, &line, &err) == 0)
        send_hidden(client, buf_text(&line), true);
    else
        auth_failed(client, &err);
    buf_wipe(&line);
}

static void continue_auth(struct smtp_client *client, const struct reply *reply)
{
    struct buf line;
    struct error err;

    buf_init(&line, AUTH_LINE_LIMIT);
    if (auth_step(client->auth, buf_text(&reply->text), &line, &err) == 0)
        send_hidden(client, buf_text(&line), false);
    else
        auth_failed(client, &err);
    buf_wipe(&line);
}

void take_auth(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    struct error err;

    if (reply->code / 100 == 3)
        continue_auth(client, reply);
    else if (!is_positive(reply))
        refuse(client, awaited->state, reply);
    else if (auth_accepted(client->auth, &err) != 0)
        auth_failed(client, &err);
    else
        become_ready(client);
}
