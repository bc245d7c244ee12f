/* SPDX-License-Identifier: BSD-2-Clause */
/* The copy of the message that a report is about: as much of it as the report tells. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/letter-int.h"

const char *letter_smtp(const struct letter_job *job, const char *address, struct lookup *found)
{
    struct lookup_options options = {
        .map = job->options->map, .domain = job->options->domain, .rules = job->options->rules};

    lookup_header(&options, address, found);
    return found->smtp;
}

int letter_date(const struct letter_job *job, const struct message_date *date,
                char out[DATE_RFC5322_SIZE], struct error *err)
{
    int64_t unix_s;
    int offset_s;

    out[0] = '\0';
    if (!message_date_valid(date))
        return 0;
    if (date_local(date, job->options->timezone, &unix_s, &offset_s, NULL, err) != 0)
        return -1;
    date_rfc5322(unix_s, offset_s, out);
    return 0;
}

static int add_party(struct letter *copy, enum address_role role, const char *smtp,
                     const char *display, struct error *err)
{
    struct letter_party *room =
        reallocarray(copy->parties, copy->party_count + 1, sizeof *copy->parties);
    struct letter_party *party;

    if (room == NULL)
        return letter_no_memory(err);
    copy->parties = room;
    party = &room[copy->party_count++];
    party->role = role;
    party->smtp = strdup(smtp);
    party->display = strdup(display);
    if (party->smtp == NULL || party->display == NULL)
        return letter_no_memory(err);
    letter_cut(party->display, LETTER_TEXT_MAX);
    return 0;
}

/* Names without addresses make no field of addresses: they are a line of ours. */
static int add_line(struct letter *copy, const char *header, const struct block_names *names,
                    struct error *err)
{
    size_t size = 1;
    char *line, *end;
    int status;

    for (size_t i = 0; i < names->count; i++)
        size += strlen(names->items[i].name) + 2;
    line = calloc(1, size);
    if (line == NULL)
        return letter_no_memory(err);
    end = line;
    for (size_t i = 0; i < names->count; i++)
        end = stpcpy(stpcpy(end, i != 0 ? "; " : ""), names->items[i].name);
    status = letter_add_header(copy, header, line, err);
    free(line);
    return status;
}

static int add_names(struct letter_job *job, struct letter *copy, enum address_role role,
                     const char *header, const struct block_names *names, struct error *err)
{
    struct lookup found;
    size_t i;

    for (i = 0; i < names->count; i++)
        if (names->items[i].address[0] == '\0' ||
            letter_smtp(job, names->items[i].address, &found)[0] == '\0')
            return add_line(copy, header, names, err);
    for (i = 0; i < names->count; i++)
        if (add_party(copy, role, letter_smtp(job, names->items[i].address, &found),
                      names->items[i].name, err) != 0)
            return -1;
    return 0;
}

static int add_known(struct letter_job *job, struct letter *copy, const char *subject,
                     const struct message_date *sent, struct error *err)
{
    char line[DATE_RFC5322_SIZE];

    copy->subject = strdup(subject);
    if (copy->subject == NULL)
        return letter_no_memory(err);
    letter_cut(copy->subject, LETTER_TEXT_MAX);
    if (letter_date(job, sent, line, err) != 0)
        return -1;
    return line[0] != '\0' ? letter_add_header(copy, "Date", line, err) : 0;
}

/* The header block of the message that came back. */
static int copy_returned(struct letter_job *job, struct letter *copy, struct error *err)
{
    const struct block *block = &job->bounce.original;

    if (block->form == BLOCK_NONE)
        return 0;
    if (add_names(job, copy, ADDRESS_FROM, "X-MSMail-From", &block->from, err) != 0 ||
        add_names(job, copy, ADDRESS_TO, "X-MSMail-To", &block->to, err) != 0 ||
        add_names(job, copy, ADDRESS_CC, "X-MSMail-Cc", &block->cc, err) != 0 ||
        add_known(job, copy, block->subject, &block->date, err) != 0)
        return -1;
    return block->message_id != NULL
               ? letter_add_header(copy, "X-MSMail-Message-ID", block->message_id, err)
               : 0;
}

/* Who gets a receipt wrote the message; who sends it got the message. */
static int copy_read(struct letter_job *job, struct letter *copy, struct error *err)
{
    const struct receipt *receipt = &job->receipt;
    const struct letter *letter = job->letter;
    const char *reader = letter->parties[0].smtp;
    struct lookup found;
    size_t i;

    if (receipt->subject[0] == '\0' && !receipt->sent.set)
        return 0;
    for (i = 1; i < letter->party_count && copy->party_count == 0; i++)
        if (letter->parties[i].role == ADDRESS_TO && letter->parties[i].smtp[0] != '\0' &&
            add_party(copy, ADDRESS_FROM, letter->parties[i].smtp, letter->parties[i].display,
                      err) != 0)
            return -1;
    if (receipt->address[0] != '\0' && letter_smtp(job, receipt->address, &found)[0] != '\0')
        reader = found.smtp;
    return add_party(copy, ADDRESS_TO, reader, receipt->name, err) == 0 &&
                   add_known(job, copy, receipt->subject, &receipt->sent, err) == 0
               ? 0
               : -1;
}

static bool is_empty(const struct letter *copy)
{
    return copy->party_count == 0 && copy->header_count == 0 && copy->subject == NULL;
}

/* Where the text of the returned message begins; its end: there is none. */
static uint64_t returned_text(const struct letter_job *job)
{
    const struct bounce *bounce = &job->bounce;

    if (!bounce->found)
        return content_size(job->message->text);
    return bounce->original.form != BLOCK_NONE ? bounce->original.body : bounce->returned;
}

/* A report has no parts but its three (RFC 6522 3), so what is attached belongs to the copy. That
 * is a message then, which has a From, a Date or a Subject (RFC 2046 5.2.1). */
static int take_parts(struct letter_job *job, struct letter *copy, struct error *err)
{
    struct letter *letter = job->letter;

    copy->parts = letter->parts;
    copy->part_count = letter->part_count;
    letter->parts = NULL;
    letter->part_count = 0;
    if (copy->subject == NULL && (copy->subject = strdup("")) == NULL)
        return letter_no_memory(err);
    if (job->message->text == NULL)
        return 0;
    return letter_take_text(job, copy, returned_text(job), err);
}

int letter_fill_copy(struct letter_job *job, struct error *err)
{
    struct letter *letter = job->letter, *copy;
    int status;

    if (letter->report == NULL)
        return 0;
    copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        return letter_no_memory(err);
    memcpy(copy->fingerprint, letter->fingerprint, FINGERPRINT_SIZE);
    copy->text_facts.ascii = copy->text_complete = true;
    letter->copy = copy;
    status = job->bounce.found ? copy_returned(job, copy, err) : copy_read(job, copy, err);
    if (status == 0 && letter->part_count != 0)
        return take_parts(job, copy, err);
    if (status == 0 && is_empty(copy)) {
        letter_free(copy);
        letter->copy = NULL;
    }
    return status;
}
