/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "daemon/hosts.h"

#define START 1000000

static const struct settings_host two[] = {{"a.example", 25}, {"b.example", 587}};

static struct settings_relay relay_settings(size_t hosts)
{
    return (struct settings_relay){
        .hosts = two, .host_count = hosts, .suspend_s = 300, .time_divisor = 1};
}

static struct smtp_outcome outcome(enum smtp_scope scope, enum smtp_action action)
{
    struct smtp_outcome made = {.scope = scope, .action = action};

    snprintf(made.text, sizeof made.text, "why");
    return made;
}

static struct hosts *hosts_of(const struct settings_relay *settings)
{
    struct hosts *hosts;
    struct error err;

    assert_int_equal(hosts_new(&hosts, settings, &err), 0);
    return hosts;
}

static void the_next_host_takes_over(void **state)
{
    struct settings_relay settings = relay_settings(2);
    struct hosts *hosts = hosts_of(&settings);
    struct smtp_outcome down = outcome(SCOPE_CONNECTION, ACTION_DEFER);

    (void)state;
    assert_int_equal(hosts_choose(hosts, START), 0);
    assert_false(hosts_failed(hosts, 0, &down, START));
    assert_int_equal(hosts_choose(hosts, START), 1);
    assert_false(hosts_failed(hosts, 1, &down, START + 1000));
    assert_int_equal(hosts_choose(hosts, START + 1000), -1);
    assert_string_equal(hosts_reason(hosts), "why");
    assert_int_equal(hosts_open_at(hosts, START + 1000), START + 5000);
    assert_int_equal(hosts_choose(hosts, START + 5000), 0);
    hosts_free(hosts);
}

static void pauses_double_up_to_five_minutes(void **state)
{
    static const int64_t pauses[] = {5000, 10000, 20000, 40000, 80000, 160000, 300000, 300000};
    struct settings_relay settings = relay_settings(1);
    struct hosts *hosts = hosts_of(&settings);
    struct smtp_outcome down = outcome(SCOPE_HOST, ACTION_DEFER);
    int64_t now = START;

    (void)state;
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        hosts_failed(hosts, 0, &down, now);
        assert_int_equal(hosts_open_at(hosts, now), now + pauses[i]);
        now += pauses[i];
    }
    assert_false(hosts_worked(hosts, 0));
    assert_int_equal(hosts_choose(hosts, START), 0);
    hosts_failed(hosts, 0, &down, now);
    assert_int_equal(hosts_open_at(hosts, now), now + 5000);
    hosts_free(hosts);
}

static void a_refused_account_suspends_the_route(void **state)
{
    struct settings_relay settings = relay_settings(2);
    struct hosts *hosts = hosts_of(&settings);
    struct smtp_outcome refused = outcome(SCOPE_CREDENTIAL, ACTION_SUSPEND);

    (void)state;
    assert_true(hosts_failed(hosts, 0, &refused, START));
    assert_true(hosts_suspended(hosts, START));
    assert_int_equal(hosts_choose(hosts, START), -1);
    assert_int_equal(hosts_open_at(hosts, START), START + 300000);
    assert_int_equal(hosts_choose(hosts, START + 300000), 0);
    assert_true(hosts_worked(hosts, 0));
    assert_false(hosts_suspended(hosts, START));
    hosts_free(hosts);
}

static void a_misbuilt_host_is_passed_over(void **state)
{
    struct settings_relay settings = relay_settings(2);
    struct hosts *hosts = hosts_of(&settings);
    struct smtp_outcome no_tls = outcome(SCOPE_HOST, ACTION_SUSPEND);

    (void)state;
    assert_false(hosts_failed(hosts, 0, &no_tls, START));
    assert_int_equal(hosts_choose(hosts, START), 1);
    assert_false(hosts_usable(hosts, 0, START + 299999));
    assert_true(hosts_failed(hosts, 1, &no_tls, START));
    assert_int_equal(hosts_choose(hosts, START), -1);
    hosts_free(hosts);
}

static void bdat_that_does_not_work_is_remembered(void **state)
{
    const int64_t day = 86400000;
    struct settings_relay settings = relay_settings(2);
    struct hosts *hosts;

    (void)state;
    settings.chunking = true;
    hosts = hosts_of(&settings);
    assert_int_equal(hosts_chunking(hosts, 0, START), SMTP_CHUNKING_TRY);
    assert_false(hosts_chunking_seen(hosts, 0, SMTP_CHUNKING_TRY, START));
    assert_int_equal(hosts_chunking(hosts, 0, START), SMTP_CHUNKING_TRY);
    assert_false(hosts_chunking_seen(hosts, 0, SMTP_CHUNKING_WORKS, START));
    assert_int_equal(hosts_chunking(hosts, 0, START), SMTP_CHUNKING_WORKS);
    assert_int_equal(hosts_chunking(hosts, 1, START), SMTP_CHUNKING_TRY);

    assert_true(hosts_chunking_seen(hosts, 0, SMTP_CHUNKING_OFF, START));
    assert_false(hosts_chunking_seen(hosts, 0, SMTP_CHUNKING_OFF, START + 1));
    assert_int_equal(hosts_chunking(hosts, 0, START + day - 1), SMTP_CHUNKING_OFF);
    assert_int_equal(hosts_chunking(hosts, 1, START + day - 1), SMTP_CHUNKING_TRY);
    assert_int_equal(hosts_chunking(hosts, 0, START + day), SMTP_CHUNKING_TRY);
    hosts_free(hosts);

    settings.chunking = false;
    hosts = hosts_of(&settings);
    assert_int_equal(hosts_chunking(hosts, 0, START), SMTP_CHUNKING_OFF);
    assert_false(hosts_chunking_seen(hosts, 0, SMTP_CHUNKING_OFF, START));
    hosts_free(hosts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_host_takes_over),
        cmocka_unit_test(pauses_double_up_to_five_minutes),
        cmocka_unit_test(a_refused_account_suspends_the_route),
        cmocka_unit_test(a_misbuilt_host_is_passed_over),
        cmocka_unit_test(bdat_that_does_not_work_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
