/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads numbers and names out of a record in memory; never past its end. */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct cursor {
    const uint8_t *data; /* borrowed */
    size_t size;
    size_t at;
};

void cursor_init(struct cursor *cursor, const void *data, size_t size);
size_t cursor_left(const struct cursor *cursor);

/* All return -1, and leave the cursor where it is, when too little is left. */
int cursor_seek(struct cursor *cursor, size_t at) WARN_UNUSED;
int cursor_skip(struct cursor *cursor, size_t size) WARN_UNUSED;
int cursor_u8(struct cursor *cursor, uint8_t *out) WARN_UNUSED;
int cursor_le16(struct cursor *cursor, uint16_t *out) WARN_UNUSED;
int cursor_le32(struct cursor *cursor, uint32_t *out) WARN_UNUSED;

/* Borrows SIZE octets. */
int cursor_bytes(struct cursor *cursor, size_t size, const uint8_t **out) WARN_UNUSED;

/* Copies a NUL padded field of SIZE octets into OUT (SIZE + 1 octets), up to its first NUL. */
int cursor_text(struct cursor *cursor, size_t size, char *out) WARN_UNUSED;

#endif
