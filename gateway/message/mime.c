/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/mime-int.h"

#define BOUNDARY_DIGITS                                                                            \
    32 /* hex digits of the fingerprint in a boundary: the other half than in an ID */

void mime_initialize(void)
{
    g_mime_init();
}

void mime_facts_clear(struct mime_facts *facts)
{
    free(facts->message_id);
    free(facts->subject);
    free(facts->sender);
    memset(facts, 0, sizeof *facts);
}

int mime_emit(GMimeMessage *message, mime_sink *sink, void *context, struct mime_trouble *trouble,
              uint64_t *size, bool *eight_bit)
{
    GMimeFormatOptions *format = g_mime_format_options_new();
    struct outlet *outlet = outlet_new(sink, context, trouble);
    GMimeStream *stream = outlet_stream(outlet);

    g_mime_format_options_set_newline_format(format, GMIME_NEWLINE_FORMAT_DOS);
    g_mime_format_options_set_param_encoding_method(format, GMIME_PARAM_ENCODING_METHOD_RFC2231);
    if (g_mime_object_write_to_stream(GMIME_OBJECT(message), format, stream) < 0 &&
        !trouble->failed) {
        trouble->failed = true;
        error_set(&trouble->err, ERROR_SOFT, "4.3.0", "the MIME library could not write");
    }
    g_object_unref(stream);
    g_mime_format_options_free(format);
    return outlet_finish(outlet, size, eight_bit);
}

/* A text without a last line end gets one, from GMime or else from SMTP, unless it is base64 or the
 * boundary of a multipart follows, to which that line end belongs. A blank at the end of a line can
 * make GMime's quoted-printable one octet longer than RFC 2045 6.7 allows: base64 there, too. */
static GMimeContentEncoding choose_encoding(const struct letter *letter)
{
    const struct charset_facts *facts = &letter->text_facts;

    if (!letter->text_complete && letter->part_count == 0)
        return GMIME_CONTENT_ENCODING_BASE64;
    if (facts->ascii && facts->longest <= MIME_LINE_MAX)
        return GMIME_CONTENT_ENCODING_7BIT;
    return facts->blank_ends ? GMIME_CONTENT_ENCODING_BASE64
                             : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
}

static GMimePart *make_text(const struct letter *letter, struct mime_trouble *trouble)
{
    if (letter->text == NULL)
        return part_text_from("", "plain");
    return part_text("plain", content_stream_new(letter->text, trouble), choose_encoding(letter));
}

static GMimePart *make_note(const char *text)
{
    GMimePart *part = part_text_from(text, "plain");

    g_mime_object_set_disposition(GMIME_OBJECT(part), GMIME_DISPOSITION_INLINE);
    return part;
}

static GMimePart *make_file(const struct letter_part *part, struct mime_trouble *trouble)
{
    struct part_facts facts = {.name = part->name,
                               .type = part->type,
                               .modified = part->modified[0] != '\0' ? part->modified : NULL,
                               .size = content_size(part->content)};

    return part_file(&facts, content_stream_new(part->content, trouble));
}

static GMimePart *make_part(const struct letter_part *part, struct mime_trouble *trouble)
{
    if (part->kind == LETTER_NOTE)
        return make_note(part->text);
    return make_file(part, trouble);
}

/* The boundary is a function of the message too. "=_" is in no base64 and no quoted-printable
 * text; in a plain one it would have to foresee a SHA-256 taken over itself. */
static GMimeMultipart *make_multipart(const uint8_t fingerprint[FINGERPRINT_SIZE])
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype("mixed");
    char hex[FINGERPRINT_HEX_SIZE], boundary[FINGERPRINT_HEX_SIZE + 8];

    fingerprint_hex(fingerprint, hex);
    snprintf(boundary, sizeof boundary, "=_mm_%s", hex + BOUNDARY_DIGITS);
    g_mime_multipart_set_boundary(multipart, boundary);
    return multipart;
}

/* What the parts borrow of LETTER and TROUBLE must live until OUT is written. */
static void make_body(const struct letter *letter, struct mime_trouble *trouble, GMimeMessage *out)
{
    GMimePart *part = make_text(letter, trouble);
    GMimeMultipart *multipart;
    size_t i;

    if (letter->part_count == 0) {
        g_mime_message_set_mime_part(out, GMIME_OBJECT(part));
        g_object_unref(part);
        return;
    }
    multipart = make_multipart(letter->fingerprint);
    g_mime_multipart_add(multipart, GMIME_OBJECT(part));
    g_object_unref(part);
    for (i = 0; i < letter->part_count; i++) {
        part = make_part(&letter->parts[i], trouble);
        g_mime_multipart_add(multipart, GMIME_OBJECT(part));
        g_object_unref(part);
    }
    g_mime_message_set_mime_part(out, GMIME_OBJECT(multipart));
    g_object_unref(multipart);
}

static int fill_facts(struct mime_facts *facts, const struct letter *letter, struct error *err)
{
    facts->message_id = strdup(letter->message_id);
    facts->subject = strdup(letter->subject);
    facts->sender = strdup(letter->sender);
    facts->undecodable = letter->undecodable;
    facts->date_note = letter->date.note;
    return facts->message_id != NULL && facts->subject != NULL && facts->sender != NULL
               ? 0
               : error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a message");
}

int mime_write(const struct letter *letter, mime_sink *sink, void *context,
               struct mime_facts *facts, struct error *err)
{
    GMimeMessage *out = g_mime_message_new(FALSE);
    struct mime_trouble trouble = {.failed = false};
    bool eight_bit = false;
    int status = -1;

    memset(facts, 0, sizeof *facts);
    if (fill_facts(facts, letter, err) == 0) {
        header_fill(out, letter);
        make_body(letter, &trouble, out);
        status = mime_emit(out, sink, context, &trouble, &facts->size, &eight_bit);
        facts->eight_bit = eight_bit ? 1 : 0;
        if (status != 0 && err != NULL)
            *err = trouble.err;
    }
    g_object_unref(out);
    if (status != 0)
        mime_facts_clear(facts);
    return status;
}
