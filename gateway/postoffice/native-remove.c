/* SPDX-License-Identifier: BSD-2-Clause */
/* The order is: intent, KEY (delete bits and counters), for each message its reference counter or,
 * at the last reference, its attachments and then itself; intent gone; lock gone (Q136004). */
#include "config.h"

#include "postoffice/native.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/step.h"
#include "postoffice/att.h"

/* KEY and MBG of one mailbag, open and locked while they are compared and changed. */
struct mailbag {
    const char *id;
    const struct lock *lock;
    int fd; /* of the KEY; -1 when it is let go */
    struct key key;
    uint8_t *records;
    size_t count;
};

/* A program that makes KEY anew and renames it leaves us with a file that nobody reads. */
static int lock_key(const struct mailbag *mailbag, struct native *native, const char *name,
                    struct error *err)
{
    bool same;

    if (step("removal-key-lock", err) != 0 || lock_file(mailbag->fd, name, err) != 0 ||
        root_same(native->root, name, mailbag->fd, &same, err) != 0)
        return -1;
    return same ? 0 : error_set(err, ERROR_SOFT, "", "%s: was replaced while it was opened", name);
}

static int read_mailbag(struct mailbag *mailbag, struct native *native, const char *name,
                        struct error *err)
{
    if (step("removal-key-read", err) != 0 ||
        file_pread(mailbag->fd, name, mailbag->key.octets, KEY_SIZE, 0, err) != 0 ||
        step("removal-mbg-load", err) != 0)
        return -1;
    return mbg_load(native->root, mailbag->id, &mailbag->records, &mailbag->count, err);
}

static int mailbag_open(struct mailbag *mailbag, struct native *native, const char *id,
                        const struct lock *lock, struct error *err)
{
    char name[KEY_NAME_SIZE];

    memset(mailbag, 0, sizeof *mailbag);
    mailbag->id = id;
    mailbag->lock = lock;
    snprintf(name, sizeof name, "KEY/%.8s.KEY", id);
    if (lock_check(lock, err) != 0 || step("removal-key-open", err) != 0)
        return -1;
    mailbag->fd = key_open(native->root, id, O_RDWR, &mailbag->key, err);
    if (mailbag->fd < 0)
        return -1;
    if (lock_key(mailbag, native, name, err) == 0 && read_mailbag(mailbag, native, name, err) == 0)
        return 0;
    close(mailbag->fd);
    return -1;
}

/* Clients wait for a locked KEY: it is held only while it is changed. */
static void let_key_go(struct mailbag *mailbag)
{
    if (mailbag->fd >= 0)
        close(mailbag->fd);
    mailbag->fd = -1;
}

static void mailbag_close(struct mailbag *mailbag)
{
    let_key_go(mailbag);
    free(mailbag->records);
}

static bool same_record(const struct mailbag *mailbag, uint32_t number, const uint8_t *raw)
{
    return number < mailbag->count &&
           memcmp(mailbag->records + (size_t)number * MBG_RECORD_SIZE, raw, MBG_RECORD_SIZE) == 0;
}

/* Where the header lies now: a compress may have moved it (Q101749). -1 when no live record is
 * it. */
static int64_t find_live(const struct mailbag *mailbag, const struct profile *profile,
                         uint32_t number, const uint8_t *raw)
{
    if (same_record(mailbag, number, raw) && key_is_live(&mailbag->key, profile, number))
        return number;
    for (uint32_t r = 0; r < mailbag->count; r++) {
        if (same_record(mailbag, r, raw) && key_is_live(&mailbag->key, profile, r))
            return r;
    }
    return -1;
}

/* Nobody has taken the message out of this mailbag yet, as far as its counter tells. */
static int counter_unchanged(struct native *native, const struct intent_item *item, bool *unchanged,
                             struct error *err)
{
    struct mai *mai;
    struct error why;
    uint16_t counter;

    *unchanged = false;
    error_clear(&why);
    if (mai_open(&mai, native->root, native->profile, item->mai, O_RDONLY, &why) == 0) {
        if (mai_counter(mai, &counter, &why) == 0)
            *unchanged = counter == item->before;
        mai_close(mai);
    }
    if (why.class == ERROR_NONE || why.class == ERROR_DATA)
        return 0;
    if (err != NULL)
        *err = why;
    return -1;
}

