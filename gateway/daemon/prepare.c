/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "daemon/resolve.h"
#include "daemon/threads.h"
#include "message/trace.h"

/* MIME is larger than what it was made from: base64 takes 4/3, quoted-printable up to 3. */
#define MIME_GROWTH 8 /* a report that returns its attachments has the text twice */
#define MIME_EXTRA UINT64_C(16777216)

static int add_to_writer(void *context, const void *data, size_t size, struct error *err)
{
    return content_writer_add(context, data, size, err);
}

/* What the MIME form may need at most; reached only by a mistake of ours. */
static uint64_t mime_limit(const struct letter *letter)
{
    uint64_t limit = MIME_EXTRA;

    limit += MIME_GROWTH * (letter->text != NULL ? content_size(letter->text) : 0);
    limit += MIME_GROWTH * (letter->html != NULL ? strlen(letter->html) : 0);
    for (size_t i = 0; i < letter->part_count; i++) {
        const struct letter_part *part = &letter->parts[i];

        limit += 2 * (part->content != NULL ? content_size(part->content) : 0);
        limit += part->letter != NULL ? mime_limit(part->letter) : 0;
    }
    return limit;
}

int prepare_fingerprint(struct prepared *prepared, struct door *door, struct item *item,
                        struct error *err)
{
    if (door_load(door, item, err) != 0)
        return -1;
    if (message_fingerprint(item->message, prepared->digest, err) != 0)
        return -1;
    fingerprint_hex(prepared->digest, prepared->fingerprint);
    return 0;
}

/* Sent by a program, or told to be: it must never be answered by a report (Q98067, Q175447). */
static bool is_automatic(const struct message *message, const struct letter *letter)
{
    if (letter->sender[0] == '\0' || letter->report != NULL)
        return true;
    for (size_t i = 0; i < message->extra_count; i++) {
        const struct message_extra *extra = &message->extras[i];

        if (strcasecmp(extra->name, "Auto-Submitted") == 0 && strcasecmp(extra->value, "no") != 0)
            return true;
    }
    return false;
}

static int fill_reporting(struct prepared *prepared, const struct intake *intake,
                          const struct settings_postoffice *postoffice, const struct letter *letter,
                          struct error *err)
{
    const struct message *message = prepared->item->message;
    const char *to = NULL;
    struct lookup found;

    if (!is_automatic(message, letter))
        to = resolve_originator(intake->settings, postoffice, intake->map, message, &found);
    prepared->report_to = strdup(to != NULL ? to : "");
    if (prepared->report_to == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for an address");
    /* The server's report goes to the envelope sender: that has to be who asked. */
    prepared->notify = to != NULL && postoffice->receipt_as_dsn && letter->asks_receipt &&
                       strcmp(to, prepared->sender) == 0;
    return 0;
}

/* Gives the MIME form and its facts, only when all of it could be made. */
static int write_mime(struct prepared *prepared, const struct letter *letter, const char *directory,
                      struct error *err)
{
    struct mime_facts facts = {0};
    struct content_writer *writer;
    struct content *mime;

