/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "queue/schedule.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define NOW INT64_C(1800000000000)

static void test_defaults(void **state)
{
    struct schedule schedule;

    (void)state;
    schedule_defaults(&schedule);
    assert_int_equal(schedule.first_ms, MINUTE);
    assert_int_equal(schedule.longest_ms, HOUR);
    assert_int_equal(schedule.expiry_ms, 120 * HOUR);
    assert_int_equal(schedule_expiry(&schedule, NOW), NOW + 120 * HOUR);
}

static void test_pauses_double_up_to_the_longest(void **state)
{
    static const struct {
        unsigned tries;
        int64_t pause;
    } cases[] = {
        {0, MINUTE},       {1, MINUTE},       {2, 2 * MINUTE}, {3, 4 * MINUTE},
        {4, 8 * MINUTE},   {5, 16 * MINUTE},  {6, 32 * MINUTE}, {7, HOUR},
        {8, HOUR},         {64, HOUR},        {1000000, HOUR}, {UINT32_MAX, HOUR},
    };
    struct schedule schedule;

    (void)state;
    schedule_defaults(&schedule);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (uint64_t seed = 0; seed < 200; seed++) {
            int64_t pause = schedule_next(&schedule, cases[i].tries, seed, NOW) - NOW;

            assert_in_range(pause, cases[i].pause * 3 / 4, cases[i].pause * 5 / 4);
        }
    }
}

/* Mail that failed together must not come back together. */
static void test_jitter_spreads(void **state)
{
    struct schedule schedule;
    unsigned in_part[10] = {0};

    (void)state;
    schedule_defaults(&schedule);
    for (uint64_t seed = 0; seed < 10000; seed++) {
        int64_t pause = schedule_next(&schedule, 7, seed, 0);

        in_part[(pause - HOUR * 3 / 4) * 10 / (HOUR / 2 + 1)]++;
    }
    for (int i = 0; i < 10; i++)
        assert_in_range(in_part[i], 850, 1150);
}

static void test_same_seed_same_time(void **state)
{
    struct schedule schedule;

    (void)state;
    schedule_defaults(&schedule);
    assert_int_equal(schedule_next(&schedule, 3, 42, NOW), schedule_next(&schedule, 3, 42, NOW));
    assert_int_not_equal(schedule_next(&schedule, 3, 42, NOW),
                         schedule_next(&schedule, 3, 43, NOW));
    assert_int_not_equal(schedule_next(&schedule, 8, 42, NOW),
                         schedule_next(&schedule, 9, 42, NOW));
}

static void test_extremes_saturate(void **state)
{
    struct schedule most = {INT64_MAX, INT64_MAX, INT64_MAX};
    struct schedule none = {0, 0, 0};
    struct schedule wrong = {-5, -7, -9};

    (void)state;
    for (unsigned tries = 0; tries < 200; tries++) {
        assert_true(schedule_next(&most, tries, tries, NOW) > NOW);
        assert_int_equal(schedule_next(&none, tries, tries, NOW), NOW + 1);
        assert_int_equal(schedule_next(&wrong, tries, tries, NOW), NOW + 1);
    }
    assert_int_equal(schedule_next(&most, 1, 1, INT64_MAX), INT64_MAX);
    assert_int_equal(schedule_expiry(&most, NOW), INT64_MAX);
    assert_int_equal(schedule_expiry(&wrong, INT64_MIN), INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_pauses_double_up_to_the_longest),
        cmocka_unit_test(test_jitter_spreads),
        cmocka_unit_test(test_same_seed_same_time),
        cmocka_unit_test(test_extremes_saturate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
