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

#include "message/attachment.h"

/* T105 and T106: what names come to (Q175958, Q99716, Q111894, Q129870, Q136474, Q194733). */
static void test_names(void **state)
{
    static const struct {
        const char *codepage, *raw, *long_name, *expected;
    } cases[] = {
        {"CP850", "PRICES.TXT", NULL, "PRICES.TXT"},
        {"CP850", "prices.Txt", NULL, "prices.Txt"},
        {"CP850", "M\x9ALLER.DOC", NULL, "M\xC3\x9CLLER.DOC"},
        {"CP437", "\x8F\x92.XLS", NULL, "\xC3\x85\xC3\x86.XLS"},
        {"CP932", "\x83\x5C\x83\x5C.TXT", NULL, "\xE3\x82\xBD\xE3\x82\xBD.TXT"}, /* trail '\\' */
        {"CP850", "PRICEL~1.XLS", "Price list 1997.xls", "Price list 1997.xls"},
        {"CP850", "PRICEL~1.XLS", "", "PRICEL~1.XLS"},
        {"CP850", "PRICEL~1.XLS", " . ", "PRICEL~1.XLS"},
        {"CP850", "PRICEL~1.XLS", "\xFF", "PRICEL~1.XLS"},
        {"CP850", "X",
         "C:\\My Files\\Pr\xC3\xBC"
         "f.doc",
         "Pr\xC3\xBC"
         "f.doc"},
        {"CP850", "", NULL, "attachment"},
        {"CP850", "..", NULL, "attachment"},
        {"CP850", "dir/", NULL, "attachment"},
        {"CP850", "   ", NULL, "attachment"},
        {"CP850", "../../etc/passwd", NULL, "passwd"},
        {"CP850", "C:\\DOS\\X.ZIP", NULL, "X.ZIP"},
        {"CP850", "C:X.PDF", NULL, "X.PDF"},
        {"CP850", ".profile", NULL, "profile"},
        {"CP850", "a.exe. . ", NULL, "a.exe"},
        {"CP850", "a<b>c:d\"e|f?g*h", NULL, "a_b_c_d_e_f_g_h"},
        {"CP850", "a\r\nContent-Type: x\x7F.bmp", NULL, "aContent-Type_ x.bmp"},
        {"CP850", "=?utf-8?Q?x?=", NULL, "=_utf-8_Q_x_="},
        {"CP850", "AUX", NULL, "_AUX"},
        {"CP850", "con.txt", NULL, "_con.txt"},
        {"CP850", "Com1.tar.gz", NULL, "_Com1.tar.gz"},
        {"CP850", "LPT9 .x", NULL, "_LPT9 .x"},
        {"CP850", "CONSOLE.TXT", NULL, "CONSOLE.TXT"},
        {"CP850", "COM10", NULL, "COM10"},
        {"CP850", "X", "photo\xE2\x80\xAEgpj.exe", "photogpj.exe"},
        {"CP850", "X", "a\xE2\x80\x8B\xC2\x85\xEF\xBB\xBF.doc", "a.doc"},
        {"CP1252", "a\x81.txt", NULL, "a\xEF\xBF\xBD.txt"},
    };
    struct error err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t bad = 0;
        char *out;

        assert_int_equal(
            attachment_name(cases[i].codepage, cases[i].raw, cases[i].long_name, &out, &bad, &err),
            0);
        assert_string_equal(out, cases[i].expected);
        assert_int_equal(bad, strstr(out, "\xEF\xBF\xBD") != NULL);
        free(out);
    }
}

static void test_long_names(void **state)
{
    char raw[1001], *out;
    struct error err;

    (void)state;
    memset(raw, (char)0x81, 1000);
    raw[1000] = '\0';
    memcpy(raw + 994, ".Price", 6);
    assert_int_equal(attachment_name("CP850", raw, NULL, &out, NULL, &err), 0);
    assert_int_equal(strlen(out), ATTACHMENT_NAME_OCTETS);
    assert_string_equal(out + strlen(out) - 8, "\xC3\xBC.Price");
    free(out);
    raw[500] = '.'; /* too long for an extension */
    raw[994] = 'x';
    assert_int_equal(attachment_name("CP850", raw, NULL, &out, NULL, &err), 0);
    assert_int_equal(strlen(out), ATTACHMENT_NAME_OCTETS);
    free(out);
    /* the cut comes behind a dot */
    memset(raw, 'x', 1000);
    raw[ATTACHMENT_NAME_OCTETS - 1] = '.';
    assert_int_equal(attachment_name("CP850", raw, NULL, &out, NULL, &err), 0);
    assert_int_equal(strlen(out), ATTACHMENT_NAME_OCTETS - 1);
    free(out);
}

static void expect(struct attachment_names *names, const char *name, const char *expected)
{
    char *out = attachment_names_take(names, name);

    assert_non_null(out);
    assert_string_equal(out, expected);
    free(out);
}

