/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/output.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/logline.h"
#include "cli/text.h"

#define NOON INT64_C(1795350960000) /* 2026-11-22T12:36:00.000Z */
#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

/* What an output writes, in memory. */
struct paper {
    FILE *stream;
    char *text;
    size_t size;
    struct output *out;
};

static void open_paper(struct paper *paper, bool json)
{
    paper->stream = open_memstream(&paper->text, &paper->size);
    assert_non_null(paper->stream);
    paper->out = output_new(paper->stream, json);
    assert_non_null(paper->out);
}

static void expect_paper(struct paper *paper, const char *expected)
{
    assert_int_equal(output_free(paper->out), 0);
    assert_int_equal(fclose(paper->stream), 0);
    assert_string_equal(paper->text, expected);
    free(paper->text);
}

static const struct output_column columns[] = {
    {"id", "ID", 0},     {"name", "NAME", 8}, {"secret", NULL, 0}, {NULL, "SHOWN", 0},
    {"size", "SIZE", 0}, {"at", "AT", 0},     {"age", "AGE", 0},   {"ok", "OK", 0},
};

static void put_row(struct output *out, uint64_t id, const char *name, uint64_t size, int64_t at,
                    int64_t age, bool ok)
{
    output_number(out, id);
    output_text(out, name);
    output_text(out, "json");
    output_text(out, "text");
    output_size(out, size);
    output_time(out, at);
    output_duration(out, age);
    output_flag(out, ok);
    output_row_end(out);
}

static void put_table(struct output *out)
{
    output_begin(out, OUTPUT_TABLE, "row", "Heading", "none", columns, COUNT_OF(columns));
    put_row(out, 1, "short", 512, NOON, 41000, true);
    put_row(out, 1234, "M\xC3\xBCller and sons", 5120, 0, -1, false);
    put_row(out, 7, NULL, 104857600, NOON, 11520000, true);
    output_end(out);
}

static void test_table(void **state)
{
    struct paper paper;

    (void)state;
    open_paper(&paper, false);
    put_table(paper.out);
    expect_paper(
        &paper, "Heading\n"
                "  ID  NAME      SHOWN    SIZE  AT                      AGE  OK\n"
                "   1  short     text      512  2026-11-22 12:36:00Z    41s  yes\n"
                "1234  M\xC3\xBCller \xE2\x80\xA6  text     5.0K  -                         -  no\n"
                "   7  -         text   100.0M  2026-11-22 12:36:00Z  3h12m  yes\n");
}

static void test_json(void **state)
{
    struct paper paper;

    (void)state;
    open_paper(&paper, true);
    put_table(paper.out);
    output_note(paper.out, "for people");
    expect_paper(&paper,
                 "{\"kind\":\"row\",\"id\":1,\"name\":\"short\",\"secret\":\"json\",\"size\":512,"
                 "\"at\":\"2026-11-22T12:36:00.000Z\",\"age\":41.0,\"ok\":true}\n"
                 "{\"kind\":\"row\",\"id\":1234,\"name\":\"M\xC3\xBCller and sons\",\"secret\":"
                 "\"json\",\"size\":5120,\"at\":null,\"age\":null,\"ok\":false}\n"
                 "{\"kind\":\"row\",\"id\":7,\"name\":null,\"secret\":\"json\",\"size\":104857600,"
                 "\"at\":\"2026-11-22T12:36:00.000Z\",\"age\":11520.0,\"ok\":true}\n");
}

static void test_empty_table(void **state)
{
    struct paper paper;

    (void)state;
    open_paper(&paper, false);
    output_begin(paper.out, OUTPUT_TABLE, "row", "Heading", "nothing", columns, COUNT_OF(columns));
    output_end(paper.out);
    expect_paper(&paper, "nothing\n");
    open_paper(&paper, true);
    output_begin(paper.out, OUTPUT_TABLE, "row", "Heading", "nothing", columns, COUNT_OF(columns));
    output_end(paper.out);
    expect_paper(&paper, "");
}

