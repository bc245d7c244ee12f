/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <stdlib.h>
#include <string.h>

#define SUBJECT_SIZE 40  /* Q156844 */
#define LEAST_MATCH 24   /* positions with a known key that the known text must agree in */
#define MOST_HEADER 4096 /* octets that may stand before it */

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

/* Walks over the strings of the text that begins at FIRST; TEXT stands behind its first SKIP octets
 * (a client's header block). True when all octets whose key is known are those of TEXT. */
static bool fits(const struct calibration *cal, size_t first, size_t skip, const uint8_t *text,
                 size_t size)
{
    size_t at = 0, match = 0;

    for (size_t t = first; t < cal->text_count && same_text(cal, first, t); t++) {
        const struct cal_text *part = &cal->texts[t];
        for (size_t i = 0; i < part->size && at < skip + size; i++, at++) {
            int key = cal_key_at(cal, i);
            if (key == PROFILE_KEY_UNKNOWN || at < skip)
                continue;
            if ((part->octets[i] ^ (i != 0 ? part->octets[i - 1] : 0) ^ key) != text[at - skip])
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

static void take_known(struct calibration *cal, size_t first, size_t skip, const uint8_t *text,
                       size_t size)
{
    size_t at = 0;

    for (size_t t = first; t < cal->text_count && same_text(cal, first, t); t++) {
        const struct cal_text *part = &cal->texts[t];
        for (size_t i = 0; i < part->size && at < skip + size; i++, at++) {
            size_t place = cal->profile.key_period != 0 ? i % cal->profile.key_period : i;
            uint8_t value;
            if (at < skip || place >= CAL_MAX_KEY || cal->table[place] != PROFILE_KEY_UNKNOWN)
                continue;
            value =
                (uint8_t)(part->octets[i] ^ (i != 0 ? part->octets[i - 1] : 0) ^ text[at - skip]);
            cal->key[place] =
                (struct cal_position){.agree = 1, .value = value, .source = CAL_KNOWN_TEXT};
            cal->table[place] = value;
            cal->eight_bits = cal->eight_bits || value > 127;
        }
    }
}

/* The known text is the end of a message's text; a client may have added or dropped the last line
 * end (two octets), and may have put a header block before. */
static bool find_known(const struct calibration *cal, const uint8_t *text, size_t size,
                       size_t *first, size_t *skip)
{
    size_t found = 0;

    for (size_t t = 0; t < cal->text_count; t++) {
        size_t length = text_length(cal, &cal->mails[cal->texts[t].mail]);
        if (t != 0 && cal->texts[t].mail == cal->texts[t - 1].mail)
            continue;
        for (size_t added = 0; added <= 4; added += 2) {
            /* from two octets less than known to two more */
            if (length + 2 < size + added || length + 2 - size - added > MOST_HEADER ||
                !fits(cal, t, length + 2 - size - added, text, size))
                continue;
            found++;
            *first = t;
            *skip = length + 2 - size - added;
        }
    }
    return found == 1;
}

bool cal_vote_known_text(struct calibration *cal)
{
    size_t size, first = 0, skip = 0;
    uint8_t *text;
    bool found;

    if (cal->options->known_text == NULL)
        return true;
    text = stored_form(cal->options, &size);
    found = text != NULL && find_known(cal, text, size, &first, &skip);
    if (found)
        take_known(cal, first, skip, text, size);
    free(text);
    return found;
}
