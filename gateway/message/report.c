/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports about recipients that failed or wait (RFC 3462, RFC 3464): all but their words. */
#include "config.h"

#include "message/report-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/address.h"
#include "message/mime-int.h"

#define ID_DIGITS (REPORT_KEY_DIGITS / 2)

/* What others wrote, as ASCII on one line: it can neither end a field nor begin another. */
static void append_safe(GString *out, const char *text, size_t max)
{
    size_t i;

    for (i = 0; text != NULL && text[i] != '\0' && i < max; i++) {
        if (text[i] >= 0x20 && text[i] <= 0x7E)
            g_string_append_c(out, text[i]);
        else
            g_string_append_c(out, (unsigned char)text[i] < 0x80 ? ' ' : '?');
    }
}

static void append_field(GString *out, const char *name, const char *value)
{
    g_string_append(out, name);
    append_safe(out, value, REPORT_LINE_MAX);
    g_string_append_c(out, '\n');
}

static bool id_valid(const char *id)
{
    size_t size = id != NULL ? strlen(id) : 0;
    size_t i;

    if (size < 5 || size > REPORT_LINE_MAX || id[0] != '<' || id[size - 1] != '>')
        return false;
    for (i = 1; i < size - 1; i++)
        if (!g_ascii_isgraph(id[i]) || id[i] == '<' || id[i] == '>')
            return false;
    return true;
}

/* The class is what became of it: "4" while it is tried, "5" at the end (behind an expiry the last
 * reply was temporary). */
static void append_status(GString *out, const char *status, bool late)
{
    size_t digits = status != NULL ? strspn(status, "0123456789.") : 0;
    bool valid = digits >= 5 && digits < ERROR_STATUS_SIZE && status[digits] == '\0' &&
                 (status[0] == '5' || status[0] == '4') && status[1] == '.';

    g_string_append_printf(out, "Status: %c%s\n", late ? '4' : '5', valid ? status + 1 : ".0.0");
}

static void append_date(GString *out, const char *name, int64_t at_ms)
{
    GDateTime *at = at_ms > 0 ? g_date_time_new_from_unix_utc(at_ms / 1000) : NULL;
    char *text;

    if (at == NULL)
        return;
    text = g_mime_utils_header_format_date(at);
    append_field(out, name, text);
    g_free(text);
    g_date_time_unref(at);
}

/* A reply of a server begins with its code; what we say does not. */
static bool is_reply(const struct report_recipient *recipient)
{
    const char *reply = recipient->reply;

    return reply != NULL && strspn(reply, "0123456789") == 3 &&
           (reply[3] == ' ' || reply[3] == '\0');
}

static void append_remote(GString *out, const struct report_recipient *recipient)
{
    size_t size = recipient->relay != NULL ? strcspn(recipient->relay, "[") : 0;
    char *host;

    if (!is_reply(recipient) || size == 0)
        return;
    host = g_strndup(recipient->relay, size);
    append_field(out, "Remote-MTA: dns; ", host);
    g_free(host);
}

static void append_recipient(GString *out, const struct report *report,
                             const struct report_recipient *recipient)
{
    bool known = recipient->final != NULL && recipient->final[0] != '\0';

    g_string_append_c(out, '\n');
    append_field(out, "Original-Recipient: x-msmail; ", recipient->original);
    append_field(out, known ? "Final-Recipient: rfc822; " : "Final-Recipient: x-msmail; ",
                 known ? recipient->final : recipient->original);
    append_field(out, "Action: ", report->late ? "delayed" : "failed");
    append_status(out, recipient->status, report->late);
    append_remote(out, recipient);
    append_field(out,
                 is_reply(recipient) ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: x-msmailgw; ",
                 recipient->reply);
    append_date(out, "Last-Attempt-Date: ", recipient->at_ms);
    if (report->late)
        append_date(out, "Will-Retry-Until: ", report->until_ms);
}

static GMimePart *status_part(const struct report *report)
{
    GString *text = g_string_new(NULL);
    GMimePart *part;
    size_t i;

    append_field(text, "Reporting-MTA: dns; ", report->domain);
    append_date(text, "Arrival-Date: ", report->received_ms);
    g_string_append_printf(text, "X-MSMail-Queue-Id: %llu\n", (unsigned long long)report->id);
    append_field(text, "X-Original-Message-ID: ", report->message_id);
    for (i = 0; i < report->recipient_count; i++)
        append_recipient(text, report, &report->recipients[i]);
    part = part_plain_new("message", "delivery-status", text->str);
    g_string_free(text, TRUE);
    return part;
}

