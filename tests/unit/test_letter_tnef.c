/* SPDX-License-Identifier: BSD-2-Clause */
/* What WINMAIL.DAT does to a letter: T106, T107, T110, T111, T112. All of its kinds, end to end:
 * tests/e2e/winmail.py. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/unit/mimefixture.h"
#include "tests/unit/tneffixture.h"

/* An attachment of TYPE (1 file, 2 OLE object) with its title, and its octets unless they are NULL.
 */
static void attachment(struct made *made, uint8_t type, const char *title, const void *data,
                       size_t size)
{
    const uint8_t rendering[14] = {type, 0, 7};

    made_attribute(made, 2, 0x00069002, rendering, sizeof rendering);
    made_attribute(made, 2, 0x00018010, title, strlen(title) + 1);
    if (data != NULL)
        made_attribute(made, 2, 0x0006800F, data, size);
}

/* PR_ATTACH_METHOD and PR_ATTACH_DATA_OBJ of IID_IMessage: INNER is a message in OUTER. */
static void nest(struct made *outer, const void *inner, size_t size)
{
    static const uint8_t iid[16] = {0x07, 0x03, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46};
    struct made list = {.size = 0};

    made_number(&list, 2, 4);
    made_number(&list, 0x37050003, 4);
    made_number(&list, 5, 4);
    made_number(&list, 0x3701000D, 4);
    made_number(&list, 1, 4);
    made_number(&list, (uint32_t)(sizeof iid + size), 4);
    made_put(&list, iid, sizeof iid);
    made_put(&list, inner, size);
    while (list.size % 4 != 0)
        made_number(&list, 0, 1);
    attachment(outer, 1, "Inner", NULL, 0);
    made_attribute(outer, 2, 0x00069005, list.data, list.size);
}

static void deliver(struct mimefixture *f, const struct made *made)
{
    static const char text[] = "The text.\r\n";

    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/BERT");
    mimefixture_set_text(f, text, sizeof text - 1);
    mimefixture_attach(f, "WINMAIL.DAT", made->data, made->size);
    mimefixture_write(f);
}

static struct mimefixture *fixture(void **state, enum letter_tnef tnef)
{
    struct mimefixture *f = *state;

    f->options.tnef = tnef;
    return f;
}

/* T106: the long name comes from the stream, also for "ATT1"; it is safe, and there once. */
static void test_names(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made;

    made_begin(&made, "IPM.Microsoft Mail.Note");
    attachment(&made, 1, "..\\..\\Quarterly report.doc", NULL, 0);
    attachment(&made, 1, "Found again.xls", NULL, 0);
    attachment(&made, 1, "QUARTERLY REPORT.doc", NULL, 0);
    mimefixture_attach(f, "QUARTE~1.DOC", "one", 3);
    mimefixture_attach(f, "ATT1", "two", 3);
    mimefixture_attach(f, "QUARTE~2.DOC", "three", 5);
    deliver(f, &made);
    mimefixture_has(f, "filename=\"Quarterly report.doc\"");
    mimefixture_has(f, "filename=\"Found again.xls\"");
    mimefixture_has(f, "filename=\"QUARTERLY REPORT-2.doc\"");
    mimefixture_lacks(f, "WINMAIL.DAT");
    assert_null(f->facts.damage);
}

/* An attachment of the same name and other octets is another one; of the same octets it is not. */
static void test_hidden(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    GMimeMessage *parsed;
    struct made made;

    made_begin(&made, "IPM.Microsoft Mail.Note");
    attachment(&made, 1, "A.TXT", "other", 5);
    attachment(&made, 1, "B.TXT", "same", 4);
    attachment(&made, 1, "Only here.bin", "", 0);
    mimefixture_attach(f, "A.TXT", "first", 5);
    mimefixture_attach(f, "B.TXT", "same", 4);
    deliver(f, &made);
    parsed = mimefixture_parse(f);
    assert_int_equal(
        g_mime_multipart_get_count(GMIME_MULTIPART(g_mime_message_get_mime_part(parsed))), 5);
    mimefixture_part(parsed, 1, "first", 5);
    mimefixture_part(parsed, 2, "same", 4);
    mimefixture_part(parsed, 3, "other", 5);
    mimefixture_part(parsed, 4, "", 0);
    mimefixture_has(f, "filename=A-2.TXT");
    g_object_unref(parsed);
}

