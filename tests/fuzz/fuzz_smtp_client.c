/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any octets as a server. The first octet chooses the settings; 0xFF ends a piece of input. What
 * must hold: nothing secret and no mail before TLS where TLS is required; each recipient has one
 * outcome; events come in order; the end is the end; BDAT only when it may be used, and as many
 * octets behind it as it says; RSET between content and the next MAIL of a flight.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "smtp/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

#define CONTENT "Subject: x\r\n\r\n.\r\n"
#define LARGE ((size_t)70000)
#define MAILS 4
#define RECIPIENTS 3

enum {
    FLAG_STARTTLS = 1,
    FLAG_IMPLICIT = 2,
    FLAG_USER = 4,
    FLAG_PLAIN = 8,
    FLAG_PIPELINE = 16,
    FLAG_CHUNK = 32, /* BDAT may be used */
    FLAG_PROVEN = 64,
    FLAG_LATE = 128, /* the end is a time limit */
};

struct mail_seen {
    bool given, wanted, ended, done;
    unsigned told;
    bool recipient[RECIPIENTS];
};

struct run {
    struct smtp_client *client;
    unsigned flags;
    bool secure, ready, over;
    bool open; /* a transaction, as the server sees it */
    struct mail_seen mails[MAILS];
    unsigned given;
};

static struct smtp_client *new_client(unsigned flags)
{
    const struct smtp_settings settings = {
        .helo = "me.test",
        .tls = (flags & FLAG_STARTTLS) != 0   ? SMTP_TLS_STARTTLS
               : (flags & FLAG_IMPLICIT) != 0 ? SMTP_TLS_IMPLICIT
                                              : SMTP_TLS_NONE,
        .server = "mx.test",
        .user = (flags & FLAG_USER) != 0 ? "relay" : NULL,
        .password = "secret",
        .plain_without_tls = (flags & FLAG_PLAIN) != 0,
        .pipeline = (flags & FLAG_PIPELINE) != 0 ? 3 : 1,
        .chunking = (flags & FLAG_CHUNK) == 0    ? SMTP_CHUNKING_OFF
                    : (flags & FLAG_PROVEN) != 0 ? SMTP_CHUNKING_WORKS
                                                 : SMTP_CHUNKING_TRY,
    };
    struct smtp_client *client = NULL;
    struct error err;

    REQUIRE(smtp_client_new(&client, &settings, &err) == 0);
    return client;
}

static bool contains(const struct buf *output, const char *text)
{
    return memmem(buf_text(output), output->size, text, strlen(text)) != NULL;
}

static bool begins(const char *line, const char *text)
{
    return strncmp(line, text, strlen(text)) == 0;
}

/* Octets of content behind BDAT. */
static size_t check_bdat(struct run *run, const char *line, bool *last)
{
    char *end;
    size_t size = strtoul(line + 5, &end, 10);

    *last = begins(end, " LAST\r\n");
    REQUIRE((run->flags & FLAG_CHUNK) != 0 && run->open);
    REQUIRE(*last || begins(end, "\r\n"));
    return size;
}

/* The commands as a server reads them; content by DATA is in it, too, and none of its lines looks
 * like a command. */
static void check_commands(struct run *run, const struct buf *output)
{
    const char *text = buf_text(output);
    bool behind = false; /* BDAT LAST, and nobody knows its reply */
    size_t at = 0;

    while (at < output->size) {
        const char *line = text + at, *end = memmem(line, output->size - at, "\r\n", 2);

        REQUIRE(end != NULL);
        at += (size_t)(end - line) + 2;
        if (begins(line, "MAIL ")) {
            REQUIRE(!behind);
            run->open = true;
        } else if (begins(line, "RSET\r\n")) {
            run->open = false;
            behind = false;
        } else if (begins(line, "BDAT ")) {
            size_t size = check_bdat(run, line, &behind);

            REQUIRE(size <= output->size - at);
            at += size;
        }
    }
}

static void check_output(struct run *run)
{
    struct buf *output = smtp_client_output(run->client);
    bool needs_tls = (run->flags & (FLAG_STARTTLS | FLAG_IMPLICIT)) != 0;

    if (needs_tls && !run->secure) {
        REQUIRE(!contains(output, "AUTH") && !contains(output, "MAIL"));
        REQUIRE(!contains(output, "AHJlbGF5AHNlY3JldA") && !contains(output, "c2VjcmV0"));
    }
    if (!run->secure && (run->flags & FLAG_PLAIN) == 0)
        REQUIRE(!contains(output, "AUTH PLAIN") && !contains(output, "AUTH LOGIN"));
    if (!run->ready)
        REQUIRE(!contains(output, "MAIL FROM"));
    check_commands(run, output);
    buf_consume(output, output->size);
}

/* The third mail is too large to be sent before its envelope was answered. */
static size_t sizes(uint64_t tag)
{
    return tag == 2 ? LARGE : sizeof CONTENT - 1;
}

