/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mai-int.h"

#include <stdio.h>
#include <string.h>

#include "postoffice/date-form.h"
#include "postoffice/route.h"

#define FIELD_DEPTH 2
#define ITEM_DEPTH 3
#define PIECE 8192

struct text {
    struct content_writer *writer;
    const char *directory;
    uint64_t limit;
};

static int copy_string(struct mai *mai, const struct fips_element *element,
                       struct content_writer *writer, struct error *err)
{
    uint8_t raw[PIECE], clear[PIECE];
    struct cipher cipher;
    size_t got;

    cipher_init(&cipher, mai->profile);
    for (;;) {
        if (fips_read(&mai->fips, raw, sizeof raw, &got, err) != 0)
            return -1;
        if (got == 0)
            return 0;
        if (cipher_decode(&cipher, raw, clear, got, err) != 0 ||
            content_writer_add(writer, clear, got, err) != 0)
            return error_prefix(err, "%s: offset 0x%llX: text", mai->name,
                                (unsigned long long)element->offset);
    }
}

static int take_text(struct mai *mai, void *context, enum fips_event event,
                     const struct fips_element *element, struct error *err)
{
    struct text *text = context;
    struct fips_element string;
    int more;

    if (event != FIPS_ENTER || !fips_is(element, FIPS_FIELD, mai->profile->field_text))
        return 0;
    if (text->writer == NULL &&
        content_writer_new(&text->writer, text->directory, text->limit, err) != 0)
        return -1;
    while ((more = mai_next_string(mai, FIELD_DEPTH, &string, err)) > 0) {
        if (copy_string(mai, &string, text->writer, err) != 0)
            return -1;
    }
    return more;
}

int mai_text(struct mai *mai, const char *directory, uint64_t limit, struct content **out,
             struct error *err)
{
    struct text text = {.directory = directory, .limit = limit};

    *out = NULL;
    if (mai_walk(mai, take_text, &text, err) != 0) {
        content_writer_free(text.writer);
        return -1;
    }
    return text.writer != NULL ? content_writer_finish(text.writer, out, err) : 0;
}

struct listing {
    mai_attachment_seen *seen;
    void *context;
};

struct parts {
    struct mai_attachment attachment;
    uint8_t name[MAI_MAX_NAME];
    bool id_seen, name_seen;
};

/* The first string is the number of the ATT file, the second the name. */
static int take_item_string(struct mai *mai, const struct fips_element *element,
                            struct parts *parts, struct error *err)
{
    uint8_t digits[9];
    uint32_t value;
    size_t size;

    if (parts->name_seen)
        return 0;
    if (parts->id_seen) {
        parts->name_seen = true;
        parts->attachment.name = (const char *)parts->name;
        return mai_read_string(mai, element, parts->name, sizeof parts->name,
                               &parts->attachment.name_size, err);
    }
    if (element->length != 8)
        return mai_damaged(mai, element->offset, "an attachment without a file number", err);
    if (mai_read_string(mai, element, digits, 8, &size, err) != 0)
        return -1;
    digits[8] = '\0';
    if (id_parse((const char *)digits, &value) != 0)
        return mai_damaged(mai, element->offset, "an attachment without a file number", err);
    id_make(value, parts->attachment.id);
    parts->id_seen = true;
    return 0;
}

/* Integers are stored least significant octet first, against the standard (Q104423). */
static int take_item_size(struct mai *mai, const struct fips_element *element, uint64_t *out,
                          struct error *err)
{
    uint8_t octets[8];
    size_t size;

    if (mai_read_cipher(mai, element, octets, sizeof octets, &size, err) != 0)
        return -1;
    *out = 0;
    while (size > 0)
        *out = *out << 8 | octets[--size];
    return 0;
}

/* FFAPI programs tell an attachment's date (Q87223), and where it lies is not published: a Date
 * element is taken for it when it has the form of the message's own. It is never worth an error. */
static int take_item_date(struct mai *mai, struct parts *parts, struct error *err)
{
    uint8_t text[DATE_MAX_TEXT];
    struct fips_element element;
    size_t size;
    int more = mai_next_string(mai, ITEM_DEPTH + 1, &element, err);

    if (more <= 0)
        return more;
    if (element.length > sizeof text || parts->attachment.modified.set)
        return 0;
    if (mai_read_string(mai, &element, text, sizeof text, &size, err) != 0)
        return -1;
    (void)date_form_read(mai->profile->date_form, text, size, &parts->attachment.modified);
    return 0;
}

static int take_item(struct mai *mai, uint64_t offset, struct parts *parts, struct error *err)
{
    struct fips_element element;
    enum fips_event event;
    int more;

    while ((more = mai_next_part(mai, ITEM_DEPTH, &event, &element, err)) > 0) {
        int status = 0;
        if (event == FIPS_PRIMITIVE && element.id == FIPS_STRING)
            status = take_item_string(mai, &element, parts, err);
        else if (event == FIPS_PRIMITIVE && element.id == FIPS_INTEGER)
            status = take_item_size(mai, &element, &parts->attachment.size, err);
        else if (event == FIPS_ENTER && element.id == FIPS_DATE)
            status = take_item_date(mai, parts, err);
        if (status != 0)
            return status;
    }
    if (more == 0 && !parts->name_seen)
        return mai_damaged(mai, offset, "an attachment without file number or name", err);
    return more;
}

static int take_attachments(struct mai *mai, void *context, enum fips_event event,
                            const struct fips_element *field, struct error *err)
{
    const struct listing *listing = context;
    struct fips_element element;
    int status;

    if (event != FIPS_ENTER || mai->profile->field_attachments == 0 ||
        !fips_is(field, FIPS_FIELD, mai->profile->field_attachments))
        return 0;
    while ((status = mai_next_part(mai, FIELD_DEPTH, &event, &element, err)) > 0) {
        struct parts parts = {.id_seen = false};
        if (event != FIPS_ENTER || element.id != FIPS_SEQUENCE)
            continue;
        if (take_item(mai, element.offset, &parts, err) != 0)
            return -1;
        status = listing->seen(listing->context, &parts.attachment, err);
        if (status != 0)
            return status;
    }
    return status;
}

int mai_attachments(struct mai *mai, mai_attachment_seen *seen, void *context, struct error *err)
{
    struct listing listing = {seen, context};

    return mai_walk(mai, take_attachments, &listing, err);
}
