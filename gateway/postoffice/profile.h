/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The profile: what a reader assumes or has learnt about the layout of one postoffice. A readable
 * text file, lines "name = value", '#' begins a comment; msmailgw-profile(5) lists the names. No
 * value that public documents leave open is in the code: all of them come from here.
 */
#ifndef POSTOFFICE_PROFILE_H
#define POSTOFFICE_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "postoffice/date-form.h"
#include "postoffice/profile-part.h"

#define PROFILE_MAX_KEY 65536
#define PROFILE_MAX_IGNORED 40
#define PROFILE_VALUE_SIZE 1200 /* of a value as text with its NUL */
#define PROFILE_MAX_TRAILER 16
#define PROFILE_KEY_UNKNOWN (-1)

/* One for each name of the file. A value that the file does not give stays unknown. */
enum profile_value {
    PROFILE_NAME,
    PROFILE_VERDICT,
    PROFILE_POSTOFFICE,
    PROFILE_BITMAP_OFFSET,
    PROFILE_BITMAP_ORDER,
    PROFILE_BITMAP_SET,
    PROFILE_COUNT_NEW,
    PROFILE_COUNT_UNREAD,
    PROFILE_COUNT_LIVE,
    PROFILE_ACCESS2_NAME,
    PROFILE_ACCESS2_MAILBAG,
    PROFILE_ACCESS2_FORM,
    PROFILE_COUNTER_OFFSET,
    PROFILE_COUNTER_ORDER,
    PROFILE_FIELD_FROM,
    PROFILE_FIELD_TO,
    PROFILE_FIELD_CC,
    PROFILE_FIELD_DATE,
    PROFILE_FIELD_SUBJECT,
    PROFILE_FIELD_ATTACHMENTS,
    PROFILE_FIELD_TEXT,
    PROFILE_VENDOR_PRIORITY,
    PROFILE_TRAILER,
    PROFILE_DATE_FORM,
    PROFILE_IGNORED,
    PROFILE_ATT_CIPHER,
    PROFILE_CHAIN,
    PROFILE_PERIOD,
    PROFILE_CODEPAGE,
    PROFILE_VALUES
};

enum profile_verdict { PROFILE_INSUFFICIENT, PROFILE_READABLE, PROFILE_PROVEN };

struct profile {
    char name[64];
    enum profile_verdict verdict;
    char postoffice[24]; /* "NET/PO" that it was learnt from */
    uint32_t known; /* bit 1 << enum profile_value: the file gives it */
    /* KEY (560 octets, Q77926): place of the 512-octet bitmap (Q119088) and of its counters. */
    unsigned key_bitmap_offset;
    bool key_msb_first;     /* bit order */
    bool key_set_is_deleted; /* polarity */
    int key_new, key_unread, key_live; /* offsets of words, -1 when not known */
    /* ACCESS2.GLB (69 octets a record, Q77926) */
    unsigned access2_name, access2_mailbag;
    bool access2_binary;
    /* MAI */
    unsigned mai_counter; /* file offset, 0x0B (Q104423) */
    bool mai_counter_big;
    uint8_t field_from, field_to, field_cc, field_date, field_subject, field_attachments,
        field_text, vendor_priority;
    uint8_t trailer[PROFILE_MAX_TRAILER]; /* what follows the name in an address string */
    size_t trailer_size;
    char date_form[DATE_FORM_SIZE];
    /* Parts of messages that may be stepped over although they hold strings. */
    struct profile_part ignored[PROFILE_MAX_IGNORED];
    size_t ignored_count;
    bool att_enciphered;
    char codepage[32]; /* name for iconv: "CP850" */
    /* Cipher key by position: 0..255, or PROFILE_KEY_UNKNOWN. */
    int16_t *key;
    size_t key_size;
    size_t key_period; /* 0: no period is known */
};

/* ERROR_SETUP names file and line. *OUT: profile_free. */
int profile_load(struct profile **out, const char *path, struct error *err) WARN_UNUSED;
void profile_free(struct profile *profile);

/* Its name in the file: "key.bitmap_offset". */
const char *profile_value_name(enum profile_value value);

/* True when the file gives VALUE. */
bool profile_knows(const struct profile *profile, enum profile_value value);

/* -1 and ERROR_SETUP, which names the profile and the value, when the file does not give it. */
int profile_require(const struct profile *profile, enum profile_value value,
                    struct error *err) WARN_UNUSED;

/* Key octet of POSITION (period applied), or PROFILE_KEY_UNKNOWN. */
int profile_key_at(const struct profile *profile, uint64_t position);

#endif
