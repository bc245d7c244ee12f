/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/dots.h"

struct text {
    const char *data;
    size_t size;
};
#define TEXT(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static const struct {
    struct text content, wire;
} GOOD[] = {
    {TEXT(""), TEXT(".\r\n")},
    {TEXT("."), TEXT("..\r\n.\r\n")},
    {TEXT(".."), TEXT("...\r\n.\r\n")},
    {TEXT("x"), TEXT("x\r\n.\r\n")},
    {TEXT("x\r\n"), TEXT("x\r\n.\r\n")},
    {TEXT("\r\n"), TEXT("\r\n.\r\n")},
    {TEXT("\r\n\r\n"), TEXT("\r\n\r\n.\r\n")},
    {TEXT(".\r\n"), TEXT("..\r\n.\r\n")},
    {TEXT("x\r\n.\r\ny\r\n"), TEXT("x\r\n..\r\ny\r\n.\r\n")},
    {TEXT("x\r\n.y\r\nz.\r\n"), TEXT("x\r\n..y\r\nz.\r\n.\r\n")},
    {TEXT("\r\n.\r\n.\r\n"), TEXT("\r\n..\r\n..\r\n.\r\n")},
    {TEXT("\xe4\x01\t\x7f\r\n"), TEXT("\xe4\x01\t\x7f\r\n.\r\n")},
};

/* What a receiver might take for the end of data, and other octets that must not pass. */
static const struct text BAD[] = {
    TEXT("\n"),           TEXT("x\ny\r\n"),       TEXT("x\n.\ny"),       TEXT("x\n.\r\ny"),
    TEXT("x\r.\r\ny"),    TEXT("x\r.\ry"),        TEXT("x\r\n.\ry\r\n"), TEXT("x\r\n.\ny\r\n"),
    TEXT("x\r\n\n.\r\n"), TEXT("x\r\r\n.\r\n"),   TEXT("x\r"),           TEXT("x\r\n\r"),
    TEXT("x\0y\r\n"),     TEXT("x\r\n\0.\r\n"),   TEXT("x\r\0\n.\r\n"),  TEXT("\r"),
    TEXT("\0"),           TEXT("x\r\n.\r\r\nyy"), TEXT("\r\n.\r\n\ny"),
};

/* 0 when all of it passes. PIECE octets at a time. */
static int send_all(struct text content, size_t piece, struct buf *wire, struct error *err)
{
    struct dots dots;
    int result = 0;

    dots_init(&dots);
    for (size_t at = 0; at < content.size && result == 0; at += piece) {
        size_t left = content.size - at;

        result = dots_write(&dots, content.data + at, left < piece ? left : piece, wire, err);
    }
    if (result == 0)
        assert_int_equal(content.size, dots.octets);
    return result == 0 ? dots_end(&dots, wire, err) : result;
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        for (size_t piece = 1; piece <= GOOD[i].content.size + 1; piece++) {
            struct buf wire;
            struct error err;

            buf_init(&wire, 1000);
            assert_int_equal(0, send_all(GOOD[i].content, piece, &wire, &err));
            assert_int_equal(GOOD[i].wire.size, wire.size);
            assert_memory_equal(GOOD[i].wire.data, wire.data, wire.size);
            buf_clear(&wire);
        }
    }
}

/* No CR or LF alone, no NUL, and no line of a dot is in what was written before the refusal. */
static void assert_harmless(const struct buf *wire)
{
    bool line_start = true;

    for (size_t i = 0; i < wire->size; i++) {
        assert_int_not_equal(0, wire->data[i]);
        if (wire->data[i] == '\r')
            assert_true(i + 1 < wire->size && wire->data[i + 1] == '\n');
        if (wire->data[i] == '\n')
            assert_true(i > 0 && wire->data[i - 1] == '\r');
        if (line_start && wire->data[i] == '.')
            assert_true(i + 1 < wire->size && wire->data[i + 1] == '.');
        line_start = wire->data[i] == '\n';
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        for (size_t piece = 1; piece <= BAD[i].size; piece++) {
            struct buf wire;
            struct error err;

            buf_init(&wire, 1000);
            assert_int_equal(-1, send_all(BAD[i], piece, &wire, &err));
            assert_int_equal(ERROR_DATA, err.class);
            assert_non_null(strstr(err.text, "octet"));
            assert_harmless(&wire);
            buf_clear(&wire);
        }
    }
}

/* Once refused, content cannot be ended any more. */
static void test_refusal_stays(void **state)
{
    struct dots dots;
    struct buf wire;
    struct error err;

    (void)state;
    buf_init(&wire, 1000);
    dots_init(&dots);
    assert_int_equal(-1, dots_write(&dots, "a\nb", 3, &wire, &err));
    assert_int_equal(-1, dots_write(&dots, "c\r\n", 3, &wire, &err));
    assert_int_equal(-1, dots_end(&dots, &wire, &err));
    assert_int_equal(ERROR_DATA, err.class);
    assert_string_equal("a", buf_text(&wire));
    buf_clear(&wire);
}

static void test_full(void **state)
{
    struct dots dots;
    struct buf wire;
    struct error err;

    (void)state;
    buf_init(&wire, 4);
    dots_init(&dots);
    assert_int_equal(0, dots_write(&dots, "abc", 3, &wire, &err));
    assert_int_equal(-1, dots_write(&dots, "\r\n", 2, &wire, &err));
    assert_int_equal(ERROR_SOFT, err.class);
    assert_int_equal(-1, dots_end(&dots, &wire, &err));
    buf_clear(&wire);
}

/* 0 when all of it passes as it is. */
static int look_at_all(struct text content, size_t piece, struct error *err)
{
    struct dots dots;
    size_t at = 0, size;

    dots_init(&dots);
    do {
        size = content.size - at < piece ? content.size - at : piece;
        if (dots_check(&dots, content.data + at, size, at + size == content.size, err) != 0) {
            /* For ever. */
            assert_int_equal(-1, dots_check(&dots, "x\r\n", 3, true, err));
            return -1;
        }
        at += size;
    } while (at < content.size);
    assert_int_equal(content.size, dots.octets);
    return 0;
}

static void test_check(void **state)
{
    struct error err;

    (void)state;
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        for (size_t piece = 1; piece <= GOOD[i].content.size + 1; piece++)
            assert_int_equal(0, look_at_all(GOOD[i].content, piece, &err));
    }
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        for (size_t piece = 1; piece <= BAD[i].size; piece++) {
            assert_int_equal(-1, look_at_all(BAD[i], piece, &err));
            assert_int_equal(ERROR_DATA, err.class);
        }
    }
}

/* Each place of a long line: what is looked at many octets at a time misses none. */
static void test_check_everywhere(void **state)
{
    static const char bad[] = {'\0', '\n', '\r'};
    char line[200];
    struct error err;

    (void)state;
    for (size_t at = 0; at < sizeof line - 2; at++) {
        for (size_t i = 0; i < sizeof bad; i++) {
            const struct text content = {line, sizeof line};

            memset(line, 'x', sizeof line);
            memcpy(line + sizeof line - 2, "\r\n", 2);
            assert_int_equal(0, look_at_all(content, sizeof line, &err));
            line[at] = bad[i];
            assert_int_equal(-1, look_at_all(content, sizeof line, &err));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),          cmocka_unit_test(test_bad),
        cmocka_unit_test(test_refusal_stays), cmocka_unit_test(test_full),
        cmocka_unit_test(test_check),         cmocka_unit_test(test_check_everywhere),
    };

    return cmocka_run_group_tests_name("dots", tests, NULL, NULL);
}
