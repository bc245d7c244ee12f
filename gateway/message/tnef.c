/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/tnef-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "message/charset.h"

#define PIECE 65536
#define HEAD_SIZE 6 /* signature and key: what is cut there is not known from what ends there */

static int no_memory(struct error *err)
{
    return error_sys(err, ERROR_SOFT, "4.3.0", "WINMAIL.DAT: no memory");
}

bool tnef_is(const struct content *content)
{
    static const uint8_t signature[4] = {0x78, 0x9F, 0x3E, 0x22};
    uint8_t octets[sizeof signature];
    struct error ignored;

    return content_size(content) >= sizeof octets &&
           content_read(content, 0, octets, sizeof octets, &ignored) == 0 &&
           memcmp(octets, signature, sizeof octets) == 0;
}

static struct tnef *tnef_new(const char *codepage, struct error *err)
{
    struct tnef *tnef = calloc(1, sizeof *tnef);

    if (tnef == NULL) {
        no_memory(err);
        return NULL;
    }
    g_strlcpy(tnef->codepage, codepage, sizeof tnef->codepage);
    tnef->priority = -1;
    tnef->response_requested = -1;
    return tnef;
}

static void attachment_clear(struct tnef_attachment *attachment)
{
    free(attachment->title);
    free(attachment->long_name);
    free(attachment->short_name);
    free(attachment->mime_type);
    tnef_free(attachment->message);
}

void tnef_free(struct tnef *tnef) /* at most TNEF_MAX_DEPTH deep */
{
    size_t i;

    if (tnef == NULL)
        return;
    for (i = 0; i < tnef->attachment_count; i++)
        attachment_clear(&tnef->attachments[i]);
    free(tnef->attachments);
    free(tnef->class);
    free(tnef->original_class);
    free(tnef->subject);
    free(tnef->topic);
    free(tnef->message_id);
    free(tnef->parent_id);
    free(tnef->conversation_id);
    free(tnef->sender_name);
    free(tnef->sender_address);
    free(tnef->owner_name);
    free(tnef->owner_address);
    free(tnef->location);
    free(tnef);
}

/* Seven words: year, month, day, hour, minute, second, day of the week. What is no date is none. */
static int take_date(struct tnef_reader *reader, const struct tnef_range *range,
                     struct tnef_time *out, struct error *err)
{
    struct window window;
    uint16_t part[5];
    size_t i;

    window_init(&window, reader->content, range);
    for (i = 0; i < 5; i++)
        if (window_u16(&window, &part[i], err) != 0)
            return -1;
    out->utc = false;
    out->date = (struct message_date){true, part[0], part[1], part[2], part[3], part[4]};
    out->date.set = message_date_valid(&out->date);
    return 0;
}

static int take_codepage(struct tnef_reader *reader, const struct tnef_range *range,
                         struct error *err)
{
    struct error ignored;
    struct window window;
    uint32_t page;
    char number[16], name[TNEF_CODEPAGE_SIZE];

    window_init(&window, reader->content, range);
    if (window_u32(&window, &page, err) != 0)
        return -1;
    snprintf(number, sizeof number, "%u", page);
    if (charset_name(number, name, sizeof name, &ignored) == 0)
        g_strlcpy(reader->tnef->codepage, name, sizeof reader->tnef->codepage);
    else
        reader->tnef->malformed++;
    return 0;
}

static int take_short(struct tnef_reader *reader, const struct tnef_range *range, int *out,
                      struct error *err)
{
    struct window window;
    uint16_t value;

    window_init(&window, reader->content, range);
    if (window_u16(&window, &value, err) != 0)
        return -1;
    *out = value;
    return 0;
}

static int take_text(struct tnef_reader *reader, const struct tnef_range *range, char **out,
                     struct error *err)
{
    return tnef_text(reader->content, range, reader->tnef->codepage, out, err);
}

