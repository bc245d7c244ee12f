/* SPDX-License-Identifier: BSD-2-Clause */
/* Content: dot-stuffed behind DATA, or as it is in pieces of BDAT (RFC 3030). A piece is looked at
 * before its BDAT is written, so that content that must not go on the wire costs its transaction
 * and not the session. */
#include "config.h"

#include "smtp/client-int.h"

#include <stdio.h>

#define CONTENT_LIMIT ((size_t)1024 * 1024) /* of output; the rest of it is for commands */
#define COMMAND_ROOM 64                     /* for BDAT, its numbers and CR LF */
/* Larger content waits until a recipient is accepted: it would be sent in vain. */
#define EARLY_LIMIT ((uint64_t)64 * 1024)
/* Exchange ends a connection at the fifth command out of sequence (MaxProtocolErrors), and content
 * without a recipient is one: a session that had so many of them goes on with care. */
#define WASTED_LIMIT 3

static bool is_positive(const struct reply *reply)
{
    return reply->code / 100 == 2;
}

/* ---- beginning ---- */

bool client_chunks(const struct smtp_client *client)
{
    return client->caps.chunking && client->chunking != SMTP_CHUNKING_OFF;
}

void client_begin_chunks(struct smtp_client *client, struct mail *mail)
{
    bool early = !client->wary && client->chunking == SMTP_CHUNKING_WORKS &&
                 mail->size <= EARLY_LIMIT && client->wasted < WASTED_LIMIT;

    if (!early && client->awaited.count > 0)
        return;
    mail->chunked = true;
    mail->step = MAIL_CONTENT;
    dots_init(&client->dots);
    client_push_event(client, SMTP_WANT_CONTENT)->tag = mail->tag;
}

bool client_in_chunks(const struct smtp_client *client)
{
    const struct awaited_list *list = &client->awaited;
    const struct awaited *first = &list->items[list->head];

    if (list->count == 0)
        return client->sending != NULL && client->sending->chunked;
    return first->mail != NULL && first->mail->chunked &&
           (first->state == SMTP_STATE_BDAT || first->state == SMTP_STATE_DOT);
}

/* ---- content ---- */

/* The mail whose content is wanted now, or NULL. With DATA not before its reply. */
static struct mail *wanted(const struct smtp_client *client)
{
    struct mail *mail = client->sending;

    if (mail == NULL || mail->step != MAIL_CONTENT || client->state == SMTP_STATE_CLOSED)
        return NULL;
    return mail->chunked || client->state == SMTP_STATE_CONTENT ? mail : NULL;
}

static int not_wanted(struct error *err)
{
    return error_set(err, ERROR_SOFT, "4.3.0", "the session wants no content now");
}

static int write_stuffed(struct smtp_client *client, const void *data, size_t size,
                         struct error *err)
{
    size_t before = client->output.size;
    int result = dots_write(&client->dots, data, size, &client->output, err);

    client->appended += client->output.size - before;
    return result;
}

/* BDAT with the octets of DATA. */
static int append_chunk(struct smtp_client *client, const void *data, size_t size, bool last,
                        struct error *err)
{
    struct buf *output = &client->output;
    size_t before = output->size;
    char line[COMMAND_ROOM];
    int length = snprintf(line, sizeof line, "BDAT %zu%s", size, last ? " LAST" : "");

    client_trace(client, true, line);
    line[length++] = '\r';
    line[length++] = '\n';
    if (client_reserve_reply(client) != 0 || buf_append(output, line, (size_t)length) != 0)
        return error_set(err, ERROR_SOFT, "4.3.1", "no room for content waiting to be sent");
    if (buf_append(output, data, size) != 0) {
        output->size = before;
        return error_set(err, ERROR_SOFT, "4.3.1", "no room for content waiting to be sent");
    }
    client->appended += output->size - before;
    return 0;
}

static int write_chunk(struct smtp_client *client, struct mail *mail, const void *data, size_t size,
                       struct error *err)
{
    uint64_t octets = client->dots.octets + size;
    bool last = octets == mail->size;

    if (octets > mail->size || mail->end != 0)
        return error_set(err, ERROR_DATA, "5.3.5",
                         "there is more content than the %llu octets of "
                         "the message",
                         (unsigned long long)mail->size);
    if (dots_check(&client->dots, data, size, last, err) != 0 ||
        append_chunk(client, data, size, last, err) != 0)
        return -1;
    client_await(client, last ? SMTP_STATE_DOT : SMTP_STATE_BDAT, mail, 0);
    if (last) {
        mail->end = client->appended;
        /* It is closed by a good reply; until that is here nobody knows. */
        client->reset_needed = true;
    }
    return 0;
}

int smtp_client_content(struct smtp_client *client, const void *data, size_t size,
                        struct error *err)
{
    struct mail *mail = wanted(client);

