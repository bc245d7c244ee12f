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
#include <sys/stat.h>

#include "pofixture.h"
#include "postoffice/survey-int.h"

/* What a survey said, without what a small postoffice lacks anyhow. */
struct heard {
    char codes[64][24];
    size_t count;
    bool stops;
    size_t stop_after; /* 0: never */
};

static int hear(void *context, const struct survey_finding *finding)
{
    struct heard *heard = context;

    if (strcmp(finding->code, "directory") == 0 || strcmp(finding->code, "absent") == 0 ||
        finding->severity == SURVEY_OK)
        return 0;
    assert_true(heard->count < 64);
    snprintf(heard->codes[heard->count++], sizeof heard->codes[0], "%.23s", finding->code);
    heard->stops = heard->stops || finding->stops;
    return heard->stop_after != 0 && heard->count >= heard->stop_after;
}

static const struct mail letter = {
    .counter = 1,
    .from = "NORTH/HQ/ADMIN",
    .to = {"NORTH/SALES/ANNA"},
    .date = "1997-04-07 08:00",
    .subject = "Plan",
    .text = "Hello\r\n",
};

static void check(const struct po *po, const char *profile, struct heard *heard)
{
    struct error err = {0};

    assert_true(survey_check(po->path, profile, NULL, hear, NULL, heard, &err) >= 0);
}

static void begin(struct po *po, const struct mail *mail)
{
    static const struct header headers[] = {{"00000062", "1997-04-07 08:00", "Plan"}};
    static const uint8_t control[8] = {0x40, 0, 0, 0, 0x63, 0, 0, 0};

    po_make(po);
    po_write(po, "GLB/CONTROL.GLB", control, sizeof control);
    po_mailbag(po, "00000010", headers, 1, 0);
    po_mail(po, "00000062", mail);
}

static void test_sound(void **state)
{
    struct heard heard = {.count = 0};
    struct po po;

    (void)state;
    begin(&po, &letter);
    check(&po, po.profile, &heard);
    for (size_t i = 0; i < heard.count; i++)
        assert_string_equal(heard.codes[i], "sender"); /* the fixture's headers name nobody */
    po_clear(&po);
}

/* One damage each; the code that it gives. */
static void lose_message(const struct po *po)
{
    po_remove(po, "MAI/MA2/00000062.MAI");
}

static void empty_message(const struct po *po)
{
    po_write(po, "MAI/MA2/00000062.MAI", "", 0);
}

static void reuse_numbers(const struct po *po)
{
    static const uint8_t control[8] = {0x40, 0, 0, 0, 0x62, 0, 0, 0};

    po_write(po, "GLB/CONTROL.GLB", control, sizeof control);
}

static void lose_key(const struct po *po)
{
    po_remove(po, "KEY/00000011.KEY");
}

static void leave_lock(const struct po *po)
{
    po_write(po, "P1/00000010.0LK", "", 0);
}

static void leave_old_lock(const struct po *po)
{
    po_write(po, "P1/00000010.023", "", 0);
}

static void misplace(const struct po *po)
{
    po_write(po, "MAI/MA3/00000014.MAI", "x", 1);
}

static void orphan(const struct po *po)
{
    po_write(po, "MAI/MA1/00000011.MAI", "x", 1);
}

static void break_number(const struct po *po)
{
    static const struct header headers[] = {{"0000006Z", "1997-04-07 08:00", "Plan"}};

    po_mailbag(po, "00000010", headers, 1, 0);
    po_remove(po, "MAI/MA2/00000062.MAI");
}

static void other_subject(const struct po *po)
{
    static const struct header headers[] = {{"00000062", "1997-04-07 08:00", "Another"}};

    po_mailbag(po, "00000010", headers, 1, 0);
}

