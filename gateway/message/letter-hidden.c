/* SPDX-License-Identifier: BSD-2-Clause */
/* What only WINMAIL.DAT has: attachments, messages inside, OLE objects. Its octets go on in some
 * form in any case. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/letter-int.h"
#include "message/ole.h"

#define OBJECT_TYPE "application/x-oleobject"

/* A file of NAME (code page) or LONG_NAME (UTF-8, or NULL); OWNED is taken over, also when it
 * fails. TYPE NULL: that of name and octets. */
static int add_file(struct letter_job *job, struct content *owned, const struct content *content,
                    const char *name, const char *long_name, const char *type, struct error *err)
{
    struct letter_part *part = letter_add_part(job->letter, err);

    if (part == NULL) {
        content_free(owned);
        return -1;
    }
    part->owned = owned;
    part->content = content;
    if (letter_name(job, part, name, long_name, err) != 0)
        return -1;
    if (type == NULL)
        return attachment_type(part->name, content, part->type, err);
    snprintf(part->type, sizeof part->type, "%s", type);
    return 0;
}

static int add_note(struct letter_job *job, const char *class_name, struct error *err)
{
    struct letter_part *part = letter_add_part(job->letter, err);

    if (part == NULL)
        return -1;
    part->kind = LETTER_NOTE;
    if (asprintf(&part->text, "[OLE object%s%s]\n", class_name[0] != '\0' ? ": " : "", class_name) <
        0)
        part->text = NULL;
    return part->text != NULL ? 0 : letter_no_memory(err);
}

/* Its picture, from the object or else from the stream; none when it is not understood. */
static int add_picture(struct letter_job *job, const struct content *content, const struct ole *ole,
                       const struct tnef_range *picture, struct error *err)
{
    struct content *owned = NULL;
    char name[32];

    if (ole->picture.set && ole_picture(content, &ole->picture, ole->width, ole->height,
                                        job->options->directory, &owned, err) != 0)
        return -1;
    if (owned == NULL && picture != NULL && picture->set &&
        ole_picture(letter_stream(job), picture, 0, 0, job->options->directory, &owned, err) != 0)
        return -1;
    if (owned == NULL)
        return 0;
    snprintf(name, sizeof name, "object%zu.wmf", job->objects);
    return add_file(job, owned, owned, name, NULL, NULL, err);
}

int letter_add_object(struct letter_job *job, const struct content *content,
                      const struct tnef_range *range, const struct tnef_range *picture, bool borrow,
                      struct error *err)
{
    struct content *owned = NULL;
    struct ole ole;
    char name[32];

    job->objects++;
    if (ole_read(content, range, &ole, err) != 0 || add_note(job, ole.class_name, err) != 0)
        return -1;
    if (job->options->ole == LETTER_OLE_TEXT)
        return 0;
    if (!borrow && tnef_extract(content, range, job->options->directory, &owned, err) != 0)
        return -1;
    snprintf(name, sizeof name, "object%zu.ole", job->objects);
    if (add_file(job, owned, borrow ? content : owned, name, NULL, OBJECT_TYPE, err) != 0)
        return -1;
    return add_picture(job, content, &ole, picture, err);
}

/* A static object is its picture, when that is one. */
static int add_static(struct letter_job *job, const struct tnef_attachment *attachment,
                      struct error *err)
{
    const struct ole none = {.known = false};
    size_t before = job->letter->part_count;

    if (attachment->data.set)
        return letter_add_object(job, letter_stream(job), &attachment->data, &attachment->metafile,
                                 false, err);
    if (!attachment->metafile.set)
        return 0;
    if (job->options->ole == LETTER_OLE_TEXT)
        return letter_add_object(job, letter_stream(job), &attachment->metafile, NULL, false, err);
    job->objects++;
    if (add_picture(job, letter_stream(job), &none, &attachment->metafile, err) != 0)
        return -1;
    job->objects--;
    return job->letter->part_count != before
               ? (job->objects++, 0)
               : letter_add_object(job, letter_stream(job), &attachment->metafile, NULL, false,
                                   err);
}

/* The messages inside have fingerprints of their own, made from the outer one, and its date when
 * they have none. */
static int make_inside(struct letter_job *job, const struct tnef *inside, size_t index,
                       struct letter_part *part, struct error *err)
{
    struct letter_options options = *job->options;
    uint8_t seed[FINGERPRINT_SIZE + sizeof index], fingerprint[FINGERPRINT_SIZE];

    memcpy(seed, job->letter->fingerprint, FINGERPRINT_SIZE);
    memcpy(seed + FINGERPRINT_SIZE, &index, sizeof index);
    fingerprint_octets(seed, sizeof seed, fingerprint);
    options.depth++;
    options.tnef = LETTER_TNEF_DECODE;
    options.rich = job->letter->rich;
    options.received_ms = job->letter->date.unix_s * 1000;
    part->kind = LETTER_MESSAGE;
    if (tnef_message(inside, letter_stream(job), job->message->postoffice,
                     options.timezone != NULL ? options.timezone : "", options.directory,
                     &part->message, err) != 0)
        return -1;
    return letter_make(&part->letter, part->message, fingerprint, &options, err);
}

/* 1: it is a message; 0: it cannot be made one; -1: as letter_make. */
static int add_message(struct letter_job *job, const struct tnef_attachment *attachment,
                       size_t index, struct error *err)
{
    struct letter_part *part;

    if (attachment->message == NULL || job->options->depth >= LETTER_DEPTH_MAX)
        return 0;
    part = letter_add_part(job->letter, err);
    if (part == NULL)
        return -1;
    if (make_inside(job, attachment->message, index, part, err) == 0) {
        job->letter->rich = part->letter->rich;
        if (part->letter->damage != NULL && job->letter->damage == NULL)
            job->letter->damage = strdup(part->letter->damage);
        return 1;
    }
    message_free(part->message);
    job->letter->part_count--;
    return err->class == ERROR_DATA ? 0 : -1;
}

static int fill_one(struct letter_job *job, size_t index, struct error *err)
{
    const struct tnef_attachment *attachment = &job->tnef->attachments[index];
    struct content *owned;
    int status;

    if (attachment->kind == TNEF_PICTURE)
        return add_static(job, attachment, err);
    if (!attachment->data.set)
        return 0;
    if (attachment->kind == TNEF_OLE)
        return letter_add_object(job, letter_stream(job), &attachment->data, &attachment->metafile,
                                 false, err);
    if (attachment->kind == TNEF_MESSAGE) {
        status = add_message(job, attachment, index, err);
        if (status != 0)
            return status > 0 ? 0 : -1;
    }
    if (tnef_extract(letter_stream(job), &attachment->data, job->options->directory, &owned, err) !=
        0)
        return -1;
    return add_file(job, owned, owned, attachment->kind == TNEF_MESSAGE ? "message.dat" : "",
                    tnef_name(attachment), NULL, err);
}

int letter_fill_hidden(struct letter_job *job, struct error *err)
{
    size_t i;

    if (!letter_decodes(job))
        return 0;
    for (i = 0; i < job->tnef->attachment_count; i++)
        if (!job->taken[i] && fill_one(job, i, err) != 0)
            return -1;
    return 0;
}
