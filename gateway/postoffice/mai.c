/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mai-int.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static const enum profile_value needed[] = {
    PROFILE_COUNTER_OFFSET, PROFILE_COUNTER_ORDER, PROFILE_FIELD_FROM, PROFILE_FIELD_TO,
    PROFILE_FIELD_SUBJECT,  PROFILE_FIELD_TEXT,    PROFILE_TRAILER,    PROFILE_CHAIN,
};

/* Without a list of what may be ignored, nothing tells a field that nobody had used. */
static const enum profile_value instead[] = {PROFILE_FIELD_CC, PROFILE_FIELD_ATTACHMENTS};

static int require_all(const struct profile *profile, const enum profile_value *values, size_t count,
                       struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (profile_require(profile, values[i], err) != 0)
            return -1;
    }
    return 0;
}

int mai_check_profile(const struct profile *profile, struct error *err)
{
    if (require_all(profile, needed, sizeof needed / sizeof needed[0], err) != 0)
        return -1;
    if (profile_knows(profile, PROFILE_IGNORED))
        return 0;
    return require_all(profile, instead, sizeof instead / sizeof instead[0], err);
}

void mai_path(const char *id, char out[MAI_PATH_SIZE])
{
    snprintf(out, MAI_PATH_SIZE, "MAI/MA%c/%.8s.MAI", id[7], id);
}

int mai_open(struct mai **out, struct root *root, const struct profile *profile, const char *id,
             int flags, struct error *err)
{
    struct mai *mai;

    if (mai_check_profile(profile, err) != 0)
        return -1;
    mai = calloc(1, sizeof *mai);
    if (mai == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", id);
    mai->profile = profile;
    mai_path(id, mai->name);
    mai->fd = root_open_file(root, mai->name, flags, err);
    if (mai->fd < 0) {
        free(mai);
        return -1;
    }
    *out = mai;
    return 0;
}

void mai_close(struct mai *mai)
{
    if (mai == NULL)
        return;
    close(mai->fd);
    free(mai);
}

const char *mai_name(const struct mai *mai)
{
    return mai->name;
}

int mai_fd(const struct mai *mai)
{
    return mai->fd;
}

int mai_damaged(const struct mai *mai, uint64_t offset, const char *what, struct error *err)
{
    return error_set(err, ERROR_DATA, "", "%s: offset 0x%llX: %s", mai->name,
                     (unsigned long long)offset, what);
}

static int open_message(struct mai *mai, struct error *err)
{
    struct fips_element element;
    enum fips_event event;

    if (fips_init(&mai->fips, mai->fd, mai->name, err) != 0 ||
        fips_next(&mai->fips, &event, &element, err) != 0)
        return -1;
    if (event != FIPS_ENTER || element.id != FIPS_MESSAGE)
        return mai_damaged(mai, 0, "not a message element", err);
    return 0;
}

int mai_walk(struct mai *mai, mai_part *part, void *context, struct error *err)
{
    struct fips_element element;
    enum fips_event event;
    int status;

    if (open_message(mai, err) != 0)
        return -1;
    for (;;) {
        if (fips_next(&mai->fips, &event, &element, err) != 0)
            return -1;
        if (event == FIPS_LEAVE)
            return 0;
        status = part(mai, context, event, &element, err);
        if (status != 0)
            return status;
        while (mai->fips.depth > 1) {
            if (fips_leave(&mai->fips, err) != 0)
                return -1;
        }
    }
}

int mai_next_part(struct mai *mai, size_t depth, enum fips_event *event,
                  struct fips_element *element, struct error *err)
{
    while (mai->fips.depth > depth) {
        if (fips_leave(&mai->fips, err) != 0)
            return -1;
    }
    if (fips_next(&mai->fips, event, element, err) != 0)
        return -1;
    return *event == FIPS_LEAVE ? 0 : 1;
}

int mai_next_string(struct mai *mai, size_t depth, struct fips_element *element, struct error *err)
{
    enum fips_event event;
    int more;

    while ((more = mai_next_part(mai, depth, &event, element, err)) > 0) {
        if (event == FIPS_PRIMITIVE && element->id == FIPS_STRING)
            return 1;
    }
    return more;
}

int mai_read_cipher(struct mai *mai, const struct fips_element *element, uint8_t *out, size_t limit,
                    size_t *size, struct error *err)
{
    size_t got;

    if (element->length > limit)
        return mai_damaged(mai, element->offset, "a string longer than any of its kind", err);
    *size = 0;
    do {
        if (fips_read(&mai->fips, out + *size, limit - *size, &got, err) != 0)
            return -1;
        *size += got;
    } while (got != 0);
    return 0;
}

int mai_read_string(struct mai *mai, const struct fips_element *element, uint8_t *out,
                    size_t limit, size_t *size, struct error *err)
{
    uint8_t raw[MAI_MAX_STRING];
    struct cipher cipher;

    if (mai_read_cipher(mai, element, raw, limit < sizeof raw ? limit : sizeof raw, size, err) != 0)
        return -1;
    cipher_init(&cipher, mai->profile);
    if (cipher_decode(&cipher, raw, out, *size, err) != 0)
        return error_prefix(err, "%s: offset 0x%llX", mai->name,
                            (unsigned long long)element->offset);
    return 0;
}

struct search {
    uint64_t offset; /* of the counter */
    bool found;
};

static bool may_hold(const struct fips_element *element, uint64_t offset)
{
    return element->indefinite ||
           (element->content <= offset && offset + 2 <= element->content + element->length);
}

static int search_counter(struct mai *mai, void *context, enum fips_event event,
                          const struct fips_element *element, struct error *err)
{
    struct search *search = context;
    struct fips_element part;
    int more;

    if (element->content > search->offset)
        return 1;
    if (element->id != FIPS_VENDOR || !may_hold(element, search->offset))
        return 0;
    if (event == FIPS_PRIMITIVE && fips_descend(&mai->fips, err) != 0)
        return -1;
    while ((more = mai_next_part(mai, 2, &event, &part, err)) > 0) {
        if (event == FIPS_PRIMITIVE && part.id == FIPS_INTEGER && part.length == 2 &&
            part.content == search->offset) {
            search->found = true;
            return 1;
        }
    }
    return more;
}

int mai_counter(struct mai *mai, uint16_t *out, struct error *err)
{
    struct search search = {.offset = mai->profile->mai_counter};
    uint8_t octets[2];

    if (mai_walk(mai, search_counter, &search, err) < 0)
        return -1;
    if (!search.found)
        return mai_damaged(mai, search.offset,
                           "no reference counter is here; the profile may be of another postoffice",
                           err);
    if (file_pread(mai->fd, mai->name, octets, 2, search.offset, err) != 0)
        return -1;
    *out = mai->profile->mai_counter_big ? (uint16_t)(octets[0] << 8 | octets[1])
                                         : (uint16_t)(octets[1] << 8 | octets[0]);
    return 0;
}

int mai_set_counter(struct mai *mai, uint16_t value, struct error *err)
{
    uint8_t low = (uint8_t)value, high = (uint8_t)(value >> 8);
    uint8_t octets[2] = {low, high};

    if (mai->profile->mai_counter_big) {
        octets[0] = high;
        octets[1] = low;
    }
    return file_pwrite(mai->fd, mai->name, octets, 2, mai->profile->mai_counter, err);
}
