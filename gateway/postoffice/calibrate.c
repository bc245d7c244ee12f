/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate-int.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "postoffice/mai.h"
#include "postoffice/profile-write.h"

#define LEAST_KEY 40   /* positions without a gap: subjects and addresses can be read */
#define LEAST_CHAIN 10 /* positions in which all subjects agree */

/* Without these nothing can be read; and how many observations a proven profile has of each. */
static const struct {
    enum profile_value value;
    unsigned proven;
} needed[] = {
    {PROFILE_BITMAP_OFFSET, 20},  {PROFILE_BITMAP_ORDER, 20},  {PROFILE_BITMAP_SET, 20},
    {PROFILE_COUNTER_OFFSET, 20}, {PROFILE_COUNTER_ORDER, 20}, {PROFILE_FIELD_FROM, 10},
    {PROFILE_FIELD_TO, 20},       {PROFILE_FIELD_SUBJECT, 20}, {PROFILE_FIELD_TEXT, 10},
    {PROFILE_TRAILER, 20},        {PROFILE_IGNORED, 20},       {PROFILE_CHAIN, 10},
};

#define NEEDED (sizeof needed / sizeof needed[0])

bool cal_sound(unsigned agree, unsigned disagree)
{
    return agree >= CAL_LEAST_VALUES && disagree * CAL_TOLERANCE <= agree;
}

static void set_how(struct calibration *cal, enum profile_value value, unsigned agree,
                    unsigned disagree)
{
    cal->evidence[value].agree = agree;
    cal->evidence[value].disagree = disagree;
    cal->evidence[value].stale = 0;
}

void cal_note_stale(struct calibration *cal, enum profile_value value, unsigned stale)
{
    struct cal_evidence *evidence = &cal->evidence[value];

    if (stale * CAL_TOLERANCE <= evidence->agree)
        evidence->stale = stale;
}

void cal_accept(struct calibration *cal, enum profile_value value, unsigned agree,
                unsigned disagree, const char *format, ...)
{
    va_list args;

    set_how(cal, value, agree, disagree);
    va_start(args, format);
    vsnprintf(cal->evidence[value].how, sizeof cal->evidence[value].how, format, args);
    va_end(args);
    cal->profile.known |= 1U << value;
}

void cal_refuse(struct calibration *cal, enum profile_value value, unsigned agree,
                unsigned disagree, const char *format, ...)
{
    va_list args;

    set_how(cal, value, agree, disagree);
    va_start(args, format);
    vsnprintf(cal->evidence[value].how, sizeof cal->evidence[value].how, format, args);
    va_end(args);
    cal->profile.known &= ~(1U << value);
}

static void add_want(struct calibration *cal, enum profile_value value, const char *format,
                     va_list args) PRINTF_LIKE(3, 0);
static void add_want(struct calibration *cal, enum profile_value value, const char *format,
                     va_list args)
{
    if (cal->wanted_count == CAL_MAX_WANTED)
        return;
    vsnprintf(cal->wanted[cal->wanted_count], sizeof cal->wanted[0], format, args);
    cal->wanted_for[cal->wanted_count++] = value;
}

void cal_want_for(struct calibration *cal, enum profile_value value, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_want(cal, value, format, args);
    va_end(args);
}

void cal_want(struct calibration *cal, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_want(cal, PROFILE_VALUES, format, args);
    va_end(args);
}

static void begin_evidence(struct calibration *cal)
{
    for (int v = 0; v < PROFILE_VALUES; v++)
        cal_refuse(cal, (enum profile_value)v, 0, 0, "nothing in this postoffice shows it");
    cal_refuse(cal, PROFILE_CODEPAGE, 0, 0, "set codepage of the postoffice in msmailgw.conf");
    cal_refuse(cal, PROFILE_PERIOD, 0, 0, "no period shows");
    snprintf(cal->profile.name, sizeof cal->profile.name, "calibrated");
    cal_accept(cal, PROFILE_NAME, 0, 0, "written by msmailgw postoffice calibrate");
    cal->profile.key_new = cal->profile.key_unread = cal->profile.key_live = -1;
    for (size_t i = 0; i < CAL_MAX_KEY; i++)
        cal->table[i] = PROFILE_KEY_UNKNOWN;
}

/* The chain is confirmed by every position that all subjects agree in. */
static void learn_chain(struct calibration *cal)
{
    unsigned agree = 0, disagree = 0;

    for (size_t i = 0; i < CAL_HEAD; i++) {
        agree += cal->key[i].source == CAL_PLAIN;
        disagree += cal->key[i].source != CAL_PLAIN && cal->key[i].agree >= CAL_LEAST_VOTES;
    }
    cal->plain = agree;
    if (agree >= LEAST_CHAIN && disagree * 10 <= agree)
        cal_accept(cal, PROFILE_CHAIN, agree, disagree,
                   "positions in which the subjects of all messages give the same key");
    else
        cal_refuse(cal, PROFILE_CHAIN, agree, disagree,
                   "the subjects of the messages do not give the same key");
}

