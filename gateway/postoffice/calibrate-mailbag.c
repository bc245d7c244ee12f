/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "postoffice/route.h"

#define BITMAP_SIZE 512
#define OFFSETS (KEY_SIZE - BITMAP_SIZE + 1)
#define READINGS ((size_t)OFFSETS * 4)
#define MARGIN 12.0 /* nats that a reading must be better than any other */
/* Nats of one observation: a live record without its file; a bit beyond the last record. */
#define COST_MISSING 6.0
#define COST_BEYOND 5.0
#define LEAST_VACANT 10 /* vacant records without a message for each live one without */
#define ACCESS2_FILE "GLB/ACCESS2.GLB"
#define ACCESS2_SIZE 69
#define ACCESS2_NAME 11
#define ACCESS2_LIMIT ((size_t)ACCESS2_SIZE * 65536)

struct reading {
    struct profile profile; /* only the bitmap is set */
    unsigned live, missing, vacant, kept, beyond;
    double cost;
};

static bool record_exists(const struct calibration *cal, const struct cal_bag *bag, size_t record,
                          struct mbg_record *header)
{
    mbg_parse(bag->records + record * MBG_RECORD_SIZE, header);
    return header->mai[0] != '\0' &&
           cal_find_file(cal->mai_files, cal->mai_count, header->mai_number) != NULL;
}

/* Bits behind the last record: no reading makes sense of them, so they speak against one. */
static bool set_beyond(const struct cal_bag *bag, const struct profile *profile)
{
    struct profile plain = *profile;

    plain.key_set_is_deleted = false;
    for (uint32_t r = (uint32_t)bag->count; r < KEY_MAX_RECORDS; r++) {
        if (key_is_live(&bag->key, &plain, r))
            return true;
    }
    return false;
}

/* How many records of each kind EXISTS has under this reading. */
static void count_bag(const struct cal_bag *bag, const bool *exists, struct reading *reading)
{
    for (uint32_t r = 0; r < bag->count; r++) {
        bool live = key_is_live(&bag->key, &reading->profile, r);
        reading->live += live;
        reading->missing += live && !exists[r];
        reading->vacant += !live;
        reading->kept += !live && exists[r];
    }
    reading->beyond += set_beyond(bag, &reading->profile);
}

/*
 * A live record has its file; one that is vacant mostly has not, yet may have (other mailbags hold
 * the same message). Nats: 6 for a live one without file; for vacant ones half a nat without and
 * two with file.
 */
static void weigh(struct reading *reading)
{
    reading->cost = COST_MISSING * reading->missing + COST_BEYOND * reading->beyond +
                    0.5 * (reading->vacant - reading->kept) + 2.0 * reading->kept;
}

static void make_readings(struct reading *readings)
{
    for (size_t i = 0; i < READINGS; i++) {
        readings[i].profile.key_bitmap_offset = (unsigned)(i / 4);
        readings[i].profile.key_msb_first = i % 2 != 0;
        readings[i].profile.key_set_is_deleted = i / 2 % 2 == 0;
    }
}

static void take_bitmap(struct calibration *cal, const struct reading *best, double margin)
{
    unsigned agree = best->live - best->missing + best->vacant;

    cal->profile.key_bitmap_offset = best->profile.key_bitmap_offset;
    cal->profile.key_msb_first = best->profile.key_msb_first;
    cal->profile.key_set_is_deleted = best->profile.key_set_is_deleted;
    for (int v = PROFILE_BITMAP_OFFSET; v <= PROFILE_BITMAP_SET; v++)
        cal_accept(cal, (enum profile_value)v, agree, best->missing + best->beyond,
                   "of %u live records %u have their message, of %u vacant ones %u; %.0f nats "
                   "before any other reading",
                   best->live, best->live - best->missing, best->vacant, best->kept, margin);
    /* A fault may have taken a message from under its header. Under a wrong reading vacant records
     * would be the ones without, so there have to be many more of these. */
    for (int v = PROFILE_BITMAP_OFFSET; v <= PROFILE_BITMAP_SET; v++) {
        if (best->missing * LEAST_VACANT <= best->vacant - best->kept)
            cal_note_stale(cal, (enum profile_value)v, best->missing);
    }
}

