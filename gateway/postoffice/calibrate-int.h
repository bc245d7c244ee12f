/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of calibration. Included only by postoffice/calibrate*.c and their test. */
#ifndef POSTOFFICE_CALIBRATE_INT_H
#define POSTOFFICE_CALIBRATE_INT_H

#include <stdbool.h>

#include "base/file.h"
#include "postoffice/calibrate.h"
#include "postoffice/key.h"
#include "postoffice/mbg.h"

#define CAL_HEAD 64        /* octets kept of each string of a message */
#define CAL_MAX_STRINGS 96 /* kept of one message */
#define CAL_MAX_KEY 16384  /* positions that are looked at */
#define CAL_FROM 0x01      /* FIPS PUB 98, confirmed by the bytes of Q104423 */
#define CAL_TO 0x05
#define CAL_LEAST_VALUES 5   /* observations below which no value is accepted */
#define CAL_LEAST_VOTES 3    /* messages below which no key position is, from plain text */
#define CAL_MOST_HEADER 4096 /* octets that may stand before a known text */
#define CAL_TOLERANCE 50     /* one contradiction in so many observations does not withdraw */

enum cal_place { CAL_DIRECT, CAL_IN_DATE, CAL_IN_SEQUENCE };

/* One enciphered string of a message. */
struct cal_string {
    uint32_t length;
    uint16_t element; /* ordinal of the part of the message that it is in */
    uint16_t item;    /* ordinal of the sequence in that part */
    uint8_t nth;      /* in its part or sequence */
    uint8_t code;     /* qualifier of that part */
    bool vendor;      /* a vendor-defined element, else a field */
    uint8_t place;    /* enum cal_place */
    uint8_t head[CAL_HEAD];
};

struct cal_mail {
    uint32_t id;
    size_t first, count; /* of the strings */
    unsigned references; /* live records that lead here */
    bool readable;       /* its structure could be read to the end */
    bool counted;        /* an Integer lies where the counter does */
    bool paired;         /* HEADER is of a live record */
    uint8_t counter[2];
    struct mbg_record header;
};

struct cal_bag {
    char id[16];
    uint8_t *records;
    size_t count;
    bool *live; /* of each record: under every reading of the KEY bitmap that is left */
    struct key key;
};

struct cal_file {
    uint32_t id;
};

/* One octet string of Text with its ciphertext. */
struct cal_text {
    uint8_t *octets;
    size_t size, mail;
    uint64_t length; /* of the string, of which SIZE octets were read */
};

enum cal_source { CAL_UNKNOWN, CAL_PLAIN, CAL_BLOCK, CAL_STATISTICS, CAL_KNOWN_TEXT };

struct cal_position {
    unsigned agree, disagree;
    uint8_t value, source;
    bool withdrawn;
};

struct cal_evidence {
    unsigned agree, disagree;
    unsigned stale; /* of DISAGREE: what faults leave behind, and does no harm (FORMATS, 10) */
    char how[240];
};

#define CAL_MAX_WANTED 12

struct calibration {
    struct profile profile;
    struct cal_evidence evidence[PROFILE_VALUES];
    char values[PROFILE_VALUES][PROFILE_VALUE_SIZE];
    char wanted[CAL_MAX_WANTED][400];
    enum profile_value wanted_for[CAL_MAX_WANTED]; /* PROFILE_VALUES: for the key */
    size_t wanted_count;
    struct root *root;
    const struct calibrate_options *options;
    struct cal_bag *bags;
    size_t bag_count;
    struct cal_file *mai_files, *att_files; /* by id */
    size_t mai_count, att_count;
    struct cal_mail *mails; /* by id */
    size_t mail_count, readable, damaged;
    struct cal_string *strings;
    size_t string_count, string_space;
    struct cal_text *texts;
    size_t text_count, text_space;
    uint32_t *by_size; /* TEXTS, the longest first */
    struct cal_position key[CAL_MAX_KEY];
    size_t withdrawn, plain;
    bool eight_bits;         /* the key has octets above 127 */
    unsigned contradictions; /* that the verdict must not pass over */
    int16_t table[CAL_MAX_KEY];
    uint64_t done; /* thousandths */
};

/* calibrate-read.c */
int cal_read_files(struct calibration *cal, struct error *err) WARN_UNUSED;
int cal_read_mails(struct calibration *cal, struct error *err) WARN_UNUSED;
int cal_read_texts(struct calibration *cal, struct error *err) WARN_UNUSED;
void cal_read_clear(struct calibration *cal);
const struct cal_file *cal_find_file(const struct cal_file *files, size_t count, uint32_t id);
struct cal_mail *cal_find_mail(const struct calibration *cal, uint32_t id);
const struct cal_bag *cal_find_bag(const struct calibration *cal, const char *id);
enum cal_phase {
    CAL_PHASE_MAILS,
    CAL_PHASE_TEXTS,
    CAL_PHASE_KNOWN,
    CAL_PHASE_PERIOD,
    CAL_PHASE_COLUMNS,
    CAL_PHASE_FILES,
    CAL_PHASES
};
/* AT of OF steps of PHASE are done. ERROR_SOFT: the caller cancels. */
int cal_progress(struct calibration *cal, enum cal_phase phase, size_t at, size_t of,
                 struct error *err) WARN_UNUSED;

/* calibrate-mailbag.c: KEY and ACCESS2. */
int cal_learn_bitmap(struct calibration *cal, struct error *err) WARN_UNUSED;
void cal_pair(struct calibration *cal);
void cal_learn_live(struct calibration *cal);
int cal_learn_access2(struct calibration *cal, struct error *err) WARN_UNUSED;

