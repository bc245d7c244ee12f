/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

/*
 * The period of the key table: equal runs inside what was learnt, or the known beginning of the
 * table turning later text into text. Either is proven by many positions and refuted by one.
 */
#define LEAST_AGREE 12 /* positions; by chance 128^-12 */
#define LEAST_PERIOD 4
#define MOST_STEPS 1500 /* octets that a period is tried on at first */
#define LEAST_STEPS 60
#define NEAR_BEST 0.7  /* nats an octet below the best that a period may be to be looked at */
#define HOPELESS 2.5   /* nats an octet that the best period may be less like text than text is */
#define AGREES 4.0     /* nats of a position for its known value */
#define DISAGREES 25.0 /* nats for another one */
#define LEAST_COLUMN 10

/* Behind the last known position. */
static size_t known_end(const struct calibration *cal)
{
    size_t end = CAL_MAX_KEY;

    while (end > 0 && cal->table[end - 1] == PROFILE_KEY_UNKNOWN)
        end--;
    return end;
}

static bool equal_runs(const struct calibration *cal, size_t period, size_t end, unsigned *agree)
{
    *agree = 0;
    for (size_t i = 0; i + period < end; i++) {
        if (cal->table[i] == PROFILE_KEY_UNKNOWN || cal->table[i + period] == PROFILE_KEY_UNKNOWN)
            continue;
        if (cal->table[i] != cal->table[i + period])
            return false;
        (*agree)++;
    }
    return *agree >= LEAST_AGREE;
}

static size_t by_equal_runs(const struct calibration *cal, unsigned *agree)
{
    size_t end = known_end(cal);

    for (size_t period = LEAST_PERIOD; period < CAL_MAX_KEY / 2 && period < end; period++) {
        if (equal_runs(cal, period, end, agree))
            return period;
    }
    return 0;
}

/* The mean of ln P over the octets that lie PERIOD behind known positions. */
static double mean_nats(const struct calibration *cal, const struct cal_model *model, size_t period,
                        size_t run)
{
    double sum = 0;
    unsigned count = 0;

    for (size_t t = 0; t < cal->text_count && count < MOST_STEPS; t++) {
        const struct cal_text *text = &cal->texts[cal->by_size[t]];
        int before = -1;
        if (text->size <= period)
            break;
        for (size_t i = 0; i < run && i + period < text->size; i++) {
            const uint8_t *at = text->octets + i + period;
            uint8_t clear = (uint8_t)(at[0] ^ at[-1] ^ cal->table[i]);
            sum += cal_model_nats(model, before, clear);
            before = clear;
            count++;
        }
    }
    return count >= LEAST_STEPS ? sum / count : -100;
}

/* Each known position is judged by the later cycles alone; its neighbours are taken from the period
 * on trial, which can only spoil a wrong one. */
static bool verify_columns(const struct calibration *cal, const struct cal_model *model,
                           size_t period, size_t run, unsigned *agree)
{
    *agree = 0;
    for (size_t i = 0; i < run && i < period; i++) {
        struct cal_sample samples[CAL_SAMPLES];
        struct cal_score score;
        size_t count = cal_collect(cal, i, period, true, samples);
        if (count < LEAST_COLUMN)
            continue;
        cal_score(cal, model, samples, count, &score);
        if (score.best == (unsigned)cal->table[i])
            *agree += score.margin >= AGREES;
        else if (score.margin >= DISAGREES)
            return false;
    }
    return *agree >= LEAST_AGREE;
}

static bool verify(struct calibration *cal, const struct cal_model *model, size_t period,
                   size_t run, unsigned *agree)
{
    bool verified;

    cal->profile.key_period = period;
    verified = verify_columns(cal, model, period, run, agree);
    cal->profile.key_period = 0;
    return verified;
}

/* What is known behind PERIOD must not speak against it. */
static bool refuted(const struct calibration *cal, size_t period)
{
    for (size_t i = period; i < CAL_MAX_KEY; i++) {
        if (cal->table[i] != PROFILE_KEY_UNKNOWN && cal->table[i % period] != PROFILE_KEY_UNKNOWN &&
            cal->table[i] != cal->table[i % period])
            return true;
    }
    return false;
}

static bool may_be(const struct calibration *cal, const double *means, size_t period, double best)
{
    return means[period] >= best - NEAR_BEST && best > -100 && !refuted(cal, period);
}

static int by_later_text(struct calibration *cal, const struct cal_model *model, size_t *found,
                         unsigned *agree, struct error *err)
{
    double means[CAL_MAX_KEY / 2], best = -100;
    size_t run = cal_known_run(cal), end = CAL_MAX_KEY / 2;

    *found = 0;
    if (run < LEAST_AGREE || run > CAL_MAX_KEY)
        return 0;
    for (size_t period = LEAST_PERIOD; period < end; period++) {
        means[period] = mean_nats(cal, model, period, run);
        best = means[period] > best ? means[period] : best;
    }
    if (best < cal_model_typical(model) - HOPELESS)
        return 0;
    for (size_t period = LEAST_PERIOD; *found == 0 && period < end; period++) {
        if (cal_progress(cal, CAL_PHASE_PERIOD, period, end, err) != 0)
            return -1;
        if (may_be(cal, means, period, best) && verify(cal, model, period, run, agree))
            *found = period;
    }
    return 0;
}

/* Later positions give their value to the one that they repeat. */
static void fold(struct calibration *cal, size_t period)
{
    for (size_t i = period; i < CAL_MAX_KEY; i++) {
        if (cal->table[i] == PROFILE_KEY_UNKNOWN)
            continue;
        if (cal->table[i % period] == PROFILE_KEY_UNKNOWN) {
            cal->table[i % period] = cal->table[i];
            cal->key[i % period] = cal->key[i];
        }
        cal->table[i] = PROFILE_KEY_UNKNOWN;
        cal->key[i].source = CAL_UNKNOWN;
    }
}

int cal_find_period(struct calibration *cal, const struct cal_model *model, struct error *err)
{
    const char *how = "equal runs inside the learnt table";
    unsigned agree = 0;
    size_t period = by_equal_runs(cal, &agree);

    if (period == 0) {
        how = "the known beginning of the table turns later text into text";
        if (by_later_text(cal, model, &period, &agree, err) != 0)
            return -1;
    }
    if (period == 0)
        return 0;
    fold(cal, period);
    cal->profile.key_period = period;
    cal_accept(cal, PROFILE_PERIOD, agree, 0, "%s: %u positions agree, none disagrees", how, agree);
    return 0;
}

/* A period that was found may be a multiple of the true one: the table repeats inside it. */
void cal_shorten_period(struct calibration *cal)
{
    size_t period = cal->profile.key_period;
    unsigned agree;

    for (size_t part = LEAST_PERIOD; part <= period / 2; part++) {
        if (period % part != 0 || !equal_runs(cal, part, period, &agree))
            continue;
        fold(cal, part);
        cal->profile.key_period = part;
        cal_accept(cal, PROFILE_PERIOD, agree, 0,
                   "equal runs inside the learnt table: %u positions agree, none disagrees", agree);
        return;
    }
}