static void refuse_bitmap(struct calibration *cal, const struct reading *best)
{
    for (int v = PROFILE_BITMAP_OFFSET; v <= PROFILE_BITMAP_SET; v++)
        cal_refuse(cal, (enum profile_value)v, best->live - best->missing, best->missing,
                   "two readings of the KEY files fit as well, or none does");
    cal_want_for(cal, PROFILE_BITMAP_OFFSET,
                 "delete some messages in different mailbags (which ones does not matter): "
                 "the vacant records show how the KEY bitmap lies");
}

static void weigh_all(const struct calibration *cal, struct reading *readings, bool *exists)
{
    struct mbg_record header;

    make_readings(readings);
    for (size_t b = 0; b < cal->bag_count; b++) {
        for (size_t r = 0; r < cal->bags[b].count; r++)
            exists[r] = record_exists(cal, &cal->bags[b], r, &header);
        for (size_t i = 0; i < READINGS; i++)
            count_bag(&cal->bags[b], exists, &readings[i]);
    }
    for (size_t i = 0; i < READINGS; i++)
        weigh(&readings[i]);
}

/* Nats between the best reading, *BEST, and the next. */
static double find_best(const struct reading *readings, const struct reading **best)
{
    const struct reading *first = &readings[0], *second = NULL;

    for (size_t i = 1; i < READINGS; i++) {
        if (readings[i].cost < first->cost) {
            second = first;
            first = &readings[i];
        } else if (second == NULL || readings[i].cost < second->cost) {
            second = &readings[i];
        }
    }
    *best = first;
    return second->cost - first->cost;
}

/* A record that is live under every reading that is left is live, whichever of them is right: the
 * fields of messages and the key can be learnt from those before the bitmap is. */
static void note_live(struct cal_bag *bag, const struct reading *readings, double limit)
{
    memset(bag->live, true, bag->count * sizeof *bag->live);
    for (size_t i = 0; i < READINGS; i++) {
        if (readings[i].cost >= limit)
            continue;
        for (uint32_t r = 0; r < bag->count; r++)
            bag->live[r] = bag->live[r] && key_is_live(&bag->key, &readings[i].profile, r);
    }
}

int cal_learn_bitmap(struct calibration *cal, struct error *err)
{
    struct reading *readings = calloc(READINGS, sizeof *readings);
    bool *exists = calloc(MBG_MAX_RECORDS, sizeof *exists);
    const struct reading *best;
    double margin;

    if (readings == NULL || exists == NULL) {
        free(readings);
        free(exists);
        return error_sys(err, ERROR_SOFT, "", "no memory");
    }
    weigh_all(cal, readings, exists);
    margin = find_best(readings, &best);
    if (best->live < CAL_LEAST_VALUES || !cal_sound(best->live, best->missing)) {
        refuse_bitmap(cal, best);
    } else {
        for (size_t b = 0; b < cal->bag_count; b++)
            note_live(&cal->bags[b], readings, best->cost + MARGIN);
        if (margin >= MARGIN)
            take_bitmap(cal, best, margin);
        else
            refuse_bitmap(cal, best);
    }
    free(readings);
    free(exists);
    return 0;
}

/* ---- records and their messages ---- */

static void pair_record(struct calibration *cal, const struct cal_bag *bag, uint32_t record)
{
    struct mbg_record header;
    struct cal_mail *mail;

    mbg_parse(bag->records + (size_t)record * MBG_RECORD_SIZE, &header);
    mail = header.mai[0] != '\0' ? cal_find_mail(cal, header.mai_number) : NULL;
    if (mail == NULL || !bag->live[record])
        return;
    mail->references++;
    mail->paired = true;
    mail->header = header;
}

void cal_pair(struct calibration *cal)
{
    for (size_t b = 0; b < cal->bag_count; b++) {
        for (uint32_t r = 0; r < cal->bags[b].count; r++)
            pair_record(cal, &cal->bags[b], r);
    }
}

static unsigned live_records(const struct cal_bag *bag)
{
    unsigned live = 0;

    for (uint32_t r = 0; r < bag->count; r++)
        live += bag->live[r];
    return live;
}

/* The number of live items: a word outside the bitmap that is right in every mailbag. The other
 * two counters have no second witness, so they stay unknown and are left as they are. */
