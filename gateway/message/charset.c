/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "base/buf.h"
#include "message/lineends.h"

#define PIECE 65536
#define GROWTH_MAX 8 /* octets of UTF-8 that come of one octet; no code page needs more than 3 */
#define PENDING 16   /* octets of one unfinished character; no code page needs more than 4 */

typedef int decoder_emit(void *context, const char *data, size_t size, struct error *err);

/* From a code page to UTF-8, piece by piece. */
struct decoder {
    iconv_t cd;
    decoder_emit *emit;
    void *context;
    size_t bad;
    size_t pending;
    bool drop_half; /* of a character that was cut off at the end: nothing comes of it */
    char input[PENDING + LINEENDS_PIECE];
};

static bool is_open(iconv_t cd)
{
    return (intptr_t)cd != -1;
}

static int decoder_open(struct decoder *decoder, const char *codepage, decoder_emit *emit,
                        void *context, struct error *err)
{
    decoder->cd = iconv_open("UTF-8", codepage);
    if (!is_open(decoder->cd))
        return error_sys(err, errno == ENOMEM ? ERROR_SOFT : ERROR_SETUP, "",
                         "code page \"%.40s\" is not known to this system's iconv", codepage);
    decoder->emit = emit;
    decoder->context = context;
    decoder->bad = 0;
    decoder->pending = 0;
    decoder->drop_half = false;
    return 0;
}

/* Gives out what iconv still holds (Hebrew and Vietnamese code pages combine), and a mark in place
 * of an octet that means nothing. */
static int decoder_mark(struct decoder *decoder, bool mark, struct error *err)
{
    char out[64];
    char *to = out;
    size_t room = sizeof out - 3;

    iconv(decoder->cd, NULL, NULL, &to, &room);
    if (mark) {
        memcpy(to, "\xEF\xBF\xBD", 3);
        to += 3;
        decoder->bad++;
    }
    return to == out ? 0 : decoder->emit(decoder->context, out, (size_t)(to - out), err);
}

/* One call of iconv: 0 and *FROM and *LEFT moved on, *REASON its errno or 0; -1 with an error. */
static int decoder_step(struct decoder *decoder, char **from, size_t *left, bool *skipped,
                        int *reason, struct error *err)
{
    char out[8192];
    char *to = out;
    size_t room = sizeof out, before = *left;

    *reason = iconv(decoder->cd, from, left, &to, &room) == (size_t)-1 ? errno : 0;
    if (*skipped && (*reason != EILSEQ || *left != before) && decoder_mark(decoder, true, err) != 0)
        return -1;
    *skipped = *reason == EILSEQ && *left != before;
    return to == out ? 0 : decoder->emit(decoder->context, out, (size_t)(to - out), err);
}

/*
 * SIZE is at most LINEENDS_PIECE. After EILSEQ iconv stands at the octet that means nothing, but
 * some converters (glibc's of CP949 at A2 E8) have stepped over it already, even to the end. Which
 * of the two it is shows only when they are called again: a call that goes on tells that it was
 * skipped.
 */
static int decoder_add(struct decoder *decoder, const char *data, size_t size, struct error *err)
{
    char *from = decoder->input;
    size_t left = decoder->pending + size;
    bool skipped = false;
    int reason = 0;

    memcpy(decoder->input + decoder->pending, data, size);
    while (left > 0) {
        if (decoder_step(decoder, &from, &left, &skipped, &reason, err) != 0)
            return -1;
        if (reason == EINVAL && left <= PENDING)
            break;
        if (left > 0 && !skipped && (reason == EILSEQ || reason == EINVAL)) {
            if (decoder_mark(decoder, true, err) != 0)
                return -1;
            from++;
            left--;
        }
    }
    if (skipped && decoder_mark(decoder, true, err) != 0)
        return -1;
    memmove(decoder->input, from, left);
    decoder->pending = left;
    return 0;
}

static int decoder_end(struct decoder *decoder, struct error *err)
{
    for (; decoder->pending > 0 && !decoder->drop_half; decoder->pending--)
        if (decoder_mark(decoder, true, err) != 0)
            return -1;
    return decoder_mark(decoder, false, err);
}

static void decoder_close(struct decoder *decoder)
{
    iconv_close(decoder->cd);
}

/* Line ends, digits and letters must be those of ASCII, and no sequence of ASCII octets may shift
 * into another set (as in UTF-7, HZ, ISO-2022): all that cuts texts and addresses into pieces
 * relies on it. (CP864 has another percent sign, so not all of ASCII is asked for.) */
