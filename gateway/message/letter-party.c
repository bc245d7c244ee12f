/* SPDX-License-Identifier: BSD-2-Clause */
/* Who wrote a letter, and to whom. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/address.h"
#include "message/letter-int.h"
#include "message/lookup.h"

/* A group that has no address of its own is shown by its name, as one without members: the queue
 * says who gets the message, and a reply to the old address would reach nobody. */
static const char *group_alias(const struct letter_job *job, const struct message_address *address,
                               enum lookup_kind kind)
{
    if (kind != LOOKUP_ENCAPSULATED || address->role == ADDRESS_FROM || job->options->group == NULL)
        return NULL;
    return job->options->group(job->options->group_context, address->text);
}

/* The map's name, else the one that the sender's client wrote; who has none is shown by his old
 * address. */
static int party_resolve(struct letter_job *job, struct letter_party *party, size_t index,
                         struct error *err)
{
    struct lookup_options options = {
        .map = job->options->map, .domain = job->options->domain, .rules = job->options->rules};
    const char *address = job->message->addresses[index].text;
    const char *written = job->message->addresses[index].display != NULL
                              ? job->message->addresses[index].display
                              : block_display(&job->block, job->message, index);
    struct lookup found;
    enum lookup_kind kind = lookup_header(&options, address, &found);
    bool known = kind == LOOKUP_ENTRY || kind == LOOKUP_TYPED;
    const char *alias = group_alias(job, &job->message->addresses[index], kind);

    party->smtp = strdup(alias != NULL ? "" : found.smtp);
    if (written != NULL && written[0] != '\0' && (!known || found.display[0] == '\0'))
        party->display = strdup(written);
    else if (known)
        party->display = strdup(found.display);
    else if (letter_line(job, alias != NULL ? alias : address, &party->display, err) != 0)
        return -1;
    if (party->smtp == NULL || party->display == NULL)
        return letter_no_memory(err);
    letter_cut(party->display, LETTER_TEXT_MAX);
    return 0;
}

static int add_party(struct letter_job *job, size_t index, struct error *err)
{
    struct letter_party *party = &job->letter->parties[job->letter->party_count++];

    party->role = job->message->addresses[index].role;
    return party_resolve(job, party, index, err);
}

/* Mail of these must never be answered by a report (Q98067). */
static bool has_null_sender(const struct message *message, const char *from)
{
    const char *box = strrchr(from, '/');

    return message->priority == 'C' || (box != NULL && strcasecmp(box + 1, "POSTMASTER") == 0);
}

/* An address for who has none, or NULL without memory. */
static char *unknown_smtp(const struct letter_job *job)
{
    char *smtp;

    return asprintf(&smtp, "unknown@%s", job->options->domain) >= 0 ? smtp : NULL;
}

/* The sender of a message inside may be only a name, and it is shown all the same. */
static int fill_unknown(struct letter_job *job, struct error *err)
{
    struct letter_party *party = &job->letter->parties[job->letter->party_count++];

    party->role = ADDRESS_FROM;
    party->display = strdup(job->message->sender_name != NULL ? job->message->sender_name : "");
    party->smtp = unknown_smtp(job);
    job->letter->sender = strdup("");
    return party->smtp != NULL && party->display != NULL && job->letter->sender != NULL
               ? 0
               : letter_no_memory(err);
}

/* Servers refuse a message without a sender that can be written, and an answer to it has to reach
 * somebody: the address stays as the name (Q169671, Q177998). */
static int replace_from(struct letter_job *job, struct letter_party *party, struct error *err)
{
    if (party->smtp[0] != '\0' && strlen(party->smtp) <= ADDRESS_SMTP_MAX)
        return 0;
    free(party->smtp);
    party->smtp =
        job->options->postmaster != NULL ? strdup(job->options->postmaster) : unknown_smtp(job);
    if (party->smtp != NULL)
        return 0;
    letter_no_memory(err);
    return -1;
}

static int fill_from(struct letter_job *job, struct error *err)
{
    const struct message_address *from = message_from(job->message);
    const char *smtp;

    if (from == NULL && job->options->depth != 0)
        return fill_unknown(job, err);
    if (from == NULL)
        return error_set(err, ERROR_DATA, "5.1.7", "the message has no sender");
    if (add_party(job, (size_t)(from - job->message->addresses), err) != 0)
        return -1;
    if (replace_from(job, &job->letter->parties[0], err) != 0)
        return -1;
    smtp = job->letter->parties[0].smtp;
    job->letter->sender = strdup(has_null_sender(job->message, from->text) ? "" : smtp);
    return job->letter->sender != NULL ? 0 : letter_no_memory(err);
}

static int fill_role(struct letter_job *job, enum address_role role, struct error *err)
{
    const struct message *message = job->message;
    size_t i;

    for (i = 0; i < message->address_count; i++)
        if (message->addresses[i].role == role && add_party(job, i, err) != 0)
            return -1;
    return 0;
}

int letter_fill_parties(struct letter_job *job, struct error *err)
{
    job->letter->parties = calloc(job->message->address_count + 1, sizeof *job->letter->parties);
    if (job->letter->parties == NULL)
        return letter_no_memory(err);
    return fill_from(job, err) == 0 && fill_role(job, ADDRESS_TO, err) == 0 &&
                   fill_role(job, ADDRESS_CC, err) == 0
               ? 0
               : -1;
}
