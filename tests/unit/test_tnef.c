/* SPDX-License-Identifier: BSD-2-Clause */
/* T107, T110, T111: WINMAIL.DAT, messages and objects inside. Larger streams: tests/e2e/tnef.py. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "message/ole.h"
#include "message/tnef.h"
#include "tests/unit/tneffixture.h"

static struct tnef *read_made(const struct made *made, struct content **content)
{
    struct tnef *tnef;
    struct error err;

    assert_int_equal(content_from_bytes(content, made->data, made->size, &err), 0);
    assert_int_equal(tnef_read(&tnef, *content, "CP850", &err), 0);
    return tnef;
}

static const uint8_t file_data[14] = {1, 0, 5};
static const uint8_t ole_data[14] = {2, 0, 6};

static void sample(struct made *made)
{
    made_begin(made, NULL);
    made_attribute(made, 1, 0x00078008, "IPM.Microsoft Mail.Note", 24);
    made_attribute(made, 1, 0x00018004,
                   "Gr\x81\xE1"
                   "e",
                   6); /* CP850: no code page is told */
    made_attribute(made, 1, 0x00069004, "\0\0\0\0", 4);
    made_attribute(made, 1, 0x00008000, "\4\0\20\0\2\0\6\0N\0MS:A/B",
                   16); /* the address is cut by its size */
    made_attribute(made, 2, 0x00069002, file_data, 14);
    made_attribute(made, 2, 0x00018010, "Quarterly report.doc", 21);
    made_attribute(made, 2, 0x0006800F, "octets", 6);
    made_attribute(made, 2, 0x00069002, ole_data, 14);
    made_attribute(made, 2, 0x00018010, "picture", 8);
}

static const struct tnef_attachment *match(const struct tnef *tnef, const struct content *content,
                                           const char *name, size_t index, size_t count)
{
    struct tnef_file file = {.name = name, .index = index, .count = count};
    const bool taken[TNEF_MAX_ATTACHMENTS] = {false};
    const struct tnef_attachment *found;
    struct error err;

    assert_int_equal(tnef_match(tnef, content, &file, taken, &found, &err), 0);
    return found;
}

static void test_sample(void **state)
{
    struct made made;
    struct content *content;
    struct tnef *tnef;

    (void)state;
    sample(&made);
    tnef = read_made(&made, &content);
    assert_true(tnef_is(content));
    assert_string_equal(tnef->class, "IPM.Microsoft Mail.Note");
    assert_string_equal(tnef->subject, "Gr\xC3\xBC\xC3\x9F"
                                       "e");
    assert_string_equal(tnef->sender_name, "N");
    assert_string_equal(tnef->sender_address, "MS:A/B");
    assert_int_equal(tnef->recipients, 1);
    assert_int_equal(tnef->attachment_count, 2);
    assert_int_equal(tnef->attachments[0].data.size, 6);
    assert_int_equal(tnef->attachments[1].kind, TNEF_OLE);
    assert_false(tnef->truncated);
    assert_int_equal(tnef->malformed + tnef->bad_checksums, 0);
    assert_ptr_equal(match(tnef, content, "QUARTE~1.DOC", 0, 1), &tnef->attachments[0]);
    assert_ptr_equal(match(tnef, content, "quarterly REPORT.doc", 3, 9), &tnef->attachments[0]);
    assert_ptr_equal(match(tnef, content, "ATT1", 0, 1), &tnef->attachments[1]); /* no octets */
    assert_ptr_equal(match(tnef, content, "ATT1", 0, 2), &tnef->attachments[0]);
    assert_null(match(tnef, content, "QUARTE~1.XLS", 0, 1));
    assert_null(match(tnef, content, "QUARTE~1.DOC", 0, 3));
    tnef_free(tnef);
    content_free(content);
}

