/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/message.h"

#include <stdlib.h>
#include <string.h>

#include "message/address.h"

#define MAX_SUBJECT 65536
#define MAX_NAME 4096
#define MAX_EXTRAS 4096
#define MAX_EXTRA 4096

static int no_memory(struct error *err)
{
    return error_sys(err, ERROR_SOFT, "4.3.0", "message: no memory");
}

int message_new(struct message **out, const char *postoffice, const char *codepage,
                struct error *err)
{
    struct message *message = calloc(1, sizeof *message);

    if (message == NULL)
        return no_memory(err);
    message->postoffice = strdup(postoffice);
    message->codepage = strdup(codepage);
    message->subject = calloc(1, 1);
    if (message->postoffice == NULL || message->codepage == NULL || message->subject == NULL) {
        message_free(message);
        return no_memory(err);
    }
    *out = message;
    return 0;
}

void message_free(struct message *message)
{
    size_t i;

    if (message == NULL)
        return;
    for (i = 0; i < message->address_count; i++) {
        free(message->addresses[i].text);
        free(message->addresses[i].display);
    }
    free(message->sender_name);
    for (i = 0; i < message->attachment_count; i++) {
        free(message->attachments[i].name);
        content_free(message->attachments[i].content);
    }
    for (i = 0; i < message->extra_count; i++) {
        free(message->extras[i].kind);
        free(message->extras[i].name);
        free(message->extras[i].value);
    }
    free(message->addresses);
    free(message->attachments);
    free(message->extras);
    content_free(message->text);
    free(message->subject);
    free(message->codepage);
    free(message->postoffice);
    free(message);
}

/* Makes room for one more element of SIZE octets; capacity is the next power of two of COUNT, so
 * it need not be kept. */
static void *make_room(void *array, size_t count, size_t size)
{
    if (count != 0 && (count & (count - 1)) != 0)
        return array;
    return reallocarray(array, count == 0 ? 1 : count * 2, size);
}

static int check_address(const struct message *message, enum address_role role, const char *text,
                         size_t size, struct error *err)
{
    size_t i;

    if (size == 0)
        return error_set(err, ERROR_DATA, "5.6.0", "an address is empty");
    if (size > MESSAGE_MAX_ADDRESS)
        return error_set(err, ERROR_DATA, "5.6.0", "an address of %zu octets, more than %d", size,
                         MESSAGE_MAX_ADDRESS);
    for (i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F)
            return error_set(err, ERROR_DATA, "5.6.0",
                             "an address has the control octet 0x%02X at its offset %zu",
                             (unsigned char)text[i], i);
    if (message->address_count >= MESSAGE_MAX_ADDRESSES)
        return error_set(err, ERROR_DATA, "5.6.0", "more than %d addresses", MESSAGE_MAX_ADDRESSES);
    if (role == ADDRESS_FROM && message_from(message) != NULL)
        return error_set(err, ERROR_DATA, "5.6.0", "a second sender");
    return 0;
}

int message_add_address(struct message *message, enum address_role role, const char *text,
                        size_t size, struct error *err)
{
    struct message_address *room;
    const char *native;
    char *copy;

    if (check_address(message, role, text, size, err) != 0)
        return -1;
    copy = strndup(text, size);
    if (copy == NULL)
        return no_memory(err);
    native = address_native(copy);
    if (*native == '\0') {
        free(copy);
        return error_set(err, ERROR_DATA, "5.6.0", "an address is only a type");
    }
    memmove(copy, native, strlen(native) + 1);
    room = make_room(message->addresses, message->address_count, sizeof *room);
    if (room == NULL) {
        free(copy);
        return no_memory(err);
    }
    message->addresses = room;
    room[message->address_count++] = (struct message_address){.role = role, .text = copy};
    return 0;
}

int message_name_address(struct message *message, const char *display, struct error *err)
{
    struct message_address *last = &message->addresses[message->address_count - 1];

    free(last->display);
    last->display = strdup(display);
    return last->display != NULL ? 0 : no_memory(err);
}

int message_add_attachment(struct message *message, const char *name, size_t size,
                           struct content *content, struct error *err)
{
    struct message_attachment *room;
    char *copy = NULL;

    if (message->attachment_count >= MESSAGE_MAX_ATTACHMENTS || size > MAX_NAME) {
        error_set(err, ERROR_DATA, "5.6.0", "more than %d attachments, or a name of %zu octets",
                  MESSAGE_MAX_ATTACHMENTS, size);
        goto fail;
    }
    copy = strndup(size != 0 ? name : "", size);
    room = make_room(message->attachments, message->attachment_count, sizeof *room);
    if (room != NULL)
        message->attachments = room;
    if (copy == NULL || room == NULL) {
        no_memory(err);
        goto fail;
    }
    room[message->attachment_count++] =
        (struct message_attachment){.name = copy, .content = content};
    return 0;
fail:
    free(copy);
    content_free(content);
    return -1;
}

void message_date_attachment(struct message *message, const struct message_date *modified)
{
    message->attachments[message->attachment_count - 1].modified = *modified;
}

int message_add_extra_kind(struct message *message, const char *kind, const char *name,
                           const char *value, struct error *err)
{
    struct message_extra *room, extra;

    if (message->extra_count >= MAX_EXTRAS || strlen(kind) > MAX_EXTRA ||
        strlen(name) > MAX_EXTRA || strlen(value) > MAX_EXTRA)
        return error_set(err, ERROR_DATA, "5.6.0",
                         "more than %d EXT: fields, or one of more than %d octets", MAX_EXTRAS,
                         MAX_EXTRA);
    room = make_room(message->extras, message->extra_count, sizeof *room);
    if (room == NULL)
        return no_memory(err);
    message->extras = room;
    extra = (struct message_extra){strdup(kind), strdup(name), strdup(value)};
    if (extra.kind == NULL || extra.name == NULL || extra.value == NULL) {
        free(extra.kind);
        free(extra.name);
        free(extra.value);
        return no_memory(err);
    }
    room[message->extra_count++] = extra;
    return 0;
}

int message_add_extra(struct message *message, const char *name, const char *value,
                      struct error *err)
{
    return message_add_extra_kind(message, "", name, value, err);
}

int message_set_subject(struct message *message, const char *subject, size_t size,
                        struct error *err)
{
    char *copy;

    if (size > MAX_SUBJECT)
        return error_set(err, ERROR_DATA, "5.6.0", "a subject of %zu octets, more than %d", size,
                         MAX_SUBJECT);
    copy = strndup(size != 0 ? subject : "", size);
    if (copy == NULL)
        return no_memory(err);
    free(message->subject);
    message->subject = copy;
    return 0;
}

const struct message_address *message_from(const struct message *message)
{
    size_t i;

    for (i = 0; i < message->address_count; i++)
        if (message->addresses[i].role == ADDRESS_FROM)
            return &message->addresses[i];
    return NULL;
}

bool message_priority_valid(char priority)
{
    return (priority >= '1' && priority <= '9') || (priority >= 'A' && priority <= 'Z');
}

bool message_date_valid(const struct message_date *date)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int last;

    if (!date->set || date->year < 1980 || date->year > 2079 || date->month < 1 || date->month > 12)
        return false;
    /* 2000 is a leap year, so the rule of hundreds plays no part between 1980 and 2079. */
    last = days[date->month - 1] + (date->month == 2 && date->year % 4 == 0 ? 1 : 0);
    return date->day >= 1 && date->day <= last && date->hour >= 0 && date->hour <= 23 &&
           date->minute >= 0 && date->minute <= 59;
}
