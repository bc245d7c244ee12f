/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of properties ([MS-OXTNEF] 2.1.3.4). */
#include "config.h"

#include "message/tnef-int.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define SEVERAL 0x1000     /* bit of the type: several values */
#define FIRST_NAMED 0x8000 /* identifiers from here on have a name */
#define NAME_IS_TEXT 1

/* IID_IMessage {00020307-0000-0000-C000-000000000046}: the object is a stream as this one. */
static const uint8_t iid_message[16] = {0x07, 0x03, 0x02, 0, 0, 0, 0, 0,
                                        0xC0, 0,    0,    0, 0, 0, 0, 0x46};

int tnef_properties_begin(struct tnef_properties *list, const struct content *content,
                          const struct tnef_range *range, uint32_t *budget, struct error *err)
{
    window_init(&list->window, content, range);
    list->budget = budget;
    list->left = 0;
    return window_u32(&list->window, &list->left, err);
}

static int spend(uint32_t *budget, struct error *err)
{
    if (*budget == 0)
        return error_set(err, ERROR_DATA, "5.6.0", "WINMAIL.DAT: more than %d properties",
                         TNEF_BUDGET);
    (*budget)--;
    return 0;
}

static int skip_padded(struct window *window, uint64_t size, struct error *err)
{
    uint64_t padded = (size + 3) & ~(uint64_t)3;

    /* The last value of an attribute is not always padded. */
    if (padded > window_left(window) && size <= window_left(window))
        padded = window_left(window);
    return window_skip(window, padded, err);
}

/* A set of names, then a number in it, or a text. */
static int read_name(struct window *window, struct tnef_property *out, struct error *err)
{
    uint32_t kind, value;

    if (window_bytes(window, out->name_set, sizeof out->name_set, err) != 0 ||
        window_u32(window, &kind, err) != 0 || window_u32(window, &value, err) != 0)
        return -1;
    if (kind == NAME_IS_TEXT)
        return skip_padded(window, value, err);
    out->name_number = value;
    return 0;
}

/* Octets of a value that has always as many, in the list; 0: its size stands before it. */
static int fixed_size(uint32_t type, size_t *size, struct error *err)
{
    switch (type & ~(uint32_t)SEVERAL) {
    case 0x0002:
    case PROP_LONG:
    case 0x0004:
    case 0x000A:
    case PROP_BOOLEAN:
        *size = 4;
        return 0;
    case 0x0005:
    case 0x0006:
    case 0x0007:
    case 0x0014:
    case PROP_SYSTIME:
        *size = 8;
        return 0;
    case 0x0048:
        *size = 16;
        return 0;
    case PROP_OBJECT:
    case PROP_STRING8:
    case PROP_UNICODE:
    case PROP_BINARY:
        *size = 0;
        return 0;
    default:
        return error_set(err, ERROR_DATA, "5.6.0", "WINMAIL.DAT: a property of type 0x%04X", type);
    }
}

static int read_value(struct window *window, size_t fixed, struct tnef_range *out,
                      struct error *err)
{
    uint32_t size = (uint32_t)fixed;

    if (fixed == 0 && window_u32(window, &size, err) != 0)
        return -1;
    *out = (struct tnef_range){.set = true, .offset = window->at, .size = size};
    return skip_padded(window, size, err);
}

int tnef_properties_next(struct tnef_properties *list, struct tnef_property *out, struct error *err)
{
    struct window *window = &list->window;
    struct tnef_range value;
    uint32_t count = 1, i;
    size_t fixed = 0;

    memset(out, 0, sizeof *out);
    out->whole.offset = window->at;
    if (spend(list->budget, err) != 0 || window_u32(window, &out->tag, err) != 0 ||
        fixed_size(PROP_TYPE(out->tag), &fixed, err) != 0)
        return -1;
    if (PROP_ID(out->tag) >= FIRST_NAMED && read_name(window, out, err) != 0)
        return -1;
    if ((fixed == 0 || (out->tag & SEVERAL) != 0) && window_u32(window, &count, err) != 0)
        return -1;
    for (i = 0; i < count; i++) {
        if (spend(list->budget, err) != 0 || read_value(window, fixed, &value, err) != 0)
            return -1;
        if (i == 0)
            out->value = value;
    }
    out->whole.set = true;
    out->whole.size = window->at - out->whole.offset;
    list->left--;
    return 0;
}

static int number(const struct content *content, const struct tnef_range *range, uint32_t *out,
                  struct error *err)
{
    struct window window;

    window_init(&window, content, range);
    return window_u32(&window, out, err);
}

/* 100 nanoseconds since 1601, UTC. */
static int systime(const struct content *content, const struct tnef_range *range,
                   struct tnef_time *out, struct error *err)
{
    struct window window;
    uint32_t low, high;
    GDateTime *time;
    int64_t seconds;

