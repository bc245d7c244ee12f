/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/relay-int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "message/mime.h"

#define HEADER_LIMIT 65536
#define PURGE_LIMIT 500
#define MAX_REPORTED ((size_t)1000) /* recipients named in one report */
#define TEXTS 4

struct failed {
    struct report_recipient *recipients;
    char **texts; /* what they point to, four each */
    size_t count;
    char *message_id, *subject, *sender;
};

static void failed_clear(struct failed *failed)
{
    for (size_t i = 0; failed->texts != NULL && i < TEXTS * failed->count; i++)
        free(failed->texts[i]);
    free((void *)failed->texts);
    free(failed->recipients);
    free(failed->message_id);
    free(failed->subject);
    free(failed->sender);
    memset(failed, 0, sizeof *failed);
}

static int collect_failed(void *context, const struct store_view *view)
{
    struct failed *failed = context;
    struct report_recipient *recipient;
    char **texts;

    if (view->reported || failed->count == MAX_REPORTED)
        return 0;
    if (failed->count == 0) {
        failed->message_id = strdup(view->message_id);
        failed->subject = strdup(view->subject);
        failed->sender = strdup(view->sender);
    }
    recipient = &failed->recipients[failed->count];
    texts = &failed->texts[TEXTS * failed->count++];
    recipient->original = texts[0] = strdup(view->original);
    recipient->final = texts[1] = strdup(view->address);
    recipient->status = texts[2] = strdup(view->status);
    recipient->reply = texts[3] = strdup(view->reply);
    return texts[0] == NULL || texts[1] == NULL || texts[2] == NULL || texts[3] == NULL;
}

static int read_failed(struct relay *relay, uint64_t id, struct failed *failed, struct error *err)
{
    static const enum recipient_state state = RECIPIENT_FAILED;
    struct store_filter filter = {.id = id, .state = &state};

    memset(failed, 0, sizeof *failed);
    failed->recipients = calloc(MAX_REPORTED, sizeof *failed->recipients);
    failed->texts = (char **)calloc(TEXTS * MAX_REPORTED, sizeof *failed->texts);
    if (failed->recipients == NULL || failed->texts == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a report");
    if (store_list(relay->options->store, &filter, collect_failed, failed, err) != 0)
        return -1;
    if (failed->count != 0 &&
        (failed->message_id == NULL || failed->subject == NULL || failed->sender == NULL))
        return error_set(err, ERROR_SOFT, "4.3.0", "no memory for a report");
    return 0;
}

/* The header block of message ID as it was sent, or NULL. */
static char *read_headers(struct relay *relay, uint64_t id)
{
    char *text = calloc(1, HEADER_LIMIT + 1);
    struct error err;
    size_t got = 0;
    char *end;

    if (text == NULL)
        return NULL;
    if (store_read_content(relay->options->store, id, 0, text, HEADER_LIMIT, &got, &err) != 0)
        got = 0;
    text[got] = '\0';
    end = strstr(text, "\r\n\r\n");
    if (end == NULL) {
        free(text);
        return NULL;
    }
    end[2] = '\0';
    return text;
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

static int add_report(struct relay *relay, uint64_t failed_id, const struct report *report,
                      struct error *err)
{
    struct store *store = relay->options->store;
    struct store_message message = {
        .fingerprint = "",
        .postoffice = "",
        .queue = "",
        .mailbag = "",
        .mai = "",
        .sender = "",
        .message_id = "",
        .subject = "Mail that could not be relayed",
        .date_ms = report->now_ms,
        .received_ms = report->now_ms,
        .expires_ms = schedule_expiry(&relay->settings->schedule, report->now_ms),
        .report_of = failed_id,
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
    if (store_add_recipient(store, message.id, "POSTMASTER", relay->settings->postmaster,
                            RECIPIENT_QUEUED, report->now_ms, report->now_ms, "", "", err) != 0)
        return -1;
    return store_set_reported(store, failed_id, err);
}

static int report_message(struct relay *relay, uint64_t id, int64_t now_ms, struct error *err)
{
    struct failed failed;
    struct report report = {.domain = relay->settings->domain,
                            .postmaster = relay->settings->postmaster,
                            .id = id,
                            .now_ms = now_ms};
    char *headers = NULL;
    int status = read_failed(relay, id, &failed, err);

    if (status != 0)
        goto out;
    headers = read_headers(relay, id);
    report.message_id = failed.message_id != NULL ? failed.message_id : "";
    report.subject = failed.subject != NULL ? failed.subject : "";
    report.sender = failed.sender != NULL ? failed.sender : "";
    report.recipients = failed.recipients;
    report.recipient_count = failed.count;
    report.headers = headers;
    status = store_begin(relay->options->store, err);
    if (status != 0)
        goto out;
    status = add_report(relay, id, &report, err);
    if (status == 0)
        status = store_commit(relay->options->store, err);
    else
        store_rollback(relay->options->store);
out:
    free(headers);
    failed_clear(&failed);
    return status;
}

static void report_all(struct relay *relay, int64_t now_ms)
{
    struct relaylog_event event = {.event = "report", .delay_ms = -1};
    uint64_t id = 0;
    struct error err;

    for (;;) {
        if (store_next_unreported(relay->options->store, id, &id, &err) != 0)
            break;
        if (id == 0)
            return;
        if (report_message(relay, id, now_ms, &err) != 0)
            break;
        event.id = id;
        event.rcpt = relay->settings->postmaster;
        relaylog_write(relay->options->log, now_ms, &event);
        relay->exhausted = false;
        relay_poke(relay);
    }
    log_warn("relay", "report about failed mail: %s", err.text);
}

static void expire(struct relay *relay, int64_t now_ms)
{
    struct store *store = relay->options->store;
    struct relaylog_event event = {.event = "expired", .delay_ms = -1};
    struct error err;
    char reason[48];
    size_t count = 0;

    if (store_begin(store, &err) != 0) {
        log_warn("relay", "expiry: %s", err.text);
        return;
    }
    if (store_expire(store, now_ms, &count, &err) != 0) {
        store_rollback(store);
        log_warn("relay", "expiry: %s", err.text);
        return;
    }
    if (store_commit(store, &err) != 0) {
        log_warn("relay", "expiry: %s", err.text);
        return;
    }
    if (count == 0)
        return;
    snprintf(reason, sizeof reason, "%zu recipients", count);
    event.reason = reason;
    relaylog_write(relay->options->log, now_ms, &event);
}

void relay_upkeep(struct relay *relay, int64_t now_ms)
{
    int64_t keep = (int64_t)relay->settings->keep_days * 86400000;
    struct error err;
    size_t count;

    expire(relay, now_ms);
    report_all(relay, now_ms);
    if (store_purge(relay->options->store, now_ms - keep, PURGE_LIMIT, &count, &err) != 0)
        log_warn("relay", "purge: %s", err.text);
    relay_note_route(relay, now_ms);
}
