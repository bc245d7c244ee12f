/* SPDX-License-Identifier: BSD-2-Clause */
/* Wall-clock time. The queue's schedule takes time as an argument; only programs ask the clock. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01 UTC. */
int64_t clock_now_ms(void);

/* Milliseconds of a clock that never jumps; only differences mean anything. */
int64_t clock_steady_ms(void);

#define CLOCK_STAMP_SIZE 32

/* Writes "2026-11-22T12:36:00.000Z" into OUT (CLOCK_STAMP_SIZE octets) and returns OUT. */
const char *clock_stamp(int64_t ms, char out[CLOCK_STAMP_SIZE]);

#endif
