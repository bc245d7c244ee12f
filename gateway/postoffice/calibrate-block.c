/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <stdlib.h>
#include <string.h>

/*
 * Windows clients write a header block at the top of the text (Q119356): "Microsoft Mail v3.0" and
 * a class, then lines with originator, recipients, subject and date, each behind a label in the
 * client's language. What the labels are does not matter: they are as long in every message, so
 * each value stands at a constant distance plus the lengths of the values before it. That distance
 * is searched for: under the right one, different messages with different octets at one position
 * give the same key.
 */
#define FIRST_LINE "Microsoft Mail v3.0 " /* Q119356, Q131523 */
#define FIRST_SIZE (sizeof FIRST_LINE - 1)
#define SUBJECT_MOST 40 /* Q156844 */
#define MOST_LETTERS 600
#define MOST_VALUE 64
#define MOST_AT 2048
#define MOST_DISTANCE 200
#define LEAST_PAIRS 40   /* observations that agree or not, for a distance */
#define LEAST_SHARE 0.97 /* of them that agree */
#define MOST_RIVAL 0.5

enum part { ORIGINATOR, SUBJECT, DATE, PARTS };

/* One message that begins with a block. */
struct letter {
    const struct cal_text *text;
    const struct cal_mail *mail;
    size_t originator, recipients, subject; /* lengths of the values */
};

/* One vote for each plain octet: equal ones say the same under any distance. */
struct position {
    uint16_t votes[256];
    uint8_t seen[32]; /* a bit for each plain octet */
};

struct block {
    struct calibration *cal;
    struct letter letters[MOST_LETTERS];
    size_t count;
    struct position at[MOST_AT];
};

/* ---- which messages ---- */

static bool begins_so(const struct calibration *cal, const uint8_t *cipher, size_t size)
{
    uint8_t clear[FIRST_SIZE];

    return size >= FIRST_SIZE && cal_decode(cal, cipher, FIRST_SIZE, clear) == FIRST_SIZE &&
           memcmp(clear, FIRST_LINE, FIRST_SIZE) == 0;
}

/* "NET/PO/BOX" or "TYPE:address": what a client shows of it is behind the last of these. */
static size_t shown_length(const uint8_t *name, size_t size)
{
    size_t first = 0;

    for (size_t i = 0; i < size; i++)
        first = name[i] == '/' || name[i] == ':' ? i + 1 : first;
    return size - first;
}

/* The name in STRING, -1 when it cannot be read to its NUL: what follows may lie beyond the known
 * key. What a client shows of it begins at *SHOWN. */
static int read_address(const struct calibration *cal, const struct cal_string *string,
                        uint8_t clear[CAL_HEAD + 1], size_t *shown)
{
    size_t size = string->length < CAL_HEAD ? string->length : CAL_HEAD;

    size = cal_decode(cal, string->head, size, clear);
    clear[size] = '\0';
    if (size != string->length && strlen((const char *)clear) == size)
        return -1;
    size = strlen((const char *)clear);
    *shown = size - shown_length(clear, size);
    return 0;
}

/* Length of the recipients with "; " between them; 0 when one cannot be read, or when the
 * originator is not whom the mailbag's record names. */
static size_t recipients_length(const struct calibration *cal, const struct cal_mail *mail)
{
    uint8_t clear[CAL_HEAD + 1];
    size_t length = 0, shown;
    bool same = false;

    for (size_t i = 0; i < mail->count; i++) {
        const struct cal_string *string = &cal->strings[mail->first + i];
        if (string->vendor || string->place != CAL_DIRECT ||
            (string->code != CAL_TO && string->code != CAL_FROM))
            continue;
        if (read_address(cal, string, clear, &shown) != 0)
            return 0;
        if (string->code == CAL_FROM)
            same = strcmp((const char *)clear + shown, mail->header.sender) == 0;
        else
            length += strlen((const char *)clear + shown) + (length != 0 ? 2 : 0);
    }
    return same ? length : 0;
}

static void collect(struct block *block)
{
    const struct calibration *cal = block->cal;

    for (size_t t = 0; t < cal->text_count && block->count < MOST_LETTERS; t++) {
        const struct cal_text *text = &cal->texts[t];
        const struct cal_mail *mail = &cal->mails[text->mail];
        struct letter letter = {text, mail, strlen(mail->header.sender), 0,
                                strlen(mail->header.subject)};
        if ((t != 0 && cal->texts[t - 1].mail == text->mail) || !mail->paired ||
            !begins_so(cal, text->octets, text->size))
            continue;
        letter.recipients = recipients_length(cal, mail);
        if (letter.recipients != 0 && letter.originator != 0)
            block->letters[block->count++] = letter;
    }
}

/* ---- one distance ---- */

/* The plain text of PART with the ": " before it and its line end; where it stands, less the
 * distance. Its size, 0 when nothing is certain. */
static size_t write_part(const struct letter *letter, enum part part, char out[MOST_VALUE],
                         size_t *before)
{
    const struct message_date *date = &letter->mail->header.date;

    *before = part == ORIGINATOR ? 0 : letter->originator + letter->recipients;
    if (part == ORIGINATOR)
        return (size_t)snprintf(out, MOST_VALUE, ": %s\r\n", letter->mail->header.sender);
    if (part == SUBJECT)
        return (size_t)snprintf(out, MOST_VALUE, ": %s%s", letter->mail->header.subject,
                                letter->subject < SUBJECT_MOST ? "\r\n" : "");
    *before += letter->subject;
    if (letter->subject >= SUBJECT_MOST || !date->set)
        return 0;
    return (size_t)snprintf(out, MOST_VALUE, ": %04d-%02d-%02d %02d:%02d\r\n", date->year,
                            date->month, date->day, date->hour, date->minute);
}

