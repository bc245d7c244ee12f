/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "message/receipt.h"
#include "tests/unit/kbfixture.h"

static const struct {
    const char *file, *subject;
    enum receipt_form form;
    const char *name, *address, *original;
    int sent_day, sent_hour, read_day, read_hour;
} printed[] = {
    {"q131523-dos.txt", "Registered: Administrator", RECEIPT_DOS, "Administrator", "",
     "Test message", 26, 7, 26, 17},
    {"q131523-french.txt", "Accus? de r?ception: John DOE", RECEIPT_WINDOWS,
     "John DOE MYCORPORATION:/johndoe)", "", "return receipt", 26, 17, 26, 17},
    {"q129707.txt", "Return Receipt: Administrator", RECEIPT_WINDOWS, "Administrator",
     "MICROSOFT/SUPPORT/Admin", "Test message", 20, 13, 20, 13},
    {"q175040.txt", "Read Receipt: Exchange User", RECEIPT_WINDOWS, "Exchange User",
     "MICROSOFT/BREST/EXUSER", "Message Subject", 31, 11, 31, 16},
};

/* T134, T135: subject, recipient and both times. */
static void test_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof printed / sizeof printed[0]; i++) {
        struct message *m = kb_printed("NET/PO/FROM", printed[i].subject, printed[i].file, "");
        struct receipt receipt;
        struct block block;
        struct error err;

        m->priority = 'C';
        assert_int_equal(block_read(&block, m, &err), 0);
        assert_int_equal(receipt_read(&receipt, m, &block, &err), 0);
        if (receipt.form != printed[i].form)
            fail_msg("row %zu: form %d", i, (int)receipt.form);
        assert_string_equal(receipt.name, printed[i].name);
        assert_string_equal(receipt.address, printed[i].address);
        assert_string_equal(receipt.subject, printed[i].original);
        assert_true(receipt.sent.set && receipt.read.set && !receipt.deleted);
        assert_int_equal(receipt.sent.day, printed[i].sent_day);
        assert_int_equal(receipt.sent.hour, printed[i].sent_hour);
        assert_int_equal(receipt.read.day, printed[i].read_day);
        assert_int_equal(receipt.read.hour, printed[i].read_hour);
        receipt_clear(&receipt);
        block_clear(&block);
        message_free(m);
    }
}

static const struct {
    char priority;
    const char *subject, *text;
    enum receipt_form form;
} others[] = {
    {'C', "Registered: Anna", "", RECEIPT_BARE},     /* Q107356 */
    {'3', "Registered: Anna", "", RECEIPT_NONE},     /* a note of that name */
    {'C', "Registered: Anna", "text", RECEIPT_NONE}, /* nothing lost */
    {'C', "x", "[013] Gelesen\r\n\r\nno form\r\n", RECEIPT_NONE},
    {'C', "x", "[005] Mail retry\r\nA: b    C: d\r\nE: f    G: 7:00\r\n", RECEIPT_NONE},
    /* A malformed date (T137). */
    {'C', "x", "[013] R\r\nTo: a      Date: 99-99-99\r\nSubject: b    Time: 7:49\r\nWas read 1\r\n",
     RECEIPT_DOS},
};

static void test_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct message *m = kb_message("NET/PO/FROM", others[i].subject, others[i].text);
        struct block block = {.form = BLOCK_NONE};
        struct receipt receipt;
        struct error err;

        m->priority = others[i].priority;
        assert_int_equal(receipt_read(&receipt, m, &block, &err), 0);
        if (receipt.form != others[i].form || receipt.sent.set)
            fail_msg("row %zu: form %d", i, (int)receipt.form);
        receipt_clear(&receipt);
        message_free(m);
    }
}

#define FIRST "Microsoft Mail v3.0 IPM.Microsoft Mail.Read Receipt\r\nFrom: R\r\n"
#define NEXT "To: S\r\nSubject: Return Receipt: R\r\n"

/* Malformed dates, as the client of the Macintosh wrote them (Q214565); without the lines that tell
 * of the original only the subject says who read something. */
static const struct {
    const char *text;
    enum receipt_form form;
    bool sent, read;
} malformed[] = {
    {FIRST "Date sent: 1995-01-02 03:04\r\n" NEXT "Your message to: R\r\nEntitled: T\r\n"
           "And sent on: 1995-00-45 99:99\r\nWas read on: 1995-01-02 03:04\r\nPriority: C\r\n",
     RECEIPT_WINDOWS, false, true},
    {FIRST "Date sent: 1995-01-02 03:04\r\n" NEXT "Your message to: R\r\nEntitled: T\r\n"
           "And sent on: 1995-01-01 03:04\r\nWas read on: ?\r\nPriority: C\r\n",
     RECEIPT_WINDOWS, true, false},
    {FIRST "Date sent: 1995-01-02 03:04\r\n" NEXT "Your message to: R\r\nEntitled: T\r\n"
           "And sent on: \r\nWas read on: \r\nPriority: C\r\n",
     RECEIPT_WINDOWS, false, false},
    {FIRST "Date sent: 1904-01-00\r\n" NEXT "Your message to: R\r\nEntitled: T\r\n"
           "And sent on: 1995-01-01 03:04\r\nWas read on: 1995-01-02 03:04\r\nPriority: C\r\n",
     RECEIPT_WINDOWS, true, true},
    {FIRST "Date sent: 1995-01-02 03:04\r\n" NEXT "Your message to: R\r\nEntitled: T\r\n",
     RECEIPT_BARE, false, false},
    {FIRST "Date sent: 1995-01-02 03:04\r\n" NEXT "A: R\r\nB: T\r\nC: 1\r\nD: 2\r\n", RECEIPT_BARE,
     false, false},
};

/* T137. */
static void test_malformed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct message *m = kb_message("NET/PO/R", "Return Receipt: R", malformed[i].text);
        struct receipt receipt;
        struct block block;
        struct error err;

        m->priority = 'C';
        assert_int_equal(block_read(&block, m, &err), 0);
        assert_int_equal(receipt_read(&receipt, m, &block, &err), 0);
        if (receipt.form != malformed[i].form || receipt.sent.set != malformed[i].sent ||
            receipt.read.set != malformed[i].read)
            fail_msg("row %zu: form %d", i, (int)receipt.form);
        if (receipt.form == RECEIPT_WINDOWS) {
            assert_string_equal(receipt.name, "R");
            assert_string_equal(receipt.subject, "T");
        }
        receipt_clear(&receipt);
        block_clear(&block);
        message_free(m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printed),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
