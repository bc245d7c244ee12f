/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postoffice/mai-int.h"
#include "postoffice/route.h"

/*
 * Parts of messages that got no role. Those whose strings can all be read, and are short, no
 * addresses and no numbers of files, are listed as parts to be ignored. All others are not: the
 * reader holds a message that has one, so a Cc or attachments field that hardly anybody has used
 * is never lost.
 */
#define MAX_PARTS 256
#define SHOWN 3 /* parts named in one line */

enum doubt { CLEAN, ADDRESSES, FILES, LONG, UNREAD, DOUBTS };

struct part {
    struct profile_part name;
    unsigned messages, doubts[DOUBTS];
};

struct parts {
    struct calibration *cal;
    struct part part[MAX_PARTS];
    size_t count;
    bool more; /* than MAX_PARTS */
    unsigned field_depth;
    enum doubt doubt; /* of the present part */
};

static bool is_file_number(const struct parts *parts, const uint8_t *clear, size_t size, bool inside)
{
    uint32_t number;
    char digits[9];

    if (size != 8)
        return false;
    memcpy(digits, clear, 8);
    digits[8] = '\0';
    return id_parse(digits, &number) == 0 &&
           (inside || cal_find_file(parts->cal->att_files, parts->cal->att_count, number) != NULL);
}

static enum doubt judge_string(const struct parts *parts, const uint8_t *raw, size_t size,
                               bool inside)
{
    const struct profile *profile = &parts->cal->profile;
    uint8_t clear[CAL_HEAD];

    if (cal_decode(parts->cal, raw, size, clear) != size)
        return UNREAD;
    if (!profile_knows(profile, PROFILE_TRAILER) ||
        memmem(clear, size, profile->trailer, profile->trailer_size) != NULL)
        return ADDRESSES;
    return is_file_number(parts, clear, size, inside) ? FILES : CLEAN;
}

static int see_string(void *context, struct fips *fips, const struct fips_element *element)
{
    struct parts *parts = context;
    uint8_t raw[CAL_HEAD];
    size_t size = 0, got;
    enum doubt doubt;

    if (element->length > CAL_HEAD) {
        parts->doubt = LONG;
        return 0;
    }
    do {
        if (fips_read(fips, raw + size, sizeof raw - size, &got, NULL) != 0)
            return 1;
        size += got;
    } while (got != 0);
    doubt = judge_string(parts, raw, size, fips->depth > parts->field_depth);
    /* Addresses and files say more than what cannot be read. */
    if (doubt != CLEAN && (parts->doubt == CLEAN || doubt < parts->doubt))
        parts->doubt = doubt;
    return 0;
}

static struct part *find_part(struct parts *parts, const struct fips_element *element)
{
    struct profile_part name;

    mai_part_name(element, &name);
    for (size_t i = 0; i < parts->count; i++) {
        if (profile_part_same(&parts->part[i].name, &name))
            return &parts->part[i];
    }
    if (parts->count == MAX_PARTS) {
        parts->more = true;
        return NULL;
    }
    parts->part[parts->count] = (struct part){.name = name};
    return &parts->part[parts->count++];
}

static int any_string(void *context, struct fips *fips, const struct fips_element *element)
{
    (void)context;
    (void)fips;
    (void)element;
    return 1;
}

static void see_part(struct parts *parts, const struct fips *fips, enum fips_event event,
                     const struct fips_element *element)
{
    struct part *part;

    if (mai_part_known(&parts->cal->profile, element) ||
        mai_part_strings(fips, event, element, any_string, NULL) == 0)
        return;
    part = find_part(parts, element);
    if (part == NULL)
        return;
    parts->doubt = CLEAN;
    parts->field_depth = 2;
    if (mai_part_strings(fips, event, element, see_string, parts) != 0)
        parts->doubt = UNREAD;
    part->messages++;
    part->doubts[parts->doubt]++;
}

