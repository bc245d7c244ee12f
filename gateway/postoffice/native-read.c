/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/native.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "base/step.h"
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

/* Whether the files of the postoffice are within reach at all: our lock file is one of them;
 * without one, the KEY of the mailbag is. */
static int check_reach(const struct native *native, struct error *err)
{
    const char *id = native->batch.queue->route.mailbag;
    struct error why;
    struct key key;

    if (native->batch.lock != NULL)
        return lock_check(native->batch.lock, err);
    if (key_load(native->root, id, &key, &why) == 0)
        return 0;
    return error_set(err, ERROR_SOFT, "", "the postoffice's files are out of reach: %s", why.text);
}

/* The header was listed, and now its message is absent. A client may have deleted both meanwhile.
 */
static int check_listed(const struct native *native, const struct native_item *item,
                        struct error *err)
{
    struct key key;

    if (check_reach(native, err) != 0 ||
        key_load(native->root, item->item.place.mailbag, &key, err) != 0)
        return -1;
    if (key_is_live(&key, native->profile, item->item.place.record))
        return 0;
    return error_set(err, ERROR_SOFT, "", "was deleted by another program while it was read");
}

/* 1 when we have taken the message out before and its header has come back. */
static int was_released(const struct native *native, struct native_item *item, struct error *err)
{
    struct intent_place place;
    struct released *released;
    uint16_t left;

    if (native->batch.lock == NULL)
        return 0;
    native_place(native, item->item.place.mailbag, &place);
    if (released_load(&released, &place, err) != 0)
        return -1;
    item->header_only = released_find(released, item->raw, &left);
    item->accepted = item->header_only;
    released_free(released);
    return item->header_only;
}

/* The message is gone: what its header tells of it goes with the error. The caller may accept such
 * an item; then the header is removed. */
static int lost(struct native_item *item, const struct error *why, struct error *err)
{
    const struct mbg_record *record = &item->record;
    const struct message_date *date = &record->date;
    char when[32] = "without a date";

    item->header_only = true;
    if (date->set)
        snprintf(when, sizeof when, "of %04d-%02d-%02d %02d:%02d", date->year, date->month,
                 date->day, date->hour, date->minute);
    error_set(err, ERROR_DATA, "", "%s; from %.10s, \"%.40s\", %s", why->text, record->sender,
              record->subject, when);
    if (err != NULL)
        err->sys = ENOENT;
    return -1;
}

/* WHY the message could not be opened or read: -1 and what to make of it, or 1 as native_read. */
static int explain(const struct native *native, struct native_item *item, const struct error *why,
                   struct error *err)
{
    int status;

    if (why->class == ERROR_DATA && why->sys == ENOENT) {
        if (check_listed(native, item, err) != 0)
            return -1;
        status = was_released(native, item, err);
        return status != 0 ? status : lost(item, why, err);
    }
    if (err != NULL)
        *err = *why;
    return -1;
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
    if (step("mai-open", err) != 0 || mai_open(&batch->mai, native->root, native->profile,
                                               item->item.place.mai, O_RDONLY, err) != 0)
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

    if (queue->user)
        return 0;
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

    message->received = item->record.date;
    if (message->date.set || !item->record.date.set)
        return;
    message->date = item->record.date;
    if (!profile_knows(native->profile, PROFILE_DATE_FORM))
        return; /* of no message */
    message->date_borrowed = true;
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
    if (step("counter-read", err) != 0 || mai_counter(native->batch.mai, &item->counter, err) != 0)
        return -1;
    item->counted = true;
    return 0;
}

static int read_message(struct native *native, struct native_item *item, struct error *err)
{
    if (open_message(native, item, err) != 0 ||
        message_new(&item->item.message, native->name, native->codepage, err) != 0)
        return -1;
    if (step("envelope-read", err) != 0 ||
        mai_envelope(native->batch.mai, item->item.message, err) != 0 ||
        check_fit(item, err) != 0 || read_counter(native, item, err) != 0)
        return -1;
    complete_date(native, item);
    return find_recipients(native->batch.queue, item, err);
}

int native_read(struct native *native, struct native_item *item, struct error *err)
{
    struct error why;
    int status;

    if (read_message(native, item, &why) == 0)
        return 0;
    status = explain(native, item, &why, err);
    return status < 0 ? where(item, err) : status;
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
    bool same;

    if (step("att-load", err) != 0 ||
        att_load(native->root, native->profile, attachment->id, native->directory, native->max_size,
                 &content, err) != 0)
        return -1;
    /* A message that loses an attachment is relayed without it (Q118675): not one that is deleted
     * with it just now, nor one whose share goes away. */
    if (content == NULL) {
        if (check_reach(native, err) != 0 || root_same(native->root, mai_name(native->batch.mai),
                                                       mai_fd(native->batch.mai), &same, err) != 0)
            return -1;
        if (!same)
            return error_set(err, ERROR_SOFT, "",
                             "was deleted by another program while it was read");
    }
    if (message_add_attachment(loading->message, attachment->name, attachment->name_size, content,
                               err) != 0)
        return -1;
    message_date_attachment(loading->message, &attachment->modified);
    return 0;
}

int native_load(struct native *native, struct native_item *item, struct error *err)
{
    struct loading loading = {native, item->item.message};

    if (item->loaded)
        return 0;
    if (open_message(native, item, err) != 0 || step("text-read", err) != 0 ||
        mai_text(native->batch.mai, native->directory, native->max_size, &loading.message->text,
                 err) != 0 ||
        mai_attachments(native->batch.mai, load_attachment, &loading, err) != 0)
        return where(item, err);
    item->loaded = true;
    return 0;
}
