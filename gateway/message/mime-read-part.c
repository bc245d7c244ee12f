/* SPDX-License-Identifier: BSD-2-Clause */
/* The leaves of a message: octets out of their transfer encoding, texts into the code page. */
#include "config.h"

#include "message/mime-read-int.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message/encode.h"
#include "message/lineends.h"

#define PIECE 16384
#define NAME_OCTETS 255 /* of an attachment's name */

typedef int taker(void *context, const uint8_t *data, size_t size, struct error *err);

/* All octets of STREAM, piece by piece. */
static int pump(struct reading *reading, GMimeStream *stream, taker *take, void *context,
                struct error *err)
{
    char piece[PIECE];
    ssize_t got;

    while ((got = g_mime_stream_read(stream, piece, sizeof piece)) > 0)
        if (take(context, (const uint8_t *)piece, (size_t)got, err) != 0)
            return -1;
    if (reading->trouble->failed) {
        if (err != NULL)
            *err = reading->trouble->err;
        return -1;
    }
    return 0;
}

/* The content of PART without its transfer encoding; NULL when it has none. g_object_unref. */
static GMimeStream *decoded(GMimePart *part)
{
    GMimeDataWrapper *content = g_mime_part_get_content(part);
    GMimeStream *filtered;
    GMimeFilter *filter;

    if (content == NULL || g_mime_data_wrapper_get_stream(content) == NULL)
        return NULL;
    g_mime_stream_reset(g_mime_data_wrapper_get_stream(content));
    filtered = g_mime_stream_filter_new(g_mime_data_wrapper_get_stream(content));
    filter = g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(content), FALSE);
    g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), filter);
    g_object_unref(filter);
    return filtered;
}

/* ---- the text ---- */

/* stream -> lines with LF -> code page -> lines with CR LF -> content */
struct texting {
    struct lineends lines;
    struct encoder *encoder;
    struct content_writer *writer;
};

static int text_lines(void *context, const uint8_t *data, size_t size, struct error *err)
{
    struct texting *texting = context;

    return lineends_add(&texting->lines, data, size, err);
}

static int text_encode(void *context, const uint8_t *data, size_t size, struct error *err)
{
    struct texting *texting = context;

    return encoder_add(texting->encoder, (const char *)data, size, err);
}

/* No trail octet of a code page is a line feed. */
static int text_store(void *context, const void *data, size_t size, struct error *err)
{
    struct texting *texting = context;
    const char *text = data;

    while (size > 0) {
        const char *feed = memchr(text, '\n', size);
        size_t line = feed != NULL ? (size_t)(feed - text) : size;

        if (content_writer_add(texting->writer, text, line, err) != 0 ||
            (feed != NULL && content_writer_add(texting->writer, "\r\n", 2, err) != 0))
            return -1;
        line += feed != NULL;
        text += line;
        size -= line;
    }
    return 0;
}

/* Into UTF-8, unless the text says that it is, or something that nobody knows. */
static void add_charset(GMimeStream *stream, GMimePart *part)
{
    const char *charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset");
    GMimeFilter *filter;

    if (charset == NULL || g_ascii_strcasecmp(charset, "utf-8") == 0 ||
        g_ascii_strcasecmp(charset, "us-ascii") == 0)
        return;
    filter = g_mime_filter_charset_new(charset, "utf-8");
    if (filter == NULL)
        return;
    g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream), filter);
    g_object_unref(filter);
}

static int fill_text(struct reading *reading, GMimeStream *stream, struct texting *texting,
                     struct error *err)
{
    lineends_init(&texting->lines, text_encode, texting);
    if (pump(reading, stream, text_lines, texting, err) != 0 ||
        lineends_end(&texting->lines, err) != 0 || encoder_end(texting->encoder, err) != 0)
        return -1;
    reading->facts->lost_characters += encoder_lost(texting->encoder);
    return 0;
}

