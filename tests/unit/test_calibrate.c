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

#include "pofixture.h"
#include "postoffice/calibrate.h"

#define BAGS 4
#define RECORDS 24 /* of each mailbag; every eighth is vacant */
#define PERIOD 64

enum fault {
    SOUND,
    SUBJECTS_EDITED,
    NOISE,
    COUNTER_HIGH,
    COUNTERS_HIGH,
    COUNTER_LOW,
    MESSAGE_GONE,
    NOTHING_DELETED
};

static unsigned next(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

static void write_words(unsigned *seed, char *out, size_t size)
{
    static const char *const words[] = {
        "the",   "order",  "of",     "Friday", "was",    "sent",  "to",       "us",    "with",
        "price", "list",   "please", "answer", "before", "noon",  "machine",  "and",   "three",
        "parts", "report", "in",     "March",  "visit",  "hotel", "quarters", "about", "your",
    };
    size_t used = 0;

    out[0] = '\0';
    while (used + 12 < size) {
        const char *word = words[next(seed, sizeof words / sizeof words[0])];
        used += (size_t)snprintf(out + used, size - used, "%s%s", word,
                                 next(seed, 9) == 0 ? ",\r\n" : " ");
    }
}

static void write_attachment(const struct po *po, const char *id, const char *plain)
{
    uint8_t cipher[256];
    char name[40];

    fixture_encipher((const uint8_t *)plain, cipher, strlen(plain));
    snprintf(name, sizeof name, "ATT/AT%c/%.8s.ATT", id[7], id);
    po_write(po, name, cipher, strlen(plain));
}

/* A different minute for each message. */
static const char *date_of(unsigned number)
{
    static char text[BAGS * RECORDS][24];

    snprintf(text[number], sizeof text[0], "1997-%02u-%02u %02u:%02u", 4 + number / 60,
             1 + number * 7 % 28, 7 + number % 12, number * 11 % 60);
    return text[number];
}

/* Message NUMBER: its file, and its header in HEADER. The texts belong to the caller. */
static void write_message(const struct po *po, unsigned number, unsigned *seed, enum fault fault,
                          char subject[48], char text[600], char ids[2][9])
{
    struct mail mail = {.counter = 1,
                        .from = "NORTH/HQ/ADMIN",
                        .to = {"NORTH/SALES/BOND"},
                        .date = date_of(number),
                        .priority = number % 2 != 0 ? "3" : "5"};

    snprintf(ids[0], 9, "%08X", 0x100 + number);
    snprintf(ids[1], 9, "%08X", 0x900 + number);
    write_words(seed, subject, 12 + next(seed, 30));
    subject[strcspn(subject, "\r")] = '\0';
    subject[40] = '\0';
    write_words(seed, text, 80 + next(seed, 500));
    mail.subject = subject;
    mail.text = text;
    if ((fault == COUNTER_HIGH && number == 5) || (fault == COUNTERS_HIGH && number % 40 == 5))
        mail.counter = 3;
    if (fault == COUNTER_LOW && number == 5)
        mail.counter = 0;
    if (number % 2 == 0)
        mail.cc[0] = "NORTH/SALES/MONEY";
    if (number % 3 == 0) {
        mail.attachments[0].id = ids[1];
        mail.attachments[0].name = "PRICES.TXT";
        mail.attachments[0].size = 40;
        write_attachment(po, ids[1], "Pump, small  1,250\r\nPump, large  2,980\r\n");
    }
    if (fault != MESSAGE_GONE || number != 5)
        po_mail(po, ids[0], &mail);
    if (fault == SUBJECTS_EDITED && number % 2 == 0)
        memset(subject, 'x', strlen(subject));
    if (fault == NOISE && number % 2 == 0) {
        char name[40];
        snprintf(name, sizeof name, "MAI/MA%c/%.8s.MAI", ids[0][7], ids[0]);
        po_write(po, name, text, strlen(text));
    }
}

/* 84 messages in four mailbags; the vacant records lead to files that are gone. */
static void make_office(struct po *po, enum fault fault)
{
    static char subjects[RECORDS][48], texts[600], ids[RECORDS][2][9];
    unsigned seed = 7;

    po_make(po);
    for (unsigned bag = 0; bag < BAGS; bag++) {
        struct header headers[RECORDS] = {{0}};
        unsigned deleted = 0;
        char id[16];
        for (unsigned r = 0; r < RECORDS; r++) {
            if (fault != NOTHING_DELETED && (r + bag) % 8 == 3) {
                deleted |= 1U << r;
                headers[r] = (struct header){"00000001", "1997-04-01 08:00", "old"};
                continue;
            }
            write_message(po, bag * RECORDS + r, &seed, fault, subjects[r], texts, ids[r]);
            headers[r] = (struct header){ids[r][0], date_of(bag * RECORDS + r), subjects[r]};
        }
        snprintf(id, sizeof id, "%08X", 0x10 + bag);
        po_mailbag(po, bag == 0 ? "00000010" : id, headers, RECORDS, deleted);
    }
}

static void check_value(const struct calibration *calibration, const char *name, const char *right)
{
    struct calibrate_value value;

    for (size_t i = 0; i < calibrate_values(calibration); i++) {
        calibrate_value(calibration, i, &value);
        if (strcmp(value.name, name) != 0)
            continue;
        if (strcmp(value.value, right) != 0)
            fail_msg("%s = \"%s\", not \"%s\": %s", name, value.value, right, value.how);
        assert_true(right[0] == '\0' || value.agree >= 5);
        assert_int_not_equal(strlen(value.how), 0);
        return;
    }
    fail_msg("%s is not listed", name);
}

static void test_learns(void **state)
{
    static const char *const right[][2] = {
        {"key.bitmap_offset", "0x30"},
        {"key.bitmap_order", "lsb"},
        {"key.bitmap_set", "deleted"},
        {"mai.counter_offset", "0x0B"},
        {"mai.counter_order", "little"},
        {"mai.field.from", "0x01"},
        {"mai.field.to", "0x05"},
        {"mai.field.cc", "0x06"},
        {"mai.field.date", "0x02"},
        {"mai.field.subject", "0x07"},
        {"mai.field.attachments", "0x08"},
        {"mai.field.text", "0x04"},
        {"mai.vendor.priority", "0x34"},
        {"mai.address_trailer", "00 80 00 00 40"},
        {"mai.date_form", "yyyy-mm-dd hh:mm"},
        {"mai.ignored", "none"},
        {"att.cipher", "whole"},
        {"cipher.period", "64"},
        {"key.count_new", ""},
        {"codepage", ""},
        {"access2.name_offset", ""},
    };
    struct calibration *calibration;
    struct calibrate_key key;
    struct error err = {0};
    struct po po;

    (void)state;
    make_office(&po, SOUND);
    assert_int_equal(calibrate_run(po.path, NULL, &calibration, &err), 0);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        check_value(calibration, right[i][0], right[i][1]);
    assert_int_equal(calibrate_verdict(calibration), PROFILE_PROVEN);
    calibrate_key(calibration, &key);
    assert_int_equal(key.known, PERIOD);
    assert_true(key.run == SIZE_MAX);
    assert_int_equal(key.known, key.plain + key.statistics);
    assert_int_equal(key.withdrawn, 0);
    assert_int_equal(key.messages, BAGS * (RECORDS - 3));
    calibrate_free(calibration);
    po_clear(&po);
}

/* What is written is what profile_load reads, octet for octet. */
static void test_write(void **state)
{
    struct calibration *calibration;
    struct profile *profile;
    struct error err = {0};
    struct po po;
    FILE *stream;

    (void)state;
    make_office(&po, SOUND);
    assert_int_equal(calibrate_run(po.path, NULL, &calibration, &err), 0);
    stream = fopen(po.profile, "w");
    assert_non_null(stream);
    assert_int_equal(calibrate_write(calibration, stream, &err), 0);
    fclose(stream);
    if (profile_load(&profile, po.profile, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(profile->known, calibrate_profile(calibration)->known);
    assert_int_equal(profile->verdict, PROFILE_PROVEN);
    assert_int_equal(profile->key_period, PERIOD);
    for (size_t i = 0; i < 3 * PERIOD; i++)
        assert_int_equal(profile_key_at(profile, i), fixture_key(i));
    profile_free(profile);
    calibrate_free(calibration);
    po_clear(&po);
}

static void check_not_proven(enum fault fault)
{
    struct calibration *calibration;
    struct error err = {0};
    struct po po;

    make_office(&po, fault);
    assert_int_equal(calibrate_run(po.path, NULL, &calibration, &err), 0);
    assert_int_not_equal(calibrate_verdict(calibration), PROFILE_PROVEN);
    for (size_t i = 0; i < calibrate_profile(calibration)->key_size; i++) {
        int key = calibrate_profile(calibration)->key[i];
        assert_true(key == PROFILE_KEY_UNKNOWN || key == fixture_key(i));
    }
    calibrate_free(calibration);
    po_clear(&po);
}

static void test_subjects_edited(void **state)
{
    (void)state;
    check_not_proven(SUBJECTS_EDITED);
}

static void test_noise(void **state)
{
    (void)state;
    check_not_proven(NOISE);
}

/* A little of what faults leave behind is no reason to doubt the layout: a counter that is too
 * high, a header without message. More of it is, and so is a counter that is too low. */
static void test_stale(void **state)
{
    static const struct {
        enum fault fault;
        enum profile_verdict verdict;
        const char *value;
        unsigned against;
        const char *wanted;
    } cases[] = {
        {COUNTER_HIGH, PROFILE_PROVEN, "mai.counter_offset", 1, NULL},
        {COUNTERS_HIGH, PROFILE_INSUFFICIENT, "mai.counter_offset", 3, "repair tool"},
        {COUNTER_LOW, PROFILE_READABLE, "mai.counter_offset", 1, "counter-low"},
        {MESSAGE_GONE, PROFILE_PROVEN, "key.bitmap_offset", 1, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct calibration *calibration;
        struct calibrate_value value = {.name = ""};
        struct error err = {0};
        const char *wanted;
        struct po po;
        make_office(&po, cases[i].fault);
        assert_int_equal(calibrate_run(po.path, NULL, &calibration, &err), 0);
        assert_int_equal(calibrate_verdict(calibration), cases[i].verdict);
        for (size_t v = 0; strcmp(value.name, cases[i].value) != 0; v++)
            calibrate_value(calibration, v, &value);
        assert_int_equal(value.disagree, cases[i].against);
        wanted = calibrate_wanted(calibration, 0);
        if (cases[i].wanted == NULL)
            assert_null(wanted);
        else if (wanted == NULL || strstr(wanted, cases[i].wanted) == NULL)
            fail_msg("%zu: %s", i, wanted != NULL ? wanted : "nothing is wanted");
        calibrate_free(calibration);
        po_clear(&po);
    }
}

/* Where nothing was deleted many readings of the KEY bitmap fit. All of them say that the same
 * records are live, which is enough to learn the fields and the key from. */
static void test_nothing_deleted(void **state)
{
    static const char *const right[][2] = {
        {"key.bitmap_offset", ""},  {"key.bitmap_order", ""},       {"key.bitmap_set", ""},
        {"key.count_live", ""},     {"mai.counter_offset", "0x0B"}, {"mai.field.subject", "0x07"},
        {"mai.field.text", "0x04"}, {"cipher.period", "64"},
    };
    struct calibration *calibration;
    struct error err = {0};
    struct po po;

    (void)state;
    make_office(&po, NOTHING_DELETED);
    assert_int_equal(calibrate_run(po.path, NULL, &calibration, &err), 0);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        check_value(calibration, right[i][0], right[i][1]);
    assert_int_equal(calibrate_verdict(calibration), PROFILE_INSUFFICIENT);
    assert_non_null(strstr(calibrate_wanted(calibration, 0), "delete some messages"));
    assert_null(calibrate_wanted(calibration, 1));
    for (size_t i = 0; i < PERIOD; i++)
        assert_int_equal(profile_key_at(calibrate_profile(calibration), i), fixture_key(i));
    calibrate_free(calibration);
    po_clear(&po);
}

/* Nothing to learn from: nothing is claimed, and what is wanted is said. */
static void test_empty(void **state)
{
    struct calibration *calibration;
    struct error err = {0};
    struct calibrate_value value;
    struct po po;

    (void)state;
    po_make(&po);
    assert_int_equal(calibrate_run(po.path, NULL, &calibration, &err), 0);
    assert_int_equal(calibrate_verdict(calibration), PROFILE_INSUFFICIENT);
    assert_non_null(calibrate_wanted(calibration, 0));
    for (size_t i = 0; i < calibrate_values(calibration); i++) {
        calibrate_value(calibration, i, &value);
        assert_true(value.value[0] == '\0' || strcmp(value.name, "profile") == 0 ||
                    strcmp(value.name, "verdict") == 0);
    }
    assert_int_equal(calibrate_profile(calibration)->key_size, 0);
    calibrate_free(calibration);
    po_clear(&po);
    assert_int_equal(calibrate_run("/nonexistent", NULL, &calibration, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
}

static int cancel(void *context, uint64_t done, uint64_t total)
{
    unsigned *calls = context;

    assert_true(done <= total);
    return ++*calls == 3;
}

static void test_cancel(void **state)
{
    unsigned calls = 0;
    struct calibrate_options options = {.progress = cancel, .context = &calls};
    struct calibration *calibration;
    struct error err = {0};
    struct po po;

    (void)state;
    make_office(&po, SOUND);
    assert_int_equal(calibrate_run(po.path, &options, &calibration, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
    assert_int_equal(calls, 3);
    po_clear(&po);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_learns),          cmocka_unit_test(test_write),
        cmocka_unit_test(test_subjects_edited), cmocka_unit_test(test_noise),
        cmocka_unit_test(test_stale),           cmocka_unit_test(test_nothing_deleted),
        cmocka_unit_test(test_empty),           cmocka_unit_test(test_cancel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
