/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/settings.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct place {
    char directory[64];
    char path[96];
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    assert_non_null(place);
    strcpy(place->directory, "/tmp/test_settings.XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof place->path, "%s/msmailgw.conf", place->directory);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;

    unlink(place->path);
    assert_int_equal(rmdir(place->directory), 0);
    free(place);
    return 0;
}

static void write_file(const struct place *place, const char *content, size_t size)
{
    FILE *file = fopen(place->path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(content, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

#define TOP                                                                                        \
    "spool = /var/spool/msmailgw\n"                                                                \
    "hostname = gw.example.com\n"                                                                  \
    "postmaster = postmaster@example.com\n"                                                        \
    "map = map.tsv\n"
#define HQ                                                                                         \
    "postoffice HQ {\n"                                                                            \
    "  name = CORP/HQ\n"                                                                           \
    "  path = /srv/maildata\n"                                                                     \
    "  profile = hq.profile\n"                                                                     \
    "  queues = { \"CORP/EXCH\", SMTP }\n"                                                         \
    "}\n"
#define RELAY "relay {\n  hosts = { \"mail.example.com\" }\n}\n"

static struct settings *load(const struct place *place, const char *content)
{
    struct settings *settings;
    struct error err;

    write_file(place, content, strlen(content));
    if (settings_load(&settings, place->path, &err) != 0)
        fail_msg("%s", err.text);
    return settings;
}

static void test_defaults(void **state)
{
    struct place *place = *state;
    struct settings *settings = load(place, TOP HQ RELAY);
    const struct settings_postoffice *hq = &settings->postoffices[0];
    char expected[128];

    assert_string_equal(settings->file, place->path);
    assert_string_equal(settings->store, "sqlite:/var/spool/msmailgw/queue.db");
    assert_string_equal(settings->temporary, "/var/spool/msmailgw/tmp");
    assert_string_equal(settings->domain, "gw.example.com");
    assert_null(settings->envelope_sender);
    assert_null(settings->log);
    snprintf(expected, sizeof expected, "%s/map.tsv", place->directory);
    assert_string_equal(settings->map, expected);
    assert_int_equal(settings->log_level, LOG_LEVEL_INFO);
    assert_int_equal(settings->keep_days, 7);
    assert_false(settings->report_to_postmaster);
    assert_int_equal(settings->report_wait_s, 600);
    assert_int_equal(settings->delay_notice_s, 4 * 3600);
    assert_int_equal(settings->ndr_max_body, 1048576);
    assert_false(settings->postoffices[0].receipt_as_dsn);
    assert_int_equal(settings->schedule.first_ms, 60000);
    assert_int_equal(settings->schedule.longest_ms, 3600000);
    assert_int_equal(settings->schedule.expiry_ms, 432000000);
    assert_int_equal(settings->postoffice_count, 1);
    assert_string_equal(hq->title, "HQ");
    assert_string_equal(hq->name, "CORP/HQ");
    assert_int_equal(hq->door, DOOR_NATIVE);
    snprintf(expected, sizeof expected, "%s/hq.profile", place->directory);
    assert_string_equal(hq->profile, expected);
    assert_int_equal(hq->queue_count, 2);
    assert_string_equal(hq->queues[0], "CORP/EXCH");
    assert_string_equal(hq->queues[1], "SMTP");
    assert_int_equal(hq->unmapped, UNMAPPED_LEAVE);
    assert_false(hq->typed_smtp);
    assert_null(hq->codepage);
    assert_false(hq->latin1);
    assert_string_equal(hq->timezone, "UTC");
    assert_int_equal(hq->interval_s, 60);
    assert_int_equal(hq->batch, 200);
    assert_int_equal(hq->max_size, 104857600);
    assert_int_equal(settings->relay.host_count, 1);
    assert_string_equal(settings->relay.hosts[0].name, "mail.example.com");
    assert_int_equal(settings->relay.hosts[0].port, 587);
    assert_int_equal(settings->relay.tls, SMTP_TLS_STARTTLS);
    assert_null(settings->relay.user);
    assert_int_equal(settings->relay.connections, 4);
    assert_int_equal(settings->relay.messages, 1000);
    assert_int_equal(settings->relay.pipeline, 32);
    assert_true(settings->relay.chunking);
    assert_int_equal(settings->relay.max_recipients, 100);
    assert_int_equal(settings->relay.suspend_s, 300);
    assert_int_equal(settings->relay.time_divisor, 1);
    settings_free(settings);
}

static void test_everything(void **state)
{
    struct settings *settings =
        load(*state, "# all of it\n"
                     "spool = \"/tmp/a spool\"\n"
                     "hostname = \"[IPv6:2001:db8::1]\" // literal\n"
                     "domain = example.com /* no\n more */\n"
                     "postmaster = \"post+master@example.com\"\n"
                     "envelope-sender = gw@example.com\n"
                     "map = /etc/map # here\nlog = '/var/log/re#lay.log'\nlog-level = debug\n"
                     "retry-first = 1\nretry-longest = 2\nexpiry = 3\nkeep-days = 0\n"
                     "report-to = postmaster\nreport-wait = 0\ndelay-notice = 0\n"
                     "ndr-max-body = 0\n" HQ "postoffice Old {\n name = CORP/OLD\n door = ffapi\n"
                     " command = { \"/usr/bin/dosrun\", GTWGET, \"-n{count}\", \"{file}\" }\n"
                     " command-limit = 10\n unmapped = report\n typed-smtp = true\n"
                     "timezone = UTC\n charset = latin1\n receipt-as-dsn = true\n interval = 5\n "
                     "batch = 10\n max-size = 1024\n}\n"
                     "relay {\n hosts = { 127.0.0.1, \"[::1]:2525\", localhost:25 }\n tls = none\n"
                     " user = \"gw\"\n password-file = \"credential:relay\"\n"
                     " mechanisms = { SCRAM-SHA-256, PLAIN }\n plain-without-tls = true\n"
                     " connections = 1\n messages = 2\n pipeline = 3\n max-recipients = 4\n"
                     " chunking = off\n"
                     " suspend = 5\n time-divisor = 6\n}\n");
    const struct settings_postoffice *old = settings_find_postoffice(settings, "old");
    const struct settings_relay *relay = &settings->relay;

    assert_string_equal(settings->spool, "/tmp/a spool");
    assert_string_equal(settings->hostname, "[IPv6:2001:db8::1]");
    assert_string_equal(settings->domain, "example.com");
    assert_string_equal(settings->postmaster, "post+master@example.com");
    assert_string_equal(settings->envelope_sender, "gw@example.com");
    assert_string_equal(settings->log, "/var/log/re#lay.log");
    assert_int_equal(settings->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(settings->schedule.expiry_ms, 3000);
    assert_true(settings->report_to_postmaster);
    assert_int_equal(settings->report_wait_s, 0);
    assert_int_equal(settings->delay_notice_s, 0);
    assert_int_equal(settings->ndr_max_body, 0);
    assert_true(old->receipt_as_dsn);
    assert_ptr_equal(old, &settings->postoffices[1]);
    assert_true(old->latin1);
    assert_ptr_equal(settings_find_postoffice(settings, "corp/hq"), &settings->postoffices[0]);
    assert_null(settings_find_postoffice(settings, "CORP"));
    assert_int_equal(old->door, DOOR_FFAPI);
    assert_int_equal(old->command_count, 4);
    assert_string_equal(old->command[2], "-n{count}");
    assert_string_equal(old->codepage, "CP850");
    assert_true(old->typed_smtp);
    assert_int_equal(old->unmapped, UNMAPPED_REPORT);
    assert_int_equal(relay->host_count, 3);
    assert_string_equal(relay->hosts[1].name, "::1");
    assert_int_equal(relay->hosts[1].port, 2525);
    assert_int_equal(relay->hosts[0].port, 587);
    assert_true(relay->plain_without_tls);
    assert_string_equal(relay->mechanisms[1], "PLAIN");
    assert_int_equal(relay->time_divisor, 6);
    assert_false(relay->chunking);
    settings_free(settings);
}

static void test_pin_and_implicit(void **state)
{
    struct settings *settings =
        load(*state, TOP HQ "relay {\n hosts = { \"mail.example.com\" }\n tls = implicit\n"
                            " ca-file = ca.pem\n server-name = mx.example.com\n pin = "
                            "\"AA:bb:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:"
                            "aa:bb:cc:dd:ee:ff:00:11:22:33:44:55:66:77:88:99\"\n}\n");

    assert_string_equal(settings->relay.pin, "aabbccddeeff00112233445566778899"
                                             "aabbccddeeff00112233445566778899");
    assert_int_equal(settings->relay.hosts[0].port, 465);
    assert_non_null(strstr(settings->relay.ca_file, "/ca.pem"));
    settings_free(settings);
}

static void test_credential(void **state)
{
    static const char content[] = TOP HQ "relay {\n hosts = { mail.example.com }\n user = u\n"
                                         " password-file = credential:relay\n}\n";
    static const char expanded[] = TOP HQ "relay {\n hosts = { mail.example.com }\n user = u\n"
                                          " password-file = \"${CREDENTIALS_DIRECTORY}/p\"\n}\n";
    struct settings *settings;

    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/creds", 1), 0);
    settings = load(*state, content);
    assert_string_equal(settings->relay.password_file, "/run/creds/relay");
    settings_free(settings);
    settings = load(*state, expanded);
    assert_string_equal(settings->relay.password_file, "/run/creds/p");
    settings_free(settings);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    settings = load(*state, content);
    assert_string_equal(settings->relay.password_file, "/run/credentials/msmailgw.service/relay");
    settings_free(settings);
}

static const struct bad {
    const char *content;
    unsigned line; /* 0: none is told */
    const char *part;
} bad_files[] = {
    {"", 0, "spool: is missing"},
    {"colour = red\n" TOP HQ RELAY, 1, "colour"},
    {TOP HQ RELAY "\n# one\n/* two\n three */ colour = red\n", 17, "colour"},
    {TOP "spool = /tmp\n" HQ RELAY, 5, "there twice"},
    {TOP HQ "relay {\n hosts = { a.b, c.d }\n hosts = { e.f }\n}\n", 13, "there twice"},
    {TOP HQ "relay {\n hosts = { a.b }\n hosts = { e.f, g.h }\n}\n", 13, "there twice"},
    {TOP HQ "relay {\n hosts = { a.b }\n hosts += { c.d }\n hosts = e.f\n}\n", 14, "twice"},
    {TOP HQ "postoffice HQ {\n name = A/B\n}\n" RELAY, 11, "HQ"},
    {TOP HQ "postoffice hq {\n name = A/B\n path = /a\n profile = /b\n queues = { X }\n}\n" RELAY,
     0, "letters or digits"},
    {TOP "postoffice {\n name = A/B\n}\n" RELAY, 5, "title"},
    {TOP "postoffice \"a b\" {\n name = A/B\n}\n" RELAY, 0, "title"},
    {TOP "postoffice \"../x\" {\n name = A/B\n}\n" RELAY, 0, "title"},
    {TOP "postoffice HQ {\n name = A/B\n", 5, "not closed"},
    {TOP HQ RELAY "}\n", 14, "brace"},
    {TOP HQ RELAY "relay {\n hosts = { a.b }\n}\n", 0, "one section relay"},
    {TOP HQ, 0, "one section relay"},
    {TOP RELAY, 0, "postoffice"},
    {TOP HQ RELAY "map\n", 15, "premature end"},
    {"spool = \"/tmp\nhostname = x\n", 1, "not closed"},
    {"spool = /tmp\n/* no end\n\n", 2, "not closed"},
    {"spool = /tmp\nhostname = a\001b\n", 2, "control"},
    {"spool = \"\"\n", 1, "empty"},
    {"spool = /tmp\nhostname = \"a\\x01b\"\n", 2, "control"},
    {"spool = /tmp\nhostname = \"-gw.example.com\"\n", 2, "hostname"},
    {"spool = /tmp\nhostname = \"[1.2.3]\"\n", 2, "literal"},
    {"spool = /tmp\nhostname = gw..example.com\n", 2, "DNS name"},
    {"spool = /tmp\nhostname = \"[192.0.2.1]\"\npostmaster = a@b.c\nmap = m\n", 0, "domain"},
    {"spool = /tmp\nhostname = gw\npostmaster = nobody\n", 3, "nobody"},
    {"spool = /tmp\nhostname = gw\npostmaster = \"a@b.c>\\r\\nRCPT\"\n", 3, "control"},
    {TOP "envelope-sender = \"a b@c.d\"\n" HQ RELAY, 5, "SMTP address"},
    {TOP "log-level = loud\n" HQ RELAY, 5, "error, warn, info, debug"},
    {TOP "retry-first = 60s\n" HQ RELAY, 5, "number from 1 to 86400"},
    {TOP "retry-first = -5\n" HQ RELAY, 5, "number from"},
    {TOP "retry-first = 0\n" HQ RELAY, 5, "number from"},
    {TOP "retry-first = 99999999999999999999999\n" HQ RELAY, 5, "number from"},
    {TOP "retry-first = 600\nretry-longest = 60\n" HQ RELAY, 6, "less than retry-first"},
    {TOP "keep-days = 4000\n" HQ RELAY, 5, "3650"},
    {TOP "report-to = nobody\n" HQ RELAY, 5, "originator, postmaster"},
    {TOP "delay-notice = 4h\n" HQ RELAY, 5, "number from 0"},
    {TOP "ndr-max-body = 16777217\n" HQ RELAY, 5, "16777216"},
    {TOP "postoffice HQ {\n path = /a\n}\n" RELAY, 0, "postoffice HQ: name: is missing"},
    {TOP "postoffice HQ {\n name = CORPORATION/HQ\n}\n" RELAY, 6, "1 to 10"},
    {TOP "postoffice HQ {\n name = CORP\n}\n" RELAY, 6, "NETWORK/POSTOFFICE"},
    {TOP "postoffice HQ {\n name = CORP/HQ/A\n}\n" RELAY, 6, "NETWORK/POSTOFFICE"},
    {TOP "postoffice HQ {\n name = A/B\n door = back\n}\n" RELAY, 7, "native, ffapi"},
    {TOP "postoffice HQ {\n name = A/B\n unmapped = drop\n}\n" RELAY, 7, "leave, report"},
    {TOP "postoffice HQ {\n name = A/B\n typed-smtp = maybe\n}\n" RELAY, 7, "true, false"},
    {TOP "postoffice HQ {\n name = A/B\n codepage = 99999\n}\n" RELAY, 7, "99999"},
    {TOP "postoffice HQ {\n name = A/B\n timezone = Mars/Base\n}\n" RELAY, 7, "time zone"},
    {TOP "postoffice HQ {\n name = A/B\n timezone = \"../zoneinfo/UTC\"\n}\n" RELAY, 7,
     "time zone"},
    {TOP "postoffice HQ {\n name = A/B\n interval = 0\n}\n" RELAY, 7, "number"},
    {TOP "postoffice HQ {\n name = A/B\n batch = 5000\n}\n" RELAY, 7, "4096"},
    {TOP "postoffice HQ {\n name = A/B\n max-size = 99999999999\n}\n" RELAY, 7, "number"},
    {TOP "postoffice HQ {\n name = A/B\n}\n" RELAY, 0, "path: is missing"},
    {TOP "postoffice HQ {\n name = A/B\n path = /a\n}\n" RELAY, 0, "profile: is missing"},
    {TOP "postoffice HQ {\n name = A/B\n path = /a\n profile = p\n}\n" RELAY, 0, "queues"},
    {TOP "postoffice HQ {\n name = A/B\n system-mail = return\n}\n" RELAY, 7, "leave, remove"},
    {TOP "postoffice HQ {\n name = A/B\n path = /a\n profile = p\n queues = { A, a }\n}\n" RELAY, 9,
     "twice"},
    {TOP "postoffice HQ {\n name = A/B\n path = /a\n profile = p\n queues = { \"\" }\n}\n" RELAY, 9,
     "empty"},
    {TOP "postoffice HQ {\n name = A/B\n queues = { \"A/B/C\" }\n}\n" RELAY, 7, "gateway"},
    {TOP "postoffice HQ {\n name = A/B\n path = /a\n profile = p\n queues = { A }\n"
         " command = { /bin/true }\n}\n" RELAY,
     10, "has no meaning with door = native"},
    {TOP "postoffice HQ {\n name = A/B\n door = ffapi\n path = /a\n}\n" RELAY, 8, "no meaning"},
    {TOP "postoffice HQ {\n name = A/B\n door = ffapi\n}\n" RELAY, 0, "command: is missing"},
    {TOP "postoffice HQ {\n name = A/B\n door = ffapi\n command = { get, \"{file}\" }\n}\n" RELAY,
     8, "absolute"},
    {TOP "postoffice HQ {\n name = A/B\n door = ffapi\n command = { /get, out }\n}\n" RELAY, 8,
     "{file}"},
    {TOP HQ "relay {\n}\n", 0, "hosts: is missing"},
    {TOP HQ "relay {\n hosts = { \"mail.example.com:0\" }\n}\n", 12, "not a host"},
    {TOP HQ "relay {\n hosts = { \"mail.example.com:65536\" }\n}\n", 12, "not a host"},
    {TOP HQ "relay {\n hosts = { \"mail.example.com:smtp\" }\n}\n", 12, "not a host"},
    {TOP HQ "relay {\n hosts = { \"[::1\" }\n}\n", 12, "not a host"},
    {TOP HQ "relay {\n hosts = { \"[127.0.0.1]:25\" }\n}\n", 12, "not a host"},
    {TOP HQ "relay {\n hosts = { \"::1\" }\n}\n", 12, "not a host"},
    {TOP HQ "relay {\n hosts = { \"a b\" }\n}\n", 12, "not a host"},
    {TOP HQ "relay {\n hosts = { a.b }\n tls = maybe\n}\n", 13, "starttls, implicit, none"},
    {TOP HQ "relay {\n hosts = { a.b }\n chunking = on\n}\n", 13, "auto, off"},
    {TOP HQ "relay {\n hosts = { a.b }\n tls = none\n pin = aa\n}\n", 14, "64 hex"},
    {TOP HQ "relay {\n hosts = { a.b }\n tls = none\n ca-file = aa\n}\n", 14, "tls = none"},
    {TOP HQ "relay {\n hosts = { a.b }\n user = u\n}\n", 0, "password-file: is missing"},
    {TOP HQ "relay {\n hosts = { a.b }\n password-file = p\n}\n", 13, "without user"},
    {TOP HQ "relay {\n hosts = { a.b }\n user = u\n password-file = \"credential:../x\"\n}\n", 14,
     "credential"},
    {TOP HQ "relay {\n hosts = { a.b }\n mechanisms = { XOAUTH }\n}\n", 13, "SCRAM-SHA-256"},
    {TOP HQ "relay {\n hosts = { 127.0.0.1, a.b }\n user = u\n password-file = p\n tls = none\n"
            " plain-without-tls = true\n}\n",
     16, "clear text"},
    {TOP HQ "relay {\n hosts = { 127.0.0.1 }\n user = u\n password-file = p\n"
            " plain-without-tls = true\n}\n",
     15, "with TLS"},
    {TOP HQ "relay {\n hosts = { a.b }\n connections = 0\n}\n", 13, "number"},
    {TOP HQ "relay {\n hosts = { a.b }\n max-recipients = 1001\n}\n", 13, "1000"},
};

static void test_bad_files(void **state)
{
    struct place *place = *state;
    unsigned wrong = 0;

    for (size_t i = 0; i < sizeof bad_files / sizeof bad_files[0]; i++) {
        const struct bad *bad = &bad_files[i];
        struct settings *settings;
        struct error err;
        char expected[160];

        write_file(place, bad->content, strlen(bad->content));
        if (settings_load(&settings, place->path, &err) == 0)
            fail_msg("case %zu was accepted: %s", i, bad->content);
        assert_null(settings);
        assert_int_equal(err.class, ERROR_SETUP);
        if (bad->line > 0)
            snprintf(expected, sizeof expected, "%s:%u:", place->path, bad->line);
        else
            snprintf(expected, sizeof expected, "%s: ", place->path);
        if (strncmp(err.text, expected, strlen(expected)) != 0 ||
            strstr(err.text, bad->part) == NULL) {
            print_error("case %zu: expected %s ... %s, got: %s\n", i, expected, bad->part,
                        err.text);
            wrong++;
        }
    }
    assert_int_equal(wrong, 0);
}

static void test_not_a_file(void **state)
{
    struct place *place = *state;
    struct settings *settings;
    struct error err;

    assert_int_equal(settings_load(&settings, place->path, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, place->path));
    assert_int_equal(settings_load(&settings, place->directory, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_int_equal(settings_load(&settings, "/dev/zero", &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    write_file(place, "spool = a\0b\n", 12);
    assert_int_equal(settings_load(&settings, place->path, &err), -1);
    assert_non_null(strstr(err.text, "control octet 0x00"));
    settings_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_defaults, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_everything, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pin_and_implicit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_credential, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_not_a_file, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
