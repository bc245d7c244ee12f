/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "postoffice/route.h"

#define CODES 128
#define FROM 0x01 /* FIPS PUB 98, confirmed by the bytes of Q104423 */
#define TO 0x05
#define MAX_ROUTES 4096
#define ATT_LEAST 16 /* octets of a file from which it can be told text or not */

/* ---- address strings ---- */

int cal_decode_address(const struct calibration *cal, const struct cal_string *string,
                       uint8_t *clear, size_t *name)
{
    if (string->vendor || string->place != CAL_DIRECT || string->length > CAL_HEAD ||
        cal_decode(cal, string->head, string->length, clear) != string->length)
        return -1;
    *name = strnlen((const char *)clear, string->length);
    if (*name == 0 || *name == string->length)
        return -1;
    for (size_t i = 0; i < *name; i++) {
        if (clear[i] < 0x20 || clear[i] == 0x7F)
            return -1;
    }
    return memchr(clear, '/', *name) != NULL || memchr(clear, ':', *name) != NULL ? 0 : -1;
}

struct trailer {
    uint8_t octets[PROFILE_MAX_TRAILER];
    size_t size;
    unsigned agree, disagree, lead;
};

/* The most frequent one first (a majority survives its rivals), then it is counted. */
static void see_trailer(struct trailer *trailer, const uint8_t *octets, size_t size, bool counting)
{
    bool same = size == trailer->size && memcmp(octets, trailer->octets, size) == 0;

    if (counting) {
        trailer->agree += same;
        trailer->disagree += !same;
    } else if (same) {
        trailer->lead++;
    } else if (trailer->lead > 0) {
        trailer->lead--;
    } else if (size <= PROFILE_MAX_TRAILER) {
        memcpy(trailer->octets, octets, size);
        trailer->size = size;
        trailer->lead = 1;
    }
}

static void see_recipients(const struct calibration *cal, struct trailer *trailer, bool counting)
{
    uint8_t clear[CAL_HEAD];
    size_t name;

    for (size_t i = 0; i < cal->string_count; i++) {
        const struct cal_string *string = &cal->strings[i];
        if (string->code == TO && cal_decode_address(cal, string, clear, &name) == 0)
            see_trailer(trailer, clear + name, string->length - name, counting);
    }
}

/* Originators end in the trailer too, with octets of unknown meaning behind it. */
static void check_senders(struct calibration *cal)
{
    unsigned agree = 0, disagree = 0;
    uint8_t clear[CAL_HEAD];
    size_t name;

    for (size_t m = 0; m < cal->mail_count; m++) {
        const struct cal_mail *mail = &cal->mails[m];
        const char *sender = mail->header.sender;
        size_t size = strlen(sender);
        for (size_t i = 0; mail->paired && size != 0 && i < mail->count; i++) {
            const struct cal_string *string = &cal->strings[mail->first + i];
            bool fits;
            if (string->code != FROM || string->nth != 0 || string->vendor ||
                cal_decode_address(cal, string, clear, &name) != 0 ||
                memchr(clear, ':', name) != NULL)
                continue;
            fits = name > size && memcmp(clear + name - size, sender, size) == 0 &&
                   clear[name - size - 1] == '/' &&
                   string->length - name >= cal->profile.trailer_size &&
                   memcmp(clear + name, cal->profile.trailer, cal->profile.trailer_size) == 0;
            agree += fits;
            disagree += !fits;
        }
    }
    cal->profile.field_from = FROM;
    if (cal_sound(agree, disagree))
        cal_accept(cal, PROFILE_FIELD_FROM, agree, disagree,
                   "ends in the mailbox that the mailbag says (number: Q104423)");
    else
        cal_refuse(cal, PROFILE_FIELD_FROM, agree, disagree,
                   "does not end in the mailbox that the mailbag says");
}

