/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mmff-header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How much of a header line an error text shows. */
#define SHOWN 40

static int shown(size_t length)
{
    return length < SHOWN ? (int)length : SHOWN;
}

int mmff_bad_value(struct mmff_header *header, const struct mmff_field *field)
{
    return mmff_fault(header, MMFF_BAD_VALUE, "unknown error processing token %s with tail %.*s",
                      field->token, shown(field->length), field->value);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && is_blank(**text)) {
        (*text)++;
        (*length)--;
    }
    while (*length > 0 && is_blank((*text)[*length - 1]))
        (*length)--;
}

static bool equals(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* ---- addresses ---- */

/* CSI is the native type and the default (Q94410, Q106623); the others are the gateways' types
 * (Q94410, Q116466) and the network names that are reserved for gateways (Q175978). */
static const char *const native_types[] = {"CSI", "MS", "PCM"};
static const char *const gateway_types[] = {
    "SMTP",  "X400", "MHS",  "SNADS",   "PROFS",      "MSMAIL", "FAX",
    "MCI",   "EMS",  "*EMS", "ATTMAIL", "COMPUSERVE", "DISOSS", "EASYLINK",
    "ENVOY", "GTE",  "OV",   "SOURCE",  "VMGATE",
};

static bool is_type(const char *text, size_t length, const char *const *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (equals(text, length, types[i]))
            return true;
    }
    return false;
}

#define IS_TYPE(text, length, types) is_type(text, length, types, sizeof(types) / sizeof *(types))

/* Three parts, none empty. Their 10/10/10 characters (Q116466) are not checked here: an address
 * that is too long belongs to nobody, which is not the fault of the whole message. */
static bool is_native(const char *text, size_t length)
{
    size_t slashes = 0, part = 0;

    for (size_t i = 0; i < length; i++) {
        if (text[i] != '/') {
            part++;
            continue;
        }
        if (part == 0)
            return false;
        part = 0;
        slashes++;
    }
    return slashes == 2 && part != 0;
}

/* Lists that a host system expands: "*SPECIAL(PROFLIST)", "$SPECIAL GATENET/PROFS30" (Q107096); a
 * gateway has to swallow them (Q112879). */
static bool is_special(const char *text, size_t length)
{
    return mmff_has_token(text, length, "*SPECIAL") || mmff_has_token(text, length, "$SPECIAL");
}

/* What the message model refuses is a fault of this message; all else ends the reading. */
static int refused(struct mmff_header *header, const struct error *failure, struct error *err)
{
    if (failure->class == ERROR_DATA)
        return mmff_fault(header, MMFF_PARSER, "unknown parser error (%.80s)", failure->text);
    return error_set(err, failure->class, failure->status, "%s", failure->text);
}

static int add_address(struct mmff_header *header, enum address_role role, const char *text,
                       size_t length, struct error *err)
{
    struct error failure;

    if (header->fault.code != MMFF_OK)
        return 0;
    if (header->message->address_count >= MESSAGE_MAX_ADDRESSES)
        return mmff_fault(header, MMFF_TOO_BIG,
                          "in group name TO type CSI, contents fields too big (more than %d "
                          "addresses)",
                          MESSAGE_MAX_ADDRESSES);
    if (message_add_address(header->message, role, text, length, &failure) == 0)
        return 0;
    if (failure.class == ERROR_DATA)
        return mmff_fault(header, MMFF_BAD_ADDRESS, "bad address (%.*s)", shown(length), text);
    return refused(header, &failure, err);
}

int mmff_take_address(struct mmff_header *header, const struct mmff_field *field,
                      enum address_role role, struct error *err)
{
    const char *text = field->value;
    size_t length = field->length, type;

    if (role == ADDRESS_FROM && header->has_from)
        return mmff_fault(header, MMFF_BAD_ADDRESS, "bad address (a second FROM)");
    if (role == ADDRESS_FROM)
        header->has_from = true;
    else
        header->has_to = true;
    trim(&text, &length);
    for (type = 0; type < length && text[type] != ':' && text[type] != '/'; type++)
        ;
    if (type == length || text[type] == '/') {
        if (!is_native(text, length) && !is_special(text, length))
            return mmff_fault(header, MMFF_BAD_ADDRESS, "bad address (%.*s)", shown(length), text);
    } else if (IS_TYPE(text, type, native_types)) {
        text += type + 1;
        length -= type + 1;
        if (!is_native(text, length))
            return mmff_fault(header, MMFF_BAD_ADDRESS, "bad address (%.*s)", shown(length), text);
    } else if (!IS_TYPE(text, type, gateway_types) && !is_special(text, length)) {
        return mmff_fault(header, MMFF_BAD_SERVICE, "unknown service %.*s", shown(type), text);
    } else if (type + 1 == length) {
        return mmff_fault(header, MMFF_BAD_ADDRESS, "bad address (%.*s)", shown(length), text);
    }
    return add_address(header, role, text, length, err);
}

