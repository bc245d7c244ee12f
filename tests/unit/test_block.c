/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/block.h"
#include "tests/unit/kbfixture.h"

#define RULER "-----------------------------------\r\n"

static const struct {
    const char *file, *subject, *tail;
    const char *class, *from, *to, *full;
    const char *id, *parent, *conversation;
    const char *body;
} printed[] = {
    {"q119356-spanish.txt", "spanish version to english version", RULER "hola",
     "IPM.Microsoft Mail.Note", "test", "Administrator", "spanish version to english version",
     "DE0CFCA6", "B4A878C0", "B4A878C0", "hola"},
    {"q119356-german.txt", "AW: Huge message header", "\r\n" RULER "\r\nText",
     "IPM.Microsoft Mail.Note", "Administrator", "Postmaster", "AW: Huge message header",
     "C7F3A747", NULL, "C7F3A747", "\r\nText"},
    {"q119356-german.txt", "AW: Huge", "\r\nText", "IPM.Microsoft Mail.Note", "Administrator",
     "Postmaster", "AW: Huge message header", "C7F3A747", NULL, "C7F3A747", "\r\nText"},
    {"q119356-dos.txt", "att", RULER "text", "", NULL, "test", "att", NULL, NULL, NULL, "text"},
    {"q131523-french.txt", "Accus? de r?ception: John DOE", "", "IPM.Microsoft Mail.Read Receipt",
     "John DOE (local)", "Administrator", "Accus? de r?ception: John DOE", "016FA408", NULL,
     "016FA408", ""},
    {"q129707.txt", "Return Receipt: Administrator", "", "IPM.Microsoft Mail.Read Receipt",
     "Administrator", "John DOE (local)", "Return Receipt: Administrator", NULL, NULL, NULL, ""},
};

static void same(const char *got, const char *want)
{
    if (want == NULL)
        assert_null(got);
    else
        assert_string_equal(got != NULL ? got : "(none)", want);
}

/* T90, T95, T96, T135. */
static void test_printed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof printed / sizeof printed[0]; i++) {
        struct message *m =
            kb_printed("NET/PO/FROM", printed[i].subject, printed[i].file, printed[i].tail);
        char body[64] = "";
        struct block block;
        struct error err;

        assert_int_equal(block_read(&block, m, &err), 0);
        if (block.form == BLOCK_NONE)
            fail_msg("row %zu, %s: no block", i, printed[i].file);
        assert_string_equal(block.class, printed[i].class);
        same(block.from.count != 0 ? block.from.items[0].name : NULL, printed[i].from);
        same(block.to.items[0].name, printed[i].to);
        same(block.subject, printed[i].full);
        same(block.message_id, printed[i].id);
        same(block.parent_id, printed[i].parent);
        same(block.conversation_id, printed[i].conversation);
        assert_true(block.date.set);
        assert_int_equal(
            content_read(m->text, block.body, body, content_size(m->text) - block.body, &err), 0);
        assert_string_equal(body, printed[i].body);
        block_clear(&block);
        message_free(m);
    }
}

#define TOP "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\n"

/* In none of them is anything taken out of the text. */
static const struct {
    const char *subject, *text;
} unsure[] = {
    {"x", ""},
    {"x", "Microsoft Mail v3.0 is old.\r\n" RULER},
    {"other", TOP "From: a\r\nTo: b\r\nSubject: x\r\nDate: 1995-01-02 03:04\r\n" RULER "body"},
    {"x", TOP "From: a\r\nTo: b\r\nSubject: x\r\n" RULER "body"},
    {"x", TOP "From: a\r\nTo: b\r\nSubject: x\r\nDate: 1995-01-02 03:04\r\nno label\r\n" RULER},
    {"x", TOP "From: a\r\nTo: b\r\nSubject: x\r\nDate: 1995-01-02 03:04\r\nPlease: call me\r\n"},
    {"x", TOP "From: a\r\nTo: b\r\nSubject: x\r\nDate: 1995-13-02 03:04\r\n" RULER},
    {"x", "text\r\n" TOP "From: a\r\nTo: b\r\nSubject: x\r\nDate: 1995-01-02 03:04\r\n" RULER},
    {"x", "TO: b\r\nSUBJECT: x\r\nDATE: 01-02-95\r\n"},
    {"", TOP "From: a\r\nTo: b\r\nSubject: x\r\nDate: 1995-01-02 03:04\r\n" RULER "body"},
};

