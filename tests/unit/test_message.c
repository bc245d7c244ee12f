/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "message/message.h"

static struct message *message_of(const char *postoffice)
{
    struct message *message;
    struct error err;

    assert_int_equal(message_new(&message, postoffice, "CP850", &err), 0);
    return message;
}

static void add(struct message *message, enum address_role role, const char *text)
{
    struct error err;

    assert_int_equal(message_add_address(message, role, text, strlen(text), &err), 0);
}

static struct content *content_of(const void *data, size_t size)
{
    struct content *content;
    struct error err;

    assert_int_equal(content_from_bytes(&content, data, size, &err), 0);
    return content;
}

static void attach(struct message *message, const char *name, const char *text)
{
    struct error err;

    assert_int_equal(message_add_attachment(message, name, strlen(name),
                                            text != NULL ? content_of(text, strlen(text)) : NULL,
                                            &err),
                     0);
}

static void set_subject(struct message *message, const char *subject)
{
    struct error err;

    assert_int_equal(message_set_subject(message, subject, strlen(subject), &err), 0);
}

static void test_addresses(void **state)
{
    struct message *message = message_of("NORTH/HQ");

    (void)state;
    assert_null(message_from(message));
    add(message, ADDRESS_TO, "CSI:NORTH/HQ/A");
    add(message, ADDRESS_FROM, "ms:NORTH/HQ/B");
    add(message, ADDRESS_CC, "SMTP:c@d");
    assert_int_equal(message->address_count, 3);
    assert_string_equal(message->addresses[0].text, "NORTH/HQ/A");
    assert_int_equal(message->addresses[0].role, ADDRESS_TO);
    assert_string_equal(message_from(message)->text, "NORTH/HQ/B");
    assert_string_equal(message->addresses[2].text, "SMTP:c@d");
    message_free(message);
    message_free(NULL);
}

