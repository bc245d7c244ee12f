/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/meeting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <libical/ical.h>

#include "message/message.h"

#define LONGEST (INT64_C(366) * 86400) /* a meeting that takes longer is a mistake of reading */

enum meeting_kind meeting_kind_of(const char *class)
{
    static const struct {
        const char *class;
        enum meeting_kind kind;
    } classes[] = {
        {"IPM.Microsoft Schedule.MtgReq", MEETING_REQUEST},
        {"IPM.Microsoft Schedule.MtgRespP", MEETING_ACCEPTED},
        {"IPM.Microsoft Schedule.MtgRespN", MEETING_DECLINED},
        {"IPM.Microsoft Schedule.MtgRespA", MEETING_TENTATIVE},
        {"IPM.Microsoft Schedule.MtgCncl", MEETING_CANCEL},
        {"IPM.Schedule.Meeting.Request", MEETING_REQUEST},
        {"IPM.Schedule.Meeting.Resp.Pos", MEETING_ACCEPTED},
        {"IPM.Schedule.Meeting.Resp.Neg", MEETING_DECLINED},
        {"IPM.Schedule.Meeting.Resp.Tent", MEETING_TENTATIVE},
        {"IPM.Schedule.Meeting.Canceled", MEETING_CANCEL},
    };
    size_t i;

    for (i = 0; class != NULL && i < sizeof classes / sizeof classes[0]; i++)
        if (g_ascii_strcasecmp(class, classes[i].class) == 0)
            return classes[i].kind;
    return MEETING_NONE;
}

const char *meeting_method(enum meeting_kind kind)
{
    switch (kind) {
    case MEETING_REQUEST:
        return "REQUEST";
    case MEETING_ACCEPTED:
    case MEETING_DECLINED:
    case MEETING_TENTATIVE:
        return "REPLY";
    case MEETING_CANCEL:
        return "CANCEL";
    case MEETING_NONE:
        break;
    }
    return NULL;
}

static GTimeZone *zone_of(const char *zone, struct error *err)
{
    GTimeZone *tz = g_time_zone_new_identifier(zone != NULL && zone[0] != '\0' ? zone : "UTC");

    if (tz == NULL)
        error_set(err, ERROR_SETUP, "", "time zone \"%.60s\" is not known to this system", zone);
    return tz;
}

/* The moment that clocks of TZ show as TIME. */
static bool moment(const struct tnef_time *time, GTimeZone *tz, int64_t *out)
{
    const struct message_date *date = &time->date;
    GDateTime *point;

    if (!message_date_valid(date))
        return false;
    point =
        time->utc
            ? g_date_time_new_utc(date->year, date->month, date->day, date->hour, date->minute, 0)
            : g_date_time_new(tz, date->year, date->month, date->day, date->hour, date->minute, 0);
    if (point == NULL)
        return false;
    *out = g_date_time_to_unix(point);
    g_date_time_unref(point);
    if (!time->utc) { /* what comes twice is the first of the two, whatever GLib prefers */
        int64_t first = *out - 3600;
        GDateTime *before = g_date_time_new_from_unix_utc(first);
        GDateTime *local = before != NULL ? g_date_time_to_timezone(before, tz) : NULL;
        if (local != NULL && g_date_time_get_hour(local) == date->hour &&
            g_date_time_get_minute(local) == date->minute &&
            g_date_time_get_day_of_month(local) == date->day)
            *out = first;
        if (local != NULL)
            g_date_time_unref(local);
        if (before != NULL)
            g_date_time_unref(before);
    }
    return true;
}

int meeting_read(struct meeting *out, enum meeting_kind kind, const struct tnef *tnef,
                 const char *zone, struct error *err)
{
    GTimeZone *tz = zone_of(zone, err);

    *out = (struct meeting){.kind = kind};
    if (tz == NULL)
        return -1;
    out->timed = out->kind != MEETING_NONE && moment(&tnef->start, tz, &out->start) &&
                 moment(&tnef->end, tz, &out->end) && out->end >= out->start &&
                 out->end - out->start <= LONGEST;
    g_time_zone_unref(tz);
    return 0;
}

