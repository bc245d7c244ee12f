/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a message: texts and files. */
#include "config.h"

#include "message/mime-int.h"

#include <stdio.h>
#include <string.h>

#define NAME_PIECE                                                                                 \
    16 /* octets of a name in one piece: tripled by escapes they still fit a line                  \
        */

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
 * that nothing looks like an encoded word, which has no place in a parameter (RFC 2047 5). */
static void set_type_name(GMimeObject *part, const char *name)
{
    GString *ascii = g_string_new(NULL);

    for (; *name != '\0'; name = g_utf8_find_next_char(name, NULL))
        g_string_append_c(ascii, (guchar)*name < 0x80 && *name != '?' ? *name : '_');
    g_mime_object_set_content_type_parameter(part, "name", ascii->str);
    g_string_free(ascii, TRUE);
}

/* GMime chooses the charset of a name by itself and cuts a long name inside characters, which
 * readers that decode each piece of RFC 2231 by itself do not join again. Such names are written
 * here. */
static void set_filename_pieces(GMimeObject *part, const struct part_facts *facts,
                                const char *digits)
{
    GString *value = g_string_new(" attachment; size=");
    const char *name = facts->name;
    GMimeHeader *header;
    unsigned count;

    g_string_append(value, digits);
    if (facts->modified != NULL)
        g_string_append_printf(value, ";\n\tmodification-date=\"%s\"", facts->modified);
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

GMimePart *part_file(const struct part_facts *facts, GMimeStream *stream)
{
    GMimeContentType *type = g_mime_content_type_parse(NULL, facts->type);
    GMimePart *part = g_mime_part_new_with_type(g_mime_content_type_get_media_type(type),
                                                g_mime_content_type_get_media_subtype(type));
    GMimeObject *object = GMIME_OBJECT(part);
    char digits[24];

    g_object_unref(type);
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)facts->size);
    set_type_name(object, facts->name);
    g_mime_object_set_disposition(object, GMIME_DISPOSITION_ATTACHMENT);
    g_mime_object_set_content_disposition_parameter(object, "filename", facts->name);
    g_mime_object_set_content_disposition_parameter(object, "size", digits);
    if (facts->modified != NULL)
        g_mime_object_set_content_disposition_parameter(object, "modification-date",
                                                        facts->modified);
    if (!g_str_is_ascii(facts->name) || strstr(facts->name, "=?") != NULL)
        set_filename_pieces(object, facts, digits);
    set_content(part, stream, GMIME_CONTENT_ENCODING_BASE64);
    return part;
}
