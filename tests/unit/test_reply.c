/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/caps.h"
#include "smtp/reply.h"

struct good {
    const char *octets;
    int code;
    const char *status;
    size_t lines;
    const char *joined;
};

static const struct good GOOD[] = {
    {"220 hi\r\n", 220, "", 1, "hi"},
    {"220 hi\n", 220, "", 1, "hi"},
    {"250\r\n", 250, "", 1, ""},
    {"250 \r\n", 250, "", 1, ""},
    {"599 odd\r\n", 599, "", 1, "odd"},
    {"250-a\r\n250-\r\n250 c\r\n", 250, "", 3, "a /  / c"},
    {"250-a\n250-b\n250\n", 250, "", 3, "a / b / "},
    {"550 5.1.1 no such user\r\n", 550, "5.1.1", 1, "no such user"},
    {"550-5.1.1 no\r\n550 5.1.1 user\r\n", 550, "5.1.1", 2, "no / user"},
    {"550-5.1.1 no\r\n550 user\r\n", 550, "5.1.1", 2, "no / user"},
    {"250 2.1.0\r\n", 250, "2.1.0", 1, ""},
    {"550 5.7.139 disabled\r\n", 550, "5.7.139", 1, "disabled"},
    {"550 4.7.1 another class\r\n", 550, "", 1, "4.7.1 another class"},
    {"354 3.0.0 no such class\r\n", 354, "", 1, "3.0.0 no such class"},
    {"550 5.1.1234 too long\r\n", 550, "", 1, "5.1.1234 too long"},
    {"550 5.1. none\r\n", 550, "", 1, "5.1. none"},
    {"550 5..1 none\r\n", 550, "", 1, "5..1 none"},
    {"550 5.1.1: none\r\n", 550, "", 1, "5.1.1: none"},
    {"550 x\r\r\n", 550, "", 1, "x?"},
    {"550 \x1b[2J\x07 \xe9\xff\t\x7f\r\n", 550, "", 1, "?[2J? ????"},
};

static void parse_good(const struct good *good, size_t piece)
{
    const uint8_t *data = (const uint8_t *)good->octets;
    size_t size = strlen(good->octets);
    struct reply_parser parser;
    enum reply_result result = REPLY_MORE;
    char joined[200];

    reply_parser_init(&parser);
    for (size_t at = 0, used = 0; at < size; at += used) {
        assert_int_equal(REPLY_MORE, result);
        result = reply_parse(&parser, data + at, size - at < piece ? size - at : piece, &used);
    }
    assert_int_equal(REPLY_DONE, result);
    assert_int_equal(good->code, parser.reply.code);
    assert_string_equal(good->status, parser.reply.status);
    assert_int_equal(good->lines, parser.reply.lines);
    reply_join(&parser.reply, joined, sizeof joined);
    assert_string_equal(good->joined, joined);
    reply_parser_clear(&parser);
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        parse_good(&GOOD[i], 1000);
        parse_good(&GOOD[i], 1);
        parse_good(&GOOD[i], 3);
    }
}

static void test_nul(void **state)
{
    static const char OCTETS[] = "250 o\0k\r\n";
    struct reply_parser parser;
    size_t used;

    (void)state;
    reply_parser_init(&parser);
    assert_int_equal(REPLY_DONE,
                     reply_parse(&parser, (const uint8_t *)OCTETS, sizeof OCTETS - 1, &used));
    assert_string_equal("o?k", buf_text(&parser.reply.text));
    reply_parser_clear(&parser);
}

static void test_bad(void **state)
{
    static const char *const BAD[] = {
        "\r\n",
        "\n",
        "x\r\n",
        "25 ok\r\n",
        "25\r\n",
        "2500 ok\r\n",
        "250ok\r\n",
        "250\tok\r\n",
        "250_ok\r\n",
        "199 x\r\n",
        "100 go\r\n",
        "600 x\r\n",
        "666 beast\r\n",
        "000 x\r\n",
        " 250 ok\r\n",
        "-250 ok\r\n",
        "+25 ok\r\n",
        "250-a\r\nb\r\n",
        "250-a\r\n\r\n",
        "250-a\r\n251 b\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "250-2.1.0 a\r\n550 5.1.0 b\r\n",
        "\xff\xfe\n",
    };

    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        struct reply_parser parser;
        size_t used;

        reply_parser_init(&parser);
        assert_int_equal(REPLY_BAD,
                         reply_parse(&parser, (const uint8_t *)BAD[i], strlen(BAD[i]), &used));
        assert_non_null(parser.problem);
        assert_int_equal(REPLY_BAD, reply_parse(&parser, (const uint8_t *)"250 ok\r\n", 8, &used));
        assert_int_equal(0, used);
        reply_parser_clear(&parser);
    }
}

/* One reply at a time, and the octets behind it are left. */
static void test_one_at_a_time(void **state)
{
    const uint8_t *octets = (const uint8_t *)"250 a\r\n354 b\r\n5";
    struct reply_parser parser;
    size_t used;

    (void)state;
    reply_parser_init(&parser);
    assert_int_equal(REPLY_DONE, reply_parse(&parser, octets, 15, &used));
    assert_int_equal(7, used);
    assert_int_equal(REPLY_DONE, reply_parse(&parser, octets + 7, 8, &used));
    assert_int_equal(7, used);
    assert_int_equal(354, parser.reply.code);
    assert_string_equal("b", buf_text(&parser.reply.text));
    assert_int_equal(REPLY_MORE, reply_parse(&parser, octets + 14, 1, &used));
    assert_int_equal(1, used);
    reply_parser_clear(&parser);
}

