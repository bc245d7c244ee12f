/* SPDX-License-Identifier: BSD-2-Clause */
/* The opening of a session: greeting, EHLO, STARTTLS, AUTH, and what must never happen there. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/auth.h"
#include "tests/unit/smtpscript.h"

/* The macros below put tags and keywords into longer strings. */
/* NOLINTBEGIN(bugprone-suspicious-missing-comma) */
#define STEPS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

#define HELLO "S:220 mx.test", "C:EHLO me.test"
#define SECURE(offer)                                                                              \
    HELLO, "S:250-mx.test", "S:250-PIPELINING", "S:250-AUTH PLAIN LOGIN", "S:250 STARTTLS",        \
        "C:STARTTLS", "W:STARTTLS 300", "S:220 go", "E:start-tls", "W:TLS 300",                    \
        "T:", "C:EHLO me.test", "S:250-mx.test", "S:250 " offer

static const struct smtp_script GREETINGS[] = {
    {.name = "welcome",
     .steps = STEPS("W:connect 300", "K:", "W:greeting 300", HELLO, "W:EHLO 300", "S:250 hi",
                    "E:ready")},
    {.name = "of many lines",
     .steps = STEPS("S:220-mx.test", "S:220-is", "S:220 here", "C:EHLO me.test")},
    {.name = "bare line feeds",
     .steps = STEPS("s:220 hi\n", "C:EHLO me.test", "s:250-x\n250 y\n", "E:ready")},
    {.name = "no text", .steps = STEPS("S:220", "C:EHLO me.test", "S:250", "E:ready")},
    {.name = "421",
     .steps = STEPS("S:421 4.3.2 not now", "E:failed defer host greeting 421 4.3.2 ~ not now")},
    {.name = "451",
     .steps = STEPS("S:451 not now", "E:failed defer host greeting 451 4.0.0", "C:QUIT")},
    {.name = "554",
     .steps = STEPS("S:554 5.7.1 No SMTP service here", "E:failed suspend host greeting 554 5.7.1",
                    "C:QUIT")},
    {.name = "354", .steps = STEPS("S:354 x", "E:failed defer connection greeting 0 4.4.2")},
    {.name = "another protocol",
     .steps = STEPS("S:HTTP/1.1 400 Bad Request", "E:failed defer connection greeting 0 4.4.2")},
    {.name = "garbage",
     .steps =
         STEPS("s:\xff\x16\x03\x01\r\n\xfe\r\n", "E:failed defer connection greeting 0 4.4.2")},
    {.name = "not connected",
     .steps = STEPS("L:host connection refused", "E:failed defer host connect 0 4.4.1 ~ refused",
                    "U:none")},
    {.name = "not connected, and TLS was to come",
     .tls = SMTP_TLS_IMPLICIT,
     .steps = STEPS("L:connection refused", "E:failed defer connection connect 0 4.4.1",
                    "T:", "W:closed 0")},
    {.name = "nobody",
     .steps = STEPS("K:", "L:host connection closed",
                    "E:failed defer host greeting 0 4.4.2 ~ closed", "U:none")},
    {.name = "with the reply to EHLO before it was asked for",
     .steps = STEPS("S:220 hi", "S:250-mx.test", "S:250 AUTH PLAIN",
                    "E:failed defer connection EHLO 0 4.4.2 ~ reply to nothing")},
};

static const struct smtp_script HELLOS[] = {
    {.name = "EHLO unknown",
     .steps = STEPS(HELLO, "S:502 5.5.1 unknown", "C:HELO me.test", "W:HELO 300", "S:250 hi",
                    "E:ready", "M:1 5 a@b c@d", "C:MAIL FROM:<a@b>")},
    {.name = "EHLO and HELO refused",
     .steps = STEPS(HELLO, "S:550 5.7.506 Bad HELO", "C:HELO me.test", "S:550 5.7.506 Bad HELO",
                    "E:failed suspend host HELO 550 5.7.506", "C:QUIT")},
    {.name = "EHLO unknown, but TLS and AUTH are wanted",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(HELLO, "S:502 5.5.1 unknown",
                    "E:failed suspend host EHLO 0 4.7.0 ~ no STARTTLS and no AUTH: 502 unknown",
                    "C:QUIT")},
    {.name = "EHLO unknown, but AUTH is wanted",
     .user = "relay",
     .steps = STEPS(HELLO, "S:502 x", "E:failed suspend host EHLO 0 4.7.0 ~ there is no AUTH",
                    "C:QUIT")},
    {.name = "EHLO later",
     .steps = STEPS(HELLO, "S:451 later", "E:failed defer host EHLO 451 4.0.0", "C:QUIT")},
    {.name = "EHLO 421", .steps = STEPS(HELLO, "S:421 x", "E:failed defer host EHLO 421 4.0.0")},
};

