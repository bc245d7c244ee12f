/* SPDX-License-Identifier: BSD-2-Clause */
/* The text and the attachments of a letter. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/letter-int.h"
#include "message/ole.h"

static int ends_in_line_end(const struct content *text, bool *yes, struct error *err)
{
    uint64_t size = content_size(text);
    uint8_t last = '\n';

    if (size != 0 && content_read(text, size - 1, &last, 1, err) != 0)
        return -1;
    *yes = last == '\n';
    return 0;
}

/* The text behind SKIP octets: *OUT is TEXT itself when there are none, else the caller's in
 * *OWNED. */
static int body_of(const struct content *text, uint64_t skip, const struct content **out,
                   struct content **owned, struct error *err)
{
    uint64_t offset;
    const uint8_t *data;
    int fd, status;

    *out = text;
    *owned = NULL;
    if (skip == 0)
        return 0;
    fd = content_place(text, &data, &offset);
    if (fd < 0)
        status = content_from_bytes(owned, data + skip, content_size(text) - skip, err);
    else
        status = content_from_file(owned, fd, offset + skip, content_size(text) - skip, err);
    *out = *owned;
    return status;
}

int letter_take_text(struct letter_job *job, struct letter *into, uint64_t skip, struct error *err)
{
    const struct content *body;
    struct content *owned;
    int status;

    if (body_of(job->message->text, skip, &body, &owned, err) != 0)
        return -1;
    status = charset_text(job->message->codepage, body, job->options->directory, &into->text,
                          &into->text_facts, err);
    content_free(owned);
    return status == 0 ? ends_in_line_end(into->text, &into->text_complete, err) : -1;
}

int letter_fill_text(struct letter_job *job, struct error *err)
{
    struct letter *letter = job->letter;

    letter->text_facts.ascii = true;
    letter->text_complete = true;
    if (job->message->text == NULL)
        return 0;
    if (letter_take_text(job, letter, job->block.form != BLOCK_NONE ? job->block.body : 0, err) !=
        0)
        return -1;
    letter->undecodable += letter->text_facts.bad;
    return 0;
}

int letter_fill_charset(struct letter_job *job, struct error *err)
{
    struct letter *letter = job->letter;
    struct content *latin1;

    if (!job->options->latin1 || (letter->text != NULL && !letter->text_facts.latin1))
        return 0;
    letter->text_latin1 = true;
    if (letter->text == NULL || letter->text_facts.ascii)
        return 0;
    if (charset_to_latin1(letter->text, job->options->directory, &latin1, err) != 0) {
        letter->text_latin1 = false; /* a line of ours has more than the text below it */
        return err->class == ERROR_DATA ? 0 : -1;
    }
    content_free(letter->text);
    letter->text = latin1;
    return 0;
}

int letter_name(struct letter_job *job, struct letter_part *part, const char *raw,
                const char *long_name, struct error *err)
{
    char *name;

    if (attachment_name(job->message->codepage, raw, long_name, &name, &job->letter->undecodable,
                        err) != 0)
        return -1;
    part->name = attachment_names_take(job->names, name);
    free(name);
    return part->name != NULL ? 0 : letter_no_memory(err);
}

static int fill_file(struct letter_job *job, struct letter_part *part,
                     const struct message_date *modified, struct error *err)
{
    if (attachment_type(part->name, part->content, part->type, err) != 0)
        return -1;
    return letter_date(job, modified, part->modified, err);
}

static int note_lost(struct letter_job *job, struct letter_part *part, struct error *err)
{
    char *source;

    if (charset_line(job->message->codepage, job->message->postoffice, &source, NULL, err) != 0)
        return -1;
    part->kind = LETTER_NOTE;
    if (asprintf(&part->text,
                 "[The attachment \"%s\" was lost on the postoffice %s before this "
                 "message was relayed.]\n",
                 part->name, source) < 0)
        part->text = NULL;
    free(source);
    return part->text != NULL ? 0 : letter_no_memory(err);
}

/* A file that the postoffice lost may be in WINMAIL.DAT. */
static int rescue(struct letter_job *job, const struct tnef_attachment *known,
                  struct letter_part *part, struct error *err)
{
    if (part->content != NULL || known == NULL || !known->data.set)
        return 0;
    if (tnef_extract(letter_stream(job), &known->data, job->options->directory, &part->owned,
                     err) != 0)
        return -1;
    part->content = part->owned;
    return 0;
}

/* An object that lies in a file of the message; what is none by its octets stays a file. */
static int fill_object(struct letter_job *job, const struct content *content,
                       const struct tnef_attachment *known, bool *done, struct error *err)
{
    struct tnef_range all = {true, 0, content != NULL ? content_size(content) : 0};
    struct ole ole;

    *done = false;
    if (content == NULL || known == NULL || known->kind != TNEF_OLE || !letter_decodes(job))
        return 0;
    if (ole_read(content, &all, &ole, err) != 0)
        return -1;
    if (!ole.known)
        return 0;
    *done = true;
    return letter_add_object(job, content, &all, &known->metafile, true, err);
}

static int fill_part(struct letter_job *job, size_t index, struct error *err)
{
    const struct message_attachment *attachment = &job->message->attachments[index];
    const struct tnef_attachment *known;
    struct letter_part *part;
    bool done;

    if (letter_match(job, index, &known, err) != 0 ||
        fill_object(job, attachment->content, known, &done, err) != 0)
        return -1;
    if (done)
        return 0;
    part = letter_add_part(job->letter, err);
    if (part == NULL)
        return -1;
    part->content = attachment->content;
    if (letter_name(job, part, attachment->name, known != NULL ? tnef_name(known) : NULL, err) !=
            0 ||
        rescue(job, known, part, err) != 0)
        return -1;
    return part->content != NULL ? fill_file(job, part, &attachment->modified, err)
                                 : note_lost(job, part, err);
}

int letter_fill_parts(struct letter_job *job, struct error *err)
{
    size_t i;

    for (i = 0; i < job->message->attachment_count; i++)
        if ((i != job->winmail || job->kept) && fill_part(job, i, err) != 0)
            return -1;
    return 0;
}
