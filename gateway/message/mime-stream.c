/* SPDX-License-Identifier: BSD-2-Clause */
/* Two GMime streams: one that reads a content, one that writes into a sink. */
#include "config.h"

#include "message/mime-int.h"

#include <errno.h>
#include <string.h>

struct content_stream {
    GMimeStream parent;
    const struct content *content;
    struct mime_trouble *trouble;
};

struct content_stream_class {
    GMimeStreamClass parent_class;
};

/* Apart from its stream, because an object of GLib must be smaller than 65,536 octets. */
struct outlet {
    mime_sink *sink;
    void *context;
    struct mime_trouble *trouble;
    uint64_t size;
    size_t line; /* octets of the present line */
    bool after_cr;
    bool eight_bit;
    size_t used;
    uint8_t piece[MIME_PIECE];
};

struct sink_stream {
    GMimeStream parent;
    struct outlet *outlet;
};

struct sink_stream_class {
    GMimeStreamClass parent_class;
};

static ssize_t content_stream_read(GMimeStream *stream, char *buf, size_t len)
{
    struct content_stream *self = (struct content_stream *)(void *)stream;
    gint64 end = (gint64)content_size(self->content);
    size_t size;

    if (stream->bound_end != -1 && stream->bound_end < end)
        end = stream->bound_end;
    if (stream->position >= end)
        return 0;
    size = (size_t)MIN((gint64)MIN(len, G_MAXSSIZE), end - stream->position);
    if (self->trouble->failed || content_read(self->content, (uint64_t)stream->position, buf, size,
                                              &self->trouble->err) != 0) {
        self->trouble->failed = true;
        errno = EIO;
        return -1;
    }
    stream->position += (gint64)size;
    return (ssize_t)size;
}

static gint64 content_stream_length(GMimeStream *stream)
{
    struct content_stream *self = (struct content_stream *)(void *)stream;

    return (stream->bound_end != -1 ? stream->bound_end : (gint64)content_size(self->content)) -
           stream->bound_start;
}

static gboolean content_stream_eos(GMimeStream *stream)
{
    return stream->position >= stream->bound_start + content_stream_length(stream);
}

static int content_stream_reset(GMimeStream *stream)
{
    stream->position = stream->bound_start;
    return 0;
}

static gint64 content_stream_seek(GMimeStream *stream, gint64 offset, GMimeSeekWhence whence)
{
    gint64 base = stream->bound_start;

    if (whence == GMIME_STREAM_SEEK_CUR)
        base = stream->position;
    else if (whence == GMIME_STREAM_SEEK_END)
        base += content_stream_length(stream);
    if (offset > G_MAXINT64 - base || base + offset < stream->bound_start) {
        errno = EINVAL;
        return -1;
    }
    stream->position = base + offset;
    return stream->position;
}

static gint64 stream_tell(GMimeStream *stream)
{
    return stream->position;
}

static ssize_t refuse_write(GMimeStream *stream, const char *buf, size_t len)
{
    (void)stream;
    (void)buf;
    (void)len;
    errno = EBADF;
    return -1;
}

static int succeed(GMimeStream *stream)
{
    (void)stream;
    return 0;
}

static GMimeStream *content_stream_substream(GMimeStream *stream, gint64 start, gint64 end)
{
    struct content_stream *self = (struct content_stream *)(void *)stream;
    GMimeStream *sub = content_stream_new(self->content, self->trouble);

    g_mime_stream_construct(sub, start, end);
    return sub;
}