void cal_learn_trailer(struct calibration *cal)
{
    struct trailer trailer = {.size = 0};

    see_recipients(cal, &trailer, false);
    see_recipients(cal, &trailer, true);
    if (!cal_sound(trailer.agree, trailer.disagree)) {
        cal_refuse(cal, PROFILE_TRAILER, trailer.agree, trailer.disagree,
                   "recipients do not all end alike, or too few can be read");
        cal_refuse(cal, PROFILE_FIELD_TO, trailer.agree, trailer.disagree,
                   "see mai.address_trailer");
        if (profile_knows(&cal->profile, PROFILE_CHAIN))
            cal_want_for(cal, PROFILE_TRAILER, "send ten messages to different people");
        return;
    }
    memcpy(cal->profile.trailer, trailer.octets, trailer.size);
    cal->profile.trailer_size = trailer.size;
    cal->profile.field_to = TO;
    cal_accept(cal, PROFILE_TRAILER, trailer.agree, trailer.disagree,
               "what follows the name in each recipient");
    cal_accept(cal, PROFILE_FIELD_TO, trailer.agree, trailer.disagree,
               "its strings are addresses (number: Q104423)");
    check_senders(cal);
}

/* ---- Cc ---- */

struct shapes {
    struct calibration *cal;
    struct route routes[MAX_ROUTES];
    size_t count;
    unsigned addresses[CODES], others[CODES], lies[CODES], absent[CODES];
};

static int add_route(void *context, const struct route *route, struct error *err)
{
    struct shapes *shapes = context;

    (void)err;
    if (route->mailbag[0] != '\0' && shapes->count < MAX_ROUTES)
        shapes->routes[shapes->count++] = *route;
    return 0;
}

/* A record of the mailbag that NAME's mail goes to leads to MAIL: 1, none does: 0; not known: -1.
 */
static int lies_there(const struct shapes *shapes, const struct cal_mail *mail, const char *name)
{
    const struct calibration *cal = shapes->cal;
    const struct cal_bag *bag = NULL;
    struct mbg_record header;

    for (size_t i = 0; i < shapes->count && bag == NULL; i++) {
        if (route_same_name(shapes->routes[i].name, name))
            bag = cal_find_bag(cal, shapes->routes[i].mailbag);
    }
    for (size_t r = 0; bag != NULL && r < bag->count; r++) {
        mbg_parse(bag->records + r * MBG_RECORD_SIZE, &header);
        if (header.mai[0] != '\0' && header.mai_number == mail->id)
            return 1;
    }
    return bag != NULL ? 0 : -1;
}

/* "NET/PO/BOX" lies in the mailbag of NET/PO, "TYPE:address" in that of TYPE. */
static void see_address(struct shapes *shapes, const struct cal_mail *mail, unsigned code,
                        uint8_t *clear, size_t size)
{
    char *name = (char *)clear, *end;
    int lies;

    clear[size] = '\0';
    end = strrchr(name, '/');
    if (strchr(name, ':') != NULL)
        end = strchr(name, ':');
    if (end == NULL)
        return;
    *end = '\0';
    lies = lies_there(shapes, mail, name);
    shapes->lies[code] += lies == 1;
    shapes->absent[code] += lies == 0;
}

static void see_shape(struct shapes *shapes, const struct cal_mail *mail,
                      const struct cal_string *string)
{
    const struct profile *profile = &shapes->cal->profile;
    uint8_t clear[CAL_HEAD + 1];
    size_t name;

    if (string->vendor || string->code >= CODES || string->code == FROM)
        return;
    if (cal_decode_address(shapes->cal, string, clear, &name) != 0 ||
        string->length - name != profile->trailer_size ||
        memcmp(clear + name, profile->trailer, profile->trailer_size) != 0) {
        shapes->others[string->code]++;
        return;
    }
    shapes->addresses[string->code]++;
    see_address(shapes, mail, string->code, clear, name);
}

static bool is_cc(const struct shapes *shapes, unsigned code)
{
    return shapes->lies[code] >= CAL_LEAST_VOTES &&
           shapes->others[code] * CAL_TOLERANCE <= shapes->addresses[code] &&
           (uint64_t)shapes->lies[code] * 2 * (shapes->lies[TO] + shapes->absent[TO]) >=
               (uint64_t)shapes->lies[TO] * (shapes->lies[code] + shapes->absent[code]);
}

