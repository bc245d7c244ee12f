/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "postoffice/date-form.h"

#define ISO "yyyy-mm-dd hh:mm"
#define US "mm/dd/yy hh:mm AM"

/* READ is "yyyy-mm-dd hh:mm", or NULL: TEXT is no date of that form. */
static const struct {
    const char *form, *text, *read;
} dates[] = {
    {ISO, "1997-04-07 08:05", "1997-04-07 08:05"},
    {ISO, "1997-04-07 24:05", NULL},
    {ISO, "1997-02-30 08:05", NULL},
    {ISO, "1997-04-07 08:5", NULL},
    {ISO, "1997-04-07 08:05 ", NULL},
    {ISO, "1997-04-07", NULL},
    {ISO, "0000-00-00 00:00", NULL},
    {ISO, "1900-01-01 00:00", NULL},
    {"yyyy-mm-dd hh:mm:ss", "1997-04-07 08:05:59", "1997-04-07 08:05"},
    {"yyyy-mm-dd hh:mm:ss", "1997-04-07 08:05:60", NULL},
    {"yyyy-mm-ddThh:mm", "1997-04-07T08:05", "1997-04-07 08:05"},
    {"yyyymmddhhmm", "199704070805", "1997-04-07 08:05"},
    {"yyyymmddhhmm", "19970407080", NULL},
    {"dd-mm-yy hh:mm", "07-04-97 08:05", "1997-04-07 08:05"},
    /* 00 to 79 are after 1999 (Q170137) */
    {"dd-mm-yy hh:mm", "07-04-00 08:05", "2000-04-07 08:05"},
    {"dd-mm-yy hh:mm", "07-04-79 08:05", "2079-04-07 08:05"},
    {"dd-mm-yy hh:mm", "07-04-80 08:05", "1980-04-07 08:05"},
    {"dd-mm-yy hh:mm", "07-04-99 08:05", "1999-04-07 08:05"},
    {"dd-mm-yy hh:mm", "00-00-00 00:00", NULL},
    /* 12 PM is noon, never 24 (Q103421) */
    {US, "04/07/97 12:05 PM", "1997-04-07 12:05"},
    {US, "04/07/97 12:05 AM", "1997-04-07 00:05"},
    {US, "04/07/97 01:05 PM", "1997-04-07 13:05"},
    {US, "04/07/97 11:59 pm", "1997-04-07 23:59"},
    {US, "04/07/97 11:59 am", "1997-04-07 11:59"},
    {US, "04/07/97 13:05 PM", NULL},
    {US, "04/07/97 00:05 AM", NULL},
    {US, "04/07/97 08:05 XM", NULL},
    {US, "04/07/97 08:05 A", NULL},
    {US, "16/12/68 08:05 AM", NULL},
    {"m/d/yy h:mm AM", "4/7/97 8:05 AM", "1997-04-07 08:05"},
    {"m/d/yy h:mm AM", "12/31/97 12:05 PM", "1997-12-31 12:05"},
    {"m/d/yy h:mm AM", "123/1/97 8:05 AM", NULL},
    {"hh:mm dd/mm/yyyy", "08:05 07/04/1997", "1997-04-07 08:05"},
    {ISO, "", NULL},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct message_date date = {.set = false};
        char found[80] = "";
        bool read;
        assert_null(date_form_wrong(dates[i].form));
        read = date_form_read(dates[i].form, (const uint8_t *)dates[i].text,
                              strlen(dates[i].text), &date);
        assert_int_equal(read, date.set);
        if (read)
            snprintf(found, sizeof found, "%04d-%02d-%02d %02d:%02d", date.year, date.month,
                     date.day, date.hour, date.minute);
        if (strcmp(found, dates[i].read != NULL ? dates[i].read : "") != 0)
            fail_msg("%s as %s: \"%s\"", dates[i].text, dates[i].form, found);
    }
}

static void test_wrong(void **state)
{
    static const char *const forms[] = {
        "",
        "yyyy-mm-dd",
        "yyyy-mm-dd hh",
        "yyyy-mm-dd mm:hh",
        "yyy-mm-dd hh:mm",
        "yyyy-mm-dd yy hh:mm",
        "yyyy-mm-dd hhh:mm",
        "yyyy-mm-dd hh:mm:ss:ss",
        "yyyy-mm-dd hh:mm AM AM",
        "yyyy-mm-dd hh:mm am",
        "yyyy-mm-dd hh:mm 1",
        "yyyy-mm-dd hh:mm #",
        "yyyy-mm-dd hh:mm\x01",
        "d-mm-yyyy hh:mm dd",
        "yyyy-mm-dd hh:mm                           .",
    };

    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (date_form_wrong(forms[i]) == NULL)
            fail_msg("\"%s\" is taken", forms[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_wrong)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
