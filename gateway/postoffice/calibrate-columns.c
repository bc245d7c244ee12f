/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <stdlib.h>
#include <string.h>

/*
 * The step c[i] ^ c[i-1] is p[i] ^ k[i]: with the same k[i] in every message, the right value turns
 * a column of steps into text. What text looks like is not assumed but learnt from what is already
 * in clear (subjects and the beginnings of texts): how often each octet follows each other one.
 */
#define LEAST_SAMPLES 12 /* different observations of a position */
#define NEED 25.0        /* nats before the runner-up: e^-25 x 255 values is below 1 in 10^8 ... */
#define NEED_PAIR 0.25   /* ... and more with each observation, as no model of text is right: */
#define NEED_ALONE 0.5   /* with and without the octet before */
#define WORSE 0.9        /* nats an octet that a column may be less like text than text is */
#define PAIR_TEXT (-2.5) /* nats an octet of text of many messages at the best */
#define ALONE_TEXT (-3.2)
#define PASSES 4
#define PAIR_WEIGHT 12.0 /* observations that the single octet counts for beside the pair */
#define PRIOR_WEIGHT 400.0
#define LEAST_CHANCE 2e-5
#define SEEN_SIZE 2048 /* hash table of the samples of a column */

struct cal_model {
    float nats[257][256]; /* [256]: the octet before is not known */
    uint32_t pairs[256][256];
    uint32_t before[256], single[256];
    uint64_t total, built;
    double typical, alone;   /* nats an octet of text itself, with and without the one before */
    double chance;           /* of three texts over each other */
    double seen, seen_alone; /* as TYPICAL and ALONE, in the columns of plain text; 0: none */
};

double cal_ln(double x)
{
    double y, power, sum = 0;
    int halvings = 0;

    while (x >= 1.5) {
        x /= 2;
        halvings++;
    }
    while (x < 0.75) {
        x *= 2;
        halvings--;
    }
    y = (x - 1) / (x + 1); /* ln x = 2 atanh y */
    power = y;
    for (int n = 1; n < 16; n += 2) {
        sum += power / n;
        power *= y * y;
    }
    return 2 * sum + halvings * 0.69314718055994531;
}

double cal_model_nats(const struct cal_model *model, int before, uint8_t octet)
{
    return (double)model->nats[before < 0 ? 256 : before][octet];
}

double cal_model_typical(const struct cal_model *model)
{
    return model->typical;
}

double cal_model_chance(const struct cal_model *model)
{
    return model->chance;
}

/* Of text in any language, before anything was seen: coarse classes, letters of no alphabet
 * preferred. */
static double prior(unsigned octet)
{
    if (octet == ' ')
        return 0.13;
    if (octet == '\r' || octet == '\n')
        return 0.015;
    if (octet == '\t')
        return 0.004;
    if (octet >= 'a' && octet <= 'z')
        return 0.5 / 26;
    if (octet >= 'A' && octet <= 'Z')
        return 0.08 / 26;
    if (octet >= '0' && octet <= '9')
        return 0.06 / 10;
    if (octet > ' ' && octet < 0x7F)
        return 0.06 / 33;
    if (octet >= 0x80)
        return 0.13 / 128;
    return 2e-6;
}

/* OUT: how likely each value of A ^ B is. */
static void combine(const double a[256], const double b[256], double out[256])
{
    memset(out, 0, 256 * sizeof *out);
    for (unsigned i = 0; i < 256; i++) {
        for (unsigned j = 0; j < 256 && a[i] > 0; j++)
            out[i ^ j] += a[i] * b[j];
    }
}

/* A key that was taken from the wrong place leaves three texts over each other: that is nearer to
 * text than octets by chance are. */
static double chance_nats(const struct cal_model *model, const double chance[256])
{
    double two[256], three[256], sum = 0;

    combine(chance, chance, two);
    combine(two, chance, three);
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++)
            sum += three[a] * three[b] * (double)model->nats[a][b];
    }
    return sum;
}

