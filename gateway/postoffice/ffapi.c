/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The door that lets the postoffice's own GET program do the work. One file of the program is one
 * batch. A round gives the files that were left over, oldest first, then runs the program as often
 * as it yields a file: one run gives at most 50 messages (Q85059, Q115490).
 */
#include "config.h"

#include "postoffice/door-int.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message/address.h"
#include "postoffice/ffapi-spool.h"
#include "postoffice/getrun.h"
#include "postoffice/mmff.h"

#define MAX_COUNT 50 /* of one run (Q115490) */

struct entry {
    struct item item;
    size_t *recipients;
    struct entry *next;
};

/* Everything of one file, from door_begin to door_finish or door_abandon. */
struct batch {
    uint32_t number; /* 0: no batch */
    char file[SPOOL_NAME_SIZE];
    int fd;
    struct stat opened;
    struct mmff *mmff;
    struct mmff_settings settings;
    bool ended;            /* the file was read to its end */
    struct entry *entries; /* the last one first: nobody needs the order */
    bool *accepted;        /* by item->number */
    size_t count, capacity;
    struct item damaged; /* the place of a malformed message */
    char (*externals)[MMFF_EXTERNAL_SIZE];
    size_t external_count;
};

struct ffapi {
    struct door door;
    char *name, *codepage, *directory;
    char **command;
    char **queues; /* NULL at the end */
    struct getrun_settings getrun;
    uint64_t max_size;
    struct spool spool;
    struct batch batch;
    uint32_t last;       /* file of this round that was given out last; 0 at its beginning */
    bool keeps_external; /* a file that is kept in this round has others beside it */
};

/* ---- batch ---- */

static void batch_clear(struct batch *batch)
{
    mmff_free(batch->mmff);
    if (batch->fd >= 0)
        close(batch->fd);
    while (batch->entries != NULL) {
        struct entry *entry = batch->entries;

        batch->entries = entry->next;
        message_free(entry->item.message);
        free(entry->recipients);
        free(entry);
    }
    free(batch->accepted);
    free(batch->externals);
    memset(batch, 0, sizeof *batch);
    batch->fd = -1;
}