static const struct smtp_script TLS[] = {
    {.name = "not offered",
     .tls = SMTP_TLS_STARTTLS,
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250-XSTARTTLS", "S:250 AUTH PLAIN",
                    "E:failed suspend host EHLO 0 4.7.0 ~ STARTTLS", "C:QUIT")},
    {.name = "454",
     .tls = SMTP_TLS_STARTTLS,
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250 STARTTLS", "C:STARTTLS", "S:454 4.7.0 no",
                    "E:failed defer host STARTTLS 454 4.7.0", "C:QUIT")},
    {.name = "502",
     .tls = SMTP_TLS_STARTTLS,
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250 starttls", "C:STARTTLS", "S:502 5.5.1 no",
                    "E:failed suspend host STARTTLS 502 5.5.1", "C:QUIT")},
    {.name = "the second EHLO counts",
     .tls = SMTP_TLS_STARTTLS,
     .steps = STEPS(SECURE("SIZE 10"), "E:ready", "M:1 5 a@b c@d", "C:MAIL FROM:<a@b> SIZE=5",
                    "S:250 ok", "C:RCPT TO:<c@d>")},
    {.name = "replies injected behind the 220",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250 STARTTLS", "C:STARTTLS", "S:220 go",
                    "S:250 AUTH PLAIN", "E:failed suspend host TLS 0 4.7.0 ~ in clear text",
                    "T:", "W:closed 0")},
    {.name = "half a reply injected behind the 220",
     .tls = SMTP_TLS_STARTTLS,
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250 STARTTLS", "C:STARTTLS", "s:220 go\r\n2",
                    "E:failed suspend host TLS 0 4.7.0")},
    {.name = "the 220 before STARTTLS was sent",
     .tls = SMTP_TLS_STARTTLS,
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250 STARTTLS", "S:220 go",
                    "E:failed defer connection STARTTLS 0 4.4.2")},
    {.name = "handshake fails",
     .tls = SMTP_TLS_STARTTLS,
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250 STARTTLS", "C:STARTTLS", "S:220 go",
                    "E:start-tls", "L:host certificate is of mx.other",
                    "E:failed suspend host TLS 0 4.7.0 ~ mx.other")},
    {.name = "connection is lost in the handshake",
     .tls = SMTP_TLS_STARTTLS,
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250 STARTTLS", "C:STARTTLS", "S:220 go",
                    "E:start-tls", "L:connection gone", "E:failed defer connection TLS 0 4.7.0")},
    {.name = "implicit",
     .tls = SMTP_TLS_IMPLICIT,
     .steps = STEPS("W:connect 300", "K:", "W:TLS 300", "E:start-tls", "T:", "W:greeting 300",
                    HELLO, "S:250 STARTTLS", "E:ready")},
    {.name = "implicit, but the server talks in clear text",
     .tls = SMTP_TLS_IMPLICIT,
     .steps = STEPS("K:", "E:start-tls", "S:220 hi", "E:failed suspend host TLS 0 4.7.0")},
};