static void build(struct cal_model *model)
{
    double chance[256], sum = 0;

    model->alone = 0;
    for (unsigned b = 0; b < 256; b++) {
        chance[b] =
            (model->single[b] + PRIOR_WEIGHT * prior(b)) / ((double)model->total + PRIOR_WEIGHT);
        if (chance[b] < LEAST_CHANCE)
            chance[b] = LEAST_CHANCE;
        model->nats[256][b] = (float)cal_ln(chance[b]);
        model->alone += chance[b] * (double)model->nats[256][b];
    }
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            double p =
                (model->pairs[a][b] + PAIR_WEIGHT * chance[b]) / (model->before[a] + PAIR_WEIGHT);
            model->nats[a][b] = (float)cal_ln(p < LEAST_CHANCE ? LEAST_CHANCE : p);
            sum += (double)model->nats[a][b] * model->pairs[a][b];
        }
    }
    model->typical = model->total != 0 ? sum / (double)model->total : PAIR_TEXT;
    model->typical = model->typical < PAIR_TEXT ? model->typical : PAIR_TEXT;
    model->alone = model->alone < ALONE_TEXT ? model->alone : ALONE_TEXT;
    model->chance = chance_nats(model, chance);
    model->built = model->total;
}

static int clear_at(const struct calibration *cal, const struct cal_text *text, size_t at)
{
    int key = cal_key_at(cal, at);

    return key == PROFILE_KEY_UNKNOWN
               ? -1
               : text->octets[at] ^ (at != 0 ? text->octets[at - 1] : 0) ^ key;
}

static void learn_pair(struct cal_model *model, int before, int octet)
{
    if (before < 0 || octet < 0)
        return;
    model->pairs[before][octet]++;
    model->before[before]++;
    model->single[octet]++;
    model->total++;
}

/* What position AT shows, now that it is in clear. Enough is enough: 2000 messages. */
static void learn_column(const struct calibration *cal, struct cal_model *model, size_t at)
{
    for (size_t t = 0; t < cal->text_count && t < 2000; t++) {
        const struct cal_text *text = &cal->texts[cal->by_size[t]];
        if (at == 0 || text->size <= at)
            break;
        learn_pair(model, clear_at(cal, text, at - 1), clear_at(cal, text, at));
    }
    if (model->total > model->built + model->built / 16)
        build(model);
}

static void learn_subjects(const struct calibration *cal, struct cal_model *model)
{
    for (size_t i = 0; i < cal->mail_count && i < 4000; i++) {
        const char *subject = cal->mails[i].header.subject;
        for (size_t at = 1; cal->mails[i].paired && at < strlen(subject); at++)
            learn_pair(model, (uint8_t)subject[at - 1], (uint8_t)subject[at]);
    }
}

/* ---- one column ---- */

/* True when this run of three steps was not seen in the column before: copies of one text, and
 * forms that all messages share, must not count again and again. */
static bool is_new(uint32_t *seen, const struct cal_text *text, size_t at)
{
    uint32_t run = 1, slot;

    for (size_t back = 0; back < 3; back++) {
        uint8_t here = at >= back ? text->octets[at - back] : 0;
        uint8_t left = at > back ? text->octets[at - back - 1] : 0;
        run = run << 8 | (here ^ left);
    }
    run |= (uint32_t)1 << 31;
    slot = run * 2654435761u >> 21;
    while (seen[slot] != 0 && seen[slot] != run)
        slot = (slot + 1) % SEEN_SIZE;
    if (seen[slot] == run)
        return false;
    seen[slot] = run;
    return true;
}

size_t cal_collect(const struct calibration *cal, size_t at, size_t period, bool skip_first,
                   struct cal_sample *out)
{
    uint32_t seen[SEEN_SIZE] = {0};
    size_t count = 0;

