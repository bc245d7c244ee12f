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

#include "message/charset.h"

static void test_names(void **state)
{
    static const char *const known[] = {"437", "850", "852", "857", "862", "864", "866",
                                        "737", "874", "932", "936", "949", "950", "1252"};
    static const char *const refused[] = {
        "",    "999999",        "CP",   "nonsense",    "UTF-16", "UTF-7",
        "037", "850//TRANSLIT", "850 ", "ISO-2022-JP", "HZ",     "8500000000000000000000000000",
    };
    char out[16], expected[16];
    struct error err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof known / sizeof known[0]; i++) {
        snprintf(expected, sizeof expected, "CP%s", known[i]);
        assert_int_equal(charset_name(known[i], out, sizeof out, &err), 0);
        assert_string_equal(out, expected);
        assert_int_equal(charset_name(expected, out, sizeof out, &err), 0);
        assert_string_equal(out, expected);
    }
    assert_int_equal(charset_name("cp850", out, sizeof out, &err), 0);
    assert_string_equal(out, "CP850");
    for (i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        assert_int_equal(charset_name(refused[i], out, sizeof out, &err), -1);
        assert_int_equal(err.class, ERROR_SETUP);
    }
}

static void test_lines(void **state)
{
    static const struct {
        const char *codepage, *text, *expected;
        size_t bad;
    } cases[] = {
        {"CP850", "", "", 0},
        {"CP850", "plain", "plain", 0},
        {"CP850",
         "Gr\x81\xE1"
         "e",
         "Gr\xC3\xBC\xC3\x9F"
         "e",
         0},
        {"CP437", "\x84\x94\x99\xC9", "\xC3\xA4\xC3\xB6\xC3\x96\xE2\x95\x94", 0},
        {"CP850", "\x9B\xD5", "\xC3\xB8\xC4\xB1", 0},
        {"CP852", "\xA5", "\xC4\x85", 0},
        {"CP857", "\x8D\x9F", "\xC4\xB1\xC5\x9F", 0},
        {"CP862", "\x80", "\xD7\x90", 0},
        {"CP866", "\x80\xA0", "\xD0\x90\xD0\xB0", 0},
        {"CP737", "\x80", "\xCE\x91", 0},
        {"CP874", "\xA1", "\xE0\xB8\x81", 0},
        {"CP932", "\x82\xA0\x83\x5C", "\xE3\x81\x82\xE3\x82\xBD", 0}, /* trail octet '\\' */
        {"CP936", "\xC4\xE3", "\xE4\xBD\xA0", 0},
        {"CP949", "\xB0\xA1", "\xEA\xB0\x80", 0},
        {"CP950", "\xA4\xA4", "\xE4\xB8\xAD", 0},
        {"CP1252", "\x80\x93", "\xE2\x82\xAC\xE2\x80\x9C", 0},
        {"CP1252", "a\x81z\x8D", "a\xEF\xBF\xBDz\xEF\xBF\xBD", 2},
        {"CP932", "a\x82", "a", 0}, /* T114: half a character at the end is dropped */
        {"CP936", "\xC4\xE3\xC4", "\xE4\xBD\xA0", 0},
        {"CP949", "\xB0\xA1\xB0", "\xEA\xB0\x80", 0},
        {"CP950", "\xA4\xA4\xA4", "\xE4\xB8\xAD", 0},
        {"CP850", "a\xFF", "a\xC2\xA0", 0},
        {"CP850",
         "a\tb\rc\nd\x1B"
         "e\x7F"
         "f",
         "a b c d e f", 0},
        {"ISO-8859-1", "a\x85z", "a z", 0}, /* a control above 0x7F */
    };
    struct error err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t bad = 5;
        char *out;

        assert_int_equal(charset_line(cases[i].codepage, cases[i].text, &out, &bad, &err), 0);
        assert_string_equal(out, cases[i].expected);
        assert_int_equal(bad, 5 + cases[i].bad); /* counted on */
        free(out);
    }
}