/* However the stream is cut, what stands before the cut is kept and nothing else happens. */
static void test_cut(void **state)
{
    struct content *content;
    struct made made, part;
    struct tnef *tnef;
    struct error err;
    size_t size;

    (void)state;
    sample(&made);
    for (size = 0; size < made.size; size++) {
        part = made;
        part.size = size;
        assert_int_equal(content_from_bytes(&content, part.data, part.size, &err), 0);
        if (tnef_read(&tnef, content, "CP850", &err) != 0) {
            assert_true(size < 6);
            assert_int_equal(err.class, ERROR_DATA);
        } else {
            assert_true(tnef->class == NULL || strncmp(tnef->class, "IPM.", 4) == 0);
            tnef_free(tnef);
        }
        content_free(content);
    }
}

static void test_damage_is_counted(void **state)
{
    struct content *content;
    struct made made;
    struct tnef *tnef;

    (void)state;
    made_begin(&made, NULL);
    made_attribute(&made, 1, 0x00078008, "IPM.X", 6);
    made.data[made.size - 1] ^= 1; /* checksum */
    made_attribute(&made, 1, 0x00018004, "kept", 5);
    made_attribute(&made, 1, 0x00030006, "\0", 1); /* a date of one octet */
    made_attribute(&made, 1, 0x00069003, "\xff\xff\xff\xff", 4);
    made_attribute(&made, 1, 0x00069003, "\1\0\0\0\x1e\0\x37\0\1\0\0\0\xf0\xff\xff\xff", 16);
    made_attribute(&made, 1, 0x00069007, "\xff\xff\0\0\0\0\0\0", 8); /* no such code page */
    made_number(&made, 1, 1);
    made_number(&made, 0x00018004, 4);
    made_number(&made, 0xFFFFFFFF, 4);
    tnef = read_made(&made, &content);
    assert_null(tnef->class);
    assert_string_equal(tnef->subject, "kept");
    assert_string_equal(tnef->codepage, "CP850");
    assert_int_equal(tnef->bad_checksums, 1);
    assert_int_equal(tnef->malformed, 4);
    assert_true(tnef->truncated);
    tnef_free(tnef);
    content_free(content);
}

/* INNER as the message in an attachment. */
static void nest(struct made *made, const struct made *inner)
{
    static const uint8_t iid[16] = {7, 3, 2, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46};
    struct made list = {.size = 0};

    made_number(&list, 1, 4);
    made_number(&list, 0x3701000D, 4);
    made_number(&list, 1, 4);
    made_number(&list, (uint32_t)inner->size + 16, 4);
    made_put(&list, iid, 16);
    made_put(&list, inner->data, inner->size);
    made_number(&list, 0, -inner->size & 3);
    made_begin(made, NULL);
    made_attribute(made, 1, 0x00018004, "outer", 6);
    made_attribute(made, 2, 0x00069002, file_data, 14);
    made_attribute(made, 2, 0x00069005, list.data, list.size);
}

static void test_message_inside(void **state)
{
    const struct message_address *from;
    struct content *content;
    struct message *message;
    struct made made, inner;
    struct tnef *tnef;
    struct error err;

    (void)state;
    sample(&inner);
    made_attribute(&inner, 1, 0x0002800C,
                   "Gr\x81\xE1"
                   "e\r\n",
                   8);
    nest(&made, &inner);
    tnef = read_made(&made, &content);
    assert_int_equal(tnef->attachment_count, 1);
    assert_int_equal(tnef->attachments[0].kind, TNEF_MESSAGE);
    assert_non_null(tnef->attachments[0].message);
    assert_int_equal(tnef_message(tnef->attachments[0].message, content, "NET/PO", "UTC", "/tmp",
                                  &message, &err),
                     0);
    from = message_from(message);
    assert_non_null(from);
    assert_string_equal(from->text, "A/B");
    assert_int_equal(message->address_count, 1);
    assert_string_equal(message->codepage, "UTF-8");
    assert_string_equal(message->subject, "Gr\xC3\xBC\xC3\x9F"
                                          "e");
    assert_int_equal(content_size(message->text), 8);
    assert_int_equal(message->attachment_count, 1);
    assert_string_equal(message->attachments[0].name, "WINMAIL.DAT");
    assert_int_equal(content_size(message->attachments[0].content), inner.size);
    message_free(message);
    tnef_free(tnef);
    content_free(content);
}

