/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <stdlib.h>
#include <string.h>

/*
 * A message whose text the operator knows. It is tried at every message that is long enough, behind
 * a header block of any length. What the key would be there must be the key that is known, the same
 * in each string, and must turn the other messages into text: so it is also found where nothing of
 * the key was known before.
 */
#define LEAST_MATCH 24   /* positions with a known key that prove it without other texts */
#define LEAST_OTHERS 200 /* octets of other texts that prove it without a known key */
#define RUN 256          /* positions that other texts confirm or refute at a time */
#define RUNS (CAL_MAX_KEY / RUN)
#define RUN_LEAST 150    /* octets of other texts from which a run can be told */
#define RUN_POSITIONS 32 /* at so many positions: fewer may be one word again and again */
#define RUN_MOST 1500
#define SEEN_BITS 20    /* two in one slot cost an observation */
#define FIRST_LOOK 400  /* octets after which a hopeless place is left */
#define MOST_AFTER 4    /* octets that a client may have added behind it ... */
#define MOST_WITHOUT 2  /* ... or dropped: line ends, ^Z */
#define MOST_AGAINST 32 /* one position of the statistics in so many may be wrong */

#define DISPUTED (-2) /* two strings of the text give another key there */

struct run {
    double nats;
    unsigned octets, positions;
    uint8_t columns[RUN / 8]; /* a bit for each of the positions */
};

/* The known text at one place. */
struct place {
    size_t first, skip; /* its first string; octets of the message before the text */
    int16_t key[CAL_MAX_KEY];
    struct run runs[RUNS];
    unsigned match, against, impossible, octets;
    double nats;
    bool exact; /* it is all of the message */
};

struct known {
    struct calibration *cal;
    const struct cal_model *model;
    uint8_t *text;
    size_t size;
    uint8_t seen[1 << (SEEN_BITS - 3)];
    struct place best, tried;
};

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

static size_t place_of(const struct calibration *cal, size_t position)
{
    return cal->profile.key_period != 0 ? position % cal->profile.key_period : position;
}

/* What the text says about position AT, beside what is known of it. */
static void derive(const struct calibration *cal, struct place *place, size_t at, uint8_t value)
{
    bool seen = place->key[at] != PROFILE_KEY_UNKNOWN;
    int before = seen ? place->key[at] : cal->table[at];

    if (before == value)
        place->match++;
    else if (before != PROFILE_KEY_UNKNOWN && (seen || cal->key[at].source != CAL_STATISTICS))
        place->impossible++;
    else if (before != PROFILE_KEY_UNKNOWN)
        place->against++;
    if (seen)
        place->key[at] = before == value ? value : DISPUTED;
    else
        place->key[at] = value;
}

/* A client may have changed a character; what is somewhere else altogether agrees by chance. */
static bool hopeless(const struct place *place)
{
    return (place->against + place->impossible) * 4 > place->match + 16;
}

static bool agrees(const struct place *place)
{
    return place->against * MOST_AGAINST <= place->match + MOST_AGAINST &&
           place->impossible * CAL_TOLERANCE <= place->match;
}

/* False as soon as the text cannot stand there. */
static bool derive_all(struct known *known, struct place *place)
{
    const struct calibration *cal = known->cal;
    size_t at = 0, mail = cal->texts[place->first].mail;

    for (size_t i = 0; i < CAL_MAX_KEY; i++)
        place->key[i] = PROFILE_KEY_UNKNOWN;
    place->match = place->against = place->impossible = 0;
    for (size_t t = place->first; t < cal->text_count && cal->texts[t].mail == mail; t++) {
        const struct cal_text *part = &cal->texts[t];
        for (size_t i = at < place->skip ? place->skip - at : 0;
             i < part->size && at + i < place->skip + known->size; i++) {
            size_t where = place_of(cal, i);
            uint8_t step = part->octets[i] ^ (i != 0 ? part->octets[i - 1] : 0);
            if (where >= CAL_MAX_KEY)
                continue;
            derive(cal, place, where, (uint8_t)(step ^ known->text[at + i - place->skip]));
            if (hopeless(place))
                return false;
        }
        at += part->length;
    }
    return agrees(place);
}