/* Sets the delete bits that are not set yet. What somebody else has removed meanwhile is done. */
static int delete_bits(struct native *native, struct mailbag *mailbag, struct intent *intent,
                       struct key *after, struct error *err)
{
    for (size_t i = 0; i < intent_count(intent); i++) {
        const struct intent_item *item = intent_get(intent, i);
        int64_t record = find_live(mailbag, native->profile, item->record, item->raw);
        bool ours = true;
        if (item->mark != INTENT_WAITING && item->mark != INTENT_KEY_ONLY)
            continue;
        if (record >= 0)
            key_delete(after, native->profile, (uint32_t)record);
        else if (item->mark == INTENT_WAITING && intent_get_stage(intent) == INTENT_KEY &&
                 counter_unchanged(native, item, &ours, err) != 0)
            return -1;
        if (!ours && intent_set_mark(intent, i, INTENT_DONE, 0, err) != 0)
            return -1;
    }
    return 0;
}

static int update_key(struct native *native, struct mailbag *mailbag, struct intent *intent,
                      struct error *err)
{
    struct key after = mailbag->key;

    if (delete_bits(native, mailbag, intent, &after, err) != 0 || step("key-write", err) != 0 ||
        key_write(mailbag->fd, mailbag->id, &mailbag->key, &after, err) != 0 ||
        step("key-written", err) != 0 || intent_key_written(intent, err) != 0)
        return -1;
    if (step("key-sync", err) != 0)
        return -1;
    if (fdatasync(mailbag->fd) != 0)
        return error_sys(err, ERROR_SOFT, "", "KEY/%s.KEY: cannot sync", mailbag->id);
    return 0;
}

struct att_list {
    uint32_t *numbers;
    size_t count;
};

static int list_attachment(void *context, const struct mai_attachment *attachment,
                           struct error *err)
{
    struct att_list *list = context;
    uint32_t *grown;

    if (list->count == MESSAGE_MAX_ATTACHMENTS)
        return error_set(err, ERROR_DATA, "", "more than %d attachments", MESSAGE_MAX_ATTACHMENTS);
    grown = realloc(list->numbers, (list->count + 1) * sizeof *grown);
    if (grown == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    list->numbers = grown;
    if (id_parse(attachment->id, &list->numbers[list->count]) == 0)
        list->count++;
    return 0;
}

static int remove_files(struct native *native, const char *id, const struct att_list *list,
                        struct error *err)
{
    char name[MAI_PATH_SIZE], att[9];

    for (size_t i = 0; i < list->count; i++) {
        id_make(list->numbers[i], att);
        if (step("att-remove", err) != 0 || att_remove(native->root, att, err) != 0)
            return -1;
    }
    mai_path(id, name);
    return step("mai-remove", err) == 0 ? root_unlink(native->root, name, err) : -1;
}

/* The last reference: attachments first, so that after a crash the message still names them. The
 * file is closed before it is removed, as an SMB server needs it. */
static int remove_message(struct native *native, struct mai *mai, const char *id, struct error *err)
{
    struct att_list list = {NULL, 0};
    int status = mai_attachments(mai, list_attachment, &list, err);

    mai_close(mai);
    if (status == 0)
        status = remove_files(native, id, &list, err);
    free(list.numbers);
    return status;
}

static int take_reference(struct mai *mai, struct intent *intent, size_t index, uint16_t counter,
                          struct error *err)
{
    if (intent_set_mark(intent, index, INTENT_STARTED, counter, err) != 0 ||
        step("counter-write", err) != 0 || mai_set_counter(mai, (uint16_t)(counter - 1), err) != 0)
        return -1;
    if (step("counter-sync", err) != 0)
        return -1;
    if (fdatasync(mai_fd(mai)) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot sync", mai_name(mai));
    return 0;
}

/* Takes MAI over. *LEFT: references that are left. A client may have removed the message, and its
 * number may be somebody else's, between our open and our lock. */
static int release_open(struct native *native, struct mai *mai, struct intent *intent, size_t index,
                        uint16_t *left, struct error *err)
{
    const struct intent_item *item = intent_get(intent, index);
    uint16_t counter;
    bool same;
    int status = -1;

    if (step("message-lock", err) == 0 && lock_file(mai_fd(mai), mai_name(mai), err) == 0 &&
        root_same(native->root, mai_name(mai), mai_fd(mai), &same, err) == 0 &&
        mai_counter(mai, &counter, err) == 0) {
        if (!same) {
            status = error_set(err, ERROR_SOFT, "", "%s: was replaced while it was opened",
                               mai_name(mai));
        } else if (item->mark == INTENT_STARTED && counter != item->started) {
            *left = counter;
            status = 0;
        } else if (counter > 1) {
            *left = (uint16_t)(counter - 1);
            status = take_reference(mai, intent, index, counter, err);
        } else {
            return remove_message(native, mai, item->mai, err);
        }
    }
    mai_close(mai);
    return status;
}

/* What is not there may be out of reach only, and come back. */
static int check_absent(struct native *native, const struct mailbag *mailbag, const char *id,
                        struct error *err)
{
    char name[MAI_PATH_SIZE];
    struct stat st;
    struct error why;