/* calibrate-fields.c and calibrate-address.c: roles of the parts of a message. */
void cal_learn_subject(struct calibration *cal);
void cal_learn_counter(struct calibration *cal);
void cal_learn_date(struct calibration *cal);
void cal_learn_priority(struct calibration *cal);
void cal_learn_text(struct calibration *cal);
void cal_learn_trailer(struct calibration *cal);
int cal_learn_cc(struct calibration *cal, struct error *err) WARN_UNUSED;
void cal_learn_attachments(struct calibration *cal);
int cal_learn_att(struct calibration *cal, struct error *err) WARN_UNUSED;

/* An address string of a message into CLEAR (CAL_HEAD octets): *NAME are those up to its first NUL.
 * -1: it cannot be read, or is none. */
int cal_decode_address(const struct calibration *cal, const struct cal_string *string,
                       uint8_t *clear, size_t *name) WARN_UNUSED;

/* calibrate-own.c: the name of this postoffice. */
int cal_learn_postoffice(struct calibration *cal, struct error *err) WARN_UNUSED;

/* calibrate-parts.c: what may be stepped over. */
int cal_learn_ignored(struct calibration *cal, struct error *err) WARN_UNUSED;

/* calibrate-cipher.c: the key from plain text. */
int cal_vote_subjects(struct calibration *cal, struct error *err) WARN_UNUSED;
/* Octets of the plain text, as far as the key is known without a gap. */
size_t cal_decode(const struct calibration *cal, const uint8_t *cipher, size_t size, uint8_t *out);
/* 0 to 255, or -1; the period is applied. */
int cal_key_at(const struct calibration *cal, size_t position);
/* Tells beside cipher.chain how many addresses and texts the same table opens. */
void cal_report_shared(struct calibration *cal);
/* How many positions from 0 on are known without a gap; SIZE_MAX: all of them. */
size_t cal_known_run(const struct calibration *cal);

/* calibrate-columns.c, calibrate-period.c: the key from the statistics of text. */
struct cal_model; /* what text looks like here; free() */
struct cal_model *cal_model_new(const struct calibration *cal, struct error *err) WARN_UNUSED;
int cal_learn_columns(struct calibration *cal, struct cal_model *model,
                      struct error *err) WARN_UNUSED;
int cal_find_period(struct calibration *cal, const struct cal_model *model,
                    struct error *err) WARN_UNUSED;
void cal_shorten_period(struct calibration *cal);
#define CAL_SAMPLES 400
struct cal_sample {
    uint8_t step;          /* c[i] ^ c[i-1] = p[i] ^ k[i] */
    int16_t before, after; /* plain neighbours, -1 when not known */
};
/* Up to CAL_SAMPLES different ones of position AT, later cycles of PERIOD (0: none) included;
 * with SKIP_FIRST only those. */
size_t cal_collect(const struct calibration *cal, size_t at, size_t period, bool skip_first,
                   struct cal_sample *out);
struct cal_score {
    unsigned best;
    double margin, mean; /* nats before the runner-up; nats an observation */
};
void cal_score(const struct calibration *cal, const struct cal_model *model,
               const struct cal_sample *samples, size_t count, struct cal_score *out);
/* ln P(octet | before), BEFORE -1: not known. */
double cal_model_nats(const struct cal_model *model, int before, uint8_t octet);
double cal_model_typical(const struct cal_model *model); /* nats an octet of text */
double cal_model_chance(const struct cal_model *model);  /* of three texts over each other */
double cal_ln(double x);                                 /* x > 0 */

/* calibrate-block.c: the header block of Windows clients as known plain text, and as the mark of
 * the field Text where nothing else tells it. */
int cal_vote_block(struct calibration *cal, struct error *err) WARN_UNUSED;
void cal_learn_text_by_block(struct calibration *cal);

/* calibrate-page.c: the code page, from subjects and the text that is known. */
int cal_learn_page(struct calibration *cal, struct error *err) WARN_UNUSED;

/* calibrate-known.c. *FOUND is false when no message has the known text, or two have it that would
 * give different keys. */
int cal_vote_known_text(struct calibration *cal, const struct cal_model *model, bool *found,
                        struct error *err) WARN_UNUSED;

/* Takes VALUE as learnt. */
void cal_accept(struct calibration *cal, enum profile_value value, unsigned agree,
                unsigned disagree, const char *format, ...) PRINTF_LIKE(5, 6);
/* It stays unknown; the evidence says why. */
void cal_refuse(struct calibration *cal, enum profile_value value, unsigned agree,
                unsigned disagree, const char *format, ...) PRINTF_LIKE(5, 6);
/* STALE of the observations against VALUE, which was accepted, do not speak against its layout:
 * faults of programs leave such data behind. More than one in CAL_TOLERANCE are not natural. */
void cal_note_stale(struct calibration *cal, enum profile_value value, unsigned stale);
/* Enough observations, nearly none against. */
bool cal_sound(unsigned agree, unsigned disagree);
/* One line of what would settle VALUE (PROFILE_VALUES: the key). Only the lines that the verdict
 * waits for remain in the end. */
void cal_want_for(struct calibration *cal, enum profile_value value, const char *format, ...)
    PRINTF_LIKE(3, 4);
void cal_want(struct calibration *cal, const char *format, ...) PRINTF_LIKE(2, 3); /* the key */

#endif