static bool is_ascii_based(const char *name)
{
    static const char probe[] =
        "\t\n\r 0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ/:abcdefghijklmnopqrstuvwxyz"
        "+AGE- ~{!!~} \x1B$B!!\x1B(B";
    iconv_t cd = iconv_open("UTF-8", name);
    char in[sizeof probe], out[4 * sizeof probe];
    char *from = in, *to = out;
    size_t left = sizeof probe - 1, room = sizeof out;
    bool same;

    if (!is_open(cd))
        return false;
    memcpy(in, probe, sizeof probe);
    same = iconv(cd, &from, &left, &to, &room) != (size_t)-1 &&
           (size_t)(to - out) == sizeof probe - 1 && memcmp(out, probe, sizeof probe - 1) == 0;
    iconv_close(cd);
    return same;
}

int charset_name(const char *codepage, char *out, size_t size, struct error *err)
{
    bool number = codepage[0] != '\0' && codepage[strspn(codepage, "0123456789")] == '\0';
    char *name = g_ascii_strup(codepage, -1);
    int length = snprintf(out, size, "%s%s", number ? "CP" : "", name);
    size_t i;
    bool known = length > 0 && (size_t)length < size;

    g_free(name);
    for (i = 0; known && out[i] != '\0'; i++)
        known = g_ascii_isalnum(out[i]) || out[i] == '-' || out[i] == '_';
    if (known && is_ascii_based(out))
        return 0;
    return error_set(err, ERROR_SETUP, "",
                     "\"%.40s\" is not a code page that this system's iconv knows as an extension"
                     " of ASCII; 437, 850 or 1252 are examples",
                     codepage);
}

static int line_piece(void *context, const char *data, size_t size, struct error *err)
{
    if (buf_append(context, data, size) != 0)
        return error_set(err, ERROR_SOFT, "4.3.0", "no memory for a line of text");
    return 0;
}

/* Controls of ASCII, and those of ISO 6429 above 0x7F (0xC2 0x80 to 0xC2 0x9F), become spaces. */
static void blank_controls(struct buf *line)
{
    size_t from, to = 0;

    for (from = 0; from < line->size; from++) {
        uint8_t c = line->data[from];

        if (c == 0xC2 && line->data[from + 1] >= 0x80 && line->data[from + 1] < 0xA0) {
            from++;
            c = ' ';
        }
        line->data[to++] = c < 0x20 || c == 0x7F ? ' ' : c;
    }
    if (line->data != NULL)
        line->data[to] = '\0';
    line->size = to;
}

