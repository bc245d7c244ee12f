/* SPDX-License-Identifier: BSD-2-Clause */
/* What WINMAIL.DAT adds to the text of a letter: the text itself, the formatted one, when and where
 * a meeting is. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/letter-int.h"
#include "message/meeting.h"
#include "message/rtf.h"

#define WORDS_MAX 1048576 /* octets of a text that are compared with another */

/* The octets of TEXT in front of the letter's. */
static int put_above(struct letter_job *job, const char *text, struct error *err)
{
    struct letter *letter = job->letter;
    uint64_t size = letter->text != NULL ? content_size(letter->text) : 0, at = 0;
    struct content_writer *writer;
    struct content *whole;
    uint8_t piece[4096];

    if (content_writer_new(&writer, job->options->directory, UINT64_MAX, err) != 0)
        return -1;
    if (content_writer_add(writer, text, strlen(text), err) != 0)
        goto fail;
    while (at < size) {
        size_t some = size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;

        if (content_read(letter->text, at, piece, some, err) != 0 ||
            content_writer_add(writer, piece, some, err) != 0)
            goto fail;
        at += some;
    }
    if (content_writer_finish(writer, &whole, err) != 0)
        return -1;
    content_free(letter->text);
    letter->text = whole;
    return 0;
fail:
    content_writer_free(writer);
    return -1;
}