    mai_path(id, name);
    if (lock_check(mailbag->lock, err) != 0)
        return -1;
    if (root_stat(native->root, name, &st, &why) != 0 && why.sys == ENOENT)
        return 0;
    return error_set(err, ERROR_SOFT, "", "%s: was absent a moment ago", name);
}

/* A message that cannot be read any more stays as an orphan, which harms nobody (Q101833). */
static int release_message(struct native *native, const struct mailbag *mailbag,
                           struct intent *intent, size_t index, struct error *err)
{
    const struct intent_item *item = intent_get(intent, index);
    struct error why;
    struct mai *mai;
    uint16_t left = 0;
    int status;

    error_clear(&why);
    status = step("message-release", &why);
    if (status == 0)
        status = mai_open(&mai, native->root, native->profile, item->mai, O_RDWR, &why);
    if (status == 0)
        status = release_open(native, mai, intent, index, &left, &why);
    if (status == 0)
        status = lock_check(mailbag->lock, &why);
    if (status != 0 && why.class != ERROR_DATA) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    if (status != 0 && why.sys == ENOENT && check_absent(native, mailbag, item->mai, err) != 0)
        return -1;
    if (status != 0 && why.sys != ENOENT)
        log_warn("native", "message %s stays as an orphan: %s", item->mai, why.text);
    return intent_set_mark(intent, index, INTENT_DONE, left, err);
}

/* Two records of one mailbag never point to the same message (Q77926); where they do they count as
 * one reference, so that no other mailbag loses the message. */
static bool released_before(const struct intent *intent, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(intent_get(intent, i)->mai, intent_get(intent, index)->mai) == 0)
            return true;
    }
    return false;
}

static int end_removal(const struct intent_place *place, struct intent *intent, struct error *err)
{
    if (released_add(place, intent, err) == 0 && step("intent-remove", err) == 0)
        return intent_end(intent, err);
    intent_free(intent);
    return -1;
}

static bool to_release(const struct intent *intent, size_t index)
{
    enum intent_mark mark = intent_get(intent, index)->mark;

    return mark != INTENT_DONE && mark != INTENT_KEY_ONLY && !released_before(intent, index);
}

/* Takes INTENT over. On -1 its file stays, and the next holder of the lock goes on with it. */
static int run(struct native *native, struct mailbag *mailbag, struct intent *intent,
               struct error *err)
{
    struct intent_place place;
    int status = update_key(native, mailbag, intent, err);

    let_key_go(mailbag);
    for (size_t i = 0; i < intent_count(intent) && status == 0; i++) {
        if (to_release(intent, i))
            status = release_message(native, mailbag, intent, i, err);
    }
    native_place(native, mailbag->id, &place);
    if (status == 0)
        return end_removal(&place, intent, err);
    intent_free(intent);
    return -1;
}

void native_place(const struct native *native, const char *mailbag, struct intent_place *out)
{
    out->directory = native->directory;
    out->postoffice = native->name;
    out->path = native->path;
    out->mailbag = mailbag;
}

/* The header of an item whose reference was given back before: a counter above what was left then
 * tells that the whole message came back, from a backup. */
static enum intent_mark first_mark(const struct released *released, const struct native_item *item)
{
    uint16_t left;

    if (item->header_only)
        return INTENT_KEY_ONLY;
    return released_find(released, item->raw, &left) && item->counter <= left ? INTENT_KEY_ONLY
                                                                              : INTENT_WAITING;
}

/* A message that was gone, and is there again: its header stays. */
static bool came_back(const struct native *native, const struct native_item *item)
{
    char name[MAI_PATH_SIZE];
    struct error ignored;
    struct stat st;

    mai_path(item->item.place.mai, name);
    return item->header_only &&
           (root_stat(native->root, name, &st, &ignored) == 0 || ignored.sys != ENOENT);
}

