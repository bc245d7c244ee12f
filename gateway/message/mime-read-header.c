/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of a message: who, what, when, how urgent. */
#include "config.h"

#include "message/mime-read-int.h"

#include <stdlib.h>
#include <string.h>

#include "message/address.h"
#include "message/date.h"
#include "message/encode.h"

#define GROUP_DEPTH 4       /* groups inside each other; RFC 5322 has none */
#define SUBJECT_OCTETS 4096 /* of a subject; MS Mail keeps 40 in the header (Q156844) */
#define MOST_HEADERS 4096   /* that are looked at for EXT fields */

/* ---- addresses ---- */

static bool has_controls(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            return true;
    return false;
}

static int add_native(struct reading *reading, enum address_role role, const char *text,
                      struct error *err)
{
    struct error failure = {.class = ERROR_NONE};

    if (!has_controls(text) &&
        message_add_address(reading->message, role, text, strlen(text), &failure) == 0)
        return 0;
    if (!has_controls(text) && failure.class == ERROR_SOFT)
        return error_set(err, failure.class, failure.status, "%s", failure.text);
    reading->facts->lost_addresses++;
    return 0;
}

static int add_mailbox(struct reading *reading, enum address_role role, const char *smtp,
                       struct error *err)
{
    const struct mime_read_options *options = reading->options;
    const char *known = options->native != NULL ? options->native(options->context, smtp) : NULL;
    char inside[MESSAGE_MAX_ADDRESS], *typed;
    int status;

    if (known != NULL)
        return add_native(reading, role, known, err);
    if (address_decapsulate(smtp, options->domain, inside, sizeof inside))
        return add_native(reading, role, inside, err);
    typed = g_strconcat("SMTP:", smtp, NULL);
    status = add_native(reading, role, typed, err);
    g_free(typed);
    return status;
}

/* mime_write names an empty group by an address of SMTP that is none: it comes back as it was. */
static int add_bad(struct reading *reading, enum address_role role, InternetAddress *group,
                   struct error *err)
{
    const char *name = internet_address_get_name(group);
    int members = internet_address_list_length(
        internet_address_group_get_members(INTERNET_ADDRESS_GROUP(group)));

    return members == 0 && name != NULL && g_ascii_strncasecmp(name, "SMTP:", 5) == 0
               ? add_native(reading, role, name, err)
               : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): GROUP_DEPTH bounds it */
static int add_list(struct reading *reading, enum address_role role, InternetAddressList *list,
                    unsigned depth, struct error *err)
{
    int count = list != NULL ? internet_address_list_length(list) : 0;

    for (int i = 0; i < count; i++) {
        InternetAddress *one = internet_address_list_get_address(list, i);
        const char *smtp = NULL;
        int status = 0;

        if (INTERNET_ADDRESS_IS_MAILBOX(one))
            smtp = internet_address_mailbox_get_idn_addr(INTERNET_ADDRESS_MAILBOX(one));
        else if (INTERNET_ADDRESS_IS_GROUP(one) && depth < GROUP_DEPTH)
            status = add_list(reading, role,
                              internet_address_group_get_members(INTERNET_ADDRESS_GROUP(one)),
                              depth + 1, err);
        if (status == 0 && INTERNET_ADDRESS_IS_GROUP(one))
            status = add_bad(reading, role, one, err);
        if (smtp != NULL && smtp[0] != '\0')
            status = add_mailbox(reading, role, smtp, err);
        else if (INTERNET_ADDRESS_IS_MAILBOX(one))
            reading->facts->lost_addresses++;
        if (status != 0)
            return -1;
        if (role == ADDRESS_FROM && message_from(reading->message) != NULL)
            return 0; /* one writer; a list of them has its first (RFC 5322 3.6.2) */
    }
    return 0;
}

static int read_addresses(struct reading *reading, GMimeMessage *from, struct error *err)
{
    static const struct {
        GMimeAddressType type;
        enum address_role role;
    } fields[] = {{GMIME_ADDRESS_TYPE_FROM, ADDRESS_FROM},
                  {GMIME_ADDRESS_TYPE_TO, ADDRESS_TO},
                  {GMIME_ADDRESS_TYPE_CC, ADDRESS_CC}};

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (add_list(reading, fields[i].role, g_mime_message_get_addresses(from, fields[i].type), 0,
                     err) != 0)
            return -1;
    return 0;
}

/* ---- subject, date ---- */

static int read_subject(struct reading *reading, GMimeMessage *from, struct error *err)
{
    const char *subject = g_mime_message_get_subject(from);
    char *line;
    int status;

    if (subject == NULL)
        return 0;
    if (encode_line(reading->options->codepage, subject, &line, &reading->facts->lost_characters,
                    err) != 0)
        return -1;
    status = message_set_subject(reading->message, line, strnlen(line, SUBJECT_OCTETS), err);
    free(line);
    return status;
}

static void set_date(struct message_date *date, GDateTime *time)
{
    date->set = true;
    date->year = g_date_time_get_year(time);
    date->month = g_date_time_get_month(time);
    date->day = g_date_time_get_day_of_month(time);
    date->hour = g_date_time_get_hour(time);
    date->minute = g_date_time_get_minute(time);
}

/* The time as it is written, when it is what our own writer writes for that local time; else the
 * same instant in the zone of the postoffice. */