/* Votes of all letters; what shows whether DISTANCE is right are different octets at one position.
 */
static double vote(struct block *block, enum part part, size_t distance, unsigned *pairs)
{
    unsigned agree = 0;
    char plain[MOST_VALUE];
    size_t before;

    memset(block->at, 0, sizeof block->at);
    *pairs = 0;
    for (size_t n = 0; n < block->count; n++) {
        const struct cal_text *text = block->letters[n].text;
        size_t size = write_part(&block->letters[n], part, plain, &before);
        for (size_t i = 0; i < size && i < MOST_VALUE - 1; i++) {
            size_t at = distance + before + i;
            uint8_t octet = (uint8_t)plain[i], key;
            struct position *position;
            bool first;
            if (at >= text->size || at >= MOST_AT)
                break;
            position = &block->at[at];
            key = (uint8_t)(text->octets[at] ^ text->octets[at - 1] ^ octet);
            if ((position->seen[octet / 8] & 1 << octet % 8) != 0)
                continue;
            first = memcmp(position->seen, (uint8_t[32]){0}, 32) == 0;
            position->seen[octet / 8] |= (uint8_t)(1 << octet % 8);
            *pairs += !first;
            agree += !first && position->votes[key] != 0;
            position->votes[key]++;
        }
    }
    return *pairs != 0 ? (double)agree / *pairs : 0;
}

/* 0: no distance, or more than one, makes the letters agree. */
static size_t find_distance(struct block *block, enum part part)
{
    double best = 0, second = 0;
    size_t found = 0;

    for (size_t distance = FIRST_SIZE; distance < MOST_DISTANCE; distance++) {
        unsigned pairs;
        double share = vote(block, part, distance, &pairs);
        if (pairs < LEAST_PAIRS || share <= second)
            continue;
        second = share > best ? best : share;
        if (share <= best)
            continue;
        best = share;
        found = distance;
    }
    return best >= LEAST_SHARE && second < MOST_RIVAL ? found : 0;
}

/* ---- the key ---- */

static void take_position(struct calibration *cal, size_t at, const struct position *votes)
{
    size_t place = cal->profile.key_period != 0 ? at % cal->profile.key_period : at;
    struct cal_position *position = &cal->key[place];
    unsigned agree = 0, all = 0;
    uint8_t value = 0;

    for (unsigned v = 0; v < 256; v++) {
        all += votes->votes[v];
        if (votes->votes[v] > agree) {
            agree = votes->votes[v];
            value = (uint8_t)v;
        }
    }
    if (agree < CAL_LEAST_VOTES || (all - agree) * CAL_TOLERANCE > agree)
        return;
    if (cal->table[place] == value) {
        position->agree += agree;
        return;
    }
    if (cal->table[place] != PROFILE_KEY_UNKNOWN) {
        position->disagree += agree;
        cal->contradictions += position->source == CAL_PLAIN;
        return;
    }
    *position = (struct cal_position){.agree = agree, .value = value, .source = CAL_BLOCK};
    cal->table[place] = value;
    cal->eight_bits = cal->eight_bits || value > 127;
}

static void confirm_text(struct calibration *cal, size_t letters)
{
    struct cal_evidence *evidence = &cal->evidence[PROFILE_FIELD_TEXT];
    size_t used = strlen(evidence->how);

    snprintf(evidence->how + used, sizeof evidence->how - used,
             "; %zu begin with a client's header block", letters);
}

int cal_vote_block(struct calibration *cal, struct error *err)
{
    struct block *block = calloc(1, sizeof *block);
    unsigned pairs;

    if (block == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    block->cal = cal;
    collect(block);
    if (block->count != 0)
        confirm_text(cal, block->count);
    for (int part = 0; part < PARTS && block->count >= CAL_LEAST_VALUES; part++) {
        size_t distance = find_distance(block, (enum part)part);
        if (distance == 0)
            continue;
        vote(block, (enum part)part, distance, &pairs);
        for (size_t at = 0; at < MOST_AT; at++)
            take_position(cal, at, &block->at[at]);
    }
    free(block);
    return 0;
}

/* ---- the field ---- */

void cal_learn_text_by_block(struct calibration *cal)
{
    unsigned counts[128] = {0}, best = 0, fields = 0;

    for (size_t i = 0; i < cal->string_count; i++) {
        const struct cal_string *string = &cal->strings[i];
        size_t size = string->length < CAL_HEAD ? string->length : CAL_HEAD;
        if (!string->vendor && string->place == CAL_DIRECT && string->nth == 0 &&
            string->code < 128 && begins_so(cal, string->head, size))
            counts[string->code]++;
    }
    for (unsigned c = 1; c < 128; c++) {
        fields += counts[c] != 0;
        best = counts[c] > counts[best] ? c : best;
    }
    if (fields != 1 || counts[best] < CAL_LEAST_VALUES)
        return;
    cal->profile.field_text = (uint8_t)best;
    cal_accept(cal, PROFILE_FIELD_TEXT, counts[best], 0,
               "begins with the header block of a Windows client (Q119356); no other field does");
}