/* 1 open, 0 there was nothing in it and it is removed. */
static int batch_open(struct ffapi *ffapi, uint32_t number, struct error *err)
{
    struct batch *batch = &ffapi->batch;
    int blank;

    ffapi_spool_file_name(number, batch->file);
    batch->fd = root_open_file(ffapi->spool.root, batch->file, O_RDONLY, err);
    if (batch->fd < 0)
        return -1;
    if (fstat(batch->fd, &batch->opened) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot read its size", batch->file);
    batch->settings = (struct mmff_settings){.name = batch->file,
                                             .postoffice = ffapi->name,
                                             .codepage = ffapi->codepage,
                                             .directory = ffapi->spool.root,
                                             .max_size = ffapi->max_size};
    if (mmff_open(&batch->mmff, batch->fd, &batch->settings, err) != 0)
        return -1;
    blank = mmff_blank(batch->mmff, err);
    if (blank < 0)
        return -1;
    if (blank == 1) {
        if (root_unlink(ffapi->spool.root, batch->file, err) != 0)
            return -1;
        batch_clear(batch);
        return 0;
    }
    batch->number = number;
    ffapi->last = number;
    return 1;
}

/* ---- begin ---- */

static void end_round(struct ffapi *ffapi)
{
    batch_clear(&ffapi->batch);
    ffapi_spool_unlock(&ffapi->spool);
    ffapi->last = 0;
    ffapi->keeps_external = false;
}

/* Files of runs that we did not live to see the end of. */
static int take_over_runs(struct ffapi *ffapi, struct error *err)
{
    struct ffapi_spool_view view;

    for (;;) {
        if (ffapi_spool_look(&ffapi->spool, 0, &view, err) != 0)
            return -1;
        if (view.run == 0)
            return 0;
        if (ffapi_spool_take_over(&ffapi->spool, view.run, err) < 0)
            return -1;
    }
}

static int begin_leftover(struct ffapi *ffapi, struct error *err)
{
    struct ffapi_spool_view view;
    int status = 0;

    while (status == 0) {
        if (ffapi_spool_look(&ffapi->spool, ffapi->last, &view, err) != 0)
            return -1;
        if (view.file == 0)
            return 0;
        status = batch_open(ffapi, view.file, err);
    }
    return status;
}

/* The program failed. What it wrote has mail in it that may be gone from the postoffice. */
static int run_failed(struct ffapi *ffapi, const char *name, struct error *err)
{
    struct error ignored;
    struct stat st;

    if (root_stat(ffapi->spool.root, name, &st, &ignored) == 0 && st.st_size > 0)
        error_prefix(err, "%s is kept and read next time", name);
    return -1;
}

static int begin_run(struct ffapi *ffapi, size_t limit, struct error *err)
{
    char name[SPOOL_NAME_SIZE], path[PATH_MAX], refusal[GETRUN_MAX_LINE];
    struct getrun_job job = {
        .file = path, .directory = root_fd(ffapi->spool.root), .lock = ffapi->spool.lock};
    uint32_t number;
    int status;

    if (ffapi->keeps_external)
        return error_set(err, ERROR_SOFT, "",
                         "%s: the GET program is not run while a file is kept that has others "
                         "beside it (XATTACH), because it could overwrite them",
                         ffapi->directory);
    if (ffapi_spool_new_number(&ffapi->spool, &number, err) != 0)
        return -1;
    ffapi_spool_run_name(number, name);
    snprintf(path, sizeof path, "%s/%s", ffapi->directory, name);
    job.count = limit == 0 ? 1 : limit < MAX_COUNT ? limit : MAX_COUNT;
    if (getrun_run(&ffapi->getrun, &job, refusal, err) != 0)
        return run_failed(ffapi, name, err);
    status = ffapi_spool_take_over(&ffapi->spool, number, err);
    if (status == 0 && refusal[0] != '\0')
        return error_set(err, ERROR_SOFT, "", "GET program: it gave no mail, but the error %s",
                         refusal);
    return status == 1 ? batch_open(ffapi, number, err) : status;
}

static int begin_locked(struct ffapi *ffapi, size_t limit, struct error *err)
{
    int status = take_over_runs(ffapi, err);

    if (status == 0)
        status = begin_leftover(ffapi, err);
    if (status == 0)
        status = begin_run(ffapi, limit, err);
    return status;
}

static int ffapi_begin(struct door *door, size_t limit, struct error *err)
{
    struct ffapi *ffapi = (struct ffapi *)door;
    int status;

    if (ffapi->batch.number != 0)
        return error_set(err, ERROR_SETUP, "", "%s: a batch is open already", ffapi->batch.file);
    status = ffapi_spool_lock(&ffapi->spool, err);
    if (status == 0)
        status = begin_locked(ffapi, limit, err);
    if (status < 0 && err != NULL && err->class == ERROR_DATA)
        err->class = ERROR_SETUP; /* a name of ours that is no regular file: the operator's move */
    if (status != 1)
        end_round(ffapi);
    return status;
}

/* ---- items ---- */

static void set_place(const struct batch *batch, const struct mmff_place *place, struct item *item)
{
    memset(item, 0, sizeof *item);
    item->place.record = place->number;
    snprintf(item->place.file, sizeof item->place.file, "%s", batch->file);
    item->queue = "";
    item->number = SIZE_MAX; /* but for those that can be accepted */
}

static int note_externals(struct batch *batch, struct error *err)
{
    size_t more = mmff_external_count(batch->mmff);
    char(*grown)[MMFF_EXTERNAL_SIZE];

    if (more == 0)
        return 0;
    grown = reallocarray(batch->externals, batch->external_count + more, sizeof *grown);
    if (grown == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", batch->file);
    batch->externals = grown;
    for (size_t i = 0; i < more; i++)
        snprintf(grown[batch->external_count++], MMFF_EXTERNAL_SIZE, "%s",
                 mmff_external(batch->mmff, i));
    return 0;
}

/* A GET program writes all of a message's recipients, those of other queues among them. */
static bool is_ours(const struct ffapi *ffapi, const char *address)
{
    for (size_t i = 0; ffapi->queues != NULL && ffapi->queues[i] != NULL; i++) {
        const char *queue = ffapi->queues[i];
        if (address_in_queue(address, queue, strchr(queue, '/') == NULL))
            return true;
    }
    return false;
}

static size_t choose_recipients(const struct ffapi *ffapi, const struct message *message, bool all,
                                size_t *out)
{
    size_t count = 0;

    for (size_t i = 0; i < message->address_count; i++) {
        const struct message_address *address = &message->addresses[i];
        if (address->role != ADDRESS_FROM && (all || is_ours(ffapi, address->text)))
            out[count++] = i;
    }
    return count;
}

/* Should none be of our queues, then all are ours: what the program gave must not be lost. */
static int list_recipients(const struct ffapi *ffapi, struct entry *entry, struct error *err)
{
    const struct message *message = entry->item.message;
    size_t count;

    entry->recipients = calloc(message->address_count + 1, sizeof *entry->recipients);
    if (entry->recipients == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", entry->item.place.file);
    count = choose_recipients(ffapi, message, false, entry->recipients);
    if (count == 0)
        count = choose_recipients(ffapi, message, true, entry->recipients);
    entry->item.recipients = entry->recipients;
    entry->item.recipient_count = count;
    return 0;
}

static int make_room(struct batch *batch)
{
    size_t capacity = batch->capacity != 0 ? 2 * batch->capacity : MAX_COUNT;
    bool *grown;

    if (batch->count < batch->capacity)
        return 0;
    grown = reallocarray(batch->accepted, capacity, sizeof *grown);
    if (grown == NULL)
        return -1;
    batch->accepted = grown;
    batch->capacity = capacity;
    return 0;
}

/* Takes over MESSAGE in any case. */
static int add_entry(struct ffapi *ffapi, const struct mmff_place *place, struct message *message,
                     struct error *err)
{
    struct batch *batch = &ffapi->batch;
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL || make_room(batch) != 0) {
        error_sys(err, ERROR_SOFT, "", "%s: no memory", batch->file);
        message_free(message);
        free(entry);
        return -1;
    }
    set_place(batch, place, &entry->item);
    entry->item.message = message;
    entry->item.number = batch->count;
    entry->next = batch->entries;
    batch->entries = entry;
    batch->accepted[batch->count++] = false;
    return list_recipients(ffapi, entry, err);
}

/* Saves a malformed message, so that the rest of the file need not wait for somebody to look at
 * it. FAILURE says what is wrong with it. */
static int hold(struct ffapi *ffapi, const struct mmff_place *place, const struct error *failure,
                struct error *err)
{
    struct batch *batch = &ffapi->batch;
    char name[SPOOL_NAME_SIZE];

    ffapi_spool_held_name(batch->number, place->number, name);
    if (ffapi_spool_hold(&ffapi->spool, batch->fd, place->start, place->end, name, err) != 0)
        return -1;
    for (size_t i = 0; i < mmff_external_count(batch->mmff); i++) {
        if (ffapi_spool_hold_external(&ffapi->spool, batch->number, place->number,
                                      mmff_external(batch->mmff, i), err) != 0)
            return -1;
    }
    set_place(batch, place, &batch->damaged);
    return error_set(err, ERROR_DATA, failure->status, "%.200s (held: %s)", failure->text, name);
}

static int ffapi_next(struct door *door, struct item **out, struct error *err)
{
    struct ffapi *ffapi = (struct ffapi *)door;
    struct batch *batch = &ffapi->batch;
    struct message *message;
    struct mmff_place place;
    struct error failure;
    int status;

    *out = NULL;
    if (batch->number == 0)
        return error_set(err, ERROR_SETUP, "", "%s: no batch is open", ffapi->directory);
    status = mmff_next(batch->mmff, &message, &place, &failure);
    if (status == 0)
        batch->ended = true;
    if (status < 0 && failure.class != ERROR_DATA)
        return error_set(err, failure.class, failure.status, "%s", failure.text);
    if (status != 0 && note_externals(batch, err) != 0) {
        if (status == 1)
            message_free(message);
        return -1;
    }
    if (status < 0) {
        *out = &batch->damaged;
        return hold(ffapi, &place, &failure, err);
    }
    if (status == 1) {
        if (add_entry(ffapi, &place, message, err) != 0)
            return -1;
        *out = &batch->entries->item;
    }
    return status;
}

/* The contents are ranges of the file already. */
static int ffapi_load(struct door *door, struct item *item, struct error *err)
{
    struct batch *batch = &((struct ffapi *)door)->batch;
    struct stat st;

    (void)item;
    if (fstat(batch->fd, &st) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot read its size", batch->file);
    if (st.st_size != batch->opened.st_size || st.st_mtim.tv_sec != batch->opened.st_mtim.tv_sec ||
        st.st_mtim.tv_nsec != batch->opened.st_mtim.tv_nsec)
        return error_set(err, ERROR_SOFT, "", "%s: was changed while it was read", batch->file);
    return 0;
}

static void ffapi_accept(struct door *door, const struct item *item)
{
    struct batch *batch = &((struct ffapi *)door)->batch;

    if (item->number < batch->count)
        batch->accepted[item->number] = true;
}

/* ---- end ---- */

/* The MMFF file goes first: what is left after a crash between the two must never be read as a
 * message that has lost its attachments. */
static int remove_files(struct ffapi *ffapi, struct error *err)
{
    struct batch *batch = &ffapi->batch;

    if (root_unlink(ffapi->spool.root, batch->file, err) != 0 ||
        ffapi_spool_sync(&ffapi->spool, err) != 0)
        return -1;
    for (size_t i = 0; i < batch->external_count; i++) {
        if (root_unlink(ffapi->spool.root, batch->externals[i], err) != 0)
            return -1;
    }
    return 0;
}

static int finish_batch(struct ffapi *ffapi, struct error *err)
{
    struct batch *batch = &ffapi->batch;
    size_t left = 0;

    for (size_t i = 0; i < batch->count; i++)
        left += !batch->accepted[i];
    if (left == 0 && batch->ended)
        return remove_files(ffapi, err);
    ffapi->keeps_external = ffapi->keeps_external || batch->external_count != 0;
    if (left == 0)
        return error_set(err, ERROR_SOFT, "", "%s/%s: kept, it was not read to its end",
                         ffapi->directory, batch->file);
    return error_set(err, ERROR_SOFT, "", "%s/%s: kept, %zu of its %zu messages were not accepted",
                     ffapi->directory, batch->file, left, batch->count);
}

static int ffapi_finish(struct door *door, struct error *err)
{
    struct ffapi *ffapi = (struct ffapi *)door;
    int status;

    if (ffapi->batch.number == 0)
        return error_set(err, ERROR_SETUP, "", "%s: no batch is open", ffapi->directory);
    status = finish_batch(ffapi, err);
    batch_clear(&ffapi->batch);
    ffapi_spool_unlock(&ffapi->spool);
    return status;
}

static void ffapi_abandon(struct door *door)
{
    end_round((struct ffapi *)door);
}

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++)
        free(list[i]);
    free(list);
}

static void ffapi_free(struct door *door)
{
    struct ffapi *ffapi = (struct ffapi *)door;

    batch_clear(&ffapi->batch);
    ffapi_spool_close(&ffapi->spool);
    free_list(ffapi->command);
    free_list(ffapi->queues);
    free(ffapi->name);
    free(ffapi->codepage);
    free(ffapi->directory);
    free(ffapi);
}

static const struct door_operations operations = {
    .begin = ffapi_begin,
    .next = ffapi_next,
    .load = ffapi_load,
    .accept = ffapi_accept,
    .finish = ffapi_finish,
    .abandon = ffapi_abandon,
    .free = ffapi_free,
};

/* ---- open ---- */

static char **copy_list(const char *const *texts, size_t count)
{
    char **list = calloc(count + 1, sizeof *list);

    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = strdup(texts[i]);
        if (list[i] == NULL) {
            free_list(list);
            return NULL;
        }
    }
    return list;
}

