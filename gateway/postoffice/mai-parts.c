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

int mai_part_strings(const struct fips *fips, enum fips_event event,
                     const struct fips_element *element, mai_part_string *seen, void *context)
{
    struct fips probe = *fips; /* the walk itself does not move */
    size_t depth = event == FIPS_ENTER ? fips->depth : fips->depth + 1;
    struct fips_element part = *element;

    if (event == FIPS_PRIMITIVE && element->id == FIPS_STRING)
        return element->length != 0 ? seen(context, &probe, element) : 0;
    if (event == FIPS_PRIMITIVE && (!may_hold_parts(element) || fips_descend(&probe, NULL) != 0))
        return 0;
    while (fips_next(&probe, &event, &part, NULL) == 0 && probe.depth >= depth) {
        int status = 0;
        if (event != FIPS_PRIMITIVE)
            continue;
        if (part.id == FIPS_STRING && part.length != 0)
            status = seen(context, &probe, &part);
        else if (may_hold_parts(&part))
            status = mai_part_strings(&probe, event, &part, seen, context);
        if (status != 0)
            return status;
    }
    return 0;
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

    mai_part_name(element, &part);
    if (!profile_knows(mai->profile, PROFILE_IGNORED) || mai_part_known(mai->profile, element) ||
        is_ignored(mai->profile, &part) ||
        mai_part_strings(&mai->fips, event, element, any_string, NULL) == 0)
        return 0;
    profile_part_text(&part, name);
    return error_set(err, ERROR_DATA, "",
                     "%s: offset 0x%llX: the profile knows no %s, which holds text; calibrate the "
                     "postoffice again, or add it to mai.ignored if it may be lost",
                     mai->name, (unsigned long long)element->offset, name);
}
