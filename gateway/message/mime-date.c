/* SPDX-License-Identifier: BSD-2-Clause */
/* From the writer's local time to the Date header. The zone of the process plays no part. */
#include "config.h"

#include "message/mime-int.h"

static GTimeZone *zone_open(const char *zone, struct error *err)
{
    GTimeZone *tz = g_time_zone_new_identifier(zone != NULL && zone[0] != '\0' ? zone : "UTC");

    if (tz == NULL)
        error_set(err, ERROR_SETUP, "", "time zone \"%.60s\" is not known to this system", zone);
    return tz;
}

static gint64 as_if_utc(const struct message_date *date)
{
    GDateTime *time =
        g_date_time_new_utc(date->year, date->month, date->day, date->hour, date->minute, 0);
    gint64 seconds = time != NULL ? g_date_time_to_unix(time) : 0;

    if (time != NULL)
        g_date_time_unref(time);
    return seconds;
}

int date_offset(const char *zone, const struct message_date *date, int *seconds, struct error *err)
{
    GTimeZone *tz = zone_open(zone, err);
    gint64 local = as_if_utc(date);
    int interval;

    if (tz == NULL)
        return -1;
    interval = g_time_zone_find_interval(tz, G_TIME_TYPE_STANDARD, local);
    if (interval < 0) {
        /* Clocks were put forward over this time: adjust gives the interval behind the gap, and
         * the offset of the time before it is the standard one. */
        gint64 moved = local;
        interval = g_time_zone_adjust_time(tz, G_TIME_TYPE_STANDARD, &moved);
        if (interval > 0)
            interval--;
    }
    *seconds = g_time_zone_get_offset(tz, interval);
    g_time_zone_unref(tz);
    return 0;
}
