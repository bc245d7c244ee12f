/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of the queue that hold on every backend: results, recovery, expiry, verbs. */
#include "config.h"

#include "queue/store-int.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static int make_change(struct store *store, const struct store_change *change, struct error *err)
{
    assert(store_transition_allowed((int)change->from, change->to, change->event));
    return store->ops->change(store, change, err);
}

/* Nobody is to hear that mail is late which has arrived, or failed, or was deleted. */
static int withdraw_notices(struct store *store, uint64_t message, int64_t now_ms,
                            struct error *err)
{
    struct store_row row;

    for (;;) {
        struct store_change change = {
            .to = RECIPIENT_DELETED, .event = "withdrawn", .now_ms = now_ms};

        if (store->ops->idle_notice(store, message, &row, err) != 0)
            return -1;
        if (row.recipient == 0)
            return 0;
        change.recipient = row.recipient;
        change.from = row.state;
        if (make_change(store, &change, err) != 0)
            return -1;
    }
}

/* NULL: no such result exists. */
static const char *result_event(const struct store_result *result)
{
    switch (result->state) {
    case RECIPIENT_SENT:
    case RECIPIENT_FAILED:
    case RECIPIENT_HELD:
        return recipient_state_name(result->state);
    case RECIPIENT_QUEUED:
        if (result->doubt)
            return "doubtful";
        return result->attempted ? "deferred" : "unsent";
    case RECIPIENT_SENDING:
    case RECIPIENT_DELETED:
        break;
    }
    return NULL;
}

static int set_result(struct store *store, const struct store_result *result, const char *event,
                      struct error *err)
{
    char status[STORE_TEXT_SIZE + 1], reply[STORE_TEXT_SIZE + 1], relay[STORE_TEXT_SIZE + 1];
    bool said = result->attempted || store_text(result->reply)[0] != '\0';
    struct store_change change = {.recipient = result->recipient,
                                  .from = RECIPIENT_SENDING,
                                  .to = result->state,
                                  .event = event,
                                  .now_ms = result->now_ms,
                                  .due_ms = result->due_ms,
                                  .attempted = result->attempted,
                                  .doubt = result->doubt};

    /* What was never offered to a server tells nothing new: the last reply stays. */
    if (said) {
        store_clip(status, result->status);
        store_clip(reply, result->reply);
        store_clip(relay, result->relay);
        change.status = status;
        change.reply = reply;
        change.relay = relay;
    }
    return make_change(store, &change, err);
}

int store_set_result(struct store *store, const struct store_result *result, struct error *err)
{
    const char *event = result_event(result);
    struct store_row row;

    assert(store->in_transaction);
    if (event == NULL)
        return error_set(err, ERROR_DATA, "5.3.5", "queue: \"%s\" is not a result of a delivery",
                         recipient_state_name(result->state));
    if (store->ops->get_row(store, result->recipient, &row, err) != 0)
        return store_finish(store, -1, err);
    if (row.recipient == 0)
        return error_set(err, ERROR_DATA, "5.3.5", "queue: no recipient %" PRIu64,
                         result->recipient);
    if (row.state != RECIPIENT_SENDING)
        return error_set(err, ERROR_DATA, "5.3.5",
                         "queue: recipient %" PRIu64 " is %s, not sending: result \"%s\" refused",
                         result->recipient, recipient_state_name(row.state), event);
    if (set_result(store, result, event, err) != 0)
        return store_finish(store, -1, err);
    if (result->state != RECIPIENT_SENT && result->state != RECIPIENT_FAILED)
        return 0;
    return store_finish(store, withdraw_notices(store, row.message, result->now_ms, err), err);
}

static int recover_all(struct store *store, int64_t now_ms, size_t *count, struct error *err)
{
    struct store_row row;

    for (;;) {
        struct store_change change = {.from = RECIPIENT_SENDING,
                                      .to = RECIPIENT_QUEUED,
                                      .event = "recovered",
                                      .now_ms = now_ms,
                                      .due_ms = now_ms,
                                      .doubt = true};

        if (store->ops->any_sending(store, &row, err) != 0)
            return -1;
        if (row.recipient == 0)
            return 0;
        change.recipient = row.recipient;
        if (make_change(store, &change, err) != 0)
            return -1;
        ++*count;
    }
}

