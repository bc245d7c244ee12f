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

#include "base/buf.h"
#include "message/report.h"

static int collect(void *context, const void *data, size_t size, struct error *err)
{
    assert_true(size <= MIME_PIECE);
    return buf_append(context, data, size) == 0 ? 0 : error_set(err, ERROR_SOFT, "", "full");
}

static void assert_has(const struct buf *out, const char *text)
{
    if (strstr(buf_text(out), text) == NULL)
        fail_msg("no \"%s\" in:\n%s", text, buf_text(out));
}

static void assert_lacks(const struct buf *out, const char *text)
{
    if (strstr(buf_text(out), text) != NULL)
        fail_msg("\"%s\" in:\n%s", text, buf_text(out));
}

static void assert_lines(const struct buf *out)
{
    size_t i, line = 0;

    for (i = 0; i < out->size; i++) {
        uint8_t c = out->data[i];

        assert_true(c < 0x80 && c != 0);
        assert_int_equal(c == '\n', i > 0 && out->data[i - 1] == '\r');
        line = c == '\n' ? 0 : line + 1;
        assert_true(line <= 999); /* 998 and its CR */
    }
    assert_int_equal(line, 0);
}

static const struct report_recipient one[] = {
    {"NORTH/HQ/ANNA", "anna@corp.example", "5.1.1", "550 5.1.1 <anna@corp.example> unknown",
     "mx.corp.example[192.0.2.1]:587", 860300000000},
    {"NORTH/HQ/BERT", "", "", "expired after 5 days", "mx.corp.example[192.0.2.1]:587", 0},
};

static struct report report_of(const struct report_recipient *recipients, size_t count)
{
    struct report report = {
        .domain = "gw.example",
        .postmaster = "postmaster@corp.example",
        .key = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef",
        .message_id = "<mm.0123456789abcdef@gw.example>",
        .subject = "Price list",
        .sender = "clara@corp.example",
        .id = 4711,
        .now_ms = 860400000000,
        .recipients = recipients,
        .recipient_count = count,
        .headers = "From: clara@corp.example\r\nSubject: Price list\r\n",
    };

    return report;
}

static void write_report(const struct report *report, struct buf *out, char **id)
{
    struct error err;

    buf_init(out, 10000000);
    if (report_write(report, collect, out, id, &err) != 0)
        fail_msg("%s", err.text);
    assert_lines(out);
}

static void test_plain(void **state)
{
    struct report report = report_of(one, 2);
    struct buf out, again;
    char *id, *same;

    (void)state;
    write_report(&report, &out, &id);
    assert_has(&out, "\r\nAuto-Submitted: auto-replied\r\n");
    assert_has(&out, "\r\nX-Auto-Response-Suppress: All\r\n");
    assert_has(&out, "From: MSMail gateway <postmaster@corp.example>\r\n");
    assert_has(&out, "To: postmaster@corp.example\r\n");
    assert_has(&out, "Subject: Mail failure: Price list\r\n");
    assert_has(&out, "Date: Mon, 07 Apr 1997 08:00:00 +0000\r\n");
    assert_has(&out, "Content-Type: multipart/report; ");
    assert_has(&out, "report-type=delivery-status");
    assert_has(&out, id);
    assert_has(&out, "\r\nIn-Reply-To: <mm.0123456789abcdef@gw.example>\r\n");
    assert_non_null(strstr(id, "@gw.example>"));
    assert_has(&out, "  MS Mail:  NORTH/HQ/ANNA\r\n  SMTP:     anna@corp.example\r\n"
                     "  Status:   5.1.1\r\n  Reason:   [002] Mail was received that was addressed "
                     "to unknown addresses.\r\n"
                     "  Reply:    550 5.1.1 <anna@corp.example> unknown\r\n");
    assert_has(&out, "  msmailgw queue show 4711\r\n");
    assert_has(&out, "  msmailgw queue retry 4711\r\n");
    assert_has(&out, "\r\nReporting-MTA: dns; gw.example\r\n");
    assert_has(&out, "\r\n\r\nOriginal-Recipient: x-msmail; NORTH/HQ/ANNA\r\n"
                     "Final-Recipient: rfc822; anna@corp.example\r\nAction: failed\r\n"
                     "Status: 5.1.1\r\n"
                     "Remote-MTA: dns; mx.corp.example\r\n"
                     "Diagnostic-Code: smtp; 550 5.1.1 <anna@corp.example> unknown\r\n"
                     "Last-Attempt-Date: Sun, 06 Apr 1997 04:13:20 +0000\r\n\r\n");
    assert_has(&out, "Original-Recipient: x-msmail; NORTH/HQ/BERT\r\n"
                     "Final-Recipient: x-msmail; NORTH/HQ/BERT\r\nAction: failed\r\n"
                     "Status: 5.0.0\r\nDiagnostic-Code: x-msmailgw; expired after 5 days\r\n");
    assert_has(&out, "Content-Type: text/rfc822-headers; charset=");
    assert_has(&out, "\r\n\r\nFrom: clara@corp.example\r\nSubject: Price list\r\n");
    write_report(&report, &again, &same);
    assert_string_equal(same, id);
    assert_string_equal(buf_text(&again), buf_text(&out));
    free(same);
    buf_clear(&again);
    /* the time is not what tells one report from another */
    report.key = "00112233445566778899aabbccddee000123456789abcdef0123456789abcdef";
    write_report(&report, &again, &same);
    assert_string_not_equal(same, id);
    free(same);
    free(id);
    buf_clear(&again);
    buf_clear(&out);
}

