/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is told about mail that failed or is late, and what. Each report enters the queue in the
 * transaction that marks its recipients as reported (C4), under a key that its failures alone have
 * and that the journal takes once. A report is never the subject of another one.
 */
#include "config.h"

#include "daemon/relay-int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/log.h"
#include "daemon/report-content.h"
#include "message/message.h"
#include "message/report.h"
#include "queue/reporting.h"

#define MAX_REPORTED ((size_t)1000) /* recipients named in one report */
#define TEXTS 5
#define ALARM "alarm.report"

/* One message and those of its recipients that a report is to name. */
struct subject {
    bool late;
    struct report_recipient *recipients;
    char **texts; /* what they point to, TEXTS each */
    size_t count;
    uint64_t id, last, size;
    int64_t received_ms, expires_ms;
    bool eight_bit, to_postmaster, to_himself;
    const char *postmaster;
    char *message_id, *subject, *sender, *report_to;
    struct buf key;
};

static void subject_clear(struct subject *subject)
{
    for (size_t i = 0; subject->texts != NULL && i < TEXTS * subject->count; i++)
        free(subject->texts[i]);
    free((void *)subject->texts);
    free(subject->recipients);
    free(subject->message_id);
    free(subject->subject);
    free(subject->sender);
    free(subject->report_to);
    buf_clear(&subject->key);
}

static int take_message(struct subject *subject, const struct store_view *view)
{
    subject->message_id = strdup(view->message_id);
    subject->subject = strdup(view->subject);
    subject->sender = strdup(view->sender);
    subject->report_to = strdup(view->report_to);
    subject->size = view->size;
    subject->eight_bit = view->eight_bit;
    subject->received_ms = view->received_ms;
    subject->expires_ms = view->expires_ms;
    return subject->message_id != NULL && subject->subject != NULL && subject->sender != NULL &&
                   subject->report_to != NULL
               ? 0
               : -1;
}

/* A late message is told once. A failure is told once, and again when it failed again. */
static int add_to_key(struct subject *subject, const struct store_view *view)
{
    if (subject->late)
        return subject->count == 0 ? buf_printf(&subject->key, "late %" PRIu64, view->id) : 0;
    return buf_printf(&subject->key, "%s%" PRIu64 " %" PRIu64 " %" PRId64,
                      subject->count == 0 ? "failed " : ", ", view->id, view->recipient,
                      view->changed_ms);
}

static int take_recipient(void *context, const struct store_view *view)
{
    struct subject *subject = context;
    struct report_recipient *recipient;
    char **texts;

    if ((!subject->late && view->reported) || subject->count == MAX_REPORTED)
        return 0;
    if ((subject->count == 0 && take_message(subject, view) != 0) || add_to_key(subject, view) != 0)
        return 1;
    recipient = &subject->recipients[subject->count];
    texts = &subject->texts[TEXTS * subject->count++];
    recipient->original = texts[0] = strdup(view->original);
    recipient->final = texts[1] = strdup(view->address);
    recipient->status = texts[2] = strdup(view->status);
    recipient->reply = texts[3] = strdup(view->reply);
    recipient->relay = texts[4] = strdup(view->relay);
    recipient->at_ms = view->changed_ms;
    subject->last = view->recipient;
    if (strcasecmp(view->address, subject->postmaster) == 0)
        subject->to_postmaster = true;
    if (strcasecmp(view->address, view->report_to) == 0)
        subject->to_himself = true;
    for (size_t i = 0; i < TEXTS; i++) {
        if (texts[i] == NULL)
            return 1;
    }
    return 0;
}

static int no_memory(struct error *err)
{
    return error_set(err, ERROR_SOFT, "4.3.0", "no memory for a report");
}

/* What of message ID is to be told; COUNT 0: nothing any more. */
static int read_subject(struct relay *relay, uint64_t id, struct subject *subject,
                        struct error *err)
{
    const enum recipient_state state = subject->late ? RECIPIENT_QUEUED : RECIPIENT_FAILED;
    struct store_filter filter = {.id = id, .state = &state};
    int status;

