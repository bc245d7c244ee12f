/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/fips.h"

#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define HAS_PROPERTY_LIST 0x80
#define HAS_QUALIFIER 0x40
#define LONG_FORM 0x80

int fips_init(struct fips *fips, int fd, const char *name, struct error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot read its size", name);
    fips->fd = fd;
    fips->name = name;
    fips->size = (uint64_t)st.st_size;
    fips->at = 0;
    fips->content_end = 0;
    fips->depth = 0;
    fips->elements = 0;
    fips->window_at = 0;
    fips->window_size = 0;
    return 0;
}

/* The end that no part of the present constructor may pass. */
static uint64_t bound(const struct fips *fips)
{
    return fips->depth != 0 ? fips->frames[fips->depth - 1].end : fips->size;
}

static int damaged(const struct fips *fips, uint64_t offset, const char *what, struct error *err)
{
    return error_set(err, ERROR_DATA, "", "%s: offset 0x%llX: %s", fips->name,
                     (unsigned long long)offset, what);
}

/* Makes the octet at fips->at available. */
static int fill(struct fips *fips, struct error *err)
{
    size_t size = FIPS_WINDOW;

    if (fips->at >= fips->window_at && fips->at - fips->window_at < fips->window_size)
        return 0;
    if (fips->size - fips->at < size)
        size = (size_t)(fips->size - fips->at);
    fips->window_size = 0;
    if (file_pread(fips->fd, fips->name, fips->window, size, fips->at, err) != 0)
        return -1;
    fips->window_at = fips->at;
    fips->window_size = size;
    return 0;
}

static int take(struct fips *fips, uint64_t end, uint8_t *out, struct error *err)
{
    if (fips->at >= end)
        return damaged(fips, fips->at, "an element is cut off", err);
    if (fill(fips, err) != 0)
        return -1;
    *out = fips->window[fips->at - fips->window_at];
    fips->at++;
    return 0;
}

static int take_length(struct fips *fips, uint64_t end, struct fips_element *element,
                       uint64_t *length, struct error *err)
{
    uint8_t octet;
    unsigned count;

    if (take(fips, end, &octet, err) != 0)
        return -1;
    element->indefinite = octet == LONG_FORM;
    *length = octet;
    if (octet <= LONG_FORM)
        return 0;
    *length = 0;
    for (count = octet - LONG_FORM; count > 0; count--) {
        if (take(fips, end, &octet, err) != 0)
            return -1;
        if (*length >> 48 != 0)
            return damaged(fips, element->offset, "a length beyond any file", err);
        *length = *length << 8 | octet;
    }
    return 0;
}

static int take_qualifier(struct fips *fips, uint64_t end, struct fips_element *element,
                          struct error *err)
{
    uint8_t octet;
    unsigned count;

    if (take(fips, end, &octet, err) != 0)
        return -1;
    if (octet < LONG_FORM) {
        element->qualifier[0] = octet;
        element->qualifier_size = 1;
        return 0;
    }
    count = octet - LONG_FORM;
    if (count > FIPS_MAX_QUALIFIER)
        return damaged(fips, element->offset, "a qualifier of more than 8 octets", err);
    for (element->qualifier_size = 0; element->qualifier_size < count; element->qualifier_size++) {
        if (take(fips, end, &element->qualifier[element->qualifier_size], err) != 0)
            return -1;
    }
    return 0;
}

/* Identifier, length and qualifier; *END is where the element must end at the latest. */
static int take_head(struct fips *fips, uint64_t around, struct fips_element *element,
                     bool *has_list, uint64_t *end, struct error *err)
{
    uint64_t length = 0;
    uint8_t octet = 0;

    memset(element, 0, sizeof *element);
    element->offset = fips->at;
    if (++fips->elements > FIPS_MAX_ELEMENTS)
        return damaged(fips, fips->at, "more elements than any message has", err);
    if (take(fips, around, &octet, err) != 0 ||
        take_length(fips, around, element, &length, err) != 0)
        return -1;
    if (!element->indefinite && length > around - fips->at)
        return error_set(err, ERROR_DATA, "",
                         "%s: offset 0x%llX: an element claims %llu octets, %llu are left",
                         fips->name, (unsigned long long)element->offset,
                         (unsigned long long)length, (unsigned long long)(around - fips->at));
    *end = element->indefinite ? around : fips->at + length;
    element->id = octet & (uint8_t)~HAS_PROPERTY_LIST;
    *has_list = (octet & HAS_PROPERTY_LIST) != 0;
    if ((octet & HAS_QUALIFIER) != 0)
        return take_qualifier(fips, *end, element, err);
    return 0;
}

static bool ends_constructor(const struct fips_element *element, uint64_t end, uint64_t at)
{
    return element->id == FIPS_END_OF_CONSTRUCTOR && !element->indefinite && end == at;
}

