/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/content.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/buf.h"
#include "base/file.h"

#define NAME "content of a message"
#define PIECE 65536

struct content {
    uint8_t *data; /* in memory; NULL when fd is used */
    int fd;        /* -1 when in memory */
    uint64_t offset;
    uint64_t size;
};

static struct content *content_new(struct error *err)
{
    struct content *content = calloc(1, sizeof *content);

    if (content == NULL)
        error_sys(err, ERROR_SOFT, "4.3.0", "%s: no memory", NAME);
    else
        content->fd = -1;
    return content;
}

int content_from_bytes(struct content **out, const void *data, size_t size, struct error *err)
{
    struct content *content = content_new(err);

    if (content == NULL)
        return -1;
    content->data = malloc(size + 1);
    if (content->data == NULL) {
        error_sys(err, ERROR_SOFT, "4.3.0", "%s: no memory for %zu octets", NAME, size);
        free(content);
        return -1;
    }
    if (size != 0)
        memcpy(content->data, data, size);
    content->size = size;
    *out = content;
    return 0;
}

int content_from_file(struct content **out, int fd, uint64_t offset, uint64_t size,
                      struct error *err)
{
    struct content *content;

    if (offset > INT64_MAX || size > INT64_MAX - offset)
        return error_set(err, ERROR_DATA, "5.6.0", "%s: a range past any end of a file", NAME);
    content = content_new(err);
    if (content == NULL)
        return -1;
    content->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (content->fd < 0) {
        error_sys(err, ERROR_SOFT, "4.3.0", "%s: cannot duplicate a descriptor", NAME);
        free(content);
        return -1;
    }
    content->offset = offset;
    content->size = size;
    *out = content;
    return 0;
}

void content_free(struct content *content)
{
    if (content == NULL)
        return;
    if (content->fd >= 0)
        close(content->fd);
    free(content->data);
    free(content);
}

uint64_t content_size(const struct content *content)
{
    return content->size;
}

int content_read(const struct content *content, uint64_t offset, void *out, size_t size,
                 struct error *err)
{
    if (offset > content->size || size > content->size - offset)
        return error_set(err, ERROR_DATA, "5.6.0", "%s: %zu octets wanted at offset %llu of %llu",
                         NAME, size, (unsigned long long)offset, (unsigned long long)content->size);
    if (size == 0)
        return 0;
    if (content->fd >= 0)
        return file_pread(content->fd, NAME, out, size, content->offset + offset, err);
    memcpy(out, content->data + offset, size);
    return 0;
}

int content_place(const struct content *content, const uint8_t **data, uint64_t *offset)
{
    *data = content->data;
    *offset = content->offset;
    return content->fd;
}

int content_hash(const struct content *content, uint8_t out[32], struct error *err)
{
    GChecksum *sum = g_checksum_new(G_CHECKSUM_SHA256);
    uint8_t *piece = g_malloc(PIECE);
    gsize length = 32;
    uint64_t at = 0;
    int status = -1;

    while (at < content->size) {
        size_t size = (size_t)MIN(content->size - at, PIECE);
        if (content_read(content, at, piece, size, err) != 0)
            goto out;
        g_checksum_update(sum, piece, (gssize)size);
        at += size;
    }
    g_checksum_get_digest(sum, out, &length);
    status = 0;
out:
    g_free(piece);
    g_checksum_free(sum);
    return status;
}

struct content_writer {
    struct buf buf;
    char *directory;
    uint64_t limit;
    uint64_t size;
    int fd; /* -1 as long as everything is in buf */
};

int content_writer_new(struct content_writer **out, const char *directory, uint64_t limit,
                       struct error *err)
{
    struct content_writer *writer = calloc(1, sizeof *writer);

    if (writer == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "%s: no memory", NAME);
    buf_init(&writer->buf, CONTENT_IN_MEMORY);
    writer->limit = limit;
    writer->fd = -1;
    writer->directory = strdup(directory);
    if (writer->directory == NULL) {
        free(writer);
        return error_sys(err, ERROR_SOFT, "4.3.0", "%s: no memory", NAME);
    }
    *out = writer;
    return 0;
}

void content_writer_free(struct content_writer *writer)
{
    if (writer == NULL)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    buf_clear(&writer->buf);
    free(writer->directory);
    free(writer);
}

/* In the file buf collects small pieces, so that a write is never a handful of octets. */
static int spill(struct content_writer *writer, struct error *err)
{
    if (writer->fd < 0)
        writer->fd = file_temporary(writer->directory, err);
    if (writer->fd < 0)
        return -1;
    if (file_write_all(writer->fd, writer->directory, writer->buf.data, writer->buf.size, err) != 0)
        return -1;
    buf_consume(&writer->buf, writer->buf.size);
    return 0;
}

int content_writer_add(struct content_writer *writer, const void *data, size_t size,
                       struct error *err)
{
    if (size > writer->limit - writer->size)
        return error_set(err, ERROR_DATA, "5.3.4", "%s: larger than the limit of %llu octets", NAME,
                         (unsigned long long)writer->limit);
    if (size > CONTENT_IN_MEMORY - writer->buf.size && spill(writer, err) != 0)
        return -1;
    if (size > CONTENT_IN_MEMORY) {
        if (file_write_all(writer->fd, writer->directory, data, size, err) != 0)
            return -1;
    } else if (buf_append(&writer->buf, data, size) != 0) {
        return error_set(err, ERROR_SOFT, "4.3.0", "%s: no memory", NAME);
    }
    writer->size += size;
    return 0;
}

int content_writer_finish(struct content_writer *writer, struct content **out, struct error *err)
{
    struct content *content;
    int status = -1;

    if (writer->fd < 0) {
        status = content_from_bytes(out, writer->buf.data, writer->buf.size, err);
        goto out;
    }
    if (writer->buf.size != 0 && spill(writer, err) != 0)
        goto out;
    content = content_new(err);
    if (content == NULL)
        goto out;
    content->fd = writer->fd;
    content->size = writer->size;
    writer->fd = -1;
    *out = content;
    status = 0;
out:
    content_writer_free(writer);
    return status;
}
