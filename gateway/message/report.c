/* SPDX-License-Identifier: BSD-2-Clause */
/* A report to the postmaster about recipients that failed (RFC 3462, RFC 3464). */
#include "config.h"

#include "message/mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "message/address.h"
#include "message/mime-int.h"

#define FIELD_MAX 900 /* octets of a value in message/delivery-status: a line, never folded */

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
    append_safe(out, value, FIELD_MAX);
    g_string_append_c(out, '\n');
}

/* The same for people: UTF-8 may stay. g_free. */
static char *readable(const char *text)
{
    char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
    char *at;

    for (at = valid; *at != '\0'; at = g_utf8_find_next_char(at, NULL))
        if ((guchar)*at < 0x20 || *at == 0x7F)
            *at = ' ';
    return valid;
}

static void append_readable(GString *out, const char *label, const char *text)
{
    char *line = readable(text);
    char *cut = header_cut(line, FIELD_MAX);

    g_string_append_printf(out, "%s%s\n", label, *cut != '\0' ? cut : "-");
    g_free(cut);
    g_free(line);
}

static bool id_valid(const char *id)
{
    size_t size = id != NULL ? strlen(id) : 0;
    size_t i;

    if (size < 5 || size > FIELD_MAX || id[0] != '<' || id[size - 1] != '>')
        return false;
    for (i = 1; i < size - 1; i++)
        if (!g_ascii_isgraph(id[i]) || id[i] == '<' || id[i] == '>')
            return false;
    return true;
}

static GMimePart *people_part(const struct report *report)
{
    GString *text = g_string_new("The mail gateway could not deliver a message from MS Mail to all "
                                 "of its recipients.\n\n");
    unsigned long long id = report->id;
    GMimePart *part;
    size_t i;

    append_readable(text, "From:       ", report->sender);
    append_readable(text, "Subject:    ", report->subject);
    append_readable(text, "Message-ID: ", report->message_id);
    g_string_append_printf(text, "Queue ID:   %llu\n\nNot delivered to:\n", id);
    for (i = 0; i < report->recipient_count; i++) {
        append_readable(text, "\n  MS Mail:  ", report->recipients[i].original);
        append_readable(text, "  SMTP:     ", report->recipients[i].final);
        append_readable(text, "  Status:   ", report->recipients[i].status);
        append_readable(text, "  Reason:   ", report->recipients[i].reply);
    }
    g_string_append_printf(text,
                           "\nThe message is kept in the queue. To look at it:\n\n"
                           "  msmailgw queue show %llu\n\n"
                           "To try again, after the cause is removed:\n\n"
                           "  msmailgw queue retry %llu\n",
                           id, id);
    part = part_text_from(text->str, "plain");
    g_string_free(text, TRUE);
    return part;
}

static bool status_valid(const char *status)
{
    size_t digits = status != NULL ? strspn(status, "0123456789.") : 0;

    return digits >= 5 && digits < ERROR_STATUS_SIZE && status[digits] == '\0' &&
           (status[0] == '5' || status[0] == '4') && status[1] == '.';
}

static GMimePart *status_part(const struct report *report)
{
    GString *text = g_string_new(NULL);
    GMimePart *part;
    size_t i;

    append_field(text, "Reporting-MTA: dns; ", report->domain);
    g_string_append_printf(text, "X-MSMail-Queue-Id: %llu\n", (unsigned long long)report->id);
    append_field(text, "X-Original-Message-ID: ", report->message_id);
    for (i = 0; i < report->recipient_count; i++) {
        const struct report_recipient *recipient = &report->recipients[i];
        bool known = recipient->final != NULL && recipient->final[0] != '\0';

        g_string_append_c(text, '\n');
        append_field(text, "Original-Recipient: x-msmail; ", recipient->original);
        append_field(text, known ? "Final-Recipient: rfc822; " : "Final-Recipient: x-msmail; ",
                     known ? recipient->final : recipient->original);
        append_field(text, "Action: ", "failed");
        append_field(text,
                     "Status: ", status_valid(recipient->status) ? recipient->status : "5.0.0");
        append_field(text, known ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: x-msmailgw; ",
                     recipient->reply);
    }
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

static GMimeMultipart *make_body(const struct report *report, const char *unique)
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype("report");
    char *boundary = g_strdup_printf("=_mr_%s", unique);

    g_mime_multipart_set_boundary(multipart, boundary);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(multipart), "report-type",
                                             "delivery-status");
    add_part(multipart, people_part(report));
    add_part(multipart, status_part(report));
    if (report->headers != NULL)
        add_part(multipart, headers_part(report->headers));
    g_free(boundary);
    return multipart;
}

static void make_header(const struct report *report, GMimeMessage *out, const char *id)
{
    GDateTime *now = g_date_time_new_from_unix_utc(report->now_ms / 1000);
    char *from = g_strdup_printf("mailer-daemon@%s", report->domain);
    char *about = readable(report->subject);
    char *subject = g_strdup_printf("Mail failure: %s", about);
    char *cut = header_cut(subject, 255);

    g_mime_message_add_mailbox(out, GMIME_ADDRESS_TYPE_FROM, "MSMail gateway", from);
    g_mime_message_add_mailbox(out, GMIME_ADDRESS_TYPE_TO, NULL, report->postmaster);
    header_set(GMIME_OBJECT(out), "Subject", cut);
    if (now != NULL) {
        g_mime_message_set_date(out, now);
        g_date_time_unref(now);
    }
    g_mime_object_set_header(GMIME_OBJECT(out), "Message-Id", id, "utf-8");
    if (id_valid(report->message_id))
        g_mime_object_set_header(GMIME_OBJECT(out), "In-Reply-To", report->message_id, "utf-8");
    header_set(GMIME_OBJECT(out), "Auto-Submitted", "auto-replied");
    g_free(cut);
    g_free(subject);
    g_free(about);
    g_free(from);
}

/* The queue's number and the time: no other report has both. */
static char *unique_part(const struct report *report)
{
    char *seed =
        g_strdup_printf("%llu %lld %s", (unsigned long long)report->id, (long long)report->now_ms,
                        report->message_id != NULL ? report->message_id : "");
    char *hex = g_compute_checksum_for_string(G_CHECKSUM_SHA256, seed, -1);

    hex[32] = '\0';
    g_free(seed);
    return hex;
}

int report_write(const struct report *report, mime_sink *sink, void *context, char **message_id,
                 struct error *err)
{
    struct mime_trouble trouble = {.failed = false};
    GMimeMultipart *body;
    GMimeMessage *out;
    char *unique, *id = NULL;
    bool eight_bit;
    uint64_t size;
    int status;

    if (!address_smtp_valid(report->postmaster))
        return error_set(err, ERROR_SETUP, "", "the postmaster \"%.80s\" is not an SMTP address",
                         report->postmaster);
    unique = unique_part(report);
    if (asprintf(&id, "<mr.%s@%s>", unique, report->domain) < 0) {
        g_free(unique);
        return error_set(err, ERROR_SOFT, "4.3.0", "no memory for a report");
    }
    out = g_mime_message_new(FALSE);
    make_header(report, out, id);
    body = make_body(report, unique);
    g_mime_message_set_mime_part(out, GMIME_OBJECT(body));
    status = mime_emit(out, sink, context, &trouble, &size, &eight_bit);
    if (status != 0 && err != NULL)
        *err = trouble.err;
    g_object_unref(body);
    g_object_unref(out);
    g_free(unique);
    if (status == 0)
        *message_id = id;
    else
        free(id);
    return status;
}
