/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 256

void buf_init(struct buf *buf, size_t limit)
{
    memset(buf, 0, sizeof *buf);
    buf->limit = limit;
}

void buf_clear(struct buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->size = 0;
    buf->capacity = 0;
}

void buf_wipe(struct buf *buf)
{
    if (buf->data != NULL)
        explicit_bzero(buf->data, buf->capacity);
    buf_clear(buf);
}

/* Growth copies by hand instead of realloc, so that buf_wipe leaves no old copy of a secret. */
static int grow(struct buf *buf, size_t more)
{
    size_t need, capacity;
    uint8_t *data;

    if (more > buf->limit - buf->size)
        return -1;
    need = buf->size + more + 1;
    if (need <= buf->capacity)
        return 0;
    capacity = buf->capacity != 0 ? buf->capacity : FIRST_CAPACITY;
    while (capacity < need)
        capacity *= 2;
    data = malloc(capacity);
    if (data == NULL)
        return -1;
    if (buf->data != NULL) {
        memcpy(data, buf->data, buf->size);
        explicit_bzero(buf->data, buf->size);
        free(buf->data);
    }
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

int buf_append(struct buf *buf, const void *data, size_t size)
{
    if (grow(buf, size) != 0)
        return -1;
    if (size != 0)
        memcpy(buf->data + buf->size, data, size);
    buf->size += size;
    buf->data[buf->size] = '\0';
    return 0;
}

int buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    int size;

    va_start(args, format);
    size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0 || grow(buf, (size_t)size) != 0)
        return -1;
    va_start(args, format);
    vsnprintf((char *)buf->data + buf->size, (size_t)size + 1, format, args);
    va_end(args);
    buf->size += (size_t)size;
    return 0;
}

void buf_consume(struct buf *buf, size_t size)
{
    if (size >= buf->size) {
        buf->size = 0;
    } else {
        memmove(buf->data, buf->data + size, buf->size - size);
        buf->size -= size;
    }
    if (buf->data != NULL)
        buf->data[buf->size] = '\0';
}

const char *buf_text(const struct buf *buf)
{
    return buf->data != NULL ? (const char *)buf->data : "";
}

char *buf_steal(struct buf *buf)
{
    char *text = buf->data != NULL ? (char *)buf->data : calloc(1, 1);

    buf->data = NULL;
    buf->size = 0;
    buf->capacity = 0;
    return text;
}
