/* SPDX-License-Identifier: BSD-2-Clause */
/* From outcomes of the protocol to states of the queue: here, and only here, it is decided whether
 * mail is tried again at once, later, or when the route is open again. */
#include "config.h"

#include "daemon/relay-int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/note.h"

void relay_note_route(struct relay *relay, int64_t now_ms)
{
    char value[SMTP_TEXT_SIZE + 256], reason[SMTP_TEXT_SIZE], stamp[CLOCK_STAMP_SIZE];
    bool suspended = hosts_suspended(relay->hosts, now_ms);
    bool open = hosts_choose(relay->hosts, now_ms) >= 0;
    struct error err;

    note_text(hosts_reason(relay->hosts), reason, sizeof reason);
    snprintf(value, sizeof value, "{\"state\":\"%s\",\"until\":\"%s\",\"reason\":\"%s\"}",
             suspended ? "suspended"
             : open    ? "open"
                       : "paused",
             open ? "" : clock_stamp(hosts_open_at(relay->hosts, now_ms), stamp), reason);
    if (store_put_note(relay->options->store, "route.relay", value, now_ms, &err) != 0 ||
        store_put_note(relay->options->store, "alarm.relay", suspended ? value : NULL, now_ms,
                       &err) != 0)
        log_warn("relay", "%s", err.text);
}

static void report_suspension(struct relay *relay, struct session *session,
                              const struct smtp_outcome *outcome, int64_t now_ms)
{
    struct relaylog_event event = {
        .event = "suspended",
        .relay = session_path(session)->relay,
        .dsn = outcome->status,
        .reply = outcome->text,
        .delay_ms = -1,
    };

    log_error("relay", "route suspended for %u s, mail is kept: %s",
              relay->settings->relay.suspend_s, outcome->text);
    relaylog_write(relay->options->log, now_ms, &event);
}

/* Several replies of one session tell the same: the first counts. */
static void route_failed(struct relay *relay, struct session *session,
                         const struct smtp_outcome *outcome)
{
    int64_t now = clock_now_ms();

    if (!hosts_usable(relay->hosts, session_host(session), now))
        return;
    log_warn("relay", "%s: %s: %s", session_path(session)->relay, smtp_state_name(outcome->state),
             outcome->text);
    if (hosts_failed(relay->hosts, session_host(session), outcome, now))
        report_suspension(relay, session, outcome, now);
    relay_note_route(relay, now);
}

static void delivered(struct relay *relay, struct session *session)
{
    struct relaylog_event event = {.event = "resumed", .delay_ms = -1};
    enum smtp_chunking found = smtp_client_chunking(session_client(session));

    hosts_chunking_seen(relay->hosts, session_host(session), found, clock_now_ms());
    if (!hosts_worked(relay->hosts, session_host(session)))
        return;
    event.relay = session_path(session)->relay;
    relaylog_write(relay->options->log, clock_now_ms(), &event);
    relay_note_route(relay, clock_now_ms());
}

/* The message, not the recipient, is the seed: its recipients come again together, in one copy. */
static void set_retry(struct relay *relay, const struct claim_message *message, unsigned tries,
                      const struct smtp_outcome *outcome, struct store_result *result)
{
    int64_t now = result->now_ms, received_ms = message->received_ms;

    result->state = RECIPIENT_QUEUED;
    if (outcome->action == ACTION_AGAIN) {
        /* Only after this session has done something (smtp/client.h): no loop without progress.
         * Before what came later, so that the rest of its recipients do not wait for the queue. */
        result->due_ms = received_ms < now ? received_ms : now;
    } else if (outcome->action == ACTION_SUSPEND) {
        result->due_ms = hosts_open_at(relay->hosts, now);
    } else {
        result->attempted = true;
        result->due_ms = schedule_next(&relay->settings->schedule, tries + 1, message->id, now);
    }
}

/* One message whose content cannot be read takes its session with it, not the other messages. */
static const struct smtp_outcome *for_this_one(const struct delivery *delivery,
                                               const struct smtp_outcome *outcome,
                                               struct smtp_outcome *again)
{
    if (outcome->state != SMTP_STATE_CONTENT || outcome->scope != SCOPE_MESSAGE ||
        outcome->code != 0 || delivery->stopped)
        return outcome;
    outcome_local(again, outcome->state, SCOPE_CONNECTION, ACTION_AGAIN, "4.4.2",
                  "the connection was given up for another message");
    return again;
}

