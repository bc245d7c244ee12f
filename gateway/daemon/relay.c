/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/relay-int.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/spool.h"
#include "daemon/stop.h"

#define UPKEEP_MS 30000
#define IDLE_SESSION_MS 5000
#define STOP_LIMIT_MS 20000
#define RETRY_STORE_MS 1000
#define COMMIT_RESULTS 64
#define COMMIT_MS 5

void relay_poke(struct relay *relay)
{
    event_active(relay->work, EV_TIMEOUT, 0);
}

static void wake_at(struct relay *relay, int64_t at_ms, int64_t now_ms)
{
    int64_t ms = at_ms > now_ms ? at_ms - now_ms : 1;
    struct timeval limit = {.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000) * 1000};

    evtimer_add(relay->timer, &limit);
}

/* ---- sessions ---- */

static struct delivery *next_delivery(void *context, struct session *session)
{
    struct relay *relay = context;
    struct delivery *delivery;
    struct relaylog_event event = {.event = "possible-duplicate",
                                   .reason = "possible duplicate: an earlier try had no reply",
                                   .delay_ms = -1};

    if (relay->stop_by_ms != 0)
        return NULL;
    delivery = delivery_take(&relay->waiting);
    if (delivery == NULL)
        return NULL;
    event.id = delivery->message->id;
    event.msgid = delivery->message->message_id;
    event.relay = session_path(session)->relay;
    for (size_t i = 0; i < delivery->message->recipient_count; i++) {
        if (!delivery->message->recipients[i].doubt)
            continue;
        event.rcpt = delivery->message->recipients[i].address;
        relaylog_write(relay->options->log, clock_now_ms(), &event);
    }
    relay_poke(relay);
    return delivery;
}

static void session_ready(void *context, struct session *session)
{
    (void)session;
    relay_poke(context);
}

static int open_session(struct relay *relay, int host, struct error *err)
{
    struct session_owner owner = {.next = next_delivery,
                                  .outcome = relay_outcome,
                                  .ready = session_ready,
                                  .over = relay_session_over,
                                  .context = relay};
    struct session_parts parts;
    struct session *session;

    parts = relay_parts(relay->settings, relay->base, relay->tls, relay->password,
                        relay->options->store);
    parts.smtp.chunking = hosts_chunking(relay->hosts, host, clock_now_ms());
    if (session_new(&session, &parts, &owner, host, err) != 0)
        return -1;
    relay->sessions[relay->session_count++] = session;
    session_start(session);
    return 0;
}

static void drop_sessions_over(struct relay *relay)
{
    size_t kept = 0;

    for (size_t i = 0; i < relay->session_count; i++) {
        if (session_is_over(relay->sessions[i]))
            session_free(relay->sessions[i]);
        else
            relay->sessions[kept++] = relay->sessions[i];
    }
    relay->session_count = kept;
}

static size_t room_of_sessions(const struct relay *relay, bool *connecting)
{
    size_t room = 0;

    *connecting = false;
    for (size_t i = 0; i < relay->session_count; i++) {
        room += session_room(relay->sessions[i]);
        if (session_is_opening(relay->sessions[i]))
            *connecting = true;
    }
    return room;
}

/* One more connection at a time, and only while those that are there cannot take what waits: a
 * server that refuses us is asked once, not by all connections at once. */
static void give_work(struct relay *relay, int64_t now_ms)
{
    bool connecting;
    struct error err;
    int host;

    for (size_t i = 0; i < relay->session_count && relay->waiting.count != 0; i++)
        session_poke(relay->sessions[i]);
    if (relay->waiting.count == 0 || room_of_sessions(relay, &connecting) >= relay->waiting.count)
        return;
    if (connecting || relay->session_count >= relay->settings->relay.connections)
        return;
    host = hosts_choose(relay->hosts, now_ms);
    if (host >= 0 && open_session(relay, host, &err) != 0)
        log_error("relay", "%s", err.text);
}

static void end_idle_sessions(struct relay *relay, int64_t now_ms)
{
    bool due = relay->options->once || relay->stop_by_ms != 0;

    if (relay->waiting.count != 0) {
        relay->idle_since_ms = 0;
        return;
    }
    if (relay->idle_since_ms == 0)
        relay->idle_since_ms = now_ms;
    if (!due && now_ms - relay->idle_since_ms < IDLE_SESSION_MS)
        return;
    for (size_t i = 0; i < relay->session_count; i++) {
        if (session_is_idle(relay->sessions[i]))
            session_end(relay->sessions[i]);
    }
}

/* ---- the queue ---- */