static void count_live_at(const struct calibration *cal, const unsigned *live, unsigned at,
                          unsigned *agree, unsigned *disagree)
{
    *agree = *disagree = 0;
    for (size_t b = 0; b < cal->bag_count; b++) {
        const uint8_t *octets = cal->bags[b].key.octets + at;
        bool same = (unsigned)(octets[0] | octets[1] << 8) == live[b];
        *agree += same && live[b] != 0;
        *disagree += !same;
    }
}

void cal_learn_live(struct calibration *cal)
{
    unsigned start = cal->profile.key_bitmap_offset, found = 0, agree, disagree, best = 0;
    unsigned *live = calloc(cal->bag_count + 1, sizeof *live);

    if (live == NULL || !profile_knows(&cal->profile, PROFILE_BITMAP_OFFSET)) {
        free(live);
        return;
    }
    for (size_t b = 0; b < cal->bag_count; b++)
        live[b] = live_records(&cal->bags[b]);
    for (unsigned at = 0; at + 2 <= KEY_SIZE; at++) {
        if (at + 2 > start && at < start + BITMAP_SIZE)
            continue;
        count_live_at(cal, live, at, &agree, &disagree);
        if (disagree != 0 || agree < CAL_LEAST_VALUES)
            continue;
        found++;
        best = agree;
        cal->profile.key_live = (int)at;
    }
    free(live);
    if (found == 1) {
        cal_accept(cal, PROFILE_COUNT_LIVE, best, 0, "the word that is the number of live records");
        return;
    }
    cal->profile.key_live = -1;
    cal_refuse(cal, PROFILE_COUNT_LIVE, 0, 0, "%u words are the number of live records", found);
}

/* ---- ACCESS2 ---- */

struct access2 {
    uint8_t *data;
    size_t count;
};

static int mailbag_id(const uint8_t *record, unsigned at, bool binary, char out[9])
{
    char digits[9];
    uint32_t number;

    if (binary) {
        id_make((uint32_t)record[at] | (uint32_t)record[at + 1] << 8 |
                    (uint32_t)record[at + 2] << 16 | (uint32_t)record[at + 3] << 24,
                out);
        return 0;
    }
    memcpy(digits, record + at, 8);
    digits[8] = '\0';
    if (id_parse(digits, &number) != 0 || record[at + 8] != '\0')
        return -1;
    id_make(number, out);
    return 0;
}

/* Every record that leads to a mailbag of its own agrees. */
static unsigned count_mailbags(const struct calibration *cal, const struct access2 *table,
                               unsigned at, bool binary)
{
    bool *taken = calloc(cal->bag_count + 1, sizeof *taken);
    unsigned agree = 0;
    char id[9];

    for (size_t i = 0; taken != NULL && i < table->count; i++) {
        const struct cal_bag *bag = mailbag_id(table->data + i * ACCESS2_SIZE, at, binary, id) == 0
                                        ? cal_find_bag(cal, id)
                                        : NULL;
        if (bag == NULL || taken[bag - cal->bags])
            continue;
        taken[bag - cal->bags] = true;
        agree++;
    }
    free(taken);
    return agree;
}

static bool learn_mailbag(struct calibration *cal, const struct access2 *table)
{
    unsigned best = 0, second = 0;

    for (unsigned form = 0; form < 2; form++) {
        for (unsigned at = 0; at + (form != 0 ? 4 : 9) <= ACCESS2_SIZE; at++) {
            unsigned agree = count_mailbags(cal, table, at, form != 0);
            if (agree <= best) {
                second = agree > second ? agree : second;
                continue;
            }
            second = best;
            best = agree;
            cal->profile.access2_mailbag = at;
            cal->profile.access2_binary = form != 0;
        }
    }
    if (best < CAL_LEAST_VALUES || second * 2 > best || (size_t)best * 2 < table->count) {
        cal_refuse(cal, PROFILE_ACCESS2_MAILBAG, best, second,
                   "no place holds the numbers of mailbags on disk");
        cal_refuse(cal, PROFILE_ACCESS2_FORM, best, second, "see access2.mailbag_offset");
        return false;
    }
    cal_accept(cal, PROFILE_ACCESS2_MAILBAG, best, 0,
               "%u of %zu records lead to a mailbag of their own; any other place: %u", best,
               table->count, second);
    cal_accept(cal, PROFILE_ACCESS2_FORM, best, 0, "see access2.mailbag_offset");
    return true;
}