static void test_depth(void **state)
{
    struct content *content;
    struct tnef *tnef, *each;
    struct made made, inner;
    int depth;

    (void)state;
    sample(&made);
    for (depth = 0; depth < 8; depth++) {
        inner = made;
        nest(&made, &inner);
    }
    tnef = read_made(&made, &content);
    for (depth = 0, each = tnef; each->attachments[0].message != NULL; depth++)
        each = each->attachments[0].message;
    assert_int_equal(depth, TNEF_MAX_DEPTH);
    assert_true(each->truncated);
    tnef_free(tnef);
    content_free(content);
}

static void test_rewrite(void **state)
{
    static const char key[] = "\2\1\x7f\0\1\0\0\0\5\0\0\0<a@b\0\0\0\0"; /* padded */
    struct content *content, *out;
    struct tnef *tnef;
    struct made made;
    struct error err;
    uint8_t octets[1024];
    size_t size;

    (void)state;
    sample(&made);
    tnef = read_made(&made, &content);
    tnef_free(tnef);
    assert_int_equal(tnef_rewrite(content, "<a@b", "/tmp", &out, &err), 0);
    assert_int_equal(tnef_read(&tnef, out, "CP850", &err), 0);
    assert_int_equal(tnef->recipients, 0);
    assert_int_equal(tnef->bad_checksums, 0);
    assert_int_equal(tnef->malformed, 0);
    assert_null(tnef->sender_address);
    assert_string_equal(tnef->class, "IPM.Microsoft Mail.Note");
    assert_int_equal(tnef->attachment_count, 2);
    size = (size_t)content_size(out);
    assert_true(size < sizeof octets);
    assert_int_equal(content_read(out, 0, octets, size, &err), 0);
    assert_non_null(memmem(octets, size, key, sizeof key - 2));
    tnef_free(tnef);
    content_free(out);
    content_free(content);
}

/* An embedded object with its picture ([MS-OLEDS] 2.2.5, 2.2.2.1). */
static void test_ole(void **state)
{
    static const uint8_t metafile[24] = {1, 0, 9, 0, 0, 3, 12};
    struct tnef_range range = {.set = true};
    struct content *content, *picture;
    struct made made = {.size = 0};
    struct error err;
    struct ole ole;
    uint8_t octets[46];

    (void)state;
    made_number(&made, 0x501, 4);
    made_number(&made, 2, 4);
    made_number(&made, 7, 4);
    made_put(&made, "PBrush", 7);
    made_number(&made, 0, 4);
    made_number(&made, 0, 4);
    made_number(&made, 4, 4);
    made_put(&made, "data", 4);
    made_number(&made, 0x501, 4);
    made_number(&made, 5, 4);
    made_number(&made, 13, 4);
    made_put(&made, "METAFILEPICT", 13);
    made_number(&made, 2000, 4);
    made_number(&made, (uint32_t)-1000, 4);
    made_number(&made, 8 + sizeof metafile, 4);
    made_put(&made, "\10\0\0\0\0\0\0\0", 8);
    made_put(&made, metafile, sizeof metafile);
    assert_int_equal(content_from_bytes(&content, made.data, made.size, &err), 0);
    range.size = made.size;
    assert_int_equal(ole_read(content, &range, &ole, &err), 0);
    assert_true(ole.known);
    assert_string_equal(ole.class_name, "PBrush");
    assert_int_equal(ole.native.size, 4);
    assert_int_equal(ole.width, 2000);
    assert_int_equal(ole.height, 1000);
    assert_int_equal(
        ole_picture(content, &ole.picture, ole.width, ole.height, "/tmp", &picture, &err), 0);
    assert_non_null(picture);
    assert_int_equal(content_size(picture), sizeof octets);
    assert_int_equal(content_read(picture, 0, octets, sizeof octets, &err), 0);
    assert_memory_equal(octets, "\xD7\xCD\xC6\x9A", 4);
    assert_memory_equal(octets + 22, metafile, sizeof metafile);
    content_free(picture);
    for (range.size = 0; range.size < made.size; range.size++)
        assert_int_equal(ole_read(content, &range, &ole, &err), 0);
    content_free(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_damage_is_counted),
        cmocka_unit_test(test_message_inside),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_rewrite),
        cmocka_unit_test(test_ole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