/* A file that the postoffice has lost is taken from the stream. */
static void test_rescued(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    GMimeMessage *parsed;
    struct made made;

    made_begin(&made, "IPM.Microsoft Mail.Note");
    attachment(&made, 1, "A.TXT", "saved", 5);
    mimefixture_attach(f, "A.TXT", NULL, 0);
    deliver(f, &made);
    parsed = mimefixture_parse(f);
    mimefixture_part(parsed, 1, "saved", 5);
    mimefixture_lacks(f, "was lost");
    g_object_unref(parsed);
}

/* T107: one that cannot be read whole stays, octet for octet, and what could be read is used; it is
 * not offered to receivers that would refuse the message for it. */
static void check_kept(struct mimefixture *f, const struct made *made, const char *why)
{
    GMimeMessage *parsed;

    deliver(f, made);
    parsed = mimefixture_parse(f);
    mimefixture_part(parsed, 1, made->data, made->size);
    mimefixture_has(f, "filename=WINMAIL.DAT");
    mimefixture_lacks(f, "application/ms-tnef");
    assert_non_null(f->facts.damage);
    if (strstr(f->facts.damage, why) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", why, f->facts.damage);
    g_object_unref(parsed);
}

static void test_wrong_checksum(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made;

    made_begin(&made, "IPM.Microsoft Mail.Note");
    made.data[made.size - 1] ^= 1;
    attachment(&made, 1, "Only here.bin", "x", 1);
    check_kept(f, &made, "wrong checksum");
    mimefixture_has(f, "filename=\"Only here.bin\"");
}

static void test_cut(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_PASS);
    struct made made;

    made_begin(&made, "IPM.Vendor.Form");
    attachment(&made, 1, "Only here.bin", "x", 1);
    made.size--;
    check_kept(f, &made, "does not go on to its end");
    mimefixture_has(f, "X-MSMail-Message-Class: IPM.Vendor.Form\r\n");
}

/* Cut behind its beginning, or without contents: nobody can tell. */
static void test_beginning(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made = {.size = 0};

    made_put(&made, "\x78\x9F\x3E\x22\1\0", 6);
    check_kept(f, &made, "nothing behind its beginning");
}

static void test_garbage(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made = {.size = 0};

    made_put(&made, "no stream at all", 16);
    check_kept(f, &made, "signature");
}

/* PR_RTF_COMPRESSED that does not unpack. */
static void test_bad_rtf(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made, list = {.size = 0};

    made_number(&list, 1, 4);
    made_number(&list, 0x10090102, 4);
    made_number(&list, 1, 4);
    made_number(&list, 20, 4);
    made_put(&list, "\x14\0\0\0\4\0\0\0LZFu\0\0\0\0abcd", 20);
    made_begin(&made, "IPM.Microsoft Mail.Note");
    made_attribute(&made, 1, 0x00069003, list.data, list.size);
    check_kept(f, &made, "formatted text");
}

/* What somebody attached under another name is his file. */
static void test_other_name(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made;

    made_begin(&made, "IPM.Vendor.Form");
    mimefixture_attach(f, "SAMPLE.TNF", made.data, made.size);
    mimefixture_write(f);
    mimefixture_has(f, "filename=SAMPLE.TNF");
    mimefixture_lacks(f, "IPM.Vendor.Form");
}

static void test_keep(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_KEEP);
    GMimeMessage *parsed;
    struct made made;

    made_begin(&made, "IPM.Vendor.Form");
    deliver(f, &made);
    parsed = mimefixture_parse(f);
    mimefixture_part(parsed, 1, made.data, made.size);
    mimefixture_lacks(f, "IPM.Vendor.Form");
    g_object_unref(parsed);
}