    if (mail == NULL)
        return not_wanted(err);
    if (client->output.size > CONTENT_LIMIT || size > CONTENT_LIMIT)
        return error_set(err, ERROR_SOFT, "4.3.1", "too much content waits to be sent");
    if (!mail->chunked)
        return write_stuffed(client, data, size, err);
    return size > 0 ? write_chunk(client, mail, data, size, err) : 0;
}

static void trace_content(const struct smtp_client *client)
{
    char line[80];

    snprintf(line, sizeof line, "<content, %llu octets>", (unsigned long long)client->dots.octets);
    client_trace(client, true, line);
}

static int end_stuffed(struct smtp_client *client, struct mail *mail, struct error *err)
{
    size_t before = client->output.size;

    if (dots_end(&client->dots, &client->output, err) != 0)
        return -1;
    client->appended += client->output.size - before;
    mail->end = client->appended;
    client_await(client, SMTP_STATE_DOT, mail, 0);
    return 0;
}

static int end_chunks(struct smtp_client *client, struct mail *mail, struct error *err)
{
    if (client->dots.octets != mail->size)
        return error_set(err, ERROR_DATA, "5.3.5", "there are %llu octets of content, not %llu",
                         (unsigned long long)client->dots.octets, (unsigned long long)mail->size);
    return mail->end == 0 ? write_chunk(client, mail, "", 0, err) : 0;
}

int smtp_client_content_end(struct smtp_client *client, struct error *err)
{
    struct mail *mail = wanted(client);

    if (mail == NULL)
        return not_wanted(err);
    if ((mail->chunked ? end_chunks(client, mail, err) : end_stuffed(client, mail, err)) != 0)
        return -1;
    trace_content(client);
    mail_stop(client, mail);
    client_advance(client);
    client_update_state(client);
    return 0;
}

void smtp_client_content_abort(struct smtp_client *client, const char *text)
{
    struct mail *mail = wanted(client);
    struct smtp_outcome outcome;

    if (mail == NULL)
        return;
    if (!mail->chunked) {
        client_fail_text(client, SCOPE_MESSAGE, text);
        return;
    }
    outcome_from_failure(&outcome, SMTP_STATE_CONTENT, SCOPE_MESSAGE, text);
    mail_tell_rest(client, mail, &outcome);
    client_advance(client);
    client_update_state(client);
}

/* ---- replies ---- */

/*
 * BDAT itself is what the server does not take, although it offers it: true, and the session is
 * over, because a server that does not know BDAT reads the content as commands. Nothing of this
 * mail was taken: it comes again at once, by DATA.
 */
static bool chunking_refused(struct smtp_client *client, struct mail *mail,
                             const struct reply *reply, const struct smtp_outcome *outcome)
{
    struct smtp_outcome again;
    char text[SMTP_TEXT_SIZE];

    if (!mail->chunked || mail->done || reply->code < 500 || reply->code > 504 ||
        outcome->scope != SCOPE_MESSAGE)
        return false;
    client->chunking = SMTP_CHUNKING_OFF;
    mail->end = 0;
    snprintf(text, sizeof text, "the server offers CHUNKING and refuses BDAT: %d %.400s",
             reply->code, outcome->text);
    outcome_local(&again, outcome->state, SCOPE_CONNECTION, ACTION_AGAIN, "4.5.0", text);
    client_fail(client, &again, false);
    return true;
}

void take_bdat(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    struct mail *mail = awaited->mail;
    struct smtp_outcome outcome;

    if (is_positive(reply)) {
        client->chunking = SMTP_CHUNKING_WORKS;
        return;
    }
    if (mail->done) {
        client->wasted++;
        return;
    }
    client_outcome(client, awaited->state, reply, &outcome);
    if (!chunking_refused(client, mail, reply, &outcome) && !client_refused(client, &outcome))
        mail_tell_rest(client, mail, &outcome);
}

/* A good reply to the last thing sent: no transaction is open. */
static void note_closed(struct smtp_client *client)
{
    client->chunking = SMTP_CHUNKING_WORKS;
    if (client->awaited.count == 0 && client->sending == NULL)
        client->reset_needed = false;
}

void take_dot(struct smtp_client *client, const struct awaited *awaited, const struct reply *reply)
{
    struct mail *mail = awaited->mail;
    struct smtp_outcome outcome;

    if (mail->chunked && is_positive(reply))
        note_closed(client);
    else if (mail->chunked && mail->done)
        client->wasted++;
    client_outcome(client, awaited->state, reply, &outcome);
    if (chunking_refused(client, mail, reply, &outcome))
        return;
    /* Also a reply that ends the session is the answer for this mail. */
    mail_tell_rest(client, mail, &outcome);
    if (!is_positive(reply))
        client_refused(client, &outcome);
}
