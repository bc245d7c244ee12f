/* SPDX-License-Identifier: BSD-2-Clause */
/* What people read in a report. */
#include "config.h"

#include "message/report-int.h"

#include <stdio.h>
#include <string.h>

#include "message/mime-int.h"
#include "message/ndrcode.h"

char *report_line(const char *text)
{
    char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
    char *at;

    for (at = valid; *at != '\0'; at = g_utf8_find_next_char(at, NULL))
        if ((guchar)*at < 0x20 || *at == 0x7F)
            *at = ' ';
    return valid;
}

static void append_line(GString *out, const char *label, const char *text)
{
    char *line = report_line(text);
    char *cut = header_cut(line, REPORT_LINE_MAX);

    g_string_append_printf(out, "%s%s\n", label, *cut != '\0' ? cut : "-");
    g_free(cut);
    g_free(line);
}

/* What no text of MS Mail says, by the subject of the status (RFC 3463 3). */
static const char *other_reason(const char *status)
{
    static const char *const reasons[] = {
        "The mail system refused the message.",
        "The mail system refused the address.",
        "The mailbox does not take the message.",
        "The mail system had a problem of its own.",
        "The mail system could not be reached.",
        "The mail systems did not understand each other.",
        "The mail system refused the contents of the message.",
        "The mail system does not permit this message.",
    };
    char subject = strlen(status) > 2 ? status[2] : '0';

    return reasons[subject >= '0' && subject <= '7' ? subject - '0' : 0];
}

const char *report_reason(const char *status, char out[REPORT_REASON_SIZE])
{
    const char *given = status != NULL ? status : "";
    unsigned code = ndrcode_of_status(given);
    const char *text = ndrcode_text(code);
    /* 5 is also the number of what has none. */
    bool fits =
        text != NULL && (code != 5 || (strlen(given) >= 5 && strcmp(given + 2, "4.7") == 0));

    if (!fits)
        snprintf(out, REPORT_REASON_SIZE, "%s", other_reason(given));
    else
        snprintf(out, REPORT_REASON_SIZE, "[%03u] %.*s%s", code,
                 (int)(g_str_has_suffix(text, " sending to:") ? strlen(text) - 12 : strlen(text)),
                 text, g_str_has_suffix(text, " sending to:") ? "." : "");
    return out;
}

static void append_date(GString *out, const char *label, int64_t at_ms)
{
    GDateTime *at = at_ms > 0 ? g_date_time_new_from_unix_utc(at_ms / 1000) : NULL;
    char *text = at != NULL ? g_date_time_format(at, "%Y-%m-%d %H:%M UTC") : NULL;

    if (text != NULL)
        append_line(out, label, text);
    g_free(text);
    if (at != NULL)
        g_date_time_unref(at);
}

static void append_recipients(GString *out, const struct report *report)
{
    char reason[REPORT_REASON_SIZE];
    size_t i;

    for (i = 0; i < report->recipient_count; i++) {
        const struct report_recipient *one = &report->recipients[i];

        append_line(out, "\n  MS Mail:  ", one->original);
        append_line(out, "  SMTP:     ", one->final);
        append_line(out, "  Status:   ", one->status);
        if (report->late) {
            append_line(out, "  Reply:    ", one->reply);
            continue;
        }
        append_line(out, "  Reason:   ", report_reason(one->status, reason));
        append_line(out, "  Reply:    ", one->reply);
    }
}

static void append_opening(GString *out, const struct report *report)
{
    if (report->late)
        g_string_append(out, "Your message has not been delivered yet to the recipients below. The "
                             "mail gateway goes on\ntrying; you need not send it again.\n\n");
    else if (report->to != NULL)
        g_string_append(out,
                        "Your message could not be delivered to the recipients below. If there "
                        "were others, this\nreport is not about them.\n\n");
    else
        g_string_append(out, "The mail gateway could not deliver a message from MS Mail to all "
                             "of its recipients.\n\n");
}

/* What the operator can do; the originator cannot. */
static void append_advice(GString *out, const struct report *report)
{
    unsigned long long id = report->id;

    if (report->why != NULL)
        append_line(out, "\nThe originator is not told: ", report->why);
    g_string_append_printf(out,
                           "\nThe message is kept in the queue. To look at it:\n\n"
                           "  msmailgw queue show %llu\n\n"
                           "To try again, after the cause is removed:\n\n"
                           "  msmailgw queue retry %llu\n",
                           id, id);
}

GMimePart *report_people(const struct report *report)
{
    GString *text = g_string_new(NULL);
    GMimePart *part;

    append_opening(text, report);
    append_line(text, "From:       ", report->sender);
    append_line(text, "Subject:    ", report->subject);
    append_line(text, "Message-ID: ", report->message_id);
    append_date(text, "Received:   ", report->received_ms);
    if (report->late)
        append_date(text, "Tried till: ", report->until_ms);
    g_string_append_printf(text, "Queue ID:   %llu\n\n%s\n", (unsigned long long)report->id,
                           report->late ? "Not delivered yet to:"
                                        : "Mail item was not delivered to:");
    append_recipients(text, report);
    if (report->to == NULL)
        append_advice(text, report);
    part = part_text_from(text->str, "plain");
    g_string_free(text, TRUE);
    return part;
}
