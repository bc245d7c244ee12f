/* SPDX-License-Identifier: BSD-2-Clause */
/* What callers see. */
#include "config.h"

#include "smtp/client-int.h"

#include <stdlib.h>
#include <string.h>

#define MIB ((size_t)1024 * 1024)
#define OUTPUT_LIMIT (4 * MIB)

static void free_settings(struct smtp_client *client)
{
    for (size_t i = 0; client->mechanisms != NULL && client->mechanisms[i] != NULL; i++)
        free(client->mechanisms[i]);
    free(client->mechanisms);
    free(client->helo);
    free(client->server);
    free(client->user);
}

static int copy_mechanisms(struct smtp_client *client, const struct smtp_settings *settings)
{
    if (settings->mechanisms == NULL)
        return 0;
    client->mechanisms = calloc(settings->mechanism_count + 1, sizeof *client->mechanisms);
    if (client->mechanisms == NULL)
        return -1;
    for (size_t i = 0; i < settings->mechanism_count; i++) {
        client->mechanisms[i] = strdup(settings->mechanisms[i]);
        if (client->mechanisms[i] == NULL)
            return -1;
    }
    client->settings.mechanisms = (const char *const *)client->mechanisms;
    return 0;
}

static int copy_settings(struct smtp_client *client, const struct smtp_settings *settings)
{
    client->settings = *settings;
    client->helo = strdup(settings->helo);
    client->server = strdup(settings->server != NULL ? settings->server : "");
    if (client->helo == NULL || client->server == NULL)
        return -1;
    if (settings->user != NULL && (client->user = strdup(settings->user)) == NULL)
        return -1;
    client->settings.helo = client->helo;
    client->settings.server = client->server;
    client->settings.user = client->user;
    if (settings->pipeline == 0)
        client->settings.pipeline = 1;
    return copy_mechanisms(client, settings);
}

static int check_settings(const struct smtp_settings *settings, struct error *err)
{
    if (settings->helo == NULL || strlen(settings->helo) > 255 ||
        !client_argument_valid(settings->helo))
        return error_set(err, ERROR_SETUP, "",
                         "the name for EHLO must be a host name or an address literal");
    if (settings->user != NULL && settings->password == NULL)
        return error_set(err, ERROR_SETUP, "", "there is a user for AUTH, but no password");
    return settings->user != NULL ? auth_initialize(err) : 0;
}

int smtp_client_new(struct smtp_client **out, const struct smtp_settings *settings,
                    struct error *err)
{
    struct smtp_client *client;

    *out = NULL;
    if (check_settings(settings, err) != 0)
        return -1;
    client = calloc(1, sizeof *client);
    if (client == NULL)
        return error_set(err, ERROR_SOFT, "4.3.0", "out of memory");
    reply_parser_init(&client->parser);
    buf_init(&client->output, OUTPUT_LIMIT);
    client->time_divisor = 1;
    client->chunking = settings->chunking;
    if (copy_settings(client, settings) != 0 || client_reserve(client, 0) != 0) {
        smtp_client_free(client);
        return error_set(err, ERROR_SOFT, "4.3.0", "out of memory");
    }
    client_await(client, SMTP_STATE_GREETING, NULL, 0);
    client_set_state(client, SMTP_STATE_CONNECT);
    if (settings->tls == SMTP_TLS_IMPLICIT)
        client_push_event(client, SMTP_START_TLS);
    *out = client;
    return 0;
}

void smtp_client_free(struct smtp_client *client)
{
    if (client == NULL)
        return;
    while (client->mails != NULL) {
        struct mail *mail = client->mails;

        client->mails = mail->next;
        mail_free(mail);
    }
    auth_free(client->auth);
    free_settings(client);
    reply_parser_clear(&client->parser);
    buf_wipe(&client->output);
    free(client->awaited.items);
    free(client->events.items);
    free(client);
}

void smtp_client_connected(struct smtp_client *client)
{
    if (client->state == SMTP_STATE_CONNECT)
        client_set_state(client, client->settings.tls == SMTP_TLS_IMPLICIT ? SMTP_STATE_TLS
                                                                           : SMTP_STATE_GREETING);
}