/* A name and an address, one behind the other, of NAME_SIZE and ADDRESS_SIZE octets. */
static int take_pair(struct tnef_reader *reader, struct window *window, uint16_t name_size,
                     uint16_t address_size, char *pair[2], struct error *err)
{
    struct tnef_range name = {true, window->at, name_size};
    struct tnef_range address = {true, window->at + name_size, address_size};

    if (window_skip(window, (uint64_t)name_size + address_size, err) != 0 ||
        take_text(reader, &name, &pair[0], err) != 0)
        return -1;
    return take_text(reader, &address, &pair[1], err);
}

/* A TRP structure ([MS-OXTNEF] 2.1.3.3.3): kind, size, and the sizes of name and address. */
static int take_from(struct tnef_reader *reader, const struct tnef_range *range, struct error *err)
{
    struct tnef *tnef = reader->tnef;
    char *pair[2] = {tnef->sender_name, tnef->sender_address};
    struct window window;
    uint16_t name, address;
    int status = -1;

    window_init(&window, reader->content, range);
    if (window_skip(&window, 4, err) == 0 && window_u16(&window, &name, err) == 0 &&
        window_u16(&window, &address, err) == 0)
        status = take_pair(reader, &window, name, address, pair, err);
    tnef->sender_name = pair[0];
    tnef->sender_address = pair[1];
    return status;
}

/* Each with its size before it ([MS-OXTNEF] 2.1.3.3.16). */
static int take_owner(struct tnef_reader *reader, const struct tnef_range *range, struct error *err)
{
    struct tnef *tnef = reader->tnef;
    struct tnef_range part = {.set = true};
    struct window window;
    uint16_t size;

    window_init(&window, reader->content, range);
    if (window_u16(&window, &size, err) != 0)
        return -1;
    part = (struct tnef_range){true, window.at, size};
    if (window_skip(&window, size, err) != 0 ||
        take_text(reader, &part, &tnef->owner_name, err) != 0 ||
        window_u16(&window, &size, err) != 0)
        return -1;
    part = (struct tnef_range){true, window.at, size};
    if (window_skip(&window, size, err) != 0)
        return -1;
    return take_text(reader, &part, &tnef->owner_address, err);
}

static int take_meeting(struct tnef_reader *reader, const struct tnef_attribute *attribute,
                        struct error *err)
{
    struct tnef *tnef = reader->tnef;
    struct window window;

    switch (attribute->id & 0xFFFF) {
    case TNEF_OWNER:
        return take_owner(reader, &attribute->range, err);
    case TNEF_DATE_START:
        return take_date(reader, &attribute->range, &tnef->start, err);
    case TNEF_DATE_END:
        return take_date(reader, &attribute->range, &tnef->end, err);
    case TNEF_AID_OWNER:
        window_init(&window, reader->content, &attribute->range);
        if (window_u32(&window, &tnef->owner_id, err) != 0)
            return -1;
        tnef->has_owner_id = true;
        return 0;
    case TNEF_REQUEST_RES:
        return take_short(reader, &attribute->range, &tnef->response_requested, err);
    default:
        return 0; /* delegates and the like, and what nobody knows */
    }
}

static int take_of_message(struct tnef_reader *reader, const struct tnef_attribute *attribute,
                           struct error *err)
{
    const struct tnef_range *range = &attribute->range;
    struct tnef *tnef = reader->tnef;