static int read_date(struct reading *reading, GMimeMessage *from, struct error *err)
{
    const char *zone = reading->options->timezone;
    struct message_date *date = &reading->message->date;
    GDateTime *written = g_mime_message_get_date(from), *local;
    GTimeZone *tz;
    int64_t instant;
    int seconds;

    if (written == NULL)
        return 0;
    set_date(date, written);
    if (message_date_valid(date)) {
        if (date_local(date, zone, &instant, &seconds, NULL, err) != 0)
            return -1;
        if (seconds == g_date_time_get_utc_offset(written) / G_USEC_PER_SEC)
            return 0;
    }
    tz = g_time_zone_new_identifier(zone != NULL && zone[0] != '\0' ? zone : "UTC");
    if (tz == NULL)
        return error_set(err, ERROR_SETUP, "", "time zone \"%.60s\" is not known to this system",
                         zone);
    local = g_date_time_to_timezone(written, tz);
    g_time_zone_unref(tz);
    if (local != NULL) {
        set_date(date, local);
        g_date_time_unref(local);
    }
    if (local == NULL || !message_date_valid(date))
        *date = (struct message_date){.set = false};
    return 0;
}

/* ---- priority ---- */

static bool header_is(GMimeMessage *from, const char *name, const char *value)
{
    const char *text = g_mime_object_get_header(GMIME_OBJECT(from), name);

    return text != NULL && g_ascii_strcasecmp(text, value) == 0;
}

static bool wants_receipt(GMimeMessage *from)
{
    const char *text = g_mime_object_get_header(GMIME_OBJECT(from), "Disposition-Notification-To");

    return text != NULL &&
           text[strspn(text, " \t")] != '\0'; /* an empty one asks for none (Q113824) */
}

/* -1, 0 or 1. Importance wins over X-Priority, of which 1 and 2 are high ([MS-OXCMAIL] 2.2.3.2.5).
 */
static int importance(GMimeMessage *from)
{
    const char *number = g_mime_object_get_header(GMIME_OBJECT(from), "X-Priority");

    if (header_is(from, "Importance", "high"))
        return 1;
    if (header_is(from, "Importance", "low"))
        return -1;
    if (header_is(from, "Importance", "normal") || number == NULL)
        return 0;
    number += strspn(number, " \t");
    return number[0] == '1' || number[0] == '2' ? 1 : number[0] == '4' || number[0] == '5' ? -1 : 0;
}

static void read_priority(struct reading *reading, GMimeMessage *from)
{
    const char *raw = g_mime_object_get_header(GMIME_OBJECT(from), "X-MSMail-Priority-Raw");
    bool ours = g_mime_object_get_header(GMIME_OBJECT(from), "X-MSMail-Source") != NULL;
    char *priority = &reading->message->priority;
    int level = importance(from);

    if (raw != NULL && raw[0] != '\0' && raw[1] == '\0' && message_priority_valid(raw[0]))
        *priority = raw[0];
    else if (wants_receipt(from))
        *priority = 'R';
    else if (ours && header_is(from, "Auto-Submitted", "auto-replied"))
        *priority = 'C';
    else if (level > 0)
        *priority = header_is(from, "Priority", "urgent") ? '5' : '4';
    else
        *priority = level < 0 ? '1' : '3';
}

/* ---- EXT fields: "I:3:HEADLEN=9" ---- */

static int read_extra(struct reading *reading, const char *utf8, struct error *err)
{
    struct message *message = reading->message;
    char *line, *value, *name = NULL;
    int status = 0;

    if (encode_line(reading->options->codepage, utf8, &line, &reading->facts->lost_characters,
                    err) != 0)
        return -1;
    value = strchr(line, '=');
    if (value != NULL)
        *value++ = '\0';
    name = strchr(line, ':');
    name = name != NULL ? strchr(name + 1, ':') : NULL;
    if (value != NULL && name != NULL) {
        struct error failure;

        *name++ = '\0';
        status = message_add_extra_kind(message, line, name, value, &failure);
        if (status != 0 && failure.class == ERROR_DATA)
            status = 0; /* more than a message may have */
        else if (status != 0)
            error_set(err, failure.class, failure.status, "%s", failure.text);
    }
    free(line);
    return status;
}

static int read_extras(struct reading *reading, GMimeMessage *from, struct error *err)
{
    GMimeHeaderList *headers = g_mime_object_get_header_list(GMIME_OBJECT(from));
    int count = g_mime_header_list_get_count(headers);

    for (int i = 0; i < count && i < MOST_HEADERS; i++) {
        GMimeHeader *header = g_mime_header_list_get_header_at(headers, i);
        const char *value = g_mime_header_get_value(header);

        if (value != NULL &&
            g_ascii_strcasecmp(g_mime_header_get_name(header), "X-MSMail-Ext") == 0 &&
            read_extra(reading, value, err) != 0)
            return -1;
    }
    return 0;
}

int read_header(struct reading *reading, GMimeMessage *from, struct error *err)
{
    if (read_addresses(reading, from, err) != 0 || read_subject(reading, from, err) != 0 ||
        read_date(reading, from, err) != 0 || read_extras(reading, from, err) != 0)
        return -1;
    read_priority(reading, from);
    return 0;
}
