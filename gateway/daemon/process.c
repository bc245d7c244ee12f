/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/confine.h"
#include "daemon/intake.h"
#include "daemon/relay.h"
#include "daemon/relaylog.h"
#include "daemon/spool.h"
#include "daemon/stop.h"
#include "message/mime.h"
#include "smtp/auth.h"

struct process {
    const char *role;
    const struct settings *settings;
    struct store *store;
    struct relaylog *log;
    int lock_fd;
};

static int exit_status(const char *role, const struct error *err)
{
    log_error(role, "%s", err->text);
    return err->class == ERROR_SETUP ? 2 : 1;
}

static int note_process(struct process *process, struct error *err)
{
    char name[32], value[128], stamp[CLOCK_STAMP_SIZE];
    int64_t now = clock_now_ms();

    snprintf(name, sizeof name, "process.%s", process->role);
    snprintf(value, sizeof value, "{\"pid\":%ld,\"since\":\"%s\"}", (long)getpid(),
             clock_stamp(now, stamp));
    return store_put_note(process->store, name, value, now, err);
}

static int begin(struct process *process, struct error *err)
{
    struct relaylog_event event = {.event = "started", .reason = process->role, .delay_ms = -1};

    process->lock_fd = spool_lock(process->settings, process->role, err);
    if (process->lock_fd < 0)
        return -1;
    if (store_open(&process->store, process->settings->store, true, err) != 0)
        return -1;
    if (relaylog_open(&process->log, process->settings->log, relaylog_journal_runs(), err) != 0)
        return -1;
    relaylog_write(process->log, clock_now_ms(), &event);
    return note_process(process, err);
}

static void end(struct process *process)
{
    struct relaylog_event event = {.event = "stopped", .reason = process->role, .delay_ms = -1};
    char name[32];
    struct error err;

    if (process->log != NULL)
        relaylog_write(process->log, clock_now_ms(), &event);
    snprintf(name, sizeof name, "process.%s", process->role);
    if (process->store != NULL &&
        store_put_note(process->store, name, NULL, clock_now_ms(), &err) != 0)
        log_warn(process->role, "%s", err.text);
    relaylog_free(process->log);
    store_close(process->store);
    if (process->lock_fd >= 0)
        close(process->lock_fd);
}

/* ---- intake ---- */

static void log_sweep(const struct settings_postoffice *postoffice,
                      const struct intake_counts *counts)
{
    if (counts->queued + counts->known + counts->damaged == 0)
        return;
    log_info("intake",
             "%s: %" PRIu64 " queued, %" PRIu64 " known already, %" PRIu64 " left, %" PRIu64
             " damaged",
             postoffice->title, counts->queued, counts->known, counts->left, counts->damaged);
}

static void sweep_due(const struct intake *intake, int64_t *due)
{
    const struct settings *settings = intake->settings;
    int64_t now = clock_steady_ms();

    for (size_t i = 0; i < settings->postoffice_count && *intake->stop == 0; i++) {
        const struct settings_postoffice *postoffice = &settings->postoffices[i];
        struct intake_counts counts = {0};
        struct error err;

        if (due[i] > now)
            continue;
        /* A pause was told once, and is an alarm. */
        if (intake_sweep(intake, postoffice, &counts, &err) != 0 && !counts.paused)
            log_warn("intake", "%s: %s", postoffice->title, err.text);
        log_sweep(postoffice, &counts);
        due[i] = clock_steady_ms() + (int64_t)postoffice->interval_s * 1000;
    }
}

static int64_t until_next(const struct settings *settings, const int64_t *due)
{
    int64_t now = clock_steady_ms(), next = INT64_MAX;

    for (size_t i = 0; i < settings->postoffice_count; i++) {
        if (due[i] < next)
            next = due[i];
    }
    if (next == INT64_MAX)
        return INT64_C(3600000);
    return next > now ? next - now : 0;
}

static int run_intake(struct process *process, struct error *err)
{
    const struct settings *settings = process->settings;
    int64_t *due = calloc(settings->postoffice_count + 1, sizeof *due);
    struct map *map = NULL;
    struct intake intake = {
        .settings = settings, .store = process->store, .log = process->log, .stop = stop_wish()};

    if (due == NULL || map_load(&map, settings->map, NULL, NULL, err) != 0) {
        free(due);
        return -1;
    }
    intake.map = map;
    while (*intake.stop == 0) {
        sweep_due(&intake, due);
        stop_wait(until_next(settings, due));
    }
    map_free(map);
    free(due);
    return 0;
}

int process_intake(const struct settings *settings)
{
    struct process process = {.role = "intake", .settings = settings, .lock_fd = -1};
    struct error err = {0};
    int status = 0;

    stop_install();
    mime_initialize();
    if (begin(&process, &err) != 0 || confine_intake(settings, &err) != 0 ||
        run_intake(&process, &err) != 0)
        status = exit_status("intake", &err);
    end(&process);
    return status;
}

/* ---- relay ---- */

int process_relay(const struct settings *settings)
{
    struct process process = {.role = "relay", .settings = settings, .lock_fd = -1};
    struct relay_options options = {.settings = settings};
    struct error err = {0};
    int status = 0;

    stop_install();
    mime_initialize();
    if (begin(&process, &err) != 0 || auth_initialize(&err) != 0 ||
        confine_relay(settings, &err) != 0) {
        status = exit_status("relay", &err);
    } else {
        options.store = process.store;
        options.log = process.log;
        if (relay_run(&options, NULL, &err) != 0)
            status = exit_status("relay", &err);
    }
    end(&process);
    auth_shutdown();
    return status;
}
