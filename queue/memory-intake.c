/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, content, recipients, journal, remains and notes of the memory backend. */
#include "config.h"

#include "queue/memory-int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT_LIMIT ((size_t)1 << 30)

static int copy_texts(struct memory_store *own, struct store_message *to)
{
    const char **const texts[] = {&to->fingerprint, &to->postoffice, &to->queue,
                                  &to->mailbag,     &to->mai,        &to->sender,
                                  &to->message_id,  &to->subject,    &to->report_to};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        *texts[i] = memory_text(own, *texts[i]);
        if (*texts[i] == NULL)
            return -1;
    }
    return 0;
}

static int add_message(struct store *store, struct store_message *message, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_message *row = table_add(&own->messages);

    if (row == NULL)
        return memory_short(err);
    row->content = calloc(1, sizeof *row->content);
    if (row->content == NULL)
        return memory_short(err);
    buf_init(row->content, CONTENT_LIMIT);
    row->facts = *message;
    row->facts.id = own->messages.count;
    if (copy_texts(own, &row->facts) != 0)
        return memory_short(err);
    message->id = row->facts.id;
    return 0;
}

static int add_content(struct store *store, uint64_t id, const void *data, size_t size,
                       struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_message *message = memory_message(own, id);

    if (message == NULL)
        return memory_no_message(id, err);
    if (memory_keep_message(own, message) != 0)
        return memory_short(err);
    message->content->size = message->content_size;
    if (buf_append(message->content, data, size) != 0)
        return memory_short(err);
    message->content_size += size;
    return 0;
}

static int set_content_facts(struct store *store, uint64_t id, const char *message_id,
                             const char *sender, const char *subject, uint64_t size, bool eight_bit,
                             struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_message *message = memory_message(own, id);

    if (message == NULL)
        return memory_no_message(id, err);
    if (memory_keep_message(own, message) != 0)
        return memory_short(err);
    message->facts.message_id = memory_text(own, message_id);
    message->facts.sender = memory_text(own, sender);
    message->facts.subject = memory_text(own, subject);
    message->facts.size = size;
    message->facts.eight_bit = eight_bit;
    if (message->facts.message_id == NULL || message->facts.sender == NULL ||
        message->facts.subject == NULL)
        return memory_short(err);
    return 0;
}

static int journal_has(struct store *store, const char *fingerprint, const char *original,
                       struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (size_t i = own->journal.count; i-- > 0;) {
        const struct memory_journal *row = table_at(&own->journal, i);

        if (strcmp(row->fingerprint, fingerprint) == 0 &&
            memory_same_nocase(row->original, original))
            return 1;
    }
    return 0;
}

static int add_journal(struct memory_store *own, const struct store_entry *entry,
                       const char *fingerprint, struct error *err)
{
    struct memory_journal *row;

    if (fingerprint[0] == '\0')
        return 0;
    if (journal_has(&own->base, fingerprint, entry->original, err) > 0)
        return error_set(err, ERROR_DATA, "5.3.5",
                         "queue: %s is known already as a recipient of message %.16s",
                         entry->original, fingerprint);
    row = table_add(&own->journal);
    if (row == NULL)
        return memory_short(err);
    row->fingerprint = fingerprint;
    row->original = memory_text(own, entry->original);
    return row->original != NULL ? 0 : memory_short(err);
}

static int add_recipient(struct store *store, const struct store_entry *entry, struct error *err)
{
    struct memory_store *own = memory_of(store);
    const struct memory_message *message = memory_message(own, entry->message);
    struct memory_recipient *row;

    if (message == NULL)
        return memory_no_message(entry->message, err);
    if (add_journal(own, entry, message->facts.fingerprint, err) != 0)
        return -1;
    row = table_add(&own->recipients);
    if (row == NULL)
        return memory_short(err);
    row->id = own->recipients.count;
    row->message = entry->message;
    row->state = entry->state;
    row->due_ms = entry->due_ms;
    row->changed_ms = entry->now_ms;
    row->original = memory_text(own, entry->original);
    row->address = memory_text(own, entry->address);
    row->status = memory_text(own, entry->status);
    row->reply = memory_text(own, entry->reason);
    row->relay = "";
    if (row->original == NULL || row->address == NULL || row->status == NULL || row->reply == NULL)
        return memory_short(err);
    return memory_add_event(own, row, entry->now_ms, entry->event, entry->status, entry->reason, "",
                            err);
}

static int add_note(struct store *store, const struct store_entry *entry, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_recipient nobody = {.message = entry->message};

    if (memory_message(own, entry->message) == NULL)
        return memory_no_message(entry->message, err);
    return memory_add_event(own, &nobody, entry->now_ms, entry->event, "", entry->reason, "", err);
}

static int read_content(struct store *store, uint64_t id, uint64_t offset, void *out, size_t size,
                        size_t *got, struct error *err)
{
    const struct memory_message *message = memory_message(memory_of(store), id);

    if (message == NULL)
        return memory_no_message(id, err);
    if (message->purged)
        return error_set(err, ERROR_DATA, "5.3.5",
                         "queue: the content of message %" PRIu64 " was freed after delivery", id);
    if (offset >= message->content_size)
        return 0;
    *got = message->content_size - (size_t)offset;
    if (*got > size)
        *got = size;
    memcpy(out, message->content->data + offset, *got);
    return 0;
}