/* UTF8 without what is no letter or digit of ASCII; other characters stay. In place. */
static void squeeze(char *utf8)
{
    char *out = utf8;

    for (; *utf8 != '\0'; utf8++) {
        unsigned char c = (unsigned char)*utf8;
        if (c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
            *out++ = *utf8;
    }
    *out = '\0';
}

/* TEXT, which may be NULL, squeezed; *OUT is NULL when it is too large to be compared. */
static int squeezed(const struct content *text, char **out, struct error *err)
{
    uint64_t size = text != NULL ? content_size(text) : 0;

    *out = NULL;
    if (size > WORDS_MAX)
        return 0;
    *out = calloc(1, (size_t)size + 1);
    if (*out == NULL)
        return letter_no_memory(err);
    if (size != 0 && content_read(text, 0, *out, (size_t)size, err) != 0) {
        free(*out);
        *out = NULL;
        return -1;
    }
    squeeze(*out);
    return 0;
}

/* Whether the letter's text has the words of OTHER. */
static int has_words(const struct letter *letter, const struct content *other, bool *has,
                     struct error *err)
{
    char *text, *words = NULL;
    int status = squeezed(letter->text, &text, err);

    *has = false;
    if (status == 0)
        status = squeezed(other, &words, err);
    else
        return -1;
    *has = status == 0 && text != NULL && words != NULL && strstr(text, words) != NULL;
    free(text);
    free(words);
    return status;
}

static int fill_calendar(struct letter_job *job, const struct meeting *meeting, struct error *err)
{
    struct letter *letter = job->letter;
    bool reply = meeting->kind != MEETING_REQUEST && meeting->kind != MEETING_CANCEL;
    struct meeting_person *people = calloc(letter->party_count, sizeof *people);
    struct meeting_event event = {
        .tnef = job->tnef, .subject = letter->subject, .stamp = letter->date.unix_s};
    int status;
    size_t count = 0, i;

    if (people == NULL)
        return letter_no_memory(err);
    for (i = 0; i < letter->party_count; i++) /* who has no address is left out, the first has */
        if (letter->parties[i].smtp[0] != '\0')
            people[count++] =
                (struct meeting_person){letter->parties[i].display, letter->parties[i].smtp};
    if (count > 1 || !reply)
        event.organizer = people[reply ? 1 : 0];
    event.attendees = people + (reply ? 0 : 1);
    event.attendee_count = reply ? 1 : count - 1;
    status = meeting_calendar(meeting, &event, &letter->calendar, err);
    letter->method = meeting_method(meeting->kind);
    free(people);
    return status;
}

/* Readers without Schedule+ lost the time of a meeting (Q107205, Q151786). */
static int fill_meeting(struct letter_job *job, struct error *err)
{
    enum meeting_kind kind = meeting_kind_of(job->letter->class);
    const char *zone = job->options->timezone != NULL ? job->options->timezone : "";
    struct meeting meeting;
    char *when, *above;
    int status = 0;

    if (kind == MEETING_NONE)
        return 0;
    if (meeting_read(&meeting, kind, job->tnef, zone, err) != 0 ||
        meeting_when(&meeting, zone, job->tnef->location, &when, err) != 0)
        return -1;
    if (when == NULL)
        return 0;
    if (asprintf(&above, "%s\n", when) < 0)
        above = NULL;
    free(when);
    status = above != NULL ? put_above(job, above, err) : letter_no_memory(err);
    free(above);
    if (status == 0 && job->options->schedule != LETTER_SCHEDULE_TEXT)
        status = fill_calendar(job, &meeting, err);
    return status;
}

/* Takes the HTML when it shows more than the text, or has other words. */
static int take_html(struct letter_job *job, struct rtf_result *result, struct error *err)
{
    struct letter *letter = job->letter;
    struct content *words;
    bool has = false;
    int status;

    if (!result->formatted) {
        if (content_from_bytes(&words, result->text, strlen(result->text), err) != 0)
            return -1;
        status = has_words(letter, words, &has, err);
        content_free(words);
        if (status != 0 || has)
            return status;
    }
    letter->rich += strlen(result->html);
    letter->undecodable += result->bad;
    letter->html = result->html;
    result->html = NULL;
    return 0;
}

static int convert(struct letter_job *job, const char *rtf, size_t size, struct error *err)
{
    struct rtf_result result;
    int status;

    if (job->letter->rich + size > LETTER_RICH_MAX)
        return error_set(err, ERROR_DATA, "5.6.0", "formatted text: more than %d octets in all",
                         LETTER_RICH_MAX);
    job->letter->rich += size;
    if (rtf_convert(rtf, size, &result, err) != 0)
        return -1;
    status = take_html(job, &result, err);
    rtf_clear(&result);
    return status;
}

static int fill_html(struct letter_job *job, struct error *err)
{
    size_t size;
    char *rtf;
    int status = tnef_rtf(job->tnef, letter_stream(job), &rtf, &size, err);

    if (status == 0 && rtf != NULL) {
        status = convert(job, rtf, size, err);
        free(rtf);
    }
    if (status == 0)
        return 0;
    return err->class == ERROR_DATA ? letter_damaged(job, err->text, err) : -1;
}

static int add_text_file(struct letter_job *job, struct content *owned, const char *name,
                         struct error *err)
{
    struct letter_part *part = letter_add_part(job->letter, err);

    if (part == NULL) {
        content_free(owned);
        return -1;
    }
    part->content = part->owned = owned;
    if (letter_name(job, part, name, NULL, err) != 0)
        return -1;
    return attachment_type(part->name, part->content, part->type, err);
}

/* The text of the stream is the letter's when that has none; when it has other words it is a file,
 * so that nothing is lost. */
static int fill_text(struct letter_job *job, struct error *err)
{
    struct letter *letter = job->letter;
    struct content *body;
    bool has;
    int status;

    if (tnef_body(job->tnef, letter_stream(job), job->options->directory, &body, err) != 0)
        return -1;
    if (body == NULL)
        return job->tnef->body.set ? letter_damaged(job, "its text cannot be read", err) : 0;
    if (letter->text == NULL || content_size(letter->text) == 0) {
        content_free(letter->text);
        letter->text = body;
        /* Not measured: base64 carries anything. */
        letter->text_complete = false;
        letter->text_facts.ascii = false;
        letter->text_facts.latin1 = false;
        letter->text_facts.blank_ends = true;
        return 0;
    }
    status = has_words(letter, body, &has, err);
    if (status == 0 && !has && job->tnef->body.set)
        return add_text_file(job, body, "message.txt", err);
    content_free(body);
    return status;
}

/* HTML of a later client is a file: it is never shown without having been cleaned. */
static int fill_html_file(struct letter_job *job, struct error *err)
{
    struct content *html;

    if (!job->tnef->html.set)
        return 0;
    if (tnef_extract(letter_stream(job), &job->tnef->html, job->options->directory, &html, err) !=
        0)
        return -1;
    return add_text_file(job, html, "message.html", err);
}

int letter_fill_rich(struct letter_job *job, struct error *err)
{
    if (job->tnef == NULL)
        return 0;
    if (letter_decodes(job) &&
        (fill_text(job, err) != 0 || fill_html(job, err) != 0 || fill_html_file(job, err) != 0))
        return -1;
    return fill_meeting(job, err);
}
