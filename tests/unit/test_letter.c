/* SPDX-License-Identifier: BSD-2-Clause */
/* What the header block, receipts and failure reports of MS Mail become. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/unit/mimefixture.h"

static void set_text(struct mimefixture *f, const char *text)
{
    mimefixture_set_text(f, text, strlen(text));
}

/* T90, T95, T96: the block goes, all of its subject comes, one blank line stays. */
static void test_block(void **state)
{
    struct mimefixture *f = *state;

    f->options.block = true;
    f->options.tnef = LETTER_TNEF_DECODE;
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/ZOE");
    mimefixture_set_subject(f, "The budget of the coming year, and what ");
    set_text(f, "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\n"
                "From: Ahlberg, Anna\r\n"
                "To: Zander, Zoe\r\n"
                "Subject: The budget of the coming year, and what it means for all of us\r\n"
                "Date: 1997-04-07 08:05\r\n"
                "Priority: 3\r\n"
                "Message ID: 1A2B3C4D\r\n"
                "\r\n"
                "------------------------------------------------------------------------------\r\n"
                "\r\n"
                "The body.\r\n");
    mimefixture_write(f);
    mimefixture_has(f, "Subject: The budget of the coming year, and what it means for all of");
    mimefixture_has(f, "\"Zander, Zoe\" <IMCEAMS-NORTH_HQ_ZOE@gw.example>");
    mimefixture_has(f, "\r\n\r\n\r\nThe body.\r\n");
    mimefixture_lacks(f, "Microsoft Mail v3.0");
}

/* What only looks like a block stays. */
static void test_no_block(void **state)
{
    struct mimefixture *f = *state;

    f->options.block = true;
    f->options.tnef = LETTER_TNEF_DECODE;
    set_text(f, "Microsoft Mail v3.0 is what we used.\r\nSubject: something\r\n");
    mimefixture_write(f);
    mimefixture_has(f, "Microsoft Mail v3.0 is what we used.\r\n");
}

/* T126, T128: a failure report has the null sender and tells each address. */
static void test_bounce(void **state)
{
    struct mimefixture *f = *state;

    f->options.block = true;
    f->options.tnef = LETTER_TNEF_DECODE;
    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/POSTMASTER");
    mimefixture_set_subject(f, "Mail failure");
    set_text(f, "[005] Mail retry count exceeded sending to:\r\n"
                "       SOUTH/DEPOT/KARL\r\n");
    mimefixture_write(f);
    assert_string_equal(f->facts.sender, "");
    mimefixture_has(f, "multipart/report");
    mimefixture_has(f, "report-type=delivery-status");
    mimefixture_has(f, "Original-Recipient: x-msmail; SOUTH/DEPOT/KARL\r\n");
    mimefixture_has(f, "Status: 5.4.7\r\n");
    mimefixture_has(f, "Auto-Submitted: auto-replied\r\n");
}

static void test_registered(void **state)
{
    struct mimefixture *f = *state;

    f->options.block = true;
    f->options.tnef = LETTER_TNEF_DECODE;
    f->message->priority = 'R';
    f->options.registered_normal = true;
    f->options.legacy_receipts = true;
    mimefixture_write(f);
    mimefixture_has(f, "Disposition-Notification-To: anna@corp.example\r\n");
    mimefixture_has(f, "Return-Receipt-To: anna@corp.example\r\n");
    mimefixture_lacks(f, "Importance");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, mimefixture_setup, mimefixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_block), TEST(test_no_block), TEST(test_bounce),
                                       TEST(test_registered)};

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
