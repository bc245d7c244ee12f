/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <string.h>

#define CODES 128
#define FROM 0x01 /* FIPS PUB 98, confirmed by Q104423 */
#define TO 0x05
#define COUNTER_AT 0x0B /* Q104423 */
#define LEAST_LENGTHS 3 /* different ones: a field of constant length shows nothing */

struct tally {
    unsigned agree, disagree, lengths;
    uint64_t seen;  /* bit: a length modulo 64 */
    uint64_t total; /* octets */
};

static void note_length(struct tally *tally, uint32_t length)
{
    uint64_t bit = (uint64_t)1 << length % 64;

    tally->lengths += (tally->seen & bit) == 0;
    tally->seen |= bit;
    tally->total += length;
}

/* The only string of its part, in no date or sequence. */
static bool stands_alone(const struct calibration *cal, const struct cal_mail *mail, size_t index)
{
    const struct cal_string *string = &cal->strings[mail->first + index];

    return string->nth == 0 && (index + 1 == mail->count || string[1].element != string->element);
}

/* ---- Subject ---- */

static void tally_subject(const struct calibration *cal, const struct cal_mail *mail,
                          struct tally *tallies)
{
    size_t length = strlen(mail->header.subject);

    for (size_t i = 0; i < mail->count; i++) {
        const struct cal_string *string = &cal->strings[mail->first + i];
        if (string->vendor || string->place != CAL_DIRECT || string->code >= CODES ||
            string->code == FROM || string->code == TO)
            continue;
        if (!stands_alone(cal, mail, i) || string->length != length) {
            tallies[string->code].disagree += string->nth == 0;
            continue;
        }
        tallies[string->code].agree++;
        note_length(&tallies[string->code], string->length);
    }
}

void cal_learn_subject(struct calibration *cal)
{
    struct tally tallies[CODES] = {{0}};
    unsigned messages = 0, found = 0;
    uint8_t code = 0;

    for (size_t i = 0; i < cal->mail_count; i++) {
        const struct cal_mail *mail = &cal->mails[i];
        if (!mail->readable || !mail->paired || mail->header.subject[0] == '\0')
            continue;
        messages++;
        tally_subject(cal, mail, tallies);
    }
    for (unsigned c = 1; c < CODES; c++) {
        if (tallies[c].agree * 10 < messages * 9 || tallies[c].lengths < LEAST_LENGTHS ||
            !cal_sound(tallies[c].agree, tallies[c].disagree))
            continue;
        found++;
        code = (uint8_t)c;
    }
    if (found == 1) {
        cal->profile.field_subject = code;
        cal_accept(cal, PROFILE_FIELD_SUBJECT, tallies[code].agree, tallies[code].disagree,
                   "its string is as long as the subject in the mailbag, %u different lengths",
                   tallies[code].lengths);
        return;
    }
    cal_refuse(cal, PROFILE_FIELD_SUBJECT, 0, 0,
               "%u fields have the length of the subject in %u messages", found, messages);
    if (profile_knows(&cal->profile, PROFILE_BITMAP_OFFSET))
        cal_want_for(cal, PROFILE_FIELD_SUBJECT,
                     "send twenty messages with subjects of different lengths, some of 40 "
                     "characters");
}

/* ---- reference counter ---- */

struct counter_tally {
    unsigned agree[2], high[2], neither; /* [0] least significant octet first */
};

static void tally_counter(const struct cal_mail *mail, struct counter_tally *tally)
{
    unsigned values[2] = {(unsigned)(mail->counter[0] | mail->counter[1] << 8),
                          (unsigned)(mail->counter[1] | mail->counter[0] << 8)};
    bool any = false;

    for (int order = 0; order < 2; order++) {
        bool agrees = mail->counted && values[order] == mail->references;
        tally->agree[order] += agrees;
        tally->high[order] += mail->counted && values[order] > mail->references;
        any = any || agrees;
    }
    tally->neither += !any;
}

/* A counter that is too high is what a program leaves that died before it counted down: the message
 * stays for ever. One that is too low would take it from somebody, and is no trifle. */
static void take_counter(struct calibration *cal, const struct counter_tally *tally, int order)
{
    unsigned agree = tally->agree[order];
    unsigned high = tally->high[order] < tally->neither ? tally->high[order] : tally->neither;

    cal->profile.mai_counter = COUNTER_AT;
    cal->profile.mai_counter_big = order != 0;
    cal_accept(
        cal, PROFILE_COUNTER_OFFSET, agree, tally->neither,
        "the number of live records that lead to the message (place: Q104423); %u are higher",
        high);
    cal_accept(cal, PROFILE_COUNTER_ORDER, agree, tally->neither, "see mai.counter_offset");
    cal_note_stale(cal, PROFILE_COUNTER_OFFSET, high);
    cal_note_stale(cal, PROFILE_COUNTER_ORDER, high);
    if (high != tally->neither)
        cal_want_for(cal, PROFILE_COUNTER_OFFSET,
                     "reference counters of %u messages are lower than the number of mailbags that "
                     "hold them: msmailgw postoffice check names them (counter-low); run the "
                     "repair tool of the postoffice, or have those messages deleted",
                     tally->neither - high);
}

