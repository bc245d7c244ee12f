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

/* RAW without its control octets, in place; they are in no character of any code page. */
static void drop_controls(char *raw)
{
    char *kept = raw;

    for (; *raw != '\0'; raw++)
        if ((unsigned char)*raw >= 0x20 && *raw != 0x7F)
            *kept++ = *raw;
    *kept = '\0';
}

static const char *base_name(const char *name)
{
    const char *at;

    if (((name[0] >= 'A' && name[0] <= 'Z') || (name[0] >= 'a' && name[0] <= 'z')) &&
        name[1] == ':')
        name += 2;
    for (at = name; *at != '\0'; at++)
        if (*at == '/' || *at == '\\')
            name = at + 1;
    return name;
}

/* The name under which an attachment is sent: UTF-8 without controls and path. */
static int file_name(struct letter_job *job, const char *raw, char **out, struct error *err)
{
    char *kept = strdup(raw), *line;
    const char *base;
    int status;

    if (kept == NULL)
        return letter_no_memory(err);
    drop_controls(kept);
    status = charset_line(job->message->codepage, kept, &line, &job->letter->undecodable, err);
    free(kept);
    if (status != 0)
        return -1;
    base = base_name(line);
    if (base[strspn(base, " ")] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        base = "attachment";
    *out = strdup(base);
    free(line);
    if (*out == NULL)
        return letter_no_memory(err);
    letter_cut(*out, LETTER_TEXT_MAX);
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
        struct letter_part *part = &letter->parts[letter->part_count++];

        part->content = message->attachments[i].content;
        if (file_name(job, message->attachments[i].name, &part->name, err) != 0 ||
            (part->content == NULL && note_lost(job, part, err) != 0))
            return -1;
    }
    return 0;
}
