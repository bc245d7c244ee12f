/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a TNEF stream, and a message inside another as a message of its own. */
#include "config.h"

#include "message/tnef-int.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "message/charset.h"
#include "message/rtf.h"

#define NAME "WINMAIL.DAT"

static int read_range(const struct content *content, const struct tnef_range *range, size_t limit,
                      uint8_t **out, struct error *err)
{
    if (range->size > limit) {
        error_set(err, ERROR_DATA, "5.6.0", "%s: a text of %llu octets, more than %zu", NAME,
                  (unsigned long long)range->size, limit);
        return -1;
    }
    *out = malloc((size_t)range->size + 2);
    if (*out == NULL) {
        error_sys(err, ERROR_SOFT, "4.3.0", "%s: no memory", NAME);
        return -1;
    }
    if (content_read(content, range->offset, *out, (size_t)range->size, err) != 0) {
        free(*out);
        return -1;
    }
    return 0;
}

int tnef_rtf(const struct tnef *tnef, const struct content *content, char **out, size_t *size,
             struct error *err)
{
    uint8_t *packed;
    int status;

    *out = NULL;
    *size = 0;
    if (!tnef->rtf.set)
        return 0;
    if (read_range(content, &tnef->rtf, RTF_MAX_COMPRESSED, &packed, err) != 0)
        return -1;
    status = rtf_decompress(packed, (size_t)tnef->rtf.size, out, size, err);
    free(packed);
    return status;
}

static int body_of_rtf(const struct tnef *tnef, const struct content *content, struct content **out,
                       struct error *err)
{
    struct rtf_result result;
    char *rtf;
    size_t size;
    int status;

    if (tnef_rtf(tnef, content, &rtf, &size, err) != 0 || rtf == NULL)
        return err->class == ERROR_SOFT ? -1 : 0;
    status = rtf_convert(rtf, size, &result, err);
    free(rtf);
    if (status != 0)
        return err->class == ERROR_DATA ? 0 : -1;
    status = content_from_bytes(out, result.text, strlen(result.text), err);
    rtf_clear(&result);
    return status;
}

static int body_of_utf16(const struct tnef *tnef, const struct content *content,
                         struct content **out, struct error *err)
{
    uint8_t *octets;
    size_t units = (size_t)(tnef->body.size / 2), i;
    gunichar2 *wide;
    char *text;
    glong used = 0;
    int status;

    if (read_range(content, &tnef->body, RTF_MAX, &octets, err) != 0)
        return err->class == ERROR_DATA ? 0 : -1;
    wide = g_new0(gunichar2, units + 1);
    for (i = 0; i < units; i++)
        wide[i] = (gunichar2)(octets[2 * i] | octets[2 * i + 1] << 8);
    free(octets);
    text = g_utf16_to_utf8(wide, -1, &used, NULL, NULL);
    if (text == NULL) /* half a pair of surrogates: what stands before it */
        text = g_utf16_to_utf8(wide, used, NULL, NULL, NULL);
    g_free(wide);
    if (text == NULL)
        return 0;
    status = content_from_bytes(out, text, strlen(text), err);
    g_free(text);
    return status;
}

int tnef_body(const struct tnef *tnef, const struct content *content, const char *directory,
              struct content **out, struct error *err)
{
    struct charset_facts facts;
    struct content *octets;
    int status;

    *out = NULL;
    error_clear(err);
    if (!tnef->body.set)
        return body_of_rtf(tnef, content, out, err);
    if (tnef->body_utf16)
        return body_of_utf16(tnef, content, out, err);
    if (tnef_extract(content, &tnef->body, directory, &octets, err) != 0)
        return -1;
    status = charset_text(tnef->codepage, octets, directory, out, &facts, err);
    content_free(octets);
    return status;
}

static GTimeZone *zone_of(const char *zone, struct error *err)
{
    GTimeZone *tz = g_time_zone_new_identifier(zone != NULL && zone[0] != '\0' ? zone : "UTC");

    if (tz == NULL)
        error_set(err, ERROR_SETUP, "", "time zone \"%.60s\" is not known to this system", zone);
    return tz;
}

int tnef_local(const struct tnef_time *time, const char *zone, struct message_date *out,
               struct error *err)
{
    const struct message_date *date = &time->date;
    GDateTime *utc, *local;
    GTimeZone *tz;

    *out = *date;
    if (!date->set || !time->utc)
        return 0;
    tz = zone_of(zone, err);
    if (tz == NULL)
        return -1;
    utc = g_date_time_new_utc(date->year, date->month, date->day, date->hour, date->minute, 0);
    local = utc != NULL ? g_date_time_to_timezone(utc, tz) : NULL;
    out->set = local != NULL;
    if (local != NULL) {
        *out = (struct message_date){true,
                                     g_date_time_get_year(local),
                                     g_date_time_get_month(local),
                                     g_date_time_get_day_of_month(local),
                                     g_date_time_get_hour(local),
                                     g_date_time_get_minute(local)};
        g_date_time_unref(local);
    }
    if (utc != NULL)
        g_date_time_unref(utc);
    g_time_zone_unref(tz);
    return 0;
}

/* Somebody in the message; what is not an address is left out. */
static int add_person(struct message *message, enum address_role role, const char *address,
                      const char *name, struct error *err)
{
    if (address == NULL)
        return 0;
    if (message_add_address(message, role, address, strlen(address), err) != 0)
        return err->class == ERROR_DATA ? 0 : -1;
    return name != NULL ? message_name_address(message, name, err) : 0;
}