/* ---- remains ---- */

/* What makes two of them the same. */
static int compare_keys(const struct store_remain *a, const struct store_remain *b)
{
    int order = memory_compare_nocase(a->title, b->title);

    if (order == 0)
        order = strcmp(a->mailbag, b->mailbag);
    if (order == 0 && a->record != b->record)
        order = a->record < b->record ? -1 : 1;
    return order != 0 ? order : strcmp(a->mai, b->mai);
}

static struct store_remain *find_remain(struct memory_store *own, const struct store_remain *key)
{
    for (size_t i = 0; i < own->remains.count; i++) {
        struct store_remain *row = table_at(&own->remains, i);

        if (compare_keys(row, key) == 0)
            return row;
    }
    return NULL;
}

static int add_remain(struct store *store, const struct store_remain *remain, bool *new_one,
                      struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct store_remain copy = {.title = memory_text(own, remain->title),
                                .postoffice = memory_text(own, remain->postoffice),
                                .mailbag = memory_text(own, remain->mailbag),
                                .mai = memory_text(own, remain->mai),
                                .kind = memory_text(own, remain->kind),
                                .reason = memory_text(own, remain->reason),
                                .record = remain->record,
                                .first_ms = remain->last_ms,
                                .last_ms = remain->last_ms};
    struct store_remain *row;

    if (copy.title == NULL || copy.postoffice == NULL || copy.mailbag == NULL || copy.mai == NULL ||
        copy.kind == NULL || copy.reason == NULL)
        return memory_short(err);
    row = find_remain(own, &copy);
    *new_one =
        row == NULL || strcmp(row->kind, copy.kind) != 0 || strcmp(row->reason, copy.reason) != 0;
    if (row != NULL)
        copy.first_ms = row->first_ms;
    else
        row = table_add(&own->remains);
    if (row == NULL)
        return memory_short(err);
    *row = copy;
    return 0;
}

static int forget_remains(struct store *store, const char *title, const char *mailbag,
                          int64_t before_ms, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (size_t i = own->remains.count; i-- > 0;) {
        const struct store_remain *row = table_at(&own->remains, i);

        if (memory_same_nocase(row->title, store_text(title)) &&
            (mailbag == NULL || strcmp(row->mailbag, mailbag) == 0) && row->last_ms < before_ms)
            table_drop(&own->remains, i);
    }
    return 0;
}

static int by_remain(const void *a, const void *b)
{
    int order = strcmp(((const struct store_remain *)a)->postoffice,
                       ((const struct store_remain *)b)->postoffice);

    return order != 0 ? order : compare_keys(a, b);
}

static int list_remains(struct store *store, store_remain_seen *seen, void *context,
                        struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    if (own->remains.count != 0)
        qsort(own->remains.rows, own->remains.count, own->remains.row_size, by_remain);
    for (size_t i = 0; i < own->remains.count; i++) {
        if (seen(context, table_at(&own->remains, i)) != 0)
            break;
    }
    return 0;
}

/* ---- notes ---- */

static int put_note(struct store *store, const char *name, const char *value, int64_t now_ms,
                    struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_note *row = NULL;
    size_t place = 0;

    for (; place < own->notes.count && row == NULL; place++) {
        struct memory_note *note = table_at(&own->notes, place);

        if (strcmp(note->name, name) == 0)
            row = note;
    }
    if (value == NULL) {
        if (row != NULL)
            table_drop(&own->notes, place - 1);
        return 0;
    }
    if (row == NULL)
        row = table_add(&own->notes);
    if (row == NULL)
        return memory_short(err);
    row->name = memory_text(own, name);
    row->value = memory_text(own, value);
    row->at_ms = now_ms;
    return row->name != NULL && row->value != NULL ? 0 : memory_short(err);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct memory_note *)a)->name, ((const struct memory_note *)b)->name);
}

static int list_notes(struct store *store, const char *prefix, store_note_seen *seen, void *context,
                      struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    if (own->notes.count != 0)
        qsort(own->notes.rows, own->notes.count, own->notes.row_size, by_name);
    for (size_t i = 0; i < own->notes.count; i++) {
        const struct memory_note *row = table_at(&own->notes, i);

        if (strncmp(row->name, prefix, strlen(prefix)) == 0 &&
            seen(context, row->name, row->value, row->at_ms) != 0)
            break;
    }
    return 0;
}

void memory_intake_ops(struct store_ops *ops)
{
    ops->add_message = add_message;
    ops->add_content = add_content;
    ops->set_content_facts = set_content_facts;
    ops->add_recipient = add_recipient;
    ops->add_note = add_note;
    ops->journal_has = journal_has;
    ops->read_content = read_content;
    ops->add_remain = add_remain;
    ops->forget_remains = forget_remains;
    ops->list_remains = list_remains;
    ops->put_note = put_note;
    ops->list_notes = list_notes;
}
