/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/threads.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/intake-int.h"
#include "queue/thread.h"

_Static_assert(STORE_THREAD_KEY == THREAD_KEY_SIZE, "the queue keeps keys as they are made");

#define NONE SIZE_MAX

static int no_memory(struct error *err)
{
    return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for the headers of an answer");
}

/* Takes over the texts. */
static void set_parent(struct prepared *prepared, char *message_id, char *references)
{
    free(prepared->in_reply_to);
    free(prepared->references);
    prepared->in_reply_to = message_id;
    prepared->references = references;
}

/* 1 when the queue knows it. */
static int find_stored(struct prepared *prepared, struct store *store, struct error *err)
{
    char *id, *references, *whole;
    int found = 0;

    for (size_t i = 0; i < prepared->parents.count && found == 0; i++) {
        const struct thread_key *key = &prepared->parents.items[i];

        found = store_find_thread(store, key->key, key->conversation, prepared->message_id, &id,
                                  &references, err);
    }
    if (found != 1)
        return found;
    whole = thread_references(references, id);
    free(references);
    if (whole == NULL) {
        free(id);
        return no_memory(err);
    }
    set_parent(prepared, id, whole);
    prepared->parent_stored = true;
    return 1;
}

static bool has_key(const struct thread_keys *own, const struct thread_key *asked)
{
    for (size_t i = 0; i < own->count; i++) {
        if (thread_key_matches(&own->items[i], asked))
            return true;
    }
    return false;
}

/* The place in BATCH of the one message that has KEY; NONE when there is none or several. The same
 * message from two mailbags is one. */
static size_t find_key(const struct prepared *prepared, const struct thread_key *key,
                       const struct prepared *batch, size_t count)
{
    size_t found = NONE;

    for (size_t i = 0; i < count; i++) {
        if (!has_key(&batch[i].own, key) || strcmp(batch[i].message_id, prepared->message_id) == 0)
            continue;
        if (found == NONE)
            found = i;
        else if (strcmp(batch[i].message_id, batch[found].message_id) != 0)
            return NONE;
    }
    return found;
}

static size_t find_parent(const struct prepared *prepared, const struct prepared *batch,
                          size_t count)
{
    size_t found = NONE;

    for (size_t i = 0; i < prepared->parents.count && found == NONE; i++)
        found = find_key(prepared, &prepared->parents.items[i], batch, count);
    return found;
}

int threads_find(struct prepared *prepared, struct store *store, const struct prepared *batch,
                 size_t count, struct error *err)
{
    int found = find_stored(prepared, store, err);
    const struct prepared *parent;
    char *id, *references;
    size_t place;

    if (found != 0)
        return found < 0 ? -1 : 0;
    place = find_parent(prepared, batch, count);
    if (place == NONE)
        return 0;
    parent = &batch[place];
    id = strdup(parent->message_id);
    references =
        thread_references(parent->references != NULL ? parent->references : "", parent->message_id);
    set_parent(prepared, id, references);
    return id != NULL && references != NULL ? 0 : no_memory(err);
}

/* The References of BATCH[SELF], which answers one of the batch: up the LINKS, which a forger may
 * have made a circle, to what the queue says of the topmost, and down again. */
static char *chain(const struct prepared *batch, size_t count, const size_t *links, size_t self)
{
    size_t path[INTAKE_MAX_BATCH], depth = 0;
    bool seen[INTAKE_MAX_BATCH] = {false};
    const struct prepared *top = NULL;
    char *whole;

    seen[self] = true;
    for (size_t at = links[self]; at < count && !seen[at]; at = links[at]) {
        seen[at] = true;
        path[depth++] = at;
        top = &batch[at];
    }
    assert(top != NULL); /* nobody is his own parent */
    whole = strdup(top->parent_stored ? top->references : "");
    while (whole != NULL && depth > 0) {
        char *longer = thread_references(whole, batch[path[--depth]].message_id);

        free(whole);
        whole = longer;
    }
    return whole;
}

int threads_settle(struct prepared *batch, size_t count, bool *changed, struct error *err)
{
    size_t links[INTAKE_MAX_BATCH];

    for (size_t i = 0; i < count; i++)
        links[i] = batch[i].parent_stored ? NONE : find_parent(&batch[i], batch, count);
    for (size_t i = 0; i < count; i++) {
        char *id, *references;

        changed[i] = false;
        if (links[i] == NONE)
            continue;
        references = chain(batch, count, links, i);
        if (references == NULL)
            return no_memory(err);
        if (batch[i].references != NULL && strcmp(references, batch[i].references) == 0) {
            free(references);
            continue;
        }
        id = strdup(batch[links[i]].message_id);
        set_parent(&batch[i], id, references);
        if (id == NULL)
            return no_memory(err);
        changed[i] = true;
    }
    return 0;
}

int threads_store(const struct prepared *prepared, struct store *store, struct error *err)
{
    struct store_thread thread = {
        .message_id = prepared->message_id,
        .references = prepared->references != NULL ? prepared->references : "",
    };

    for (size_t i = 0; i < prepared->own.count; i++) {
        thread.key = prepared->own.items[i].key;
        thread.conversation = prepared->own.items[i].conversation;
        if (store_add_thread(store, &thread, err) != 0)
            return -1;
    }
    return 0;
}