static void test_unsure(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof unsure / sizeof unsure[0]; i++) {
        struct message *m = kb_message("NET/PO/FROM", unsure[i].subject, unsure[i].text);
        struct block block;
        struct error err;

        assert_int_equal(block_read(&block, m, &err), 0);
        if (block.form != BLOCK_NONE || block.body != 0)
            fail_msg("row %zu was taken", i);
        block_clear(&block);
        message_free(m);
    }
}

/* T94, in a language that is known: the line behind the first does not get into it. */
static void test_more_subjects(void **state)
{
    static const struct {
        const char *lines;
        bool more;
    } cases[] = {
        {"Subject: x\r\nDate: 1995-01-02 03:04\r\n", false},
        {"Subject: x\r\nSubject: Another\r\nDate: 1995-01-02 03:04\r\n", true},
        {"Subject: x\r\nDate: 1995-01-02 03:04\r\nBetreff: Another\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        struct message *m;
        struct block block;
        struct error err;

        snprintf(text, sizeof text, TOP "From: A\r\nTo: B\r\n%s" RULER "body", cases[i].lines);
        m = kb_message("NET/PO/FROM", "x", text);
        assert_int_equal(block_read(&block, m, &err), 0);
        assert_int_equal(block.form, BLOCK_WINDOWS);
        assert_string_equal(block.subject, "x");
        assert_int_equal(block.more_subjects, cases[i].more);
        block_clear(&block);
        message_free(m);
    }
}

/* A language that no table has; names and addresses. */
static void test_places(void **state)
{
    struct message *m = kb_message(
        "NET/PO/FROM", "Hyv",
        TOP "L\x84hett\x84j\x84: Anna A\r\nVast.ottaja: Bo, B (MS:NET/PO/TO); 'C D'\r\n"
            "Kopio: E\r\nAihe: Hyv\x84\xA0 p\x84iv\x84\xA0\r\nP\x84iv\x84ys: 1995-01-02 03:04\r\n"
            "T\x84rkeys: R\r\nTunnus: 12345678\r\n\r\n" RULER "\r\n\r\nbody");
    struct block block;
    struct error err;

    (void)state;
    assert_int_equal(block_read(&block, m, &err), 0);
    assert_int_equal(block.form, BLOCK_WINDOWS);
    assert_string_equal(block.from.items[0].name, "Anna A");
    assert_int_equal(block.to.count, 2);
    assert_string_equal(block.to.items[0].name, "Bo, B");
    assert_string_equal(block.to.items[0].address, "NET/PO/TO");
    assert_string_equal(block.to.items[1].name, "C D");
    assert_string_equal(block.cc.items[0].name, "E");
    assert_true(strncmp(block.subject, "Hyv\xC3\xA4", 5) == 0);
    assert_int_equal(block.priority, 'R');
    assert_string_equal(block.message_id, "12345678");
    assert_string_equal(block_display(&block, m, 0), "Anna A");
    assert_string_equal(block_display(&block, m, 1), "Bo, B");
    assert_int_equal(content_size(m->text) - block.body, 8);
    block_clear(&block);
    message_free(m);
}

/* Two numbers in a language that no table has are those of the message and the conversation. */
static void test_two_numbers(void **state)
{
    struct message *m = kb_message("NET/PO/FROM", "x",
                                   TOP "Fra: A\r\nTil: B\r\nEmne: x\r\nDato: 1995-01-02 03:04\r\n"
                                       "Nummer: 12345678\r\nSamtale: 9ABCDEF0\r\n" RULER "body");
    struct block block;
    struct error err;

    (void)state;
    assert_int_equal(block_read(&block, m, &err), 0);
    assert_string_equal(block.message_id, "12345678");
    assert_string_equal(block.conversation_id, "9ABCDEF0");
    assert_null(block.parent_id);
    block_clear(&block);
    message_free(m);
}

/* The subject is another one, the minute is the message's: the block goes, its subject is not used.
 */
static void test_date_only(void **state)
{
    struct message *m =
        kb_message("NET/PO/FROM", "other",
                   TOP "From: a\r\nTo: b\r\nSubject: x\r\nDate: 1995-01-02 03:04\r\n" RULER "body");
    struct block block;
    struct error err;

    (void)state;
    kb_date(m, 1995, 1, 2, 3, 4);
    assert_int_equal(block_read(&block, m, &err), 0);
    assert_int_equal(block.form, BLOCK_WINDOWS);
    assert_null(block.subject);
    block_clear(&block);
    message_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printed),     cmocka_unit_test(test_unsure),
        cmocka_unit_test(test_places),      cmocka_unit_test(test_date_only),
        cmocka_unit_test(test_two_numbers), cmocka_unit_test(test_more_subjects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
