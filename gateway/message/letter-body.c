/* SPDX-License-Identifier: BSD-2-Clause */
/* The text and the attachments of a letter. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/letter-int.h"

static int ends_in_line_end(const struct content *text, bool *yes, struct error *err)
{
    uint64_t size = content_size(text);
    uint8_t last = '\n';

    if (size != 0 && content_read(text, size - 1, &last, 1, err) != 0)
        return -1;
    *yes = last == '\n';
    return 0;
}

int letter_fill_text(struct letter_job *job, struct error *err)
{
    struct letter *letter = job->letter;

    letter->text_facts.ascii = true;
    letter->text_complete = true;
    if (job->message->text == NULL)
        return 0;
    if (charset_text(job->message->codepage, job->message->text, job->options->directory,
                     &letter->text, &letter->text_facts, err) != 0 ||
        ends_in_line_end(letter->text, &letter->text_complete, err) != 0)
        return -1;
    letter->undecodable += letter->text_facts.bad;
    return 0;
}

/* The name to send: safe, and in this letter once. */
static int fill_name(struct letter_job *job, struct letter_part *part, const char *raw,
                     struct error *err)
{
    char *name;

    if (attachment_name(job->message->codepage, raw, NULL, &name, &job->letter->undecodable, err) !=
        0)
        return -1;
    part->name = attachment_names_take(job->names, name);
    free(name);
    return part->name != NULL ? 0 : letter_no_memory(err);
}

static int fill_file(struct letter_job *job, struct letter_part *part,
                     const struct message_date *modified, struct error *err)
{
    int64_t unix_s;
    int offset_s;

    if (attachment_type(part->name, part->content, part->type, err) != 0)
        return -1;
    if (!message_date_valid(modified))
        return 0;
    if (date_local(modified, job->options->timezone, &unix_s, &offset_s, NULL, err) != 0)
        return -1;
    date_rfc5322(unix_s, offset_s, part->modified);
    return 0;
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

int letter_fill_parts(struct letter_job *job, struct error *err)
{
    const struct message *message = job->message;
    struct letter *letter = job->letter;
    size_t i;

    letter->parts = calloc(message->attachment_count + 1, sizeof *letter->parts);
    if (letter->parts == NULL)
        return letter_no_memory(err);
    for (i = 0; i < message->attachment_count; i++) {
        const struct message_attachment *attachment = &message->attachments[i];
        struct letter_part *part = &letter->parts[letter->part_count++];

        part->content = attachment->content;
        if (fill_name(job, part, attachment->name, err) != 0 ||
            (part->content != NULL ? fill_file(job, part, &attachment->modified, err)
                                   : note_lost(job, part, err)) != 0)
            return -1;
    }
    return 0;
}