static void test_record_and_lines(void **state)
{
    static const struct output_column record[] = {{"a", "A", 0}, {"long", "Long one", 0}};
    static const struct output_column lines[] = {{"a", "", 4}, {"b", "", 0}};
    struct paper paper;

    (void)state;
    open_paper(&paper, false);
    output_begin(paper.out, OUTPUT_RECORD, "r", NULL, NULL, record, 2);
    output_number(paper.out, 5);
    output_text(paper.out, "x");
    output_row_end(paper.out);
    output_end(paper.out);
    output_begin(paper.out, OUTPUT_LINES, "l", NULL, NULL, lines, 2);
    output_text(paper.out, "OK");
    output_text(paper.out, "fine");
    output_row_end(paper.out);
    output_text(paper.out, "WIDER");
    output_text(paper.out, "still there");
    output_row_end(paper.out);
    output_end(paper.out);
    output_note(paper.out, "%d\x1b[31m", 3);
    expect_paper(&paper, "A:        5\nLong one: x\nOK    fine\nWIDER  still there\n3?[31m\n");
}

/* More rows than one block: the heading is not repeated and no row is lost. */
static void test_many_rows(void **state)
{
    static const struct output_column one[] = {{"n", "N", 0}};
    struct paper paper;
    unsigned lines = 0;

    (void)state;
    open_paper(&paper, false);
    output_begin(paper.out, OUTPUT_TABLE, "n", NULL, NULL, one, 1);
    for (uint64_t i = 1; i <= 1200; i++) {
        output_number(paper.out, i);
        output_row_end(paper.out);
    }
    output_end(paper.out);
    assert_int_equal(output_free(paper.out), 0);
    assert_int_equal(fclose(paper.stream), 0);
    for (const char *c = paper.text; *c != '\0'; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 1201);
    assert_string_equal(paper.text + paper.size - 10, "1199\n1200\n");
    free(paper.text);
}

/* A row that ends early leaves the rest of its cells empty, and nothing is written beyond it. */
static void test_short_and_long_rows(void **state)
{
    static const struct output_column two[] = {{"a", "A", 0}, {"b", "B", 0}};
    struct paper paper;

    (void)state;
    open_paper(&paper, false);
    output_begin(paper.out, OUTPUT_TABLE, "x", NULL, NULL, two, 2);
    output_text(paper.out, "1");
    output_row_end(paper.out);
    output_text(paper.out, "1");
    output_text(paper.out, "2");
    output_text(paper.out, "3");
    output_row_end(paper.out);
    output_end(paper.out);
    expect_paper(&paper, "A  B\n1  -\n1  2\n");
}

static const struct hostile {
    const char *text, *harmless, *valid;
} hostile[] = {
    {"plain", "plain", "plain"},
    {"Gr\xC3\xB6\xC3\x9F"
     "e \xE6\x97\xA5",
     "Gr\xC3\xB6\xC3\x9F"
     "e \xE6\x97\xA5",
     "Gr\xC3\xB6\xC3\x9F"
     "e \xE6\x97\xA5"},
    {"\x1b[2J\x1b]0;x\x07", "?[2J?]0;x?", "\x1b[2J\x1b]0;x\x07"},
    {"a\nb\rc\td", "a?b?c?d", "a\nb\rc\td"},
    {"del\x7F", "del?", "del\x7F"},
    {"csi\xC2\x9B"
     "31m",
     "csi?31m",
     "csi\xC2\x9B"
     "31m"},
    {"rtl\xE2\x80\xAEgpj.exe", "rtl?gpj.exe", "rtl\xE2\x80\xAEgpj.exe"},
    {"iso\xE2\x81\xA6x", "iso?x", "iso\xE2\x81\xA6x"},
    {"line\xE2\x80\xA8x", "line?x", "line\xE2\x80\xA8x"},
    {"bad\xFF", "bad\xEF\xBF\xBD", "bad\xEF\xBF\xBD"},
    {"cut\xE2\x82", "cut\xEF\xBF\xBD\xEF\xBF\xBD", "cut\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"over\xC0\x80", "over\xEF\xBF\xBD\xEF\xBF\xBD", "over\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"sur\xED\xA0\x80", "sur\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD",
     "sur\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
};

static void test_harmless(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        char *harmless = text_harmless(hostile[i].text), *valid = text_valid(hostile[i].text);

        assert_string_equal(harmless, hostile[i].harmless);
        assert_string_equal(valid, hostile[i].valid);
        assert_true(text_is_harmless(harmless));
        assert_int_equal(text_is_harmless(hostile[i].text), strcmp(hostile[i].text, harmless) == 0);
        free(harmless);
        free(valid);
    }
}