static int place_key(const struct calibration *cal, const struct place *place, size_t position)
{
    size_t at = place_of(cal, position);

    if (at >= CAL_MAX_KEY)
        return PROFILE_KEY_UNKNOWN;
    if (cal->table[at] != PROFILE_KEY_UNKNOWN)
        return cal->table[at];
    return place->key[at] != DISPUTED ? place->key[at] : PROFILE_KEY_UNKNOWN;
}

/* False when CLEAR has stood there behind BEFORE: what all messages share counts once. */
static bool is_new(struct known *known, size_t at, int before, uint8_t clear)
{
    uint32_t slot =
        ((uint32_t)at << 16 | (uint32_t)before << 8 | clear) * 2654435761U >> (32 - SEEN_BITS);
    uint8_t bit = (uint8_t)(1 << slot % 8);
    bool seen = (known->seen[slot / 8] & bit) != 0;

    known->seen[slot / 8] |= bit;
    return !seen;
}

static void weigh_text(struct known *known, struct place *place, const struct cal_text *text)
{
    const struct calibration *cal = known->cal;
    int before = -1;

    for (size_t i = 0; i < text->size; i++) {
        size_t at = place_of(cal, i);
        int key = place_key(cal, place, i);
        struct run *run;
        uint8_t clear;
        if (key == PROFILE_KEY_UNKNOWN) {
            before = -1;
            continue;
        }
        clear = (uint8_t)(text->octets[i] ^ (i != 0 ? text->octets[i - 1] : 0) ^ key);
        run = &place->runs[at / RUN];
        if (cal->table[at] == PROFILE_KEY_UNKNOWN && before >= 0 && run->octets < RUN_MOST &&
            is_new(known, at, before, clear)) {
            double nats = cal_model_nats(known->model, before, clear);
            run->nats += nats;
            run->octets++;
            run->positions += (run->columns[at % RUN / 8] & 1 << at % 8) == 0;
            run->columns[at % RUN / 8] |= (uint8_t)(1 << at % 8);
            place->nats += nats;
            place->octets++;
        }
        before = clear;
    }
}

/* Nats an octet halfway between text and chance: some standard deviations from either. */
static double halfway(const struct known *known)
{
    return (cal_model_typical(known->model) + cal_model_chance(known->model)) / 2;
}

/* How much like text the other messages are under the key that would follow. */
static void weigh(struct known *known, struct place *place)
{
    const struct calibration *cal = known->cal;

    memset(place->runs, 0, sizeof place->runs);
    memset(known->seen, 0, sizeof known->seen);
    place->octets = 0;
    place->nats = 0;
    for (size_t t = 0; t < cal->text_count; t++) {
        if (cal->texts[t].mail == cal->texts[place->first].mail)
            continue;
        weigh_text(known, place, &cal->texts[t]);
        if (place->octets >= FIRST_LOOK && place->nats < halfway(known) * place->octets)
            return;
    }
}

static bool convinces(const struct known *known, const struct place *place)
{
    bool text = place->nats >= halfway(known) * place->octets;

    if (place->octets >= LEAST_OTHERS)
        return text;
    return place->match >= LEAST_MATCH && (text || place->octets < RUN_LEAST);
}

/* Two places that convince must lead to the same key. */
static bool same_key(const struct place *a, const struct place *b)
{
    for (size_t i = 0; i < CAL_MAX_KEY; i++) {
        if (a->key[i] >= 0 && b->key[i] >= 0 && a->key[i] != b->key[i])
            return false;
    }
    return true;
}

static size_t known_positions(const struct place *place)
{
    size_t count = 0;

    for (size_t i = 0; i < CAL_MAX_KEY; i++)
        count += place->key[i] >= 0;
    return count;
}

static size_t text_length(const struct calibration *cal, size_t first)
{
    size_t length = 0;

    for (size_t t = first; t < cal->text_count && cal->texts[t].mail == cal->texts[first].mail; t++)
        length += cal->texts[t].length;
    return length;
}

/* Tries one place; FOUND counts those that convince, each with another key. */
static void try_place(struct known *known, size_t first, size_t skip, bool exact, unsigned *found)
{
    known->tried.first = first;
    known->tried.skip = skip;
    known->tried.exact = exact;
    if (!derive_all(known, &known->tried))
        return;
    weigh(known, &known->tried);
    if (!convinces(known, &known->tried))
        return;
    if (*found != 0 && same_key(&known->best, &known->tried)) {
        if (known_positions(&known->tried) > known_positions(&known->best))
            known->best = known->tried;
        return;
    }
    (*found)++;
    known->best = known->tried;
}

