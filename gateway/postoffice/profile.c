/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/profile.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define FILE_LIMIT ((size_t)1024 * 1024)
#define KEY_FILE_SIZE 560
#define BITMAP_SIZE 512
#define ACCESS2_SIZE 69

enum form {
    FORM_TEXT,   /* char array of LIMIT octets */
    FORM_WORD,   /* bool: WORDS[0] is false, WORDS[1] is true */
    FORM_FIXED,  /* only WORDS[0] is allowed; nothing is stored */
    FORM_NUMBER, /* unsigned, at most LIMIT */
    FORM_OFFSET, /* int, at most LIMIT, or "none" */
    FORM_CODE,   /* uint8_t, 1 to LIMIT */
    FORM_PERIOD, /* size_t, 1 to LIMIT, or "none" */
    FORM_VERDICT,
    FORM_TRAILER,
    FORM_CODEPAGE,
    FORM_DATE,
    FORM_PARTS,
};

struct rule {
    const char *name;
    size_t place;
    const char *words[2];
    enum form form;
    unsigned limit;
};

#define AT(member) offsetof(struct profile, member)

static const struct rule rules[PROFILE_VALUES] = {
    [PROFILE_NAME] = {"profile", AT(name), {0}, FORM_TEXT, sizeof((struct profile *)0)->name},
    [PROFILE_VERDICT] = {"verdict", AT(verdict), {0}, FORM_VERDICT, 0},
    [PROFILE_POSTOFFICE] = {"postoffice",
                            AT(postoffice),
                            {0},
                            FORM_TEXT,
                            sizeof((struct profile *)0)->postoffice},
    [PROFILE_BITMAP_OFFSET] =
        {"key.bitmap_offset", AT(key_bitmap_offset), {0}, FORM_NUMBER, KEY_FILE_SIZE - BITMAP_SIZE},
    [PROFILE_BITMAP_ORDER] = {"key.bitmap_order", AT(key_msb_first), {"lsb", "msb"}, FORM_WORD, 0},
    [PROFILE_BITMAP_SET] =
        {"key.bitmap_set", AT(key_set_is_deleted), {"used", "deleted"}, FORM_WORD, 0},
    [PROFILE_COUNT_NEW] = {"key.count_new", AT(key_new), {0}, FORM_OFFSET, KEY_FILE_SIZE - 2},
    [PROFILE_COUNT_UNREAD] =
        {"key.count_unread", AT(key_unread), {0}, FORM_OFFSET, KEY_FILE_SIZE - 2},
    [PROFILE_COUNT_LIVE] = {"key.count_live", AT(key_live), {0}, FORM_OFFSET, KEY_FILE_SIZE - 2},
    [PROFILE_ACCESS2_NAME] =
        {"access2.name_offset", AT(access2_name), {0}, FORM_NUMBER, ACCESS2_SIZE - 11},
    [PROFILE_ACCESS2_MAILBAG] =
        {"access2.mailbag_offset", AT(access2_mailbag), {0}, FORM_NUMBER, ACCESS2_SIZE - 4},
    [PROFILE_ACCESS2_FORM] =
        {"access2.mailbag_form", AT(access2_binary), {"ascii", "binary"}, FORM_WORD, 0},
    [PROFILE_COUNTER_OFFSET] = {"mai.counter_offset", AT(mai_counter), {0}, FORM_NUMBER, 65535},
    [PROFILE_COUNTER_ORDER] =
        {"mai.counter_order", AT(mai_counter_big), {"little", "big"}, FORM_WORD, 0},
    [PROFILE_FIELD_FROM] = {"mai.field.from", AT(field_from), {0}, FORM_CODE, 127},
    [PROFILE_FIELD_TO] = {"mai.field.to", AT(field_to), {0}, FORM_CODE, 127},
    [PROFILE_FIELD_CC] = {"mai.field.cc", AT(field_cc), {0}, FORM_CODE, 127},
    [PROFILE_FIELD_DATE] = {"mai.field.date", AT(field_date), {0}, FORM_CODE, 127},
    [PROFILE_FIELD_SUBJECT] = {"mai.field.subject", AT(field_subject), {0}, FORM_CODE, 127},
    [PROFILE_FIELD_ATTACHMENTS] =
        {"mai.field.attachments", AT(field_attachments), {0}, FORM_CODE, 127},
    [PROFILE_FIELD_TEXT] = {"mai.field.text", AT(field_text), {0}, FORM_CODE, 127},
    [PROFILE_VENDOR_PRIORITY] = {"mai.vendor.priority", AT(vendor_priority), {0}, FORM_CODE, 127},
    [PROFILE_TRAILER] = {"mai.address_trailer", AT(trailer), {0}, FORM_TRAILER, 0},
    [PROFILE_DATE_FORM] = {"mai.date_form", AT(date_form), {0}, FORM_DATE, 0},
    [PROFILE_IGNORED] = {"mai.ignored", AT(ignored), {0}, FORM_PARTS, 0},
    [PROFILE_ATT_CIPHER] = {"att.cipher", AT(att_enciphered), {"none", "whole"}, FORM_WORD, 0},
    [PROFILE_CHAIN] = {"cipher.chain", 0, {"previous-ciphertext-xor", NULL}, FORM_FIXED, 0},
    [PROFILE_PERIOD] = {"cipher.period", AT(key_period), {0}, FORM_PERIOD, PROFILE_MAX_KEY},
    [PROFILE_CODEPAGE] = {"codepage", AT(codepage), {0}, FORM_CODEPAGE, 0},
};

