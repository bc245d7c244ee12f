/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pofixture.h"
#include "postoffice/mbg.h"

static void test_published(void **state)
{
    struct mbg_record one, two;
    uint8_t dump[256];

    (void)state;
    assert_int_equal(published("q108027.mbg.hex", dump, sizeof dump), 256);
    mbg_parse(dump, &one);
    mbg_parse(dump + MBG_RECORD_SIZE, &two);
    assert_string_equal(one.sender, "Martian");
    assert_string_equal(one.subject, "This is the subject");
    assert_string_equal(one.mai, "00000062");
    assert_int_equal(one.mai_number, 0x62);
    assert_int_equal(one.size, 552);
    assert_true(one.date.set);
    assert_int_equal(one.date.year, 1993);
    assert_int_equal(one.date.month, 10);
    assert_int_equal(one.date.day, 8);
    assert_int_equal(one.date.hour, 16);
    assert_int_equal(one.date.minute, 25);
    assert_int_equal(one.priority, 0);
    assert_string_equal(two.subject, "This is the next subject");
    assert_string_equal(two.mai, "00000063");
    assert_int_equal(two.size, 554);
    assert_int_equal(two.date.minute, 26);
    assert_true(mbg_compare(&one, &two) < 0);
    assert_true(mbg_compare(&two, &one) > 0);
    assert_int_equal(mbg_compare(&one, &one), 0);
    assert_int_equal(mbg_local_minutes(&two) - mbg_local_minutes(&one), 1);
}

static void parse(const struct header *header, struct mbg_record *out)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);

    assert_non_null(bytes);
    put_record(bytes, header);
    mbg_parse(bytes->data, out);
    free(bytes);
}

static const struct {
    const char *date;
    int64_t minutes;
} dates[] = {
    {"1980-01-01 00:00", 3652LL * 1440},  {"1999-12-31 23:59", 10957LL * 1440 - 1},
    {"2000-02-29 12:30", 11016LL * 1440 + 750}, {"2000-03-01 00:00", 11017LL * 1440},
    {"1999-02-29 00:00", -1},             {"1997-13-01 00:00", -1},
    {"1997-04-07 24:00", -1},             {"1900-01-01 00:00", -1},
    {"0000-00-00 00:00", -1},
};

static void test_dates(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct header header = {.mai = "00000001", .date = dates[i].date};
        struct mbg_record record;
        parse(&header, &record);
        assert_int_equal(mbg_local_minutes(&record), dates[i].minutes);
        assert_int_equal(record.date.set, dates[i].minutes >= 0);
    }
}

/* Older is less; the message number decides within a second, nothing else does. */
static void test_order(void **state)
{
    static const struct header headers[] = {
        {"000000FF", "1979-12-31 23:59", NULL}, {"00000009", "1996-12-31 23:59", NULL},
        {"0000000A", "1997-01-01 00:00", NULL}, {"0000000B", "1997-01-01 00:00", NULL},
        {"00000001", "1997-01-01 00:01", NULL}, {"00000001", "1997-01-01 01:00", NULL},
        {"00000001", "1997-01-02 00:00", NULL}, {"00000001", "1997-02-01 00:00", NULL},
        {"00000001", "2001-01-01 00:00", NULL},
    };
    struct mbg_record records[sizeof headers / sizeof headers[0]];
    const size_t count = sizeof headers / sizeof headers[0];

    (void)state;
    for (size_t i = 0; i < count; i++)
        parse(&headers[i], &records[i]);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++)
            assert_int_equal((mbg_compare(&records[i], &records[j]) > 0) -
                                 (mbg_compare(&records[i], &records[j]) < 0),
                             (i > j) - (i < j));
    }
}

static const struct {
    const char *mai, *wanted;
} numbers[] = {
    {"0000002e", "0000002E"}, {"FFFFFFFF", "FFFFFFFF"}, {"0000002", ""},   {"0000002G", ""},
    {"../../et", ""},         {"..\\..\\.", ""},        {"", ""},          {"0x000001", ""},
    {" 0000001", ""},         {"+0000001", ""},         {"123456789", ""},
};

static void test_numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct header header = {.mai = numbers[i].mai};
        struct mbg_record record;
        parse(&header, &record);
        assert_string_equal(record.mai, numbers[i].wanted);
    }
}

/* No NUL anywhere: the fields end where they end. */
static void test_full_fields(void **state)
{
    uint8_t raw[MBG_RECORD_SIZE];
    struct mbg_record record;

    (void)state;
    memset(raw, 'A', sizeof raw);
    mbg_parse(raw, &record);
    assert_int_equal(strlen(record.sender), 11);
    assert_int_equal(strlen(record.subject), 41);
    assert_string_equal(record.mai, "");
    assert_false(record.date.set);
    memset(raw, 0xFF, sizeof raw);
    mbg_parse(raw, &record);
    assert_int_equal(record.size, UINT32_MAX);
    assert_int_equal(mbg_local_minutes(&record), -1);
}

static const struct {
    size_t size;
    int count; /* -1: damaged */
} sizes[] = {{0, 0}, {116, 1}, {232, 2}, {115, -1}, {117, -1}, {4096 * 116, 4096}, {4097 * 116, -1}};

static void test_load(void **state)
{
    uint8_t *data = calloc(4097, 116);
    struct root *root;
    struct error err = {0};
    struct po po;

    (void)state;
    assert_non_null(data);
    po_make(&po);
    assert_int_equal(root_open(&root, po.path, &err), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *records = NULL;
        size_t count = 0;
        int status;
        po_write(&po, "MBG/00000077.MBG", data, sizes[i].size);
        status = mbg_load(root, "00000077", &records, &count, &err);
        assert_int_equal(status, sizes[i].count < 0 ? -1 : 0);
        if (status == 0) {
            assert_int_equal(count, sizes[i].count);
            free(records);
        } else {
            assert_int_equal(err.class, ERROR_DATA);
            assert_non_null(strstr(err.text, "MBG/00000077.MBG"));
        }
    }
    root_free(root);
    po_clear(&po);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published), cmocka_unit_test(test_dates),
        cmocka_unit_test(test_order),     cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_full_fields), cmocka_unit_test(test_load),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