/* Enough that no connection waits for a claim, little enough that a crash leaves few in doubt. */
static size_t claim_size(const struct relay *relay)
{
    const struct settings_relay *relay_settings = &relay->settings->relay;

    return (size_t)relay_settings->pipeline * (relay_settings->connections + 1);
}

static bool any_busy(const struct relay *relay)
{
    for (size_t i = 0; i < relay->session_count; i++) {
        if (!session_is_idle(relay->sessions[i]) && !session_is_over(relay->sessions[i]))
            return true;
    }
    return false;
}

/* One commit serves the results of a few milliseconds while more are on their way: each costs the
 * disk a sync, and the time it waits is time in which a crash makes a second copy. */
static bool commit_may_wait(struct relay *relay)
{
    size_t pending = results_pending(relay->results);
    int64_t now = clock_steady_ms();

    if (pending == 0 || pending >= COMMIT_RESULTS || relay->stop_by_ms != 0 || !any_busy(relay))
        return false;
    if (relay->results_since_ms == 0)
        relay->results_since_ms = now;
    return now - relay->results_since_ms < COMMIT_MS;
}

/* WAITING: at how much mail that waits for a connection more is claimed. */
static bool may_claim(const struct relay *relay, size_t waiting, int64_t now_ms)
{
    if (relay->stop_by_ms != 0 || relay->waiting.count > waiting ||
        hosts_choose(relay->hosts, now_ms) < 0)
        return false;
    return !relay->exhausted || (relay->next_due_ms != 0 && relay->next_due_ms <= now_ms);
}

struct claimed {
    struct claim_message *messages;
    size_t count;
};

static int claim(struct relay *relay, int64_t now_ms, struct claimed *out, struct error *err)
{
    return store_claim(relay->options->store, now_ms, claim_size(relay),
                       relay->settings->relay.max_recipients, &out->messages, &out->count,
                       &relay->next_due_ms, err);
}

static void take_claim(struct relay *relay, struct claimed *claimed)
{
    struct error err;

    relay->exhausted = claimed->count == 0;
    if (delivery_add_claim(&relay->waiting, claimed->messages, claimed->count, &err) != 0)
        log_error("relay", "%s", err.text);
}

static void no_claim(struct relay *relay, int64_t now_ms, const struct error *err)
{
    log_warn("relay", "%s", err->text);
    relay->exhausted = true;
    relay->next_due_ms = now_ms + RETRY_STORE_MS;
}

/* Results and the next claim are one commit: it costs the disk a sync, whatever is in it. */
static int commit_with_claim(struct relay *relay, int64_t now_ms, struct error *err)
{
    struct store *store = relay->options->store;
    struct claimed claimed = {0};

    if (store_begin(store, err) != 0)
        return -1;
    if (results_store(relay->results, err) != 0 || claim(relay, now_ms, &claimed, err) != 0) {
        store_rollback(store);
        return -1;
    }
    if (store_commit(store, err) != 0) {
        store_claim_free(claimed.messages, claimed.count);
        return -1;
    }
    results_stored(relay->results, &relay->counts);
    take_claim(relay, &claimed);
    return 0;
}

static int commit_results(struct relay *relay, int64_t now_ms, struct error *err)
{
    relay->results_since_ms = 0;
    /* What is to come again could not be claimed before it was in the queue again. */
    relay->exhausted = false;
    /* A claim that costs no commit of its own may come early. One that fails must not keep the
     * results out of the queue. */
    if (may_claim(relay, claim_size(relay) * 3 / 4, now_ms)) {
        if (commit_with_claim(relay, now_ms, err) == 0)
            return 0;
        no_claim(relay, now_ms, err);
    }
    return results_commit(relay->results, &relay->counts, err);
}

static void claim_alone(struct relay *relay, int64_t now_ms)
{
    struct claimed claimed = {0};
    struct error err;

    if (claim(relay, now_ms, &claimed, &err) == 0)
        take_claim(relay, &claimed);
    else
        no_claim(relay, now_ms, &err);
}

/* Results into the queue, claims out of it. False when results have to stay in memory. */
static bool exchange_with_queue(struct relay *relay, int64_t now_ms)
{
    bool wanted = may_claim(relay, claim_size(relay) / 2, now_ms);
    struct error err;

    if (results_pending(relay->results) == 0 || (!wanted && commit_may_wait(relay))) {
        if (wanted)
            claim_alone(relay, now_ms);
        return true;
    }
    if (commit_results(relay, now_ms, &err) != 0) {
        log_error("relay", "results wait in memory: %s", err.text);
        wake_at(relay, now_ms + RETRY_STORE_MS, now_ms);
        return false;
    }
    if (relay->options->progress != NULL)
        relay->options->progress(relay->options->progress_context, &relay->counts);
    return true;
}