    if (out->date.set)
        return 0;
    window_init(&window, content, range);
    if (window_u32(&window, &low, err) != 0 || window_u32(&window, &high, err) != 0)
        return -1;
    seconds = (int64_t)(((uint64_t)high << 32 | low) / 10000000) - 11644473600;
    time = g_date_time_new_from_unix_utc(seconds);
    if (time == NULL)
        return 0;
    out->utc = true;
    out->date = (struct message_date){.set = true,
                                      .year = g_date_time_get_year(time),
                                      .month = g_date_time_get_month(time),
                                      .day = g_date_time_get_day_of_month(time),
                                      .hour = g_date_time_get_hour(time),
                                      .minute = g_date_time_get_minute(time)};
    out->date.set = message_date_valid(&out->date);
    g_date_time_unref(time);
    return 0;
}

/* A text that is not set yet. */
static int text(const struct tnef_reader *reader, const struct tnef_property *property, char **out,
                struct error *err)
{
    if (*out != NULL)
        return 0;
    if (PROP_TYPE(property->tag) == PROP_UNICODE)
        return tnef_text16(reader->content, &property->value, out, err);
    if (PROP_TYPE(property->tag) == PROP_STRING8)
        return tnef_text(reader->content, &property->value, reader->tnef->codepage, out, err);
    return 0;
}

static void body(struct tnef *tnef, const struct tnef_property *property)
{
    uint32_t type = PROP_TYPE(property->tag);

    if (tnef->body.set || (type != PROP_STRING8 && type != PROP_UNICODE))
        return;
    tnef->body = property->value;
    tnef->body_utf16 = type == PROP_UNICODE;
}

/* PidLidLocation and PidLidWhere ([MS-OXPROPS]): where a meeting is. */
static bool is_location(const struct tnef_property *property)
{
    static const uint8_t appointment[16] = {0x02, 0x20, 0x06, 0, 0, 0, 0, 0,
                                            0xC0, 0,    0,    0, 0, 0, 0, 0x46};
    static const uint8_t meeting[16] = {0x90, 0xDA, 0xD8, 0x6E, 0x0B, 0x45, 0x1B, 0x10,
                                        0x98, 0xDA, 0x00, 0xAA, 0x00, 0x3F, 0x13, 0x05};

    return (property->name_number == 0x8208 && memcmp(property->name_set, appointment, 16) == 0) ||
           (property->name_number == 0x0002 && memcmp(property->name_set, meeting, 16) == 0);
}

struct sender {
    char *type;
    char *address;
};

/* A property that is no text. */
static int take_number(struct tnef_reader *reader, const struct tnef_property *property,
                       struct error *err)
{
    struct tnef *tnef = reader->tnef;
    uint32_t value;

    switch (property->tag) {
    case 0x00390040:
        return systime(reader->content, &property->value, &tnef->sent, err);
    case 0x00600040:
        return systime(reader->content, &property->value, &tnef->start, err);
    case 0x00610040:
        return systime(reader->content, &property->value, &tnef->end, err);
    case 0x00620003:
        if (tnef->has_owner_id)
            return 0;
        tnef->has_owner_id = true;
        return number(reader->content, &property->value, &tnef->owner_id, err);
    case 0x0063000B:
        if (number(reader->content, &property->value, &value, err) != 0)
            return -1;
        if (tnef->response_requested < 0)
            tnef->response_requested = (value & 0xFFFF) != 0;
        return 0;
    default:
        return 0;
    }
}

static int take(struct tnef_reader *reader, const struct tnef_property *property,
                struct sender *sender, struct error *err)
{
    struct tnef *tnef = reader->tnef;

    if (PROP_ID(property->tag) >= FIRST_NAMED)
        return is_location(property) ? text(reader, property, &tnef->location, err) : 0;
    switch (PROP_ID(property->tag)) {
    case 0x001A:
        return text(reader, property, &tnef->class, err);
    case 0x0037:
        return text(reader, property, &tnef->subject, err);
    case 0x0070:
        return text(reader, property, &tnef->topic, err);
    case 0x0071:
        if (PROP_TYPE(property->tag) == PROP_BINARY)
            tnef->index = property->value;
        return 0;
    case 0x0C1A:
        return text(reader, property, &tnef->sender_name, err);
    case 0x0C1E:
        return text(reader, property, &sender->type, err);
    case 0x0C1F:
        return text(reader, property, &sender->address, err);
    case 0x1000:
        body(tnef, property);
        return 0;
    case 0x1009:
        if (PROP_TYPE(property->tag) == PROP_BINARY && !tnef->rtf.set)
            tnef->rtf = property->value;
        return 0;
    case 0x1013:
        if ((PROP_TYPE(property->tag) == PROP_BINARY || PROP_TYPE(property->tag) == PROP_STRING8) &&
            !tnef->html.set)
            tnef->html = property->value;
        return 0;
    default:
        return take_number(reader, property, err);
    }
}

