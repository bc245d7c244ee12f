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

/* The character set of the settings, and UTF-8 when it has not all letters: never a question mark.
 */
static void test_charset(void **state)
{
    struct mimefixture *f = *state;

    f->options.latin1 = true;
    mimefixture_set_subject(f, "Gr\x81n");
    set_text(f, "Gr\x81n\r\n");
    mimefixture_write(f);
    mimefixture_has(f, "Content-Type: text/plain; charset=iso-8859-1\r\n");
    mimefixture_has(f, "\r\n\r\nGr=FCn\r\n");
    mimefixture_has(f, "Subject: =?UTF-8?");
}

static void test_charset_lacks(void **state)
{
    struct mimefixture *f = *state;

    f->options.latin1 = true;
    set_text(f, "Gr\x81n \xC9.\r\n"); /* a corner of a table */
    mimefixture_write(f);
    mimefixture_has(f, "Content-Type: text/plain; charset=utf-8\r\n");
    mimefixture_has(f, "Gr=C3=BCn =E2=95=94.\r\n");
    mimefixture_lacks(f, "8859");
}

static void borrow_date(struct mimefixture *f)
{
    const struct message_date stamp = {true, 1997, 4, 7, 7, 0};

    f->options.block = true;
    f->message->date = f->message->received = stamp;
    f->message->date_borrowed = true;
}

/* T122: what the door took of the mailbag is no date of the message; the header block has one. */
static void test_borrowed_date(void **state)
{
    struct mimefixture *f = *state;

    borrow_date(f);
    mimefixture_write(f);
    mimefixture_has(f, "Date: Mon, 07 Apr 1997 07:00:00 ");
    assert_int_equal(f->facts.date_note, DATE_MISSING);
}

static void test_date_of_block(void **state)
{
    struct mimefixture *f = *state;

    borrow_date(f);
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/ZOE");
    mimefixture_set_subject(f, "Budget");
    set_text(f, "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\n"
                "From: Ahlberg, Anna\r\n"
                "To: Zander, Zoe\r\n"
                "Subject: Budget\r\n"
                "Date: 1997-04-06 08:05\r\n"
                "Priority: 3\r\n"
                "Message ID: 1A2B3C4D\r\n"
                "\r\n"
                "------------------------------------------------------------------------------\r\n"
                "\r\n"
                "The body.\r\n");
    mimefixture_write(f);
    mimefixture_has(f, "Date: Sun, 06 Apr 1997 08:05:00 ");
    assert_int_equal(f->facts.date_note, DATE_AS_WRITTEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, mimefixture_setup, mimefixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_block),         TEST(test_no_block),
                                       TEST(test_bounce),        TEST(test_registered),
                                       TEST(test_charset),       TEST(test_charset_lacks),
                                       TEST(test_borrowed_date), TEST(test_date_of_block)};

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
