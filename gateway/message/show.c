/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/show.h"

#include <string.h>

#include "message/mime-int.h"

#define LINE_MAX_OCTETS 4096

/* Ends as text without an end would. */
struct text_lines {
    const struct show_reader *reader;
    size_t used;
    char line[LINE_MAX_OCTETS];
};

static int show_headers(GMimeObject *object, const struct show_reader *reader, struct error *err)
{
    GMimeHeaderList *headers = g_mime_object_get_header_list(object);
    int count = g_mime_header_list_get_count(headers), i;

    for (i = 0; i < count && reader->header != NULL; i++) {
        GMimeHeader *header = g_mime_header_list_get_header_at(headers, i);
        const char *value = g_mime_header_get_value(header);

        if (reader->header(reader->context, g_mime_header_get_name(header),
                           value != NULL ? value : "", err) != 0)
            return -1;
    }
    return 0;
}

static int end_line(struct text_lines *lines, struct error *err)
{
    size_t size = lines->used;

    lines->used = 0;
    if (size != 0 && lines->line[size - 1] == '\r')
        size--;
    return lines->reader->line(lines->reader->context, lines->line, size, err);
}

static int add_text(struct text_lines *lines, const char *data, size_t size, struct error *err)
{
    size_t i;

    for (i = 0; i < size; i++) {
        if (data[i] == '\n' || lines->used == sizeof lines->line) {
            if (end_line(lines, err) != 0)
                return -1;
            if (data[i] == '\n')
                continue;
        }
        lines->line[lines->used++] = data[i];
    }
    return 0;
}

/* The decoded octets of PART as UTF-8. */
static GMimeStream *decoded(GMimePart *part)
{
    GMimeDataWrapper *wrapper = g_mime_part_get_content(part);
    GMimeStream *source = g_mime_data_wrapper_get_stream(wrapper);
    GMimeStream *stream = g_mime_stream_filter_new(source);
    const char *charset = g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset");
    GMimeFilter *decode = g_mime_filter_basic_new(g_mime_data_wrapper_get_encoding(wrapper), FALSE);
    GMimeFilter *convert = NULL;

    g_mime_stream_reset(source);
    g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream), decode);
    g_object_unref(decode);
    if (charset != NULL && g_ascii_strcasecmp(charset, "utf-8") != 0)
        convert = g_mime_filter_charset_new(charset, "utf-8");
    if (convert != NULL) {
        g_mime_stream_filter_add(GMIME_STREAM_FILTER(stream), convert);
        g_object_unref(convert);
    }
    return stream;
}

static int show_text(GMimePart *part, const struct show_reader *reader, struct error *err)
{
    struct text_lines *lines = g_new0(struct text_lines, 1);
    GMimeStream *stream = decoded(part);
    size_t seen = 0;
    int status = 0;
    char piece[4096];
    ssize_t got;

    lines->reader = reader;
    while (status == 0 && (got = g_mime_stream_read(stream, piece, sizeof piece)) > 0) {
        seen += (size_t)got;
        if (seen > SHOW_TEXT_MAX)
            break;
        status = add_text(lines, piece, (size_t)got, err);
    }
    if (status == 0 && lines->used != 0)
        status = end_line(lines, err);
    if (status == 0 && seen > SHOW_TEXT_MAX && reader->cut != NULL)
        status = reader->cut(reader->context, err);
    g_object_unref(stream);
    g_free(lines);
    return status;
}

static uint64_t decoded_size(GMimePart *part)
{
    GMimeStream *null = g_mime_stream_null_new();
    ssize_t size = g_mime_data_wrapper_write_to_stream(g_mime_part_get_content(part), null);

    g_object_unref(null);
    return size > 0 ? (uint64_t)size : 0;
}

static int show_leaf(GMimePart *part, struct show_part *shown, const struct show_reader *reader,
                     struct error *err)
{
    GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(part));
    const char *name = g_mime_part_get_filename(part);

    if (g_mime_part_get_content(part) == NULL)
        return 0;
    shown->name = name != NULL ? name : "";
    shown->encoding = g_mime_content_encoding_to_string(g_mime_part_get_content_encoding(part));
    if (shown->encoding == NULL)
        shown->encoding = "";
    shown->size = decoded_size(part);
    if (reader->part != NULL && reader->part(reader->context, shown, err) != 0)
        return -1;
    if (reader->line == NULL || name != NULL || !g_mime_content_type_is_type(type, "text", "plain"))
        return 0;
    return show_text(part, reader, err);
}

static int show_object(GMimeObject *object, unsigned depth, const struct show_reader *reader,
                       struct error *err)
{
    GMimeContentType *type = g_mime_object_get_content_type(object);
    char *name = g_mime_content_type_get_mime_type(type);
    struct show_part shown = {.depth = depth, .type = name, .name = "", .encoding = ""};
    GMimeMessage *inner = NULL;
    int count = 0, i, status = 0;

    if (GMIME_IS_MULTIPART(object) && depth < SHOW_DEPTH_MAX)
        count = g_mime_multipart_get_count(GMIME_MULTIPART(object));
    if (GMIME_IS_MESSAGE_PART(object) && depth < SHOW_DEPTH_MAX)
        inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    if (inner != NULL && g_mime_message_get_subject(inner) != NULL)
        shown.name = g_mime_message_get_subject(inner);
    if (GMIME_IS_PART(object))
        status = show_leaf(GMIME_PART(object), &shown, reader, err);
    else if (reader->part != NULL)
        status = reader->part(reader->context, &shown, err);
    for (i = 0; i < count && status == 0; i++)
        status = show_object(g_mime_multipart_get_part(GMIME_MULTIPART(object), i), depth + 1,
                             reader, err);
    if (status == 0 && inner != NULL)
        status = show_headers(GMIME_OBJECT(inner), reader, err);
    if (status == 0 && inner != NULL && g_mime_message_get_mime_part(inner) != NULL)
        status = show_object(g_mime_message_get_mime_part(inner), depth + 1, reader, err);
    g_free(name);
    return status;
}

int show_message(const struct content *message, const struct show_reader *reader, struct error *err)
{
    struct mime_trouble trouble = {.failed = false};
    GMimeStream *stream = content_stream_new(message, &trouble);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *parsed = g_mime_parser_construct_message(parser, NULL);
    int status = -1;

    if (parsed == NULL) {
        error_set(err, ERROR_DATA, "", "the content is not a message");
    } else {
        status = show_headers(GMIME_OBJECT(parsed), reader, err);
        if (status == 0 && g_mime_message_get_mime_part(parsed) != NULL)
            status = show_object(g_mime_message_get_mime_part(parsed), 0, reader, err);
        g_object_unref(parsed);
    }
    g_object_unref(parser);
    g_object_unref(stream);
    if (trouble.failed && err != NULL)
        *err = trouble.err;
    return trouble.failed ? -1 : status;
}
