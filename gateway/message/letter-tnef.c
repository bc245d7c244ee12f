/* SPDX-License-Identifier: BSD-2-Clause */
/* What WINMAIL.DAT adds to a letter, and what becomes of the stream. Whatever is wrong with it, the
 * rest of the message is sent. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/letter-int.h"
#include "message/meeting.h"
#include "message/ole.h"
#include "message/rtf.h"

static bool is_harmless(const struct error *err)
{
    return err->class == ERROR_DATA;
}

int letter_read_tnef(struct letter_job *job, struct error *err)
{
    const struct message *message = job->message;
    const struct content *content;

    job->winmail = message->attachment_count;
    if (job->options->tnef == LETTER_TNEF_KEEP)
        return 0;
    for (job->winmail = 0; job->winmail < message->attachment_count; job->winmail++) {
        content = message->attachments[job->winmail].content;
        if (content != NULL && tnef_is(content))
            break;
    }
    if (job->winmail == message->attachment_count)
        return 0;
    job->letter->stripped = job->options->tnef != LETTER_TNEF_PASS;
    if (job->options->tnef == LETTER_TNEF_DROP)
        return 0;
    content = message->attachments[job->winmail].content;
    if (tnef_read(&job->tnef, content, message->codepage, err) == 0)
        return 0;
    job->tnef = NULL;
    return is_harmless(err) ? 0 : -1;
}

const struct tnef_attachment *letter_match(struct letter_job *job, size_t index)
{
    const struct tnef_attachment *found;
    size_t place = index > job->winmail ? index - 1 : index;
    char *name;

    if (job->tnef == NULL ||
        charset_line(job->message->codepage, job->message->attachments[index].name, &name, NULL,
                     NULL) != 0)
        return NULL;
    found = tnef_match(job->tnef, name, place, job->message->attachment_count - 1);
    free(name);
    if (found != NULL)
        job->taken[found - job->tnef->attachments] = true;
    return found;
}

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

static int fill_calendar(struct letter_job *job, const struct meeting *meeting, struct error *err)
{
    struct letter *letter = job->letter;
    bool reply = meeting->kind != MEETING_REQUEST && meeting->kind != MEETING_CANCEL;
    struct meeting_person *people = calloc(letter->party_count, sizeof *people);
    struct meeting_event event = {
        .tnef = job->tnef, .subject = letter->subject, .stamp = letter->date.unix_s};
    int status;
    size_t i;

    if (people == NULL)
        return letter_no_memory(err);
    for (i = 0; i < letter->party_count; i++)
        people[i] = (struct meeting_person){letter->parties[i].display, letter->parties[i].smtp};
    if (letter->party_count > 1 || !reply)
        event.organizer = people[reply ? 1 : 0];
    event.attendees = people + (reply ? 0 : 1);
    event.attendee_count = reply ? 1 : letter->party_count - 1;
    status = meeting_calendar(meeting, &event, &letter->calendar, err);
    letter->method = meeting_method(meeting->kind);
    free(people);
    return status;
}

/* Readers without Schedule+ lost the time of a meeting (Q107205, Q151786). */
static int fill_meeting(struct letter_job *job, struct error *err)
{
    struct meeting meeting = {.kind = meeting_kind_of(job->letter->class)};
    const char *zone = job->options->timezone != NULL ? job->options->timezone : "";
    char *when, *above;
    int status = 0;

    if (meeting.kind == MEETING_NONE)
        return 0;
    if (meeting_read(&meeting, job->tnef, zone, err) != 0 ||
        meeting_when(&meeting, zone, &when, err) != 0)
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

static int fill_html(struct letter_job *job, const struct content *content, struct error *err)
{
    struct rtf_result result;
    size_t size;
    char *rtf;
    int status;

    if (tnef_rtf(job->tnef, content, &rtf, &size, err) != 0)
        return is_harmless(err) ? 0 : -1;
    if (rtf == NULL)
        return 0;
    status = rtf_convert(rtf, size, &result, err);
    free(rtf);
    if (status != 0)
        return is_harmless(err) ? 0 : -1;
    if (result.formatted) {
        job->letter->html = result.html;
        result.html = NULL;
    }
    rtf_clear(&result);
    return 0;
}

int letter_fill_rich(struct letter_job *job, struct error *err)
{
    struct letter *letter = job->letter;
    const struct content *content;

    if (job->tnef == NULL || job->options->tnef != LETTER_TNEF_DECODE)
        return 0;
    content = job->message->attachments[job->winmail].content;
    if (letter->text == NULL || content_size(letter->text) == 0) {
        content_free(letter->text);
        letter->text = NULL;
        if (tnef_body(job->tnef, content, job->options->directory, &letter->text, err) != 0)
            return -1;
        /* Not measured: base64 carries anything. */
        letter->text_complete = letter->text == NULL;
        letter->text_facts.ascii = letter->text == NULL;
        letter->text_facts.latin1 = letter->text == NULL;
        letter->text_facts.blank_ends = letter->text != NULL;
    }
    return fill_html(job, content, err) == 0 ? fill_meeting(job, err) : -1;
}

/* The messages inside have fingerprints of their own, made from the outer one. */
static int fill_message(struct letter_job *job, const struct tnef_attachment *attachment,
                        size_t index, struct letter_part *part, struct error *err)
{
    const struct content *content = job->message->attachments[job->winmail].content;
    struct letter_options options = *job->options;
    uint8_t seed[FINGERPRINT_SIZE + sizeof index], fingerprint[FINGERPRINT_SIZE];

    memcpy(seed, job->letter->fingerprint, FINGERPRINT_SIZE);
    memcpy(seed + FINGERPRINT_SIZE, &index, sizeof index);
    fingerprint_octets(seed, sizeof seed, fingerprint);
    options.depth++;
    part->kind = LETTER_MESSAGE;
    if (tnef_message(attachment->message, content, job->message->postoffice,
                     options.timezone != NULL ? options.timezone : "", options.directory,
                     &part->message, err) != 0)
        return -1;
    return letter_make(&part->letter, part->message, fingerprint, &options, err);
}

static int extract(struct letter_job *job, const struct tnef_attachment *attachment,
                   struct letter_part *part, struct error *err)
{
    const struct content *content = job->message->attachments[job->winmail].content;
    bool picture = attachment->kind == TNEF_PICTURE && attachment->metafile.set;
    const char *fallback = attachment->kind == TNEF_FILE ? "" : "object.ole", *name;
    int status = 0;

    if (picture)
        status = ole_picture(content, &attachment->metafile, 0, 0, job->options->directory,
                             &part->owned, err);
    else if (attachment->data.set)
        status =
            tnef_extract(content, &attachment->data, job->options->directory, &part->owned, err);
    if (status != 0 || part->owned == NULL)
        return status;
    part->content = part->owned;
    name = tnef_name(attachment);
    if (letter_name(job, part, picture ? "picture.wmf" : fallback,
                    attachment->kind == TNEF_FILE ? name : NULL, err) != 0 ||
        attachment_type(part->name, part->content, part->type, err) != 0)
        return -1;
    if (attachment->kind == TNEF_OLE)
        snprintf(part->type, sizeof part->type, "application/x-oleobject");
    return 0;
}

/* What has no octets in the stream is taken back, and what cannot be read is told; only a lack of
 * memory or of files stops us. */
static int fill_one(struct letter_job *job, size_t index, struct error *err)
{
    const struct tnef_attachment *attachment = &job->tnef->attachments[index];
    struct letter_part *part = letter_add_part(job->letter, err);
    int status;

    if (part == NULL)
        return -1;
    if (attachment->kind == TNEF_MESSAGE && attachment->message != NULL &&
        job->options->depth < LETTER_DEPTH_MAX)
        status = fill_message(job, attachment, index, part, err);
    else
        status = extract(job, attachment, part, err);
    if (status != 0 && !is_harmless(err))
        return -1;
    if (status == 0 && (part->owned != NULL || part->letter != NULL))
        return 0;
    message_free(part->message);
    content_free(part->owned);
    free(part->name);
    memset(part, 0, sizeof *part);
    if (status == 0) {
        job->letter->part_count--;
        return 0;
    }
    part->kind = LETTER_NOTE;
    part->text = strdup("[An attachment in WINMAIL.DAT could not be read.]\n");
    return part->text != NULL ? 0 : letter_no_memory(err);
}

static int pass_stream(struct letter_job *job, struct error *err)
{
    const struct content *content = job->message->attachments[job->winmail].content;
    struct content *rewritten;
    struct letter_part *part;

    if (tnef_rewrite(content, job->letter->message_id, job->options->directory, &rewritten, err) !=
        0) {
        job->letter->stripped = true;
        return is_harmless(err) ? 0 : -1;
    }
    part = letter_add_part(job->letter, err);
    if (part == NULL) {
        content_free(rewritten);
        return -1;
    }
    part->content = part->owned = rewritten;
    snprintf(part->type, sizeof part->type, "application/ms-tnef");
    return letter_name(job, part, "winmail.dat", NULL, err);
}

int letter_fill_hidden(struct letter_job *job, struct error *err)
{
    size_t i;

    if (job->tnef == NULL)
        return 0;
    if (job->options->tnef == LETTER_TNEF_PASS)
        return pass_stream(job, err);
    for (i = 0; i < job->tnef->attachment_count; i++)
        if (!job->taken[i] && fill_one(job, i, err) != 0)
            return -1;
    return 0;
}