int cal_learn_cc(struct calibration *cal, struct error *err)
{
    struct shapes *shapes;
    unsigned found = 0;
    int status = -1;

    if (!profile_knows(&cal->profile, PROFILE_TRAILER))
        return 0;
    shapes = calloc(1, sizeof *shapes);
    if (shapes == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    shapes->cal = cal;
    status = route_each(cal->root, add_route, shapes, err);
    for (size_t m = 0; m < cal->mail_count; m++) {
        for (size_t i = 0; i < cal->mails[m].count; i++)
            see_shape(shapes, &cal->mails[m], &cal->strings[cal->mails[m].first + i]);
    }
    for (unsigned c = 1; c < CODES; c++) {
        if (c == TO || !is_cc(shapes, c))
            continue;
        found++;
        cal->profile.field_cc = (uint8_t)c;
    }
    if (found == 1) {
        cal_accept(cal, PROFILE_FIELD_CC, shapes->addresses[cal->profile.field_cc],
                   shapes->others[cal->profile.field_cc],
                   "addresses, and the message lies in the mailbags of %u of them",
                   shapes->lies[cal->profile.field_cc]);
    } else {
        cal->profile.field_cc = 0;
        cal_refuse(cal, PROFILE_FIELD_CC, 0, 0, "%u fields beside To hold recipients", found);
    }
    free(shapes);
    return status != 0 && err != NULL && err->class == ERROR_SOFT ? -1 : 0;
}

/* ---- attachments ---- */

/* Number of the ATT file that STRING, the first of a sequence, names. */
static int attachment_number(const struct calibration *cal, const struct cal_string *string,
                             uint32_t *out)
{
    uint8_t clear[9];

    if (string->vendor || string->place != CAL_IN_SEQUENCE || string->nth != 0 ||
        string->length != 8 || string->code >= CODES ||
        cal_decode(cal, string->head, 8, clear) != 8)
        return -1;
    clear[8] = '\0';
    return id_parse((const char *)clear, out);
}

void cal_learn_attachments(struct calibration *cal)
{
    unsigned agree[CODES] = {0}, disagree[CODES] = {0}, absent[CODES] = {0}, found = 0;
    uint32_t number;

    for (size_t i = 0; i < cal->string_count; i++) {
        const struct cal_string *string = &cal->strings[i];
        bool number_read, there;
        if (string->vendor || string->place != CAL_IN_SEQUENCE || string->nth != 0 ||
            string->code >= CODES)
            continue;
        number_read = attachment_number(cal, string, &number) == 0;
        there = number_read && cal_find_file(cal->att_files, cal->att_count, number) != NULL;
        agree[string->code] += there;
        disagree[string->code] += !there;
        absent[string->code] += number_read && !there;
    }
    for (unsigned c = 1; c < CODES; c++) {
        if (!cal_sound(agree[c], disagree[c]))
            continue;
        found++;
        cal->profile.field_attachments = (uint8_t)c;
    }
    if (found == 1) {
        unsigned c = cal->profile.field_attachments;
        cal_accept(cal, PROFILE_FIELD_ATTACHMENTS, agree[c], disagree[c],
                   "the first string of each sequence is the number of an ATT file on disk");
        cal_note_stale(cal, PROFILE_FIELD_ATTACHMENTS, absent[c]); /* they get lost: Q118675 */
        return;
    }
    cal->profile.field_attachments = 0;
    cal_refuse(cal, PROFILE_FIELD_ATTACHMENTS, 0, 0, "%u fields hold the numbers of ATT files",
               found);
}

struct signature {
    const char *ending;
    const char *octets;
    size_t size;
};

static const struct signature signatures[] = {
    {".DOC", "\xD0\xCF\x11\xE0", 4},
    {".XLS", "\xD0\xCF\x11\xE0", 4},
    {".ZIP", "PK\x03\x04", 4},
    {".GIF", "GIF8", 4},
    {".DAT", "\x78\x9F\x3E\x22", 4},
    {".RTF", "{\\rt", 4},
    {".EPS", "%!PS", 4},
    {".PDF", "%PDF", 4},
    {".PPT", "\xD0\xCF\x11\xE0", 4},
    {".JPG", "\xFF\xD8\xFF\xE0", 4},
    {".PCX", "\x0A\x05\x01\x08", 4},
    {".WK1", "\x00\x00\x02\x00", 4},
    {".WMF", "\xD7\xCD\xC6\x9A", 4},
    {".PNG", "\x89PNG", 4},
};

/* A file of that name begins so: its signature, or a page of text, or one octet again and again. */
static bool looks_right(const char *name, const uint8_t *octets, size_t size)
{
    size_t text = 0, same = 0;

    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++) {
        size_t length = strlen(name);
        if (length > 4 && strcasecmp(name + length - 4, signatures[i].ending) == 0 && size >= 4 &&
            memcmp(octets, signatures[i].octets, 4) == 0)
            return true;
    }
    for (size_t i = 0; i < size; i++) {
        text += (octets[i] >= 0x20 && octets[i] < 0x7F) || (octets[i] >= 9 && octets[i] <= 13);
        same += octets[i] == octets[0];
    }
    return size >= ATT_LEAST && (text * 20 >= size * 19 || same == size);
}