/* FOUND: how many different keys would follow. */
static int find_known(struct known *known, unsigned *found, struct error *err)
{
    struct calibration *cal = known->cal;

    for (size_t t = 0; t < cal->text_count; t++) {
        size_t length;
        if (cal_progress(cal, CAL_PHASE_KNOWN, t, cal->text_count, err) != 0)
            return -1;
        if (t != 0 && cal->texts[t].mail == cal->texts[t - 1].mail)
            continue;
        length = text_length(cal, t);
        for (size_t after = 0; after <= MOST_AFTER + MOST_WITHOUT; after++) {
            /* AFTER octets behind the text, less MOST_WITHOUT */
            size_t end = known->size + after;
            if (length + MOST_WITHOUT >= end && length + MOST_WITHOUT - end <= CAL_MOST_HEADER)
                try_place(known, t, length + MOST_WITHOUT - end,
                          after == MOST_WITHOUT && length == known->size, found);
        }
    }
    return 0;
}

/* ---- what was found ---- */

/* Other texts speak for the run of position AT (1), against it (-1), or are too few (0). */
static int run_verdict(const struct known *known, size_t at)
{
    const struct place *place = &known->best;
    const struct run *run = &place->runs[at / RUN];

    if (run->octets < RUN_LEAST || run->positions < RUN_POSITIONS)
        return 0;
    /* Beside its like: a small postoffice is less like text throughout. */
    return run->nats >=
                   (place->nats / place->octets + cal_model_chance(known->model)) / 2 * run->octets
               ? 1
               : -1;
}

static void take_position(struct calibration *cal, size_t at, uint8_t value)
{
    struct cal_position *position = &cal->key[at];

    if (cal->table[at] == value) {
        position->agree++;
        return;
    }
    if (cal->table[at] != PROFILE_KEY_UNKNOWN && position->source != CAL_STATISTICS) {
        position->disagree++;
        return;
    }
    if (cal->table[at] != PROFILE_KEY_UNKNOWN)
        cal->withdrawn++; /* the statistics were wrong */
    *position = (struct cal_position){.agree = 1, .value = value, .source = CAL_KNOWN_TEXT};
    cal->table[at] = value;
    cal->eight_bits = cal->eight_bits || value > 127;
}

/* Beside a refuted run the shift may begin or end within this one. */
static bool is_taken(const struct known *known, size_t at, bool changed)
{
    if (!changed)
        return true;
    return run_verdict(known, at) > 0 && (at < RUN || run_verdict(known, at - RUN) >= 0) &&
           (at + RUN >= CAL_MAX_KEY || run_verdict(known, at + RUN) >= 0);
}

/* Where a client has changed the text, what follows is shifted: then only what other texts confirm
 * is taken. */
static void take_known(struct known *known)
{
    const struct place *best = &known->best;
    bool changed = !best->exact && best->skip == 0;

    for (size_t i = 0; i < CAL_MAX_KEY; i += RUN)
        changed = changed || run_verdict(known, i) < 0;
    for (size_t i = 0; i < CAL_MAX_KEY; i++) {
        if (best->key[i] >= 0 && is_taken(known, i, changed))
            take_position(known->cal, i, (uint8_t)best->key[i]);
    }
}

int cal_vote_known_text(struct calibration *cal, const struct cal_model *model, bool *found,
                        struct error *err)
{
    struct known *known;
    unsigned keys = 0;
    int status = 0;

    *found = true;
    if (cal->options->known_text == NULL)
        return 0;
    known = calloc(1, sizeof *known);
    if (known == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    known->cal = cal;
    known->model = model;
    known->text = stored_form(cal->options, &known->size);
    if (known->text == NULL)
        status = error_sys(err, ERROR_SOFT, "", "no memory");
    else if (known->size != 0)
        status = find_known(known, &keys, err);
    *found = status == 0 && keys == 1;
    if (*found)
        take_known(known);
    free(known->text);
    free(known);
    return status;
}