static GMimePart *headers_part(const char *headers)
{
    GString *text = g_string_new(NULL);
    char *valid = g_utf8_make_valid(headers, -1);
    const char *at;
    GMimePart *part;

    for (at = valid; *at != '\0'; at++)
        if (*at != '\r')
            g_string_append_c(text, *at);
    if (text->len != 0 && text->str[text->len - 1] != '\n')
        g_string_append_c(text, '\n');
    part = part_text_from(text->str, "rfc822-headers");
    g_string_free(text, TRUE);
    g_free(valid);
    return part;
}

static void add_part(GMimeMultipart *multipart, GMimePart *part)
{
    g_mime_multipart_add(multipart, GMIME_OBJECT(part));
    g_object_unref(part);
}

/* The Message-ID shows one half of the key: nobody can foresee the boundary from it. */
static GMimeMultipart *make_body(const struct report *report)
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype("report");
    char *boundary = g_strdup_printf("=_mr_%s", report->key + ID_DIGITS);

    g_mime_multipart_set_boundary(multipart, boundary);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(multipart), "report-type",
                                             "delivery-status");
    add_part(multipart, report_people(report));
    add_part(multipart, status_part(report));
    if (report->original != NULL)
        add_part(multipart, part_plain_new("message", "rfc822", report->original));
    else if (report->headers != NULL)
        add_part(multipart, headers_part(report->headers));
    g_free(boundary);
    return multipart;
}

static void make_subject(const struct report *report, GMimeMessage *out)
{
    char *about = report_line(report->subject);
    char *subject =
        g_strdup_printf("%s: %s", report->late ? "Mail delayed" : "Mail failure", about);
    char *cut = header_cut(subject, 255);

    header_set(GMIME_OBJECT(out), "Subject", cut);
    g_free(cut);
    g_free(subject);
    g_free(about);
}

/* From a person, not from a mailbox that nobody reads; but nothing is to answer by itself, and
 * Exchange knows another header for that. */
static void make_header(const struct report *report, GMimeMessage *out, const char *id)
{
    GDateTime *now = g_date_time_new_from_unix_utc(report->now_ms / 1000);

    g_mime_message_add_mailbox(out, GMIME_ADDRESS_TYPE_FROM, "MSMail gateway", report->postmaster);
    g_mime_message_add_mailbox(out, GMIME_ADDRESS_TYPE_TO, NULL,
                               report->to != NULL ? report->to : report->postmaster);
    make_subject(report, out);
    if (now != NULL) {
        g_mime_message_set_date(out, now);
        g_date_time_unref(now);
    }
    g_mime_object_set_header(GMIME_OBJECT(out), "Message-Id", id, "utf-8");
    if (id_valid(report->message_id)) {
        g_mime_object_set_header(GMIME_OBJECT(out), "In-Reply-To", report->message_id, "utf-8");
        g_mime_object_set_header(GMIME_OBJECT(out), "References", report->message_id, "utf-8");
    }
    header_set(GMIME_OBJECT(out), "Auto-Submitted", "auto-replied");
    header_set(GMIME_OBJECT(out), "X-Auto-Response-Suppress", "All");
}

static int check_addresses(const struct report *report, struct error *err)
{
    if (!address_smtp_valid(report->postmaster))
        return error_set(err, ERROR_SETUP, "", "the postmaster \"%.80s\" is not an SMTP address",
                         report->postmaster);
    if (report->to != NULL && !address_smtp_valid(report->to))
        return error_set(err, ERROR_SETUP, "", "the originator \"%.80s\" is not an SMTP address",
                         report->to);
    return 0;
}

int report_write(const struct report *report, mime_sink *sink, void *context, char **message_id,
                 struct error *err)
{
    struct mime_trouble trouble = {.failed = false};
    GMimeMultipart *body;
    GMimeMessage *out;
    char *id = NULL;
    bool eight_bit;
    uint64_t size;
    int status;

    if (check_addresses(report, err) != 0)
        return -1;
    if (asprintf(&id, "<mr.%.*s@%s>", ID_DIGITS, report->key, report->domain) < 0)
        return error_set(err, ERROR_SOFT, "4.3.0", "no memory for a report");
    out = g_mime_message_new(FALSE);
    make_header(report, out, id);
    body = make_body(report);
    g_mime_message_set_mime_part(out, GMIME_OBJECT(body));
    status = mime_emit(out, sink, context, &trouble, &size, &eight_bit);
    if (status != 0 && err != NULL)
        *err = trouble.err;
    g_object_unref(body);
    g_object_unref(out);
    if (status == 0)
        *message_id = id;
    else
        free(id);
    return status;
}