    for (size_t t = 0; t < cal->text_count; t++) {
        const struct cal_text *text = &cal->texts[cal->by_size[t]];
        if (text->size <= at)
            break;
        for (size_t i = skip_first ? at + period : at; i < text->size; i += period) {
            if (count == CAL_SAMPLES)
                return count;
            if (is_new(seen, text, i)) {
                out[count].step = text->octets[i] ^ (i != 0 ? text->octets[i - 1] : 0);
                out[count].before = (int16_t)(i != 0 ? clear_at(cal, text, i - 1) : -1);
                out[count++].after =
                    (int16_t)(i + 1 < text->size ? clear_at(cal, text, i + 1) : -1);
            }
            if (period == 0)
                break;
        }
    }
    return count;
}

void cal_score(const struct calibration *cal, const struct cal_model *model,
               const struct cal_sample *samples, size_t count, struct cal_score *out)
{
    double best = -1e300, second = -1e300;
    unsigned values = cal->eight_bits ? 256 : 128;

    out->best = 0;
    for (unsigned v = 0; v < values; v++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            uint8_t clear = (uint8_t)(samples[i].step ^ v);
            sum += cal_model_nats(model, samples[i].before, clear);
            if (samples[i].after >= 0)
                sum += cal_model_nats(model, clear, (uint8_t)samples[i].after) -
                       cal_model_nats(model, -1, (uint8_t)samples[i].after);
        }
        if (sum > best) {
            second = best;
            best = sum;
            out->best = v;
        } else if (sum > second) {
            second = sum;
        }
    }
    out->margin = best - second;
    out->mean = count != 0 ? best / (double)count : 0;
}

/* ---- the table ---- */

/* The best value of a column makes it text, and no other comes near. */
static bool convinces(const struct cal_model *model, const struct cal_sample *samples, size_t count,
                      const struct cal_score *score)
{
    double expected, pairs = 0, alone;

    if (count < LEAST_SAMPLES)
        return false;
    for (size_t i = 0; i < count; i++)
        pairs += samples[i].before >= 0;
    alone = (double)count - pairs;
    expected = ((model->seen < model->typical ? model->seen : model->typical) * pairs +
                (model->seen_alone < model->alone ? model->seen_alone : model->alone) * alone) /
               (double)count;
    return score->margin >= NEED + NEED_PAIR * pairs + NEED_ALONE * alone &&
           score->mean >= expected - WORSE;
}

/* What columns are like whose key plain text has told: no more is asked of the others. */
static void measure(const struct calibration *cal, struct cal_model *model)
{
    double pairs = 0, alone = 0, most = (model->typical + model->chance) / 2;
    size_t counted = 0;

    for (size_t at = 1; at < CAL_HEAD; at++) {
        struct cal_sample samples[CAL_SAMPLES];
        size_t count;
        if (cal->key[at].source != CAL_PLAIN)
            continue;
        count =
            cal_collect(cal, at, cal->profile.key_period, cal->profile.key_period != 0, samples);
        for (size_t i = 0; count >= LEAST_SAMPLES && i < count; i++) {
            uint8_t clear = (uint8_t)(samples[i].step ^ cal->table[at]);
            if (samples[i].before < 0)
                continue;
            pairs += cal_model_nats(model, samples[i].before, clear);
            alone += cal_model_nats(model, -1, clear);
            counted++;
        }
    }
    model->seen = counted >= CAL_SAMPLES ? pairs / (double)counted : 0;
    model->seen_alone = counted >= CAL_SAMPLES ? alone / (double)counted : 0;
    if (model->seen < most)
        model->seen = model->seen_alone = 0;
}

static bool decide(struct calibration *cal, struct cal_model *model, size_t at)
{
    struct cal_sample samples[CAL_SAMPLES];
    struct cal_score score;
    size_t count = cal_collect(cal, at, cal->profile.key_period, false, samples);

    cal_score(cal, model, samples, count, &score);
    if (!convinces(model, samples, count, &score))
        return false;
    cal->table[at] = (int16_t)score.best;
    cal->key[at].value = (uint8_t)score.best;
    cal->key[at].source = CAL_STATISTICS;
    cal->key[at].agree = (unsigned)count;
    cal->key[at].disagree = 0;
    learn_column(cal, model, at);
    return true;
}

