/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transactions. With PIPELINING (RFC 2920) MAIL, all RCPT and DATA are one group, and so are the
 * content of one mail, its dot and the commands of the next mail. DATA ends a group: nothing is
 * sent between it and its reply. With CHUNKING (RFC 3030) nothing ends a group: the content follows
 * its envelope and the next mail follows the content. Without PIPELINING every command awaits its
 * reply.
 */
#include "config.h"

#include "smtp/client-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_LIMIT 571 /* the longest that Exchange takes */
#define LINE_SIZE 1024

static bool is_positive(const struct reply *reply)
{
    return reply->code / 100 == 2;
}

bool client_argument_valid(const char *text)
{
    size_t size = 0;

    for (; text[size] != '\0'; size++) {
        if (text[size] <= ' ' || text[size] > '~' || text[size] == '<' || text[size] == '>')
            return false;
    }
    return size > 0 && size <= ADDRESS_LIMIT;
}

void mail_free(struct mail *mail)
{
    for (size_t i = 0; mail->recipients != NULL && i < mail->recipient_count; i++) {
        free(mail->recipients[i].address);
        free(mail->recipients[i].held);
    }
    free(mail->recipients);
    free(mail->sender);
    free(mail->envelope_id);
    free(mail);
}

void client_drop_done(struct smtp_client *client)
{
    struct mail **link = &client->mails;

    while (client->state != SMTP_STATE_CLOSED && *link != NULL) {
        struct mail *mail = *link;

        if (mail->done && mail->awaited == 0 && mail != client->sending) {
            *link = mail->next;
            mail_free(mail);
        } else {
            link = &mail->next;
        }
    }
}

void mail_stop(struct smtp_client *client, struct mail *mail)
{
    mail->step = MAIL_SENT;
    if (client->sending == mail)
        client->sending = NULL;
}

void mail_tell(struct smtp_client *client, struct mail *mail, size_t index,
               const struct smtp_outcome *outcome)
{
    struct smtp_event *event = client_push_event(client, SMTP_RECIPIENT);

    event->tag = mail->tag;
    event->index = index;
    event->outcome = *outcome;
    mail->recipients[index].step = RECIPIENT_TOLD;
    if (++mail->told < mail->recipient_count)
        return;
    mail->done = true;
    client->mails_done++;
    if (mail->chunked && client->sending == mail) {
        client->reset_needed = true;
        client_drop_want(client, mail);
        mail_stop(client, mail);
    }
    client_push_event(client, SMTP_MAIL_DONE)->tag = mail->tag;
}

void mail_tell_rest(struct smtp_client *client, struct mail *mail,
                    const struct smtp_outcome *outcome)
{
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (mail->recipients[i].step != RECIPIENT_TOLD)
            mail_tell(client, mail, i, outcome);
    }
}

void send_mail(struct smtp_client *client, struct mail *mail, size_t index)
{
    char line[LINE_SIZE], size[40] = "", reports[DSN_SIZE];

    dsn_mail_parameters(client, mail, reports);
    if (client->caps.size)
        snprintf(size, sizeof size, " SIZE=%llu", (unsigned long long)mail->size);
    snprintf(line, sizeof line, "MAIL FROM:<%s>%s%s%s", mail->sender, size,
             mail->eight_bit ? " BODY=8BITMIME" : "", reports);
    client_send(client, line, line, SMTP_STATE_MAIL, mail, index);
}

void take_mail(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    struct mail *mail = awaited->mail;
    struct smtp_outcome outcome;

    if (is_positive(reply)) {
        mail->accepted_sender = true;
        return;
    }
    client_outcome(client, awaited->state, reply, &outcome);
    if (client_refused(client, &outcome))
        return;
    mail_tell_rest(client, mail, &outcome);
    if (!client->caps.pipelining)
        mail_stop(client, mail);
}

void send_rcpt(struct smtp_client *client, struct mail *mail, size_t index)
{
    const char *address = mail->recipients[index].address;
    char line[LINE_SIZE], reports[DSN_SIZE];

    dsn_rcpt_parameters(client, mail, address, reports);
    snprintf(line, sizeof line, "RCPT TO:<%s>%s", address, reports);
    client_send(client, line, line, SMTP_STATE_RCPT, mail, index);
}

static bool all_answered(const struct mail *mail)
{
    for (size_t i = 0; i < mail->recipient_count; i++) {
        if (mail->recipients[i].step == RECIPIENT_OPEN)
            return false;
    }
    return true;
}

/* Refusals to relay wait until it is known whether others are accepted. */
static void tell_held(struct smtp_client *client, struct mail *mail)
{
    for (size_t i = 0; i < mail->recipient_count; i++) {
        struct recipient *recipient = &mail->recipients[i];

        if (recipient->step != RECIPIENT_HELD)
            continue;
        if (client->accepted_any)
            outcome_others_accepted(recipient->held);
        mail_tell(client, mail, i, recipient->held);
    }
}

static bool hold(struct recipient *recipient, const struct smtp_outcome *outcome)
{
    recipient->held = malloc(sizeof *recipient->held);
    if (recipient->held == NULL)
        return false;
    *recipient->held = *outcome;
    recipient->step = RECIPIENT_HELD;
    return true;
}