struct reader {
    struct profile *profile;
    const char *path;
    unsigned line;
    const char *name; /* of the value being read */
    struct error *err;
};

static int wrong(const struct reader *reader, const char *value, const char *right)
{
    return error_set(reader->err, ERROR_SETUP, "", "%s:%u: %s = %.40s: write %s", reader->path,
                     reader->line, reader->name, value, right);
}

/* Decimal or 0x; nothing else, no sign, no octal. */
static int parse_number(const char *text, unsigned long *out)
{
    bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    const char *digits = hex ? text + 2 : text;
    size_t length = strlen(digits);

    if (length == 0 || length > 8 ||
        strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789") != length)
        return -1;
    *out = strtoul(digits, NULL, hex ? 16 : 10);
    return 0;
}

static int parse_octet(const char *text, uint8_t *out)
{
    if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]) || text[2] != '\0')
        return -1;
    *out = (uint8_t)strtoul(text, NULL, 16);
    return 0;
}

static int read_bounded(const struct reader *reader, const char *value, unsigned least,
                        unsigned most, unsigned long *out)
{
    char right[64];

    snprintf(right, sizeof right, "a number from %u to %u", least, most);
    if (parse_number(value, out) != 0 || *out < least || *out > most)
        return wrong(reader, value, right);
    return 0;
}

static int read_verdict(const struct reader *reader, const char *value)
{
    static const char *const names[] = {"insufficient", "readable", "proven"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(value, names[i]) == 0) {
            reader->profile->verdict = (enum profile_verdict)i;
            return 0;
        }
    }
    return wrong(reader, value, "insufficient, readable or proven");
}

static int read_trailer(const struct reader *reader, char *value)
{
    struct profile *profile = reader->profile;
    char *rest = value;
    char *word;

    while ((word = strsep(&rest, " \t")) != NULL) {
        if (word[0] == '\0')
            continue;
        if (profile->trailer_size == PROFILE_MAX_TRAILER ||
            parse_octet(word, &profile->trailer[profile->trailer_size]) != 0)
            return wrong(reader, word, "1 to 16 octets of two hexadecimal digits");
        profile->trailer_size++;
    }
    return profile->trailer_size != 0 ? 0 : wrong(reader, "", "1 to 16 octets");
}

static int read_date_form(const struct reader *reader, const char *value)
{
    const char *right = date_form_wrong(value);

    if (right != NULL)
        return wrong(reader, value, right);
    snprintf(reader->profile->date_form, sizeof reader->profile->date_form, "%s", value);
    return 0;
}