static void give_mails(struct run *run)
{
    static const char *const RECIPIENT_LIST[RECIPIENTS] = {"a@b.test", "<evil>", "c@d.test"};
    struct error err;

    while (run->given < MAILS && smtp_client_can_mail(run->client)) {
        const struct smtp_mail mail = {.tag = run->given,
                                       .sender = "me@b.test",
                                       .recipients = RECIPIENT_LIST,
                                       .recipient_count = RECIPIENTS,
                                       .size = sizes(run->given),
                                       .eight_bit = run->given == 2,
                                       .envelope_id = run->given == 1 ? "<1@b.test>" : NULL};

        REQUIRE(smtp_client_mail(run->client, &mail, &err) == 0);
        run->mails[run->given++].given = true;
    }
    if (run->given == MAILS)
        smtp_client_quit(run->client);
}

/* In two pieces when it is large. The second mail has content that must not pass. */
static void give_content(struct run *run, const struct smtp_event *event)
{
    static const char text[] = CONTENT;
    struct mail_seen *mail = &run->mails[event->tag];
    static char block[LARGE];
    struct error err;

    REQUIRE(!mail->wanted && !mail->done);
    mail->wanted = true;
    if (event->tag == 1) {
        REQUIRE(smtp_client_content(run->client, "x\n.\r\n", 5, &err) != 0);
        smtp_client_content_abort(run->client, "bare line feed");
        return;
    }
    if (event->tag == 2) {
        memset(block, 'x', sizeof block);
        REQUIRE(smtp_client_content(run->client, block, LARGE / 2, &err) == 0);
        REQUIRE(smtp_client_content(run->client, block, LARGE / 2, &err) == 0);
    } else {
        REQUIRE(smtp_client_content(run->client, text, sizeof text - 1, &err) == 0);
    }
    mail->ended = true;
    REQUIRE(smtp_client_content_end(run->client, &err) == 0);
}

static void see_recipient(struct run *run, const struct smtp_event *event)
{
    struct mail_seen *mail = &run->mails[event->tag];

    REQUIRE(event->index < RECIPIENTS && mail->given && !mail->done);
    REQUIRE(!mail->recipient[event->index]);
    mail->recipient[event->index] = true;
    mail->told++;
    if (event->outcome.action == ACTION_DELIVERED)
        REQUIRE(mail->ended && event->index != 1);
    REQUIRE(event->outcome.scope > SCOPE_CREDENTIAL || event->outcome.action != ACTION_FAIL);
}

static void see_event(struct run *run, const struct smtp_event *event)
{
    REQUIRE(!run->over);
    REQUIRE(event->tag < MAILS);
    switch (event->type) {
    case SMTP_NOTHING:
        break;
    case SMTP_START_TLS:
        REQUIRE(!run->secure && !run->ready);
        check_output(run);
        smtp_client_tls_started(run->client);
        run->secure = true;
        break;
    case SMTP_READY:
        REQUIRE(!run->ready);
        run->ready = true;
        break;
    case SMTP_WANT_CONTENT:
        give_content(run, event);
        break;
    case SMTP_RECIPIENT:
        see_recipient(run, event);
        break;
    case SMTP_MAIL_DONE:
        REQUIRE(run->mails[event->tag].told == RECIPIENTS && !run->mails[event->tag].done);
        run->mails[event->tag].done = true;
        break;
    case SMTP_FAILED:
    case SMTP_CLOSED:
        run->over = true;
        REQUIRE(smtp_client_state(run->client) == SMTP_STATE_CLOSED);
        break;
    }
}

static void see_all(struct run *run)
{
    struct smtp_event event;

    do {
        smtp_client_event(run->client, &event);
        if (event.type != SMTP_NOTHING)
            see_event(run, &event);
    } while (event.type != SMTP_NOTHING);
    if (run->ready)
        give_mails(run);
    if (smtp_client_state(run->client) != SMTP_STATE_CLOSED)
        REQUIRE(smtp_client_time_limit_ms(run->client) >= 0);
    check_output(run);
}

/* Each mail is either done or unfinished; doubt needs content. */
static void check_unfinished(struct run *run)
{
    struct smtp_unfinished unfinished;

    while (smtp_client_unfinished(run->client, &unfinished)) {
        struct mail_seen *mail = &run->mails[unfinished.tag];

        REQUIRE(unfinished.tag < MAILS && mail->given && !mail->done);
        REQUIRE(!unfinished.doubt || mail->ended);
        REQUIRE(!unfinished.doubt || unfinished.outcome.action != ACTION_AGAIN);
        REQUIRE(unfinished.outcome.action != ACTION_DELIVERED);
        mail->done = true;
    }
    for (unsigned i = 0; i < run->given; i++)
        REQUIRE(run->mails[i].done);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {0};

    if (size == 0)
        return 0;
    run.flags = data[0];
    run.client = new_client(run.flags);
    for (size_t at = 1; at < size; at++) {
        const uint8_t *end = memchr(data + at, 0xFF, size - at);
        size_t piece = end != NULL ? (size_t)(end - data) - at : size - at;

        see_all(&run);
        smtp_client_input(run.client, data + at, piece);
        at += piece;
    }
    see_all(&run);
    see_all(&run);
    if ((run.flags & FLAG_LATE) != 0)
        smtp_client_time_out(run.client);
    smtp_client_lost(run.client, SCOPE_CONNECTION, "closed");
    see_all(&run);
    REQUIRE(run.over);
    check_unfinished(&run);
    smtp_client_free(run.client);
    return 0;
}