void cal_learn_counter(struct calibration *cal)
{
    struct counter_tally tally = {.neither = 0};
    int order;

    for (size_t i = 0; i < cal->mail_count; i++) {
        const struct cal_mail *mail = &cal->mails[i];
        if (mail->readable && mail->references != 0)
            tally_counter(mail, &tally);
    }
    order = tally.agree[1] > tally.agree[0];
    if (cal_sound(tally.agree[order], tally.neither) && tally.agree[!order] == 0) {
        take_counter(cal, &tally, order);
        return;
    }
    cal_refuse(cal, PROFILE_COUNTER_OFFSET, tally.agree[order], tally.neither,
               "not the number of live records that lead to the message");
    cal_refuse(cal, PROFILE_COUNTER_ORDER, tally.agree[0], tally.agree[1],
               "see mai.counter_offset");
    if (profile_knows(&cal->profile, PROFILE_BITMAP_OFFSET))
        cal_want_for(cal, PROFILE_COUNTER_OFFSET,
                     "run the repair tool of the postoffice: reference counters of messages are "
                     "not the number of mailbags that hold them");
}

/* ---- priority ---- */

struct priority_tally {
    unsigned agree, disagree, kinds;
    uint8_t seen[256];
};

static void tally_priority(const struct calibration *cal, const struct cal_mail *mail,
                           struct priority_tally *tallies)
{
    for (size_t i = 0; i < mail->count; i++) {
        const struct cal_string *string = &cal->strings[mail->first + i];
        uint8_t clear;
        bool fits;
        if (!string->vendor || string->code >= CODES || string->length != 1 ||
            cal_decode(cal, string->head, 1, &clear) != 1)
            continue;
        fits = clear != '\0' && strchr("12345RCFT", clear) != NULL &&
               (!mail->paired || mail->header.priority == '\0' ||
                (uint8_t)mail->header.priority == clear);
        tallies[string->code].agree += fits;
        tallies[string->code].disagree += !fits;
        tallies[string->code].kinds += fits && tallies[string->code].seen[clear] == 0;
        tallies[string->code].seen[clear] = 1;
    }
}

void cal_learn_priority(struct calibration *cal)
{
    struct priority_tally tallies[CODES] = {{0}};
    unsigned found = 0;

    for (size_t i = 0; i < cal->mail_count; i++)
        tally_priority(cal, &cal->mails[i], tallies);
    for (unsigned c = 1; c < CODES; c++) {
        if (!cal_sound(tallies[c].agree, tallies[c].disagree) || tallies[c].kinds < 2)
            continue;
        found++;
        cal->profile.vendor_priority = (uint8_t)c;
    }
    if (found == 1) {
        const struct priority_tally *best = &tallies[cal->profile.vendor_priority];
        cal_accept(cal, PROFILE_VENDOR_PRIORITY, best->agree, best->disagree,
                   "one character, a priority as Q118787 lists them, never another than the "
                   "mailbag's");
        return;
    }
    cal->profile.vendor_priority = 0;
    cal_refuse(cal, PROFILE_VENDOR_PRIORITY, 0, 0, "%u elements hold one priority character",
               found);
}

/* ---- Text ---- */

/* The controls that occur in text: BS TAB LF VT FF CR, ^Z as its end. */
static bool is_text(const uint8_t *clear, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (clear[i] == 0x7F || clear[i] < 8 ||
            (clear[i] < 0x20 && clear[i] > 13 && clear[i] != 0x1A))
            return false;
    }
    return true;
}

static void tally_text(const struct calibration *cal, const struct cal_mail *mail,
                       struct tally *tallies)
{
    uint8_t clear[CAL_HEAD];

    for (size_t i = 0; i < mail->count; i++) {
        const struct cal_string *string = &cal->strings[mail->first + i];
        size_t size = string->length < CAL_HEAD ? string->length : CAL_HEAD;
        if (string->vendor || string->place != CAL_DIRECT || string->code >= CODES || size == 0)
            continue;
        size = cal_decode(cal, string->head, size, clear);
        if (is_text(clear, size))
            tallies[string->code].agree += size >= 4;
        else
            tallies[string->code].disagree++;
        note_length(&tallies[string->code], string->length);
    }
}

void cal_learn_text(struct calibration *cal)
{
    struct tally tallies[CODES] = {{0}};
    const struct tally *best = NULL, *second = NULL;

    for (size_t i = 0; i < cal->mail_count; i++)
        tally_text(cal, &cal->mails[i], tallies);
    for (unsigned c = 1; c < CODES; c++) {
        if (c == FROM || c == TO || c == cal->profile.field_subject ||
            tallies[c].disagree > tallies[c].agree)
            continue;
        if (best == NULL || tallies[c].total > best->total) {
            second = best;
            best = &tallies[c];
        } else if (second == NULL || tallies[c].total > second->total) {
            second = &tallies[c];
        }
    }
    if (best != NULL && cal_sound(best->agree, best->disagree) && best->lengths > LEAST_LENGTHS &&
        (second == NULL || second->total * 3 < best->total)) {
        cal->profile.field_text = (uint8_t)(best - tallies);
        cal_accept(cal, PROFILE_FIELD_TEXT, best->agree, best->disagree,
                   "%llu octets that begin as text; no other such field has a third of that",
                   (unsigned long long)best->total);
        return;
    }
    cal_refuse(cal, PROFILE_FIELD_TEXT, best != NULL ? best->agree : 0,
               best != NULL ? best->disagree : 0, "no field holds most of the octets as text");
    cal_want_for(cal, PROFILE_FIELD_TEXT, "send ten messages with some paragraphs of text each");
}