static void tell_taken(const struct native *native, const struct native_item *item)
{
    if (native->watch.taken != NULL)
        native->watch.taken(native->watch.context, &item->item);
}

/* The accepted items that are still where they were, or elsewhere in the mailbag. What somebody
 * else deleted is done; what is another record now is told. */
static size_t pick_items(const struct native *native, const struct mailbag *mailbag,
                         const struct released *released, struct intent_item *out, size_t *changed)
{
    size_t count = 0;

    for (size_t i = 0; i < native->batch.count; i++) {
        const struct native_item *item = &native->batch.items[i];
        int64_t record;
        if (!item->accepted || !(item->counted || item->header_only) || came_back(native, item))
            continue;
        record = find_live(mailbag, native->profile, item->item.place.record, item->raw);
        if (record < 0 && same_record(mailbag, item->item.place.record, item->raw)) {
            tell_taken(native, item);
            continue;
        }
        if (record < 0) {
            ++*changed;
            continue;
        }
        out[count].record = (uint32_t)record;
        memcpy(out[count].mai, item->item.place.mai, sizeof out[count].mai);
        out[count].before = item->counter;
        out[count].mark = first_mark(released, item);
        out[count].started = 0;
        memcpy(out[count].raw, item->raw, MBG_RECORD_SIZE);
        count++;
    }
    return count;
}

static int remove_items(struct native *native, struct mailbag *mailbag, struct intent_item *items,
                        struct error *err)
{
    struct intent_place place;
    struct released *released;
    struct intent *intent;
    size_t changed = 0;
    size_t count;

    native_place(native, mailbag->id, &place);
    if (released_load(&released, &place, err) != 0)
        return -1;
    count = pick_items(native, mailbag, released, items, &changed);
    released_free(released);
    if (count != 0 &&
        (step("intent-write", err) != 0 || intent_create(&intent, &place, items, count, err) != 0 ||
         run(native, mailbag, intent, err) != 0))
        return -1;
    if (changed == 0)
        return 0;
    return error_set(err, ERROR_SOFT, "",
                     "MBG/%s.MBG: %zu records were changed by another program although the mailbag "
                     "is locked; they are not removed",
                     mailbag->id, changed);
}

bool native_any_accepted(const struct native_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->items[i].accepted)
            return true;
    }
    return false;
}

int native_remove(struct native *native, struct error *err)
{
    struct native_batch *batch = &native->batch;
    struct intent_item *items;
    struct mailbag mailbag;
    int status;

    if (mailbag_open(&mailbag, native, batch->queue->route.mailbag, batch->lock, err) != 0)
        return -1;
    items = calloc(batch->count, sizeof *items);
    status = items != NULL ? remove_items(native, &mailbag, items, err)
                           : error_sys(err, ERROR_SOFT, "", "%s: no memory", mailbag.id);
    free(items);
    mailbag_close(&mailbag);
    return status;
}

int native_recover(struct native *native, const char *id, const struct lock *lock,
                   struct error *err)
{
    struct intent_place place;
    struct intent *intent;
    struct mailbag mailbag;
    int status;

    native_place(native, id, &place);
    if (intent_load(&intent, &place, err) != 0)
        return -1;
    if (intent == NULL)
        return 0;
    if (mailbag_open(&mailbag, native, id, lock, err) != 0) {
        intent_free(intent);
        return error_prefix(err, "finishing a removal");
    }
    log_info("native", "mailbag %s: finishing a removal of %zu items that was cut off", id,
             intent_count(intent));
    status = run(native, &mailbag, intent, err);
    mailbag_close(&mailbag);
    return status == 0 ? 0 : error_prefix(err, "finishing a removal");
}

/* Who holds the lock is alive, and finishes it himself or leaves it to the next. */
static int recover_one(void *context, const char *mailbag, struct error *err)
{
    struct native *native = context;
    struct error why;
    struct lock *lock;
    int status;

    if (lock_take(&lock, native->root, mailbag, &why) != 0) {
        log_info("native", "mailbag %s: a removal waits to be finished: %s", mailbag, why.text);
        return 0;
    }
    status = native_recover(native, mailbag, lock, err);
    lock_release(lock);
    return status;
}

int native_recover_all(struct native *native, struct error *err)
{
    return intent_each(native->directory, native->name, recover_one, native, err);
}
