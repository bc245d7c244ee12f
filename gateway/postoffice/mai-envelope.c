/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mai-int.h"

#include <stdio.h>
#include <string.h>

#define FIELD_DEPTH 2
#define DATE_DEPTH 3

struct envelope {
    struct message *message;
    bool from_seen, subject_seen;
    uint8_t subject[MAI_MAX_NAME];
    size_t subject_size;
};

/* Length of the name in TEXT, the deciphered beginning of an address string; -1 when TEXT is only
 * a part and its end was not seen. */
static int name_length(const struct profile *profile, const uint8_t *text, size_t size, bool whole,
                       size_t *out)
{
    const uint8_t *end = memmem(text, size, profile->trailer, profile->trailer_size);

    if (end == NULL && !whole)
        return -1;
    if (end == NULL)
        end = memchr(text, '\0', size);
    *out = end != NULL ? (size_t)(end - text) : size;
    return 0;
}

/* What follows the name is not needed, so unknown key positions there do no harm. */
static int decode_name(struct mai *mai, const uint8_t *raw, size_t size, uint8_t *text,
                       size_t *length, struct error *err)
{
    struct cipher cipher;
    size_t known;

    cipher_init(&cipher, mai->profile);
    known = cipher_known(&cipher, size);
    if (cipher_decode(&cipher, raw, text, known, err) != 0)
        return -1;
    if (name_length(mai->profile, text, known, known == size, length) == 0)
        return 0;
    return cipher_decode(&cipher, raw + known, text + known, size - known, err);
}

static int add_address(struct mai *mai, const struct fips_element *element, enum address_role role,
                       struct message *message, struct error *err)
{
    uint8_t raw[MAI_MAX_STRING], text[MAI_MAX_STRING];
    size_t size, length = 0;

    if (mai_read_cipher(mai, element, raw, sizeof raw, &size, err) != 0)
        return -1;
    if (decode_name(mai, raw, size, text, &length, err) == 0 &&
        message_add_address(message, role, (const char *)text, length, err) == 0)
        return 0;
    return error_prefix(err, "%s: offset 0x%llX: address", mai->name,
                        (unsigned long long)element->offset);
}

static int take_addresses(struct mai *mai, enum address_role role, struct message *message,
                          struct error *err)
{
    struct fips_element element;
    int more;

    while ((more = mai_next_string(mai, FIELD_DEPTH, &element, err)) > 0) {
        if (add_address(mai, &element, role, message, err) != 0)
            return -1;
    }
    return more;
}

/* The first one counts (Q134371). */
static int leave_out(struct message *message, enum message_once what)
{
    message->repeated |= what;
    return 0;
}

/* The originator is the first string of its field. */
static int take_from(struct mai *mai, struct envelope *envelope, struct error *err)
{
    struct fips_element element;
    int more = mai_next_string(mai, FIELD_DEPTH, &element, err);

    if (more <= 0)
        return more;
    if (envelope->from_seen)
        return leave_out(envelope->message, MESSAGE_ONE_SENDER);
    envelope->from_seen = true;
    return add_address(mai, &element, ADDRESS_FROM, envelope->message, err);
}

/* A Date element with a string in it, or the string itself. */
static int take_date(struct mai *mai, struct message *message, struct error *err)
{
    uint8_t text[DATE_MAX_TEXT];
    struct fips_element element;
    enum fips_event event;
    size_t size;
    int more;

    if (message->date.set)
        return leave_out(message, MESSAGE_ONE_DATE);
    while ((more = mai_next_part(mai, FIELD_DEPTH, &event, &element, err)) > 0) {
        if (event == FIPS_ENTER && element.id == FIPS_DATE) {
            more = mai_next_string(mai, DATE_DEPTH, &element, err);
            if (more <= 0)
                return more;
        } else if (event != FIPS_PRIMITIVE || element.id != FIPS_STRING) {
            continue;
        }
        if (mai_read_string(mai, &element, text, sizeof text, &size, err) != 0)
            return -1;
        (void)date_form_read(mai->profile->date_form, text, size, &message->date);
        return 0;
    }
    return more;
}

static int take_subject(struct mai *mai, struct envelope *envelope, struct error *err)
{
    struct fips_element element;
    size_t size;
    int more;

    if (envelope->subject_seen)
        return leave_out(envelope->message, MESSAGE_ONE_SUBJECT);
    envelope->subject_seen = true;
    while ((more = mai_next_string(mai, FIELD_DEPTH, &element, err)) > 0) {
        if (mai_read_string(mai, &element, envelope->subject + envelope->subject_size,
                            sizeof envelope->subject - envelope->subject_size, &size, err) != 0)
            return -1;
        envelope->subject_size += size;
    }
    return more;
}

static int take_priority(struct mai *mai, enum fips_event event, struct message *message,
                         struct error *err)
{
    struct fips_element element;
    uint8_t text[16];
    size_t size;
    int more;

    if (message->priority != 0)
        return leave_out(message, MESSAGE_ONE_PRIORITY);
    if (event == FIPS_PRIMITIVE && fips_descend(&mai->fips, err) != 0)
        return -1;
    more = mai_next_string(mai, FIELD_DEPTH, &element, err);
    if (more <= 0)
        return more;
    if (mai_read_string(mai, &element, text, sizeof text, &size, err) != 0)
        return -1;
    /* One character (Q118787); what has more means something else. */
    if (size >= 1 && (size == 1 || text[1] == '\0') && message_priority_valid((char)text[0]))
        message->priority = (char)text[0];
    return 0;
}

static int take_field(struct mai *mai, struct envelope *envelope, uint8_t code, struct error *err)
{
    const struct profile *profile = mai->profile;

    if (code == 0) /* what the profile does not know */
        return 0;
    if (code == profile->field_from)
        return take_from(mai, envelope, err);
    if (code == profile->field_to)
        return take_addresses(mai, ADDRESS_TO, envelope->message, err);
    if (code == profile->field_cc)
        return take_addresses(mai, ADDRESS_CC, envelope->message, err);
    if (code == profile->field_date)
        return take_date(mai, envelope->message, err);
    if (code == profile->field_subject)
        return take_subject(mai, envelope, err);
    return 0;
}

static int take_part(struct mai *mai, void *context, enum fips_event event,
                     const struct fips_element *element, struct error *err)
{
    struct envelope *envelope = context;

    if (mai_check_part(mai, event, element, err) != 0)
        return -1;
    if (event == FIPS_ENTER && element->id == FIPS_FIELD && element->qualifier_size == 1)
        return take_field(mai, envelope, element->qualifier[0], err);
    if (profile_knows(mai->profile, PROFILE_VENDOR_PRIORITY) &&
        fips_is(element, FIPS_VENDOR, mai->profile->vendor_priority))
        return take_priority(mai, event, envelope->message, err);
    return 0;
}

int mai_envelope(struct mai *mai, struct message *message, struct error *err)
{
    struct envelope envelope = {.message = message};

    if (mai_walk(mai, take_part, &envelope, err) != 0)
        return -1;
    if (!envelope.from_seen)
        return mai_damaged(mai, 0, "the message has no originator", err);
    return message_set_subject(message, (const char *)envelope.subject, envelope.subject_size, err);
}