static int add_sender(const struct tnef *tnef, struct message *message, struct error *err)
{
    if (add_person(message, ADDRESS_FROM, tnef->sender_address, tnef->sender_name, err) != 0)
        return -1;
    if (message_from(message) != NULL || tnef->sender_name == NULL)
        return 0;
    message->sender_name = strdup(tnef->sender_name);
    return message->sender_name != NULL
               ? 0
               : error_sys(err, ERROR_SOFT, "4.3.0", "%s: no memory", NAME);
}

#define RECIPIENT_TO 1
#define RECIPIENT_CC 2

/* A row of the table of recipients. */
struct row {
    uint32_t kind;
    char *name, *type, *address;
};

static void row_clear(struct row *row)
{
    free(row->name);
    free(row->type);
    free(row->address);
    memset(row, 0, sizeof *row);
}

static int row_text(const struct tnef *tnef, const struct content *content,
                    const struct tnef_property *property, char **out, struct error *err)
{
    if (PROP_TYPE(property->tag) == PROP_UNICODE)
        return tnef_text16(content, &property->value, out, err);
    if (PROP_TYPE(property->tag) == PROP_STRING8)
        return tnef_text(content, &property->value, tnef->codepage, out, err);
    return 0;
}

static int row_take(const struct tnef *tnef, const struct content *content,
                    const struct tnef_property *property, struct row *row, struct error *err)
{
    struct window window;

    switch (PROP_ID(property->tag)) {
    case 0x0C15: /* PR_RECIPIENT_TYPE */
        window_init(&window, content, &property->value);
        return window_u32(&window, &row->kind, err);
    case 0x3001: /* PR_DISPLAY_NAME */
        return row_text(tnef, content, property, &row->name, err);
    case 0x3002: /* PR_ADDRTYPE */
        return row_text(tnef, content, property, &row->type, err);
    case 0x3003: /* PR_EMAIL_ADDRESS */
        return row_text(tnef, content, property, &row->address, err);
    default:
        return 0;
    }
}

/* "TYPE:ADDRESS", or the name when there is no address. Who was hidden stays so. */
static int add_row(const struct row *row, struct message *message, struct error *err)
{
    enum address_role role = row->kind == RECIPIENT_CC ? ADDRESS_CC : ADDRESS_TO;
    const char *address = row->address != NULL ? row->address : row->name;
    char *whole;
    int status;

    if (address == NULL || (row->kind != RECIPIENT_TO && row->kind != RECIPIENT_CC))
        return 0;
    whole = row->address != NULL && row->type != NULL && strchr(address, ':') == NULL
                ? g_strdup_printf("%s:%s", row->type, address)
                : g_strdup(address);
    status = add_person(message, role, whole, row->name, err);
    g_free(whole);
    return status;
}

static int read_row(const struct tnef *tnef, const struct content *content,
                    struct tnef_properties *list, struct row *row, struct error *err)
{
    struct tnef_property property;

    if (window_u32(&list->window, &list->left, err) != 0)
        return -1;
    while (list->left != 0) {
        if (tnef_properties_next(list, &property, err) != 0 ||
            (property.value.set && row_take(tnef, content, &property, row, err) != 0))
            return -1;
    }
    return 0;
}

/* Rows up to the first that makes no sense. */
static int add_recipients(const struct tnef *tnef, const struct content *content,
                          struct message *message, struct error *err)
{
    uint32_t budget = TNEF_BUDGET, rows;
    struct tnef_properties list = {.budget = &budget};
    struct row row = {0};
    int status = 0;

    if (!tnef->recipient_table.set)
        return 0;
    window_init(&list.window, content, &tnef->recipient_table);
    if (window_u32(&list.window, &rows, err) != 0)
        return err->class == ERROR_DATA ? 0 : -1;
    for (; rows > 0 && status == 0; rows--) {
        status = read_row(tnef, content, &list, &row, err);
        if (status == 0)
            status = add_row(&row, message, err);
        row_clear(&row);
    }
    return status == 0 || err->class == ERROR_DATA ? 0 : -1;
}

static int fill(const struct tnef *tnef, const struct content *content, const char *zone,
                const char *directory, struct message *message, struct error *err)
{
    const char *subject = tnef->subject != NULL ? tnef->subject : "";
    struct content *stream;

    if (tnef_local(&tnef->sent, zone, &message->date, err) != 0 ||
        message_set_subject(message, subject, strlen(subject), err) != 0 ||
        add_sender(tnef, message, err) != 0 || add_recipients(tnef, content, message, err) != 0 ||
        tnef_body(tnef, content, directory, &message->text, err) != 0 ||
        tnef_extract(content, &tnef->stream, directory, &stream, err) != 0)
        return -1;
    return message_add_attachment(message, NAME, strlen(NAME), stream, err);
}

int tnef_message(const struct tnef *tnef, const struct content *content, const char *postoffice,
                 const char *zone, const char *directory, struct message **out, struct error *err)
{
    struct message *message;

    if (message_new(&message, postoffice, "UTF-8", err) != 0)
        return -1;
    if (fill(tnef, content, zone, directory, message, err) != 0) {
        message_free(message);
        return -1;
    }
    *out = message;
    return 0;
}
