/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/native.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "message/address.h"
#include "postoffice/att.h"

#define MAILBOX_SIZE 10 /* characters of a mailbox (Q116466) ... */
#define SUBJECT_SIZE 40 /* ... and of a subject in a mailbag (Q156844) */

void native_close_message(struct native_batch *batch)
{
    mai_close(batch->mai);
    batch->mai = NULL;
    batch->reading = NULL;
}

static int where(const struct native_item *item, struct error *err)
{
    const struct item_place *place = &item->item.place;

    return error_prefix(err, "mailbag %s, record %u, message %s", place->mailbag,
                        (unsigned)place->record, place->mai[0] != '\0' ? place->mai : "?");
}

/* The message file stays open from door_next to door_load of the same item. */
static int open_message(struct native *native, struct native_item *item, struct error *err)
{
    struct native_batch *batch = &native->batch;

    if (batch->reading == item)
        return 0;
    native_close_message(batch);
    if (item->item.place.mai[0] == '\0')
        return error_set(err, ERROR_DATA, "", "MBG/%s.MBG: the record holds no message number",
                         item->item.place.mailbag);
    if (mai_open(&batch->mai, native->root, native->profile, item->item.place.mai, O_RDONLY, err) !=
        0)
        return -1;
    batch->reading = item;
    return 0;
}

/* "NET/PO/anything" is of "NET/PO" (Q85053); for a gateway "NAME:anything", or "NAME/..." as its
 * name is a network's. */
static bool is_of_queue(const char *address, const struct native_queue *queue)
{
    bool found = address_in_queue(address, queue->name, queue->route.kind == ROUTE_GATEWAY);

    for (size_t i = 0; i < queue->sharer_count && !found; i++)
        found = address_in_queue(address, queue->sharers[i].name,
                                 queue->sharers[i].kind == ROUTE_GATEWAY);
    return found;
}

static int find_recipients(const struct native_queue *queue, struct native_item *item,
                           struct error *err)
{
    const struct message *message = item->item.message;

    item->recipients = calloc(message->address_count + 1, sizeof *item->recipients);
    if (item->recipients == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    item->item.recipients = item->recipients;
    for (size_t i = 0; i < message->address_count; i++) {
        const struct message_address *address = &message->addresses[i];
        if (address->role != ADDRESS_FROM && is_of_queue(address->text, queue))
            item->recipients[item->item.recipient_count++] = i;
    }
    return 0;
}

/* The header's date is that of the same message; clients were known to write dates that no one can
 * read (Q120449, Q170137). */
static void complete_date(const struct native *native, struct native_item *item)
{
    struct message *message = item->item.message;

    if (message->date.set || !item->record.date.set)
        return;
    message->date = item->record.date;
    if (!profile_knows(native->profile, PROFILE_DATE_FORM))
        return;
    log_info("native", "mailbag %s, record %u, message %s: no readable date; the header's is used",
             item->item.place.mailbag, (unsigned)item->item.place.record, item->item.place.mai);
}

/* The mailbag names the sender by his mailbox; of other systems' addresses it is not known how. */
static bool same_sender(const struct message *message, const struct mbg_record *record)
{
    const struct message_address *from = message_from(message);
    const char *box = from != NULL ? strrchr(from->text, '/') : NULL;

    if (box == NULL || record->sender[0] == '\0' || strchr(from->text, ':') != NULL)
        return true;
    return strncasecmp(box + 1, record->sender, MAILBOX_SIZE) == 0;
}

/* Subject and sender lie in the mailbag in clear: with the profile of another postoffice, or a key
 * of another time, they are not what the message says. */
static int check_fit(const struct native_item *item, struct error *err)
{
    const struct message *message = item->item.message;
    const char *what = NULL;

    if (strncmp(message->subject, item->record.subject, SUBJECT_SIZE) != 0)
        what = "subject";
    else if (!same_sender(message, &item->record))
        what = "sender";
    if (what == NULL)
        return 0;
    return error_set(err, ERROR_DATA, "",
                     "the profile does not fit this message: its %s is another than the mailbag's",
                     what);
}

/* With the counter out of place the message could be relayed but never removed. */
static int read_counter(struct native *native, struct native_item *item, struct error *err)
{
    if (native->read_only)
        return 0;
    if (mai_counter(native->batch.mai, &item->counter, err) != 0)
        return -1;
    item->counted = true;
    return 0;
}

static int read_message(struct native *native, struct native_item *item, struct error *err)
{
    if (open_message(native, item, err) != 0 ||
        message_new(&item->item.message, native->name, native->codepage, err) != 0)
        return -1;
    if (mai_envelope(native->batch.mai, item->item.message, err) != 0 ||
        check_fit(item, err) != 0 || read_counter(native, item, err) != 0)
        return -1;
    complete_date(native, item);
    return find_recipients(native->batch.queue, item, err);
}

int native_read(struct native *native, struct native_item *item, struct error *err)
{
    return read_message(native, item, err) == 0 ? 0 : where(item, err);
}

struct loading {
    struct native *native;
    struct message *message;
};

static int load_attachment(void *context, const struct mai_attachment *attachment,
                           struct error *err)
{
    const struct loading *loading = context;
    const struct native *native = loading->native;
    struct content *content;

    if (att_load(native->root, native->profile, attachment->id, native->directory, native->max_size,
                 &content, err) != 0)
        return -1;
    return message_add_attachment(loading->message, attachment->name, attachment->name_size,
                                  content, err);
}

int native_load(struct native *native, struct native_item *item, struct error *err)
{
    struct loading loading = {native, item->item.message};

    if (item->loaded)
        return 0;
    if (open_message(native, item, err) != 0 ||
        mai_text(native->batch.mai, native->directory, native->max_size, &loading.message->text,
                 err) != 0 ||
        mai_attachments(native->batch.mai, load_attachment, &loading, err) != 0)
        return where(item, err);
    item->loaded = true;
    return 0;
}
