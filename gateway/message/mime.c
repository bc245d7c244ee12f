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
    free(facts->damage);
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

    if (!letter->text_complete && letter->part_count == 0 && letter->html == NULL &&
        letter->calendar == NULL && letter->report == NULL)
        return GMIME_CONTENT_ENCODING_BASE64;
    if (facts->ascii && facts->longest <= MIME_LINE_MAX)
        return GMIME_CONTENT_ENCODING_7BIT;
    return facts->blank_ends ? GMIME_CONTENT_ENCODING_BASE64
                             : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
}

static GMimePart *make_text(const struct letter *letter, struct mime_trouble *trouble)
{
    GMimePart *part = letter->text == NULL
                          ? part_text_from("", "plain")
                          : part_text("plain", content_stream_new(letter->text, trouble),
                                      choose_encoding(letter));

    if (letter->text_latin1)
        g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "iso-8859-1");
    return part;
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

/* Boundaries are a function of the message too. "=_" is in no base64 and no quoted-printable
 * text; in a plain one it would have to foresee a SHA-256 taken over itself. */
static GMimeMultipart *make_multipart(const char *subtype, const char *mark,
                                      const struct letter *letter)
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype(subtype);
    char hex[FINGERPRINT_HEX_SIZE], boundary[FINGERPRINT_HEX_SIZE + 8];

    fingerprint_hex(letter->fingerprint, hex);
    snprintf(boundary, sizeof boundary, "=_%s_%s", mark, hex + BOUNDARY_DIGITS);
    g_mime_multipart_set_boundary(multipart, boundary);
    return multipart;
}

/* Takes over PART. */
static void add_part(GMimeMultipart *multipart, GMimeObject *part)
{
    g_mime_multipart_add(multipart, part);
    g_object_unref(part);
}

/* Text in memory of any line length: base64 unless it may go as it is. */
static GMimePart *make_rich(const char *utf8, const char *subtype)
{
    GMimePart *part = part_text_from(utf8, subtype);

    if (g_mime_part_get_content_encoding(part) == GMIME_CONTENT_ENCODING_7BIT)
        return part;
    g_object_unref(part);
    return part_text(subtype, g_mime_stream_mem_new_with_buffer(utf8, strlen(utf8)),
                     GMIME_CONTENT_ENCODING_BASE64);
}

/* The text, and what else may be shown in its place: the best is the last (RFC 2046 5.1.4). */
static GMimeObject *make_shown(const struct letter *letter, struct mime_trouble *trouble)
{
    GMimePart *text = make_text(letter, trouble), *calendar;
    GMimeMultipart *alternative;

    if (letter->html == NULL && letter->calendar == NULL)
        return GMIME_OBJECT(text);
    alternative = make_multipart("alternative", "ma", letter);
    add_part(alternative, GMIME_OBJECT(text));
    if (letter->html != NULL)
        add_part(alternative, GMIME_OBJECT(make_rich(letter->html, "html")));
    if (letter->calendar != NULL) {
        calendar =
            part_text("calendar",
                      g_mime_stream_mem_new_with_buffer(letter->calendar, strlen(letter->calendar)),
                      GMIME_CONTENT_ENCODING_BASE64);
        g_mime_object_set_content_type_parameter(GMIME_OBJECT(calendar), "method", letter->method);
        add_part(alternative, GMIME_OBJECT(calendar));
    }
    return GMIME_OBJECT(alternative);
}

static GMimeMessage *make_message(const struct letter *letter, struct mime_trouble *trouble);

static GMimeObject *make_part(const struct letter_part *part, struct mime_trouble *trouble)
{
    GMimeMessage *inner;
    GMimeMessagePart *holder;

    if (part->kind == LETTER_NOTE)
        return GMIME_OBJECT(make_note(part->text));
    if (part->kind != LETTER_MESSAGE)
        return GMIME_OBJECT(make_file(part, trouble));
    inner = make_message(part->letter, trouble);
    holder = g_mime_message_part_new_with_message("rfc822", inner);
    g_object_unref(inner);
    return GMIME_OBJECT(holder);
}

