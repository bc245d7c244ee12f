/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks what holds for every backend (transactions, bounds) and passes on to one. */
#include "config.h"

#include "queue/store-int.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "queue/sqlite.h"

#define FINGERPRINT_SIZE 64 /* hex digits of SHA-256 */
#define CLAIM_LIMIT 10000   /* messages of one claim; each takes memory */

int store_open(struct store **out, const char *uri, bool create, struct error *err)
{
    static const char scheme[] = "sqlite:";

    if (strncmp(uri, scheme, sizeof scheme - 1) != 0 || uri[sizeof scheme - 1] == '\0')
        return error_set(err, ERROR_SETUP, "4.3.5",
                         "queue \"%s\": not known; write sqlite:/path/to/queue", uri);
    return store_open_sqlite(out, uri + sizeof scheme - 1, create, err);
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    store_rollback(store);
    store->ops->close(store);
}

int store_begin(struct store *store, struct error *err)
{
    assert(!store->in_transaction);
    if (store->ops->begin(store, err) != 0)
        return -1;
    store->in_transaction = true;
    store->broken = false;
    return 0;
}

int store_commit(struct store *store, struct error *err)
{
    assert(store->in_transaction);
    if (store->broken) {
        store_rollback(store);
        return error_set(err, ERROR_SOFT, "4.3.0",
                         "queue: an earlier change of this transaction failed; none was kept");
    }
    if (store->ops->commit(store, err) != 0) {
        store_rollback(store);
        return -1;
    }
    store->in_transaction = false;
    return 0;
}

void store_rollback(struct store *store)
{
    if (store->in_transaction)
        store->ops->rollback(store);
    store->in_transaction = false;
    store->broken = false;
}

int store_finish(struct store *store, int rc, const struct error *err)
{
    if (rc < 0 && store->in_transaction && (err == NULL || err->class != ERROR_DATA))
        store->broken = true;
    return rc;
}

int store_begin_own(struct store *store, bool *own, struct error *err)
{
    *own = !store->in_transaction;
    return *own ? store_begin(store, err) : 0;
}

int store_end_own(struct store *store, bool own, int rc, struct error *err)
{
    if (!own)
        return store_finish(store, rc, err);
    if (rc == 0)
        return store_commit(store, err);
    store_rollback(store);
    return -1;
}

int store_add_message(struct store *store, struct store_message *message, struct error *err)
{
    assert(store->in_transaction);
    if (strnlen(store_text(message->fingerprint), FINGERPRINT_SIZE + 1) > FINGERPRINT_SIZE)
        return error_set(err, ERROR_DATA, "5.3.5", "queue: a fingerprint is longer than %d digits",
                         FINGERPRINT_SIZE);
    return store_finish(store, store->ops->add_message(store, message, err), err);
}

int store_add_content(struct store *store, uint64_t id, const void *data, size_t size,
                      struct error *err)
{
    assert(store->in_transaction && size <= STORE_CHUNK_SIZE);
    if (size == 0)
        return 0;
    return store_finish(store, store->ops->add_content(store, id, data, size, err), err);
}

int store_set_content_facts(struct store *store, uint64_t id, const char *message_id,
                            const char *sender, const char *subject, uint64_t size, bool eight_bit,
                            struct error *err)
{
    assert(store->in_transaction);
    return store_finish(
        store,
        store->ops->set_content_facts(store, id, message_id, sender, subject, size, eight_bit, err),
        err);
}

int store_add_recipient(struct store *store, uint64_t id, const char *original, const char *address,
                        enum recipient_state state, int64_t due_ms, int64_t now_ms,
                        const char *status, const char *reason, struct error *err)
{
    char clipped_status[STORE_TEXT_SIZE + 1], clipped_reason[STORE_TEXT_SIZE + 1];
    struct store_entry entry = {.message = id,
                                .original = store_text(original),
                                .address = store_text(address),
                                .state = state,
                                .event = recipient_state_name(state),
                                .due_ms = due_ms,
                                .now_ms = now_ms,
                                .status = clipped_status,
                                .reason = clipped_reason};

    assert(store->in_transaction);
    if (!store_transition_allowed(-1, state, entry.event))
        return error_set(err, ERROR_DATA, "5.3.5", "queue: a new recipient cannot be %s",
                         entry.event);
    store_clip(clipped_status, status);
    store_clip(clipped_reason, reason);
    return store_finish(store, store->ops->add_recipient(store, &entry, err), err);
}

int store_add_note(struct store *store, uint64_t id, int64_t now_ms, const char *event,
                   const char *text, struct error *err)
{
    char clipped[STORE_TEXT_SIZE + 1];
    struct store_entry entry = {
        .message = id, .event = event, .now_ms = now_ms, .status = "", .reason = clipped};

    assert(store->in_transaction);
    store_clip(clipped, text);
    return store_finish(store, store->ops->add_note(store, &entry, err), err);
}

int store_journal_has(struct store *store, const char *fingerprint, const char *original,
                      struct error *err)
{
    return store->ops->journal_has(store, fingerprint, original, err);
}

int store_add_remain(struct store *store, const struct store_remain *remain, bool *new_one,
                     struct error *err)
{
    bool ignored, own;

    if (store_begin_own(store, &own, err) != 0)
        return -1;
    if (new_one == NULL)
        new_one = &ignored;
    return store_end_own(store, own, store->ops->add_remain(store, remain, new_one, err), err);
}

