/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/letter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/letter-int.h"

#define ORDINARY_CLASS "IPM.Microsoft Mail.Note"
#define ID_DIGITS 32 /* hex digits of the fingerprint in a Message-ID */

int letter_no_memory(struct error *err)
{
    return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a message");
}

char *letter_message_id(const uint8_t fingerprint[FINGERPRINT_SIZE], const char *domain)
{
    char hex[FINGERPRINT_HEX_SIZE];
    size_t size = strlen(domain) + ID_DIGITS + sizeof "<mm.@>";
    char *id = malloc(size);

    fingerprint_hex(fingerprint, hex);
    if (id != NULL)
        snprintf(id, size, "<mm.%.*s@%s>", ID_DIGITS, hex, domain);
    return id;
}

void letter_cut(char *utf8, size_t max)
{
    for (; *utf8 != '\0'; utf8++) {
        if (((unsigned char)*utf8 & 0xC0) == 0x80)
            continue;
        if (max-- == 0) {
            *utf8 = '\0';
            return;
        }
    }
}

int letter_line(struct letter_job *job, const char *text, char **out, struct error *err)
{
    if (charset_line(job->message->codepage, text, out, &job->letter->undecodable, err) != 0)
        return -1;
    letter_cut(*out, LETTER_TEXT_MAX);
    return 0;
}

int letter_add_header(struct letter *letter, const char *name, const char *value, struct error *err)
{
    struct letter_header *room =
        reallocarray(letter->headers, letter->header_count + 1, sizeof *room);
    struct letter_header *header;

    if (room == NULL)
        return letter_no_memory(err);
    letter->headers = room;
    header = &room[letter->header_count++];
    header->name = strdup(name);
    header->value = strdup(value);
    return header->name != NULL && header->value != NULL ? 0 : letter_no_memory(err);
}

struct letter_part *letter_add_part(struct letter *letter, struct error *err)
{
    struct letter_part *room = reallocarray(letter->parts, letter->part_count + 1, sizeof *room);

    if (room == NULL) {
        letter_no_memory(err);
        return NULL;
    }
    letter->parts = room;
    memset(&room[letter->part_count], 0, sizeof *room);
    return &room[letter->part_count++];
}

static int fill_source(struct letter_job *job, struct error *err)
{
    char *line;
    int status;

    if (charset_line(job->message->codepage, job->message->postoffice, &line,
                     &job->letter->undecodable, err) != 0)
        return -1;
    status = letter_add_header(job->letter, "X-MSMail-Source", line, err);
    free(line);
    return status;
}

static int fill_extra(struct letter_job *job, const struct message_extra *extra, struct error *err)
{
    size_t size = strlen(extra->kind) + strlen(extra->name) + strlen(extra->value) + 3;
    char *raw = malloc(size), *line;
    int status;

    if (raw == NULL)
        return letter_no_memory(err);
    snprintf(raw, size, "%s%s%s=%s", extra->kind, extra->kind[0] != '\0' ? ":" : "", extra->name,
             extra->value);
    status = charset_line(job->message->codepage, raw, &line, &job->letter->undecodable, err);
    free(raw);
    if (status != 0)
        return -1;
    status = letter_add_header(job->letter, LETTER_EXTRA_HEADER, line, err);
    free(line);
    return status;
}

/* The header has 40 characters of it, the block all (Q156844). */
static int fill_subject(struct letter_job *job, struct error *err)
{
    if (job->block.subject == NULL)
        return letter_line(job, job->message->subject, &job->letter->subject, err);
    job->letter->subject = strdup(job->block.subject);
    if (job->letter->subject == NULL)
        return letter_no_memory(err);
    letter_cut(job->letter->subject, LETTER_TEXT_MAX);
    return 0;
}

static int fill_class(struct letter_job *job, struct error *err)
{
    const char *class = job->tnef != NULL ? job->tnef->class : NULL;

    if (job->block.class != NULL && job->block.class[0] != '\0')
        class = job->block.class;
    job->letter->class = strdup(class != NULL ? class : "");
    return job->letter->class != NULL ? 0 : letter_no_memory(err);
}

/* What MS Mail knows of a message and mail does not: for programs, and for who searches. */
static int fill_marks(struct letter_job *job, struct error *err)
{
    const struct block *block = &job->block;
    const struct {
        const char *name, *value;
    } marks[] = {
        {"X-MSMail-Message-Class", job->letter->class},
        {"X-MSMail-Message-ID", block->message_id},
        {"X-MSMail-Parent-Message-ID", block->parent_id},
        {"X-MSMail-Conversation-ID", block->conversation_id},
        {"Thread-Topic", job->tnef != NULL ? job->tnef->topic : NULL},
    };
    size_t i;

    for (i = 0; i < sizeof marks / sizeof marks[0]; i++)
        if (marks[i].value != NULL && marks[i].value[0] != '\0' &&
            strcasecmp(marks[i].value, ORDINARY_CLASS) != 0 &&
            letter_add_header(job->letter, marks[i].name, marks[i].value, err) != 0)
            return -1;
    return 0;
}