static bool nothing_left(struct relay *relay, int64_t now_ms)
{
    if (relay->session_count != 0 || relay->waiting.count != 0 ||
        results_pending(relay->results) != 0)
        return false;
    if (relay->stop_by_ms != 0)
        return true;
    if (!relay->options->once)
        return false;
    return hosts_choose(relay->hosts, now_ms) < 0 ||
           (relay->exhausted && (relay->next_due_ms == 0 || relay->next_due_ms > now_ms));
}

/* What is due already waits for something else to happen, which asks for relay_work then. */
static int64_t earlier(int64_t at_ms, int64_t other_ms, int64_t now_ms)
{
    return other_ms > now_ms && other_ms < at_ms ? other_ms : at_ms;
}

static void set_timer(struct relay *relay, int64_t now_ms)
{
    int64_t at = now_ms + UPKEEP_MS;
    int64_t open = hosts_open_at(relay->hosts, now_ms);

    at = earlier(at, relay->next_due_ms, now_ms);
    /* While the route is closed nothing that is due can go, and then all of it. */
    if (open > now_ms)
        at = open < now_ms + UPKEEP_MS ? open : now_ms + UPKEEP_MS;
    if (relay->idle_since_ms != 0 && relay->session_count != 0)
        at = earlier(at, relay->idle_since_ms + IDLE_SESSION_MS, now_ms);
    if (relay->stop_by_ms != 0)
        at = relay->stop_by_ms;
    if (results_pending(relay->results) != 0)
        at = now_ms + COMMIT_MS;
    wake_at(relay, at, now_ms);
}

static void abort_sessions(struct relay *relay)
{
    for (size_t i = 0; i < relay->session_count; i++)
        session_abort(relay->sessions[i], "the relay was stopped");
}

/* A drain does not leave reports to the next run: messages whose last recipient has just become
 * final may have failed ones beside it. */
static bool finished(struct relay *relay, int64_t now_ms)
{
    if (!nothing_left(relay, now_ms))
        return false;
    if (relay->options->once && relay->stop_by_ms == 0)
        relay_upkeep(relay, now_ms);
    return nothing_left(relay, now_ms);
}

static void on_work(evutil_socket_t fd, short what, void *context)
{
    struct relay *relay = context;
    int64_t now = clock_now_ms();

    (void)fd;
    (void)what;
    if (!exchange_with_queue(relay, now)) {
        /* What is not in the queue by then comes again, in doubt. */
        if (relay->stop_by_ms != 0 && now >= relay->stop_by_ms)
            event_base_loopbreak(relay->base);
        return;
    }
    drop_sessions_over(relay);
    if (relay->failed_mail && results_pending(relay->results) == 0) {
        relay->failed_mail = false;
        relay_upkeep(relay, now);
        /* The report goes by a connection that is there, before that is found idle. */
        if (may_claim(relay, claim_size(relay) / 2, now))
            claim_alone(relay, now);
    }
    if (relay->stop_by_ms != 0 || hosts_choose(relay->hosts, now) < 0)
        relay_release_waiting(relay, now);
    if (relay->stop_by_ms == 0)
        give_work(relay, now);
    else if (now >= relay->stop_by_ms)
        abort_sessions(relay);
    end_idle_sessions(relay, now);
    if (finished(relay, now))
        event_base_loopbreak(relay->base);
    set_timer(relay, now);
}

/* ---- signals, wake-up, upkeep ---- */

static void on_wake(evutil_socket_t fd, short what, void *context)
{
    struct relay *relay = context;
    char drain[256];

    (void)what;
    while (read(fd, drain, sizeof drain) > 0)
        ;
    relay->exhausted = false;
    relay_poke(relay);
}

static void on_stop(evutil_socket_t fd, short what, void *context)
{
    struct relay *relay = context;

    (void)fd;
    (void)what;
    if (relay->stop_by_ms == 0)
        relay->stop_by_ms = clock_now_ms() + STOP_LIMIT_MS;
    for (size_t i = 0; i < relay->session_count; i++)
        session_end(relay->sessions[i]);
    relay_poke(relay);
}

static void on_upkeep(evutil_socket_t fd, short what, void *context)
{
    struct relay *relay = context;

    (void)fd;
    (void)what;
    relay_upkeep(relay, clock_now_ms());
    relay->exhausted = false;
    relay_poke(relay);
}