/* T102 and T106: fifty and more of one name. */
static void test_unique(void **state)
{
    struct attachment_names *names = attachment_names_new();
    char expected[40];
    int i;

    (void)state;
    expect(names, "ATT1", "ATT1");
    expect(names, "att1", "att1-2");
    expect(names, "A.DOC", "A.DOC");
    expect(names, "A-2.DOC", "A-2.DOC");
    expect(names, "a.doc", "a-3.doc");
    expect(names, "\xC3\x9C.TXT", "\xC3\x9C.TXT");
    expect(names, "\xC3\xBC.txt", "\xC3\xBC-2.txt");
    expect(names, "X.BIN", "X.BIN");
    for (i = 2; i < 4096; i++) {
        snprintf(expected, sizeof expected, "X-%d.BIN", i);
        expect(names, "X.BIN", expected);
    }
    attachment_names_free(names);
    attachment_names_free(NULL);
}

static const char *type_of(const char *name, const void *data, size_t size,
                           char out[ATTACHMENT_TYPE_SIZE])
{
    struct content *content;
    struct error err;

    assert_int_equal(content_from_bytes(&content, data, size, &err), 0);
    assert_int_equal(attachment_type(name, content, out, &err), 0);
    content_free(content);
    return out;
}

#define DATA(literal) literal, sizeof literal - 1
#define OCTETS "application/octet-stream"

/* T103 and T104: nothing, and zeros first. Else name and content must agree. */
static void test_types(void **state)
{
    static const struct {
        const char *name, *data;
        size_t size;
        const char *expected;
    } cases[] = {
        {"A.GIF", DATA("GIF89a..."), "image/gif"},
        {"a.gif", DATA("GIF87a..."), "image/gif"},
        {"A.GIF", DATA("GIF8"), OCTETS},
        {"A.GIF", DATA(""), OCTETS},
        {"A.GIF", DATA("MZ\x90"), OCTETS},
        {"A.EXE", DATA("GIF89a"), OCTETS},
        {"A.TXT", DATA("GIF89a"), OCTETS},
        {"PICTURE", DATA("GIF89a"), "image/gif"},
        {"PICTURE", DATA("BM......"), OCTETS}, /* not sure enough */
        {"A.BMP", DATA("BM......"), "image/bmp"},
        {"A.JPG", DATA("\xFF\xD8\xFF\xE0"), "image/jpeg"},
        {"A.PDF", DATA("%PDF-1.0"), "application/pdf"},
        {"A.HTM", DATA("<html>"), OCTETS},
        {"A.TXT", DATA("text\r\n"), OCTETS},
        {"A.DOC", DATA("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), "application/msword"},
        {"A.DOC", DATA("\xDB\xA5\x2D\x00"), "application/msword"},
        {"A.DOC", DATA("plain text"), OCTETS},
        {"A.XLS", DATA("\x09\x02\x06\x00"), "application/vnd.ms-excel"},
        {"A.XLS", DATA("\xDB\xA5\x2D\x00"), OCTETS},
        {"A", DATA("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), OCTETS},
        {"A.WAV", DATA("RIFF....WAVEfmt "), "audio/x-wav"},
        {"A.WAV", DATA("RIFF....AVI LIST"), OCTETS},
        {"A.AVI", DATA("RIFF....AVI LIST"), "video/x-msvideo"},
        {"A.ZIP", DATA("PK\x03\x04"), "application/zip"},
        {"A.WRI", DATA("\x31\xBE\x00\x00\x00\xAB"), "application/x-mswrite"},
        {"A.", DATA("GIF89a"), OCTETS},
        {"A.BIN", DATA("\x00\x05\x16\x00\x00\x01\x00\x00"), "application/applefile"},
        {"A", DATA("\x00\x05\x16\x07\x00\x02\x00\x00"), "application/applefile"},
        {"A", DATA("\x00\x05\x16\x07\x00\x03\x00\x00"), OCTETS},
    };
    char out[ATTACHMENT_TYPE_SIZE], zeros[4096] = {0};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(type_of(cases[i].name, cases[i].data, cases[i].size, out),
                            cases[i].expected);
    for (i = 0; i < sizeof zeros; i += 126)
        assert_string_equal(type_of("A.BIN", zeros, i, out), OCTETS);
}

static void put32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

/* T109 (Q86371, Q118487): a file of a Macintosh in one piece. */
static void test_macbinary(void **state)
{
    uint8_t file[128 + 256 + 128] = {0};
    char out[ATTACHMENT_TYPE_SIZE];
    size_t i;

    (void)state;
    file[1] = 7;
    memcpy(file + 2, "Picture", 7);
    memcpy(file + 65, "GIFfogle", 8);
    put32(file + 83, 200);
    put32(file + 87, 100);
    assert_string_equal(type_of("PICTURE", file, sizeof file, out), "application/macbinary");
    assert_string_equal(type_of("A.GIF", file, sizeof file, out), "application/macbinary");
    assert_string_equal(type_of("A", file, sizeof file - 28, out), "application/macbinary");
    assert_string_equal(type_of("A", file, sizeof file - 1, out), OCTETS);
    for (i = 0; i <= 128; i++)
        assert_string_equal(type_of("A", file, i, out), OCTETS);
    file[124] = 1; /* of MacBinary II, and wrong */
    assert_string_equal(type_of("A", file, sizeof file, out), OCTETS);
    file[124] = 0;
    file[1] = 0;
    assert_string_equal(type_of("A", file, sizeof file, out), OCTETS);
    file[1] = 64;
    assert_string_equal(type_of("A", file, sizeof file, out), OCTETS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_unique),    cmocka_unit_test(test_types),
        cmocka_unit_test(test_macbinary),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