int charset_line(const char *codepage, const char *text, char **out, size_t *bad, struct error *err)
{
    struct decoder *decoder = malloc(sizeof *decoder);
    size_t size = strlen(text);
    struct buf line;
    int status;

    if (decoder == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a line of text");
    buf_init(&line, GROWTH_MAX * (size + 1));
    status = decoder_open(decoder, codepage, line_piece, &line, err);
    if (status != 0)
        goto out;
    decoder->drop_half = true;
    while (size > 0 && status == 0) {
        size_t some = MIN(size, LINEENDS_PIECE);
        status = decoder_add(decoder, text, some, err);
        text += some;
        size -= some;
    }
    if (status == 0)
        status = decoder_end(decoder, err);
    if (status == 0 && bad != NULL)
        *bad += decoder->bad;
    decoder_close(decoder);
    if (status == 0) {
        blank_controls(&line);
        *out = buf_steal(&line);
        status = *out != NULL ? 0 : error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a line");
    }
out:
    buf_clear(&line);
    free(decoder);
    return status;
}

/* Line ends first, on the octets of the code page; then UTF-8; then into the result. */
struct text_job {
    struct lineends lineends;
    struct decoder decoder;
    struct content_writer *writer;
    struct charset_facts facts;
    size_t line; /* octets of the present line so far */
    bool blank;  /* its last octet is one */
    uint8_t last;
    uint8_t input[PIECE];
};

static int text_line(void *context, const uint8_t *data, size_t size, struct error *err)
{
    struct text_job *job = context;

    return decoder_add(&job->decoder, (const char *)data, size, err);
}

/* ISO 8859-1 ends with U+00FF: C2 or C3 and an octet behind it. U+0080 to U+009F are controls
 * there, but many readers show what Windows has in their place. */
static void see_letter(struct text_job *job, uint8_t octet)
{
    if (octet >= 0x80)
        job->facts.ascii = false;
    if (octet > 0xC3 || (job->last == 0xC2 && octet < 0xA0))
        job->facts.latin1 = false;
    job->last = octet;
}

static int text_piece(void *context, const char *data, size_t size, struct error *err)
{
    struct text_job *job = context;
    size_t i;

    for (i = 0; i < size; i++) {
        if (data[i] == '\n') {
            job->facts.blank_ends = job->facts.blank_ends || job->blank;
            job->blank = false;
            job->line = 0;
            continue;
        }
        job->blank = data[i] == ' ' || data[i] == '\t';
        see_letter(job, (uint8_t)data[i]);
        if (++job->line > job->facts.longest)
            job->facts.longest = job->line;
    }
    return content_writer_add(job->writer, data, size, err);
}

static int text_run(struct text_job *job, const struct content *text, struct error *err)
{
    uint64_t at, size = content_size(text);

    for (at = 0; at < size;) {
        size_t some = (size_t)MIN(size - at, PIECE);
        if (content_read(text, at, job->input, some, err) != 0 ||
            lineends_add(&job->lineends, job->input, some, err) != 0)
            return -1;
        at += some;
    }
    if (lineends_end(&job->lineends, err) != 0)
        return -1;
    return decoder_end(&job->decoder, err);
}

int charset_text(const char *codepage, const struct content *text, const char *directory,
                 struct content **out, struct charset_facts *facts, struct error *err)
{
    struct text_job *job = calloc(1, sizeof *job);
    int status = -1;

    if (job == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a text");
    if (decoder_open(&job->decoder, codepage, text_piece, job, err) != 0) {
        free(job);
        return -1;
    }
    lineends_init(&job->lineends, text_line, job);
    job->facts.ascii = true;
    job->facts.latin1 = true;
    if (content_writer_new(&job->writer, directory, GROWTH_MAX * (content_size(text) + 1), err) !=
        0)
        goto out;
    if (text_run(job, text, err) != 0) {
        content_writer_free(job->writer);
        goto out;
    }
    if (content_writer_finish(job->writer, out, err) != 0)
        goto out;
    job->facts.bad = job->decoder.bad;
    job->facts.blank_ends = job->facts.blank_ends || job->blank;
    *facts = job->facts;
    status = 0;
out:
    decoder_close(&job->decoder);
    free(job);
    return status;
}

/* One octet of UTF-8 behind LEAD (0: none waits): gives the octet of ISO 8859-1, or -1 while a lead
 * octet waits, or -2 for what is not there. */
static int latin1_octet(uint8_t *lead, uint8_t octet)
{
    int code;

    if (*lead != 0) {
        code = (*lead & 0x03) << 6 | (octet & 0x3F);
        *lead = 0;
        return (octet & 0xC0) == 0x80 && code >= 0xA0 ? code : -2; /* no controls: see_letter */
    }
    if (octet < 0x80)
        return octet;
    if (octet != 0xC2 && octet != 0xC3)
        return -2;
    *lead = octet;
    return -1;
}

static int latin1_run(const struct content *utf8, struct content_writer *writer, struct error *err)
{
    uint64_t at, size = content_size(utf8);
    uint8_t in[4096], out[4096], lead = 0;
    size_t i, used;

    for (at = 0; at < size; at += i) {
        size_t some = (size_t)MIN(size - at, sizeof in);

        if (content_read(utf8, at, in, some, err) != 0)
            return -1;
        for (i = 0, used = 0; i < some; i++) {
            int octet = latin1_octet(&lead, in[i]);
            if (octet == -2)
                return error_set(err, ERROR_DATA, "5.6.0", "a text is not all ISO 8859-1");
            if (octet >= 0)
                out[used++] = (uint8_t)octet;
        }
        if (content_writer_add(writer, out, used, err) != 0)
            return -1;
    }
    return lead == 0 ? 0 : error_set(err, ERROR_DATA, "5.6.0", "a text ends in half a character");
}

int charset_to_latin1(const struct content *utf8, const char *directory, struct content **out,
                      struct error *err)
{
    struct content_writer *writer;

    if (content_writer_new(&writer, directory, content_size(utf8), err) != 0)
        return -1;
    if (latin1_run(utf8, writer, err) != 0) {
        content_writer_free(writer);
        return -1;
    }
    return content_writer_finish(writer, out, err);
}
