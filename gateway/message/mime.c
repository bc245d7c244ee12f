/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/attachment.h"
#include "message/charset.h"
#include "message/mime-int.h"

#define ID_DIGITS 32 /* hex digits of the fingerprint in a Message-ID */

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

char *mime_message_id(const uint8_t fingerprint[FINGERPRINT_SIZE], const char *domain)
{
    char hex[FINGERPRINT_HEX_SIZE];
    size_t size = strlen(domain) + ID_DIGITS + sizeof "<mm.@>";
    char *id = malloc(size);

    fingerprint_hex(fingerprint, hex);
    if (id != NULL)
        snprintf(id, size, "<mm.%.*s@%s>", ID_DIGITS, hex, domain);
    return id;
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

/* A message on its way: what the parts of GMime borrow must live until it is written. */
struct job {
    const struct message *message;
    const struct mime_options *options;
    struct mime_facts *facts;
    struct mime_trouble trouble;
    struct content *text; /* in UTF-8 */
    struct attachment_names *names;
};

static int ends_in_line_end(const struct content *text, bool *yes, struct error *err)
{
    uint64_t size = content_size(text);
    uint8_t last = '\n';

    if (size != 0 && content_read(text, size - 1, &last, 1, err) != 0)
        return -1;
    *yes = last == '\n';
    return 0;
}

/* A text without a last line end gets one, from GMime or else from SMTP, unless it is base64 or the
 * boundary of a multipart follows, to which that line end belongs. A blank at the end of a line can
 * make GMime's quoted-printable one octet longer than RFC 2045 6.7 allows: base64 there, too. */
static GMimeContentEncoding choose_encoding(const struct job *job,
                                            const struct charset_facts *facts, bool complete)
{
    if (!complete && job->message->attachment_count == 0)
        return GMIME_CONTENT_ENCODING_BASE64;
    if (facts->ascii && facts->longest <= MIME_LINE_MAX)
        return GMIME_CONTENT_ENCODING_7BIT;
    return facts->blank_ends ? GMIME_CONTENT_ENCODING_BASE64
                             : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
}

static int make_text(struct job *job, GMimePart **out, struct error *err)
{
    struct charset_facts facts = {.ascii = true};
    const struct message *message = job->message;
    bool complete = true;

    if (message->text == NULL) {
        *out = part_text_from("", "plain");
        return 0;
    }
    if (charset_text(message->codepage, message->text, job->options->directory, &job->text, &facts,
                     err) != 0 ||
        ends_in_line_end(job->text, &complete, err) != 0)
        return -1;
    job->facts->undecodable += facts.bad;
    *out = part_text("plain", content_stream_new(job->text, &job->trouble),
                     choose_encoding(job, &facts, complete));
    return 0;
}

static GMimePart *make_lost(const char *name, const char *postoffice)
{
    char *text = g_strdup_printf("[The attachment \"%s\" was lost on the postoffice %s before this "
                                 "message was relayed.]\n",
                                 name, postoffice);
    GMimePart *part = part_text_from(text, "plain");

    g_mime_object_set_disposition(GMIME_OBJECT(part), GMIME_DISPOSITION_INLINE);
    g_free(text);
    return part;
}

/* The name to send: safe, and in this message once. */
static int unique_name(struct job *job, const char *raw, char **out, struct error *err)
{
    char *name;

    if (attachment_name(job->message->codepage, raw, NULL, &name, &job->facts->undecodable, err) !=
        0)
        return -1;
    *out = attachment_names_take(job->names, name);
    free(name);
    return *out != NULL ? 0 : error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a name");
}

static int make_file(struct job *job, const struct message_attachment *attachment, const char *name,
                     GMimePart **out, struct error *err)
{
    char type[ATTACHMENT_TYPE_SIZE], modified[DATE_RFC5322_SIZE];
    struct part_facts facts = {.name = name, .type = type};
    int64_t unix_s;
    int offset_s;

    if (attachment_type(name, attachment->content, type, err) != 0)
        return -1;
    if (message_date_valid(&attachment->modified)) {
        if (date_local(&attachment->modified, job->options->timezone, &unix_s, &offset_s, NULL,
                       err) != 0)
            return -1;
        date_rfc5322(unix_s, offset_s, modified);
        facts.modified = modified;
    }
    facts.size = content_size(attachment->content);
    *out = part_file(&facts, content_stream_new(attachment->content, &job->trouble));
    return 0;
}

static int make_attachment(struct job *job, const struct message_attachment *attachment,
                           GMimePart **out, struct error *err)
{
    const struct message *message = job->message;
    char *name, *source;
    int status;

    if (unique_name(job, attachment->name, &name, err) != 0)
        return -1;
    if (attachment->content != NULL) {
        status = make_file(job, attachment, name, out, err);
    } else {
        status = charset_line(message->codepage, message->postoffice, &source, NULL, err);
        if (status == 0) {
            *out = make_lost(name, source);
            free(source);
        }
    }
    free(name);
    return status;
}

/* The boundary is a function of the message too. "=_" is in no base64 and no quoted-printable
 * text; in a plain one it would have to foresee a SHA-256 taken over itself. */
static GMimeMultipart *make_multipart(const uint8_t fingerprint[FINGERPRINT_SIZE])
{
    GMimeMultipart *multipart = g_mime_multipart_new_with_subtype("mixed");
    char hex[FINGERPRINT_HEX_SIZE], boundary[FINGERPRINT_HEX_SIZE + 8];

    fingerprint_hex(fingerprint, hex);
    snprintf(boundary, sizeof boundary, "=_mm_%s", hex + ID_DIGITS);
    g_mime_multipart_set_boundary(multipart, boundary);
    return multipart;
}

static int make_body(struct job *job, const uint8_t fingerprint[FINGERPRINT_SIZE],
                     GMimeMessage *out, struct error *err)
{
    GMimeMultipart *multipart;
    GMimePart *part;
    int status = 0;
    size_t i;

    if (make_text(job, &part, err) != 0)
        return -1;
    if (job->message->attachment_count == 0) {
        g_mime_message_set_mime_part(out, GMIME_OBJECT(part));
        g_object_unref(part);
        return 0;
    }
    multipart = make_multipart(fingerprint);
    g_mime_multipart_add(multipart, GMIME_OBJECT(part));
    g_object_unref(part);
    for (i = 0; i < job->message->attachment_count && status == 0; i++) {
        status = make_attachment(job, &job->message->attachments[i], &part, err);
        if (status == 0) {
            g_mime_multipart_add(multipart, GMIME_OBJECT(part));
            g_object_unref(part);
        }
    }
    g_mime_message_set_mime_part(out, GMIME_OBJECT(multipart));
    g_object_unref(multipart);
    return status;
}

static int write_job(struct job *job, const uint8_t fingerprint[FINGERPRINT_SIZE], mime_sink *sink,
                     void *context, struct error *err)
{
    GMimeMessage *out = g_mime_message_new(FALSE);
    bool eight_bit = false;
    int status = -1;

    if (header_fill(out, job->message, job->options, job->facts, err) == 0 &&
        make_body(job, fingerprint, out, err) == 0) {
        status = mime_emit(out, sink, context, &job->trouble, &job->facts->size, &eight_bit);
        job->facts->eight_bit = eight_bit ? 1 : 0;
        if (status != 0 && err != NULL)
            *err = job->trouble.err;
    }
    g_object_unref(out);
    return status;
}

int mime_write(const struct message *message, const uint8_t fingerprint[FINGERPRINT_SIZE],
               const struct mime_options *options, mime_sink *sink, void *context,
               struct mime_facts *facts, struct error *err)
{
    struct job job = {.message = message, .options = options, .facts = facts};
    int status = -1;

    memset(facts, 0, sizeof *facts);
    job.names = attachment_names_new();
    facts->message_id = mime_message_id(fingerprint, options->domain);
    if (facts->message_id == NULL)
        error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a message");
    else
        status = write_job(&job, fingerprint, sink, context, err);
    content_free(job.text);
    attachment_names_free(job.names);
    if (status != 0)
        mime_facts_clear(facts);
    return status;
}
