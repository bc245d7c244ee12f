/* SPDX-License-Identifier: BSD-2-Clause */
/* What a letter answers, and by what others find it. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "message/letter-int.h"

/* [MS-OXOMSG] 2.2.1.3: one octet 1, a time of five and an id of sixteen octets; five octets more
 * for each answer. */
#define INDEX_ROOT 22
#define INDEX_ANSWER 5
#define INDEX_MAX (INDEX_ROOT + 100 * INDEX_ANSWER) /* in base64 it is one line of mail */

static int fill_index(struct letter_job *job, struct error *err)
{
    const struct tnef_range *range = &job->tnef->index;
    const struct content *content = job->message->attachments[job->winmail].content;
    uint8_t octets[INDEX_MAX];
    char *base64;

    if (!range->set || range->size < INDEX_ROOT || range->size > INDEX_MAX ||
        (range->size - INDEX_ROOT) % INDEX_ANSWER != 0)
        return 0;
    if (content_read(content, range->offset, octets, (size_t)range->size, err) != 0)
        return -1;
    if (octets[0] != 1)
        return 0;
    base64 = g_base64_encode(octets, (gsize)range->size);
    job->letter->thread_index = strdup(base64);
    g_free(base64);
    return job->letter->thread_index != NULL ? 0 : letter_no_memory(err);
}

int letter_fill_thread(struct letter_job *job, struct error *err)
{
    struct letter *letter = job->letter;
    const struct message_address *from = message_from(job->message);
    const struct block *block = &job->block;
    const struct tnef *tnef = job->tnef;

    thread_add_id(&letter->own, block->message_id, block->conversation_id);
    thread_add_id(&letter->parents, block->parent_id, block->conversation_id);
    if (tnef != NULL) {
        thread_add_id(&letter->own, tnef->message_id, tnef->conversation_id);
        thread_add_id(&letter->parents, tnef->parent_id, tnef->conversation_id);
    }
    /* Receipts have no id of what they are about, and failure reports return a text with it. */
    if (from != NULL && (letter->own.count == 0 || letter->asks_receipt))
        thread_add_sent(&letter->own, from->text, &job->message->date, letter->subject);
    return tnef != NULL ? fill_index(job, err) : 0;
}

/* MACHINE with the id of the original in its last line but one. */
static int tell_original(struct letter *letter, const char *message_id, struct error *err)
{
    static const char last[] = "\nDisposition: ";
    char *place = strstr(letter->machine, last), *told;

    if (place == NULL)
        return 0;
    if (asprintf(&told, "%.*s\nOriginal-Message-ID: %s%s", (int)(place - letter->machine),
                 letter->machine, message_id, place) < 0)
        return letter_no_memory(err);
    free(letter->machine);
    letter->machine = told;
    return 0;
}

int letter_answer(struct letter *letter, const char *message_id, const char *references,
                  struct error *err)
{
    letter->in_reply_to = strdup(message_id);
    letter->references = strdup(references);
    if (letter->in_reply_to == NULL || letter->references == NULL)
        return letter_no_memory(err);
    if (letter->report != NULL && strcmp(letter->report, "disposition-notification") == 0)
        return tell_original(letter, message_id, err);
    return 0;
}