/* Nothing that others wrote may begin a header, a field, a recipient or a part. */
static void test_injection(void **state)
{
#define EVIL "x\r\n\r\nBcc: evil@evil.example\r\nAction: delivered\n--=_mr_\r"
    static const struct report_recipient bad[] = {{EVIL, EVIL, EVIL, EVIL, EVIL, 0}};
    struct report report = report_of(bad, 1);
    struct buf out;
    char *id;

    (void)state;
    report.message_id = EVIL;
    report.subject = EVIL;
    report.sender = EVIL;
    report.headers = NULL;
    write_report(&report, &out, &id);
    assert_lacks(&out, "\nBcc:");
    assert_lacks(&out, "\nAction: delivered");
    assert_lacks(&out, "\n--=_mr_\r");
    assert_has(&out, "\r\nStatus: 5.0.0\r\n");
    assert_lacks(&out, "rfc822-headers");
    assert_lacks(&out, "In-Reply-To:");
    free(id);
    buf_clear(&out);
}

static void test_large_and_foreign(void **state)
{
    struct report_recipient *many = calloc(2000, sizeof *many);
    char *large = malloc(20001);
    struct report report;
    struct buf out;
    char *id;
    size_t i;

    (void)state;
    assert_non_null(many);
    assert_non_null(large);
    memset(large, 'r', 20000);
    large[20000] = '\0';
    for (i = 0; i < 2000; i++) {
        many[i] = one[0];
        many[i].reply = i == 7 ? large : "550 \xC3\xBC\xFF";
    }
    report = report_of(many, 2000);
    report.subject = "Gr\xC3\xBC\xC3\x9F"
                     "e \xFF";
    report.headers = large;
    write_report(&report, &out, &id);
    assert_has(&out, "Subject: =?UTF-8?B?");
    assert_has(&out, "Diagnostic-Code: smtp; 550 ???\r\n");
    assert_has(&out, "Content-Transfer-Encoding: quoted-printable\r\n");
    free(id);
    buf_clear(&out);
    free(large);
    free(many);
}

