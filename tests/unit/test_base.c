/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/log.h"

static void error_keeps_what_it_is_told(void **state)
{
    struct error err;

    (void)state;
    assert_int_equal(error_set(&err, ERROR_DATA, "5.6.0", "record %d", 7), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_string_equal(err.status, "5.6.0");
    assert_string_equal(err.text, "record 7");
    assert_int_equal(err.sys, 0);
    error_prefix(&err, "mailbag %s", "0000002E");
    assert_string_equal(err.text, "mailbag 0000002E: record 7");
    error_clear(&err);
    assert_int_equal(err.class, ERROR_NONE);
}

static void error_appends_the_systems_reason(void **state)
{
    struct error err;

    (void)state;
    errno = ENOENT;
    error_sys(&err, ERROR_SOFT, NULL, "file %s", "x");
    assert_int_equal(err.sys, ENOENT);
    assert_string_equal(err.status, "");
    assert_string_equal(err.text, "file x: No such file or directory");
}

static void error_text_is_bounded_and_printable(void **state)
{
    struct error err;
    char longer[2 * ERROR_TEXT_SIZE];

    (void)state;
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    longer[3] = '\n';
    longer[4] = '\033';
    error_set(&err, ERROR_DATA, "1.2.3.4.5.6.7.8", "%s", longer);
    assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 1);
    assert_int_equal(strlen(err.status), ERROR_STATUS_SIZE - 1);
    assert_memory_equal(err.text, "aaa??aaa", 8);
    error_prefix(&err, "%s", longer);
    assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 1);
    assert_int_equal(error_set(NULL, ERROR_DATA, "", "nobody listens"), -1);
    assert_int_equal(error_prefix(NULL, "nobody"), -1);
}

static void error_classes_have_names(void **state)
{
    (void)state;
    assert_string_equal(error_class_name(ERROR_NONE), "none");
    assert_string_equal(error_class_name(ERROR_SOFT), "soft");
    assert_string_equal(error_class_name(ERROR_HARD), "hard");
    assert_string_equal(error_class_name(ERROR_DATA), "data");
    assert_string_equal(error_class_name(ERROR_SETUP), "setup");
}

static void buf_grows_to_its_limit(void **state)
{
    struct buf buf;
    char block[100];

    (void)state;
    memset(block, 'b', sizeof block);
    buf_init(&buf, 1000);
    assert_string_equal(buf_text(&buf), "");
    for (int i = 0; i < 10; i++)
        assert_int_equal(buf_append(&buf, block, sizeof block), 0);
    assert_int_equal(buf.size, 1000);
    assert_int_equal(buf_append(&buf, "c", 1), -1);
    assert_int_equal(buf_append(&buf, "c", SIZE_MAX), -1);
    assert_int_equal(buf_printf(&buf, "%d", 1), -1);
    assert_int_equal(buf.size, 1000);
    assert_int_equal(buf.data[1000], 0);
    buf_wipe(&buf);
    assert_int_equal(buf.size, 0);
    assert_null(buf.data);
    assert_int_equal(buf_append_text(&buf, "again"), 0);
    buf_clear(&buf);
}

static void buf_consumes_from_the_front(void **state)
{
    struct buf buf;
    char *text;

    (void)state;
    buf_init(&buf, 100);
    assert_int_equal(buf_printf(&buf, "%s-%d", "abc", 42), 0);
    buf_consume(&buf, 2);
    assert_string_equal(buf_text(&buf), "c-42");
    buf_consume(&buf, 99);
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_append_text(&buf, "kept"), 0);
    text = buf_steal(&buf);
    assert_string_equal(text, "kept");
    assert_int_equal(buf.size, 0);
    free(text);
    text = buf_steal(&buf);
    assert_string_equal(text, "");
    free(text);
}

static void cursor_never_leaves_its_record(void **state)
{
    static const uint8_t record[] = {0x2C, 0x01, 0x4D, 0x3C, 0x2B, 0x1A, 'a', 'b', 0, 'x'};
    struct cursor cursor;
    uint8_t byte;
    uint16_t word;
    uint32_t number;
    char text[5];
    const uint8_t *bytes;

    (void)state;
    cursor_init(&cursor, record, sizeof record);
    assert_int_equal(cursor_le16(&cursor, &word), 0);
    assert_int_equal(word, 300);
    assert_int_equal(cursor_le32(&cursor, &number), 0);
    assert_int_equal(number, 0x1A2B3C4D);
    assert_int_equal(cursor_text(&cursor, 4, text), 0);
    assert_string_equal(text, "ab");
    assert_int_equal(cursor_left(&cursor), 0);
    assert_int_equal(cursor_u8(&cursor, &byte), -1);
    assert_int_equal(cursor_le16(&cursor, &word), -1);
    assert_int_equal(cursor_le32(&cursor, &number), -1);
    assert_int_equal(cursor_seek(&cursor, 11), -1);
    assert_int_equal(cursor_seek(&cursor, 7), 0);
    assert_int_equal(cursor_skip(&cursor, SIZE_MAX), -1);
    assert_int_equal(cursor_bytes(&cursor, 4, &bytes), -1);
    assert_int_equal(cursor_text(&cursor, 4, text), -1);
    assert_int_equal(cursor_skip(&cursor, 2), 0);
    assert_int_equal(cursor_u8(&cursor, &byte), 0);
    assert_int_equal(byte, 'x');
}

static void clock_stamps_are_utc(void **state)
{
    char stamp[CLOCK_STAMP_SIZE];

    (void)state;
    assert_string_equal(clock_stamp(0, stamp), "1970-01-01T00:00:00.000Z");
    assert_string_equal(clock_stamp(1795351079123, stamp), "2026-11-22T12:37:59.123Z");
    assert_true(clock_now_ms() > 1700000000000);
    assert_true(clock_steady_ms() <= clock_steady_ms());
}

struct heard {
    int count;
    enum log_level level;
    char line[256];
};

static void hear(void *context, enum log_level level, const char *token, const char *line)
{
    struct heard *heard = context;

    heard->count++;
    heard->level = level;
    snprintf(heard->line, sizeof heard->line, "%s: %s", token, line);
}

static void log_filters_by_level_and_keeps_errno(void **state)
{
    struct heard heard = {0};
    enum log_level level;

    (void)state;
    log_set_sink(hear, &heard);
    log_set_level(LOG_LEVEL_WARN);
    errno = EAGAIN;
    log_info("x", "dropped");
    assert_int_equal(heard.count, 0);
    log_warn("x", "line\n%d", 5);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.level, LOG_LEVEL_WARN);
    assert_string_equal(heard.line, "x: line?5");
    log_set_level(LOG_LEVEL_DEBUG);
    log_error("x", "e");
    log_debug("x", "d");
    assert_int_equal(heard.count, 3);
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(log_level_from_name("debug", &level), 0);
    assert_int_equal(level, LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_from_name("loud", &level), -1);
    log_set_sink(NULL, NULL);
    log_set_level(LOG_LEVEL_INFO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(error_keeps_what_it_is_told),
        cmocka_unit_test(error_appends_the_systems_reason),
        cmocka_unit_test(error_text_is_bounded_and_printable),
        cmocka_unit_test(error_classes_have_names),
        cmocka_unit_test(buf_grows_to_its_limit),
        cmocka_unit_test(buf_consumes_from_the_front),
        cmocka_unit_test(cursor_never_leaves_its_record),
        cmocka_unit_test(clock_stamps_are_utc),
        cmocka_unit_test(log_filters_by_level_and_keeps_errno),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