/* Names of parts with blanks between, or "none". */
static int read_parts(const struct reader *reader, char *value)
{
    struct profile *profile = reader->profile;
    char *rest = value;
    char *word;

    if (strcmp(value, "none") == 0)
        return 0;
    while ((word = strsep(&rest, " \t")) != NULL) {
        if (word[0] == '\0')
            continue;
        if (profile->ignored_count == PROFILE_MAX_IGNORED ||
            profile_part_parse(word, &profile->ignored[profile->ignored_count]) != 0)
            return wrong(reader, word, "field:10, vendor:3A, element:0B or none; 40 at most");
        profile->ignored_count++;
    }
    return profile->ignored_count != 0 ? 0 : wrong(reader, "", "names of parts, or none");
}

/* "850" is the code page of that number; other names are iconv's. */
static int read_codepage(const struct reader *reader, const char *value)
{
    size_t digits = strspn(value, "0123456789");
    char *out = reader->profile->codepage;
    size_t size = sizeof reader->profile->codepage;
    int length;

    if (value[0] == '\0' || strpbrk(value, " \t/,") != NULL)
        return wrong(reader, value, "the number or name of a code page");
    length = snprintf(out, size, "%s%s", value[digits] == '\0' ? "CP" : "", value);
    return (size_t)length < size ? 0 : wrong(reader, value, "a shorter name");
}

static int read_word(const struct reader *reader, const struct rule *rule, const char *value,
                     bool *out)
{
    char right[64];

    snprintf(right, sizeof right, "%s or %s", rule->words[0], rule->words[1]);
    *out = strcmp(value, rule->words[1]) == 0;
    return *out || strcmp(value, rule->words[0]) == 0 ? 0 : wrong(reader, value, right);
}

static int read_text(const struct reader *reader, const struct rule *rule, const char *value,
                     char *out)
{
    char right[40];

    snprintf(right, sizeof right, "1 to %u characters", rule->limit - 1);
    if (value[0] == '\0' || strlen(value) >= rule->limit)
        return wrong(reader, value, right);
    memcpy(out, value, strlen(value) + 1);
    return 0;
}

static int read_number(const struct reader *reader, const struct rule *rule, const char *value,
                       char *place)
{
    unsigned least = rule->form == FORM_CODE || rule->form == FORM_PERIOD ? 1 : 0;
    bool none = strcmp(value, "none") == 0;
    unsigned long number = 0;

    if (none && rule->form != FORM_OFFSET && rule->form != FORM_PERIOD)
        return wrong(reader, value, "a number");
    if (!none && read_bounded(reader, value, least, rule->limit, &number) != 0)
        return -1;
    if (rule->form == FORM_NUMBER)
        *(unsigned *)(void *)place = (unsigned)number;
    else if (rule->form == FORM_OFFSET)
        *(int *)(void *)place = none ? -1 : (int)number;
    else if (rule->form == FORM_PERIOD)
        *(size_t *)(void *)place = number;
    else
        *(uint8_t *)place = (uint8_t)number;
    return 0;
}

static int read_value(const struct reader *reader, const struct rule *rule, char *value)
{
    char *place = (char *)reader->profile + rule->place;

    switch (rule->form) {
    case FORM_TEXT:
        return read_text(reader, rule, value, place);
    case FORM_WORD:
        return read_word(reader, rule, value, (bool *)(void *)place);
    case FORM_FIXED:
        return strcmp(value, rule->words[0]) == 0 ? 0 : wrong(reader, value, rule->words[0]);
    case FORM_VERDICT:
        return read_verdict(reader, value);
    case FORM_TRAILER:
        return read_trailer(reader, value);
    case FORM_CODEPAGE:
        return read_codepage(reader, value);
    case FORM_DATE:
        return read_date_form(reader, value);
    case FORM_PARTS:
        return read_parts(reader, value);
    case FORM_NUMBER:
    case FORM_OFFSET:
    case FORM_CODE:
    case FORM_PERIOD:
        break;
    }
    return read_number(reader, rule, value, place);
}

