/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine: states and their rules, awaited replies, events, the ends of a session. */
#include "config.h"

#include "smtp/client-int.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)

#define POSITIVE 1u     /* 2xx */
#define INTERMEDIATE 2u /* 3xx */
#define SPARE_EVENTS 8  /* those that belong to no mail, and a margin */

struct rules {
    send_command *send;
    take_reply *take;
    unsigned replies; /* beside refusals */
    int64_t limit_ms; /* RFC 5321 4.5.3.2; as MAIL where it names none */
};

static const struct rules RULES[] = {
    [SMTP_STATE_CONNECT] = {NULL, NULL, 0, 5 * MINUTE},
    [SMTP_STATE_GREETING] = {NULL, take_greeting, POSITIVE, 5 * MINUTE},
    [SMTP_STATE_EHLO] = {send_ehlo, take_ehlo, POSITIVE, 5 * MINUTE},
    [SMTP_STATE_HELO] = {send_helo, take_helo, POSITIVE, 5 * MINUTE},
    [SMTP_STATE_STARTTLS] = {send_starttls, take_starttls, POSITIVE, 5 * MINUTE},
    [SMTP_STATE_TLS] = {NULL, NULL, 0, 5 * MINUTE},
    [SMTP_STATE_AUTH] = {send_auth, take_auth, POSITIVE | INTERMEDIATE, 5 * MINUTE},
    [SMTP_STATE_MAIL] = {send_mail, take_mail, POSITIVE, 5 * MINUTE},
    [SMTP_STATE_RCPT] = {send_rcpt, take_rcpt, POSITIVE, 5 * MINUTE},
    [SMTP_STATE_DATA] = {send_data, take_data, INTERMEDIATE, 2 * MINUTE},
    [SMTP_STATE_CONTENT] = {NULL, NULL, 0, 3 * MINUTE},
    [SMTP_STATE_BDAT] = {NULL, take_bdat, POSITIVE, 3 * MINUTE},
    [SMTP_STATE_DOT] = {send_dot, take_dot, POSITIVE, 10 * MINUTE},
    [SMTP_STATE_RSET] = {send_rset, take_rset, POSITIVE, 5 * MINUTE},
    [SMTP_STATE_QUIT] = {send_quit, take_quit, POSITIVE, 30 * SECOND},
    [SMTP_STATE_CLOSED] = {NULL, NULL, 0, 0},
};

int64_t smtp_client_time_limit_ms(const struct smtp_client *client)
{
    int64_t limit = RULES[client->state].limit_ms / client->time_divisor;

    return limit > 0 || RULES[client->state].limit_ms == 0 ? limit : 1;
}

void client_command(struct smtp_client *client, enum smtp_state state, struct mail *mail,
                    size_t index)
{
    if (client->state != SMTP_STATE_CLOSED)
        RULES[state].send(client, mail, index);
}

void client_set_state(struct smtp_client *client, enum smtp_state state)
{
    client->state = state;
}

void client_update_state(struct smtp_client *client)
{
    if (client->state == SMTP_STATE_CLOSED || client->state == SMTP_STATE_TLS)
        return;
    if (client->awaited.count > 0)
        client_set_state(client, client->awaited.items[client->awaited.head].state);
    else if (client->sending != NULL && client->sending->step == MAIL_CONTENT)
        client_set_state(client, SMTP_STATE_CONTENT);
    else
        client_set_state(client, SMTP_STATE_IDLE);
}

/* Room for COUNT + MORE items of ITEM octets; the live ones move to the front. */
static void *make_room(void *items, size_t head, size_t count, size_t *capacity, size_t more,
                       size_t item)
{
    uint8_t *data = items;

    if (head > 0)
        memmove(data, data + head * item, count * item);
    if (count + more > *capacity) {
        data = realloc(data, (count + more) * item);
        if (data == NULL)
            return NULL;
        *capacity = count + more;
    }
    return data;
}

static int reserve_events(struct event_list *list, size_t more)
{
    void *items =
        make_room(list->items, list->head, list->count, &list->capacity, more, sizeof *list->items);

    list->head = 0;
    if (items == NULL)
        return -1;
    list->items = items;
    return 0;
}

static int reserve_awaited(struct awaited_list *list, size_t more)
{
    void *items =
        make_room(list->items, list->head, list->count, &list->capacity, more, sizeof *list->items);

    list->head = 0;
    if (items == NULL)
        return -1;
    list->items = items;
    return 0;
}

/* A mail has an event for each recipient and two more, and awaits at most four replies beside those
 * of its recipients. */
