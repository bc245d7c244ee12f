/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calibration: a postoffice stores many things twice, once in clear and once enciphered. From what
 * agrees, the layout and the cipher key of this very postoffice are learnt; nothing is written to
 * it. A value that too few observations support, or that some contradict, stays unknown: what
 * needs it is then held by the reader, never guessed.
 */
#ifndef POSTOFFICE_CALIBRATE_H
#define POSTOFFICE_CALIBRATE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"
#include "base/error.h"
#include "postoffice/profile.h"

struct calibration;

struct calibrate_options {
    const uint8_t *known_text; /* text of one message, borrowed during the run; NULL: none */
    size_t known_size;
    /* NULL, or called now and then; another result than 0 cancels the run (ERROR_SOFT). */
    int (*progress)(void *context, uint64_t done, uint64_t total);
    void *context;
};

/* Learns from the postoffice at PATH. ERROR_SETUP when it cannot be read at all. */
int calibrate_run(const char *path, const struct calibrate_options *options,
                  struct calibration **out, struct error *err) WARN_UNUSED;
void calibrate_free(struct calibration *calibration); /* NULL is allowed */

struct calibrate_value {
    const char *name;  /* as in the profile: "key.bitmap_offset" */
    const char *value; /* as in the profile; "" when it was not learnt */
    unsigned agree;    /* observations */
    unsigned disagree;
    const char *how; /* how it was learnt, or why not: one line */
};

/* All values in the order of the profile. The texts live as long as CALIBRATION. */
size_t calibrate_values(const struct calibration *calibration);
void calibrate_value(const struct calibration *calibration, size_t index,
                     struct calibrate_value *out);

enum profile_verdict calibrate_verdict(const struct calibration *calibration);

/* What would settle the rest, the shortest list: line INDEX, or NULL behind the last. */
const char *calibrate_wanted(const struct calibration *calibration, size_t index);

struct calibrate_key {
    size_t known;      /* positions of the table that were learnt */
    size_t run;        /* how many without a gap from position 0; SIZE_MAX: all */
    size_t plain;      /* of KNOWN, those from known plain text */
    size_t statistics; /* those from the statistics of text */
    size_t withdrawn;  /* accepted at first, then contradicted */
    size_t messages;   /* that were read */
};
void calibrate_key(const struct calibration *calibration, struct calibrate_key *out);

/* What was learnt, as profile_load reads it. Borrowed. */
const struct profile *calibrate_profile(const struct calibration *calibration);

/* A text to be sent as it is, made for calibration: plain ASCII, CR LF, lines that no client breaks,
 * none like another. Not ended by NUL; always the same. */
#define CALIBRATE_TEXT_SIZE 4000
void calibrate_text(char out[CALIBRATE_TEXT_SIZE]);

/* Writes a profile with comments how each value was learnt. ERROR_SOFT. */
int calibrate_write(const struct calibration *calibration, FILE *stream,
                    struct error *err) WARN_UNUSED;

#endif