/* "TYPE:ADDRESS", as in attFrom. */
static int join_sender(struct tnef *tnef, const struct sender *sender, struct error *err)
{
    size_t size;

    if (tnef->sender_address != NULL || sender->address == NULL)
        return 0;
    size = strlen(sender->address) + (sender->type != NULL ? strlen(sender->type) : 0) + 2;
    tnef->sender_address = malloc(size);
    if (tnef->sender_address == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "WINMAIL.DAT: no memory");
    tnef->sender_address[0] = '\0';
    if (sender->type != NULL)
        g_snprintf(tnef->sender_address, size, "%s:", sender->type);
    g_strlcat(tnef->sender_address, sender->address, size);
    return 0;
}

int tnef_take_properties(struct tnef_reader *reader, const struct tnef_range *range,
                         struct error *err)
{
    struct sender sender = {NULL, NULL};
    struct tnef_properties list;
    struct tnef_property property;
    int status = tnef_properties_begin(&list, reader->content, range, reader->budget, err);

    while (status == 0 && list.left != 0) {
        status = tnef_properties_next(&list, &property, err);
        if (status == 0 && property.value.set)
            status = take(reader, &property, &sender, err);
    }
    if (status == 0 || err->class == ERROR_DATA) {
        struct error ignored = {0};
        if (join_sender(reader->tnef, &sender, &ignored) != 0) {
            *err = ignored;
            status = -1;
        }
    }
    free(sender.type);
    free(sender.address);
    return status;
}

/* PR_ATTACH_DATA_BIN, or an object: its interface, then the octets. */
static int take_data(struct tnef_reader *reader, const struct tnef_property *property,
                     struct error *err)
{
    struct tnef_attachment *attachment = reader->attachment;
    struct tnef_range inside = property->value;
    uint8_t iid[16];

    if (PROP_TYPE(property->tag) == PROP_BINARY) {
        if (!attachment->data.set)
            attachment->data = property->value;
        return 0;
    }
    if (PROP_TYPE(property->tag) != PROP_OBJECT || inside.size < sizeof iid)
        return 0;
    if (content_read(reader->content, inside.offset, iid, sizeof iid, err) != 0)
        return -1;
    inside.offset += sizeof iid;
    inside.size -= sizeof iid;
    attachment->data = inside;
    if (memcmp(iid, iid_message, sizeof iid) != 0)
        return 0;
    attachment->kind = TNEF_MESSAGE;
    tnef_free(attachment->message);
    attachment->message = NULL;
    if (reader->depth >= TNEF_MAX_DEPTH) {
        reader->tnef->truncated = true;
        return 0;
    }
    if (tnef_read_inside(&attachment->message, reader->content, &inside, reader->tnef->codepage,
                         reader->depth + 1, reader->budget, err) == 0)
        return 0;
    if (err->class != ERROR_DATA)
        return -1;
    reader->tnef->malformed++; /* not a stream: the other properties may be of use */
    return 0;
}

/* PR_ATTACH_METHOD: 5 a message, 6 an OLE object; others say nothing new. */
static int take_method(struct tnef_reader *reader, const struct tnef_property *property,
                       struct error *err)
{
    uint32_t method;

    if (PROP_TYPE(property->tag) != PROP_LONG)
        return 0;
    if (number(reader->content, &property->value, &method, err) != 0)
        return -1;
    if (method == 5)
        reader->attachment->kind = TNEF_MESSAGE;
    else if (method == 6 && reader->attachment->kind == TNEF_FILE)
        reader->attachment->kind = TNEF_OLE;
    return 0;
}

static int take_of_attachment(struct tnef_reader *reader, const struct tnef_property *property,
                              struct error *err)
{
    struct tnef_attachment *attachment = reader->attachment;

    switch (PROP_ID(property->tag)) {
    case 0x3701:
        return take_data(reader, property, err);
    case 0x3704:
        return text(reader, property, &attachment->short_name, err);
    case 0x3705:
        return take_method(reader, property, err);
    case 0x3707:
        return text(reader, property, &attachment->long_name, err);
    case 0x3709:
        if (PROP_TYPE(property->tag) == PROP_BINARY && !attachment->metafile.set)
            attachment->metafile = property->value;
        return 0;
    case 0x370B:
        return PROP_TYPE(property->tag) == PROP_LONG
                   ? number(reader->content, &property->value, &attachment->position, err)
                   : 0;
    case 0x370E:
        return text(reader, property, &attachment->mime_type, err);
    default:
        return 0;
    }
}

int tnef_take_attachment_properties(struct tnef_reader *reader, const struct tnef_range *range,
                                    struct error *err)
{
    struct tnef_properties list;
    struct tnef_property property;
    int status = tnef_properties_begin(&list, reader->content, range, reader->budget, err);

    while (status == 0 && list.left != 0) {
        status = tnef_properties_next(&list, &property, err);
        if (status == 0 && property.value.set)
            status = take_of_attachment(reader, &property, err);
    }
    return status;
}