int store_forget_remains(struct store *store, const char *title, const char *mailbag,
                         int64_t before_ms, struct error *err)
{
    bool own;

    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(store, own,
                         store->ops->forget_remains(store, title, mailbag, before_ms, err), err);
}

int store_list_remains(struct store *store, store_remain_seen *seen, void *context,
                       struct error *err)
{
    return store->ops->list_remains(store, seen, context, err);
}

static int claim_due(struct store *store, int64_t now_ms, size_t limit, size_t max_recipients,
                     struct claim_message *messages, size_t *count, struct error *err)
{
    bool own;

    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(
        store, own, store->ops->claim(store, now_ms, limit, max_recipients, messages, count, err),
        err);
}

/* Looks first without the lock of a writer, so that an idle relay disturbs nobody. */
static int claim_if_due(struct store *store, int64_t now_ms, size_t limit, size_t max_recipients,
                        struct claim_message *messages, size_t *count, struct error *err)
{
    int64_t earliest;
    int waiting = store->ops->next_due(store, INT64_MIN, &earliest, err);

    if (waiting < 0)
        return -1;
    if (waiting == 0 || earliest > now_ms || limit == 0 || max_recipients == 0)
        return 0;
    return claim_due(store, now_ms, limit, max_recipients, messages, count, err);
}

int store_claim(struct store *store, int64_t now_ms, size_t limit, size_t max_recipients,
                struct claim_message **out, size_t *count, int64_t *next_due_ms, struct error *err)
{
    struct claim_message *messages;

    *out = NULL;
    *count = 0;
    *next_due_ms = 0;
    if (limit > CLAIM_LIMIT)
        limit = CLAIM_LIMIT;
    messages = calloc(limit + 1, sizeof *messages);
    if (messages == NULL)
        return error_set(err, ERROR_SOFT, "4.3.0", "queue: not enough memory for a claim");
    if (claim_if_due(store, now_ms, limit, max_recipients, messages, count, err) != 0) {
        store_claim_free(messages, *count);
        *count = 0;
        return -1;
    }
    *out = messages;
    /* The claim is made: a failure to look ahead must not lose it. */
    if (store->ops->next_due(store, now_ms, next_due_ms, NULL) < 0)
        *next_due_ms = now_ms + 1;
    return 0;
}

void store_claim_free(struct claim_message *messages, size_t count)
{
    if (messages == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        struct claim_message *message = &messages[i];

        for (size_t j = 0; j < message->recipient_count; j++) {
            free(message->recipients[j].address);
            free(message->recipients[j].original);
        }
        free(message->recipients);
        free(message->sender);
        free(message->message_id);
        free(message->fingerprint);
        free(message->postoffice);
        free(message->mailbag);
        free(message->mai);
    }
    free(messages);
}

int store_read_content(struct store *store, uint64_t id, uint64_t offset, void *out, size_t size,
                       size_t *got, struct error *err)
{
    *got = 0;
    return store->ops->read_content(store, id, offset, out, size, got, err);
}

int store_next_unreported(struct store *store, uint64_t after, int64_t before_ms, uint64_t *id,
                          struct error *err)
{
    *id = 0;
    return store->ops->next_unreported(store, after, before_ms, id, err);
}

int store_set_reported(struct store *store, uint64_t id, uint64_t last, struct error *err)
{
    assert(store->in_transaction);
    return store_finish(store, store->ops->set_reported(store, id, last, err), err);
}

int store_next_late(struct store *store, int64_t now_ms, uint64_t *id, struct error *err)
{
    *id = 0;
    return store->ops->next_late(store, now_ms, id, err);
}

int store_set_noticed(struct store *store, uint64_t id, struct error *err)
{
    assert(store->in_transaction);
    return store_finish(store, store->ops->set_noticed(store, id, err), err);
}

int store_forget_notices(struct store *store, int64_t now_ms, struct error *err)
{
    bool own;

    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(store, own, store->ops->forget_notices(store, now_ms, err), err);
}

int store_held_report(struct store *store, uint64_t *id, struct error *err)
{
    *id = 0;
    return store->ops->held_report(store, id, err);
}

int store_list(struct store *store, const struct store_filter *filter, store_view_seen *seen,
               void *context, struct error *err)
{
    return store->ops->list(store, filter, seen, context, err);
}

int store_history(struct store *store, uint64_t id, store_event_seen *seen, void *context,
                  struct error *err)
{
    return store->ops->history(store, id, seen, context, err);
}

int store_count(struct store *store, struct store_counts *out, struct error *err)
{
    memset(out, 0, sizeof *out);
    return store->ops->count(store, out, err);
}

int store_put_note(struct store *store, const char *name, const char *value, int64_t now_ms,
                   struct error *err)
{
    bool own;

    if (store_begin_own(store, &own, err) != 0)
        return -1;
    return store_end_own(store, own, store->ops->put_note(store, name, value, now_ms, err), err);
}

int store_list_notes(struct store *store, const char *prefix, store_note_seen *seen, void *context,
                     struct error *err)
{
    return store->ops->list_notes(store, store_text(prefix), seen, context, err);
}

int store_purge(struct store *store, int64_t before_ms, size_t limit, size_t *count,
                struct error *err)
{
    int rc;

    assert(!store->in_transaction);
    *count = 0;
    if (store_begin(store, err) != 0)
        return -1;
    rc = store_end_own(store, true, store->ops->purge(store, before_ms, limit, count, err), err);
    if (rc != 0)
        *count = 0;
    return rc;
}

int store_verify(struct store *store, struct error *err)
{
    return store->ops->verify(store, err);
}
