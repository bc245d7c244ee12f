/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "message/date.h"
#include "postoffice/date-form.h"

#define NOW_MS INT64_C(1900000000999) /* 17 Mar 2030 17:46:40 UTC */
#define NOW "Sun, 17 Mar 2030 17:46:40 +0000"
#define UNSET                                                                                      \
    {                                                                                              \
        false, 0, 0, 0, 0, 0                                                                       \
    }

struct date_case {
    struct message_date date, received;
    const char *zone, *expected, *original;
    enum date_note note;
};

/* T119, T120 and T125 of zones; T121 and T124: the composed time is sent; T122, T123 and T65: what
 * cannot be, and what a wrong clock wrote (Q158399, Q170137, Q103421). */
static const struct date_case date_cases[] = {
    {{true, 1997, 1, 7, 8, 5}, UNSET, "Europe/Berlin", "Tue, 07 Jan 1997 08:05:00 +0100", "", 0},
    {{true, 1997, 7, 7, 8, 5}, UNSET, "Europe/Berlin", "Mon, 07 Jul 1997 08:05:00 +0200", "", 0},
    {{true, 1997, 1, 7, 8, 5}, UNSET, "Asia/Kolkata", "Tue, 07 Jan 1997 08:05:00 +0530", "", 0},
    {{true, 1997, 1, 7, 8, 5}, UNSET, "America/St_Johns", "Tue, 07 Jan 1997 08:05:00 -0330", "", 0},
    {{true, 1997, 1, 7, 8, 5}, UNSET, "Asia/Kathmandu", "Tue, 07 Jan 1997 08:05:00 +0545", "", 0},
    {{true, 1997, 1, 7, 8, 5}, UNSET, "Pacific/Auckland", "Tue, 07 Jan 1997 08:05:00 +1300", "", 0},
    {{true, 1997, 1, 7, 8, 5}, UNSET, "", "Tue, 07 Jan 1997 08:05:00 +0000", "", 0},
    {{true, 2000, 2, 29, 0, 0}, UNSET, NULL, "Tue, 29 Feb 2000 00:00:00 +0000", "", 0},
    /* the last and the first minute around a fold and a gap */
    {{true, 1997, 10, 26, 1, 59}, UNSET, "Europe/Berlin", "Sun, 26 Oct 1997 01:59:00 +0200", "", 0},
    {{true, 1997, 10, 26, 2, 0},
     UNSET,
     "Europe/Berlin",
     "Sun, 26 Oct 1997 02:00:00 +0100",
     "",
     DATE_TWICE},
    {{true, 1997, 10, 26, 2, 59},
     UNSET,
     "Europe/Berlin",
     "Sun, 26 Oct 1997 02:59:00 +0100",
     "",
     DATE_TWICE},
    {{true, 1997, 10, 26, 3, 0}, UNSET, "Europe/Berlin", "Sun, 26 Oct 1997 03:00:00 +0100", "", 0},
    {{true, 1997, 3, 30, 1, 59}, UNSET, "Europe/Berlin", "Sun, 30 Mar 1997 01:59:00 +0100", "", 0},
    {{true, 1997, 3, 30, 2, 30},
     UNSET,
     "Europe/Berlin",
     "Sun, 30 Mar 1997 02:30:00 +0100",
     "",
     DATE_NEVER},
    {{true, 1997, 3, 30, 3, 0}, UNSET, "Europe/Berlin", "Sun, 30 Mar 1997 03:00:00 +0200", "", 0},
    {{true, 1997, 10, 26, 1, 30},
     UNSET,
     "America/New_York",
     "Sun, 26 Oct 1997 01:30:00 -0500",
     "",
     DATE_TWICE},
    {{true, 1997, 4, 6, 2, 30},
     UNSET,
     "America/New_York",
     "Sun, 06 Apr 1997 02:30:00 -0500",
     "",
     DATE_NEVER},
    /* half an hour is put back */
    {{true, 1997, 3, 30, 1, 45},
     UNSET,
     "Australia/Lord_Howe",
     "Sun, 30 Mar 1997 01:45:00 +1030",
     "",
     DATE_TWICE},
    /* not the time at which it was received or relayed */
    {{true, 1997, 1, 7, 8, 5},
     {true, 1997, 1, 9, 1, 0},
     "UTC",
     "Tue, 07 Jan 1997 08:05:00 +0000",
     "",
     0},
    /* up to a day ahead clocks only disagree */
    {{true, 1997, 1, 8, 8, 5},
     {true, 1997, 1, 7, 8, 5},
     "UTC",
     "Wed, 08 Jan 1997 08:05:00 +0000",
     "",
     0},
    {{true, 1997, 1, 8, 8, 6},
     {true, 1997, 1, 7, 8, 5},
     "UTC",
     "Tue, 07 Jan 1997 08:05:00 +0000",
     "1997-01-08 08:06",
     DATE_FUTURE},
    {{true, 2068, 12, 16, 12, 0}, UNSET, "UTC", NOW, "2068-12-16 12:00", DATE_FUTURE},
    {{true, 2068, 12, 16, 12, 0},
     {true, 2068, 12, 16, 12, 0},
     "UTC",
     NOW,
     "2068-12-16 12:00",
     DATE_FUTURE},
    /* a restored backup is as old as it is, a clock without a battery is wrong */
    {{true, 1989, 1, 7, 8, 5},
     {true, 1989, 1, 7, 8, 6},
     "UTC",
     "Sat, 07 Jan 1989 08:05:00 +0000",
     "",
     0},
    {{true, 1989, 1, 7, 8, 5}, UNSET, "UTC", "Sat, 07 Jan 1989 08:05:00 +0000", "", 0},
    {{true, 1989, 1, 7, 8, 5},
     {true, 2026, 1, 7, 8, 5},
     "Europe/Berlin",
     "Wed, 07 Jan 2026 08:05:00 +0100",
     "1989-01-07 08:05",
     DATE_OLD},
    {{true, 1980, 1, 1, 0, 7},
     {true, 1997, 1, 7, 8, 5},
     "Europe/Berlin",
     "Tue, 07 Jan 1997 08:05:00 +0100",
     "1980-01-01 00:07",
     DATE_OLD},
    {{true, 1980, 1, 1, 0, 7}, {true, 1980, 1, 1, 0, 7}, "UTC", NOW, "1980-01-01 00:07", DATE_OLD},
    /* none, or one that no calendar has */
    {UNSET,
     {true, 1997, 7, 7, 8, 5},
     "Europe/Berlin",
     "Mon, 07 Jul 1997 08:05:00 +0200",
     "",
     DATE_MISSING},
    {UNSET, UNSET, "Europe/Berlin", NOW, "", DATE_MISSING},
    {{true, 1997, 2, 30, 8, 5}, UNSET, "UTC", NOW, "", DATE_MISSING},
    {{true, 1900, 1, 1, 0, 0}, UNSET, "UTC", NOW, "", DATE_MISSING},
    {{true, 1997, 1, 7, 24, 5}, UNSET, "UTC", NOW, "", DATE_MISSING},
    {{true, 1997, 0, 7, 8, 60}, {true, 1997, 0, 0, 0, 0}, "UTC", NOW, "", DATE_MISSING},
};

