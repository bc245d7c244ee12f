/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a message: texts and files. */
#include "config.h"

#include "message/mime-int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_PIECE                                                                                 \
    16 /* octets of a name in one piece: tripled by escapes they still fit a line                  \
        */

/* Texts are application/octet-stream: a text part would be open to changes of its line ends. */
static const struct {
    const char *extension, *type, *subtype;
} file_types[] = {
    {"BMP", "image", "bmp"},
    {"DOC", "application", "msword"},
    {"GIF", "image", "gif"},
    {"JPG", "image", "jpeg"},
    {"JPEG", "image", "jpeg"},
    {"PCX", "image", "x-pcx"},
    {"PDF", "application", "pdf"},
    {"PNG", "image", "png"},
    {"PPT", "application", "vnd.ms-powerpoint"},
    {"RTF", "application", "rtf"},
    {"TIF", "image", "tiff"},
    {"WAV", "audio", "x-wav"},
    {"WRI", "application", "x-mswrite"},
    {"XLS", "application", "vnd.ms-excel"},
    {"ZIP", "application", "zip"},
};

static void set_content(GMimePart *part, GMimeStream *stream, GMimeContentEncoding encoding)
{
    GMimeDataWrapper *content =
        g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);

    g_mime_part_set_content(part, content);
    g_mime_part_set_content_encoding(part, encoding);
    g_object_unref(content);
    g_object_unref(stream);
}

/* Text has CR LF in its canonical form, and base64 encodes just that (RFC 2045 6.8). */
static GMimeStream *canonical(GMimeStream *stream)
{
    GMimeStream *filtered = g_mime_stream_filter_new(stream);
    GMimeFilter *line_ends = g_mime_filter_unix2dos_new(FALSE);

    g_mime_stream_filter_add(GMIME_STREAM_FILTER(filtered), line_ends);
    g_object_unref(line_ends);
    g_object_unref(stream);
    return filtered;
}

GMimePart *part_text(const char *subtype, GMimeStream *stream, GMimeContentEncoding encoding)
{
    GMimePart *part = g_mime_part_new_with_type("text", subtype);

    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
    if (encoding == GMIME_CONTENT_ENCODING_BASE64)
        stream = canonical(stream);
    set_content(part, stream, encoding);
    return part;
}

GMimePart *part_text_from(const char *utf8, const char *subtype)
{
    size_t size = strlen(utf8), line = 0, i;
    bool seven_bit = true;

    for (i = 0; i < size && seven_bit; i++) {
        line = utf8[i] == '\n' ? 0 : line + 1;
        seven_bit = (unsigned char)utf8[i] < 0x80 && line <= MIME_LINE_MAX;
    }
    return part_text(subtype, g_mime_stream_mem_new_with_buffer(utf8, size),
                     seven_bit ? GMIME_CONTENT_ENCODING_7BIT
                               : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
}

GMimePart *part_plain_new(const char *type, const char *subtype, const char *text)
{
    GMimePart *part = g_mime_part_new_with_type(type, subtype);

    set_content(part, g_mime_stream_mem_new_with_buffer(text, strlen(text)),
                GMIME_CONTENT_ENCODING_7BIT);
    return part;
}

/* For readers that do not know RFC 2231: the name with '_' for what is not ASCII, and for '?', so
 * that nothing looks like an encoded word. */
static char *ascii_name(const char *name)
{
    GString *ascii = g_string_new(NULL);

    for (; *name != '\0'; name = g_utf8_find_next_char(name, NULL))
        g_string_append_c(ascii, (guchar)*name < 0x80 && *name != '?' ? *name : '_');
    return g_string_free(ascii, FALSE);
}

/* GMime chooses the charset of a name by itself, cuts a long name inside characters, which readers
 * that decode each piece of RFC 2231 by itself do not join again, and writes what looks like an
 * encoded word as it is. Such names are written here. */
static void set_filename_pieces(GMimeObject *part, const char *name, const char *size)
{
    GString *value = g_string_new(" attachment; size=");
    GMimeHeader *header;
    unsigned count;

    g_string_append(value, size);
    for (count = 0; *name != '\0'; count++) {
        const char *end = name;
        char *piece, *escaped, key[24] = "filename*";

        while (*end != '\0' && end - name < NAME_PIECE)
            end = g_utf8_find_next_char(end, NULL);
        piece = g_strndup(name, (gsize)(end - name));
        escaped = g_uri_escape_string(piece, NULL, FALSE);
        if (count != 0 || *end != '\0')
            snprintf(key, sizeof key, "filename*%u*", count);
        g_string_append_printf(value, ";\n\t%s=%s%s", key, count == 0 ? "UTF-8''" : "", escaped);
        g_free(escaped);
        g_free(piece);
        name = end;
    }
    g_string_append_c(value, '\n');
    header =
        g_mime_header_list_get_header(g_mime_object_get_header_list(part), "Content-Disposition");
    g_mime_header_set_raw_value(header, value->str);
    g_string_free(value, TRUE);
}

GMimePart *part_file(const char *name, GMimeStream *stream, uint64_t size)
{
    const char *type = "application", *subtype = "octet-stream";
    const char *dot = strrchr(name, '.');
    char *ascii = ascii_name(name);
    char digits[24];
    GMimePart *part;
    size_t i;

    for (i = 0; dot != NULL && i < sizeof file_types / sizeof file_types[0]; i++) {
        if (g_ascii_strcasecmp(dot + 1, file_types[i].extension) == 0) {
            type = file_types[i].type;
            subtype = file_types[i].subtype;
        }
    }
    part = g_mime_part_new_with_type(type, subtype);
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)size);
    g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "name", ascii);
    g_mime_object_set_disposition(GMIME_OBJECT(part), GMIME_DISPOSITION_ATTACHMENT);
    g_mime_object_set_content_disposition_parameter(GMIME_OBJECT(part), "filename", name);
    g_mime_object_set_content_disposition_parameter(GMIME_OBJECT(part), "size", digits);
    if (!g_str_is_ascii(name) || strstr(name, "=?") != NULL)
        set_filename_pieces(GMIME_OBJECT(part), name, digits);
    set_content(part, stream, GMIME_CONTENT_ENCODING_BASE64);
    g_free(ascii);
    return part;
}
