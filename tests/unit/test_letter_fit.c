/* SPDX-License-Identifier: BSD-2-Clause */
/* What Exchange takes of a header: 256 KB in all (MaxHeaderSize), addresses of 571 octets, subjects
 * and names of 255 characters. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/mimefixture.h"

#define EXCHANGE_HEADER_MAX 262144
#define FOR_SERVERS 65536 /* room that is left for what servers on the way add */

static size_t header_octets(struct mimefixture *f)
{
    const char *end = strstr(buf_text(&f->out), "\r\n\r\n");

    assert_non_null(end);
    return (size_t)(end - buf_text(&f->out)) + 2;
}

/* Recipients of TO and CC who are listed; *NAMED: with a name; *GROUP: of the group, or NULL. */
static size_t listed(GMimeMessage *parsed, size_t *named, char **group)
{
    InternetAddressList *lists[] = {g_mime_message_get_to(parsed), g_mime_message_get_cc(parsed)};
    size_t count = 0;

    *named = 0;
    *group = NULL;
    for (size_t l = 0; l < 2; l++) {
        for (int i = 0; i < internet_address_list_length(lists[l]); i++) {
            InternetAddress *one = internet_address_list_get_address(lists[l], i);

            if (INTERNET_ADDRESS_IS_GROUP(one)) {
                assert_null(*group);
                *group = g_strdup(internet_address_get_name(one));
                continue;
            }
            count++;
            *named +=
                internet_address_get_name(one) != NULL && internet_address_get_name(one)[0] != '\0';
        }
    }
    return count;
}

static void add_many(struct mimefixture *f, size_t count, const char *format)
{
    char address[512];

    for (size_t i = 0; i < count; i++) {
        snprintf(address, sizeof address, "%s%06zu", format, i);
        mimefixture_add(f, i % 3 == 2 ? ADDRESS_CC : ADDRESS_TO, address);
    }
}

/* T73: everybody is listed as long as it fits; then names go, then people, and both are told. */
static void test_many(void **state)
{
    static const struct {
        size_t count;
        const char *address;
        bool all_named, all_listed;
    } cases[] = {
        {1, "SOUTH/LAB/P", true, true},
        {300, "SOUTH/LAB/P", true, true},
        {1000, "SOUTH/LAB/P", true, true},
        {2000, "SOUTH/LAB/P\x99", false, true},
        {2500, "SOUTH/LAB/P", false, true},
        {5000, "SOUTH/LAB/P", false, false},
        {20000, "SOUTH/LAB/P\x99", false, false},
        {1000,
         "FAX:0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 "
         "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 ",
         false, false},
    };
    struct mimefixture *f = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        GMimeMessage *parsed;
        size_t named, count;
        char *group;

        mimefixture_begin(f);
        mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
        add_many(f, cases[i].count, cases[i].address);
        mimefixture_write(f);
        assert_true(header_octets(f) < EXCHANGE_HEADER_MAX - FOR_SERVERS);
        parsed = mimefixture_parse(f);
        count = listed(parsed, &named, &group);
        if ((count == cases[i].count) != cases[i].all_listed ||
            (named == cases[i].count) != cases[i].all_named)
            fail_msg("%zu: %zu listed, %zu named", cases[i].count, count, named);
        assert_int_equal(count == cases[i].count, cases[i].all_listed);
        assert_int_equal(named == cases[i].count, cases[i].all_named);
        assert_int_equal(group == NULL, cases[i].all_listed);
        if (group != NULL) {
            char expected[120];

            snprintf(expected, sizeof expected, "and %zu others", cases[i].count - count);
            assert_string_equal(group, expected);
            snprintf(expected, sizeof expected, "%zu of %zu recipients are not listed in To and Cc",
                     cases[i].count - count, cases[i].count);
            assert_string_equal(g_mime_object_get_header(GMIME_OBJECT(parsed), "X-MSMail-Note"),
                                expected);
            assert_true(count > 100);
        } else {
            mimefixture_lacks(f, "X-MSMail-Note");
        }
        g_free(group);
        g_object_unref(parsed);
    }
}

