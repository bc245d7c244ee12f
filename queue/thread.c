/* SPDX-License-Identifier: BSD-2-Clause */
/* What messages answer: what holds for every backend, and passes on to one. */
#include "config.h"

#include "queue/thread.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queue/store-int.h"

int store_add_thread(struct store *store, const struct store_thread *thread, struct error *err)
{
    struct store_thread copy = *thread;

    assert(store->in_transaction && thread->key != NULL && thread->conversation != NULL);
    copy.message_id = store_text(thread->message_id);
    copy.references = store_text(thread->references);
    return store_finish(store, store->ops->add_thread(store, &copy, err), err);
}

int store_find_thread(struct store *store, const uint8_t *key, const uint8_t *conversation,
                      const char *except, char **message_id, char **references, struct error *err)
{
    struct thread_found found = {.count = 0};
    int rc = store->ops->find_thread(store, key, conversation, store_text(except), &found, err);

    if (rc == 0 && found.count != 0 && (found.message_id == NULL || found.references == NULL))
        rc = error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a Message-ID");
    if (rc != 0 || found.count != 1) {
        free(found.message_id);
        free(found.references);
        found.message_id = found.references = NULL;
    }
    *message_id = found.message_id;
    *references = found.references;
    return rc != 0 ? -1 : found.message_id != NULL;
}