    switch (attribute->id & 0xFFFF) {
    case TNEF_OEM_CODEPAGE:
        return take_codepage(reader, range, err);
    case TNEF_MESSAGE_CLASS:
        return take_text(reader, range, &tnef->class, err);
    case TNEF_ORIGINAL_CLASS:
        return take_text(reader, range, &tnef->original_class, err);
    case TNEF_SUBJECT:
        return take_text(reader, range, &tnef->subject, err);
    case TNEF_MESSAGE_ID:
        return take_text(reader, range, &tnef->message_id, err);
    case TNEF_PARENT_ID:
        return take_text(reader, range, &tnef->parent_id, err);
    case TNEF_CONVERSATION_ID:
        return take_text(reader, range, &tnef->conversation_id, err);
    case TNEF_DATE_SENT:
        return take_date(reader, range, &tnef->sent, err);
    case TNEF_PRIORITY:
        return take_short(reader, range, &tnef->priority, err);
    case TNEF_FROM:
        return take_from(reader, range, err);
    case TNEF_BODY:
        tnef->body = *range;
        tnef->body_utf16 = false;
        return 0;
    case TNEF_MAPI_PROPS:
        return tnef_take_properties(reader, range, err);
    case TNEF_RECIPIENTS:
        tnef->recipients++;
        tnef->recipient_table = *range;
        return 0;
    default:
        return take_meeting(reader, attribute, err);
    }
}

static int next_attachment(struct tnef_reader *reader, struct error *err)
{
    struct tnef *tnef = reader->tnef;
    struct tnef_attachment *room;

    if (tnef->attachment_count >= TNEF_MAX_ATTACHMENTS) {
        reader->attachment = NULL; /* what follows is not a part of the one before */
        tnef->truncated = true;
        error_set(err, ERROR_DATA, "5.6.0", "WINMAIL.DAT: more than %d attachments",
                  TNEF_MAX_ATTACHMENTS);
        return -1;
    }
    room = reallocarray(tnef->attachments, tnef->attachment_count + 1, sizeof *room);
    if (room == NULL) {
        no_memory(err);
        return -1;
    }
    tnef->attachments = room;
    reader->attachment = &room[tnef->attachment_count++];
    *reader->attachment = (struct tnef_attachment){.position = TNEF_NO_POSITION};
    return 0;
}

/* Type, position, width, height, flags: 14 octets. Type 2 is an OLE object, 3 a static one. */
static int take_renddata(struct tnef_reader *reader, const struct tnef_range *range,
                         struct error *err)
{
    struct tnef_attachment *attachment = reader->attachment;
    struct window window;
    uint16_t type;
    uint32_t flags;

    window_init(&window, reader->content, range);
    if (window_u16(&window, &type, err) != 0 ||
        window_u32(&window, &attachment->position, err) != 0)
        return -1;
    attachment->kind = type == 2 ? TNEF_OLE : type == 3 ? TNEF_PICTURE : TNEF_FILE;
    if (window_skip(&window, 4, err) != 0 || window_u32(&window, &flags, err) != 0)
        return -1;
    attachment->macbinary = (flags & 1) != 0;
    return 0;
}

static int take_of_attachment(struct tnef_reader *reader, const struct tnef_attribute *attribute,
                              struct error *err)
{
    const struct tnef_range *range = &attribute->range;
    uint32_t id = attribute->id & 0xFFFF;

    /* This one begins an attachment, wherever it stands. */
    if ((id == TNEF_ATTACH_RENDDATA || reader->attachment == NULL) &&
        next_attachment(reader, err) != 0)
        return -1;
    switch (id) {
    case TNEF_ATTACH_RENDDATA:
        return take_renddata(reader, range, err);
    case TNEF_ATTACH_TITLE:
        return take_text(reader, range, &reader->attachment->title, err);
    case TNEF_ATTACH_TRANSPORT_NAME:
        return take_text(reader, range, &reader->attachment->short_name, err);
    case TNEF_ATTACH_MODIFIED:
        return take_date(reader, range, &reader->attachment->modified, err);
    case TNEF_ATTACH_DATA:
        reader->attachment->data = *range;
        return 0;
    case TNEF_ATTACH_METAFILE:
        reader->attachment->metafile = *range;
        return 0;
    case TNEF_ATTACHMENT:
        return tnef_take_attachment_properties(reader, range, err);
    default:
        return 0;
    }
}

/* What is malformed in one attribute is counted, and the next is read. */
static int take_attribute(struct tnef_reader *reader, const struct tnef_attribute *attribute,
                          struct error *err)
{
    struct error why = {0};
    int status;

