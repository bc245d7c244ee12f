/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MBG files: the headers of a mailbag, 116 octets a record, in clear (Q77926, Q87417, Q108027).
 * Records are re-used, so their order says nothing about time (Q147586).
 */
#ifndef POSTOFFICE_MBG_H
#define POSTOFFICE_MBG_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"
#include "message/message.h"

#define MBG_RECORD_SIZE 116
#define MBG_MAX_RECORDS 4096 /* Q119088, Q138054 */

struct mbg_record {
    char sender[12];          /* mailbox or alias */
    char subject[42];         /* first 40 characters */
    struct message_date date; /* local (Q133192); set is false when it is no date */
    int second;
    char priority; /* 0: none */
    char mai[9];   /* re-made from its number; "" when the record does not hold 8 hex digits */
    uint32_t mai_number;
    uint32_t size; /* of the message in octets, as the record says */
};

/* RAW is one record. */
void mbg_parse(const uint8_t raw[MBG_RECORD_SIZE], struct mbg_record *out);

/* Less than, equal to or more than 0 as A is older than B: by date, then by MAI number. */
int mbg_compare(const struct mbg_record *a, const struct mbg_record *b);

/* Minutes since 1970-01-01 in the postoffice's local time; -1 when the record has no date. */
int64_t mbg_local_minutes(const struct mbg_record *record);

/* All records of mailbag ID ("0000002E"): *OUT is COUNT records one after the other, the caller's
 * (free). ERROR_DATA names the file when its size is not a multiple of 116 or above 4,096. */
int mbg_load(struct root *root, const char *id, uint8_t **out, size_t *count,
             struct error *err) WARN_UNUSED;

#endif
