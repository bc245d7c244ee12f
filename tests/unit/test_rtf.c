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

#include "message/rtf.h"

/* [MS-OXRTFCP] 4.1 and 4.2. */
static const uint8_t hello[] = {0x2d, 0x00, 0x00, 0x00, 0x2b, 0x00, 0x00, 0x00, 0x4c, 0x5a,
                                0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00,
                                0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a,
                                0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77,
                                0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0};
static const uint8_t crossing[] = {0x1a, 0x00, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00, 0x4c, 0x5a,
                                   0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0x00, 0x04, 0x20,
                                   0x57, 0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0};
static const uint8_t stored[] = "\x0d\0\0\0\x01\0\0\0MELA\0\0\0\0x";

static void test_published_vectors(void **state)
{
    struct error err;
    size_t size;
    char *out;

    (void)state;
    assert_int_equal(rtf_decompress(hello, sizeof hello, &out, &size, &err), 0);
    assert_string_equal(out, "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
    assert_int_equal(size, 43);
    free(out);
    assert_int_equal(rtf_decompress(crossing, sizeof crossing, &out, &size, &err), 0);
    assert_string_equal(out, "{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
    free(out);
    assert_int_equal(rtf_decompress(stored, sizeof stored - 1, &out, &size, &err), 0);
    assert_string_equal(out, "x");
    free(out);
}

static void test_damaged(void **state)
{
    uint8_t copy[sizeof hello];
    struct error err;
    size_t size, i;
    char *out;

    (void)state;
    for (i = 0; i < sizeof hello; i++) { /* cut anywhere */
        assert_int_equal(rtf_decompress(hello, i, &out, &size, &err), -1);
        assert_int_equal(err.class, ERROR_DATA);
    }
    for (i = 8; i < sizeof hello; i++) { /* kind, checksum or contents */
        memcpy(copy, hello, sizeof copy);
        copy[i] ^= 0x10;
        assert_int_equal(rtf_decompress(copy, sizeof copy, &out, &size, &err), -1);
        assert_int_equal(err.class, ERROR_DATA);
    }
    memcpy(copy, hello, sizeof copy);
    copy[7] = 0x7F; /* two gigabytes are promised */
    assert_int_equal(rtf_decompress(copy, sizeof copy, &out, &size, &err), -1);
}

static const struct {
    const char *rtf, *text, *html; /* html: what stands in it; NULL: the same as the text */
    bool formatted;
} cases[] = {
    {"{\\rtf1\\ansi plain}", "plain", "plain", false},
    {"{\\rtf1\\ansi one\\par two\\line three}", "one\ntwo\nthree", "one<br>\ntwo<br>\nthree",
     false},
    {"{\\rtf1 a\r\nb\\\nc}", "ab\nc", "ab<br>\nc", false},
    {"{\\rtf1 a {\\b bold\\i  both} end}", "a bold both end",
     "a <b>bold</b><b><i> both</i></b> end", true},
    {"{\\rtf1 \\ul u\\ul0 n}", "un", "<u>u</u>n", true},
    {"{\\rtf1{\\colortbl;\\red255\\green0\\blue16;}\\cf1 red\\cf0 black}", "redblack",
     "<span style=\"color:#ff0010;\">red</span>black", true},
    {"{\\rtf1\\fs20 small\\fs36 large}", "smalllarge",
     "small<span style=\"font-size:18pt;\">large</span>", true},
    {"{\\rtf1\\ansi\\ansicpg1252 Gr\\'fc\\'dfe}",
     "Gr\xC3\xBC\xC3\x9F"
     "e",
     NULL, false},
    {"{\\rtf1\\pc\\'81}", "\xC3\xBC", NULL, false},
    {"{\\rtf1\\ansicpg932 \\'93\\'fa\\'96\\'7b}", "\xE6\x97\xA5\xE6\x9C\xAC", NULL, false},
    {"{\\rtf1{\\fonttbl{\\f0\\fnil Arial;}{\\f1\\fnil\\fcharset204 Arial Cyr;}}\\f1\\'e4\\f0\\'e4}",
     "\xD0\xB4\xC3\xA4", NULL, false},
    {"{\\rtf1 \\u8364?x\\uc0\\u8364 y}",
     "\xE2\x82\xAC"
     "x\xE2\x82\xAC"
     "y",
     NULL, false},
    {"{\\rtf1 \\u-10179?\\u-8704?}", "\xF0\x9F\x98\x80", NULL, false},
    {"{\\rtf1 \\u-10179?x}", "\xEF\xBF\xBDx", NULL, false},
    {"{\\rtf1 <script>&\"\\{\\}\\\\}", "<script>&\"{}\\", "&lt;script&gt;&amp;&quot;{}\\", false},
    {"{\\rtf1{\\*\\generator evil}{\\pict 0102}{\\info{\\title t}}a}", "a", "a", false},
    {"{\\rtf1{\\field{\\*\\fldinst HYPERLINK \"http://x\"}{\\fldrslt link}}}", "link", "link",
     false},
    {"{\\rtf1{\\object{\\*\\objdata 00}{\\result shown}}}", "shown", "shown", false},
    {"{\\rtf1\\bin3 }}}x}", "x", "x", false},
    {"{\\rtf1 {\\v hidden}a\\tab b\\bullet}", "a\tb\xE2\x80\xA2", NULL, false},
    {"{\\rtf1\\fromhtml1 {\\*\\htmltag <script>}\\htmlrtf {\\htmlrtf0 t}", "t", "t", false},
    {"{\\rtf1 a  b}", "a  b", "a &nbsp;b", false},
    {"{\\rtf1 unfinished \\", "unfinished ", "unfinished ", false},
    {"{\\rtf1 a}{b}", "a", "a", false},
    {"{\\rtf1\\'e", "e", "e", false},
    {"{\\rtf1 \\tab\\~\\_}", "\t\xC2\xA0\xE2\x80\x91", NULL, false},
};

static void test_conversion(void **state)
{
    struct rtf_result result;
    char expected[512];
    struct error err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(rtf_convert(cases[i].rtf, strlen(cases[i].rtf), &result, &err), 0);
        assert_string_equal(result.text, cases[i].text);
        assert_int_equal(result.formatted, cases[i].formatted);
        snprintf(expected, sizeof expected, "<body>\n%s\n</body>", cases[i].html);
        if (cases[i].html != NULL && strstr(result.html, expected) == NULL)
            fail_msg("%s gave %s", cases[i].rtf, result.html);
        assert_int_equal(result.from_html, strstr(cases[i].rtf, "fromhtml") != NULL);
        rtf_clear(&result);
    }
}

static void test_refused_and_deep(void **state)
{
    static const char *const refused[] = {"", "{", "{\\rt", "plain", "\\rtf1"};
    struct rtf_result result;
    struct error err;
    char *deep;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof refused / sizeof refused[0]; i++)
        assert_int_equal(rtf_convert(refused[i], strlen(refused[i]), &result, &err), -1);
    deep = malloc(20001);
    assert_non_null(deep);
    memset(deep, '{', 10000);
    memset(deep + 10000, '}', 10000);
    deep[20000] = '\0';
    memcpy(deep, "{\\rtf1 a", 8);
    deep[9999] = 'x'; /* too deep to be shown */
    deep[19990] = 'y';
    assert_int_equal(rtf_convert(deep, 20000, &result, &err), 0);
    assert_string_equal(result.text, "ay");
    rtf_clear(&result);
    free(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_conversion),
        cmocka_unit_test(test_refused_and_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