/* A name: printable, ended and padded by NUL. */
static bool is_name(const uint8_t *field)
{
    size_t length = strnlen((const char *)field, ACCESS2_NAME);

    if (length == 0 || length == ACCESS2_NAME)
        return false;
    for (size_t i = 0; i < ACCESS2_NAME; i++) {
        if (i < length ? field[i] < 0x21 || field[i] == '/' || field[i] == 0x7F : field[i] != 0)
            return false;
    }
    return true;
}

static bool has_recipient(const struct calibration *cal, const struct cal_mail *mail,
                          const char *name)
{
    uint8_t clear[CAL_HEAD];
    char tail[ACCESS2_NAME + 2];
    size_t size = (size_t)snprintf(tail, sizeof tail, "/%s", name);

    for (size_t i = 0; i < mail->count; i++) {
        const struct cal_string *string = &cal->strings[mail->first + i];
        size_t known = string->length < CAL_HEAD ? string->length : CAL_HEAD, end;
        if (string->vendor || string->place != CAL_DIRECT)
            continue;
        known = cal_decode(cal, string->head, known, clear);
        end = strnlen((const char *)clear, known);
        if (end < known && end > size && memcmp(clear + end - size, tail, size) == 0)
            return true;
    }
    return false;
}

/* Messages in the mailbag of RECORD whose addresses have the name that stands at AT, or not. */
static void check_user(const struct calibration *cal, const uint8_t *record, unsigned at,
                       unsigned *agree, unsigned *disagree)
{
    char id[9], name[ACCESS2_NAME + 1] = "";
    const struct cal_bag *bag;

    if (!is_name(record + at) ||
        mailbag_id(record, cal->profile.access2_mailbag, cal->profile.access2_binary, id) != 0)
        return;
    memcpy(name, record + at, ACCESS2_NAME);
    bag = cal_find_bag(cal, id);
    for (uint32_t r = 0; bag != NULL && r < bag->count && r < 40; r++) {
        struct mbg_record header;
        const struct cal_mail *mail;
        bool found;
        if (!bag->live[r])
            continue;
        mbg_parse(bag->records + (size_t)r * MBG_RECORD_SIZE, &header);
        mail = header.mai[0] != '\0' ? cal_find_mail(cal, header.mai_number) : NULL;
        if (mail == NULL || !mail->readable)
            continue;
        found = has_recipient(cal, mail, name);
        *agree += found;
        *disagree += !found;
    }
}

static void learn_name(struct calibration *cal, const struct access2 *table)
{
    unsigned best = 0, against = 0, second = 0;

    for (unsigned at = 0; at + ACCESS2_NAME <= ACCESS2_SIZE; at++) {
        unsigned agree = 0, disagree = 0;
        for (size_t i = 0; i < table->count; i++)
            check_user(cal, table->data + i * ACCESS2_SIZE, at, &agree, &disagree);
        if (agree <= best) {
            second = agree > second ? agree : second;
            continue;
        }
        second = best;
        best = agree;
        against = disagree;
        cal->profile.access2_name = at;
    }
    if (best < CAL_LEAST_VALUES || against * 5 > best || second * 4 > best)
        cal_refuse(cal, PROFILE_ACCESS2_NAME, best, against,
                   "no place holds the names that messages in the mailbags are addressed to");
    else
        cal_accept(cal, PROFILE_ACCESS2_NAME, best, against,
                   "messages in the user's mailbag are addressed to this name; any other place: %u",
                   second);
}

int cal_learn_access2(struct calibration *cal, struct error *err)
{
    struct access2 table = {.data = NULL};
    size_t size;
    int status, fd = root_open_file(cal->root, ACCESS2_FILE, O_RDONLY, err);

    if (fd < 0)
        return err != NULL && err->class == ERROR_SOFT ? -1 : 0;
    status = file_read_all(fd, ACCESS2_FILE, ACCESS2_LIMIT, &table.data, &size, err);
    close(fd);
    if (status != 0)
        return err != NULL && err->class == ERROR_SOFT ? -1 : 0;
    table.count = size / ACCESS2_SIZE;
    if (learn_mailbag(cal, &table))
        learn_name(cal, &table);
    free(table.data);
    return 0;
}
