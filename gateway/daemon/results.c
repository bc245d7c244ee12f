/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/results.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct store_result result;
    struct relaylog_event event;
    char *strings[12]; /* what result and event point to */
    size_t string_count;
};

struct results {
    struct store *store;
    struct relaylog *log;
    struct entry *entries;
    size_t count, capacity;
};

int results_new(struct results **out, struct store *store, struct relaylog *log, struct error *err)
{
    struct results *results = calloc(1, sizeof *results);

    if (results == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for results");
    results->store = store;
    results->log = log;
    *out = results;
    return 0;
}

static void clear_entries(struct results *results)
{
    for (size_t i = 0; i < results->count; i++) {
        for (size_t k = 0; k < results->entries[i].string_count; k++)
            free(results->entries[i].strings[k]);
    }
    results->count = 0;
}

void results_free(struct results *results)
{
    if (results == NULL)
        return;
    clear_entries(results);
    free(results->entries);
    free(results);
}

size_t results_pending(const struct results *results)
{
    return results->count;
}

/* Without memory for an outcome there is nothing right to do but to stop: the recipient is then
 * still SENDING, and comes again in doubt. */
static const char *keep(struct entry *entry, const char *text)
{
    char *copy = strdup(text != NULL ? text : "");

    if (copy == NULL)
        abort();
    assert(entry->string_count < sizeof entry->strings / sizeof entry->strings[0]);
    entry->strings[entry->string_count++] = copy;
    return copy;
}

static struct entry *new_entry(struct results *results)
{
    struct entry *entry;

    if (results->count == results->capacity) {
        size_t capacity = results->capacity != 0 ? 2 * results->capacity : 64;
        struct entry *entries = realloc(results->entries, capacity * sizeof *entries);
        if (entries == NULL)
            abort();
        results->entries = entries;
        results->capacity = capacity;
    }
    entry = &results->entries[results->count++];
    memset(entry, 0, sizeof *entry);
    return entry;
}

static const char *event_name(const struct store_result *result)
{
    switch (result->state) {
    case RECIPIENT_SENT:
        return "sent";
    case RECIPIENT_FAILED:
        return "failed";
    case RECIPIENT_HELD:
        return "held";
    case RECIPIENT_QUEUED:
    case RECIPIENT_SENDING:
    case RECIPIENT_DELETED:
        break;
    }
    return "deferred";
}

void results_add(struct results *results, struct delivery *delivery, size_t index,
                 const struct store_result *result, const struct result_path *path)
{
    const struct claim_message *message = delivery->message;
    const struct claim_recipient *recipient = &message->recipients[index];
    struct entry *entry;

    assert(!delivery->settled[index]);
    delivery->settled[index] = true;
    entry = new_entry(results);
    entry->result = *result;
    entry->result.recipient = recipient->id;
    entry->result.status = keep(entry, result->status);
    entry->result.reply = keep(entry, result->reply);
    entry->result.relay = keep(entry, path->relay);
    entry->event = (struct relaylog_event){
        .event = event_name(result),
        .id = message->id,
        .po = keep(entry, message->postoffice),
        .mailbag = keep(entry, message->mailbag),
        .mai = keep(entry, message->mai),
        .from = keep(entry, message->sender),
        .rcpt = keep(entry, recipient->address),
        .size = message->size,
        .msgid = keep(entry, message->message_id),
        .relay = entry->result.relay,
        .tls = keep(entry, path->tls),
        .dsn = entry->result.status,
        .reply = entry->result.reply,
        .delay_ms = result->now_ms - message->received_ms,
        .tries = recipient->tries + (result->attempted ? 1 : 0),
        .reason = result->doubt ? "possible duplicate: no reply to the final dot" : NULL,
    };
    entry->event.auth = keep(entry, path->auth);
}

static void count_result(struct relay_counts *counts, enum recipient_state state)
{
    if (state == RECIPIENT_SENT)
        counts->sent++;
    else if (state == RECIPIENT_FAILED)
        counts->failed++;
    else
        counts->deferred++;
}

int results_store(struct results *results, struct error *err)
{
    for (size_t i = 0; i < results->count; i++) {
        if (store_set_result(results->store, &results->entries[i].result, err) != 0)
            return -1;
    }
    return 0;
}

void results_stored(struct results *results, struct relay_counts *counts)
{
    relaylog_hold(results->log);
    for (size_t i = 0; i < results->count; i++) {
        const struct entry *entry = &results->entries[i];

        relaylog_write(results->log, entry->result.now_ms, &entry->event);
        count_result(counts, entry->result.state);
    }
    relaylog_release(results->log);
    clear_entries(results);
}

int results_commit(struct results *results, struct relay_counts *counts, struct error *err)
{
    if (results->count == 0)
        return 0;
    if (store_begin(results->store, err) != 0)
        return -1;
    if (results_store(results, err) != 0) {
        store_rollback(results->store);
        return -1;
    }
    if (store_commit(results->store, err) != 0)
        return -1;
    results_stored(results, counts);
    return 0;
}