static const struct smtp_script AUTH[] = {
    {.name = "PLAIN with its initial response",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH LOGIN PLAIN"), "C:AUTH PLAIN AHJlbGF5AHNlY3JldA==", "W:AUTH 300",
                    "S:235 2.7.0 ok", "E:ready", "W:idle 0")},
    {.name = "LOGIN",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH GSSAPI LOGIN"), "C:AUTH LOGIN", "S:334 VXNlcm5hbWU6",
                    "C:cmVsYXk=", "S:334 UGFzc3dvcmQ6", "C:c2VjcmV0", "S:235 ok", "E:ready")},
    {.name = "LOGIN with the name of an account in a domain, as Exchange wants it (Q235627)",
     .tls = SMTP_TLS_STARTTLS,
     .user = "CORP\\relay",
     .steps =
         STEPS(SECURE("AUTH LOGIN"), "C:AUTH LOGIN", "S:334 VXNlcm5hbWU6",
               "C:Q09SUFxyZWxheQ==", "S:334 UGFzc3dvcmQ6", "C:c2VjcmV0", "S:235 ok", "E:ready")},
    {.name = "PLAIN with the principal name of a user",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay@corp.example",
     .steps = STEPS(SECURE("AUTH PLAIN"),
                    "C:AUTH PLAIN AHJlbGF5QGNvcnAuZXhhbXBsZQBzZWNyZXQ=", "S:235 ok", "E:ready")},
    {.name = "LOGIN with prompts that are not base64, in the old form of the keyword",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH=LOGIN"), "C:AUTH LOGIN", "S:334 User Name:", "C:cmVsYXk=", "S:334",
                    "C:c2VjcmV0", "S:235 ok", "E:ready")},
    {.name = "the allowed one, not the strongest",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .mechanism = "login",
     .steps = STEPS(SECURE("AUTH SCRAM-SHA-256 PLAIN LOGIN"), "C:AUTH LOGIN")},
    {.name = "CRAM-MD5 goes in clear text (RFC 2195)",
     .user = "relay",
     .steps =
         STEPS(HELLO, "S:250-mx.test", "S:250 AUTH PLAIN LOGIN CRAM-MD5", "C:AUTH CRAM-MD5",
               "S:334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
               "C:cmVsYXkgNzMzYmE4N2U2NGVkN2U0NDFmMDYyYzRhYzZkYjAxMDM=", "S:235 ok", "E:ready")},
    {.name = "NTLM begins with the command alone, and the first 334 is only text",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH NTLM"), "C:AUTH NTLM", "S:334 NTLM supported",
                    "C:TlRMTVNTUAABAAAABwIAAAAAAAAgAAAAAAAAACAAAAA=")},
    {.name = "no password in clear text",
     .user = "relay",
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250 AUTH PLAIN LOGIN",
                    "E:failed suspend credential AUTH 0 4.7.0 ~ \"PLAIN LOGIN\"", "C:QUIT")},
    {.name = "a password in clear text on loopback",
     .user = "relay",
     .plain_without_tls = true,
     .steps = STEPS(HELLO, "S:250-mx.test", "S:250 AUTH PLAIN LOGIN",
                    "C:AUTH PLAIN AHJlbGF5AHNlY3JldA==")},
    {.name = "not offered",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("PIPELINING"),
                    "E:failed suspend credential AUTH 0 4.7.0 ~ does not offer AUTH", "C:QUIT")},
    {.name = "no common mechanism",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .mechanism = "CRAM-MD5",
     .steps = STEPS(SECURE("AUTH PLAIN X-SECRET"),
                    "E:failed suspend credential AUTH 0 4.7.0 ~ \"PLAIN X-SECRET\", allowed here "
                    "is \"CRAM-MD5\"",
                    "C:QUIT")},
    {.name = "refused: one attempt",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH LOGIN PLAIN"),
                    "C:AUTH PLAIN AHJlbGF5AHNlY3JldA==", "S:535 5.7.3 Authentication unsuccessful",
                    "E:failed suspend credential AUTH 535 5.7.3", "C:QUIT")},
    {.name = "later",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH PLAIN"), "C:AUTH PLAIN AHJlbGF5AHNlY3JldA==",
                    "S:454 4.7.0 Temporary authentication failure",
                    "E:failed defer host AUTH 454 4.7.0", "C:QUIT")},
    {.name = "a refusal that quotes us",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH PLAIN"), "C:AUTH PLAIN AHJlbGF5AHNlY3JldA==",
                    "S:500 what is \"AUTH PLAIN AHJlbGF5AHNlY3Jld\" (secret)?",
                    "E:failed suspend credential AUTH 500 5.0.0 ~ what is \"AUTH PLAIN "
                    "*****************\" (******)?",
                    "C:QUIT")},
    {.name = "challenge that is not base64",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH CRAM-MD5"), "C:AUTH CRAM-MD5", "S:334 %%%%%%",
                    "E:failed suspend credential AUTH 0 5.5.2 ~ is not base64")},
    {.name = "challenge without end",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH LOGIN"), "C:AUTH LOGIN", "S:334 VXNlcm5hbWU6",
                    "C:cmVsYXk=", "S:334 VXNlcm5hbWU6", "C:c2VjcmV0", "S:334 VXNlcm5hbWU6",
                    "E:failed suspend credential AUTH 0 5.5.1 ~ goes on")},
    {.name = "accepted before the exchange is over",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .mechanism = "CRAM-MD5",
     .steps = STEPS(SECURE("AUTH CRAM-MD5"), "C:AUTH CRAM-MD5", "S:235 ok",
                    "E:failed suspend credential AUTH 0 4.7.0 ~ did not prove itself")},
    {.name = "quit as soon as possible",
     .tls = SMTP_TLS_STARTTLS,
     .user = "relay",
     .steps = STEPS(SECURE("AUTH PLAIN"), "C:AUTH PLAIN AHJlbGF5AHNlY3JldA==", "Q:", "S:235 ok",
                    "E:ready", "N:no", "C:QUIT", "S:221 bye",
                    "E:closed defer connection QUIT 221 4.0.0")},
};

/* NOLINTEND(bugprone-suspicious-missing-comma) */

