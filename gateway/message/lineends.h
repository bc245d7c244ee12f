/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One form of a text, whatever wrote it: every CR, LF or CR LF becomes LF, NUL is removed, and so
 * are ^Z octets (0x1A, the end mark of DOS editors) behind the last other octet. Works on octets
 * of any ASCII based code page: no trail octet of CP932, CP936, CP949 or CP950 is below 0x40.
 */
#ifndef MESSAGE_LINEENDS_H
#define MESSAGE_LINEENDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

typedef int lineends_emit(void *context, const uint8_t *data, size_t size, struct error *err);

#define LINEENDS_PIECE 16384

struct lineends {
    lineends_emit *emit; /* gets pieces of at most LINEENDS_PIECE octets */
    void *context;
    bool after_cr;
    uint64_t held; /* ^Z octets that may be the last */
    size_t used;
    uint8_t piece[LINEENDS_PIECE];
};

void lineends_init(struct lineends *lineends, lineends_emit *emit, void *context);

/* 0, or -1 with the error of the emit function. */
int lineends_add(struct lineends *lineends, const uint8_t *data, size_t size,
                 struct error *err) WARN_UNUSED;
int lineends_end(struct lineends *lineends, struct error *err) WARN_UNUSED;

#endif
