/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_PAUSE_MS 5000
#define LONGEST_PAUSE_MS 300000
#define NO_BDAT_MS INT64_C(86400000)

struct host_state {
    unsigned failures; /* in a row */
    int64_t paused_until;
    bool takes_bdat;
    int64_t no_bdat_until;
};

struct hosts {
    const struct settings_relay *settings; /* borrowed */
    struct host_state *states;
    int64_t suspended_until;
    bool suspended; /* and not yet seen to work again */
    char reason[SMTP_TEXT_SIZE];
};

int hosts_new(struct hosts **out, const struct settings_relay *settings, struct error *err)
{
    struct hosts *hosts = calloc(1, sizeof *hosts);

    if (hosts != NULL)
        hosts->states = calloc(settings->host_count, sizeof *hosts->states);
    if (hosts == NULL || hosts->states == NULL) {
        free(hosts);
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for hosts");
    }
    hosts->settings = settings;
    *out = hosts;
    return 0;
}

void hosts_free(struct hosts *hosts)
{
    if (hosts == NULL)
        return;
    free(hosts->states);
    free(hosts);
}

bool hosts_usable(const struct hosts *hosts, int index, int64_t now_ms)
{
    return hosts->suspended_until <= now_ms && hosts->states[index].paused_until <= now_ms;
}

int hosts_choose(const struct hosts *hosts, int64_t now_ms)
{
    for (size_t i = 0; i < hosts->settings->host_count; i++) {
        if (hosts_usable(hosts, (int)i, now_ms))
            return (int)i;
    }
    return -1;
}

int64_t hosts_open_at(const struct hosts *hosts, int64_t now_ms)
{
    int64_t earliest = hosts->states[0].paused_until;

    for (size_t i = 1; i < hosts->settings->host_count; i++) {
        if (hosts->states[i].paused_until < earliest)
            earliest = hosts->states[i].paused_until;
    }
    if (hosts->suspended_until > earliest)
        earliest = hosts->suspended_until;
    return earliest > now_ms ? earliest : now_ms;
}

static int64_t pause_ms(const struct hosts *hosts, unsigned failures)
{
    int64_t pause = FIRST_PAUSE_MS;

    for (unsigned i = 1; i < failures && pause < LONGEST_PAUSE_MS; i++)
        pause *= 2;
    if (pause > LONGEST_PAUSE_MS)
        pause = LONGEST_PAUSE_MS;
    return pause / (int64_t)hosts->settings->time_divisor;
}

bool hosts_failed(struct hosts *hosts, int index, const struct smtp_outcome *outcome,
                  int64_t now_ms)
{
    struct host_state *state = &hosts->states[index];
    int64_t suspend = (int64_t)hosts->settings->suspend_s * 1000;

    snprintf(hosts->reason, sizeof hosts->reason, "%s", outcome->text);
    state->failures++;
    if (outcome->action != ACTION_SUSPEND) {
        state->paused_until = now_ms + pause_ms(hosts, state->failures);
        return false;
    }
    if (outcome->scope == SCOPE_HOST || outcome->scope == SCOPE_CONNECTION) {
        state->paused_until = now_ms + suspend;
        if (hosts_choose(hosts, now_ms) >= 0)
            return false;
    }
    hosts->suspended_until = now_ms + suspend;
    hosts->suspended = true;
    return true;
}

bool hosts_worked(struct hosts *hosts, int index)
{
    bool was = hosts->suspended;

    hosts->states[index].failures = 0;
    hosts->states[index].paused_until = 0;
    hosts->suspended = false;
    hosts->suspended_until = 0;
    hosts->reason[0] = '\0';
    return was;
}

enum smtp_chunking hosts_chunking(const struct hosts *hosts, int index, int64_t now_ms)
{
    const struct host_state *state = &hosts->states[index];

    if (!hosts->settings->chunking || state->no_bdat_until > now_ms)
        return SMTP_CHUNKING_OFF;
    return state->takes_bdat ? SMTP_CHUNKING_WORKS : SMTP_CHUNKING_TRY;
}

bool hosts_chunking_seen(struct hosts *hosts, int index, enum smtp_chunking found, int64_t now_ms)
{
    struct host_state *state = &hosts->states[index];

    if (found == SMTP_CHUNKING_WORKS)
        state->takes_bdat = true;
    if (found != SMTP_CHUNKING_OFF || hosts_chunking(hosts, index, now_ms) == SMTP_CHUNKING_OFF)
        return false;
    state->takes_bdat = false;
    state->no_bdat_until = now_ms + NO_BDAT_MS;
    return true;
}

const char *hosts_reason(const struct hosts *hosts)
{
    return hosts->reason;
}

bool hosts_suspended(const struct hosts *hosts, int64_t now_ms)
{
    return hosts->suspended && hosts->suspended_until > now_ms;
}