static void test_drop(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DROP);
    struct made made;

    made_begin(&made, "IPM.Vendor.Form");
    deliver(f, &made);
    mimefixture_lacks(f, "IPM.Vendor.Form");
    mimefixture_lacks(f, "multipart");
}

/* Sent on: without whom it was from, and with the message's id. */
static void test_pass(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_PASS);
    struct made made;

    made_begin(&made, "IPM.Vendor.Form");
    attachment(&made, 1, "Only here.bin", "x", 1);
    deliver(f, &made);
    mimefixture_has(f, "Content-Type: application/ms-tnef; name=winmail.dat\r\n");
    mimefixture_has(f, "X-MSMail-Message-Class: IPM.Vendor.Form\r\n");
    mimefixture_lacks(f, "Only here.bin");
    assert_null(f->facts.damage);
}

/* T110: a message inside is message/rfc822, with its own people. */
static void test_message(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made, inner, rows = {.size = 0};

    made_begin(&inner, "IPM.Microsoft Mail.Note");
    made_attribute(&inner, 1, 0x00018004, "Inner subject", 14);
    made_attribute(&inner, 1, 0x00008000, "\4\0\33\0\5\0\11\0Anna\0MS:A/B/C\0", 22);
    made_number(&rows, 1, 4);
    made_number(&rows, 3, 4);
    made_number(&rows, 0x0C150003, 4);
    made_number(&rows, 2, 4);
    made_number(&rows, 0x3001001E, 4);
    made_number(&rows, 1, 4);
    made_number(&rows, 4, 4);
    made_put(&rows, "Two", 4);
    made_number(&rows, 0x3003001E, 4);
    made_number(&rows, 1, 4);
    made_number(&rows, 8, 4);
    made_put(&rows, "X/Y/TWO", 8);
    made_attribute(&inner, 1, 0x00069004, rows.data, rows.size);
    made_attribute(&inner, 1, 0x0002800C, "Inner text\r\n", 12);
    made_begin(&made, "IPM.Microsoft Mail.Note");
    nest(&made, inner.data, inner.size);
    deliver(f, &made);
    mimefixture_has(f, "Content-Type: message/rfc822");
    mimefixture_has(f, "From: Anna <IMCEAMS-A_B_C@gw.example>\r\n");
    mimefixture_has(f, "Cc: Two <IMCEAMS-X_Y_TWO@gw.example>\r\n");
    mimefixture_has(f, "Subject: Inner subject\r\n");
    assert_null(f->facts.damage);
}

/* What is no message, though it says so, is a file, and so is what lies too deep. */
static void test_no_message(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made;

    made_begin(&made, "IPM.Microsoft Mail.Note");
    nest(&made, "no stream", 9);
    check_kept(f, &made, "make no sense");
    mimefixture_has(f, "filename=Inner");
    mimefixture_has(f, "bm8gc3RyZWFt"); /* "no stream" */
    mimefixture_lacks(f, "message/rfc822");
}

static void test_depth(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made, outer;
    const char *at;
    int depth, count = 0;

    made_begin(&made, "IPM.Microsoft Mail.Note");
    for (depth = 0; depth < LETTER_DEPTH_MAX + 2; depth++) {
        made_begin(&outer, "IPM.Microsoft Mail.Note");
        nest(&outer, made.data, made.size);
        made = outer;
    }
    deliver(f, &made);
    for (at = buf_text(&f->out); (at = strstr(at, "message/rfc822")) != NULL; at++)
        count++;
    assert_int_equal(count, LETTER_DEPTH_MAX);
    mimefixture_has(f, "filename=Inner");
    assert_null(f->facts.damage);
}

/* T111: an object is a file and a line of text, or the line alone. */
static const uint8_t object[] = "\1\5\0\0\2\0\0\0\7\0\0\0PBrush\0\0\0\0\0\0\0\0\0\3\0\0\0abc"
                                "\1\5\0\0\0\0\0"; /* and its NUL */