static GMimeObject *make_body(const struct letter *letter, struct mime_trouble *trouble);

/* The message that a report is about: its header, or all of it when something is attached. */
static GMimeObject *make_copy(const struct letter *copy, struct mime_trouble *trouble)
{
    GMimeMessage *message = g_mime_message_new(FALSE);
    GMimeObject *part, *body;
    char *header;

    header_fill_copy(message, copy);
    if (copy->part_count != 0) {
        body = make_body(copy, trouble);
        g_mime_message_set_mime_part(message, body);
        g_object_unref(body);
        part = GMIME_OBJECT(g_mime_message_part_new_with_message("rfc822", message));
    } else {
        header = g_mime_object_get_headers(GMIME_OBJECT(message), NULL);
        part = GMIME_OBJECT(part_text_from(header, "rfc822-headers"));
        g_free(header);
    }
    g_object_unref(message);
    return part;
}

/* The first part is for people, the second for programs; the third is what came back (RFC 6522 3).
 */
static GMimeObject *make_report(const struct letter *letter, GMimeObject *shown,
                                struct mime_trouble *trouble)
{
    GMimeMultipart *report = make_multipart("report", "mr", letter);

    g_mime_object_set_content_type_parameter(GMIME_OBJECT(report), "report-type", letter->report);
    add_part(report, shown);
    add_part(report, GMIME_OBJECT(part_plain_new("message", letter->report, letter->machine)));
    if (letter->copy != NULL)
        add_part(report, make_copy(letter->copy, trouble));
    return GMIME_OBJECT(report);
}

static GMimeObject *make_body(const struct letter *letter, struct mime_trouble *trouble)
{
    GMimeObject *shown = make_shown(letter, trouble);
    GMimeMultipart *mixed;
    size_t i;

    if (letter->report != NULL)
        shown = make_report(letter, shown, trouble);
    if (letter->part_count == 0)
        return shown;
    mixed = make_multipart("mixed", "mm", letter);
    add_part(mixed, shown);
    for (i = 0; i < letter->part_count; i++)
        add_part(mixed, make_part(&letter->parts[i], trouble));
    return GMIME_OBJECT(mixed);
}

/* What the parts borrow of LETTER and TROUBLE must live until it is written. */
static GMimeMessage *make_message(const struct letter *letter, struct mime_trouble *trouble)
{
    GMimeMessage *out = g_mime_message_new(FALSE);
    GMimeObject *body = make_body(letter, trouble);

    header_fill(out, letter);
    g_mime_message_set_mime_part(out, body);
    g_object_unref(body);
    return out;
}

static int fill_facts(struct mime_facts *facts, const struct letter *letter, struct error *err)
{
    facts->message_id = strdup(letter->message_id);
    facts->subject = strdup(letter->subject);
    facts->sender = strdup(letter->sender);
    facts->damage = letter->damage != NULL ? strdup(letter->damage) : NULL;
    facts->undecodable = letter->undecodable;
    facts->repeated = letter->repeated;
    facts->date_note = letter->date.note;
    memcpy(facts->date_original, letter->date.original, sizeof facts->date_original);
    facts->stripped = letter->stripped;
    return facts->message_id != NULL && facts->subject != NULL && facts->sender != NULL
               ? 0
               : error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a message");
}

int mime_write(const struct letter *letter, mime_sink *sink, void *context,
               struct mime_facts *facts, struct error *err)
{
    struct mime_trouble trouble = {.failed = false};
    GMimeMessage *out;
    bool eight_bit = false;
    int status = -1;

    memset(facts, 0, sizeof *facts);
    if (fill_facts(facts, letter, err) == 0) {
        out = make_message(letter, &trouble);
        status = mime_emit(out, sink, context, &trouble, &facts->size, &eight_bit);
        g_object_unref(out);
        facts->eight_bit = eight_bit ? 1 : 0;
        if (status != 0 && err != NULL)
            *err = trouble.err;
    }
    if (status != 0)
        mime_facts_clear(facts);
    return status;
}