/* ---- date, subject, priority ---- */

/* The first one counts (Q134371). */
static void leave_out(struct mmff_header *header, enum message_once what)
{
    header->message->repeated |= what;
}

int mmff_take_subject(struct mmff_header *header, const struct mmff_field *field, struct error *err)
{
    struct error failure;

    if (header->has_subject) {
        leave_out(header, MESSAGE_ONE_SUBJECT);
        return 0;
    }
    header->has_subject = true;
    if (message_set_subject(header->message, field->value, field->length, &failure) == 0)
        return 0;
    return refused(header, &failure, err);
}

/* Reads digits of FIELD as PATTERN says: '0' is a digit, all else is itself. */
static bool matches(const char *text, size_t length, const char *pattern)
{
    if (length != strlen(pattern))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (pattern[i] == '0' ? !is_digit(text[i]) : text[i] != pattern[i])
            return false;
    }
    return true;
}

static int number_at(const char *text, size_t digits)
{
    int number = 0;

    for (size_t i = 0; i < digits; i++)
        number = number * 10 + (text[i] - '0');
    return number;
}

void mmff_take_date(struct mmff_header *header, const struct mmff_field *field)
{
    struct message_date *date = &header->message->date;
    const char *text = field->value;
    size_t length = field->length;

    trim(&text, &length);
    if (!matches(text, length, "0000-00-00")) {
        mmff_bad_value(header, field);
    } else if (header->has_date) {
        leave_out(header, MESSAGE_ONE_DATE);
    } else {
        header->has_date = true;
        date->year = number_at(text, 4);
        date->month = number_at(text + 5, 2);
        date->day = number_at(text + 8, 2);
    }
}

void mmff_take_time(struct mmff_header *header, const struct mmff_field *field)
{
    struct message_date *date = &header->message->date;
    const char *text = field->value;
    size_t length = field->length;

    trim(&text, &length);
    if (!matches(text, length, "00:00")) {
        mmff_bad_value(header, field);
    } else if (header->has_time) {
        leave_out(header, MESSAGE_ONE_DATE);
    } else {
        header->has_time = true;
        date->hour = number_at(text, 2);
        date->minute = number_at(text + 3, 2);
    }
}

void mmff_take_priority(struct mmff_header *header, const struct mmff_field *field)
{
    const char *text = field->value;
    size_t length = field->length;

    trim(&text, &length);
    if (length > 1) {
        mmff_bad_value(header, field);
    } else if (length == 1) {
        char c = text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 'a' + 'A') : text[0];

        if (message_priority_valid(c) && header->message->priority != 0)
            leave_out(header, MESSAGE_ONE_PRIORITY);
        else if (message_priority_valid(c))
            header->message->priority = c;
    }
}

/* ---- sizes and files ---- */

/* Digits only, no sign; -1 when they do not fit. */
static int take_size(const char *text, size_t length, uint64_t *out)
{
    uint64_t size = 0;

    if (length == 0)
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]) || size > (UINT64_MAX - 9) / 10)
            return -1;
        size = size * 10 + (uint64_t)(text[i] - '0');
    }
    *out = size;
    return 0;
}

static bool is_name_char(char c)
{
    if ((unsigned char)c >= 0x80 || is_digit(c))
        return true;
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && strchr("!#$%&'()-@^_`{}~", c) != NULL);
}

int mmff_external_name(const char *name, size_t length, char out[MMFF_EXTERNAL_SIZE])
{
    size_t stem = 0, extension = 0;

    for (size_t i = length; i > 0; i--) {
        if (name[i - 1] == '\\' || name[i - 1] == '/' || name[i - 1] == ':') {
            name += i;
            length -= i;
            break;
        }
    }
    while (stem < length && is_name_char(name[stem]))
        stem++;
    if (stem < length && name[stem] == '.') {
        while (stem + 1 + extension < length && is_name_char(name[stem + 1 + extension]))
            extension++;
        if (extension == 0 || extension > 3 || stem + 1 + extension != length)
            return -1;
    } else if (stem != length) {
        return -1;
    }
    if (stem == 0 || stem > 8)
        return -1;
    memcpy(out, name, length);
    out[length] = '\0';
    return 0;
}

static struct mmff_part *new_part(struct mmff_header *header, const char *name, size_t length,
                                  struct error *err)
{
    struct mmff_part *part;