static int copy_settings(struct ffapi *ffapi, const struct ffapi_settings *settings)
{
    ffapi->name = strdup(settings->name);
    ffapi->codepage = strdup(settings->codepage);
    ffapi->command = copy_list(settings->command, settings->command_count);
    ffapi->queues = copy_list(settings->queues, settings->queue_count);
    if (ffapi->name == NULL || ffapi->codepage == NULL || ffapi->command == NULL ||
        ffapi->queues == NULL)
        return -1;
    ffapi->max_size = settings->max_size;
    ffapi->getrun = (struct getrun_settings){.command = (const char *const *)ffapi->command,
                                             .command_count = settings->command_count,
                                             .time_limit_s = settings->time_limit_s,
                                             .report = settings->report,
                                             .report_context = settings->report_context};
    return 0;
}

int door_open_ffapi(struct door **out, const struct ffapi_settings *settings, struct error *err)
{
    struct ffapi *ffapi;

    if (settings->command_count == 0)
        return error_set(err, ERROR_SETUP, "", "%s: no GET program is set; set \"command\"",
                         settings->name);
    ffapi = calloc(1, sizeof *ffapi);
    if (ffapi == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", settings->name);
    ffapi->door.operations = &operations;
    ffapi->batch.fd = -1;
    ffapi->spool.lock = -1;
    if (copy_settings(ffapi, settings) != 0) {
        error_sys(err, ERROR_SOFT, "", "%s: no memory", settings->name);
        goto fail;
    }
    ffapi->directory = realpath(settings->directory, NULL);
    if (ffapi->directory == NULL || strlen(ffapi->directory) + SPOOL_NAME_SIZE > PATH_MAX) {
        error_sys(err, ERROR_SETUP, "", "%s: the directory of the ffapi door", settings->directory);
        goto fail;
    }
    if (ffapi_spool_open(&ffapi->spool, ffapi->directory, err) != 0)
        goto fail;
    *out = &ffapi->door;
    return 0;
fail:
    ffapi_free(&ffapi->door);
    return -1;
}