static void test_object(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    GMimeMessage *parsed;
    struct made made;

    made_begin(&made, "IPM.Microsoft Mail.Note");
    attachment(&made, 2, "Bitmap", object, sizeof object);
    deliver(f, &made);
    parsed = mimefixture_parse(f);
    mimefixture_part(parsed, 1, "[OLE object: PBrush]\n", 21);
    mimefixture_part(parsed, 2, object, sizeof object);
    mimefixture_has(f, "Content-Type: application/x-oleobject; name=object1.ole\r\n");
    g_object_unref(parsed);
}

static void test_object_as_text(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made;

    f->options.ole = LETTER_OLE_TEXT;
    made_begin(&made, "IPM.Microsoft Mail.Note");
    attachment(&made, 2, "OLE1.DAT", NULL, 0);
    mimefixture_attach(f, "OLE1.DAT", object, sizeof object);
    deliver(f, &made);
    mimefixture_has(f, "[OLE object: PBrush]\r\n");
    mimefixture_lacks(f, "OLE1.DAT");
    mimefixture_lacks(f, "object1.ole");
}

/* T112: the time stands above the text whatever is sent beside it. */
static void meeting(struct made *made)
{
    made_begin(made, "IPM.Microsoft Schedule.MtgReq");
    made_attribute(made, 1, 0x00030006, "\xCC\7\3\0\5\0\12\0\0\0\0\0\2\0", 14);
    made_attribute(made, 1, 0x00030007, "\xCC\7\3\0\5\0\13\0\36\0\0\0\2\0", 14);
}

static void test_meeting(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made;

    meeting(&made);
    deliver(f, &made);
    mimefixture_has(f, "When: 1996-03-05 10:00 - 11:30 (Europe/Berlin)\r\n\r\nThe text.\r\n");
    mimefixture_lacks(f, "text/calendar");
}

static void test_calendar(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    struct made made;

    f->options.schedule = LETTER_SCHEDULE_ICAL;
    meeting(&made);
    deliver(f, &made);
    mimefixture_has(f, "When: 1996-03-05 10:00 - 11:30 (Europe/Berlin)\r\n\r\nThe text.\r\n");
    mimefixture_has(f, "Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n");
}

/* Receivers that do not read what is sent on have the time, too. */
static void test_meeting_passed(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_PASS);
    struct made made;

    meeting(&made);
    deliver(f, &made);
    mimefixture_has(f, "When: 1996-03-05 10:00 - 11:30 (Europe/Berlin)\r\n\r\nThe text.\r\n");
    mimefixture_has(f, "application/ms-tnef");
}

/* Text of the stream that the message has not is a file. */
static void test_other_text(void **state)
{
    struct mimefixture *f = fixture(state, LETTER_TNEF_DECODE);
    GMimeMessage *parsed;
    struct made made;

    made_begin(&made, "IPM.Microsoft Mail.Note");
    made_attribute(&made, 1, 0x0002800C, "Other words\r\n", 13);
    deliver(f, &made);
    parsed = mimefixture_parse(f);
    mimefixture_part(parsed, 1, "Other words\n", 12);
    mimefixture_has(f, "filename=message.txt");
    g_object_unref(parsed);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, mimefixture_setup, mimefixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names),    TEST(test_hidden),         TEST(test_rescued),
        TEST(test_cut),      TEST(test_wrong_checksum), TEST(test_beginning),
        TEST(test_garbage),  TEST(test_bad_rtf),        TEST(test_other_name),
        TEST(test_keep),     TEST(test_drop),           TEST(test_pass),
        TEST(test_message),  TEST(test_no_message),     TEST(test_depth),
        TEST(test_object),   TEST(test_meeting),        TEST(test_object_as_text),
        TEST(test_calendar), TEST(test_other_text),     TEST(test_meeting_passed),
    };

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