int client_reserve(struct smtp_client *client, size_t size)
{
    size_t more = size + SPARE_EVENTS;

    for (const struct mail *mail = client->mails; mail != NULL; mail = mail->next)
        more += mail->recipient_count + 4;
    if (reserve_events(&client->events, more) != 0)
        return -1;
    return reserve_awaited(&client->awaited, more);
}

int client_reserve_reply(struct smtp_client *client)
{
    const struct awaited_list *list = &client->awaited;

    return list->head + list->count < list->capacity ? 0 : client_reserve(client, list->count + 1);
}

struct smtp_event *client_push_event(struct smtp_client *client, enum smtp_event_type type)
{
    struct event_list *list = &client->events;
    struct smtp_event *event;

    assert(list->head + list->count < list->capacity);
    event = &list->items[list->head + list->count++];
    memset(event, 0, sizeof *event);
    event->type = type;
    return event;
}

void smtp_client_event(struct smtp_client *client, struct smtp_event *out)
{
    struct event_list *list = &client->events;

    if (list->count == 0) {
        memset(out, 0, sizeof *out);
        out->type = SMTP_NOTHING;
        return;
    }
    *out = list->items[list->head++];
    if (--list->count == 0)
        list->head = 0;
}

void client_trace(const struct smtp_client *client, bool sent, const char *line)
{
    if (client->trace != NULL)
        client->trace(client->trace_context, sent, line);
}

void client_await(struct smtp_client *client, enum smtp_state state, struct mail *mail,
                  size_t index)
{
    struct awaited_list *list = &client->awaited;

    assert(list->head + list->count < list->capacity);
    list->items[list->head + list->count++] =
        (struct awaited){.state = state, .mail = mail, .index = index, .end = client->appended};
    if (mail != NULL)
        mail->awaited++;
}

void client_send(struct smtp_client *client, const char *line, const char *shown,
                 enum smtp_state state, struct mail *mail, size_t index)
{
    if (buf_append_text(&client->output, line) != 0 ||
        buf_append_text(&client->output, "\r\n") != 0) {
        client_fail_text(client, SCOPE_CONNECTION, "out of memory for commands");
        return;
    }
    client->appended += strlen(line) + 2;
    client_trace(client, true, shown);
    client_await(client, state, mail, index);
}

/* What the caller was asked to do is over, too; what happened stays. */
static void drop_requests(struct event_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct smtp_event event = list->items[list->head + i];

        if (event.type != SMTP_START_TLS && event.type != SMTP_WANT_CONTENT)
            list->items[list->head + kept++] = event;
    }
    list->count = kept;
}

void client_drop_want(struct smtp_client *client, const struct mail *mail)
{
    struct event_list *list = &client->events;
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        const struct smtp_event event = list->items[list->head + i];

        if (event.type != SMTP_WANT_CONTENT || event.tag != mail->tag)
            list->items[list->head + kept++] = event;
    }
    list->count = kept;
}

/* Nothing is sent or taken any more. */
static void end_session(struct smtp_client *client, const struct smtp_outcome *outcome)
{
    client->failure = *outcome;
    client->sent = client->appended - client->output.size;
    client_set_state(client, SMTP_STATE_CLOSED);
    drop_requests(&client->events);
    client->awaited.count = 0;
    client->output.size = 0;
    client->sending = NULL;
    client->unfinished = client->mails;
    auth_free(client->auth);
    client->auth = NULL;
}

void client_close(struct smtp_client *client, const struct smtp_outcome *outcome)
{
    end_session(client, outcome);
    client_push_event(client, SMTP_CLOSED)->outcome = *outcome;
}

void client_fail(struct smtp_client *client, const struct smtp_outcome *outcome, bool politely)
{
    bool quit = politely && client->awaited.count == 0 && client->output.size == 0;

    if (client->state == SMTP_STATE_CLOSED)
        return;
    end_session(client, outcome);
    client_push_event(client, SMTP_FAILED)->outcome = *outcome;
    if (quit && buf_append_text(&client->output, "QUIT\r\n") == 0)
        client_trace(client, true, "QUIT");
}

static void adjust_to_progress(const struct smtp_client *client, struct smtp_outcome *outcome)
{
    if (outcome->scope == SCOPE_CONNECTION && client->mails_done == 0)
        outcome_no_progress(outcome);
}

void client_fail_text(struct smtp_client *client, enum smtp_scope scope, const char *text)
{
    struct smtp_outcome outcome;

    outcome_from_failure(&outcome, client->state, scope, text);
    adjust_to_progress(client, &outcome);
    client_fail(client, &outcome, false);
}

static bool is_idle(const struct smtp_client *client)
{
    return client->state == SMTP_STATE_IDLE && client->mails == NULL;
}