static GDateTime *local_time(int64_t seconds, GTimeZone *tz)
{
    GDateTime *utc = g_date_time_new_from_unix_utc(seconds);
    GDateTime *local = g_date_time_to_timezone(utc, tz);

    g_date_time_unref(utc);
    return local;
}

/* "When: ..." with its line end. g_free. */
static char *when_line(const struct meeting *meeting, const char *name, GTimeZone *tz)
{
    GDateTime *start = local_time(meeting->start, tz), *end = local_time(meeting->end, tz);
    bool one_day = g_date_time_get_year(start) == g_date_time_get_year(end) &&
                   g_date_time_get_day_of_year(start) == g_date_time_get_day_of_year(end);
    char *from = g_date_time_format(start, "%Y-%m-%d %H:%M");
    char *to = g_date_time_format(end, one_day ? "%H:%M" : "%Y-%m-%d %H:%M");
    char *line = g_strdup_printf("When: %s - %s (%s)\n", from, to, name);

    g_free(from);
    g_free(to);
    g_date_time_unref(start);
    g_date_time_unref(end);
    return line;
}

int meeting_when(const struct meeting *meeting, const char *zone, const char *location, char **out,
                 struct error *err)
{
    const char *name = zone != NULL && zone[0] != '\0' ? zone : "UTC";
    char *line, *lines;
    GTimeZone *tz;

    *out = NULL;
    if (!meeting->timed && location == NULL)
        return 0;
    tz = zone_of(zone, err);
    if (tz == NULL)
        return -1;
    line = meeting->timed ? when_line(meeting, name, tz) : g_strdup("");
    lines = location != NULL ? g_strdup_printf("%sWhere: %s\n", line, location) : g_strdup(line);
    *out = strdup(lines);
    g_free(lines);
    g_free(line);
    g_time_zone_unref(tz);
    return *out != NULL ? 0 : error_sys(err, ERROR_SOFT, "4.3.0", "meeting: no memory");
}

/*
 * The same for a request, its answers and its cancellation: they agree on who called the meeting
 * and on his number for it; without a number, on the times.
 */
static void make_uid(const struct meeting *meeting, const struct meeting_event *event,
                     char out[FINGERPRINT_HEX_SIZE])
{
    char *owner = g_ascii_strdown(event->organizer.address, -1);
    uint8_t sum[FINGERPRINT_SIZE];
    char *key;

    if (event->tnef->has_owner_id && event->tnef->owner_id != 0)
        key = g_strdup_printf("id\n%s\n%u", owner, event->tnef->owner_id);
    else
        key = g_strdup_printf("time\n%s\n%lld\n%lld", owner, (long long)meeting->start,
                              (long long)meeting->end);
    fingerprint_octets(key, strlen(key), sum);
    fingerprint_hex(sum, out);
    g_free(key);
    g_free(owner);
}

static struct icaltimetype utc_time(int64_t seconds)
{
    return icaltime_from_timet_with_zone((time_t)seconds, 0, icaltimezone_get_utc_timezone());
}

/* A name as the value of a parameter: quotes and controls are not possible in one. */
static icalparameter *cn(const char *name)
{
    char *clean = g_strdup(name), *each;
    icalparameter *parameter;

    for (each = clean; *each != '\0'; each++)
        if (*each == '"' || (unsigned char)*each < 0x20 || *each == 0x7F)
            *each = ' ';
    parameter = icalparameter_new_cn(clean);
    g_free(clean);
    return parameter;
}

static icalproperty *person(bool organizer, const struct meeting_person *who)
{
    char *address = g_strconcat("mailto:", who->address, NULL);
    icalproperty *property =
        organizer ? icalproperty_new_organizer(address) : icalproperty_new_attendee(address);

    if (who->name != NULL && who->name[0] != '\0')
        icalproperty_add_parameter(property, cn(who->name));
    g_free(address);
    return property;
}