static void run_all(const struct smtp_script *scripts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        smtp_script_run(&scripts[i], false);
        smtp_script_run(&scripts[i], true);
    }
}

#define RUN_ALL(scripts) run_all(scripts, sizeof(scripts) / sizeof(scripts)[0])

static void test_greetings(void **state)
{
    (void)state;
    RUN_ALL(GREETINGS);
}

static void test_hellos(void **state)
{
    (void)state;
    RUN_ALL(HELLOS);
}

static void test_tls(void **state)
{
    (void)state;
    RUN_ALL(TLS);
}

static void test_auth(void **state)
{
    (void)state;
    RUN_ALL(AUTH);
}

static void collect(void *context, bool sent, const char *line)
{
    struct buf *out = context;

    assert_int_equal(0, buf_printf(out, "%c %s\n", sent ? '>' : '<', line));
}

static void say(struct smtp_client *client, const char *text)
{
    struct buf *output = smtp_client_output(client);

    buf_consume(output, output->size);
    smtp_client_input(client, text, strlen(text));
}

/* The whole trace of a session: no credential, no challenge, no content. */
static void test_trace(void **state)
{
    const struct smtp_settings settings = {.helo = "me.test",
                                           .tls = SMTP_TLS_IMPLICIT,
                                           .server = "mx.test",
                                           .user = "relay",
                                           .password = "secret"};
    const char *const to = "c@d";
    const struct smtp_mail mail = {.sender = "a@b", .recipients = &to, .recipient_count = 1};
    struct smtp_client *client;
    struct error err;
    struct buf trace;

    (void)state;
    buf_init(&trace, 10000);
    assert_int_equal(0, smtp_client_new(&client, &settings, &err));
    smtp_client_set_trace(client, collect, &trace);
    smtp_client_tls_started(client);
    say(client, "220 hi\r\n");
    say(client, "250-mx\r\n250-PIPELINING\r\n250 AUTH LOGIN\r\n");
    say(client, "334 VXNlcm5hbWU6\r\n");
    say(client, "334 UGFzc3dvcmQ6\r\n");
    say(client, "235 hello c2VjcmV0\r\n");
    assert_string_equal("LOGIN", smtp_client_mechanism(client));
    assert_string_equal("PIPELINING AUTH", smtp_client_extensions(client));
    assert_int_equal(0, smtp_client_mail(client, &mail, &err));
    say(client, "250 ok\r\n250 ok\r\n354 go\r\n");
    assert_int_equal(0, smtp_client_content(client, "canary\r\n", 8, &err));
    assert_int_equal(0, smtp_client_content_end(client, &err));
    say(client, "250 ok\r\n");
    assert_string_equal("< 220 hi\n> EHLO me.test\n< 250-mx\n< 250-PIPELINING\n< 250 AUTH LOGIN\n"
                        "> AUTH LOGIN <hidden>\n< 334 <hidden>\n> <hidden>\n< 334 <hidden>\n"
                        "> <hidden>\n< 235 hello ********\n> MAIL FROM:<a@b>\n> RCPT TO:<c@d>\n"
                        "> DATA\n< 250 ok\n< 250 ok\n< 354 go\n> <content, 8 octets>\n< 250 ok\n",
                        buf_text(&trace));
    smtp_client_free(client);
    buf_clear(&trace);
}

static void test_settings(void **state)
{
    static const struct smtp_settings BAD[] = {
        {.helo = ""},
        {.helo = "me\r\nMAIL"},
        {.helo = "two words"},
        {.helo = "me", .user = "relay"},
    };
    struct smtp_client *client;
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_int_equal(-1, smtp_client_new(&client, &BAD[i], &err));
        assert_int_equal(ERROR_SETUP, err.class);
        assert_null(client);
    }
}

static void test_scaled_time(void **state)
{
    const struct smtp_settings settings = {.helo = "me.test"};
    struct smtp_client *client;
    struct error err;

    (void)state;
    assert_int_equal(0, smtp_client_new(&client, &settings, &err));
    smtp_client_scale_time(client, 1000);
    assert_int_equal(300, smtp_client_time_limit_ms(client));
    smtp_client_scale_time(client, 1000000);
    assert_int_equal(1, smtp_client_time_limit_ms(client));
    smtp_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_greetings),   cmocka_unit_test(test_hellos),
        cmocka_unit_test(test_tls),         cmocka_unit_test(test_auth),
        cmocka_unit_test(test_trace),       cmocka_unit_test(test_settings),
        cmocka_unit_test(test_scaled_time),
    };
    int failed = cmocka_run_group_tests_name("smtp_opening", tests, NULL, NULL);

    auth_shutdown();
    return failed;
}