static int grow_key(const struct reader *reader, size_t size)
{
    struct profile *profile = reader->profile;
    int16_t *key;

    if (size <= profile->key_size && profile->key != NULL)
        return 0;
    key = realloc(profile->key, size * sizeof *key);
    if (key == NULL) {
        error_sys(reader->err, ERROR_SOFT, "", "%s: no memory", reader->path);
        return -1;
    }
    for (size_t i = profile->key_size; i < size; i++)
        key[i] = PROFILE_KEY_UNKNOWN;
    profile->key = key;
    profile->key_size = size;
    return 0;
}

/* "cipher.key[FIRST..LAST]" */
static int parse_run(char *name, unsigned long *first, unsigned long *last)
{
    char *dots = strstr(name, "..");
    char *start = strchr(name, '[');
    size_t length = strlen(name);

    if (dots == NULL || start == NULL || dots < start || name[length - 1] != ']')
        return -1;
    *dots = '\0';
    name[length - 1] = '\0';
    return parse_number(start + 1, first) == 0 && parse_number(dots + 2, last) == 0 &&
                   *first <= *last && *last < PROFILE_MAX_KEY
               ? 0
               : -1;
}

static int read_key_octet(const struct reader *reader, size_t position, const char *word)
{
    uint8_t octet;

    if (strcmp(word, "??") == 0)
        return 0;
    if (parse_octet(word, &octet) != 0)
        return wrong(reader, word, "two hexadecimal digits or ?? for each position");
    if (reader->profile->key[position] != PROFILE_KEY_UNKNOWN)
        return error_set(reader->err, ERROR_SETUP, "", "%s:%u: key position %zu is given twice",
                         reader->path, reader->line, position);
    reader->profile->key[position] = octet;
    return 0;
}

static int read_key_run(struct reader *reader, char *name, char *value)
{
    unsigned long first, last, position;
    char *rest = value;
    char *word;

    reader->name = "cipher.key";
    if (parse_run(name, &first, &last) != 0)
        return wrong(reader, value, "cipher.key[FIRST..LAST], positions below 65536");
    if (grow_key(reader, last + 1) != 0)
        return -1;
    position = first;
    while ((word = strsep(&rest, " \t")) != NULL) {
        if (word[0] == '\0')
            continue;
        if (position > last)
            return wrong(reader, word, "as many octets as the run has positions");
        if (read_key_octet(reader, position++, word) != 0)
            return -1;
    }
    return position == last + 1 ? 0 : wrong(reader, "", "as many octets as the run has positions");
}

