/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/resolve.h"
#include "message/trace.h"

/* MIME is larger than what it was made from: base64 takes 4/3, quoted-printable up to 3. */
#define MIME_GROWTH 4
#define MIME_EXTRA UINT64_C(16777216)

static int add_to_writer(void *context, const void *data, size_t size, struct error *err)
{
    return content_writer_add(context, data, size, err);
}

/* What the MIME form may need at most; reached only by a mistake of ours. */
static uint64_t mime_limit(const struct message *message)
{
    uint64_t limit = MIME_EXTRA;

    limit += MIME_GROWTH * (message->text != NULL ? content_size(message->text) : 0);
    for (size_t i = 0; i < message->attachment_count; i++) {
        const struct content *content = message->attachments[i].content;
        limit += 2 * (content != NULL ? content_size(content) : 0);
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

static int write_mime(struct prepared *prepared, const struct letter *letter, const char *directory,
                      struct error *err)
{
    struct content_writer *writer;

    if (content_writer_new(&writer, directory, mime_limit(prepared->item->message), err) != 0)
        return -1;
    if (mime_write(letter, add_to_writer, writer, &prepared->facts, err) != 0) {
        content_writer_free(writer);
        return -1;
    }
    return content_writer_finish(writer, &prepared->mime, err);
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

int prepare_mime(struct prepared *prepared, const struct intake *intake,
                 const struct settings_postoffice *postoffice, struct groups *groups,
                 struct error *err)
{
    const struct settings *settings = intake->settings;
    const struct message *message = prepared->item->message;
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
        .registered_normal = postoffice->registered_normal,
        .legacy_receipts = postoffice->legacy_receipts,
        .latin1 = postoffice->latin1,
    };
    struct letter *letter;
    int status;
    struct lookup found;

    prepared->sender = strdup(resolve_sender(settings, postoffice, intake->map, message, &found));
    if (prepared->sender == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for an address");
    if (hold_returned(prepared, settings->domain, err) != 0 ||
        letter_make(&letter, message, prepared->digest, &options, err) != 0)
        return -1;
    prepared->class = strdup(letter->class);
    /* Reports and receipts must never be answered by a report (Q98067). */
    if (letter->sender[0] == '\0')
        prepared->sender[0] = '\0';
    status = prepared->class != NULL ? write_mime(prepared, letter, settings->temporary, err)
                                     : error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a class");
    letter_free(letter);
    return status;
}

void prepared_clear(struct prepared *prepared)
{
    prepared_clear_recipients(prepared);
    free(prepared->sender);
    free(prepared->class);
    mime_facts_clear(&prepared->facts);
    content_free(prepared->mime);
    memset(prepared, 0, sizeof *prepared);
}