static void test_addresses_refused(void **state)
{
    static const struct {
        const char *text;
        size_t size;
    } cases[] = {{"", 0}, {"CSI:", 4}, {"A\0B", 3}, {"A\nB", 3}, {"A\x7F", 2}, {"\x1F", 1}};
    struct message *message = message_of("NORTH/HQ");
    char *large = malloc(MESSAGE_MAX_ADDRESS + 1);
    struct error err;
    size_t i;

    (void)state;
    assert_non_null(large);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(
            message_add_address(message, ADDRESS_TO, cases[i].text, cases[i].size, &err), -1);
        assert_int_equal(err.class, ERROR_DATA);
    }
    memset(large, 'x', MESSAGE_MAX_ADDRESS + 1);
    assert_int_equal(message_add_address(message, ADDRESS_TO, large, MESSAGE_MAX_ADDRESS + 1, &err),
                     -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_int_equal(message_add_address(message, ADDRESS_TO, large, MESSAGE_MAX_ADDRESS, &err), 0);
    add(message, ADDRESS_FROM, "A/B/C");
    assert_int_equal(message_add_address(message, ADDRESS_FROM, "A/B/D", 5, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_int_equal(message->address_count, 2);
    free(large);
    message_free(message);
}

static void test_limits(void **state)
{
    struct message *message = message_of("NORTH/HQ");
    struct error err;
    size_t i;

    (void)state;
    for (i = 0; i < MESSAGE_MAX_ADDRESSES; i++)
        add(message, ADDRESS_TO, "A/B/C");
    assert_int_equal(message_add_address(message, ADDRESS_CC, "A/B/C", 5, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    for (i = 0; i < MESSAGE_MAX_ATTACHMENTS; i++)
        attach(message, "A.TXT", i % 2 == 0 ? "x" : NULL);
    assert_int_equal(message_add_attachment(message, "B", 1, content_of("y", 1), &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_int_equal(message->attachment_count, MESSAGE_MAX_ATTACHMENTS);
    message_free(message);
}

static void test_rest(void **state)
{
    struct message *message = message_of("NORTH/HQ");
    struct error err;

    (void)state;
    assert_string_equal(message->subject, "");
    assert_int_equal(message_set_subject(message, "ab\0cd", 5, &err), 0);
    assert_string_equal(message->subject, "ab");
    assert_int_equal(message_set_subject(message, NULL, 0, &err), 0);
    assert_string_equal(message->subject, "");
    assert_int_equal(message_add_extra(message, "HEADLEN", "340", &err), 0);
    assert_int_equal(message_add_extra(message, "X", "", &err), 0);
    assert_string_equal(message->extras[0].value, "340");
    assert_int_equal(message_add_attachment(message, NULL, 0, NULL, &err), 0);
    assert_string_equal(message->attachments[0].name, "");
    assert_null(message->attachments[0].content);
    message_free(message);
}

static void test_dates(void **state)
{
    static const struct {
        struct message_date date;
        bool valid;
    } cases[] = {
        {{true, 1997, 4, 7, 8, 0}, true},     {{true, 1980, 1, 1, 0, 0}, true},
        {{true, 2079, 12, 31, 23, 59}, true}, {{true, 1996, 2, 29, 0, 0}, true},
        {{true, 2000, 2, 29, 0, 0}, true},    {{false, 1997, 4, 7, 8, 0}, false},
        {{true, 1979, 4, 7, 8, 0}, false},    {{true, 2080, 4, 7, 8, 0}, false},
        {{true, 1997, 2, 29, 8, 0}, false},   {{true, 1997, 4, 31, 8, 0}, false},
        {{true, 1997, 0, 7, 8, 0}, false},    {{true, 1997, 13, 7, 8, 0}, false},
        {{true, 1997, 4, 0, 8, 0}, false},    {{true, 1997, 4, 7, 24, 0}, false},
        {{true, 1997, 4, 7, 8, 60}, false},   {{true, 1997, 4, 7, -1, 0}, false},
        {{true, 1997, 4, 7, 8, -1}, false},   {{true, 1997, -2000000000, 7, 8, 0}, false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (message_date_valid(&cases[i].date) != cases[i].valid)
            fail_msg("date %zu", i);
}

static struct message *sample(void)
{
    struct message *message = message_of("NORTH/HQ");

    add(message, ADDRESS_FROM, "NORTH/HQ/ANNA");
    add(message, ADDRESS_TO, "SOUTH/LAB/BERT");
    add(message, ADDRESS_CC, "SMTP:carl@host.example");
    set_subject(message, "Gr\x81\xE1"
                         "e");
    message->date = (struct message_date){true, 1997, 4, 7, 8, 5};
    message->text = content_of("one\r\ntwo\r\n", 10);
    attach(message, "A.TXT", "abc");
    attach(message, "LOST.DOC", NULL);
    return message;
}

static void hex_of(const struct message *message, char hex[FINGERPRINT_HEX_SIZE])
{
    uint8_t fingerprint[FINGERPRINT_SIZE];
    struct error err;

    assert_int_equal(message_fingerprint(message, fingerprint, &err), 0);
    fingerprint_hex(fingerprint, hex);
}

/* Must never change: the journal of every installation is keyed by it. The value was worked out by
 * a program of its own from the description in message.h. */
static void test_fingerprint_value(void **state)
{
    struct message *message = sample();
    char hex[FINGERPRINT_HEX_SIZE];

    (void)state;
    hex_of(message, hex);
    assert_string_equal(hex, "674ac7533fab565beeb81df0ba13dd9f57b31aed8ff13207353eb6126781f9bb");
    message_free(message);
}

static void replace_text(struct message *message, const char *text, size_t size)
{
    content_free(message->text);
    message->text = text != NULL ? content_of(text, size) : NULL;
}

static void test_fingerprint_same(void **state)
{
    static const struct {
        const char *text;
        size_t size;
    } texts[] = {{"one\ntwo\n", 8},
                 {"one\rtwo\r\n", 9},
                 {"one\r\ntwo\r\n\x1A", 11},
                 {"one\r\ntwo\r\n\0\0\x1A", 13}};
    struct message *message = sample();
    char hex[FINGERPRINT_HEX_SIZE], other[FINGERPRINT_HEX_SIZE];
    size_t i;

    (void)state;
    hex_of(message, hex);
    for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        replace_text(message, texts[i].text, texts[i].size);
        hex_of(message, other);
        assert_string_equal(other, hex);
    }
    memcpy(message->addresses[0].text, "north/Hq", 8);
    memcpy(message->addresses[2].text, "smtp:CARL", 9);
    memcpy(message->postoffice, "north", 5);
    message->codepage[3] = '2';
    message->priority = '5';
    hex_of(message, other);
    assert_string_equal(other, hex);
    replace_text(message, NULL, 0);
    hex_of(message, hex);
    replace_text(message, "\x1A", 1);
    hex_of(message, other);
    assert_string_equal(other, hex);
    message_free(message);
}

/* Each of these is another message. */
static void test_fingerprint_differs(void **state)
{
    enum { KINDS = 14 };
    char all[KINDS + 1][FINGERPRINT_HEX_SIZE];
    struct content *content;
    int i, j;

    (void)state;
    for (i = 0; i <= KINDS; i++) {
        struct message *message = sample();

        if (i == 1)
            message->postoffice[0] = 'S';
        else if (i == 2)
            message->addresses[0].text[9] = 'X';
        else if (i == 3)
            message->addresses[2].role = ADDRESS_TO;
        else if (i == 4)
            add(message, ADDRESS_CC, "SOUTH/LAB/BERT");
        else if (i == 5)
            set_subject(message, "other");
        else if (i == 6)
            message->date.minute++;
        else if (i == 7)
            message->date.set = false;
        else if (i == 8)
            replace_text(message, "one\ntwo", 7);
        else if (i == 9)
            replace_text(message, "one\n\ntwo\n", 9);
        else if (i == 10)
            message->attachments[0].name[0] = 'B';
        else if (i == 11)
            attach(message, "C", "");
        else if (i == 12)
            attach(message, "C", NULL);
        else if (i == 13 || i == 14) {
            content = message->attachments[0].content;
            message->attachments[0].content = i == 13 ? NULL : content_of("abd", 3);
            content_free(content);
        }
        hex_of(message, all[i]);
        for (j = 0; j < i; j++)
            if (strcmp(all[i], all[j]) == 0)
                fail_msg("messages %d and %d have one fingerprint", j, i);
        message_free(message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_addresses_refused),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_rest),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_fingerprint_value),
        cmocka_unit_test(test_fingerprint_same),
        cmocka_unit_test(test_fingerprint_differs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