static void test_refusals(void **state)
{
    struct report report = report_of(one, 2);
    struct error err;
    struct buf out;
    char *id;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(report_write(&report, collect, &out, &id, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
    assert_string_equal(err.text, "full");
    report.to = "a@b>\r\nRCPT TO:<x@y";
    assert_int_equal(report_write(&report, collect, &out, &id, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    report.to = NULL;
    report.postmaster = "a@b>\r\nRCPT TO:<x@y";
    assert_int_equal(report_write(&report, collect, &out, &id, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    buf_clear(&out);
}

/* T131: the originator gets his message back, and nothing that only the operator can do. */
static void test_to_the_originator(void **state)
{
    struct report report = report_of(one, 2);
    struct buf out;
    char *id;

    (void)state;
    report.to = "clara@corp.example";
    report.received_ms = 860200000000;
    report.original = "From: clara@corp.example\nSubject: Price list\n\n.\nFrom here on\n";
    write_report(&report, &out, &id);
    assert_has(&out, "To: clara@corp.example\r\n");
    assert_has(&out, "From: MSMail gateway <postmaster@corp.example>\r\n");
    assert_has(&out, "\r\nReferences: <mm.0123456789abcdef@gw.example>\r\n");
    assert_has(&out, "Mail item was not delivered to:\r\n\r\n  MS Mail:  NORTH/HQ/ANNA\r\n");
    assert_has(&out, "\r\nArrival-Date: Sat, 05 Apr 1997 00:26:40 +0000\r\n");
    assert_has(&out,
               "\r\nContent-Type: message/rfc822\r\n"
               "Content-Transfer-Encoding: 7bit\r\n\r\n"
               "From: clara@corp.example\r\nSubject: Price list\r\n\r\n.\r\nFrom here on\r\n");
    assert_lacks(&out, "rfc822-headers");
    assert_lacks(&out, "msmailgw queue");
    free(id);
    buf_clear(&out);
}

static void test_why_the_originator_is_not_told(void **state)
{
    struct report report = report_of(one, 1);
    struct buf out;
    char *id;

    (void)state;
    report.why = "he has no address";
    write_report(&report, &out, &id);
    assert_has(&out, "The originator is not told: he has no address\r\n");
    free(id);
    buf_clear(&out);
}

static void test_late(void **state)
{
    static const struct report_recipient waiting[] = {
        {"NORTH/HQ/ANNA", "anna@corp.example", "4.2.0", "450 4.2.0 later", "mx.corp.example:25",
         1000},
        {"NORTH/HQ/BERT", "bert@corp.example", "", "", "", 0},
    };
    struct report report = report_of(waiting, 2);
    struct buf out;
    char *id;

    (void)state;
    report.to = "clara@corp.example";
    report.late = true;
    report.until_ms = 860500000000;
    write_report(&report, &out, &id);
    assert_has(&out, "Subject: Mail delayed: Price list\r\n");
    assert_has(&out,
               "\r\nAction: delayed\r\nStatus: 4.2.0\r\nRemote-MTA: dns; mx.corp.example:25\r\n"
               "Diagnostic-Code: smtp; 450 4.2.0 later\r\n");
    assert_has(&out, "\r\nAction: delayed\r\nStatus: 4.0.0\r\n");
    assert_has(&out, "\r\nWill-Retry-Until: Tue, 08 Apr 1997 11:46:40 +0000\r\n");
    assert_has(&out, "you need not send it again");
    assert_lacks(&out, "Action: failed");
    assert_lacks(&out, "  Reason:");
    free(id);
    buf_clear(&out);
}

/* The status at the end is final, and each has words (behind an expiry, too). */
static void test_reasons(void **state)
{
    static const struct {
        const char *status, *words;
    } rows[] = {
        {"5.1.1", "[002] Mail was received that was addressed to unknown addresses."},
        {"5.1.10", "[002] Mail was received that was addressed to unknown addresses."},
        {"5.2.2", "[017] Unable to deliver user mail due to a full mailbag."},
        {"4.2.2", "[017] Unable to deliver user mail due to a full mailbag."},
        {"5.3.4", "[009] Mail maximum size exceeded."},
        {"5.4.7", "[005] Mail retry count exceeded."},
        {"5.4.6", "[003] Message hop count exceeded."},
        {"5.6.0", "[029] This mail message could not be parsed correctly."},
        {"5.7.1", "The mail system does not permit this message."},
        {"5.4.4", "The mail system could not be reached."},
        {"5.0.0", "The mail system refused the message."},
        {"5", "The mail system refused the message."},
        {"", "The mail system refused the message."},
        {NULL, "The mail system refused the message."},
    };
    char out[REPORT_REASON_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(report_reason(rows[i].status, out), rows[i].words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_injection),
        cmocka_unit_test(test_large_and_foreign),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_to_the_originator),
        cmocka_unit_test(test_why_the_originator_is_not_told),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_reasons),
    };

    mime_initialize();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
