/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/relaylog.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/log.h"

#define NOON INT64_C(1795350960000) /* 2026-11-22T12:36:00.000Z */

/* The journal of the tests: stands before the one of libsystemd. */
static char journal[8192];
static int journal_result;

int sd_journal_sendv(const struct iovec *iov, int n)
{
    size_t used = 0;

    for (int i = 0; i < n; i++)
        used += (size_t)snprintf(journal + used, sizeof journal - used, "%.*s\n",
                                 (int)iov[i].iov_len, (const char *)iov[i].iov_base);
    return journal_result;
}

struct place {
    char directory[64];
    char path[96];
    unsigned complaints;
};

static void count_complaint(void *context, enum log_level level, const char *token,
                            const char *line)
{
    struct place *place = context;

    (void)level;
    (void)token;
    (void)line;
    place->complaints++;
}

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof *place);

    assert_non_null(place);
    strcpy(place->directory, "/tmp/test_relaylog.XXXXXX");
    assert_non_null(mkdtemp(place->directory));
    snprintf(place->path, sizeof place->path, "%s/relay.log", place->directory);
    log_set_sink(count_complaint, place);
    journal[0] = '\0';
    journal_result = 0;
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    char moved[128];

    log_set_sink(NULL, NULL);
    snprintf(moved, sizeof moved, "%s.1", place->path);
    unlink(moved);
    unlink(place->path);
    assert_int_equal(rmdir(place->directory), 0);
    free(place);
    return 0;
}

static void read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "r");
    size_t got;

    assert_non_null(file);
    got = fread(out, 1, size - 1, file);
    out[got] = '\0';
    fclose(file);
}

static const struct relaylog_event full = {
    .event = "sent",
    .id = 17,
    .po = "CORP/HQ",
    .mailbag = "0000002E",
    .mai = "00000062",
    .from = "a@example.com",
    .rcpt = "b@example.com",
    .size = 5120,
    .msgid = "<mm.1@example.com>",
    .relay = "mail.example.com[192.0.2.1]:587",
    .tls = "TLSv1.3",
    .auth = "SCRAM-SHA-256",
    .dsn = "2.0.0",
    .reply = "250 2.0.0 Ok",
    .delay_ms = 1204,
    .tries = 1,
};

static void test_line(void **state)
{
    struct place *place = *state;
    struct relaylog *log;
    struct error err;
    char text[2048];

    assert_int_equal(relaylog_open(&log, place->path, false, &err), 0);
    relaylog_write(log, NOON, &full);
    relaylog_free(log);
    read_file(place->path, text, sizeof text);
    assert_string_equal(text,
                        "2026-11-22T12:36:00.000Z event=sent id=17 po=CORP/HQ mailbag=0000002E "
                        "mai=00000062 from=a@example.com rcpt=b@example.com size=5120 "
                        "msgid=<mm.1@example.com> relay=mail.example.com[192.0.2.1]:587 "
                        "tls=TLSv1.3 auth=SCRAM-SHA-256 dsn=2.0.0 reply=\"250 2.0.0 Ok\" "
                        "delay=1.204 tries=1\n");
    assert_string_equal(journal, "");
}

static void test_journal(void **state)
{
    struct relaylog_event failed = {
        .event = "failed", .id = 3, .reply = "550 5.1.1 \"no\"\nX=1", .delay_ms = -1};
    struct relaylog *log;
    struct error err;

    (void)state;
    assert_int_equal(relaylog_open(&log, NULL, true, &err), 0);
    relaylog_write(log, NOON, &failed);
    relaylog_free(log);
    assert_string_equal(journal, "MESSAGE=event=failed id=3 reply=\"550 5.1.1 \\\"no\\\"?X=1\"\n"
                                 "PRIORITY=4\nSYSLOG_IDENTIFIER=msmailgw\nMSMAILGW_EVENT=failed\n"
                                 "MSMAILGW_ID=3\nMSMAILGW_REPLY=550 5.1.1 \"no\"?X=1\n");
}