/* JSON keeps the characters themselves, but never sends them raw to a terminal. */
static void test_hostile_json(void **state)
{
    static const struct output_column one[] = {{"s", "S", 0}};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(hostile); i++) {
        struct paper paper;
        json_t *row;

        open_paper(&paper, true);
        output_begin(paper.out, OUTPUT_TABLE, "x", NULL, NULL, one, 1);
        output_text(paper.out, hostile[i].text);
        output_row_end(paper.out);
        output_end(paper.out);
        assert_int_equal(output_free(paper.out), 0);
        assert_int_equal(fclose(paper.stream), 0);
        assert_int_equal(paper.text[paper.size - 1], '\n');
        paper.text[paper.size - 1] = '\0';
        assert_true(text_is_harmless(paper.text));
        row = json_loads(paper.text, 0, NULL);
        assert_non_null(row);
        assert_string_equal(json_string_value(json_object_get(row, "s")), hostile[i].valid);
        json_decref(row);
        free(paper.text);
    }
}

static void test_object_and_list(void **state)
{
    static const struct output_column two[] = {{"o", "O", 0}, {"l", "L", 0}};
    static const char *const words[] = {"a", "b c"};
    struct paper paper;

    (void)state;
    for (int json = 0; json < 2; json++) {
        open_paper(&paper, json == 1);
        output_begin(paper.out, OUTPUT_TABLE, NULL, NULL, NULL, two, 2);
        output_object(paper.out, "{\"pid\":12,\"state\":\"o\\u001bk\"}");
        output_list(paper.out, words, 2);
        output_row_end(paper.out);
        output_object(paper.out, "{broken");
        output_list(paper.out, NULL, 0);
        output_row_end(paper.out);
        output_end(paper.out);
        expect_paper(&paper,
                     json == 0
                         ? "O                 L\npid=12 state=o?k  a, b c\n{broken           -\n"
                         : "{\"o\":{\"pid\":12,\"state\":\"o\\u001Bk\"},\"l\":[\"a\",\"b c\"]}\n"
                           "{\"o\":\"{broken\",\"l\":[]}\n");
    }
}

static void test_output_that_cannot_be_written(void **state)
{
    static const struct output_column one[] = {{"s", "S", 0}};
    FILE *full = fopen("/dev/full", "w");
    struct output *out;

    (void)state;
    assert_non_null(full);
    for (int json = 0; json < 2; json++) {
        out = output_new(full, json == 1);
        output_begin(out, OUTPUT_TABLE, NULL, NULL, NULL, one, 1);
        output_text(out, "x");
        output_row_end(out);
        output_end(out);
        assert_int_equal(output_free(out), -1);
    }
    fclose(full);
    assert_int_equal(output_free(NULL), 0);
}