struct att_tally {
    unsigned whole, none;
};

static int see_att(struct calibration *cal, uint32_t number, const char *name,
                   struct att_tally *tally, struct error *err)
{
    uint8_t raw[CAL_HEAD], clear[CAL_HEAD];
    char digits[9], path[40];
    struct stat st;
    size_t size, known;
    int fd, status = 0;

    id_make(number, digits);
    snprintf(path, sizeof path, "ATT/AT%c/%.8s.ATT", digits[7], digits);
    fd = root_open_file(cal->root, path, O_RDONLY, err);
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && st.st_size > 0) {
        size = st.st_size < CAL_HEAD ? (size_t)st.st_size : CAL_HEAD;
        status = file_pread(fd, path, raw, size, 0, err);
        if (status == 0) {
            bool plain = looks_right(name, raw, size);
            known = cal_decode(cal, raw, size, clear);
            tally->whole += !plain && looks_right(name, clear, known);
            tally->none += plain;
        }
    }
    close(fd);
    return status;
}

/* The string behind the number, in the same sequence, is the name. */
static void take_name(const struct calibration *cal, size_t index, char name[CAL_HEAD + 1])
{
    const struct cal_string *number = &cal->strings[index], *string = number + 1;
    size_t size = 0;

    if (index + 1 < cal->string_count && string->nth == 1 && string->item == number->item &&
        string->element == number->element && string->length <= CAL_HEAD)
        size = cal_decode(cal, string->head, string->length, (uint8_t *)name);
    name[size] = '\0';
}

int cal_learn_att(struct calibration *cal, struct error *err)
{
    struct att_tally tally = {0, 0};
    char name[CAL_HEAD + 1];
    uint32_t number;

    for (size_t i = 0; i < cal->string_count && tally.whole + tally.none < 1000; i++) {
        if (cal->strings[i].code != cal->profile.field_attachments ||
            attachment_number(cal, &cal->strings[i], &number) != 0)
            continue;
        take_name(cal, i, name);
        if (see_att(cal, number, name, &tally, err) != 0)
            return -1;
    }
    cal->profile.att_enciphered = tally.whole > tally.none;
    if (cal_sound(tally.whole, tally.none) || cal_sound(tally.none, tally.whole)) {
        bool whole = tally.whole > tally.none;
        cal_accept(cal, PROFILE_ATT_CIPHER, whole ? tally.whole : tally.none,
                   whole ? tally.none : tally.whole, "files begin as their names say or as text %s",
                   whole ? "under the same key" : "as they lie on the disk");
        return 0;
    }
    cal_refuse(cal, PROFILE_ATT_CIPHER, tally.whole, tally.none,
               "too few files begin as their names say or as text");
    if (profile_knows(&cal->profile, PROFILE_FIELD_ATTACHMENTS))
        cal_want_for(cal, PROFILE_ATT_CIPHER,
                     "send ten messages with a text file of some lines attached");
    return 0;
}
