/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/native.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SHARERS 1000

static const struct door_operations operations;

static struct native *native_of(struct door *door)
{
    return (struct native *)(void *)door;
}

static void clear_batch(struct native_batch *batch)
{
    native_close_message(batch);
    for (size_t i = 0; i < batch->count; i++) {
        message_free(batch->items[i].item.message);
        free(batch->items[i].recipients);
    }
    free(batch->items);
    lock_release(batch->lock);
    memset(batch, 0, sizeof *batch);
}

static void end_round(struct native *native)
{
    for (size_t i = 0; i < native->queue_count; i++) {
        free(native->queues[i].seen);
        native->queues[i].seen = NULL;
    }
    native->at = 0;
    native->again = false;
    native->in_round = false;
}

/* Finds the mailbags of all queues: how many, and in ERR what was wrong with the first that has none
 * now. One damaged table concerns its own queues only. */
static size_t find_routes(struct native *native, struct error *err)
{
    size_t found = 0;

    for (size_t i = 0; i < native->queue_count; i++) {
        struct native_queue *queue = &native->queues[i];
        struct error why;

        if (route_find(native->root, queue->name, &queue->route, &why) == 0) {
            found++;
            continue;
        }
        memset(&queue->route, 0, sizeof queue->route);
        if (err != NULL && found == i)
            *err = why;
    }
    return found;
}

/* Mail of two queues in one mailbag: whoever takes an item for the people of one takes it away from
 * those of the other. Only a damaged table says so, or settings that name a queue in two ways. */
static int check_alone(const struct native *native, const struct native_queue *queue,
                       struct error *err)
{
    for (size_t i = 0; i < native->queue_count; i++) {
        const struct native_queue *other = &native->queues[i];

        if (other != queue && strcmp(other->route.mailbag, queue->route.mailbag) == 0)
            return error_set(err, ERROR_SETUP, "",
                             "queue %s: GLB/NETWORK.GLB or XTN leads to mailbag %s, and for queue "
                             "%s too; nothing is taken from it",
                             queue->name, queue->route.mailbag, other->name);
    }
    return 0;
}

static void forget_sharers(struct native_queue *queue)
{
    free(queue->sharers);
    queue->sharers = NULL;
    queue->sharer_count = 0;
}