static void test_cut(void **state)
{
    static const struct {
        const char *text;
        unsigned width;
        const char *cut;
    } cases[] = {
        {"abc", 3, "abc"},
        {"abcdefgh", 4, "abc\xE2\x80\xA6"},
        {"abcde", 4, "abc~"},
        {"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 4, "\xE6\x97\xA5\xE2\x80\xA6"},
        {"\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E", 6, "\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E"},
        {"a\xCC\x81"
         "bcdefg",
         3,
         "a\xCC\x81"
         "b\xE2\x80\xA6"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[64];

        strcpy(text, cases[i].text);
        text_cut(text, cases[i].width);
        assert_string_equal(text, cases[i].cut);
        assert_true(text_width(text) <= cases[i].width);
    }
}

static void test_times(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {
        {"2026-11-22", INT64_C(1795305600000)},
        {"2026-11-22T12:36", NOON},
        {"2026-11-22 12:36Z", NOON},
        {"2026-11-22T12:36:00Z", NOON},
        {"2026-11-22T12:36:00.250Z", NOON + 250},
        {"90s", NOON - 90000},
        {"30m", NOON - 1800000},
        {"2h", NOON - 7200000},
        {"3d", NOON - 259200000},
        {"", -1},
        {"Z", -1},
        {"h", -1},
        {"0h", -1},
        {"-1h", -1},
        {"1w", -1},
        {"99999999d", -1},
        {"2026-11-22x", -1},
        {"2026-1-2", -1},
        {"2026-13-01", -1},
        {"2026-02-31", -1},
        {"2026-11-22T25:00", -1},
        {"2026-11-22T12:36:00.25Z", -1},
        {"yesterday", -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t ms = -1;
        int result = text_parse_time(cases[i].text, NOON, &ms);

        if (result != (cases[i].ms < 0 ? -1 : 0) || (result == 0 && ms != cases[i].ms))
            fail_msg("%s: %d %lld", cases[i].text, result, (long long)ms);
    }
}

static void test_numbers(void **state)
{
    char text[TEXT_DURATION_SIZE];
    uint64_t number;

    (void)state;
    assert_int_equal(text_parse_number("18", &number), 0);
    assert_int_equal(number, 18);
    assert_int_equal(text_parse_number("", &number), -1);
    assert_int_equal(text_parse_number("0", &number), -1);
    assert_int_equal(text_parse_number("-1", &number), -1);
    assert_int_equal(text_parse_number("+1", &number), -1);
    assert_int_equal(text_parse_number("1x", &number), -1);
    assert_int_equal(text_parse_number("99999999999999999999", &number), -1);
    assert_string_equal(text_size(1023, text), "1023");
    assert_string_equal(text_size(1024, text), "1.0K");
    assert_string_equal(text_size(1048575, text), "1.0M");
    assert_string_equal(text_size(UINT64_MAX, text), "16777216.0T");
    assert_string_equal(text_duration(59999, text), "59s");
    assert_string_equal(text_duration(60000, text), "1m00s");
    assert_string_equal(text_duration(86399000, text), "23h59m");
    assert_string_equal(text_duration(187200000, text), "2d4h");
}

static void test_logline(void **state)
{
    static const char line[] = "2026-11-22T12:36:00.000Z event=sent id=17 mai=00000062 reply=\"250 "
                               "\\\"Ok\\\"\" delay=1.204\n";
    char copy[256], value[32];
    struct paper paper;

    (void)state;
    logline_value(line, "id", value, sizeof value);
    assert_string_equal(value, "17");
    logline_value(line, "tls", value, sizeof value);
    assert_string_equal(value, "");
    logline_value("garbage id=3", "id", value, sizeof value);
    assert_string_equal(value, "");
    open_paper(&paper, true);
    strcpy(copy, line);
    logline_show(paper.out, copy);
    strcpy(copy, "garbage\n");
    logline_show(paper.out, copy);
    expect_paper(&paper,
                 "{\"kind\":\"log\",\"time\":\"2026-11-22T12:36:00.000Z\",\"event\":\"sent\","
                 "\"id\":17,\"mai\":\"00000062\",\"reply\":\"250 \\\"Ok\\\"\","
                 "\"delay\":\"1.204\"}\n"
                 "{\"kind\":\"unreadable\",\"line\":\"garbage\"}\n");
    open_paper(&paper, false);
    strcpy(copy, line);
    logline_show(paper.out, copy);
    expect_paper(&paper, line);
}

static int start(void **state)
{
    (void)state;
    text_initialize();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_empty_table),
        cmocka_unit_test(test_record_and_lines),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_short_and_long_rows),
        cmocka_unit_test(test_harmless),
        cmocka_unit_test(test_hostile_json),
        cmocka_unit_test(test_object_and_list),
        cmocka_unit_test(test_output_that_cannot_be_written),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_logline),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