static void see_mail(struct parts *parts, int fd, const char *name)
{
    struct fips_element element;
    enum fips_event event;
    struct fips fips;

    if (fips_init(&fips, fd, name, NULL) != 0 || fips_next(&fips, &event, &element, NULL) != 0)
        return;
    while (fips_next(&fips, &event, &element, NULL) == 0 && event != FIPS_LEAVE &&
           event != FIPS_DONE) {
        see_part(parts, &fips, event, &element);
        while (fips.depth > 1) {
            if (fips_leave(&fips, NULL) != 0)
                return;
        }
    }
}

static int see_all(struct parts *parts, struct error *err)
{
    struct calibration *cal = parts->cal;
    char digits[9], name[MAI_PATH_SIZE];

    for (size_t m = 0; m < cal->mail_count; m++) {
        int fd;
        if (cal_progress(cal, 1, err) != 0)
            return -1;
        if (!cal->mails[m].readable)
            continue;
        id_make(cal->mails[m].id, digits);
        mai_path(digits, name);
        fd = root_open_file(cal->root, name, O_RDONLY, NULL);
        if (fd < 0)
            continue;
        see_mail(parts, fd, name);
        close(fd);
    }
    return 0;
}

/* ---- what comes of it ---- */

static bool is_clean(const struct part *part)
{
    return part->doubts[CLEAN] == part->messages;
}

/* "field:06, field:08": parts with this doubt first of all, at most a few; how many in all. */
static unsigned name_parts(const struct parts *parts, enum doubt doubt, unsigned *messages,
                           char *out, size_t size)
{
    char name[PROFILE_PART_TEXT];
    unsigned found = 0;
    size_t at = 0;

    *messages = 0;
    out[0] = '\0';
    for (size_t i = 0; i < parts->count; i++) {
        const struct part *part = &parts->part[i];
        unsigned first = ADDRESSES;
        while (first < DOUBTS && part->doubts[first] == 0)
            first++;
        if (first != (unsigned)doubt)
            continue;
        profile_part_text(&part->name, name);
        if (found < SHOWN && at < size)
            at += (size_t)snprintf(out + at, size - at, "%s%s", found != 0 ? ", " : "", name);
        *messages += part->messages;
        found++;
    }
    return found;
}

static void want_parts(struct calibration *cal, const struct parts *parts)
{
    static const char *const wants[DOUBTS] = {
        [ADDRESSES] = "hold addresses, perhaps carbon copies: send ten messages with carbon copies "
                      "to people of other postoffices",
        [FILES] = "hold numbers of files: send ten messages with an attachment, text files among "
                  "them",
        [LONG] = "hold long texts of unknown meaning: look at such a message with a client, and add "
                 "them to mai.ignored if they may be lost",
        [UNREAD] = "hold text that the key does not reach",
    };
    char names[128];
    unsigned messages;

    for (int doubt = ADDRESSES; doubt < DOUBTS; doubt++) {
        if (name_parts(parts, (enum doubt)doubt, &messages, names, sizeof names) != 0)
            cal_want_for(cal, PROFILE_IGNORED, "%s in %u messages, which stay: %s", names, messages,
                         wants[doubt]);
    }
}

static void take_parts(struct calibration *cal, const struct parts *parts)
{
    struct profile *profile = &cal->profile;
    unsigned doubtful = 0;

    for (size_t i = 0; i < parts->count; i++) {
        if (!is_clean(&parts->part[i]))
            doubtful++;
        else if (profile->ignored_count < PROFILE_MAX_IGNORED)
            profile->ignored[profile->ignored_count++] = parts->part[i].name;
    }
    cal_accept(cal, PROFILE_IGNORED, (unsigned)cal->readable, 0,
               "parts of no role that hold nothing but short texts; not so %u others: messages "
               "that have one, or one never seen, stay",
               doubtful);
    want_parts(cal, parts);
}

int cal_learn_ignored(struct calibration *cal, struct error *err)
{
    struct parts *parts;
    int status;

    if (!profile_knows(&cal->profile, PROFILE_TRAILER) ||
        !profile_knows(&cal->profile, PROFILE_FIELD_TEXT))
        return 0;
    parts = calloc(1, sizeof *parts);
    if (parts == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    parts->cal = cal;
    status = see_all(parts, err);
    if (status == 0)
        take_parts(cal, parts);
    free(parts);
    return status;
}
