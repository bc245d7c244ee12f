/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/smtpscript.h"

#define WORDS 16

struct run {
    const struct smtp_script *script;
    size_t step;
    bool octetwise;
    struct smtp_client *client;
};

#define FAIL(run, ...)                                                                             \
    do {                                                                                           \
        print_error("%s, step %zu \"%s\"%s: ", (run)->script->name, (run)->step,                   \
                    (run)->script->steps[(run)->step] != NULL ? (run)->script->steps[(run)->step]  \
                                                              : "(end)",                           \
                    (run)->octetwise ? " octet by octet" : "");                                    \
        print_error(__VA_ARGS__);                                                                  \
        print_error("\n");                                                                         \
        fail();                                                                                    \
    } while (0)

static void format_outcome(const struct smtp_outcome *outcome, char *out, size_t size)
{
    snprintf(out, size, "%s %s %s %d %s", smtp_action_name(outcome->action),
             smtp_scope_name(outcome->scope), smtp_state_name(outcome->state), outcome->code,
             outcome->status);
}

static void format_event(const struct smtp_event *event, char *out, size_t size)
{
    unsigned long long tag = event->tag;
    char outcome[200];

    format_outcome(&event->outcome, outcome, sizeof outcome);
    switch (event->type) {
    case SMTP_NOTHING:
        snprintf(out, size, "nothing");
        break;
    case SMTP_START_TLS:
        snprintf(out, size, "start-tls");
        break;
    case SMTP_READY:
        snprintf(out, size, "ready");
        break;
    case SMTP_WANT_CONTENT:
        snprintf(out, size, "want %llu", tag);
        break;
    case SMTP_RECIPIENT:
        snprintf(out, size, "recipient %llu %zu %s", tag, event->index, outcome);
        break;
    case SMTP_MAIL_DONE:
        snprintf(out, size, "done %llu", tag);
        break;
    case SMTP_FAILED:
        snprintf(out, size, "failed %s", outcome);
        break;
    case SMTP_CLOSED:
        snprintf(out, size, "closed %s", outcome);
        break;
    }
}

static void expect_event(struct run *run, const char *wanted)
{
    const char *text = strstr(wanted, " ~ ");
    size_t size = text != NULL ? (size_t)(text - wanted) : strlen(wanted);
    struct smtp_event event;
    char got[300];

    smtp_client_event(run->client, &event);
    format_event(&event, got, sizeof got);
    if (strlen(got) != size || strncmp(got, wanted, size) != 0)
        FAIL(run, "event is \"%s\" (%s)", got, event.outcome.text);
    if (text != NULL && strstr(event.outcome.text, text + 3) == NULL)
        FAIL(run, "text of the event is \"%s\"", event.outcome.text);
}

static void expect_line(struct run *run, const char *wanted)
{
    struct buf *output = smtp_client_output(run->client);
    size_t size = strlen(wanted);

    if (output->size < size + 2 || memcmp(output->data, wanted, size) != 0 ||
        memcmp(output->data + size, "\r\n", 2) != 0)
        FAIL(run, "output is \"%s\"", buf_text(output));
    buf_consume(output, size + 2);
}

static void expect_silence(struct run *run)
{
    struct buf *output = smtp_client_output(run->client);

    if (output->size != 0)
        FAIL(run, "output that nobody asked for: \"%s\"", buf_text(output));
    expect_event(run, "nothing");
}

static void give_input(struct run *run, const char *data, size_t size)
{
    size_t piece = run->octetwise ? 1 : size;

    for (size_t at = 0; at < size; at += piece)
        smtp_client_input(run->client, data + at, piece);
}

/* All server lines from here on are one input. */
static void serve(struct run *run)
{
    const char *const *steps = run->script->steps;
    struct buf input;

    buf_init(&input, 1 << 20);
    for (;; run->step++) {
        const char *step = steps[run->step];

        assert_int_equal(0, buf_append_text(&input, step + 2));
        if (step[0] == 'S')
            assert_int_equal(0, buf_append_text(&input, "\r\n"));
        if (steps[run->step + 1] == NULL || (steps[run->step + 1][0] | 0x20) != 's')
            break;
    }
    give_input(run, buf_text(&input), input.size);
    buf_clear(&input);
}

/* TEXT must have four words at least. */
static size_t split(char *text, const char **words)
{
    char *rest = NULL;
    size_t count = 0;

    for (char *word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        assert_true(count < WORDS);
        words[count++] = word;
    }
    assert_true(count > 3);
    return count;
}

static void give_mail(struct run *run, const char *argument)
{
    char *copy = strdup(argument);
    const char *words[WORDS] = {"", "", "", ""};
    size_t count;
    struct smtp_mail mail = {0};
    struct error err = {0};

    assert_non_null(copy);
    count = split(copy, words);
    mail.tag = strtoull(words[0], NULL, 10);
    mail.size = strtoull(words[1], NULL, 10);
    mail.eight_bit = strstr(words[1], "/8") != NULL;
    mail.envelope_id = strstr(words[1], "/n") != NULL ? "<i+d=\xFC@me.test>" : NULL;
    mail.sender = strcmp(words[2], "-") == 0 ? "" : words[2];
    mail.recipients = words + 3;
    mail.recipient_count = count - 3;
    if (smtp_client_mail(run->client, &mail, &err) != 0)
        FAIL(run, "mail is not taken: %s", err.text);
    free(copy);
}

static void give_piece(struct run *run, const char *data)
{
    struct error err = {0};

    if (smtp_client_content(run->client, data, strlen(data), &err) != 0)
        FAIL(run, "content is not taken: %s", err.text);
}