static void copy_key(struct calibration *cal)
{
    size_t size = cal->profile.key_period;

    for (size_t i = 0; size == 0 && i < CAL_MAX_KEY; i++) {
        if (cal->table[CAL_MAX_KEY - 1 - i] != PROFILE_KEY_UNKNOWN)
            size = CAL_MAX_KEY - i;
    }
    cal->profile.key = cal->table;
    cal->profile.key_size = size;
}

static void want_key(struct calibration *cal)
{
    size_t run = cal_known_run(cal);

    if (run == SIZE_MAX)
        return;
    cal_want(cal,
             "the key is known up to position %zu: write a text with --text-to-send FILE, send it "
             "to yourself as one message, and calibrate again with --known-text FILE",
             run);
}

static bool is_needed(enum profile_value value)
{
    for (size_t i = 0; i < NEEDED; i++) {
        if (needed[i].value == value)
            return true;
    }
    return value == PROFILE_VALUES;
}

/* An insufficient profile wants what would make it a better one, and nothing else yet. */
static void shorten_wanted(struct calibration *cal)
{
    size_t kept = 0;

    for (size_t i = 0; i < cal->wanted_count; i++) {
        if (cal->profile.verdict == PROFILE_INSUFFICIENT && !is_needed(cal->wanted_for[i]))
            continue;
        if (kept != i)
            memcpy(cal->wanted[kept], cal->wanted[i], sizeof cal->wanted[0]);
        cal->wanted_for[kept++] = cal->wanted_for[i];
    }
    cal->wanted_count = kept;
}

/* Observations against what was accepted, without what is only stale. Names of users and of the
 * postoffice may be others'. */
static unsigned count_contradictions(const struct calibration *cal)
{
    unsigned sum = cal->contradictions;

    for (int v = PROFILE_BITMAP_OFFSET; v < PROFILE_VALUES; v++) {
        if (v != PROFILE_ACCESS2_NAME && profile_knows(&cal->profile, (enum profile_value)v))
            sum += cal->evidence[v].disagree - cal->evidence[v].stale;
    }
    return sum;
}

/* Values below the numbers that a proven profile needs, and contradictions, leave it readable. */
static void judge(struct calibration *cal)
{
    enum profile_verdict verdict = PROFILE_PROVEN;
    size_t noise = cal->damaged * CAL_TOLERANCE;
    size_t run = cal_known_run(cal);

    if (count_contradictions(cal) != 0 || noise > cal->readable || cal->withdrawn != 0)
        verdict = PROFILE_READABLE;
    for (size_t i = 0; i < NEEDED; i++) {
        if (!profile_knows(&cal->profile, needed[i].value))
            verdict = PROFILE_INSUFFICIENT;
        else if (cal->evidence[needed[i].value].agree < needed[i].proven &&
                 verdict == PROFILE_PROVEN)
            verdict = PROFILE_READABLE;
    }
    if (run < LEAST_KEY || noise > cal->readable * 10)
        verdict = PROFILE_INSUFFICIENT;
    cal->profile.verdict = verdict;
    cal_accept(cal, PROFILE_VERDICT, (unsigned)cal->readable, (unsigned)cal->damaged,
               "messages that could be read, and those that are damaged");
    shorten_wanted(cal);
}

static int learn_key(struct calibration *cal, struct cal_model *model, struct error *err)
{
    bool found;

    if (cal_vote_known_text(cal, model, &found, err) != 0 ||
        cal_learn_columns(cal, model, err) != 0)
        return -1;
    /* Statistics may have made known what it is found by. */
    if (!found && (cal_vote_known_text(cal, model, &found, err) != 0 ||
                   (found && cal_learn_columns(cal, model, err) != 0)))
        return -1;
    if (!found)
        cal_want(cal, "no message has the known text: send it as it is, to somebody whose mail "
                      "stays in this postoffice");
    return 0;
}

static int learn_text(struct calibration *cal, struct error *err)
{
    struct cal_model *model;
    int status = -1;

    if (!profile_knows(&cal->profile, PROFILE_FIELD_TEXT))
        return 0;
    if (cal_read_texts(cal, err) != 0 || cal_vote_block(cal, err) != 0)
        return -1;
    model = cal_model_new(cal, err);
    if (model != NULL)
        status = learn_key(cal, model, err);
    free(model);
    return status;
}