void smtp_client_lost(struct smtp_client *client, enum smtp_scope scope, const char *text)
{
    struct smtp_outcome outcome;

    /* Some who stand in between do not know BDAT and end what they do not know. */
    if (client->chunking == SMTP_CHUNKING_TRY && client_in_chunks(client))
        client->chunking = SMTP_CHUNKING_OFF;
    if (client->state != SMTP_STATE_QUIT && !is_idle(client)) {
        client_fail_text(client, scope, text);
        return;
    }
    outcome_from_failure(&outcome, client->state, scope, text);
    adjust_to_progress(client, &outcome);
    client_close(client, &outcome);
}

void smtp_client_time_out(struct smtp_client *client)
{
    if (client_in_chunks(client))
        client->chunking = SMTP_CHUNKING_OFF;
    smtp_client_lost(client, SCOPE_CONNECTION, "no reply within the time limit");
}

void client_injected(struct smtp_client *client)
{
    client_fail_text(client, SCOPE_HOST,
                     "octets in clear text between the reply to STARTTLS and the handshake: "
                     "someone in between tries to inject replies, or the server is broken");
}

void client_outcome(const struct smtp_client *client, enum smtp_state state,
                    const struct reply *reply, struct smtp_outcome *out)
{
    char text[SMTP_TEXT_SIZE];

    reply_join(reply, text, sizeof text);
    if (client->auth != NULL)
        auth_redact(client->auth, text);
    outcome_from_reply(out, state, reply->code, reply->status, text);
    adjust_to_progress(client, out);
}

bool client_refused(struct smtp_client *client, const struct smtp_outcome *outcome)
{
    if (outcome->code != 421 && outcome->scope != SCOPE_CONNECTION)
        return false;
    client_fail(client, outcome, outcome->code != 421);
    return true;
}

static void protocol_error(struct smtp_client *client, const char *what, const struct reply *reply)
{
    char text[SMTP_TEXT_SIZE], joined[SMTP_TEXT_SIZE - 100];

    reply_join(reply, joined, sizeof joined);
    if (client->auth != NULL)
        auth_redact(client->auth, joined);
    snprintf(text, sizeof text, "protocol error: %s: %d %s", what, reply->code, joined);
    client_fail_text(client, SCOPE_CONNECTION, text);
}

/* Nobody asked: the server may say why it is going to close, anything else is out of step. */
static void take_unasked(struct smtp_client *client, const struct reply *reply)
{
    struct smtp_outcome outcome;

    if (reply->code / 100 != 4) {
        protocol_error(client, "reply to nothing", reply);
        return;
    }
    client_outcome(client, client->state, reply, &outcome);
    if (is_idle(client))
        client_close(client, &outcome);
    else
        client_fail(client, &outcome, false);
}

/* The lines as they came; what is said in an AUTH exchange is nobody's business. */
static void trace_reply(const struct smtp_client *client, const struct reply *reply)
{
    const char *text = buf_text(&reply->text);
    char line[SMTP_TEXT_SIZE];

    if (client->trace == NULL)
        return;
    for (size_t i = 1; i <= reply->lines; i++) {
        size_t size = strcspn(text, "\n");

        snprintf(line, sizeof line, "%d%c%.*s", reply->code, i < reply->lines ? '-' : ' ',
                 (int)size, reply->code / 100 == 3 && client->auth != NULL ? "" : text);
        if (reply->code / 100 == 3 && client->auth != NULL)
            snprintf(line, sizeof line, "%d <hidden>", reply->code);
        else if (client->auth != NULL)
            auth_redact(client->auth, line);
        client_trace(client, false, line);
        text += text[size] == '\n' ? size + 1 : size;
    }
}

static bool is_acceptable(enum smtp_state state, int code)
{
    const unsigned replies = RULES[state].replies;

    if (code / 100 == 2)
        return (replies & POSITIVE) != 0;
    return code / 100 != 3 || (replies & INTERMEDIATE) != 0;
}

void client_take_reply(struct smtp_client *client, const struct reply *reply)
{
    struct awaited_list *list = &client->awaited;
    struct awaited first;

    client->replies++;
    client->wary = false;
    trace_reply(client, reply);
    if (list->count == 0 || list->items[list->head].end > client->appended - client->output.size) {
        take_unasked(client, reply);
        return;
    }
    first = list->items[list->head++];
    if (--list->count == 0)
        list->head = 0;
    if (first.mail != NULL)
        first.mail->awaited--;
    if (!is_acceptable(first.state, reply->code)) {
        protocol_error(client, "wrong reply", reply);
        return;
    }
    RULES[first.state].take(client, &first, reply);
    client_drop_done(client);
    client_advance(client);
    client_update_state(client);
}
