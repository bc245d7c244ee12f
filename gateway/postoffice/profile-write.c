/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/profile-write.h"

#include <string.h>

static void offset_text(int offset, char *out, size_t size)
{
    if (offset < 0)
        snprintf(out, size, "none");
    else
        snprintf(out, size, "0x%02X", (unsigned)offset);
}

static void trailer_text(const struct profile *profile, char *out, size_t size)
{
    size_t at = 0;

    out[0] = '\0';
    for (size_t i = 0; i < profile->trailer_size && at + 4 < size; i++)
        at +=
            (size_t)snprintf(out + at, size - at, "%s%02X", i != 0 ? " " : "", profile->trailer[i]);
}

static void parts_text(const struct profile *profile, char *out, size_t size)
{
    char name[PROFILE_PART_TEXT];
    size_t at = 0;

    snprintf(out, size, "none");
    for (size_t i = 0; i < profile->ignored_count && at + PROFILE_PART_TEXT < size; i++) {
        profile_part_text(&profile->ignored[i], name);
        at += (size_t)snprintf(out + at, size - at, "%s%s", i != 0 ? " " : "", name);
    }
}

static unsigned number_of(const struct profile *profile, enum profile_value value)
{
    switch ((int)value) {
    case PROFILE_BITMAP_OFFSET:
        return profile->key_bitmap_offset;
    case PROFILE_ACCESS2_NAME:
        return profile->access2_name;
    case PROFILE_ACCESS2_MAILBAG:
        return profile->access2_mailbag;
    case PROFILE_COUNTER_OFFSET:
        return profile->mai_counter;
    case PROFILE_FIELD_FROM:
        return profile->field_from;
    case PROFILE_FIELD_TO:
        return profile->field_to;
    case PROFILE_FIELD_CC:
        return profile->field_cc;
    case PROFILE_FIELD_DATE:
        return profile->field_date;
    case PROFILE_FIELD_SUBJECT:
        return profile->field_subject;
    case PROFILE_FIELD_ATTACHMENTS:
        return profile->field_attachments;
    case PROFILE_FIELD_TEXT:
        return profile->field_text;
    default:
        return profile->vendor_priority;
    }
}

/* Values that are words. */
static const char *word_of(const struct profile *profile, enum profile_value value)
{
    static const char *const verdicts[] = {"insufficient", "readable", "proven"};

    switch ((int)value) {
    case PROFILE_VERDICT:
        return verdicts[profile->verdict];
    case PROFILE_BITMAP_ORDER:
        return profile->key_msb_first ? "msb" : "lsb";
    case PROFILE_BITMAP_SET:
        return profile->key_set_is_deleted ? "deleted" : "used";
    case PROFILE_ACCESS2_FORM:
        return profile->access2_binary ? "binary" : "ascii";
    case PROFILE_COUNTER_ORDER:
        return profile->mai_counter_big ? "big" : "little";
    case PROFILE_ATT_CIPHER:
        return profile->att_enciphered ? "whole" : "none";
    case PROFILE_NAME:
        return profile->name;
    case PROFILE_POSTOFFICE:
        return profile->postoffice;
    case PROFILE_DATE_FORM:
        return profile->date_form;
    case PROFILE_CHAIN:
        return "previous-ciphertext-xor";
    case PROFILE_CODEPAGE:
        return profile->codepage;
    default:
        return NULL;
    }
}

void profile_value_text(const struct profile *profile, enum profile_value value, char *out,
                        size_t size)
{
    const char *word = word_of(profile, value);

    out[0] = '\0';
    if (!profile_knows(profile, value))
        return;
    if (word != NULL)
        snprintf(out, size, "%s", word);
    else if (value == PROFILE_TRAILER)
        trailer_text(profile, out, size);
    else if (value == PROFILE_IGNORED)
        parts_text(profile, out, size);
    else if (value == PROFILE_COUNT_NEW)
        offset_text(profile->key_new, out, size);
    else if (value == PROFILE_COUNT_UNREAD)
        offset_text(profile->key_unread, out, size);
    else if (value == PROFILE_COUNT_LIVE)
        offset_text(profile->key_live, out, size);
    else if (value == PROFILE_PERIOD && profile->key_period != 0)
        snprintf(out, size, "%zu", profile->key_period);
    else if (value == PROFILE_PERIOD)
        snprintf(out, size, "none");
    else
        snprintf(out, size, "0x%02X", number_of(profile, value));
}

static void write_key(const struct profile *profile, FILE *stream)
{
    for (size_t at = 0; at < profile->key_size; at += 16) {
        size_t end = at + 16 < profile->key_size ? at + 16 : profile->key_size;
        fprintf(stream, "cipher.key[%zu..%zu] =", at, end - 1);
        for (size_t i = at; i < end; i++) {
            if (profile->key[i] == PROFILE_KEY_UNKNOWN)
                fputs(" ??", stream);
            else
                fprintf(stream, " %02X", (unsigned)profile->key[i]);
        }
        fputc('\n', stream);
    }
}

int profile_write(const struct profile *profile, profile_note *note, const void *context,
                  FILE *stream, struct error *err)
{
    char value[PROFILE_VALUE_SIZE], comment[400];

    for (int v = 0; v < PROFILE_VALUES; v++) {
        profile_value_text(profile, (enum profile_value)v, value, sizeof value);
        comment[0] = '\0';
        if (note != NULL)
            note(context, (enum profile_value)v, comment, sizeof comment);
        if (comment[0] != '\0')
            fprintf(stream, "# %s\n", comment);
        if (value[0] != '\0')
            fprintf(stream, "%s = %s\n", profile_value_name((enum profile_value)v), value);
    }
    write_key(profile, stream);
    if (fflush(stream) != 0 || ferror(stream))
        return error_sys(err, ERROR_SOFT, "", "the profile cannot be written");
    return 0;
}