void relay_outcome(void *context, struct session *session, struct delivery *delivery, size_t index,
                   const struct smtp_outcome *outcome, bool doubt)
{
    struct relay *relay = context;
    const struct claim_recipient *recipient = &delivery->message->recipients[index];
    struct store_result result = {
        .now_ms = clock_now_ms(),
        .doubt = doubt,
    };
    char reply[SMTP_TEXT_SIZE + 8];
    struct smtp_outcome again;

    outcome = for_this_one(delivery, outcome, &again);
    result.status = outcome->status;
    result.reply = outcome->text;
    if (outcome->code != 0) {
        snprintf(reply, sizeof reply, "%d %s", outcome->code, outcome->text);
        result.reply = reply;
    }
    if (outcome->action == ACTION_SUSPEND)
        route_failed(relay, session, outcome);
    switch (outcome->action) {
    case ACTION_DELIVERED:
        result.state = RECIPIENT_SENT;
        result.attempted = true;
        delivered(relay, session);
        break;
    case ACTION_FAIL:
        /* A report that cannot be delivered makes no other: the operator gets it. */
        result.state = delivery->message->report_of != 0 ? RECIPIENT_HELD : RECIPIENT_FAILED;
        result.attempted = true;
        relay->failed_mail = true;
        break;
    case ACTION_AGAIN:
    case ACTION_DEFER:
    case ACTION_SUSPEND:
        if (delivery->unusable) {
            result.state = RECIPIENT_HELD;
            break;
        }
        set_retry(relay, delivery->message, recipient->tries, outcome, &result);
        break;
    }
    results_add(relay->results, delivery, index, &result, session_path(session));
    relay->exhausted = false;
    /* The server spoke about our account or itself in the middle of a session: the session ends,
     * so that the mail behind this one is not offered in vain. */
    if (outcome->action == ACTION_SUSPEND)
        session_end(session);
    relay_poke(relay);
}

void relay_release_waiting(struct relay *relay, int64_t now_ms)
{
    struct result_path path = {.relay = "", .tls = "", .auth = ""};
    struct delivery *delivery;

    while ((delivery = delivery_take(&relay->waiting)) != NULL) {
        for (size_t i = 0; i < delivery->message->recipient_count; i++) {
            struct store_result result = {
                .state = RECIPIENT_QUEUED,
                .now_ms = now_ms,
                .due_ms = relay->stop_by_ms != 0 ? now_ms : hosts_open_at(relay->hosts, now_ms),
                .status = "",
                .reply = hosts_reason(relay->hosts),
            };
            results_add(relay->results, delivery, i, &result, &path);
        }
        delivery_free(delivery);
    }
}

/* A session that ended as it should, or after it delivered, says nothing against its host. One that
 * the server ended before it took any mail is not "again" (smtp/outcome.h). */
static bool is_failure(const struct session *session, const struct smtp_outcome *outcome)
{
    if (outcome->action == ACTION_SUSPEND)
        return true;
    return session_delivered(session) == 0 && outcome->scope != SCOPE_MESSAGE &&
           outcome->state != SMTP_STATE_QUIT &&
           (outcome->state != SMTP_STATE_IDLE || outcome->action != ACTION_AGAIN);
}

/* True when the session ended because BDAT does not work there: the host may be as good as any. */
static bool ended_by_chunking(struct relay *relay, struct session *session,
                              const struct smtp_outcome *outcome)
{
    enum smtp_chunking found = smtp_client_chunking(session_client(session));
    bool news = hosts_chunking_seen(relay->hosts, session_host(session), found, clock_now_ms());

    if (news)
        log_warn("relay", "%s: CHUNKING is offered but does not work, DATA is used for a day: %s",
                 session_path(session)->relay, outcome->text);
    return news && outcome->action != ACTION_SUSPEND;
}

void relay_session_over(void *context, struct session *session, const struct smtp_outcome *outcome)
{
    struct relay *relay = context;

    if (!ended_by_chunking(relay, session, outcome) && relay->stop_by_ms == 0 &&
        is_failure(session, outcome))
        route_failed(relay, session, outcome);
    relay_poke(relay);
}