/* Steps over one whole element; indefinite ones inside are counted, not recursed into. */
static int step_over(struct fips *fips, uint64_t around, struct error *err)
{
    size_t open = 0;

    do {
        struct fips_element element;
        bool has_list = false;
        uint64_t end = around;
        if (take_head(fips, around, &element, &has_list, &end, err) != 0)
            return -1;
        if (element.indefinite) {
            if (++open > FIPS_MAX_DEPTH)
                return damaged(fips, element.offset, "elements are nested too deep", err);
        } else if (open != 0 && ends_constructor(&element, end, fips->at)) {
            open--;
        } else {
            fips->at = end;
        }
    } while (open != 0);
    return 0;
}

static int take_element(struct fips *fips, struct fips_element *element, uint64_t *end,
                        struct error *err)
{
    bool has_list = false;

    if (take_head(fips, bound(fips), element, &has_list, end, err) != 0)
        return -1;
    if (has_list && step_over(fips, *end, err) != 0)
        return -1;
    element->content = fips->at;
    element->length = element->indefinite ? 0 : *end - fips->at;
    return 0;
}

static bool is_constructor(const struct fips_element *element)
{
    switch (element->id) {
    case FIPS_UNIQUE_ID:
    case FIPS_SEQUENCE:
    case FIPS_SET:
    case FIPS_PROPERTY_LIST:
    case FIPS_DATE:
    case FIPS_PROPERTY:
    case FIPS_FIELD:
    case FIPS_MESSAGE:
        return true;
    default:
        return element->indefinite;
    }
}

/* Only constructors, and elements that may be constructors, can have no length. */
static bool may_be_indefinite(const struct fips_element *element)
{
    return is_constructor(element) && element->id != FIPS_STRING && element->id != FIPS_INTEGER &&
           element->id != FIPS_END_OF_CONSTRUCTOR;
}

static int enter(struct fips *fips, uint64_t offset, uint64_t end, bool indefinite,
                 struct error *err)
{
    if (fips->depth == FIPS_MAX_DEPTH)
        return damaged(fips, offset, "elements are nested too deep", err);
    fips->frames[fips->depth].end = end;
    fips->frames[fips->depth].indefinite = indefinite;
    fips->depth++;
    return 0;
}

/* At the end of the innermost constructor, or of the file. */
static int end_reached(struct fips *fips, enum fips_event *event, struct error *err)
{
    if (fips->depth == 0) {
        *event = FIPS_DONE;
        return 0;
    }
    if (fips->frames[fips->depth - 1].indefinite)
        return damaged(fips, fips->at, "a constructor of indefinite length has no end", err);
    fips->depth--;
    *event = FIPS_LEAVE;
    return 0;
}

static int close_indefinite(struct fips *fips, const struct fips_element *element,
                            enum fips_event *event, struct error *err)
{
    if (fips->depth == 0 || !fips->frames[fips->depth - 1].indefinite)
        return damaged(fips, element->offset, "an end-of-constructor that ends nothing", err);
    fips->depth--;
    *event = FIPS_LEAVE;
    return 0;
}

int fips_next(struct fips *fips, enum fips_event *event, struct fips_element *out,
              struct error *err)
{
    uint64_t end = 0;

    if (fips->at < fips->content_end)
        fips->at = fips->content_end;
    fips->content_end = 0;
    if (fips->at == bound(fips))
        return end_reached(fips, event, err);
    if (take_element(fips, out, &end, err) != 0)
        return -1;
    if (ends_constructor(out, end, fips->at))
        return close_indefinite(fips, out, event, err);
    if (out->indefinite && !may_be_indefinite(out))
        return damaged(fips, out->offset, "a primitive element without a length", err);
    if (is_constructor(out)) {
        *event = FIPS_ENTER;
        return enter(fips, out->offset, end, out->indefinite, err);
    }
    *event = FIPS_PRIMITIVE;
    fips->content_end = end;
    return 0;
}

int fips_read(struct fips *fips, void *out, size_t size, size_t *got, struct error *err)
{
    size_t left;

    *got = 0;
    if (fips->at >= fips->content_end || size == 0)
        return 0;
    if (fill(fips, err) != 0)
        return -1;
    left = fips->window_size - (size_t)(fips->at - fips->window_at);
    if (left > fips->content_end - fips->at)
        left = (size_t)(fips->content_end - fips->at);
    if (left > size)
        left = size;
    memcpy(out, fips->window + (fips->at - fips->window_at), left);
    fips->at += left;
    *got = left;
    return 0;
}

int fips_descend(struct fips *fips, struct error *err)
{
    uint64_t end = fips->content_end != 0 ? fips->content_end : fips->at;

    fips->content_end = 0;
    return enter(fips, fips->at, end, false, err);
}

int fips_leave(struct fips *fips, struct error *err)
{
    size_t wanted = fips->depth - 1;
    struct fips_element element;
    enum fips_event event;

    if (!fips->frames[wanted].indefinite) {
        fips->content_end = 0;
        fips->at = fips->frames[wanted].end;
        fips->depth = wanted;
        return 0;
    }
    while (fips->depth > wanted) {
        if (fips_next(fips, &event, &element, err) != 0)
            return -1;
    }
    return 0;
}

bool fips_is(const struct fips_element *element, uint8_t id, uint8_t qualifier)
{
    return element->id == id && element->qualifier_size == 1 && element->qualifier[0] == qualifier;
}