    if (header->part_count == header->part_capacity) {
        size_t capacity = header->part_capacity != 0 ? 2 * header->part_capacity : 8;
        struct mmff_part *parts = realloc(header->parts, capacity * sizeof *parts);

        if (parts == NULL) {
            error_sys(err, ERROR_SOFT, "", "no memory for %zu attachments", capacity);
            return NULL;
        }
        header->parts = parts;
        header->part_capacity = capacity;
    }
    part = &header->parts[header->part_count];
    memset(part, 0, sizeof *part);
    part->name = strndup(name, length);
    if (part->name == NULL) {
        error_sys(err, ERROR_SOFT, "", "no memory for the name of an attachment");
        return NULL;
    }
    header->part_count++;
    return part;
}

static bool is_full(struct mmff_header *header)
{
    if (header->part_count < MESSAGE_MAX_ATTACHMENTS)
        return false;
    header->sizes_known = false;
    mmff_fault(header, MMFF_PARSER, "unknown parser error (more than %d attachments)",
               MESSAGE_MAX_ATTACHMENTS);
    return true;
}

int mmff_take_attachment(struct mmff_header *header, const struct mmff_field *field,
                         struct error *err)
{
    const char *name = field->value;
    size_t length = field->length, end;
    struct mmff_part *part;
    uint64_t size;

    if (is_full(header))
        return 0;
    trim(&name, &length);
    for (end = length; end > 0 && !is_blank(name[end - 1]); end--)
        ;
    if (take_size(name + end, length - end, &size) != 0) {
        header->sizes_known = false;
        return mmff_bad_value(header, field);
    }
    trim(&name, &end);
    if (end == 0)
        mmff_bad_value(header, field);
    part = new_part(header, name, end, err);
    if (part == NULL)
        return -1;
    part->size = size;
    return 0;
}

int mmff_take_xattach(struct mmff_header *header, const struct mmff_field *field, struct error *err)
{
    const char *name = field->value, *comma;
    char external[MMFF_EXTERNAL_SIZE];
    size_t length = field->length, physical;
    struct mmff_part *part;

    if (is_full(header))
        return 0;
    trim(&name, &length);
    comma = memchr(name, ',', length);
    physical = comma != NULL ? (size_t)(comma - name) : length;
    if (mmff_external_name(name, physical, external) != 0)
        return mmff_bad_value(header, field);
    if (comma != NULL) {
        name += physical + 1;
        length -= physical + 1;
        trim(&name, &length);
    } else {
        length = 0;
    }
    part = length != 0 ? new_part(header, name, length, err)
                       : new_part(header, external, strlen(external), err);
    if (part == NULL)
        return -1;
    memcpy(part->external, external, sizeof external);
    return 0;
}

void mmff_take_text(struct mmff_header *header, const struct mmff_field *field)
{
    const char *text = field->value;
    size_t length = field->length;

    trim(&text, &length);
    header->has_text = true;
    if (take_size(text, length, &header->text.size) != 0) {
        header->sizes_known = false;
        mmff_bad_value(header, field);
    }
}

void mmff_take_xtext(struct mmff_header *header, const struct mmff_field *field)
{
    const char *name = field->value;
    size_t length = field->length;

    trim(&name, &length);
    header->has_text = true;
    if (mmff_external_name(name, length, header->text.external) != 0)
        mmff_fault(header, MMFF_BAD_XTEXT, "bad or missing XTEXT file name (%.*s)", shown(length),
                   name);
}

/* ---- EXT:<type>:<n>:<NAME> ---- */

int mmff_take_extra(struct mmff_header *header, const struct mmff_field *field, const char *value,
                    size_t length, struct error *err)
{
    const char *name = field->value;
    size_t left = field->length, kind;
    struct error failure;
    char *copies[3];
    int status = 0;

    for (int colons = 0; colons < 2; colons++) {
        const char *colon = memchr(name, ':', left);

        if (colon == NULL)
            return mmff_bad_value(header, field);
        left -= (size_t)(colon - name) + 1;
        name = colon + 1;
    }
    kind = (size_t)(name - field->value) - 1;
    trim(&name, &left);
    if (left == 0)
        return mmff_bad_value(header, field);
    if (header->message->extra_count >= MMFF_MAX_EXTRAS)
        return mmff_fault(header, MMFF_PARSER, "unknown parser error (more than %d EXT fields)",
                          MMFF_MAX_EXTRAS);
    copies[0] = strndup(field->value, kind);
    copies[1] = strndup(name, left);
    copies[2] = strndup(value, length);
    if (copies[0] == NULL || copies[1] == NULL || copies[2] == NULL)
        status = error_sys(err, ERROR_SOFT, "", "no memory for an EXT field");
    else if (message_add_extra_kind(header->message, copies[0], copies[1], copies[2], &failure) !=
             0)
        status = refused(header, &failure, err);
    for (size_t i = 0; i < 3; i++)
        free(copies[i]);
    return status;
}