static struct event *add_event(struct relay *relay, evutil_socket_t fd, short what,
                               event_callback_fn callback, const struct timeval *interval)
{
    struct event *event = event_new(relay->base, fd, what, callback, relay);

    if (event != NULL && event_add(event, interval) != 0) {
        event_free(event);
        return NULL;
    }
    return event;
}

static int make_events(struct relay *relay, struct error *err)
{
    static const struct timeval interval = {.tv_sec = UPKEEP_MS / 1000};

    relay->base = event_base_new();
    if (relay->base == NULL)
        return error_set(err, ERROR_SETUP, "", "cannot make an event loop");
    relay->work = event_new(relay->base, -1, 0, on_work, relay);
    relay->timer = evtimer_new(relay->base, on_work, relay);
    relay->wake = add_event(relay, relay->wake_fd, EV_READ | EV_PERSIST, on_wake, NULL);
    relay->terminate = add_event(relay, SIGTERM, EV_SIGNAL | EV_PERSIST, on_stop, NULL);
    relay->interrupt = add_event(relay, SIGINT, EV_SIGNAL | EV_PERSIST, on_stop, NULL);
    relay->upkeep = add_event(relay, -1, EV_PERSIST, on_upkeep, &interval);
    if (relay->work == NULL || relay->timer == NULL || relay->wake == NULL ||
        relay->terminate == NULL || relay->interrupt == NULL || relay->upkeep == NULL)
        return error_set(err, ERROR_SETUP, "", "no memory for the event loop");
    return 0;
}

/* ---- beginning and end ---- */

static int prepare(struct relay *relay, struct error *err)
{
    relay->wake_fd = spool_wake_open(relay->settings, err);
    if (relay->wake_fd < 0 || make_events(relay, err) != 0)
        return -1;
    if (relay_secrets(relay->settings, &relay->tls, &relay->password, err) != 0)
        return -1;
    if (hosts_new(&relay->hosts, &relay->settings->relay, err) != 0)
        return -1;
    if (results_new(&relay->results, relay->options->store, relay->options->log, err) != 0)
        return -1;
    relay->sessions = calloc(relay->settings->relay.connections, sizeof(struct session *));
    if (relay->sessions == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for sessions");
    return 0;
}

static int recover(struct relay *relay, struct error *err)
{
    struct relaylog_event event = {.event = "recovered", .delay_ms = -1};
    int64_t now = clock_now_ms();
    size_t count;

    if (store_recover(relay->options->store, now, &count, err) != 0)
        return -1;
    if (count == 0)
        return 0;
    log_warn("relay", "%zu recipients were on their way when the relay ended: possible duplicates",
             count);
    event.reason = "on their way when the relay ended: possible duplicates follow";
    relaylog_write(relay->options->log, now, &event);
    return 0;
}

static void free_event(struct event *event)
{
    if (event != NULL)
        event_free(event);
}

static void clear(struct relay *relay)
{
    for (size_t i = 0; i < relay->session_count; i++) {
        session_abort(relay->sessions[i], "the relay has ended");
        session_free(relay->sessions[i]);
    }
    free(relay->sessions);
    results_free(relay->results);
    hosts_free(relay->hosts);
    tls_free(relay->tls);
    secret_free(relay->password);
    free_event(relay->work);
    free_event(relay->timer);
    free_event(relay->wake);
    free_event(relay->terminate);
    free_event(relay->interrupt);
    free_event(relay->upkeep);
    if (relay->base != NULL)
        event_base_free(relay->base);
    if (relay->wake_fd >= 0)
        close(relay->wake_fd);
}

int relay_run(const struct relay_options *options, struct relay_counts *counts, struct error *err)
{
    struct relay relay = {.options = options,
                          .settings = options->settings,
                          .held_report = UINT64_MAX,
                          .wake_fd = -1};
    int status = -1;

    if (prepare(&relay, err) == 0 && recover(&relay, err) == 0) {
        relay_upkeep(&relay, clock_now_ms());
        relay_note_route(&relay, clock_now_ms());
        relay_poke(&relay);
        if (*stop_wish() != 0) /* a signal before the loop's own handlers were there */
            on_stop(-1, EV_SIGNAL, &relay);
        status = event_base_dispatch(relay.base) < 0
                     ? error_set(err, ERROR_SETUP, "", "the event loop failed")
                     : 0;
        relay_release_waiting(&relay, clock_now_ms());
        if (results_commit(relay.results, &relay.counts, err) != 0)
            status = -1;
    }
    if (counts != NULL)
        *counts = relay.counts;
    clear(&relay);
    return status;
}