static int learn(struct calibration *cal, struct error *err)
{
    if (cal_read_files(cal, err) != 0 || cal_learn_bitmap(cal, err) != 0)
        return -1;
    cal_pair(cal);
    cal_learn_live(cal);
    if (cal_read_mails(cal, err) != 0)
        return -1;
    cal_learn_subject(cal);
    cal_learn_counter(cal);
    if (cal_vote_subjects(cal, err) != 0)
        return -1;
    learn_chain(cal);
    if (profile_knows(&cal->profile, PROFILE_CHAIN))
        cal_learn_text(cal);
    if (profile_knows(&cal->profile, PROFILE_CHAIN) &&
        !profile_knows(&cal->profile, PROFILE_FIELD_TEXT))
        cal_learn_text_by_block(cal);
    if (learn_text(cal, err) != 0 || cal_learn_page(cal, err) != 0)
        return -1;
    if (profile_knows(&cal->profile, PROFILE_CHAIN))
        cal_report_shared(cal);
    cal_learn_date(cal);
    cal_learn_trailer(cal);
    cal_learn_priority(cal);
    cal_learn_attachments(cal);
    if (cal_learn_cc(cal, err) != 0 || cal_learn_postoffice(cal, err) != 0 ||
        cal_learn_access2(cal, err) != 0 || cal_learn_att(cal, err) != 0)
        return -1;
    return cal_learn_ignored(cal, err);
}

int calibrate_run(const char *path, const struct calibrate_options *options,
                  struct calibration **out, struct error *err)
{
    static const struct calibrate_options none = {0};
    struct calibration *cal = calloc(1, sizeof *cal);

    if (cal == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    cal->options = options != NULL ? options : &none;
    begin_evidence(cal);
    if (root_open(&cal->root, path, err) != 0 || learn(cal, err) != 0) {
        calibrate_free(cal);
        return -1;
    }
    want_key(cal);
    copy_key(cal);
    judge(cal);
    for (int v = 0; v < PROFILE_VALUES; v++)
        profile_value_text(&cal->profile, (enum profile_value)v, cal->values[v],
                           sizeof cal->values[v]);
    cal_read_clear(cal);
    cal->options = NULL;
    *out = cal;
    return 0;
}

void calibrate_free(struct calibration *calibration)
{
    if (calibration == NULL)
        return;
    cal_read_clear(calibration);
    free(calibration);
}

/* ---- what was learnt ---- */

size_t calibrate_values(const struct calibration *calibration)
{
    (void)calibration;
    return PROFILE_VALUES;
}

void calibrate_value(const struct calibration *calibration, size_t index,
                     struct calibrate_value *out)
{
    const struct cal_evidence *evidence = &calibration->evidence[index];

    out->name = profile_value_name((enum profile_value)index);
    out->value = calibration->values[index];
    out->agree = evidence->agree;
    out->disagree = evidence->disagree;
    out->how = evidence->how;
}

enum profile_verdict calibrate_verdict(const struct calibration *calibration)
{
    return calibration->profile.verdict;
}

const char *calibrate_wanted(const struct calibration *calibration, size_t index)
{
    return index < calibration->wanted_count ? calibration->wanted[index] : NULL;
}

void calibrate_key(const struct calibration *calibration, struct calibrate_key *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < calibration->profile.key_size; i++) {
        out->known += calibration->table[i] != PROFILE_KEY_UNKNOWN;
        out->statistics += calibration->key[i].source == CAL_STATISTICS;
    }
    out->plain = out->known - out->statistics;
    out->run = cal_known_run(calibration);
    out->withdrawn = calibration->withdrawn;
    out->messages = calibration->readable;
}

const struct profile *calibrate_profile(const struct calibration *calibration)
{
    return &calibration->profile;
}

static void make_note(const void *context, enum profile_value value, char *out, size_t size)
{
    const struct calibration *calibration = context;
    const struct cal_evidence *evidence = &calibration->evidence[value];

    snprintf(out, size, "%s%s%u for, %u against: %s",
             calibration->values[value][0] == '\0' ? profile_value_name(value) : "",
             calibration->values[value][0] == '\0' ? " is not known: " : "", evidence->agree,
             evidence->disagree, evidence->how);
}

int calibrate_write(const struct calibration *calibration, FILE *stream, struct error *err)
{
    struct calibrate_key key;

    fputs("# Learnt from the postoffice itself; msmailgw-profile(5) explains the names.\n", stream);
    if (profile_write(&calibration->profile, make_note, calibration, stream, err) != 0)
        return -1;
    calibrate_key(calibration, &key);
    fprintf(stream,
            "# %zu positions: %zu from plain text, %zu from the statistics of text, "
            "%zu withdrawn\n",
            key.known, key.plain, key.statistics, key.withdrawn);
    return 0;
}