    subject->id = id;
    subject->postmaster = relay->settings->postmaster;
    subject->recipients = calloc(MAX_REPORTED, sizeof *subject->recipients);
    subject->texts = (char **)calloc(TEXTS * MAX_REPORTED, sizeof *subject->texts);
    if (subject->recipients == NULL || subject->texts == NULL)
        return no_memory(err);
    status = store_list(relay->options->store, &filter, take_recipient, subject, err);
    if (status != 0)
        return -1;
    for (size_t i = 0; i < TEXTS * subject->count; i++) {
        if (subject->texts[i] == NULL)
            return no_memory(err);
    }
    return subject->count == 0 || subject->report_to != NULL ? 0 : no_memory(err);
}

/* NULL: he is told. Answers to reports come to the postmaster (they are from him): if mail to him
 * fails and that made a report, a program that answers reports would be answered for ever. */
static const char *why_not_originator(const struct relay *relay, const struct subject *subject)
{
    if (relay->settings->report_to_postmaster)
        return "report-to = postmaster";
    if (subject->report_to[0] == '\0')
        return "the message is one that must not be answered, or he has no SMTP address by the map";
    if (subject->to_postmaster)
        return "the message was for the postmaster";
    if (subject->to_himself)
        return "his own address is among those that failed";
    return NULL;
}

struct report_sink {
    struct store *store;
    uint64_t id;
    uint64_t size;
};

static int add_report_content(void *context, const void *data, size_t size, struct error *err)
{
    struct report_sink *sink = context;
    const uint8_t *at = data;

    sink->size += size;
    while (size != 0) {
        size_t n = size < STORE_CHUNK_SIZE ? size : STORE_CHUNK_SIZE;
        if (store_add_content(sink->store, sink->id, at, n, err) != 0)
            return -1;
        at += n;
        size -= n;
    }
    return 0;
}

static int add_report(struct relay *relay, const struct report *report, struct error *err)
{
    struct store *store = relay->options->store;
    struct store_message message = {
        .fingerprint = report->key,
        .subject = report->late ? "Mail that is late" : "Mail that could not be relayed",
        .date_ms = report->now_ms,
        .received_ms = report->now_ms,
        .expires_ms = schedule_expiry(&relay->settings->schedule, report->now_ms),
        .report_of = report->id,
        .notice = report->late,
    };
    struct report_sink sink = {.store = store};
    char *message_id = NULL;
    int status;

    if (store_add_message(store, &message, err) != 0)
        return -1;
    sink.id = message.id;
    if (report_write(report, add_report_content, &sink, &message_id, err) != 0)
        return -1;
    status = store_set_content_facts(store, message.id, message_id, "", message.subject, sink.size,
                                     false, err);
    free(message_id);
    if (status != 0)
        return -1;
    return store_add_recipient(store, message.id, report->to != NULL ? "ORIGINATOR" : "POSTMASTER",
                               report->to != NULL ? report->to : report->postmaster,
                               RECIPIENT_QUEUED, report->now_ms, report->now_ms, "", "", err);
}

static void log_report(struct relay *relay, const struct report *report)
{
    struct relaylog_event event = {
        .event = report->late ? "late" : "report",
        .id = report->id,
        .rcpt = report->to != NULL ? report->to : report->postmaster,
        .reason = report->why,
        .delay_ms = -1,
    };

    relaylog_write(relay->options->log, report->now_ms, &event);
    relay->exhausted = false;
    relay_poke(relay);
}

static int write_report(struct relay *relay, const struct subject *subject, int64_t now_ms,
                        struct report *report, struct error *err)
{
    uint8_t digest[FINGERPRINT_SIZE];
    char key[FINGERPRINT_HEX_SIZE];
    uint64_t limit = report->to != NULL ? relay->settings->ndr_max_body : 0;
    char *original = NULL, *headers = NULL;
    int status;