static char *trim(char *text)
{
    size_t length;

    text += strspn(text, " \t\r");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

static int read_pair(struct reader *reader, char *name, char *value)
{
    if (strncmp(name, "cipher.key[", 11) == 0)
        return read_key_run(reader, name, value);
    reader->name = name;
    for (size_t i = 0; i < PROFILE_VALUES; i++) {
        if (strcmp(name, rules[i].name) != 0)
            continue;
        if ((reader->profile->known & 1U << i) != 0)
            return error_set(reader->err, ERROR_SETUP, "", "%s:%u: %s is given twice", reader->path,
                             reader->line, name);
        reader->profile->known |= 1U << i;
        return read_value(reader, &rules[i], value);
    }
    return error_set(reader->err, ERROR_SETUP, "", "%s:%u: %.40s: unknown name", reader->path,
                     reader->line, name);
}

static int read_lines(struct reader *reader, char *text)
{
    char *line;

    while ((line = strsep(&text, "\n")) != NULL) {
        char *equals;
        reader->line++;
        line[strcspn(line, "#")] = '\0';
        line = trim(line);
        if (line[0] == '\0')
            continue;
        equals = strchr(line, '=');
        if (equals == NULL)
            return error_set(reader->err, ERROR_SETUP, "", "%s:%u: write \"name = value\"",
                             reader->path, reader->line);
        *equals = '\0';
        if (read_pair(reader, trim(line), trim(equals + 1)) != 0)
            return -1;
    }
    return 0;
}

static bool in_bitmap(const struct profile *profile, int offset)
{
    int start = (int)profile->key_bitmap_offset;

    return profile_knows(profile, PROFILE_BITMAP_OFFSET) && offset >= 0 && offset + 2 > start &&
           offset < start + BITMAP_SIZE;
}

static int check_fields(const struct profile *profile, const char *path, struct error *err)
{
    const uint8_t fields[] = {
        profile->field_from,    profile->field_to,          profile->field_cc,  profile->field_date,
        profile->field_subject, profile->field_attachments, profile->field_text};

    for (size_t i = 0; i < sizeof fields; i++) {
        for (size_t j = 0; j < i; j++) {
            if (fields[i] != 0 && fields[i] == fields[j])
                return error_set(err, ERROR_SETUP, "", "%s: two of mai.field.* are 0x%02X", path,
                                 fields[i]);
        }
    }
    return 0;
}

/* What no single line can be blamed for. */
static int check_whole(const struct profile *profile, const char *path, struct error *err)
{
    if (in_bitmap(profile, profile->key_new) || in_bitmap(profile, profile->key_unread) ||
        in_bitmap(profile, profile->key_live))
        return error_set(err, ERROR_SETUP, "", "%s: a key.count_* lies inside the bitmap", path);
    if (profile_knows(profile, PROFILE_ACCESS2_FORM) && !profile->access2_binary &&
        profile->access2_mailbag > ACCESS2_SIZE - 9)
        return error_set(err, ERROR_SETUP, "", "%s: access2.mailbag_offset is more than 60", path);
    if (profile->key_period != 0 && profile->key_size > profile->key_period)
        return error_set(err, ERROR_SETUP, "", "%s: cipher.key goes beyond cipher.period (%zu)",
                         path, profile->key_period);
    return check_fields(profile, path, err);
}

static int read_file(const char *path, uint8_t **data, size_t *size, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int status;

    if (fd < 0) {
        error_sys(err, ERROR_SETUP, "", "%s: cannot open the profile", path);
        return -1;
    }
    status = file_read_all(fd, path, FILE_LIMIT, data, size, err);
    close(fd);
    if (status == 0 && memchr(*data, '\0', *size) != NULL) {
        free(*data);
        error_set(err, ERROR_SETUP, "", "%s: holds a NUL; a profile is text", path);
        return -1;
    }
    if (status != 0 && err != NULL)
        err->class = ERROR_SETUP;
    return status;
}

int profile_load(struct profile **out, const char *path, struct error *err)
{
    struct profile *profile;
    struct reader reader = {.path = path, .err = err};
    uint8_t *data;
    size_t size;

    if (read_file(path, &data, &size, err) != 0)
        return -1;
    profile = calloc(1, sizeof *profile);
    if (profile == NULL) {
        free(data);
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", path);
    }
    profile->key_new = profile->key_unread = profile->key_live = -1;
    reader.profile = profile;
    if (read_lines(&reader, (char *)data) != 0 || check_whole(profile, path, err) != 0) {
        free(data);
        profile_free(profile);
        return -1;
    }
    free(data);
    *out = profile;
    return 0;
}

void profile_free(struct profile *profile)
{
    if (profile == NULL)
        return;
    free(profile->key);
    free(profile);
}

const char *profile_value_name(enum profile_value value)
{
    return rules[value].name;
}

bool profile_knows(const struct profile *profile, enum profile_value value)
{
    return (profile->known & 1U << value) != 0;
}

int profile_require(const struct profile *profile, enum profile_value value, struct error *err)
{
    if (profile_knows(profile, value))
        return 0;
    return error_set(err, ERROR_SETUP, "",
                     "profile %s does not know %s; calibrate the postoffice and add it",
                     profile->name[0] != '\0' ? profile->name : "(no name)", rules[value].name);
}

int profile_key_at(const struct profile *profile, uint64_t position)
{
    if (profile->key_period != 0)
        position %= profile->key_period;
    return position < profile->key_size ? profile->key[position] : PROFILE_KEY_UNKNOWN;
}