static enum reply_result feed_many(const char *octets, size_t times, const char *last)
{
    struct reply_parser parser;
    enum reply_result result = REPLY_MORE;
    size_t used;

    reply_parser_init(&parser);
    for (size_t i = 0; i < times && result == REPLY_MORE; i++)
        result = reply_parse(&parser, (const uint8_t *)octets, strlen(octets), &used);
    if (result == REPLY_MORE)
        result = reply_parse(&parser, (const uint8_t *)last, strlen(last), &used);
    reply_parser_clear(&parser);
    return result;
}

static void test_limits(void **state)
{
    char line[400];

    (void)state;
    assert_int_equal(REPLY_DONE, feed_many("250-x\r\n", REPLY_LINES_LIMIT - 1, "250 x\r\n"));
    assert_int_equal(REPLY_BAD, feed_many("250-x\r\n", REPLY_LINES_LIMIT, "250 x\r\n"));
    assert_int_equal(REPLY_BAD, feed_many("250 ", REPLY_LINE_LIMIT / 4 + 1, "\r\n"));
    assert_int_equal(REPLY_DONE, feed_many("250 ", REPLY_LINE_LIMIT / 4, "\n"));
    snprintf(line, sizeof line, "250-%0*d\r\n", (int)sizeof line - 7, 0);
    assert_int_equal(REPLY_DONE, feed_many(line, REPLY_SIZE_LIMIT / sizeof line, "250 x\r\n"));
    assert_int_equal(REPLY_BAD, feed_many(line, REPLY_SIZE_LIMIT / sizeof line + 2, "250 x\r\n"));
}

static void test_join_cuts(void **state)
{
    const uint8_t *octets = (const uint8_t *)"250-2.0.0 abc\r\n250 2.0.0 def\r\n";
    struct reply_parser parser;
    char text[11];
    size_t used;

    (void)state;
    reply_parser_init(&parser);
    assert_int_equal(REPLY_DONE, reply_parse(&parser, octets, 30, &used));
    for (size_t size = 1; size <= sizeof text; size++) {
        reply_join(&parser.reply, text, size);
        assert_int_equal(size - 1 < 9 ? size - 1 : 9, strlen(text));
        assert_memory_equal("abc / def", text, strlen(text));
    }
    reply_parser_clear(&parser);
}

static void read_caps(struct caps *caps, const char *octets)
{
    struct reply_parser parser;
    size_t used;

    reply_parser_init(&parser);
    assert_int_equal(REPLY_DONE,
                     reply_parse(&parser, (const uint8_t *)octets, strlen(octets), &used));
    caps_read(caps, &parser.reply);
    reply_parser_clear(&parser);
}

static void test_caps(void **state)
{
    struct caps caps;

    (void)state;
    read_caps(&caps, "250-STARTTLS\r\n250-pipelining\r\n250-Size 37748736\r\n250-8bitmime\r\n"
                     "250-AUTH NTLM  LOGIN\r\n250-AUTH=PLAIN\r\n250 X-EXPS GSSAPI\r\n");
    assert_false(caps.starttls);
    assert_true(caps.pipelining && caps.size && caps.eight_bit);
    assert_int_equal(37748736, caps.size_limit);
    assert_string_equal("NTLM LOGIN PLAIN", caps.mechanisms);
    assert_string_equal("pipelining Size 8bitmime AUTH AUTH X-EXPS", caps.keywords);
    read_caps(&caps, "250 mx\r\n");
    assert_false(caps.pipelining || caps.size || caps.eight_bit);
    assert_string_equal("", caps.keywords);
}

static void test_caps_size(void **state)
{
    static const struct {
        const char *octets;
        uint64_t limit;
    } CASES[] = {
        {"250-mx\r\n250 SIZE\r\n", 0},
        {"250-mx\r\n250 SIZE 0\r\n", 0},
        {"250-mx\r\n250 SIZE -1\r\n", 0},
        {"250-mx\r\n250 SIZE x\r\n", 0},
        {"250-mx\r\n250 SIZE 5368709120\r\n", 5368709120u},
        {"250-mx\r\n250 SIZE 99999999999999999999999\r\n", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct caps caps;

        read_caps(&caps, CASES[i].octets);
        assert_true(caps.size);
        assert_int_equal(CASES[i].limit, caps.size_limit);
    }
}

/* More keywords than there is room for: cut at a keyword. */
static void test_caps_many(void **state)
{
    struct buf octets;
    struct caps caps;

    (void)state;
    buf_init(&octets, 10000);
    assert_int_equal(0, buf_append_text(&octets, "250-mx\r\n"));
    for (int i = 0; i < 60; i++)
        assert_int_equal(0, buf_append_text(&octets, "250-X-KEYWORD-12345\r\n"));
    assert_int_equal(0, buf_append_text(&octets, "250 PIPELINING\r\n"));
    read_caps(&caps, buf_text(&octets));
    assert_true(caps.pipelining);
    assert_true(strlen(caps.keywords) < sizeof caps.keywords);
    assert_int_equal(0, (strlen(caps.keywords) + 1) % strlen("X-KEYWORD-12345 "));
    buf_clear(&octets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_nul),
        cmocka_unit_test(test_bad),       cmocka_unit_test(test_one_at_a_time),
        cmocka_unit_test(test_limits),    cmocka_unit_test(test_join_cuts),
        cmocka_unit_test(test_caps),      cmocka_unit_test(test_caps_size),
        cmocka_unit_test(test_caps_many),
    };

    return cmocka_run_group_tests_name("reply", tests, NULL, NULL);
}