    fingerprint_octets(subject->key.data, subject->key.size, digest);
    fingerprint_hex(digest, key);
    report->domain = relay->settings->domain;
    report->postmaster = relay->settings->postmaster;
    report->late = subject->late;
    report->key = key;
    report->message_id = subject->message_id;
    report->subject = subject->subject;
    report->sender = subject->sender;
    report->id = subject->id;
    report->now_ms = now_ms;
    report->received_ms = subject->received_ms;
    report->until_ms = subject->expires_ms;
    report->recipients = subject->recipients;
    report->recipient_count = subject->count;
    /* A notice of delay is not the message's end: nobody needs it back. */
    if (!subject->late && !subject->eight_bit && subject->size <= limit)
        original = report_read_original(relay->options->store, subject->id, subject->size);
    if (original == NULL)
        headers = report_read_headers(relay->options->store, subject->id);
    report->original = original;
    report->headers = headers;
    status = add_report(relay, report, err);
    report->key = NULL;
    report->original = report->headers = NULL;
    free(original);
    free(headers);
    return status;
}

static int mark(struct relay *relay, const struct subject *subject, struct error *err)
{
    return subject->late
               ? store_set_noticed(relay->options->store, subject->id, err)
               : store_set_reported(relay->options->store, subject->id, subject->last, err);
}

/* Everything about message ID that is to be told is read, told and marked in one transaction. */
static int tell(struct relay *relay, uint64_t id, bool late, int64_t now_ms, struct error *err)
{
    struct store *store = relay->options->store;
    struct subject subject = {.late = late};
    struct report report = {.to = NULL};
    int status;

    buf_init(&subject.key, 100 * (MAX_REPORTED + 1));
    status = store_begin(store, err);
    if (status != 0)
        goto out;
    status = read_subject(relay, id, &subject, err);
    if (status == 0 && subject.count != 0) {
        report.why = why_not_originator(relay, &subject);
        report.to = report.why == NULL ? subject.report_to : NULL;
        /* The postmaster sees what waits by "status". */
        if (!late || report.to != NULL)
            status = write_report(relay, &subject, now_ms, &report, err);
    }
    if (status == 0)
        status = mark(relay, &subject, err);
    if (status == 0)
        status = store_commit(store, err);
    else
        store_rollback(store);
    if (status == 0 && subject.count != 0 && (!late || report.to != NULL))
        log_report(relay, &report);
out:
    subject_clear(&subject);
    return status;
}

/* ---- what is due ---- */

static int report_failures(struct relay *relay, int64_t now_ms, struct error *err)
{
    int64_t before_ms = now_ms - (int64_t)relay->settings->report_wait_s * 1000;
    uint64_t id = 0;

    for (;;) {
        if (store_next_unreported(relay->options->store, id, before_ms, &id, err) != 0)
            return -1;
        if (id == 0)
            return 0;
        if (tell(relay, id, false, now_ms, err) != 0)
            return -1;
        id--; /* it may have more than one report names */
    }
}

static int report_delays(struct relay *relay, int64_t now_ms, struct error *err)
{
    uint64_t id;

    if (store_forget_notices(relay->options->store, now_ms, err) != 0)
        return -1;
    for (;;) {
        if (store_next_late(relay->options->store, now_ms, &id, err) != 0)
            return -1;
        if (id == 0)
            return 0;
        if (tell(relay, id, true, now_ms, err) != 0)
            return -1;
    }
}

/* A report that cannot be delivered waits for the operator: he has to know that it does. */
static int watch_reports(struct relay *relay, int64_t now_ms, struct error *err)
{
    char value[160];
    uint64_t id;

    if (store_held_report(relay->options->store, &id, err) != 0)
        return -1;
    if (id == relay->held_report)
        return 0;
    snprintf(value, sizeof value,
             "{\"message\":%" PRIu64 ",\"reason\":\"a report about failed mail is held: "
             "msmailgw queue show %" PRIu64 "\"}",
             id, id);
    if (store_put_note(relay->options->store, ALARM, id != 0 ? value : NULL, now_ms, err) != 0)
        return -1;
    if (id != 0)
        log_error("relay", "report %" PRIu64 " cannot be delivered and is held", id);
    relay->held_report = id;
    return 0;
}

void relay_report(struct relay *relay, int64_t now_ms)
{
    struct error err;

    if (report_failures(relay, now_ms, &err) != 0)
        log_warn("relay", "report about failed mail: %s", err.text);
    if (!relay->settings->report_to_postmaster && report_delays(relay, now_ms, &err) != 0)
        log_warn("relay", "notice about late mail: %s", err.text);
    if (watch_reports(relay, now_ms, &err) != 0)
        log_warn("relay", "held reports: %s", err.text);
}
