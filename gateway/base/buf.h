/* SPDX-License-Identifier: BSD-2-Clause */
/* A growing octet buffer with a ceiling given at the start. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct buf {
    uint8_t *data; /* always one NUL octet after the last, not counted in size */
    size_t size;
    size_t capacity;
    size_t limit; /* size never grows beyond this */
};

/* LIMIT in octets. Holds no memory until the first append. */
void buf_init(struct buf *buf, size_t limit);

/* Frees; the contents are wiped first when WIPE (secrets). The limit stays. */
void buf_clear(struct buf *buf);
void buf_wipe(struct buf *buf);

/* All appends return -1 when the limit would be passed or memory is short; the buffer is then
 * unchanged. */
int buf_append(struct buf *buf, const void *data, size_t size) WARN_UNUSED;
int buf_append_text(struct buf *buf, const char *text) WARN_UNUSED;
int buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3) WARN_UNUSED;

/* Drops the first SIZE octets (at most all). */
void buf_consume(struct buf *buf, size_t size);

/* The contents as a string ("" when empty); valid until the next change. */
const char *buf_text(const struct buf *buf);

/* Hands the memory to the caller (free()); a NUL-terminated string, never NULL unless memory is
 * short. The buffer is empty afterwards. */
char *buf_steal(struct buf *buf) WARN_UNUSED;

#endif
