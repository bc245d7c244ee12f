/* SPDX-License-Identifier: BSD-2-Clause */
/* WINMAIL.DAT of a letter: found, read, and what becomes of the stream. Whatever is wrong with it,
 * the rest of the message is sent. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/letter-int.h"

#define STREAM_NAME "WINMAIL.DAT"

const struct content *letter_stream(const struct letter_job *job)
{
    return job->message->attachments[job->winmail].content;
}

int letter_damaged(struct letter_job *job, const char *why, struct error *err)
{
    job->kept = job->winmail < job->message->attachment_count;
    if (job->kept)
        job->letter->stripped = false;
    if (job->letter->damage != NULL)
        return 0;
    job->letter->damage = strdup(why);
    return job->letter->damage != NULL ? 0 : letter_no_memory(err);
}

/* The last of that name: clients add it behind all others (Q161945). Another name: somebody
 * attached a file. The count of attachments when there is none. */
static size_t find_stream(const struct message *message)
{
    size_t i;

    for (i = message->attachment_count; i-- > 0;)
        if (message->attachments[i].content != NULL &&
            strcasecmp(message->attachments[i].name, STREAM_NAME) == 0)
            return i;
    return message->attachment_count;
}

/* As tnef_damage, of all messages inside as well. */
static bool is_damaged(const struct tnef *tnef, char *why, size_t size)
{
    size_t i;

    if (tnef_damage(tnef, why, size))
        return true;
    for (i = 0; i < tnef->attachment_count; i++)
        if (tnef->attachments[i].message != NULL &&
            is_damaged(tnef->attachments[i].message, why, size))
            return true;
    return false;
}

/* What is sent on is whole to its end: a receiver that stumbles over it refuses the message. */
static int check_whole(struct letter_job *job, struct error *err)
{
    char why[160], *rtf;
    size_t size;

    if (is_damaged(job->tnef, why, sizeof why))
        return letter_damaged(job, why, err);
    if (tnef_rtf(job->tnef, letter_stream(job), &rtf, &size, err) != 0)
        return err->class == ERROR_DATA ? letter_damaged(job, err->text, err) : -1;
    free(rtf);
    if (tnef_rewrite(letter_stream(job), job->letter->message_id, job->options->directory,
                     &job->rewritten, err) == 0)
        return 0;
    job->rewritten = NULL;
    return err->class == ERROR_DATA ? letter_damaged(job, err->text, err) : -1;
}

int letter_read_tnef(struct letter_job *job, struct error *err)
{
    const struct message *message = job->message;
    char why[160];

    job->letter->rich = job->options->rich;
    job->winmail = message->attachment_count;
    if (job->options->tnef == LETTER_TNEF_KEEP)
        return 0;
    job->winmail = find_stream(message);
    if (job->winmail == message->attachment_count)
        return 0;
    job->letter->stripped = job->options->tnef != LETTER_TNEF_PASS;
    if (job->options->tnef == LETTER_TNEF_DROP)
        return 0;
    if (tnef_read(&job->tnef, letter_stream(job), message->codepage, err) != 0) {
        job->tnef = NULL;
        return err->class == ERROR_DATA ? letter_damaged(job, err->text, err) : -1;
    }
    if (job->options->tnef == LETTER_TNEF_PASS)
        return check_whole(job, err);
    return tnef_damage(job->tnef, why, sizeof why) ? letter_damaged(job, why, err) : 0;
}

bool letter_decodes(const struct letter_job *job)
{
    return job->tnef != NULL && (job->options->tnef == LETTER_TNEF_DECODE || job->kept);
}

int letter_match(struct letter_job *job, size_t index, const struct tnef_attachment **out,
                 struct error *err)
{
    const struct message_attachment *attachment = &job->message->attachments[index];
    struct tnef_file file = {.content = attachment->content,
                             .index = index > job->winmail ? index - 1 : index,
                             .count = job->message->attachment_count - 1};
    char *name;
    int status;

    *out = NULL;
    if (job->tnef == NULL || index == job->winmail)
        return 0;
    if (charset_line(job->message->codepage, attachment->name, &name, NULL, err) != 0)
        return -1;
    file.name = name;
    status = tnef_match(job->tnef, letter_stream(job), &file, job->taken, out, err);
    free(name);
    if (status == 0 && *out != NULL)
        job->taken[*out - job->tnef->attachments] = true;
    return status;
}

int letter_fill_stream(struct letter_job *job, struct error *err)
{
    struct letter_part *part;

    if (job->rewritten == NULL)
        return 0;
    part = letter_add_part(job->letter, err);
    if (part == NULL)
        return -1;
    part->content = part->owned = job->rewritten;
    job->rewritten = NULL;
    snprintf(part->type, sizeof part->type, "application/ms-tnef");
    return letter_name(job, part, "winmail.dat", NULL, err);
}