/* With DATA the pieces fall between CR and LF; with BDAT each is a command of its own. */
static void give_content(struct run *run, const char *line)
{
    char whole[80];

    if (run->script->chunking != SMTP_CHUNKING_OFF) {
        snprintf(whole, sizeof whole, "%s\r\n", line);
        give_piece(run, whole);
        return;
    }
    give_piece(run, line);
    give_piece(run, "\r");
    give_piece(run, "\n");
}

static void refuse_content(struct run *run, const char *data)
{
    struct error err = {0};

    if (smtp_client_content(run->client, data, strlen(data), &err) == 0 || err.class != ERROR_DATA)
        FAIL(run, "bad content is taken");
}

static void end_content(struct run *run)
{
    struct error err = {0};

    if (smtp_client_content_end(run->client, &err) != 0)
        FAIL(run, "end of content: %s", err.text);
}

static void refuse_end(struct run *run)
{
    struct error err = {0};

    if (smtp_client_content_end(run->client, &err) == 0 || err.class != ERROR_DATA)
        FAIL(run, "the end comes too early and is taken");
}

static void lose(struct run *run, const char *argument)
{
    enum smtp_scope scope = SCOPE_CONNECTION;

    while (strncmp(smtp_scope_name(scope), argument, strcspn(argument, " ")) != 0) {
        assert_true(scope < SCOPE_MESSAGE);
        scope++;
    }
    smtp_client_lost(run->client, scope, strchr(argument, ' ') + 1);
}

static void expect_unfinished(struct run *run, const char *wanted)
{
    struct smtp_unfinished unfinished;
    char got[60] = "none";

    if (smtp_client_unfinished(run->client, &unfinished))
        snprintf(got, sizeof got, "%llu%s%s", (unsigned long long)unfinished.tag,
                 unfinished.doubt ? " doubt" : "",
                 unfinished.outcome.action == ACTION_AGAIN ? " again" : "");
    if (strcmp(got, wanted) != 0)
        FAIL(run, "unfinished is \"%s\"", got);
}

static void expect_state(struct run *run, const char *wanted)
{
    char got[80];

    snprintf(got, sizeof got, "%s %lld", smtp_state_name(smtp_client_state(run->client)),
             (long long)smtp_client_time_limit_ms(run->client) / 1000);
    if (strcmp(got, wanted) != 0)
        FAIL(run, "state is \"%s\"", got);
}

static void expect_chunking(struct run *run, const char *wanted)
{
    static const char *const NAMES[] = {"off", "try", "works"};

    if (strcmp(NAMES[smtp_client_chunking(run->client)], wanted) != 0)
        FAIL(run, "chunking is \"%s\"", NAMES[smtp_client_chunking(run->client)]);
}

static void server_speaks(struct run *run)
{
    if (run->step == 0 || run->script->steps[run->step - 1][0] != 'Z')
        expect_silence(run);
    serve(run);
}

static void play_step(struct run *run, const char *step)
{
    const char *argument = step + 2;

    switch (step[0]) {
    case 'S':
    case 's':
        server_speaks(run);
        break;
    case 'C':
        expect_line(run, argument);
        break;
    case 'E':
        expect_event(run, argument);
        break;
    case 'M':
        give_mail(run, argument);
        break;
    case 'D':
        give_content(run, argument);
        break;
    case 'd':
        refuse_content(run, argument);
        break;
    case 'P':
        give_piece(run, argument);
        break;
    case 'X':
        end_content(run);
        break;
    case 'x':
        refuse_end(run);
        break;
    case 'A':
        smtp_client_content_abort(run->client, argument);
        break;
    case 'K':
        smtp_client_connected(run->client);
        break;
    case 'T':
        smtp_client_tls_started(run->client);
        break;
    case 'L':
        lose(run, argument);
        break;
    case 'Q':
        smtp_client_quit(run->client);
        break;
    case 'U':
        expect_unfinished(run, argument);
        break;
    case 'W':
        expect_state(run, argument);
        break;
    case 'N':
        if (smtp_client_can_mail(run->client) != (strcmp(argument, "yes") == 0))
            FAIL(run, "the answer is the other one");
        break;
    case 'Y':
        smtp_client_wary(run->client);
        break;
    case 'O':
        smtp_client_time_out(run->client);
        break;
    case 'F':
        smtp_client_never_left(run->client, strtoull(argument, NULL, 10));
        break;
    case 'B':
        expect_chunking(run, argument);
        break;
    case 'Z':
        break;
    default:
        FAIL(run, "no such step");
    }
}

void smtp_script_run(const struct smtp_script *script, bool octetwise)
{
    struct run run = {.script = script, .octetwise = octetwise};
    struct smtp_settings settings = {
        .helo = "me.test",
        .tls = script->tls,
        .server = "mx.test",
        .user = script->user,
        .password = script->user != NULL ? "secret" : NULL,
        .mechanisms = script->mechanism != NULL ? &script->mechanism : NULL,
        .mechanism_count = script->mechanism != NULL ? 1 : 0,
        .plain_without_tls = script->plain_without_tls,
        .pipeline = script->pipeline,
        .chunking = script->chunking,
    };
    struct error err = {0};

    if (smtp_client_new(&run.client, &settings, &err) != 0)
        FAIL(&run, "%s", err.text);
    for (; script->steps[run.step] != NULL; run.step++)
        play_step(&run, script->steps[run.step]);
    expect_silence(&run);
    smtp_client_free(run.client);
}
