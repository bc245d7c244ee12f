/* SPDX-License-Identifier: BSD-2-Clause */
/* The structure of a message: which leaf is the text, which are attachments. */
#include "config.h"

#include "message/mime-read.h"

#include <stdio.h>
#include <string.h>

#include "message/mime-read-int.h"

static int walk(struct reading *reading, GMimeObject *object, unsigned depth, struct error *err);

static bool is_attachment(GMimeObject *object)
{
    const char *disposition = g_mime_object_get_disposition(object);

    return disposition != NULL && g_ascii_strcasecmp(disposition, "attachment") == 0;
}

static bool is_type(GMimeObject *object, const char *type, const char *subtype)
{
    GMimeContentType *content_type = g_mime_object_get_content_type(object);

    return content_type != NULL && g_mime_content_type_is_type(content_type, type, subtype);
}

/* The form of an alternative that MS Mail can show: plain text, or what has it inside; else the
 * last, which is the richest (RFC 2046 5.1.4). */
static int choose(GMimeMultipart *multipart)
{
    int count = g_mime_multipart_get_count(multipart), inside = -1;

    for (int i = 0; i < count; i++) {
        GMimeObject *part = g_mime_multipart_get_part(multipart, i);

        if (is_type(part, "text", "plain"))
            return i;
        if (inside < 0 && GMIME_IS_MULTIPART(part))
            inside = i;
    }
    return inside >= 0 ? inside : count - 1;
}

static int walk_multipart(struct reading *reading, GMimeMultipart *multipart, unsigned depth,
                          struct error *err)
{
    int count = g_mime_multipart_get_count(multipart);

    if (count > 1 && is_type(GMIME_OBJECT(multipart), "multipart", "alternative")) {
        reading->facts->alternatives += (size_t)count - 1;
        return walk(reading, g_mime_multipart_get_part(multipart, choose(multipart)), depth + 1,
                    err);
    }
    for (int i = 0; i < count; i++)
        if (walk(reading, g_mime_multipart_get_part(multipart, i), depth + 1, err) != 0)
            return -1;
    return 0;
}

static int walk_leaf(struct reading *reading, GMimeObject *object, struct error *err)
{
    char name[24];

    reading->parts++;
    snprintf(name, sizeof name, "PART%u.DAT", reading->parts);
    if (!GMIME_IS_PART(object))
        return read_whole(reading, object, "MESSAGE.EML", err);
    if (!is_attachment(object) && reading->message->text == NULL &&
        is_type(object, "text", "plain"))
        return read_text(reading, GMIME_PART(object), err);
    if (is_type(object, "text", "html"))
        return read_file(reading, GMIME_PART(object), "MESSAGE.HTM", err);
    if (is_type(object, "text", "*"))
        snprintf(name, sizeof name, "PART%u.TXT", reading->parts);
    return read_file(reading, GMIME_PART(object), name, err);
}

/* NOLINTNEXTLINE(misc-no-recursion): MIME_READ_DEPTH bounds it */
static int walk(struct reading *reading, GMimeObject *object, unsigned depth, struct error *err)
{
    if (object == NULL)
        return 0;
    if (!GMIME_IS_MULTIPART(object))
        return walk_leaf(reading, object, err);
    if (depth >= MIME_READ_DEPTH)
        return read_whole(reading, object, "PARTS.EML", err);
    return walk_multipart(reading, GMIME_MULTIPART(object), depth, err);
}

static int read_message(struct reading *reading, GMimeMessage *from, struct error *err)
{
    const struct mime_read_options *options = reading->options;
    int status;

    if (message_new(&reading->message, options->postoffice, options->codepage, err) != 0)
        return -1;
    status = read_header(reading, from, err);
    if (status == 0)
        status = walk(reading, g_mime_message_get_mime_part(from), 0, err);
    if (status == 0 && reading->trouble->failed) {
        if (err != NULL)
            *err = reading->trouble->err;
        status = -1;
    }
    return status;
}

int mime_read(struct message **out, const struct content *content,
              const struct mime_read_options *options, struct mime_read_facts *facts,
              struct error *err)
{
    struct mime_trouble trouble = {.failed = false};
    struct reading reading = {.options = options, .facts = facts, .trouble = &trouble};
    GMimeStream *stream;
    GMimeParser *parser;
    GMimeMessage *message;
    int status = -1;

    memset(facts, 0, sizeof *facts);
    if (content_size(content) > MIME_READ_MAX)
        return error_set(err, ERROR_DATA, "5.3.4", "a message of %llu octets, more than %lld",
                         (unsigned long long)content_size(content), MIME_READ_MAX);
    stream = content_stream_new(content, &trouble);
    parser = g_mime_parser_new_with_stream(stream);
    message = g_mime_parser_construct_message(parser, NULL);
    g_object_unref(parser);
    if (message != NULL && !trouble.failed)
        status = read_message(&reading, message, err);
    else if (trouble.failed && err != NULL)
        *err = trouble.err;
    else
        error_set(err, ERROR_DATA, "5.6.0", "not a message: there is no header");
    if (message != NULL)
        g_object_unref(message);
    g_object_unref(stream);
    if (status == 0)
        *out = reading.message;
    else
        message_free(reading.message);
    return status;
}