/* The first position that too few strings reach. */
static size_t reach(const struct calibration *cal)
{
    size_t end;

    if (cal->profile.key_period != 0)
        return cal->profile.key_period;
    if (cal->text_count < LEAST_SAMPLES)
        return 0;
    end = cal->texts[cal->by_size[LEAST_SAMPLES - 1]].size;
    return end < CAL_MAX_KEY ? end : CAL_MAX_KEY;
}

static int one_pass(struct calibration *cal, struct cal_model *model, int pass, size_t *decided,
                    struct error *err)
{
    size_t end = reach(cal);

    measure(cal, model);
    for (size_t at = 0; at < end; at++) {
        if (cal_progress(cal, CAL_PHASE_COLUMNS, (size_t)pass * end + at, PASSES * end, err) != 0)
            return -1;
        if (cal->table[at] == PROFILE_KEY_UNKNOWN && !cal->key[at].withdrawn)
            *decided += decide(cal, model, at);
    }
    return 0;
}

static void withdraw(struct calibration *cal, size_t at)
{
    cal->key[at].withdrawn = true;
    cal->key[at].source = CAL_UNKNOWN;
    cal->table[at] = PROFILE_KEY_UNKNOWN;
    cal->withdrawn++;
}

/* With both neighbours known and more text seen, a value must still be the best; what a known text
 * or a header block gave must not be what others convincingly contradict. */
static void look_again(struct calibration *cal, const struct cal_model *model)
{
    size_t end = cal->profile.key_period != 0 ? cal->profile.key_period : CAL_MAX_KEY;

    for (size_t at = 0; at < end && at < CAL_MAX_KEY; at++) {
        struct cal_sample samples[CAL_SAMPLES];
        struct cal_score score;
        size_t count;
        bool same;
        if (cal->key[at].source == CAL_UNKNOWN || cal->key[at].source == CAL_PLAIN)
            continue;
        count = cal_collect(cal, at, cal->profile.key_period, false, samples);
        cal_score(cal, model, samples, count, &score);
        same = score.best == cal->key[at].value;
        if (cal->key[at].source == CAL_STATISTICS
                ? !same || score.margin < NEED
                : !same && convinces(model, samples, count, &score))
            withdraw(cal, at);
    }
}

/* A position of plain text whose column is nothing like text under its value. */
static void check_plain(struct calibration *cal, const struct cal_model *model)
{
    for (size_t at = 0; at < CAL_MAX_KEY; at++) {
        struct cal_sample samples[CAL_SAMPLES];
        struct cal_score score;
        size_t count;
        if (cal->key[at].source != CAL_PLAIN)
            continue;
        count = cal_collect(cal, at, cal->profile.key_period, false, samples);
        cal_score(cal, model, samples, count, &score);
        if (count < LEAST_SAMPLES || score.best == cal->key[at].value || score.margin < NEED)
            continue;
        cal->key[at].disagree += (unsigned)count;
        cal->contradictions++;
    }
}

struct cal_model *cal_model_new(const struct calibration *cal, struct error *err)
{
    struct cal_model *model = calloc(1, sizeof *model);

    if (model == NULL) {
        error_sys(err, ERROR_SOFT, "", "no memory");
        return NULL;
    }
    learn_subjects(cal, model);
    build(model);
    for (size_t at = 1; at < CAL_MAX_KEY && cal_key_at(cal, at) != PROFILE_KEY_UNKNOWN; at++)
        learn_column(cal, model, at);
    build(model);
    return model;
}

int cal_learn_columns(struct calibration *cal, struct cal_model *model, struct error *err)
{
    size_t decided = 1;

    for (int pass = 0; pass < PASSES && decided != 0; pass++) {
        decided = 0;
        if (cal->profile.key_period == 0 && cal_find_period(cal, model, err) != 0)
            return -1;
        if (one_pass(cal, model, pass, &decided, err) != 0)
            return -1;
    }
    if (cal->profile.key_period == 0 && cal_find_period(cal, model, err) != 0)
        return -1;
    cal_shorten_period(cal);
    build(model);
    check_plain(cal, model);
    look_again(cal, model);
    return 0;
}