static void test_hostile_values(void **state)
{
    static const struct {
        const char *value, *written;
    } cases[] = {
        {"plain", "rcpt=plain"},
        {"", NULL},
        {"two words", "rcpt=\"two words\""},
        {"a\nevent=sent id=9", "rcpt=\"a?event=sent id=9\""},
        {"a\r\nb", "rcpt=a??b"},
        {"\x1b]0;title\x07", "rcpt=?]0;title?"},
        {"quote\"back\\slash", "rcpt=\"quote\\\"back\\\\slash\""},
        {"k=v", "rcpt=\"k=v\""},
        {"M\xC3\xBCller", "rcpt=M\xC3\xBCller"},
        {"\xE2\x82\xAC\xF0\x9F\x98\x80", "rcpt=\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"c1\xC2\x9B"
         "31m",
         "rcpt=c1??31m"},
        {"broken\xC3", "rcpt=broken?"},
        {"broken\xC3(", "rcpt=broken?("},
        {"overlong\xC0\xAF", "rcpt=overlong??"},
        {"surrogate\xED\xA0\x80", "rcpt=surrogate???"},
        {"\xF4\x90\x80\x80", "rcpt=????"},
        {"\xFF\xFE", "rcpt=??"},
    };
    struct place *place = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct relaylog_event event = {.event = "x", .rcpt = cases[i].value, .delay_ms = -1};
        char text[512], expected[512];
        struct relaylog *log;
        struct error err;

        unlink(place->path);
        assert_int_equal(relaylog_open(&log, place->path, false, &err), 0);
        relaylog_write(log, NOON, &event);
        relaylog_free(log);
        read_file(place->path, text, sizeof text);
        snprintf(expected, sizeof expected, "2026-11-22T12:36:00.000Z event=x%s%s\n",
                 cases[i].written != NULL ? " " : "",
                 cases[i].written != NULL ? cases[i].written : "");
        assert_string_equal(text, expected);
    }
}

static void collect(void *context, const char *key, const char *value)
{
    char *out = context;

    sprintf(out + strlen(out), "%s|%s\n", key, value);
}

static void test_round_trip(void **state)
{
    struct relaylog_event event = {.event = "deferred",
                                   .id = UINT64_MAX,
                                   .reply = "451 4.7.1 say \"please\" \\ then=wait",
                                   .delay_ms = 0,
                                   .reason = "trailing "};
    struct place *place = *state;
    struct relaylog *log;
    struct error err;
    char text[1024], pairs[1024] = "";

    assert_int_equal(relaylog_open(&log, place->path, false, &err), 0);
    relaylog_write(log, NOON, &event);
    relaylog_free(log);
    read_file(place->path, text, sizeof text);
    assert_int_equal(relaylog_parse(text, collect, pairs), 0);
    assert_string_equal(pairs, "time|2026-11-22T12:36:00.000Z\nevent|deferred\n"
                               "id|18446744073709551615\n"
                               "reply|451 4.7.1 say \"please\" \\ then=wait\n"
                               "delay|0.000\nreason|trailing \n");
}

static void test_parse_refuses(void **state)
{
    static const char *const lines[] = {
        "",
        "hello",
        "2026-11-22T12:36:00.000Z",
        "2026-11-22 12:36:00.000Z event=x",
        "2026-11-22T12:36:0x.000Z event=x",
        "2026-11-22T12:36:00.000Z event",
        "2026-11-22T12:36:00.000Z =x",
        "2026-11-22T12:36:00.000Z event=x  y=z",
        "2026-11-22T12:36:00.000Z event=\"open",
        "2026-11-22T12:36:00.000Z event=\"open\\",
        "2026-11-22T12:36:00.000Z event=\"a\"b",
    };

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char line[128], pairs[256] = "";

        strcpy(line, lines[i]);
        if (relaylog_parse(line, collect, pairs) == 0)
            fail_msg("accepted: %s", lines[i]);
    }
}

