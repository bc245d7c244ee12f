/* SPDX-License-Identifier: BSD-2-Clause */
/* T138: what we sent and what came back, told apart from what only speaks of it. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/trace.h"
#include "tests/unit/mimefixture.h"

#define ID "<mm.0123456789abcdef0123456789ABCDEF@gw.example>"
#define SOURCE "X-MSMail-Source: NORTH/HQ\r\n"

static void test_texts(void **state)
{
    static const struct {
        const char *text;
        bool found;
    } cases[] = {
        {"Message-Id: " ID "\r\n" SOURCE "\r\nHello\r\n", true},
        {"Forwarded:\r\n\r\n" SOURCE "Date: x\r\nmessage-id:" ID "\r\nHello", true},
        {SOURCE "Message-ID:\r\n  " ID "\r\n", true},
        {SOURCE "Message-ID: <mm.0123456789ABCDEF0123456789ABCDEF@GW.example>", true},
        {"", false},
        {"Message-Id: " ID "\r\n\r\n" SOURCE, false}, /* not of one header */
        {"Message-Id: " ID "\r\nHello\r\n", false},
        {SOURCE "Hello\r\n", false},
        {"> Message-Id: " ID "\r\n> " SOURCE, false}, /* quoted */
        {"  Message-Id: " ID "\r\n" SOURCE, false},
        {"In-Reply-To: " ID "\r\n" SOURCE, false},
        {"Message-Id: <mm.0123456789abcdef0123456789abcdef@other.example>\r\n" SOURCE, false},
        {"Message-Id: <mm.0123456789abcdef0123456789abcdef@gw.example.org>\r\n" SOURCE, false},
        {"Message-Id: <mm.0123456789abcdef@gw.example>\r\n" SOURCE, false},
        {"Message-Id: <mm.0123456789abcdef0123456789abcdef\r\n" SOURCE, false},
        {"Message-Id:\r\n" SOURCE, false},
        {"Message-Id:", false},
    };
    struct mimefixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char id[TRACE_ID_SIZE];
        bool found;

        mimefixture_set_text(f, cases[i].text, strlen(cases[i].text));
        assert_int_equal(trace_returned(f->message, "gw.example", &found, id, &f->err), 0);
        if (found != cases[i].found)
            fail_msg("%s", cases[i].text);
        if (found)
            assert_int_equal(strncmp(id, "<mm.0123456789", 14), 0);
    }
}

/* What we make ourselves is known when it comes back as a text. */
static void test_own(void **state)
{
    struct mimefixture *f = *state;
    char id[TRACE_ID_SIZE];
    bool found;
    char *sent;

    mimefixture_write(f);
    sent = strdup(buf_text(&f->out));
    mimefixture_set_text(f, sent, strlen(sent));
    assert_int_equal(trace_returned(f->message, "gw.example", &found, id, &f->err), 0);
    assert_true(found);
    f->options.domain = "a.rather.long.domain.of.a.gateway.in.the.house.example.com";
    mimefixture_set_text(f, "x", 1);
    mimefixture_write(f);
    free(sent);
    sent = strdup(buf_text(&f->out));
    mimefixture_set_text(f, sent, strlen(sent));
    assert_int_equal(trace_returned(f->message, f->options.domain, &found, id, &f->err), 0);
    assert_true(found);
    free(sent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_texts, mimefixture_setup, mimefixture_teardown),
        cmocka_unit_test_setup_teardown(test_own, mimefixture_setup, mimefixture_teardown),
    };

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