    if (!attribute->sound) {
        reader->tnef->bad_checksums++;
        /* An attachment without its beginning must not be taken for a part of the one before. */
        return attribute->level == TNEF_LEVEL_ATTACHMENT &&
                       (attribute->id & 0xFFFF) == TNEF_ATTACH_RENDDATA
                   ? next_attachment(reader, err)
                   : 0;
    }
    status = attribute->level == TNEF_LEVEL_MESSAGE ? take_of_message(reader, attribute, &why)
                                                    : take_of_attachment(reader, attribute, &why);
    if (status == 0)
        return 0;
    if (why.class == ERROR_DATA) {
        reader->tnef->malformed++;
        return 0;
    }
    *err = why;
    return -1;
}

static int read_attributes(struct tnef_reader *reader, struct window *window, struct error *err)
{
    struct tnef_attribute attribute;

    while (window_left(window) > 0) {
        if (*reader->budget == 0) {
            reader->tnef->truncated = true;
            return 0;
        }
        (*reader->budget)--;
        if (tnef_attribute_next(window, &attribute, err) != 0) {
            reader->tnef->truncated = true;
            return err->class == ERROR_DATA ? 0 : -1;
        }
        if (take_attribute(reader, &attribute, err) != 0)
            return err->class == ERROR_DATA ? (reader->tnef->truncated = true, 0) : -1;
    }
    return 0;
}

int tnef_read_inside(struct tnef **out, const struct content *content,
                     const struct tnef_range *range, const char *codepage, int depth,
                     uint32_t *budget, struct error *err)
{
    struct tnef_reader reader = {.content = content, .depth = depth};
    struct window window;
    uint16_t key;

    reader.budget = budget;
    window_init(&window, content, range);
    if (tnef_begin(&window, &key, err) != 0)
        return -1;
    reader.tnef = tnef_new(codepage, err);
    if (reader.tnef == NULL)
        return -1;
    reader.tnef->stream = *range;
    if (read_attributes(&reader, &window, err) != 0) {
        tnef_free(reader.tnef);
        return -1;
    }
    *out = reader.tnef;
    return 0;
}

int tnef_read(struct tnef **out, const struct content *content, const char *codepage,
              struct error *err)
{
    struct tnef_range all = {true, 0, content_size(content)};
    uint32_t budget = TNEF_BUDGET;

    return tnef_read_inside(out, content, &all, codepage, 0, &budget, err);
}

bool tnef_damage(const struct tnef *tnef, char *out, size_t size)
{
    if (tnef->stream.size <= HEAD_SIZE)
        snprintf(out, size, "there is nothing behind its beginning");
    else if (tnef->truncated)
        snprintf(out, size, "it does not go on to its end, or it is larger than we read");
    else if (tnef->bad_checksums != 0)
        snprintf(out, size, "%zu of its attributes have a wrong checksum", tnef->bad_checksums);
    else if (tnef->malformed != 0)
        snprintf(out, size, "%zu of its attributes make no sense", tnef->malformed);
    else
        return false;
    return true;
}

int tnef_extract(const struct content *content, const struct tnef_range *range,
                 const char *directory, struct content **out, struct error *err)
{
    struct content_writer *writer;
    uint8_t piece[PIECE];
    uint64_t done = 0;
    size_t size;

    if (content_writer_new(&writer, directory, range->size, err) != 0)
        return -1;
    for (; done < range->size; done += size) {
        size = (size_t)MIN(range->size - done, PIECE);
        if (content_read(content, range->offset + done, piece, size, err) != 0 ||
            content_writer_add(writer, piece, size, err) != 0) {
            content_writer_free(writer);
            return -1;
        }
    }
    return content_writer_finish(writer, out, err);
}

const char *tnef_name(const struct tnef_attachment *attachment)
{
    if (attachment->long_name != NULL)
        return attachment->long_name;
    return attachment->title != NULL ? attachment->title : attachment->short_name;
}