int store_recover(struct store *store, int64_t now_ms, size_t *count, struct error *err)
{
    *count = 0;
    if (store_begin(store, err) != 0)
        return -1;
    if (recover_all(store, now_ms, count, err) != 0)
        store_rollback(store);
    else if (store_commit(store, err) == 0)
        return 0;
    *count = 0;
    return -1;
}

static void expired_text(char out[STORE_TEXT_SIZE + 1], const struct store_row *row)
{
    char text[STORE_TEXT_SIZE + 128];

    if (row->tries == 0 && row->reply[0] == '\0')
        snprintf(text, sizeof text, "expired before the first try");
    else
        snprintf(text, sizeof text, "expired after %u %s; last reply: %s", row->tries,
                 row->tries == 1 ? "try" : "tries", row->reply[0] != '\0' ? row->reply : "none");
    store_clip(out, text);
}

int store_expire(struct store *store, int64_t now_ms, size_t *count, struct error *err)
{
    struct store_row row;

    assert(store->in_transaction);
    *count = 0;
    for (;;) {
        char reply[STORE_TEXT_SIZE + 1];
        struct store_change change = {.from = RECIPIENT_QUEUED,
                                      .event = "expired",
                                      .now_ms = now_ms,
                                      .status = "5.4.7",
                                      .reply = reply};

        if (store->ops->any_expired(store, now_ms, &row, err) != 0)
            return store_finish(store, -1, err);
        if (row.recipient == 0)
            return 0;
        expired_text(reply, &row);
        change.recipient = row.recipient;
        /* A report that cannot be delivered is never answered by another: the operator gets it. */
        change.to = row.report ? RECIPIENT_HELD : RECIPIENT_FAILED;
        if (make_change(store, &change, err) != 0 ||
            withdraw_notices(store, row.message, now_ms, err) != 0)
            return store_finish(store, -1, err);
        ++*count;
    }
}

/* Mail that comes back to life must not expire at once. */
static bool revives(enum store_verb verb, enum recipient_state from)
{
    return verb == VERB_RELEASE || (verb == VERB_RETRY && from == RECIPIENT_FAILED);
}

/* 1: applied, 0: VERB leaves this one alone. */
static int apply_to(struct store *store, const struct store_row *row, enum store_verb verb,
                    int64_t now_ms, const char *reason, struct error *err)
{
    struct store_change change = {.recipient = row->recipient,
                                  .from = row->state,
                                  .now_ms = now_ms,
                                  .due_ms = now_ms,
                                  .note = reason};

    if (!store_verb_change(verb, row->state, &change.to, &change.event))
        return 0;
    if (change.to == RECIPIENT_FAILED) {
        change.status = "5.0.0";
        change.reply = reason[0] != '\0' ? reason : "returned by the operator";
    } else if (change.to == RECIPIENT_HELD && reason[0] != '\0') {
        change.reply = reason;
    }
    return make_change(store, &change, err) == 0 ? 1 : -1;
}

static int apply_all(struct store *store, uint64_t id, enum store_verb verb, int64_t now_ms,
                     int64_t expires_ms, const char *reason, size_t *count, struct error *err)
{
    struct store_row row = {0};
    bool anew = false;

    for (;;) {
        int done;

        if (store->ops->next_row(store, id, row.recipient, &row, err) != 0)
            return -1;
        if (row.recipient == 0)
            break;
        done = apply_to(store, &row, verb, now_ms, reason, err);
        if (done < 0)
            return -1;
        if (done > 0) {
            ++*count;
            anew = anew || revives(verb, row.state);
        }
    }
    if (withdraw_notices(store, id, now_ms, err) != 0)
        return -1;
    return anew ? store->ops->extend(store, id, expires_ms, err) : 0;
}

int store_apply(struct store *store, uint64_t id, enum store_verb verb, int64_t now_ms,
                int64_t expires_ms, const char *reason, size_t *count, struct error *err)
{
    char clipped[STORE_TEXT_SIZE + 1];
    int known;

    assert(store->in_transaction);
    *count = 0;
    known = store->ops->has_message(store, id, err);
    if (known < 0)
        return store_finish(store, -1, err);
    if (known == 0)
        return error_set(err, ERROR_DATA, "5.3.5", "queue: no message %" PRIu64, id);
    store_clip(clipped, reason);
    return store_finish(store, apply_all(store, id, verb, now_ms, expires_ms, clipped, count, err),
                        err);
}
