/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/cursor.h"

#include <string.h>

void cursor_init(struct cursor *cursor, const void *data, size_t size)
{
    cursor->data = data;
    cursor->size = size;
    cursor->at = 0;
}

size_t cursor_left(const struct cursor *cursor)
{
    return cursor->size - cursor->at;
}

int cursor_seek(struct cursor *cursor, size_t at)
{
    if (at > cursor->size)
        return -1;
    cursor->at = at;
    return 0;
}

int cursor_skip(struct cursor *cursor, size_t size)
{
    if (size > cursor_left(cursor))
        return -1;
    cursor->at += size;
    return 0;
}

int cursor_bytes(struct cursor *cursor, size_t size, const uint8_t **out)
{
    if (size > cursor_left(cursor))
        return -1;
    *out = cursor->data + cursor->at;
    cursor->at += size;
    return 0;
}

int cursor_u8(struct cursor *cursor, uint8_t *out)
{
    const uint8_t *data;

    if (cursor_bytes(cursor, 1, &data) != 0)
        return -1;
    *out = data[0];
    return 0;
}

int cursor_le16(struct cursor *cursor, uint16_t *out)
{
    const uint8_t *data;

    if (cursor_bytes(cursor, 2, &data) != 0)
        return -1;
    *out = (uint16_t)(data[0] | data[1] << 8);
    return 0;
}

int cursor_le32(struct cursor *cursor, uint32_t *out)
{
    const uint8_t *data;

    if (cursor_bytes(cursor, 4, &data) != 0)
        return -1;
    *out = (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
           (uint32_t)data[3] << 24;
    return 0;
}

int cursor_text(struct cursor *cursor, size_t size, char *out)
{
    const uint8_t *data;
    size_t length;

    if (cursor_bytes(cursor, size, &data) != 0)
        return -1;
    length = strnlen((const char *)data, size);
    memcpy(out, data, length);
    out[length] = '\0';
    return 0;
}