    if (content_writer_new(&writer, directory, mime_limit(letter), err) != 0)
        return -1;
    if (mime_write(letter, add_to_writer, writer, &facts, err) != 0) {
        mime_facts_clear(&facts);
        content_writer_free(writer);
        return -1;
    }
    if (content_writer_finish(writer, &mime, err) != 0) {
        mime_facts_clear(&facts);
        return -1;
    }
    mime_facts_clear(&prepared->facts);
    content_free(prepared->mime);
    prepared->facts = facts;
    prepared->mime = mime;
    return 0;
}

static const char *find_group(void *context, const char *address)
{
    return groups_alias(context, address);
}

/* The operator decides about a message that went round once: sent again it would go round again. */
static int hold_returned(struct prepared *prepared, const char *domain, struct error *err)
{
    char id[TRACE_ID_SIZE];
    bool returned;

    if (trace_returned(prepared->item->message, domain, &returned, id, err) != 0)
        return -1;
    if (returned)
        snprintf(prepared->held, sizeof prepared->held, "loop: %s has come back", id);
    return 0;
}

static int make_letter(struct letter **out, const struct prepared *prepared,
                       const struct intake *intake, const struct settings_postoffice *postoffice,
                       struct groups *groups, struct error *err)
{
    const struct settings *settings = intake->settings;
    struct letter_options options = {
        .map = intake->map,
        .rules = postoffice->rewrite_unmapped,
        .domain = settings->domain,
        .postmaster = settings->postmaster,
        .group = find_group,
        .group_context = groups,
        .timezone = postoffice->timezone,
        .directory = settings->temporary,
        .received_ms = clock_now_ms(),
        .block = postoffice->header_block,
        .tnef = postoffice->tnef,
        .schedule = postoffice->schedule,
        .ole = postoffice->ole,
        .registered_normal = postoffice->registered_normal,
        .legacy_receipts = postoffice->legacy_receipts,
        .latin1 = postoffice->latin1,
    };

    return letter_make(out, prepared->item->message, prepared->digest, &options, err);
}

static int finish_mime(struct prepared *prepared, struct letter *letter, const char *directory,
                       struct error *err)
{
    if (prepared->in_reply_to != NULL &&
        letter_answer(letter, prepared->in_reply_to, prepared->references, err) != 0)
        return -1;
    return write_mime(prepared, letter, directory, err);
}

static int set_texts(struct prepared *prepared, const struct intake *intake,
                     const struct settings_postoffice *postoffice, const struct letter *letter,
                     struct error *err)
{
    struct lookup found;

    prepared->own = letter->own;
    prepared->parents = letter->parents;
    prepared->message_id = strdup(letter->message_id);
    prepared->class = strdup(letter->class);
    /* Reports and receipts must never be answered by a report (Q98067). */
    prepared->sender =
        strdup(letter->sender[0] == '\0' ? ""
                                         : resolve_sender(intake->settings, postoffice, intake->map,
                                                          prepared->item->message, &found));
    if (prepared->message_id == NULL || prepared->sender == NULL || prepared->class == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for an address");
    if (hold_returned(prepared, intake->settings->domain, err) != 0)
        return -1;
    return fill_reporting(prepared, intake, postoffice, letter, err);
}

int prepare_mime(struct prepared *prepared, const struct intake *intake,
                 const struct settings_postoffice *postoffice, struct groups *groups,
                 const struct prepared *batch, size_t count, struct error *err)
{
    struct letter *letter;
    int status;

    if (make_letter(&letter, prepared, intake, postoffice, groups, err) != 0)
        return -1;
    status = set_texts(prepared, intake, postoffice, letter, err);
    if (status == 0)
        status = threads_find(prepared, intake->store, batch, count, err);
    if (status == 0)
        status = finish_mime(prepared, letter, intake->settings->temporary, err);
    letter_free(letter);
    return status;
}

int prepare_again(struct prepared *prepared, const struct intake *intake,
                  const struct settings_postoffice *postoffice, struct groups *groups,
                  struct error *err)
{
    struct letter *letter;
    int status;

    if (make_letter(&letter, prepared, intake, postoffice, groups, err) != 0)
        return -1;
    status = finish_mime(prepared, letter, intake->settings->temporary, err);
    letter_free(letter);
    return status;
}

void prepared_clear(struct prepared *prepared)
{
    prepared_clear_recipients(prepared);
    free(prepared->sender);
    free(prepared->class);
    free(prepared->message_id);
    free(prepared->in_reply_to);
    free(prepared->references);
    free(prepared->report_to);
    mime_facts_clear(&prepared->facts);
    content_free(prepared->mime);
    memset(prepared, 0, sizeof *prepared);
}