static void test_damage(void **state)
{
    static const struct {
        const char *code;
        void (*damage)(const struct po *po);
        bool stops;
    } cases[] = {
        {"message-missing", lose_message, false}, {"message-unreadable", empty_message, true},
        {"number-reuse", reuse_numbers, true},    {"pair", lose_key, true},
        {"lock-stranded", leave_lock, false},     {"lock-older", leave_old_lock, false},
        {"wrong-directory", misplace, false},     {"message-orphan", orphan, false},
        {"message-number", break_number, false},  {"subject", other_subject, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct heard heard = {.count = 0};
        bool found = false;
        struct po po;

        begin(&po, &letter);
        cases[i].damage(&po);
        check(&po, po.profile, &heard);
        for (size_t n = 0; n < heard.count; n++)
            found = found || strcmp(heard.codes[n], cases[i].code) == 0;
        if (!found)
            fail_msg("%s was not told", cases[i].code);
        if (heard.stops != cases[i].stops)
            fail_msg("%s: stops is %d", cases[i].code, heard.stops);
        po_clear(&po);
    }
}

static void test_counters(void **state)
{
    struct mail high = letter, low = letter;
    struct heard heard = {.count = 0};
    struct po po;

    (void)state;
    high.counter = 2;
    low.counter = 0;
    begin(&po, &high);
    check(&po, po.profile, &heard);
    assert_string_equal(heard.codes[heard.count - 1], "counter-high");
    assert_false(heard.stops);
    po_clear(&po);
    memset(&heard, 0, sizeof heard);
    begin(&po, &low);
    check(&po, po.profile, &heard);
    assert_string_equal(heard.codes[heard.count - 1], "counter-low");
    assert_true(heard.stops);
    po_clear(&po);
}

/* Without a profile nothing is guessed: what needs one is told, once each. */
static void test_without_profile(void **state)
{
    struct heard heard = {.count = 0};
    struct po po;

    (void)state;
    begin(&po, &letter);
    lose_message(&po);
    check(&po, NULL, &heard);
    assert_int_equal(heard.count, 3);
    assert_string_equal(heard.codes[0], "profile");
    assert_string_equal(heard.codes[1], "not-checked");
    assert_string_equal(heard.codes[2], "not-checked");
    assert_true(heard.stops);
    po_clear(&po);
}

static void test_receiver_has_enough(void **state)
{
    struct heard heard = {.count = 0, .stop_after = 1};
    struct po po;

    (void)state;
    begin(&po, &letter);
    lose_key(&po);
    leave_lock(&po);
    misplace(&po);
    check(&po, po.profile, &heard);
    assert_int_equal(heard.count, 1);
    po_clear(&po);
}

static void test_refs(void **state)
{
    struct survey_refs refs = {.count = 0};
    size_t count;

    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        struct survey_ref ref = {.mai = i * 7919 % 1000, .place = i};
        survey_refs_add(&refs, &ref);
    }
    survey_refs_sort(&refs);
    assert_int_equal(refs.count, 3000);
    for (uint32_t mai = 0; mai < 1000; mai++) {
        struct survey_ref *found = survey_refs_find(&refs, mai, &count);
        assert_non_null(found);
        assert_int_equal(count, 3);
        assert_int_equal(found[2].mai, mai);
    }
    assert_null(survey_refs_find(&refs, 1000, &count));
    assert_int_equal(count, 0);
    free(refs.refs);
}

static void test_file_numbers(void **state)
{
    static const struct {
        const char *entry;
        bool right;
    } cases[] = {{"0000002E.MAI", true},  {"0000002e.mai", true},   {"0000002E.MAX", false},
                 {"000002E.MAI", false},  {"0000002E", false},      {"", false},
                 {"0000002G.MAI", false}, {"00000002E.MAI", false}, {"0000002E.MAI2", false}};
    uint32_t number;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        number = 0;
        assert_int_equal(survey_file_number(cases[i].entry, "MAI", &number), cases[i].right);
        if (cases[i].right)
            assert_int_equal(number, 0x2E);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),           cmocka_unit_test(test_damage),
        cmocka_unit_test(test_counters),        cmocka_unit_test(test_without_profile),
        cmocka_unit_test(test_receiver_has_enough), cmocka_unit_test(test_refs),
        cmocka_unit_test(test_file_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
