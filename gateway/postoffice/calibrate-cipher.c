/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT_SIZE 40 /* Q156844 */

struct votes {
    uint16_t count[CAL_HEAD][256];
};

int cal_key_at(const struct calibration *cal, size_t position)
{
    if (cal->profile.key_period != 0)
        position %= cal->profile.key_period;
    return position < CAL_MAX_KEY ? cal->table[position] : PROFILE_KEY_UNKNOWN;
}

size_t cal_known_run(const struct calibration *cal)
{
    size_t run = 0;

    while (run < CAL_MAX_KEY && cal_key_at(cal, run) != PROFILE_KEY_UNKNOWN)
        run++;
    return cal->profile.key_period != 0 && run >= cal->profile.key_period ? SIZE_MAX : run;
}

size_t cal_decode(const struct calibration *cal, const uint8_t *cipher, size_t size, uint8_t *out)
{
    uint8_t previous = 0;

    for (size_t i = 0; i < size; i++) {
        int key = cal_key_at(cal, i);
        if (key == PROFILE_KEY_UNKNOWN)
            return i;
        out[i] = (uint8_t)(cipher[i] ^ previous ^ key);
        previous = cipher[i];
    }
    return size;
}

/* The subject in the mailbag is the plain text of the Subject field: k = p ^ c[i] ^ c[i-1]. */
static void vote_subject(const struct calibration *cal, const struct cal_mail *mail,
                         struct votes *votes)
{
    for (size_t i = 0; i < mail->count; i++) {
        const struct cal_string *string = &cal->strings[mail->first + i];
        uint8_t previous = 0;
        if (string->vendor || string->code != cal->profile.field_subject ||
            string->length != strlen(mail->header.subject))
            continue;
        for (size_t at = 0; at < string->length && at < SUBJECT_SIZE; at++) {
            uint8_t key =
                (uint8_t)((uint8_t)mail->header.subject[at] ^ string->head[at] ^ previous);
            previous = string->head[at];
            if (votes->count[at][key] < UINT16_MAX)
                votes->count[at][key]++;
        }
        return;
    }
}

static void count_votes(struct calibration *cal, const struct votes *votes, size_t at)
{
    struct cal_position *position = &cal->key[at];
    unsigned all = 0;

    for (unsigned v = 0; v < 256; v++) {
        all += votes->count[at][v];
        if (votes->count[at][v] > position->agree) {
            position->agree = votes->count[at][v];
            position->value = (uint8_t)v;
        }
    }
    position->disagree = all - position->agree;
    cal->contradictions += position->disagree != 0;
    if (position->agree < CAL_LEAST_VOTES || position->disagree * CAL_TOLERANCE > position->agree)
        return;
    position->source = CAL_PLAIN;
    cal->table[at] = position->value;
    cal->eight_bits = cal->eight_bits || position->value > 127;
}

int cal_vote_subjects(struct calibration *cal, struct error *err)
{
    struct votes *votes;

    if (!profile_knows(&cal->profile, PROFILE_FIELD_SUBJECT))
        return 0;
    votes = calloc(1, sizeof *votes);
    if (votes == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    for (size_t i = 0; i < cal->mail_count; i++) {
        if (cal->mails[i].readable && cal->mails[i].paired)
            vote_subject(cal, &cal->mails[i], votes);
    }
    for (size_t at = 0; at < CAL_HEAD; at++)
        count_votes(cal, votes, at);
    free(votes);
    return 0;
}

/* ---- one table for all strings ---- */

#define LEAST_CLEAR 8 /* octets of a string from which it can be told */

static bool is_clear(const uint8_t *clear, size_t size, bool lines)
{
    for (size_t i = 0; i < size; i++) {
        bool layout = lines && clear[i] >= 8 && clear[i] <= 13;
        if (clear[i] == 0x7F || (clear[i] < 0x20 && !layout))
            return false;
    }
    return true;
}

/* A string that the known beginning of the table turns into what may stand there. */
static void count_shared(const struct calibration *cal, const struct cal_string *string,
                         bool address, unsigned counts[2])
{
    uint8_t clear[CAL_HEAD];
    size_t size = string->length < CAL_HEAD ? string->length : CAL_HEAD;

    size = cal_decode(cal, string->head, size, clear);
    if (size < LEAST_CLEAR)
        return;
    if (address)
        size = strnlen((const char *)clear, size);
    counts[0] += size >= 3 && is_clear(clear, size, !address);
    counts[1]++;
}

void cal_report_shared(struct calibration *cal)
{
    struct cal_evidence *evidence = &cal->evidence[PROFILE_CHAIN];
    unsigned addresses[2] = {0}, texts[2] = {0};
    size_t used = strlen(evidence->how);

    for (size_t i = 0; i < cal->string_count; i++) {
        const struct cal_string *string = &cal->strings[i];
        if (string->vendor || string->place != CAL_DIRECT)
            continue;
        if (string->code == CAL_FROM || string->code == CAL_TO)
            count_shared(cal, string, true, addresses);
        else if (profile_knows(&cal->profile, PROFILE_FIELD_TEXT) &&
                 string->code == cal->profile.field_text)
            count_shared(cal, string, false, texts);
    }
    snprintf(evidence->how + used, sizeof evidence->how - used,
             "; it opens %u of %u addresses, %u of %u texts", addresses[0], addresses[1], texts[0],
             texts[1]);
}