static void recipient_refused(struct smtp_client *client, const struct awaited *awaited,
                              const struct reply *reply)
{
    struct mail *mail = awaited->mail;
    struct smtp_outcome outcome;

    client_outcome(client, awaited->state, reply, &outcome);
    if (client_refused(client, &outcome))
        return;
    if (mail->accepted == 0)
        outcome_no_progress(&outcome);
    if (client->accepted_any)
        outcome_others_accepted(&outcome);
    if (outcome_is_relay_refusal(&outcome) && hold(&mail->recipients[awaited->index], &outcome))
        return;
    mail_tell(client, mail, awaited->index, &outcome);
}

void take_rcpt(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    struct mail *mail = awaited->mail;

    if (mail->done)
        return;
    if (is_positive(reply)) {
        mail->recipients[awaited->index].step = RECIPIENT_ACCEPTED;
        mail->accepted++;
        client->accepted_any = true;
    } else {
        recipient_refused(client, awaited, reply);
    }
    if (client->state != SMTP_STATE_CLOSED && (client->accepted_any || all_answered(mail)))
        tell_held(client, mail);
}

void send_data(struct smtp_client *client, struct mail *mail, size_t index)
{
    client_send(client, "DATA", "DATA", SMTP_STATE_DATA, mail, index);
}

void take_data(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    struct mail *mail = awaited->mail;
    struct smtp_outcome outcome;

    if (reply->code / 100 == 3 && !mail->done) {
        mail->step = MAIL_CONTENT;
        dots_init(&client->dots);
        client_push_event(client, SMTP_WANT_CONTENT)->tag = mail->tag;
        return;
    }
    mail_stop(client, mail);
    if (reply->code / 100 == 3) {
        /* No recipient is left, but the server waits for content (RFC 2920 3.1). */
        client_command(client, SMTP_STATE_DOT, mail, 0);
        return;
    }
    client->reset_needed = mail->accepted_sender;
    if (mail->done)
        return;
    client_outcome(client, awaited->state, reply, &outcome);
    if (!client_refused(client, &outcome))
        mail_tell_rest(client, mail, &outcome);
}

void send_dot(struct smtp_client *client, struct mail *mail, size_t index)
{
    client_send(client, ".", ".", SMTP_STATE_DOT, mail, index);
}

void send_rset(struct smtp_client *client, struct mail *mail, size_t index)
{
    (void)mail;
    client->reset_needed = false;
    client_send(client, "RSET", "RSET", SMTP_STATE_RSET, NULL, index);
}

void take_rset(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    struct smtp_outcome outcome;

    if (is_positive(reply))
        return;
    client_outcome(client, awaited->state, reply, &outcome);
    client_fail(client, &outcome, reply->code != 421);
}

void send_quit(struct smtp_client *client, struct mail *mail, size_t index)
{
    (void)mail;
    client_send(client, "QUIT", "QUIT", SMTP_STATE_QUIT, NULL, index);
}

/* We are done whatever the server says. */
void take_quit(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    struct smtp_outcome outcome;

    client_outcome(client, awaited->state, reply, &outcome);
    client_close(client, &outcome);
}

static struct mail *next_mail(const struct smtp_client *client)
{
    struct mail *mail = client->mails;

    while (mail != NULL && (mail->done || mail->step != MAIL_GIVEN))
        mail = mail->next;
    return mail;
}

/* Whether the server really takes BDAT is seen at the first one. */
static bool may_begin(const struct smtp_client *client)
{
    return !client_chunks(client) || client->chunking == SMTP_CHUNKING_WORKS ||
           client->awaited.count == 0;
}

static void send_next_rcpt(struct smtp_client *client, struct mail *mail)
{
    while (mail->next_recipient < mail->recipient_count &&
           mail->recipients[mail->next_recipient].step != RECIPIENT_OPEN)
        mail->next_recipient++;
    if (mail->next_recipient < mail->recipient_count)
        client_command(client, SMTP_STATE_RCPT, mail, mail->next_recipient++);
    else
        mail->step = MAIL_DATA;
}

/* One command of the mail being sent; false when something has to be awaited first. */
static bool send_more(struct smtp_client *client, struct mail *mail)
{
    switch (mail->step) {
    case MAIL_GIVEN:
        if (client->reset_needed) {
            client_command(client, SMTP_STATE_RSET, NULL, 0);
            return true;
        }
        mail->step = MAIL_ENVELOPE;
        client_command(client, SMTP_STATE_MAIL, mail, 0);
        return true;
    case MAIL_ENVELOPE:
        send_next_rcpt(client, mail);
        return true;
    case MAIL_DATA:
        if (mail->done) {
            /* Known in time only when it had to be awaited: all recipients were refused. */
            client->reset_needed = true;
            mail_stop(client, mail);
            return true;
        }
        if (client_chunks(client)) {
            client_begin_chunks(client, mail);
            return false;
        }
        mail->step = MAIL_CONTENT;
        client_command(client, SMTP_STATE_DATA, mail, 0);
        return false;
    case MAIL_CONTENT:
    case MAIL_SENT:
        break;
    }
    return false;
}

void client_advance(struct smtp_client *client)
{
    bool more = client->ready;

    while (more && client->state != SMTP_STATE_CLOSED &&
           (client->caps.pipelining || client->awaited.count == 0)) {
        if (client->sending == NULL && may_begin(client))
            client->sending = next_mail(client);
        if (client->sending == NULL)
            break;
        more = send_more(client, client->sending);
    }
    client_drop_done(client);
    if (client->ready && client->quitting && client->mails == NULL && client->awaited.count == 0 &&
        client->state != SMTP_STATE_CLOSED)
        client_command(client, SMTP_STATE_QUIT, NULL, 0);
}
