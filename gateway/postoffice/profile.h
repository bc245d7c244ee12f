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

#define PROFILE_MAX_KEY 65536
#define PROFILE_MAX_TRAILER 16
#define PROFILE_KEY_UNKNOWN (-1)

enum profile_verdict { PROFILE_INSUFFICIENT, PROFILE_READABLE, PROFILE_PROVEN };

struct profile {
    char name[64];
    enum profile_verdict verdict;
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
    bool att_enciphered;
    char codepage[32];
    /* Cipher key by position: 0..255, or PROFILE_KEY_UNKNOWN. */
    int16_t *key;
    size_t key_size;
    size_t key_period; /* 0: no period is known */
};

/* ERROR_SETUP names file and line. *OUT: profile_free. */
int profile_load(struct profile **out, const char *path, struct error *err) WARN_UNUSED;
void profile_free(struct profile *profile);

/* Key octet of POSITION (period applied), or PROFILE_KEY_UNKNOWN. */
int profile_key_at(const struct profile *profile, uint64_t position);

#endif