static icalparameter_partstat partstat(enum meeting_kind kind)
{
    if (kind == MEETING_ACCEPTED)
        return ICAL_PARTSTAT_ACCEPTED;
    if (kind == MEETING_DECLINED)
        return ICAL_PARTSTAT_DECLINED;
    return kind == MEETING_TENTATIVE ? ICAL_PARTSTAT_TENTATIVE : ICAL_PARTSTAT_NEEDSACTION;
}

static void add_attendees(icalcomponent *event, const struct meeting *meeting,
                          const struct meeting_event *facts)
{
    icalproperty *property;
    size_t i;

    for (i = 0; i < facts->attendee_count; i++) {
        property = person(false, &facts->attendees[i]);
        icalproperty_add_parameter(property, icalparameter_new_partstat(partstat(meeting->kind)));
        if (meeting->kind == MEETING_REQUEST)
            icalproperty_add_parameter(property,
                                       icalparameter_new_rsvp(facts->tnef->response_requested == 0
                                                                  ? ICAL_RSVP_FALSE
                                                                  : ICAL_RSVP_TRUE));
        icalcomponent_add_property(event, property);
    }
}

static icalcomponent *make_event(const struct meeting *meeting, const struct meeting_event *facts)
{
    icalcomponent *event = icalcomponent_new(ICAL_VEVENT_COMPONENT);
    char uid[FINGERPRINT_HEX_SIZE];

    make_uid(meeting, facts, uid);
    icalcomponent_add_property(event, icalproperty_new_uid(uid));
    icalcomponent_add_property(event, icalproperty_new_dtstamp(utc_time(facts->stamp)));
    icalcomponent_add_property(event, icalproperty_new_dtstart(utc_time(meeting->start)));
    icalcomponent_add_property(event, icalproperty_new_dtend(utc_time(meeting->end)));
    icalcomponent_add_property(event,
                               icalproperty_new_sequence(meeting->kind == MEETING_CANCEL ? 1 : 0));
    icalcomponent_add_property(
        event, icalproperty_new_summary(facts->subject != NULL ? facts->subject : ""));
    if (facts->tnef->location != NULL)
        icalcomponent_add_property(event, icalproperty_new_location(facts->tnef->location));
    if (facts->description != NULL)
        icalcomponent_add_property(event, icalproperty_new_description(facts->description));
    if (meeting->kind == MEETING_CANCEL)
        icalcomponent_add_property(event, icalproperty_new_status(ICAL_STATUS_CANCELLED));
    icalcomponent_add_property(event, person(true, &facts->organizer));
    add_attendees(event, meeting, facts);
    return event;
}

static icalproperty_method method_of(enum meeting_kind kind)
{
    if (kind == MEETING_REQUEST)
        return ICAL_METHOD_REQUEST;
    return kind == MEETING_CANCEL ? ICAL_METHOD_CANCEL : ICAL_METHOD_REPLY;
}

int meeting_calendar(const struct meeting *meeting, const struct meeting_event *event, char **out,
                     struct error *err)
{
    bool answer = meeting->kind == MEETING_ACCEPTED || meeting->kind == MEETING_DECLINED ||
                  meeting->kind == MEETING_TENTATIVE;
    icalcomponent *calendar;

    *out = NULL;
    if (!meeting->timed || event->organizer.address == NULL ||
        (answer && event->attendee_count != 1))
        return 0;
    calendar = icalcomponent_new(ICAL_VCALENDAR_COMPONENT);
    icalcomponent_add_property(calendar, icalproperty_new_prodid("-//msmailgw//Schedule+//EN"));
    icalcomponent_add_property(calendar, icalproperty_new_version("2.0"));
    icalcomponent_add_property(calendar, icalproperty_new_method(method_of(meeting->kind)));
    icalcomponent_add_component(calendar, make_event(meeting, event));
    *out = icalcomponent_as_ical_string_r(calendar);
    icalcomponent_free(calendar);
    return *out != NULL ? 0 : error_sys(err, ERROR_SOFT, "4.3.0", "meeting: no memory");
}
