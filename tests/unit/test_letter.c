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

/* The caller's, and before the message goes. */
static struct letter *make_letter(struct mimefixture *f)
{
    uint8_t fingerprint[FINGERPRINT_SIZE];
    struct letter *letter;

    assert_int_equal(message_fingerprint(f->message, fingerprint, &f->err), 0);
    assert_int_equal(letter_make(&letter, f->message, fingerprint, &f->options, &f->err), 0);
    return letter;
}

/* What a block begins and ends with, around its subject, dates and ids. */
#define NOTE                                                                                       \
    "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\n"                                              \
    "From: Ahlberg, Anna\r\n"                                                                      \
    "To: Zander, Zoe\r\n"
#define BODY                                                                                       \
    "\r\n------------------------------------------------------------------------------\r\n"       \
    "\r\nThe body.\r\n"

/* T90, T95, T96: the block goes, all of its subject comes, one blank line stays. */
static void test_block(void **state)
{
    struct mimefixture *f = *state;

    f->options.block = true;
    f->options.tnef = LETTER_TNEF_DECODE;
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/ZOE");
    mimefixture_set_subject(f, "The budget of the coming year, and what ");
    set_text(f, NOTE "Subject: The budget of the coming year, and what it means for all of us\r\n"
                     "Date: 1997-04-07 08:05\r\n"
                     "Priority: 3\r\n"
                     "Message ID: 1A2B3C4D\r\n" BODY);
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
    set_text(f, NOTE "Subject: Budget\r\n"
                     "Date: 1997-04-06 08:05\r\n"
                     "Priority: 3\r\n"
                     "Message ID: 1A2B3C4D\r\n" BODY);
    mimefixture_write(f);
    mimefixture_has(f, "Date: Sun, 06 Apr 1997 08:05:00 ");
    assert_int_equal(f->facts.date_note, DATE_AS_WRITTEN);
}

#define LONG_DOMAIN                                                                                \
    "a-rather-long-name-of-a-department.of-the-northern-branch.of-our-company.corp.example"

/* What it answers is told by its options' caller; the ids are folded, never encoded. */
static void test_answer(void **state)
{
    static const char first[] = "<mm.0123456789abcdef0123456789abcdef@" LONG_DOMAIN ">";
    static const char second[] = "<mm.fedcba9876543210fedcba9876543210@" LONG_DOMAIN ">";
    struct mimefixture *f = *state;
    struct letter *letter;
    char references[512];

    set_text(f, "The body.\r\n");
    letter = make_letter(f);
    snprintf(references, sizeof references, "%s %s", first, second);
    assert_int_equal(letter_answer(letter, second, references, &f->err), 0);
    assert_int_equal(mime_write(letter, mimefixture_collect, f, &f->facts, &f->err), 0);
    snprintf(references, sizeof references, "\r\nIn-Reply-To: %s\r\nReferences: %s\r\n %s\r\n",
             second, first, second);
    mimefixture_has(f, references);
    assert_string_equal(f->facts.message_id, letter->message_id);
    letter_free(letter);
}

#define IDS                                                                                        \
    "Message ID: 1A2B3C4D\r\n"                                                                     \
    "Parent message ID: 2B3C4D5E\r\n"                                                              \
    "Conversation ID: 3C4D5E6F\r\n"

static void expect_keys(struct mimefixture *f, size_t own, const struct thread_keys *parents)
{
    struct letter *letter = make_letter(f);

    assert_int_equal(letter->own.count, own);
    assert_int_equal(letter->parents.count, parents->count);
    for (size_t i = 0; i < parents->count; i++)
        assert_true(thread_key_matches(&letter->parents.items[i], &parents->items[i]));
    letter_free(letter);
}

/* The ids of a block are known where the block is. */
static void test_keys(void **state)
{
    struct mimefixture *f = *state;
    struct thread_keys parents = {.count = 0};

    mimefixture_set_subject(f, "Plans");
    set_text(f, NOTE "Subject: Plans\r\n"
                     "Date: 1997-04-07 08:05\r\n"
                     "Priority: 3\r\n" IDS
                     "----------------------------------------------------------------------\r\n"
                     "\r\n"
                     "The body.\r\n");
    f->options.block = false;
    expect_keys(f, 1, &parents);
    f->options.block = true;
    thread_add_id(&parents, "2B3C4D5E", "3C4D5E6F");
    expect_keys(f, 1, &parents);
    f->message->priority = 'R';
    expect_keys(f, 2, &parents);
}

/* T130: a receipt tells what it is about by Original-Message-ID. */
static void test_receipt_names_its_original(void **state)
{
    static const struct message_date sent = {true, 1995, 4, 26, 9, 40};
    struct mimefixture *f = *state;
    struct thread_keys parents = {.count = 0};
    struct letter *letter;
    const char *place;

    f->message->priority = 'C';
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/ZOE");
    mimefixture_set_subject(f, "Registered: Anna");
    set_text(f, "[013] ***** Read receipt from a registered message *****\r\n\r\n"
                "To: Anna                       Date: 04-26-95\r\n"
                "Subject: Plans                 Time: 09:40\r\n\r\n"
                "Was read 04-26-95 17:49\r\n");
    thread_add_sent(&parents, "NORTH/HQ/ZOE", &sent, "Plans");
    expect_keys(f, 0, &parents);
    letter = make_letter(f);
    assert_int_equal(letter_answer(letter, "<a@x>", "<a@x>", &f->err), 0);
    place = strstr(letter->machine, "\nOriginal-Message-ID: <a@x>\nDisposition: ");
    assert_non_null(place);
    letter_free(letter);
}

/* T128: and a failure report, by the id in what came back, or by what it was. */
static void test_bounce_names_its_original(void **state)
{
    static const struct message_date sent = {true, 1997, 4, 7, 8, 5};
    struct mimefixture *f = *state;
    struct thread_keys parents = {.count = 0};

    f->options.block = true;
    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/POSTMASTER");
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/ANNA");
    mimefixture_set_subject(f, "Mail failure");
    set_text(f, "[005] Mail retry count exceeded sending to:\r\n"
                "       SOUTH/DEPOT/KARL\r\n"
                "----------------------------------------------------------------------\r\n"
                "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\n"
                "From: Ahlberg, Anna\r\n"
                "To: Karl\r\n"
                "Subject: Plans\r\n"
                "Date: 1997-04-07 08:05\r\n"
                "Priority: 3\r\n" IDS
                "----------------------------------------------------------------------\r\n"
                "The body.\r\n");
    thread_add_id(&parents, "1A2B3C4D", "3C4D5E6F");
    thread_add_sent(&parents, "NORTH/HQ/ANNA", &sent, "Plans");
    expect_keys(f, 0, &parents);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, mimefixture_setup, mimefixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_block),
                                       TEST(test_no_block),
                                       TEST(test_bounce),
                                       TEST(test_registered),
                                       TEST(test_charset),
                                       TEST(test_charset_lacks),
                                       TEST(test_borrowed_date),
                                       TEST(test_date_of_block),
                                       TEST(test_answer),
                                       TEST(test_keys),
                                       TEST(test_receipt_names_its_original),
                                       TEST(test_bounce_names_its_original),
                                       TEST(test_returned),
                                       TEST(test_returned_files),
                                       TEST(test_echo),
                                       TEST(test_read),
                                       TEST(test_identity)};

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