static void test_sent(void **state)
{
    struct error err;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof date_cases / sizeof date_cases[0]; i++) {
        const struct date_case *c = &date_cases[i];
        char line[DATE_RFC5322_SIZE];
        struct date_sent sent;

        assert_int_equal(date_sent(&c->date, &c->received, c->zone, NOW_MS, &sent, &err), 0);
        date_rfc5322(sent.unix_s, sent.offset_s, line);
        assert_string_equal(line, c->expected);
        assert_string_equal(sent.original, c->original);
        assert_int_equal(sent.note, c->note);
        assert_int_equal(date_note_text(sent.note)[0] == '\0', c->note == DATE_AS_WRITTEN);
    }
}

static void test_zone_unknown(void **state)
{
    struct message_date date = {true, 1997, 1, 7, 8, 5};
    struct date_sent sent;
    struct error err;

    (void)state;
    assert_int_equal(date_sent(&date, &date, "Europe/Nowhere", NOW_MS, &sent, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, "Europe/Nowhere"));
}

/* The zone of the process, and whatever its environment says, plays no part (T120). */
static void test_zone_of_process(void **state)
{
    struct message_date date = {true, 1997, 7, 7, 8, 5};
    struct date_sent one, two;
    struct error err;

    (void)state;
    setenv("TZ", "Asia/Tokyo", 1);
    assert_int_equal(date_sent(&date, &date, "Europe/Berlin", NOW_MS, &one, &err), 0);
    setenv("TZ", "America/New_York", 1);
    assert_int_equal(date_sent(&date, &date, "Europe/Berlin", NOW_MS, &two, &err), 0);
    unsetenv("TZ");
    assert_int_equal(one.unix_s, two.unix_s);
    assert_int_equal(one.offset_s, two.offset_s);
}

/* T122: two digits of a year; T123: twelve o'clock, and an hour that is none. */
static void test_years(void **state)
{
    static const struct {
        const char *text;
        bool good;
        int year, hour;
    } cases[] = {
        {"01/07/97 08:05 AM", true, 1997, 8},  {"01/07/80 08:05 AM", true, 1980, 8},
        {"01/07/79 08:05 AM", true, 2079, 8},  {"01/07/00 08:05 AM", true, 2000, 8},
        {"01/07/97 12:05 PM", true, 1997, 12}, {"01/07/97 12:05 AM", true, 1997, 0},
        {"12/16/68 12:05 PM", true, 2068, 12}, {"01/07/97 24:05 PM", false, 0, 0},
        {"00/00/00 00:00 AM", false, 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct message_date date = UNSET;
        bool good = date_form_read("mm/dd/yy hh:mm AM", (const uint8_t *)cases[i].text,
                                   strlen(cases[i].text), &date);

        good = good && message_date_valid(&date);
        assert_int_equal(good, cases[i].good);
        assert_int_equal(good ? date.year : 0, cases[i].year);
        assert_int_equal(good ? date.hour : 0, cases[i].hour);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sent),
        cmocka_unit_test(test_zone_unknown),
        cmocka_unit_test(test_zone_of_process),
        cmocka_unit_test(test_years),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
