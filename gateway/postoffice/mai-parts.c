/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mai-int.h"

#include <stdio.h>
#include <string.h>

void mai_part_name(const struct fips_element *element, struct profile_part *out)
{
    memset(out, 0, sizeof *out);
    out->id = element->id;
    if (element->id != FIPS_FIELD && element->id != FIPS_VENDOR)
        return;
    out->qualifier_size = (uint8_t)element->qualifier_size;
    memcpy(out->qualifier, element->qualifier, sizeof out->qualifier);
}

bool mai_part_known(const struct profile *profile, const struct fips_element *element)
{
    const struct {
        enum profile_value value;
        uint8_t id, code;
    } roles[] = {
        {PROFILE_FIELD_FROM, FIPS_FIELD, profile->field_from},
        {PROFILE_FIELD_TO, FIPS_FIELD, profile->field_to},
        {PROFILE_FIELD_CC, FIPS_FIELD, profile->field_cc},
        {PROFILE_FIELD_DATE, FIPS_FIELD, profile->field_date},
        {PROFILE_FIELD_SUBJECT, FIPS_FIELD, profile->field_subject},
        {PROFILE_FIELD_ATTACHMENTS, FIPS_FIELD, profile->field_attachments},
        {PROFILE_FIELD_TEXT, FIPS_FIELD, profile->field_text},
        {PROFILE_VENDOR_PRIORITY, FIPS_VENDOR, profile->vendor_priority},
    };

    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (profile_knows(profile, roles[i].value) && fips_is(element, roles[i].id, roles[i].code))
            return true;
    }
    return false;
}

static bool is_ignored(const struct profile *profile, const struct profile_part *part)
{
    for (size_t i = 0; i < profile->ignored_count; i++) {
        if (profile_part_same(&profile->ignored[i], part))
            return true;
    }
    return false;
}

/* Primitive to the reader; what is in it need not be elements. */
static bool may_hold_parts(const struct fips_element *element)
{
    return element->id == FIPS_VENDOR || element->id == FIPS_EXTENSION;
}

/* The strings of the constructor that PROBE is in, as long as it is at DEPTH or deeper. */
static int walk_strings(struct fips *probe, size_t depth, mai_part_string *seen, void *context,
                        struct error *err)
{
    struct fips_element part;
    enum fips_event event;
    int status = 0;

    while (status == 0) {
        if (fips_next(probe, &event, &part, err) != 0)
            return -1;
        if (probe->depth < depth)
            return 0;
        if (event == FIPS_PRIMITIVE)
            status = mai_part_strings(probe, event, &part, seen, context, err);
    }
    return status;
}

int mai_part_strings(const struct fips *fips, enum fips_event event,
                     const struct fips_element *element, mai_part_string *seen, void *context,
                     struct error *err)
{
    struct fips probe = *fips; /* the walk itself does not move */
    struct error why = {.class = ERROR_NONE};
    int status;

    if (event == FIPS_ENTER)
        return walk_strings(&probe, fips->depth, seen, context, err);
    if (element->id == FIPS_STRING)
        return element->length != 0 ? seen(context, &probe, element) : 0;
    if (!may_hold_parts(element) || fips_descend(&probe, NULL) != 0)
        return 0;
    status = walk_strings(&probe, probe.depth, seen, context, &why);
    if (why.class == ERROR_SOFT && err != NULL)
        *err = why;
    return why.class == ERROR_NONE || why.class == ERROR_SOFT ? status : 0;
}

static int any_string(void *context, struct fips *fips, const struct fips_element *element)
{
    (void)context;
    (void)fips;
    (void)element;
    return 1;
}

int mai_check_part(struct mai *mai, enum fips_event event, const struct fips_element *element,
                   struct error *err)
{
    char name[PROFILE_PART_TEXT];
    struct profile_part part;
    int holds = 0;

    mai_part_name(element, &part);
    if (profile_knows(mai->profile, PROFILE_IGNORED) && !mai_part_known(mai->profile, element) &&
        !is_ignored(mai->profile, &part))
        holds = mai_part_strings(&mai->fips, event, element, any_string, NULL, err);
    if (holds <= 0)
        return holds;
    profile_part_text(&part, name);
    return error_set(err, ERROR_DATA, "",
                     "%s: offset 0x%llX: the profile knows no %s, which holds text; calibrate the "
                     "postoffice again, or add it to mai.ignored if it may be lost",
                     mai->name, (unsigned long long)element->offset, name);
}