static void content_stream_class_init(gpointer class, gpointer data)
{
    GMimeStreamClass *stream = class;

    (void)data;
    stream->read = content_stream_read;
    stream->write = refuse_write;
    stream->flush = succeed;
    stream->close = succeed;
    stream->eos = content_stream_eos;
    stream->reset = content_stream_reset;
    stream->seek = content_stream_seek;
    stream->tell = stream_tell;
    stream->length = content_stream_length;
    stream->substream = content_stream_substream;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is GMime's */
static ssize_t refuse_read(GMimeStream *stream, char *buf, size_t len)
{
    (void)stream;
    (void)buf;
    (void)len;
    errno = EBADF;
    return -1;
}

static int outlet_fail(struct outlet *outlet)
{
    outlet->trouble->failed = true;
    outlet->used = 0;
    errno = EIO;
    return -1;
}

static int outlet_flush(struct outlet *outlet)
{
    size_t used = outlet->used;

    if (outlet->trouble->failed)
        return outlet_fail(outlet);
    outlet->used = 0;
    if (used != 0 && outlet->sink(outlet->context, outlet->piece, used, &outlet->trouble->err) != 0)
        return outlet_fail(outlet);
    outlet->size += used;
    return 0;
}

static int outlet_check(struct outlet *outlet, const uint8_t *data, size_t size)
{
    unsigned long long near = outlet->size + outlet->used;
    size_t i;

    for (i = 0; i < size; i++) {
        uint8_t c = data[i];

        if ((c == '\n') != outlet->after_cr || c == '\0')
            goto broken;
        outlet->after_cr = c == '\r';
        outlet->line = c == '\n' ? 0 : outlet->line + (c == '\r' ? 0 : 1);
        if (outlet->line > MIME_LINE_MAX)
            goto broken;
        if (c >= 0x80)
            outlet->eight_bit = true;
    }
    return 0;
broken:
    error_set(&outlet->trouble->err, ERROR_DATA, "5.6.0",
              "made a line that mail must not have (NUL, bare CR or LF, or more than %d octets) "
              "near offset %llu",
              MIME_LINE_MAX, near);
    return outlet_fail(outlet);
}

static ssize_t sink_write(GMimeStream *stream, const char *buf, size_t len)
{
    struct outlet *outlet = ((struct sink_stream *)(void *)stream)->outlet;
    size_t done = 0;

    if (outlet->trouble->failed)
        return outlet_fail(outlet);
    while (done < len) {
        size_t some = MIN(len - done, MIME_PIECE - outlet->used);
        if (outlet_check(outlet, (const uint8_t *)buf + done, some) != 0)
            return -1;
        memcpy(outlet->piece + outlet->used, buf + done, some);
        outlet->used += some;
        done += some;
        if (outlet->used == MIME_PIECE && outlet_flush(outlet) != 0)
            return -1;
    }
    stream->position += (gint64)len;
    return (ssize_t)len;
}

static gboolean sink_eos(GMimeStream *stream)
{
    (void)stream;
    return TRUE;
}

static gint64 sink_seek(GMimeStream *stream, gint64 offset, GMimeSeekWhence whence)
{
    (void)stream;
    (void)offset;
    (void)whence;
    errno = ESPIPE;
    return -1;
}

static GMimeStream *sink_substream(GMimeStream *stream, gint64 start, gint64 end)
{
    (void)stream;
    (void)start;
    (void)end;
    return NULL;
}

static void sink_stream_class_init(gpointer class, gpointer data)
{
    GMimeStreamClass *stream = class;

    (void)data;
    stream->read = refuse_read;
    stream->write = sink_write;
    stream->flush = succeed; /* GMime flushes after each part; the outlet does when it is full */
    stream->close = succeed;
    stream->eos = sink_eos;
    stream->reset = succeed;
    stream->seek = sink_seek;
    stream->tell = stream_tell;
    stream->length = stream_tell;
    stream->substream = sink_substream;
}

static GType stream_type(const char *name, guint class_size, GClassInitFunc init, guint size)
{
    GType type = g_type_from_name(name);

    return type != 0 ? type
                     : g_type_register_static_simple(GMIME_TYPE_STREAM, name, class_size, init,
                                                     size, NULL, 0);
}

static GType content_stream_type(void)
{
    return stream_type("MsmailgwContentStream", sizeof(struct content_stream_class),
                       content_stream_class_init, sizeof(struct content_stream));
}

static GType sink_stream_type(void)
{
    return stream_type("MsmailgwSinkStream", sizeof(struct sink_stream_class),
                       sink_stream_class_init, sizeof(struct sink_stream));
}

GMimeStream *content_stream_new(const struct content *content, struct mime_trouble *trouble)
{
    struct content_stream *self = g_object_new(content_stream_type(), NULL);

    self->content = content;
    self->trouble = trouble;
    g_mime_stream_construct(&self->parent, 0, -1);
    return &self->parent;
}

struct outlet *outlet_new(mime_sink *sink, void *context, struct mime_trouble *trouble)
{
    struct outlet *outlet = g_new0(struct outlet, 1);

    outlet->sink = sink;
    outlet->context = context;
    outlet->trouble = trouble;
    return outlet;
}

GMimeStream *outlet_stream(struct outlet *outlet)
{
    struct sink_stream *self = g_object_new(sink_stream_type(), NULL);

    self->outlet = outlet;
    g_mime_stream_construct(&self->parent, 0, -1);
    return &self->parent;
}

int outlet_finish(struct outlet *outlet, uint64_t *size, bool *eight_bit)
{
    int status = outlet_flush(outlet);

    *size = outlet->size;
    *eight_bit = outlet->eight_bit;
    g_free(outlet);
    return status;
}