/* The header block knows when it was written, too. */
static int fill_date(struct letter_job *job, struct error *err)
{
    const struct message *message = job->message;
    bool own = message_date_valid(&message->date) && !message->date_borrowed;
    bool block = !own && message_date_valid(&job->block.date);
    struct date_sent *out = &job->letter->date;

    if (date_sent(block ? &job->block.date : &message->date, &message->received,
                  job->options->timezone, job->options->received_ms, out, err) != 0)
        return -1;
    if (!own && !block)
        out->note = DATE_MISSING;
    return 0;
}

static int fill_headers(struct letter_job *job, struct error *err)
{
    struct letter *letter = job->letter;
    size_t i;

    letter->priority = job->message->priority != 0 ? job->message->priority : job->block.priority;
    letter->asks_receipt = letter->priority == 'R';
    letter->legacy_receipt = letter->asks_receipt && job->options->legacy_receipts;
    if (letter->asks_receipt && job->options->registered_normal)
        letter->priority = '3';
    if (fill_subject(job, err) != 0 || fill_date(job, err) != 0 || fill_source(job, err) != 0)
        return -1;
    for (i = 0; i < job->message->extra_count; i++)
        if (fill_extra(job, &job->message->extras[i], err) != 0)
            return -1;
    return fill_class(job, err) == 0 && fill_marks(job, err) == 0 ? 0 : -1;
}

static int read_block(struct letter_job *job, struct error *err)
{
    return job->options->block ? block_read(&job->block, job->message, err) : 0;
}

/* After letter_fill_report, which gives the block of a report back to the text. */
static int fill_repeated(struct letter_job *job, struct error *err)
{
    (void)err;
    job->letter->repeated = job->message->repeated;
    if (job->block.body != 0 && job->block.more_subjects)
        job->letter->repeated |= MESSAGE_ONE_SUBJECT;
    return 0;
}

/* What is in the message first, then each part of the letter; a step uses what those before made.
 */
static int fill(struct letter_job *job, struct error *err)
{
    static int (*const steps[])(struct letter_job * job, struct error * err) = {
        read_block,         letter_read_report, letter_read_tnef,    letter_fill_parties,
        fill_headers,       letter_fill_thread, letter_fill_report,  fill_repeated,
        letter_fill_text,   letter_fill_rich,   letter_fill_charset, letter_fill_parts,
        letter_fill_hidden, letter_fill_stream, letter_fill_copy,
    };

    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i](job, err) != 0)
            return -1;
    }
    return letter_fit(job->letter, err);
}

static void clear_job(struct letter_job *job)
{
    attachment_names_free(job->names);
    receipt_clear(&job->receipt);
    bounce_clear(&job->bounce);
    block_clear(&job->block);
    tnef_free(job->tnef);
    content_free(job->rewritten);
}

int letter_make(struct letter **out, const struct message *message,
                const uint8_t fingerprint[FINGERPRINT_SIZE], const struct letter_options *options,
                struct error *err)
{
    struct letter *letter = calloc(1, sizeof *letter);
    struct letter_job job = {.letter = letter, .message = message, .options = options};
    int status = -1;

    if (letter == NULL)
        return letter_no_memory(err);
    memcpy(letter->fingerprint, fingerprint, FINGERPRINT_SIZE);
    letter->message_id = letter_message_id(fingerprint, options->domain);
    job.names = attachment_names_new();
    if (letter->message_id == NULL || job.names == NULL)
        letter_no_memory(err);
    else
        status = fill(&job, err);
    clear_job(&job);
    if (status == 0)
        *out = letter;
    else
        letter_free(letter);
    return status;
}

void letter_free(struct letter *letter)
{
    size_t i;

    if (letter == NULL)
        return;
    for (i = 0; i < letter->party_count; i++) {
        free(letter->parties[i].smtp);
        free(letter->parties[i].display);
    }
    for (i = 0; i < letter->header_count; i++) {
        free(letter->headers[i].name);
        free(letter->headers[i].value);
    }
    for (i = 0; i < letter->part_count; i++) {
        free(letter->parts[i].name);
        free(letter->parts[i].text);
        content_free(letter->parts[i].owned);
        letter_free(letter->parts[i].letter);
        message_free(letter->parts[i].message);
    }
    free(letter->parties);
    free(letter->headers);
    free(letter->parts);
    content_free(letter->text);
    free(letter->in_reply_to);
    free(letter->references);
    free(letter->thread_index);
    letter_free(letter->copy);
    free(letter->machine);
    free(letter->html);
    free(letter->calendar);
    free(letter->class);
    free(letter->damage);
    free(letter->subject);
    free(letter->sender);
    free(letter->message_id);
    free(letter);
}
