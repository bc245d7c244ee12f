/* SPDX-License-Identifier: BSD-2-Clause */
/* What the header block, receipts and failure reports of MS Mail become. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
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

#define NDR                                                                                        \
    "[017] Unable to deliver user mail due to a full mailbag.\r\n"                                 \
    "Mail item was not delivered to:\r\n   NORTH/HQ/BERT\r\n"
#define COPY                                                                                       \
    "\r\n------------------------------\r\nMicrosoft Mail v3.0 IPM.Microsoft Mail.Note\r\n"        \
    "From: Clara (MS:NORTH/HQ/CLARA)\r\nTo: Bert; Zoe\r\nSubject: The budget\r\n"                  \
    "Date: 1997-04-06 10:00\r\nMessage ID: "                                                       \
    "1A2B3C4D\r\n------------------------------\r\nBody.\r\n"

static void begin_failure(struct mimefixture *f, const char *text)
{
    f->options.block = true;
    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/POSTMASTER");
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/CLARA");
    mimefixture_set_subject(f, "Mail failure");
    set_text(f, text);
}

/* The third part is the header of the message that failed, as far as its copy tells. */
static void test_returned(void **state)
{
    struct mimefixture *f = *state;

    begin_failure(f, NDR COPY);
    mimefixture_write(f);
    mimefixture_has(f, "Final-Recipient: rfc822; bert@corp.example\r\n");
    mimefixture_has(f, "Content-Type: text/rfc822-headers; charset=utf-8\r\n");
    mimefixture_has(f, "\r\nFrom: Clara <clara@corp.example>\r\n");
    mimefixture_has(f, "\r\nX-MSMail-To: Bert; Zoe\r\n");
    mimefixture_has(f, "\r\nSubject: The budget\r\n");
    mimefixture_has(f, "\r\nDate: Sun, 06 Apr 1997 10:00:00 +0200\r\n");
    mimefixture_has(f, "\r\nX-MSMail-Message-ID: 1A2B3C4D\r\n");
    mimefixture_lacks(f, "message/rfc822");
}

/* T131: what was attached is in the copy; a report has three parts and is the top (RFC 6522 3). */
static void test_returned_files(void **state)
{
    struct mimefixture *f = *state;

    begin_failure(f, NDR COPY);
    mimefixture_attach(f, "A.BIN", "octets", 6);
    mimefixture_write(f);
    mimefixture_has(f, "\r\nContent-Type: multipart/report;");
    mimefixture_has(f, "\r\nContent-Type: message/rfc822\r\n");
    mimefixture_has(f, "\r\n\r\nBody.\r\n");
    mimefixture_has(f, "filename=A.BIN");
    mimefixture_lacks(f, "text/rfc822-headers");
}

/* The names in the echo of a failure are not those of the report (Q147471). */
static void test_echo(void **state)
{
    struct mimefixture *f = *state;

    begin_failure(f, "FROM: Wrong One\r\nTO: Wrong Two\r\nDATE: 04-07-97\r\nTIME: 08:05\r\n"
                     "SUBJECT: Mail failure\r\n------------------------------\r\n" NDR);
    mimefixture_add(f, ADDRESS_CC, "NORTH/HQ/ZOE");
    mimefixture_write(f);
    mimefixture_lacks(f, "\"Wrong");
    mimefixture_lacks(f, "Wrong One <");
    mimefixture_has(f, "\r\n\r\nFROM: Wrong One\r\n");
}

/* T134: subject, recipient and both times, for people and for programs. */
static void test_read(void **state)
{
    struct mimefixture *f = *state;

    f->options.block = true;
    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/BERT");
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/ANNA");
    mimefixture_set_subject(f, "Return Receipt: Bert");
    f->message->priority = 'C';
    set_text(f, "Microsoft Mail v3.0 IPM.Microsoft Mail.Read Receipt\r\nFrom: Bert\r\n"
                "Date sent: 1997-04-07 08:05\r\nTo: Anna\r\nSubject: Return Receipt: Bert\r\n"
                "Your Message To: Bert(MS:NORTH/HQ/BERT)\r\nEntitled: The budget\r\n"
                "And Sent On: 1997-04-06 10:00\r\nWas Read At: 1997-04-07 08:05\r\n"
                "Priority: C\r\n");
    mimefixture_write(f);
    assert_string_equal(f->facts.sender, "");
    mimefixture_has(f, "report-type=disposition-notification");
    mimefixture_has(f, "\r\nEntitled: The budget\r\n");
    mimefixture_has(f, "\r\nOriginal-Recipient: x-msmail; NORTH/HQ/BERT\r\n");
    mimefixture_has(f, "\r\nFinal-Recipient: rfc822; bert@corp.example\r\n");
    mimefixture_has(f, "\r\nX-MSMail-Sent-Date: Sun, 06 Apr 1997 10:00:00 +0200\r\n");
    mimefixture_has(f, "\r\nX-MSMail-Read-Date: Mon, 07 Apr 1997 08:05:00 +0200\r\n");
    mimefixture_has(f, "\r\nTo: Bert <bert@corp.example>\r\nSubject: The budget\r\n");
}

/* The identity of a message is that of its octets in the postoffice, whatever becomes of them. */
static void test_identity(void **state)
{
    struct mimefixture *f = *state;
    char id[128];

    begin_failure(f, NDR COPY);
    mimefixture_write(f);
    snprintf(id, sizeof id, "%s", f->facts.message_id);
    mime_facts_clear(&f->facts);
    buf_clear(&f->out);
    f->options.block = false;
    mimefixture_write(f);
    assert_string_equal(f->facts.message_id, id);
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
    const struct CMUnitTest tests[] = {
        TEST(test_block),      TEST(test_no_block), TEST(test_bounce),
        TEST(test_registered), TEST(test_returned), TEST(test_returned_files),
        TEST(test_echo),       TEST(test_read),     TEST(test_identity)};

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
