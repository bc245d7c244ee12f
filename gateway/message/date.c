/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/date.h"

#include <stdio.h>
#include <string.h>

#include <glib.h>

#define MINUTE_S 60
#define YEAR_S INT64_C(31556952) /* of the Gregorian calendar, on average */

static GTimeZone *zone_open(const char *zone, struct error *err)
{
    GTimeZone *tz = g_time_zone_new_identifier(zone != NULL && zone[0] != '\0' ? zone : "UTC");

    if (tz == NULL)
        error_set(err, ERROR_SETUP, "", "time zone \"%.60s\" is not known to this system", zone);
    return tz;
}

static int64_t as_if_utc(const struct message_date *date)
{
    GDateTime *time =
        g_date_time_new_utc(date->year, date->month, date->day, date->hour, date->minute, 0);
    int64_t seconds = time != NULL ? g_date_time_to_unix(time) : 0;

    if (time != NULL)
        g_date_time_unref(time);
    return seconds;
}

/* Whether LOCAL with summer time is another instant than with standard time. */
static bool is_twice(GTimeZone *tz, gint64 local, int standard)
{
    int interval = g_time_zone_find_interval(tz, G_TIME_TYPE_DAYLIGHT, local);

    return interval >= 0 && g_time_zone_get_offset(tz, interval) != standard;
}

/* Seconds east of UTC of a local time; of two, or of none, the standard time's. */
static int offset_of(GTimeZone *tz, gint64 local, enum date_note *note)
{
    int interval = g_time_zone_find_interval(tz, G_TIME_TYPE_STANDARD, local);
    int seconds;

    *note = DATE_AS_WRITTEN;
    if (interval < 0) {
        /* Clocks were put forward over this time: adjust gives the interval behind the gap, and
         * the offset of the time before it is the standard one. */
        gint64 moved = local;

        *note = DATE_NEVER;
        interval = g_time_zone_adjust_time(tz, G_TIME_TYPE_STANDARD, &moved);
        if (interval > 0)
            interval--;
    }
    seconds = g_time_zone_get_offset(tz, interval);
    if (*note == DATE_AS_WRITTEN && is_twice(tz, local, seconds))
        *note = DATE_TWICE;
    /* Before about 1920 offsets had seconds, which a Date cannot say. */
    return seconds / MINUTE_S * MINUTE_S;
}

static void place(GTimeZone *tz, const struct message_date *date, int64_t *unix_s, int *offset_s,
                  enum date_note *note)
{
    int64_t local = as_if_utc(date);

    *offset_s = offset_of(tz, local, note);
    *unix_s = local - *offset_s;
}

int date_local(const struct message_date *date, const char *zone, int64_t *unix_s, int *offset_s,
               enum date_note *note, struct error *err)
{
    GTimeZone *tz = zone_open(zone, err);
    enum date_note ignored;

    if (tz == NULL)
        return -1;
    place(tz, date, unix_s, offset_s, note != NULL ? note : &ignored);
    g_time_zone_unref(tz);
    return 0;
}

/* When it was received: the mailbag's stamp, if it can be; else our own clock, in UTC, because the
 * zone is about what people wrote. True when it is the stamp. */
static bool received_at(GTimeZone *tz, const struct message_date *received, int64_t now_s,
                        struct date_sent *out)
{
    enum date_note ignored;

    if (message_date_valid(received)) {
        place(tz, received, &out->unix_s, &out->offset_s, &ignored);
        if (received->year >= DATE_FIRST_YEAR && out->unix_s <= now_s + DATE_AHEAD_S)
            return true;
    }
    out->unix_s = now_s;
    out->offset_s = 0;
    return false;
}

static enum date_note judge(const struct message_date *date, int64_t unix_s,
                            const struct date_sent *received, bool stamped)
{
    if (unix_s > received->unix_s + DATE_AHEAD_S)
        return DATE_FUTURE;
    if (date->year < DATE_FIRST_YEAR ||
        (stamped && unix_s < received->unix_s - DATE_BACK_YEARS * YEAR_S))
        return DATE_OLD;
    return DATE_AS_WRITTEN;
}

static void keep_original(const struct message_date *date, char out[DATE_ORIGINAL_SIZE])
{
    snprintf(out, DATE_ORIGINAL_SIZE, "%04d-%02d-%02d %02d:%02d", date->year % 10000,
             date->month % 100, date->day % 100, date->hour % 100, date->minute % 100);
}

int date_sent(const struct message_date *date, const struct message_date *received,
              const char *zone, int64_t received_ms, struct date_sent *out, struct error *err)
{
    GTimeZone *tz = zone_open(zone, err);
    enum date_note note, wrong;
    int64_t unix_s;
    int offset_s;
    bool stamped;

    if (tz == NULL)
        return -1;
    memset(out, 0, sizeof *out);
    stamped = received_at(tz, received, received_ms / 1000, out);
    out->note = DATE_MISSING;
    if (message_date_valid(date)) {
        place(tz, date, &unix_s, &offset_s, &note);
        wrong = judge(date, unix_s, out, stamped);
        out->note = wrong;
        if (wrong == DATE_AS_WRITTEN) {
            out->unix_s = unix_s;
            out->offset_s = offset_s;
            out->note = note;
        } else {
            keep_original(date, out->original);
        }
    }
    g_time_zone_unref(tz);
    return 0;
}

void date_rfc5322(int64_t unix_s, int offset_s, char out[DATE_RFC5322_SIZE])
{
    static const char days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    GDateTime *time = g_date_time_new_from_unix_utc(unix_s + offset_s);
    int minutes = ABS(offset_s) / MINUTE_S;

    out[0] = '\0';
    if (time == NULL)
        return;
    snprintf(out, DATE_RFC5322_SIZE, "%s, %02d %s %04d %02d:%02d:%02d %c%02d%02d",
             days[g_date_time_get_day_of_week(time) - 1], g_date_time_get_day_of_month(time),
             months[g_date_time_get_month(time) - 1], g_date_time_get_year(time),
             g_date_time_get_hour(time), g_date_time_get_minute(time), g_date_time_get_second(time),
             offset_s < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
    g_date_time_unref(time);
}

const char *date_note_text(enum date_note note)
{
    switch (note) {
    case DATE_AS_WRITTEN:
        return "";
    case DATE_TWICE:
        return "was a time that came twice when clocks were put back; standard time is taken";
    case DATE_NEVER:
        return "was a time that clocks were put forward over; standard time is taken";
    case DATE_MISSING:
        return "is missing or impossible; when the message was received is taken";
    case DATE_FUTURE:
        return "is more than a day after the message was received, which is taken instead";
    case DATE_OLD:
        return "is of a clock that was wrong; when the message was received is taken";
    }
    return "";
}
