/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT_SIZE 40 /* Q156844 */
#define LEAST_MATCH 24  /* known positions that the beginning of the known text must agree in */

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

/* ---- a message of known text ---- */

/* The known text with each lone LF as CR LF, as a client stores it. */
static uint8_t *stored_form(const struct calibrate_options *options, size_t *size)
{
    uint8_t *out = malloc(options->known_size * 2 + 1);

    *size = 0;
    for (size_t i = 0; out != NULL && i < options->known_size; i++) {
        if (options->known_text[i] == '\n' && (i == 0 || options->known_text[i - 1] != '\r'))
            out[(*size)++] = '\r';
        out[(*size)++] = options->known_text[i];
    }
    return out;
}

/* T is a string of the text that begins at FIRST, and all before it were read to their end. */
static bool same_text(const struct calibration *cal, size_t first, size_t t)
{
    return cal->texts[t].mail == cal->texts[first].mail && (t == first || !cal->texts[t - 1].cut);
}

/* All octets of the message's text whose key is known are those of TEXT. */
static bool begins_so(const struct calibration *cal, size_t first, const uint8_t *text, size_t size)
{
    size_t at = 0, match = 0;

    for (size_t t = first; t < cal->text_count && same_text(cal, first, t); t++) {
        const struct cal_text *part = &cal->texts[t];
        for (size_t i = 0; i < part->size && at < size; i++, at++) {
            int key = cal_key_at(cal, i);
            if (key == PROFILE_KEY_UNKNOWN)
                continue;
            if ((part->octets[i] ^ (i != 0 ? part->octets[i - 1] : 0) ^ key) != text[at])
                return false;
            match++;
        }
    }
    return match >= LEAST_MATCH;
}

static size_t text_length(const struct calibration *cal, const struct cal_mail *mail)
{
    size_t length = 0;

    for (size_t i = 0; i < mail->count; i++) {
        const struct cal_string *string = &cal->strings[mail->first + i];
        if (!string->vendor && string->code == cal->profile.field_text &&
            string->place == CAL_DIRECT)
            length += string->length;
    }
    return length;
}

static void take_known(struct calibration *cal, size_t first, const uint8_t *text, size_t size)
{
    size_t at = 0;

    for (size_t t = first; t < cal->text_count && same_text(cal, first, t); t++) {
        const struct cal_text *part = &cal->texts[t];
        for (size_t i = 0; i < part->size && at < size; i++, at++) {
            struct cal_position *position = i < CAL_MAX_KEY ? &cal->key[i] : NULL;
            uint8_t value =
                (uint8_t)(part->octets[i] ^ (i != 0 ? part->octets[i - 1] : 0) ^ text[at]);
            if (position == NULL || cal->table[i] != PROFILE_KEY_UNKNOWN)
                continue;
            position->value = value;
            position->source = CAL_KNOWN_TEXT;
            position->agree = 1;
            position->disagree = 0;
            cal->table[i] = value;
            cal->eight_bits = cal->eight_bits || value > 127;
        }
    }
}

/* Two octets more or less at the end: a client may add or drop the last line end. */
void cal_vote_known_text(struct calibration *cal)
{
    size_t size, found = 0, which = 0;
    uint8_t *text;

    if (cal->options->known_text == NULL || !profile_knows(&cal->profile, PROFILE_FIELD_TEXT))
        return;
    text = stored_form(cal->options, &size);
    for (size_t t = 0; text != NULL && t < cal->text_count; t++) {
        size_t length = text_length(cal, &cal->mails[cal->texts[t].mail]);
        if ((t != 0 && cal->texts[t].mail == cal->texts[t - 1].mail) || length + 2 < size ||
            length > size + 2 || !begins_so(cal, t, text, size))
            continue;
        found++;
        which = t;
    }
    if (found != 0)
        take_known(cal, which, text, size);
    else
        cal_want(cal, "no message has the known text: send it as it is, to somebody whose mail "
                      "stays in this postoffice");
    free(text);
}
