/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/relay-int.h"

#include <stdio.h>

#include "base/log.h"

#define PURGE_LIMIT 500

static void expire(struct relay *relay, int64_t now_ms)
{
    struct store *store = relay->options->store;
    struct relaylog_event event = {.event = "expired", .delay_ms = -1};
    struct error err;
    char reason[48];
    size_t count = 0;

    if (store_begin(store, &err) != 0) {
        log_warn("relay", "expiry: %s", err.text);
        return;
    }
    if (store_expire(store, now_ms, &count, &err) != 0) {
        store_rollback(store);
        log_warn("relay", "expiry: %s", err.text);
        return;
    }
    if (store_commit(store, &err) != 0) {
        log_warn("relay", "expiry: %s", err.text);
        return;
    }
    if (count == 0)
        return;
    snprintf(reason, sizeof reason, "%zu recipients", count);
    event.reason = reason;
    relaylog_write(relay->options->log, now_ms, &event);
}

void relay_upkeep(struct relay *relay, int64_t now_ms)
{
    int64_t keep = (int64_t)relay->settings->keep_days * 86400000;
    struct error err;
    size_t count;

    expire(relay, now_ms);
    relay_report(relay, now_ms);
    if (store_purge(relay->options->store, now_ms - keep, PURGE_LIMIT, &count, &err) != 0)
        log_warn("relay", "purge: %s", err.text);
    relay_note_route(relay, now_ms);
}
