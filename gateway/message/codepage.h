/* SPDX-License-Identifier: BSD-2-Clause */
/* Which code page texts look like: a hint for the operator and for calibration, never more. */
#ifndef MESSAGE_CODEPAGE_H
#define MESSAGE_CODEPAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

#define CODEPAGES 16 /* that are tried: those with one octet for a character */

struct codepage_guess;

enum codepage_finding {
    CODEPAGE_FEW,     /* too few letters beyond ASCII to tell */
    CODEPAGE_NONE,    /* no page makes sense of them */
    CODEPAGE_SEVERAL, /* PAGE and RIVALS do alike */
    CODEPAGE_ONE      /* PAGE, far before all others */
};

struct codepage_verdict {
    enum codepage_finding finding;
    unsigned places; /* different ones with an octet beyond ASCII */
    uint64_t octets; /* that were looked at */
    double margin;   /* nats before the next page */
    char page[16];   /* "CP850"; "" where there is none */
    char rivals[96]; /* " 437 1252" */
};

/* ERROR_SOFT (memory), ERROR_SETUP (iconv lacks a page). */
int codepage_guess_new(struct codepage_guess **out, struct error *err) WARN_UNUSED;
void codepage_guess_free(struct codepage_guess *guess); /* NULL is allowed */

/* Octets of one text or name. Only so many different places are kept: more add nothing. */
int codepage_guess_add(struct codepage_guess *guess, const uint8_t *octets, size_t size,
                       struct error *err) WARN_UNUSED;

void codepage_guess_judge(struct codepage_guess *guess, struct codepage_verdict *out);

/* Whether other pages make much more sense of all that was added than CODEPAGE ("CP850") does:
 * OTHERS (SIZE octets) then names them, "852 1250". Of a page with two octets for a character it is
 * so when any page makes sense of it; of other pages that are not tried it is never said. */
bool codepage_guess_doubts(struct codepage_guess *guess, const char *codepage, char *others,
                           size_t size);

#endif