int read_text(struct reading *reading, GMimePart *part, struct error *err)
{
    const struct mime_read_options *options = reading->options;
    struct texting *texting = calloc(1, sizeof *texting);
    GMimeStream *stream = decoded(part);
    int status = -1;

    if (texting == NULL) {
        error_sys(err, ERROR_SOFT, "4.3.0", "no memory");
    } else if (encoder_new(&texting->encoder, options->codepage, text_store, texting, err) == 0 &&
               content_writer_new(&texting->writer, options->directory, options->max_size, err) ==
                   0) {
        status = 0;
        if (stream != NULL) {
            add_charset(stream, part);
            status = fill_text(reading, stream, texting, err);
        }
        if (status == 0) {
            status = content_writer_finish(texting->writer, &reading->message->text, err);
            texting->writer = NULL;
        }
    }
    if (stream != NULL)
        g_object_unref(stream);
    if (texting != NULL) {
        content_writer_free(texting->writer);
        encoder_free(texting->encoder);
    }
    free(texting);
    return status;
}

/* ---- attachments ---- */

static int file_store(void *context, const uint8_t *data, size_t size, struct error *err)
{
    return content_writer_add(context, data, size, err);
}

static int stream_content(struct reading *reading, GMimeStream *stream, struct content **out,
                          struct error *err)
{
    const struct mime_read_options *options = reading->options;
    struct content_writer *writer;

    if (content_writer_new(&writer, options->directory, options->max_size, err) != 0)
        return -1;
    if (stream != NULL && pump(reading, stream, file_store, writer, err) != 0) {
        content_writer_free(writer);
        return -1;
    }
    return content_writer_finish(writer, out, err);
}

/* Takes over CONTENT. */
static int add_file(struct reading *reading, const char *utf8, struct content *content,
                    struct error *err)
{
    char *name;
    int status;

    if (reading->message->attachment_count >= MESSAGE_MAX_ATTACHMENTS) {
        reading->facts->lost_parts++;
        content_free(content);
        return 0;
    }
    if (encode_line(reading->options->codepage, utf8, &name, &reading->facts->lost_characters,
                    err) != 0) {
        content_free(content);
        return -1;
    }
    status =
        message_add_attachment(reading->message, name, strnlen(name, NAME_OCTETS), content, err);
    free(name);
    return status;
}

int read_file(struct reading *reading, GMimePart *part, const char *fallback, struct error *err)
{
    const char *name = g_mime_part_get_filename(part);
    GMimeStream *stream = decoded(part);
    struct content *content;
    int status = stream_content(reading, stream, &content, err);

    if (stream != NULL)
        g_object_unref(stream);
    if (status != 0)
        return -1;
    return add_file(reading, name != NULL && name[0] != '\0' ? name : fallback, content, err);
}

/* A file that goes with its descriptor. */
static int unnamed_file(const char *directory, struct error *err)
{
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd < 0)
        error_sys(err, ERROR_SOFT, "4.3.0", "%s: cannot make a temporary file", directory);
    return fd;
}

int read_whole(struct reading *reading, GMimeObject *object, const char *name, struct error *err)
{
    int fd = unnamed_file(reading->options->directory, err);
    struct content *content;
    GMimeObject *inner = object;
    GMimeFormatOptions *format;
    GMimeStream *file;
    ssize_t written;
    int status;

    if (fd < 0)
        return -1;
    format = g_mime_format_options_new();
    if (GMIME_IS_MESSAGE_PART(object) &&
        g_mime_message_part_get_message(GMIME_MESSAGE_PART(object)) != NULL)
        inner = GMIME_OBJECT(g_mime_message_part_get_message(GMIME_MESSAGE_PART(object)));
    file = g_mime_stream_fs_new(fd); /* owns the descriptor */
    g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
    written = g_mime_object_write_to_stream(inner, format, file);
    g_mime_format_options_free(format);
    if (written < 0 || g_mime_stream_reset(file) != 0) {
        g_object_unref(file);
        if (reading->trouble->failed && err != NULL)
            *err = reading->trouble->err;
        else
            error_set(err, ERROR_SOFT, "4.3.0", "cannot write a part into a temporary file");
        return -1;
    }
    status = stream_content(reading, file, &content, err);
    g_object_unref(file);
    return status != 0 ? -1 : add_file(reading, name, content, err);
}