static void test_unknown(void **state)
{
    struct charset_facts facts;
    struct content *text, *out;
    struct error err;
    char *line;

    (void)state;
    assert_int_equal(charset_line("CP99999", "x", &line, NULL, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_int_equal(content_from_bytes(&text, "x", 1, &err), 0);
    assert_int_equal(charset_text("CP99999", text, "/tmp", &out, &facts, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    content_free(text);
}

static void convert(const char *codepage, const void *data, size_t size, struct content **out,
                    struct charset_facts *facts)
{
    struct content_writer *writer;
    struct content *text;
    struct error err;

    assert_int_equal(content_writer_new(&writer, "/tmp", UINT64_MAX, &err), 0);
    assert_int_equal(content_writer_add(writer, data, size, &err), 0);
    assert_int_equal(content_writer_finish(writer, &text, &err), 0);
    assert_int_equal(charset_text(codepage, text, "/tmp", out, facts, &err), 0);
    content_free(text);
}

static char *whole(const struct content *content)
{
    size_t size = (size_t)content_size(content);
    char *text = malloc(size + 1);
    struct error err;

    assert_non_null(text);
    assert_int_equal(content_read(content, 0, text, size, &err), 0);
    text[size] = '\0';
    return text;
}

#define TEXT(literal) literal, sizeof literal - 1

static void test_texts(void **state)
{
    static const struct {
        const char *text;
        size_t size;
        const char *expected;
        size_t longest, bad;
        bool ascii;
    } cases[] = {
        {TEXT(""), "", 0, 0, true},
        {TEXT("a\r\nbb\r\n"), "a\nbb\n", 2, 0, true},
        {TEXT("a\nb\rc\r\n\r\r\n\n\rd"), "a\nb\nc\n\n\n\n\nd", 1, 0, true},
        {TEXT("no end"), "no end", 6, 0, true},
        {TEXT("\r\n"), "\n", 0, 0, true},
        {TEXT("\r"), "\n", 0, 0, true},
        {TEXT("a\r\n\x1A"), "a\n", 1, 0, true},
        {TEXT("a\x1A\x1A\x1A"), "a", 1, 0, true},
        {TEXT("a\x1A"
              "b\x1A\0\0\x1A"),
         "a\x1A"
         "b",
         3, 0, true},
        {TEXT("\x1A"), "", 0, 0, true},
        {TEXT("a\0b\0"), "ab", 2, 0, true},
        {TEXT("a\r\0\nb"), "a\nb", 1, 0, true},
        {TEXT("\ttab\x0C\x1B[0m "), "\ttab\x0C\x1B[0m ", 10, 0, true},
        {TEXT("\x81\r\nxyz"), "\xC3\xBC\nxyz", 3, 0, false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct charset_facts facts;
        struct content *out;
        char *text;

        convert("CP850", cases[i].text, cases[i].size, &out, &facts);
        text = whole(out);
        assert_string_equal(text, cases[i].expected);
        assert_int_equal(facts.longest, cases[i].longest);
        assert_int_equal(facts.bad, cases[i].bad);
        assert_int_equal(facts.ascii, cases[i].ascii);
        free(text);
        content_free(out);
    }
}

/* No piece of any stage may cut a line end or a double-octet character. */
static void test_pieces(void **state)
{
    static const size_t starts[] = {16382, 16383, 16384, 65534, 65535, 65536, 131070, 131071};
    char *data = malloc(200000);
    size_t i, j;

    (void)state;
    assert_non_null(data);
    for (i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        for (j = 0; j < 2; j++) {
            struct charset_facts facts;
            struct content *out;
            char *text;

            memset(data, 'x', starts[i]);
            memcpy(data + starts[i], j == 0 ? "\x82\xA0" : "\r\n", 2);
            memset(data + starts[i] + 2, 'y', 1000);
            convert("CP932", data, starts[i] + 1002, &out, &facts);
            text = whole(out);
            assert_int_equal(strlen(text), starts[i] + 1000 + (j == 0 ? 3 : 1));
            assert_memory_equal(text + starts[i] - 1, j == 0 ? "x\xE3\x81\x82y" : "x\ny",
                                j == 0 ? 5 : 3);
            assert_int_equal(facts.bad, 0);
            assert_int_equal(facts.longest, j == 0 ? starts[i] + 1003 : starts[i]);
            free(text);
            content_free(out);
        }
    }
    free(data);
}

static void test_bad_octets(void **state)
{
    struct charset_facts facts;
    struct content *out;
    char *text;

    (void)state;
    convert("CP932", TEXT("a\x82\nb\xFF"), &out, &facts);
    text = whole(out);
    assert_string_equal(text, "a\xEF\xBF\xBD\nb\xEF\xBF\xBD");
    assert_int_equal(facts.bad, 2);
    free(text);
    content_free(out);
    convert("CP1252", TEXT("a\x81"), &out, &facts);
    assert_int_equal(facts.bad, 1);
    content_free(out);
    /* Hebrew combines: a letter and its point, kept back by iconv, come out in order. */
    convert("CP1255", TEXT("\xE1\xCC\xD9\xE1"), &out, &facts);
    text = whole(out);
    assert_int_equal(facts.bad, 1);
    assert_string_equal(text, "\xEF\xAC\xB1\xEF\xBF\xBD\xD7\x91");
    free(text);
    content_free(out);
}

/* Every pair of octets in every code page with two-octet characters ends, and never reads on:
 * glibc's converter of CP949 steps over A2 E8 while it refuses it. */
static void test_all_pairs(void **state)
{
    static const char *const pages[] = {"CP932", "CP936", "CP949", "CP950"};
    struct error err;
    unsigned i, pair;

    (void)state;
    for (i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        for (pair = 0x0101; pair <= 0xFFFF; pair++) {
            char text[] = {(char)(pair >> 8), (char)pair, '\0'};
            size_t bad = 0;
            char *out;

            if (text[1] == '\0')
                continue;
            if (charset_line(pages[i], text, &out, &bad, &err) != 0)
                fail_msg("%s %04X: %s", pages[i], pair, err.text);
            assert_true(bad <= 2);
            free(out);
        }
    }
}

static void test_skipped_octets(void **state)
{
    static const struct {
        const char *text, *expected;
        size_t bad;
    } cases[] = {
        {"\xA2\xE8", "\xEF\xBF\xBD", 1},
        {"x\xA2\xE8y", "x\xEF\xBF\xBDy", 1},
        {"x\xA2\xE8\xB0\xA1", "x\xEF\xBF\xBD\xEA\xB0\x80", 1},
        {"x\xFFy", "x\xEF\xBF\xBDy", 1},
        {"\xA2\xE8\xB0", "\xEF\xBF\xBD", 1},
    };
    struct error err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t bad = 0;
        char *out;

        assert_int_equal(charset_line("CP949", cases[i].text, &out, &bad, &err), 0);
        assert_string_equal(out, cases[i].expected);
        assert_int_equal(bad, cases[i].bad);
        free(out);
    }
}

/* ISO 8859-1 has controls from 80 to 9F; readers show what Windows has there. */
static void test_latin1_controls(void **state)
{
    struct charset_facts facts;
    struct content *utf8;

    (void)state;
    convert("ISO-8859-1", "a\x9F", 2, &utf8, &facts);
    assert_false(facts.latin1);
    content_free(utf8);
}

static void test_latin1(void **state)
{
    static const struct {
        const char *codepage, *text, *expected; /* NULL: another character is there */
    } cases[] = {
        {"CP850", "Gr\x81n\r\n", "Gr\xFCn\n"},
        {"CP1252", "\xA0\xFF", "\xA0\xFF"},
        {"CP1252", "\x80", NULL},
        {"CP437", "\xC9", NULL},
        {"CP850", "", ""},
        {"CP850", "a", "a"},
        {"CP1252", "\x81", NULL},
        {"CP1252", "\xA0\xC2\xE2", "\xA0\xC2\xE2"},
    };
    struct error err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct charset_facts facts;
        struct content *utf8, *latin1;
        char *text;

        convert(cases[i].codepage, cases[i].text, strlen(cases[i].text), &utf8, &facts);
        assert_int_equal(facts.latin1, cases[i].expected != NULL);
        if (cases[i].expected == NULL) {
            assert_int_equal(charset_to_latin1(utf8, "/tmp", &latin1, &err), -1);
            assert_int_equal(err.class, ERROR_DATA);
        } else {
            assert_int_equal(charset_to_latin1(utf8, "/tmp", &latin1, &err), 0);
            text = whole(latin1);
            assert_string_equal(text, cases[i].expected);
            free(text);
            content_free(latin1);
        }
        content_free(utf8);
    }
}

/* The first character of UTF-8 and that it is the only one; 0 for a control that became a blank. */
static unsigned only_point(const char *utf8)
{
    const uint8_t *at = (const uint8_t *)utf8;
    unsigned more = at[0] >= 0xF0 ? 3 : at[0] >= 0xE0 ? 2 : at[0] >= 0xC0 ? 1 : 0;
    unsigned point = more == 0 ? at[0] : at[0] & (0x3FU >> more);
    unsigned i;

    for (i = 1; i <= more; i++)
        point = point << 6 | (at[i] & 0x3F);
    assert_int_equal(at[more + 1], 0);
    return point;
}

static void check_vector(const char *page, const char *line)
{
    char octets[3] = "", want[8], *out;
    unsigned pair, point;
    struct error err;
    size_t bad = 0;

    assert_int_equal(sscanf(line, "%x %7s", &pair, want), 2);
    octets[0] = (char)(pair > 0xFF ? pair >> 8 : pair);
    octets[1] = (char)(pair > 0xFF ? pair : 0);
    assert_int_equal(charset_line(page, octets, &out, &bad, &err), 0);
    point = only_point(out);
    free(out);
    if (strcmp(want, "-") == 0) {
        assert_int_equal(point, 0xFFFD);
        assert_int_equal(bad, 1);
        return;
    }
    assert_int_equal(bad, 0);
    if (strtoul(want, NULL, 16) >= 0x80 && strtoul(want, NULL, 16) < 0xA0)
        assert_int_equal(point, ' ');
    else if (point != strtoul(want, NULL, 16))
        fail_msg("%s: %s is U+%04X", page, line, point);
}

/* Each page against the published tables (tests/oracle/makecharset.py). */
static void test_vectors(void **state)
{
    static const char *const pages[] = {"CP437",  "CP737",  "CP775",  "CP850",  "CP852",  "CP855",
                                        "CP857",  "CP858",  "CP860",  "CP861",  "CP862",  "CP863",
                                        "CP864",  "CP865",  "CP866",  "CP869",  "CP874",  "CP932",
                                        "CP936",  "CP949",  "CP950",  "CP1250", "CP1251", "CP1252",
                                        "CP1253", "CP1254", "CP1255", "CP1256", "CP1257"};
    const char *top = getenv("srcdir") != NULL ? getenv("srcdir") : ".";
    size_t i;

    (void)state;
    for (i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        char path[4096], line[64];
        unsigned lines = 0;
        FILE *file;

        snprintf(path, sizeof path, "%s/tests/data/charset/%s", top, pages[i]);
        file = fopen(path, "r");
        assert_non_null(file);
        for (; fgets(line, sizeof line, file) != NULL; lines++)
            check_vector(pages[i], line);
        fclose(file);
        assert_true(lines >= 128);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),           cmocka_unit_test(test_lines),
        cmocka_unit_test(test_unknown),         cmocka_unit_test(test_texts),
        cmocka_unit_test(test_pieces),          cmocka_unit_test(test_bad_octets),
        cmocka_unit_test(test_all_pairs),       cmocka_unit_test(test_skipped_octets),
        cmocka_unit_test(test_latin1_controls), cmocka_unit_test(test_latin1),
        cmocka_unit_test(test_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