void smtp_client_input(struct smtp_client *client, const void *data, size_t size)
{
    const uint8_t *at = data;

    smtp_client_connected(client);
    while (size > 0 && client->state != SMTP_STATE_CLOSED) {
        enum reply_result result;
        size_t used;

        if (client->state == SMTP_STATE_TLS) {
            client_injected(client);
            return;
        }
        result = reply_parse(&client->parser, at, size, &used);
        at += used;
        size -= used;
        if (result == REPLY_BAD)
            client_fail_text(client, SCOPE_CONNECTION, client->parser.problem);
        else if (result == REPLY_DONE)
            client_take_reply(client, &client->parser.reply);
    }
}

void smtp_client_tls_started(struct smtp_client *client)
{
    smtp_client_connected(client);
    if (client->state != SMTP_STATE_TLS)
        return;
    client->tls_on = true;
    /* Leaves SMTP_STATE_TLS, which stays of itself. */
    client_set_state(client, SMTP_STATE_IDLE);
    if (client->settings.tls == SMTP_TLS_STARTTLS)
        client_command(client, SMTP_STATE_EHLO, NULL, 0);
    client_update_state(client);
}

struct buf *smtp_client_output(struct smtp_client *client)
{
    return &client->output;
}

bool smtp_client_can_mail(const struct smtp_client *client)
{
    size_t limit = client->caps.pipelining ? client->settings.pipeline : 1;
    size_t given = 0;

    if (!client->ready || client->quitting || client->state == SMTP_STATE_CLOSED)
        return false;
    for (const struct mail *mail = client->mails; mail != NULL; mail = mail->next)
        given++;
    return given < limit;
}

static struct mail *copy_mail(const struct smtp_mail *from)
{
    struct mail *mail = calloc(1, sizeof *mail);

    if (mail == NULL)
        return NULL;
    mail->tag = from->tag;
    mail->size = from->size;
    mail->eight_bit = from->eight_bit;
    mail->recipient_count = from->recipient_count;
    mail->sender = strdup(from->sender);
    mail->recipients = calloc(from->recipient_count, sizeof *mail->recipients);
    mail->notify = from->envelope_id != NULL;
    mail->envelope_id = calloc(1, DSN_ENVELOPE_ID_MAX + 1);
    if (mail->sender == NULL || mail->recipients == NULL || mail->envelope_id == NULL)
        goto failed;
    if (mail->notify)
        dsn_xtext(from->envelope_id, mail->envelope_id, DSN_ENVELOPE_ID_MAX + 1);
    for (size_t i = 0; i < from->recipient_count; i++) {
        mail->recipients[i].address = strdup(from->recipients[i]);
        if (mail->recipients[i].address == NULL)
            goto failed;
    }
    return mail;

failed:
    mail_free(mail);
    return NULL;
}

static void add_mail(struct smtp_client *client, struct mail *mail)
{
    struct mail **link = &client->mails;

    while (*link != NULL)
        link = &(*link)->next;
    *link = mail;
}

/* Refuses what need not be asked; the mail is done when nothing is left. */
static void refuse_locally(struct smtp_client *client, struct mail *mail)
{
    const struct caps *caps = &client->caps;
    struct smtp_outcome outcome;

    outcome_local(&outcome, SMTP_STATE_MAIL, SCOPE_MESSAGE, ACTION_FAIL, "", "");
    if (mail->sender[0] != '\0' && !client_argument_valid(mail->sender))
        outcome_local(&outcome, SMTP_STATE_MAIL, SCOPE_SENDER, ACTION_FAIL, "5.1.7",
                      "the sender address cannot be written in a MAIL command");
    else if (caps->size_limit != 0 && mail->size > caps->size_limit)
        outcome_local(&outcome, SMTP_STATE_MAIL, SCOPE_MESSAGE, ACTION_FAIL, "5.3.4",
                      "the message is larger than the server takes");
    else if (mail->eight_bit && !caps->eight_bit)
        outcome_local(&outcome, SMTP_STATE_MAIL, SCOPE_MESSAGE, ACTION_FAIL, "5.6.3",
                      "the message has 8-bit content, which the server does not take");
    if (outcome.status[0] != '\0') {
        mail_tell_rest(client, mail, &outcome);
        return;
    }
    outcome_local(&outcome, SMTP_STATE_RCPT, SCOPE_RECIPIENT, ACTION_FAIL, "5.1.3",
                  "the address cannot be written in a RCPT command");
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (!client_argument_valid(mail->recipients[i].address))
            mail_tell(client, mail, i, &outcome);
    }
}