static int note_sharer(void *context, const struct route *route, struct error *err)
{
    struct native_queue *queue = context;
    struct route *grown;

    if (strcmp(route->mailbag, queue->route.mailbag) != 0 ||
        route_same_name(route->name, queue->route.name))
        return 0;
    if (queue->sharer_count == MAX_SHARERS)
        return error_set(err, ERROR_DATA, "",
                         "queue %s: GLB/NETWORK.GLB and XTN lead more than %d others to mailbag %s",
                         queue->name, MAX_SHARERS, queue->route.mailbag);
    grown = reallocarray(queue->sharers, queue->sharer_count + 1, sizeof *grown);
    if (grown == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", queue->name);
    queue->sharers = grown;
    queue->sharers[queue->sharer_count++] = *route;
    return 0;
}

/* Postoffices behind this one and gateways that use another's mailbag (Q118561, Q104425): what is
 * taken for the one must not be taken away from the other. */
static int find_sharers(const struct native *native, struct native_queue *queue, struct error *err)
{
    forget_sharers(queue);
    return route_each(native->root, note_sharer, queue, err);
}

/* Mailbag ids are looked up again in every round: an administrator may have changed the routing,
 * and a number can be given to somebody else (Q135031, Q117738). */
static int begin_queue(struct native *native, struct error *err)
{
    struct native_queue *queue = &native->queues[native->at];
    struct native_batch *batch = &native->batch;

    batch->queue = queue;
    if (!native->again && (route_find(native->root, queue->name, &queue->route, err) != 0 ||
                           check_alone(native, queue, err) != 0 ||
                           find_sharers(native, queue, err) != 0))
        return -1;
    if (native->read_only)
        return 0;
    if (lock_take(&batch->lock, native->root, queue->route.mailbag, err) != 0)
        return -1;
    return native_recover(native, queue->route.mailbag, err);
}

/* The queue has its turn again while there is mail of it that nobody has seen in this round: beyond
 * the limit, or at the end of a batch that the caller ended early; not when he read none of it. */
static void end_batch(struct native *native)
{
    const struct native_batch *batch = &native->batch;

    native->again = batch->next != 0 && (batch->more || batch->next < batch->count);
    if (!native->again)
        native->at++;
    clear_batch(&native->batch);
}

/* One queue: 1 a batch is open, 0 nothing waits, -1 error. In the last two cases it is done. */
static int try_queue(struct native *native, size_t limit, struct error *err)
{
    int left = begin_queue(native, err) == 0 ? native_list(native, limit, err) : -1;

    if (left > 0) {
        native->batch.open = true;
        native->batch.more = (size_t)left > native->batch.count;
        return 1;
    }
    end_batch(native);
    return left;
}

static int native_begin(struct door *door, size_t limit, struct error *err)
{
    struct native *native = native_of(door);
    int status = 0;

    assert(!native->batch.open);
    if (!native->in_round) {
        native->in_round = true;
        if (!native->read_only && native_recover_all(native, err) != 0)
            return -1;
    }
    while (status == 0 && native->at < native->queue_count)
        status = try_queue(native, limit != 0 ? limit : 1, err);
    if (status == 0)
        end_round(native);
    return status;
}

static int native_next(struct door *door, struct item **out, struct error *err)
{
    struct native *native = native_of(door);
    struct native_batch *batch = &native->batch;
    struct native_item *item;

    if (!batch->open || batch->next == batch->count)
        return 0;
    item = &batch->items[batch->next++];
    *out = &item->item;
    if (native_mark_seen(batch->queue, item, err) != 0)
        return -1;
    return native_read(native, item, err) == 0 ? 1 : -1;
}

static int native_load_item(struct door *door, struct item *item, struct error *err)
{
    struct native *native = native_of(door);

    assert(item->number < native->batch.count);
    return native_load(native, &native->batch.items[item->number], err);
}

static void native_accept(struct door *door, const struct item *item)
{
    struct native *native = native_of(door);

    assert(item->number < native->batch.count);
    native->batch.items[item->number].accepted = true;
}

static void native_abandon(struct door *door)
{
    struct native *native = native_of(door);

    if (native->batch.open)
        end_batch(native);
}

static int native_finish(struct door *door, struct error *err)
{
    struct native *native = native_of(door);
    int status = 0;

    native_close_message(&native->batch);
    if (native->batch.open && !native->read_only)
        status = native_remove(native, err);
    native_abandon(door);
    return status;
}

static void native_free(struct door *door)
{
    struct native *native = native_of(door);

    clear_batch(&native->batch);
    for (size_t i = 0; i < native->queue_count; i++) {
        free(native->queues[i].name);
        forget_sharers(&native->queues[i]);
        free(native->queues[i].seen);
    }
    free(native->queues);
    root_free(native->root);
    profile_free(native->profile);
    free(native->path);
    free(native->name);
    free(native->codepage);
    free(native->directory);
    free(native);
}

static const struct door_operations operations = {
    .begin = native_begin,
    .next = native_next,
    .load = native_load_item,
    .accept = native_accept,
    .finish = native_finish,
    .abandon = native_abandon,
    .free = native_free,
};

static int copy_strings(struct native *native, const struct native_settings *settings,
                        struct error *err)
{
    native->queues = calloc(settings->queue_count + 1, sizeof *native->queues);
    if (native->queues == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", settings->path);
    for (size_t i = 0; i < settings->queue_count; i++) {
        native->queues[i].name = strdup(settings->queues[i]);
        native->queue_count++;
        if (native->queues[i].name == NULL)
            return error_sys(err, ERROR_SOFT, "", "%s: no memory", settings->path);
    }
    native->path = strdup(settings->path);
    native->name = strdup(settings->name);
    native->directory = strdup(settings->directory);
    if (native->path == NULL || native->name == NULL || native->directory == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", settings->path);
    if (strchr(settings->path, '\n') != NULL)
        return error_set(err, ERROR_SETUP, "", "%s: a path with a line end", settings->path);
    return 0;
}

/* Layouts and keys may differ from postoffice to postoffice. */
static int check_name(const struct native *native, const char *file, struct error *err)
{
    const struct profile *profile = native->profile;

    if (!profile_knows(profile, PROFILE_POSTOFFICE) ||
        route_same_name(profile->postoffice, native->name))
        return 0;
    return error_set(err, ERROR_SETUP, "",
                     "%s: was learnt from %s, and this is postoffice %s: calibrate this one, or "
                     "correct its name in the settings",
                     file, profile->postoffice, native->name);
}

static int check_profile(const struct native *native, const char *file, struct error *err)
{
    if (check_name(native, file, err) != 0)
        return -1;
    if (key_check_profile(native->profile, err) != 0 ||
        mai_check_profile(native->profile, err) != 0)
        return error_prefix(err, "%s", file);
    if (!native->read_only && native->profile->verdict != PROFILE_PROVEN)
        return error_set(err, ERROR_SETUP, "",
                         "%s: the verdict is not \"proven\": nothing may be removed with this "
                         "profile; calibrate the postoffice, or read only",
                         file);
    return 0;
}

static int take_codepage(struct native *native, const struct native_settings *settings,
                         struct error *err)
{
    if (settings->codepage == NULL && profile_require(native->profile, PROFILE_CODEPAGE, err) != 0)
        return -1;
    native->codepage =
        strdup(settings->codepage != NULL ? settings->codepage : native->profile->codepage);
    return native->codepage != NULL ? 0 : error_sys(err, ERROR_SOFT, "", "no memory");
}

static int open_parts(struct native *native, const struct native_settings *settings,
                      struct error *err)
{
    if (copy_strings(native, settings, err) != 0 || root_open(&native->root, settings->path, err) != 0)
        return -1;
    if (profile_load(&native->profile, settings->profile, err) != 0 ||
        check_profile(native, settings->profile, err) != 0 ||
        take_codepage(native, settings, err) != 0)
        return -1;
    if (native->queue_count == 0 || find_routes(native, err) != 0)
        return 0;
    if (err != NULL && err->class == ERROR_DATA)
        err->class = ERROR_SETUP;
    return -1;
}

int door_open_native(struct door **out, const struct native_settings *settings, struct error *err)
{
    struct native *native = calloc(1, sizeof *native);

    if (native == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", settings->path);
    native->door.operations = &operations;
    native->max_size = settings->max_size;
    native->read_only = settings->read_only;
    if (open_parts(native, settings, err) != 0) {
        native_free(&native->door);
        return -1;
    }
    *out = &native->door;
    return 0;
}