/* Names of the map are what takes most room; the first keep theirs. */
static void test_first_names_stay(void **state)
{
    struct mimefixture *f = *state;

    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
    mimefixture_add(f, ADDRESS_TO, "NORTH/HQ/BERT");
    add_many(f, 2500, "SOUTH/LAB/P");
    mimefixture_write(f);
    mimefixture_has(f, "\"Brandt, Bert (Sales) \\\"B\\\"\" <bert@corp.example>");
    mimefixture_has(f, "SOUTH/LAB/P000001\r\n\t<IMCEAMS-SOUTH_LAB_P000001@gw.example>");
    mimefixture_lacks(f, "SOUTH/LAB/P002498 <");
    mimefixture_has(f, "IMCEAMS-SOUTH_LAB_P002498@gw.example");
}

/* Fields of an MMFF file are as many and as long as somebody likes. */
static void test_extras(void **state)
{
    struct mimefixture *f = *state;
    char value[4001], want[64];
    GMimeMessage *parsed;
    const char *at;
    size_t seen = 0;

    memset(value, (char)0x81, sizeof value - 1);
    value[sizeof value - 1] = '\0';
    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
    for (size_t i = 0; i < 200; i++)
        assert_int_equal(
            message_add_extra(f->message, "BIG", i % 2 == 0 ? value : "small", &f->err), 0);
    mimefixture_write(f);
    assert_true(header_octets(f) < EXCHANGE_HEADER_MAX - FOR_SERVERS);
    for (at = buf_text(&f->out); (at = strstr(at, "\r\nX-MSMail-Ext: ")) != NULL; at += 4)
        seen++;
    assert_true(seen >= 10 && seen < 200);
    snprintf(want, sizeof want, "%zu fields X-MSMail-Ext are left out", 200 - seen);
    parsed = mimefixture_parse(f);
    assert_string_equal(g_mime_object_get_header(GMIME_OBJECT(parsed), "X-MSMail-Note"), want);
    g_object_unref(parsed);
}

/* The longest of everything at once. */
static void test_longest(void **state)
{
    struct mimefixture *f = *state;
    char text[1001], address[3000] = "X400:";
    GMimeMessage *parsed;
    InternetAddressList *to;

    memset(text, (char)0x81, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    memset(address + 5, 'x', sizeof address - 6);
    address[sizeof address - 1] = '\0';
    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
    mimefixture_set_subject(f, text);
    for (size_t size = 500; size < 600; size++) {
        char cut[600];

        snprintf(cut, sizeof cut, "%.*s", (int)size, address);
        mimefixture_add(f, ADDRESS_TO, cut);
    }
    mimefixture_write(f);
    parsed = mimefixture_parse(f);
    assert_int_equal(g_utf8_strlen(g_mime_message_get_subject(parsed), -1), 255);
    to = g_mime_message_get_to(parsed);
    assert_int_equal(internet_address_list_length(to), 100);
    for (int i = 0; i < 100; i++) {
        InternetAddress *one = internet_address_list_get_address(to, i);

        assert_true(g_utf8_strlen(internet_address_get_name(one), -1) <= 255);
        if (INTERNET_ADDRESS_IS_MAILBOX(one))
            assert_true(strlen(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(one))) <=
                        571);
    }
    assert_true(INTERNET_ADDRESS_IS_MAILBOX(internet_address_list_get_address(to, 0)));
    assert_true(INTERNET_ADDRESS_IS_GROUP(internet_address_list_get_address(to, 99)));
    g_object_unref(parsed);
}

/* What is left out is left out each time: the octets, and with them the Message-ID, stay. */
static void test_same_again(void **state)
{
    struct mimefixture *f = *state;
    char *first;

    mimefixture_begin(f);
    mimefixture_add(f, ADDRESS_FROM, "NORTH/HQ/ANNA");
    add_many(f, 5000, "SOUTH/LAB/P");
    mimefixture_write(f);
    first = strdup(buf_text(&f->out));
    mimefixture_write(f);
    assert_string_equal(buf_text(&f->out), first);
    free(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_many, mimefixture_setup, mimefixture_teardown),
        cmocka_unit_test_setup_teardown(test_first_names_stay, mimefixture_setup,
                                        mimefixture_teardown),
        cmocka_unit_test_setup_teardown(test_extras, mimefixture_setup, mimefixture_teardown),
        cmocka_unit_test_setup_teardown(test_longest, mimefixture_setup, mimefixture_teardown),
        cmocka_unit_test_setup_teardown(test_same_again, mimefixture_setup, mimefixture_teardown),
    };

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