int smtp_client_mail(struct smtp_client *client, const struct smtp_mail *mail, struct error *err)
{
    struct mail *copy;

    if (!smtp_client_can_mail(client))
        return error_set(err, ERROR_SOFT, "4.3.0", "the session takes no mail now");
    if (mail->recipient_count == 0 || mail->recipient_count > SMTP_RECIPIENTS_LIMIT)
        return error_set(err, ERROR_SOFT, "4.5.3", "a mail of %zu recipients, not 1 to %d",
                         mail->recipient_count, SMTP_RECIPIENTS_LIMIT);
    copy = copy_mail(mail);
    if (copy == NULL || client_reserve(client, mail->recipient_count + 4) != 0) {
        if (copy != NULL)
            mail_free(copy);
        return error_set(err, ERROR_SOFT, "4.3.0", "out of memory");
    }
    add_mail(client, copy);
    refuse_locally(client, copy);
    client_advance(client);
    client_update_state(client);
    return 0;
}

void smtp_client_quit(struct smtp_client *client)
{
    client->quitting = true;
    client_advance(client);
    client_update_state(client);
}

enum smtp_state smtp_client_state(const struct smtp_client *client)
{
    return client->state;
}

uint64_t smtp_client_replies(const struct smtp_client *client)
{
    return client->replies;
}

void smtp_client_scale_time(struct smtp_client *client, unsigned divisor)
{
    client->time_divisor = divisor > 0 ? divisor : 1;
}

/* Who was not in the middle of it has nothing to do with the end of a connection that served others
 * well, and whose content may have arrived cannot simply come again. */
static void concern(const struct smtp_client *client, const struct mail *mail,
                    struct smtp_unfinished *out)
{
    struct smtp_outcome *outcome = &out->outcome;

    *outcome = client->failure;
    if (out->doubt && outcome->action == ACTION_AGAIN)
        outcome->action = ACTION_DEFER;
    if (out->doubt || outcome->action != ACTION_DEFER || outcome->scope != SCOPE_CONNECTION ||
        outcome->code != 0 || client->mails_done == 0)
        return;
    if (mail->step != MAIL_CONTENT ||
        (outcome->state != SMTP_STATE_CONTENT && outcome->state != SMTP_STATE_BDAT))
        outcome->action = ACTION_AGAIN;
}

bool smtp_client_unfinished(struct smtp_client *client, struct smtp_unfinished *out)
{
    struct mail *mail = client->unfinished;

    while (mail != NULL && mail->done)
        mail = mail->next;
    client->unfinished = mail != NULL ? mail->next : NULL;
    if (mail == NULL)
        return false;
    out->tag = mail->tag;
    out->doubt = mail->end != 0 && mail->end <= client->sent;
    concern(client, mail, out);
    return true;
}

void smtp_client_never_left(struct smtp_client *client, size_t size)
{
    client->sent -= size < client->sent ? size : client->sent;
}

void smtp_client_wary(struct smtp_client *client)
{
    client->wary = true;
}

enum smtp_chunking smtp_client_chunking(const struct smtp_client *client)
{
    return client->chunking;
}

const char *smtp_client_extensions(const struct smtp_client *client)
{
    return client->caps.keywords;
}

const char *smtp_client_mechanism(const struct smtp_client *client)
{
    return client->mechanism;
}

uint64_t smtp_client_size_limit(const struct smtp_client *client)
{
    return client->caps.size_limit;
}

void smtp_client_set_trace(struct smtp_client *client, smtp_trace *trace, void *context)
{
    client->trace = trace;
    client->trace_context = context;
}