static void test_reopen(void **state)
{
    struct place *place = *state;
    struct relaylog *log;
    struct error err;
    char moved[128], text[2048];
    struct stat info;

    assert_int_equal(relaylog_open(&log, place->path, false, &err), 0);
    relaylog_write(log, NOON, &full);
    snprintf(moved, sizeof moved, "%s.1", place->path);
    assert_int_equal(rename(place->path, moved), 0);
    relaylog_write(log, NOON, &full);
    assert_int_equal(relaylog_reopen(log, &err), 0);
    relaylog_write(log, NOON + 1000, &full);
    read_file(place->path, text, sizeof text);
    assert_memory_equal(text, "2026-11-22T12:36:01.000Z ", 25);
    assert_null(strchr(strchr(text, '\n') + 1, '\n'));
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_mode & 0137, 0);

    /* A directory in the way: the open file stays in use. */
    assert_int_equal(unlink(place->path), 0);
    assert_int_equal(mkdir(place->path, 0700), 0);
    assert_int_equal(relaylog_reopen(log, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_int_equal(rmdir(place->path), 0);
    relaylog_write(log, NOON, &full);
    assert_int_equal(place->complaints, 0);
    relaylog_free(log);
}

/* Held lines are not in the file yet, and then all are, in order; what is too much goes before. */
static void test_hold(void **state)
{
    struct place *place = *state;
    struct relaylog *log;
    struct error err;
    struct stat info;
    char text[4096];
    off_t one;

    assert_int_equal(relaylog_open(&log, place->path, false, &err), 0);
    relaylog_write(log, NOON, &full);
    assert_int_equal(stat(place->path, &info), 0);
    one = info.st_size;
    relaylog_hold(log);
    relaylog_write(log, NOON + 1000, &full);
    relaylog_write(log, NOON + 2000, &full);
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_size, one);
    relaylog_release(log);
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_size, 3 * one);
    read_file(place->path, text, sizeof text);
    assert_memory_equal(text + one, "2026-11-22T12:36:01.000Z ", 25);
    assert_memory_equal(text + 2 * one, "2026-11-22T12:36:02.000Z ", 25);

    relaylog_hold(log);
    for (int i = 0; i < 1000; i++)
        relaylog_write(log, NOON, &full);
    assert_int_equal(stat(place->path, &info), 0);
    assert_true(info.st_size > 900 * one);
    relaylog_free(log);
    assert_int_equal(stat(place->path, &info), 0);
    assert_int_equal(info.st_size, 1003 * one);
    assert_int_equal(place->complaints, 0);
}

static void test_open_refuses(void **state)
{
    struct place *place = *state;
    struct relaylog *log;
    struct error err;

    assert_int_equal(relaylog_open(&log, "/nonexistent/relay.log", false, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_int_equal(err.sys, ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent/relay.log"));
    assert_null(log);
    /* A link that somebody put there must not lead us to another file. */
    assert_int_equal(symlink("/etc/hostname", place->path), 0);
    assert_int_equal(relaylog_open(&log, place->path, false, &err), -1);
    assert_int_equal(err.sys, ELOOP);
}

static void test_write_failure_is_told_once(void **state)
{
    struct place *place = *state;
    struct relaylog *log;
    struct error err;
    char *huge = calloc(1, 20001);

    assert_non_null(huge);
    memset(huge, 'x', 20000);
    assert_int_equal(relaylog_open(&log, place->path, true, &err), 0);
    for (int i = 0; i < 3; i++) {
        struct relaylog_event event = {.event = "x", .reply = huge, .delay_ms = -1};

        errno = EDOM;
        relaylog_write(log, NOON, &event);
        assert_int_equal(errno, EDOM);
    }
    assert_int_equal(place->complaints, 1);
    journal_result = -EPIPE;
    relaylog_write(log, NOON, &full);
    relaylog_write(log, NOON, &full);
    assert_int_equal(place->complaints, 2);
    relaylog_free(log);
    free(huge);
}

static void test_none(void **state)
{
    struct relaylog *log;
    struct error err;

    (void)state;
    relaylog_write(NULL, NOON, &full);
    relaylog_free(NULL);
    assert_int_equal(relaylog_open(&log, NULL, false, &err), 0);
    relaylog_write(log, NOON, &full);
    assert_int_equal(relaylog_reopen(log, &err), 0);
    relaylog_free(log);
    assert_string_equal(journal, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_line, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_journal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hostile_values, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_round_trip, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_parse_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reopen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_open_refuses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_write_failure_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_none, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
