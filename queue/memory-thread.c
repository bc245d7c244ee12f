/* SPDX-License-Identifier: BSD-2-Clause */
/* Which Message-ID the messages of MS Mail have, of the memory backend. */
#include "config.h"

#include "queue/memory-int.h"

#include <string.h>

static bool unknown(const uint8_t *conversation)
{
    static const uint8_t none[STORE_THREAD_KEY];

    return memcmp(conversation, none, sizeof none) == 0;
}

static int add_thread(struct store *store, const struct store_thread *thread, struct error *err)
{
    struct memory_store *own = memory_of(store);
    struct memory_thread *row = NULL;

    for (size_t i = 0; i < own->threads.count && row == NULL; i++) {
        struct memory_thread *at = table_at(&own->threads, i);

        if (memcmp(at->key, thread->key, sizeof at->key) == 0 &&
            strcmp(at->message_id, thread->message_id) == 0)
            row = at;
    }
    if (row != NULL && row->references[0] != '\0')
        return 0;
    if (row == NULL) {
        row = table_add(&own->threads);
        if (row == NULL)
            return memory_short(err);
        memcpy(row->key, thread->key, sizeof row->key);
        memcpy(row->conversation, thread->conversation, sizeof row->conversation);
        row->message_id = memory_text(own, thread->message_id);
    }
    row->references = memory_text(own, thread->references);
    return row->message_id != NULL && row->references != NULL ? 0 : memory_short(err);
}

static int find_thread(struct store *store, const uint8_t *key, const uint8_t *conversation,
                       const char *except, struct thread_found *out, struct error *err)
{
    struct memory_store *own = memory_of(store);

    (void)err;
    for (size_t i = 0; i < own->threads.count; i++) {
        const struct memory_thread *row = table_at(&own->threads, i);

        if (memcmp(row->key, key, sizeof row->key) != 0 || strcmp(row->message_id, except) == 0 ||
            (memcmp(row->conversation, conversation, sizeof row->conversation) != 0 &&
             !unknown(row->conversation) && !unknown(conversation)))
            continue;
        if (out->count++ != 0)
            continue;
        out->message_id = strdup(row->message_id);
        out->references = strdup(row->references);
    }
    return 0;
}

void memory_thread_ops(struct store_ops *ops)
{
    ops->add_thread = add_thread;
    ops->find_thread = find_thread;
}
