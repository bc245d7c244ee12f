/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/parent.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/child.h"
#include "daemon/confine.h"
#include "daemon/process.h"
#include "daemon/settings.h"
#include "daemon/spool.h"
#include "message/map.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif
#define DEFAULT_SETTINGS SYSCONFDIR "/msmailgw/msmailgw.conf"

#define CHILDREN 2
#define STOP_LIMIT_MS 30000

struct parent {
    const char *file;
    struct settings *settings;
    struct child children[CHILDREN];
    sigset_t signals;
    bool background;
    bool stopping, reloading;
    int64_t kill_at_ms; /* children that were asked to end and did not */
};

static int usage(void)
{
    fprintf(stderr, "usage: msmailgwd [-bV] [-c FILE]\n");
    return 2;
}

/* 0: go on; other: exit with that status less one. */
static int parse_options(struct parent *parent, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "bc:V")) != -1) {
        switch (option) {
        case 'b':
            parent->background = true;
            break;
        case 'c':
            parent->file = optarg;
            break;
        case 'V':
            printf("msmailgwd %s\n", PACKAGE_VERSION);
            return 1;
        default:
            return usage() + 1;
        }
    }
    return optind == argc ? 0 : usage() + 1;
}

/* Settings and map as a whole, or not at all. */
static int load(const char *file, struct settings **out, struct error *err)
{
    struct settings *settings;
    struct map *map;

    if (settings_load(&settings, file, err) != 0)
        return -1;
    if (map_load(&map, settings->map, NULL, NULL, err) != 0) {
        settings_free(settings);
        return -1;
    }
    map_free(map);
    *out = settings;
    return 0;
}

static void ask_to_end(struct parent *parent)
{
    parent->kill_at_ms = clock_steady_ms() + STOP_LIMIT_MS;
    for (size_t i = 0; i < CHILDREN; i++) {
        if (parent->children[i].pid != 0)
            kill(parent->children[i].pid, SIGTERM);
    }
}

/* The lock is on the spool that we began with: another one takes another start. */
static int load_again(const struct parent *parent, struct settings **out, struct error *err)
{
    if (load(parent->file, out, err) != 0)
        return -1;
    if (strcmp((*out)->spool, parent->settings->spool) == 0)
        return 0;
    error_set(err, ERROR_SETUP, "", "%s: spool: %s takes effect at a new start only, not at a reload",
              parent->file, (*out)->spool);
    settings_free(*out);
    *out = NULL;
    return -1;
}

/* Children never change their settings: they end in good order and start anew, with the new ones or,
 * when those are bad, the old: the relay log is opened again in either case. */
static void reload(struct parent *parent)
{
    struct settings *settings;
    struct error err;

    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_steady_ms() * 1000);
    if (load_again(parent, &settings, &err) != 0) {
        log_error("msmailgwd", "reload: the old settings stay in use: %s", err.text);
        sd_notify(0, "READY=1\nSTATUS=reload failed, the old settings stay in use");
    } else {
        settings_free(parent->settings);
        parent->settings = settings;
        log_set_level(settings->log_level);
        log_info("msmailgwd", "reloaded %s", parent->file);
        sd_notify(0, "READY=1\nSTATUS=running");
    }
    parent->reloading = true;
    ask_to_end(parent);
}

/* Who was asked before it could listen ended by the signal itself. */
static bool ended_well(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGTERM;
}

static void reap(struct parent *parent)
{
    bool asked = parent->stopping || parent->reloading;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (size_t i = 0; i < CHILDREN; i++) {
            struct child *child = &parent->children[i];
            if (child->pid == pid)
                child_ended(child, status, asked && ended_well(status), clock_steady_ms());
        }
    }
}

static bool any_child(const struct parent *parent)
{
    for (size_t i = 0; i < CHILDREN; i++) {
        if (parent->children[i].pid != 0)
            return true;
    }
    return false;
}

static void kill_late(struct parent *parent)
{
    if ((!parent->stopping && !parent->reloading) || clock_steady_ms() < parent->kill_at_ms)
        return;
    for (size_t i = 0; i < CHILDREN; i++) {
        if (parent->children[i].pid == 0)
            continue;
        log_warn("msmailgwd", "%s does not end: killed", parent->children[i].role);
        kill(parent->children[i].pid, SIGKILL);
    }
    /* One that waits for a file server cannot even be killed: told now and then, not all the time. */
    parent->kill_at_ms = clock_steady_ms() + STOP_LIMIT_MS;
}

static void start_children(struct parent *parent)
{
    struct error err;

    /* After a reload none starts before all have ended: old and new settings never mix. */
    if (parent->stopping || (parent->reloading && any_child(parent)))
        return;
    parent->reloading = false;
    for (size_t i = 0; i < CHILDREN; i++) {
        if (child_start(&parent->children[i], parent->settings, clock_steady_ms(), &err) != 0)
            log_error("msmailgwd", "%s", err.text);
    }
}

static int64_t wait_ms(const struct parent *parent)
{
    int64_t now = clock_steady_ms(), at = now + 10000;

    for (size_t i = 0; i < CHILDREN; i++) {
        const struct child *child = &parent->children[i];
        if (child->pid == 0 && child->start_at_ms < at)
            at = child->start_at_ms;
    }
    if ((parent->stopping || parent->reloading) && parent->kill_at_ms < at)
        at = parent->kill_at_ms;
    return at > now ? at - now : 10;
}

static void handle_signal(struct parent *parent, int number)
{
    switch (number) {
    case SIGTERM:
    case SIGINT:
        if (!parent->stopping) {
            sd_notify(0, "STOPPING=1");
            parent->stopping = true;
            ask_to_end(parent);
        }
        break;
    case SIGHUP:
        if (!parent->stopping)
            reload(parent);
        break;
    default:
        break;
    }
}

static int watch(struct parent *parent)
{
    sd_notify(0, "READY=1\nSTATUS=running");
    for (;;) {
        struct timespec limit;
        int64_t ms;

        reap(parent);
        if (parent->stopping && !any_child(parent))
            return 0;
        kill_late(parent);
        start_children(parent);
        ms = wait_ms(parent);
        limit = (struct timespec){.tv_sec = (time_t)(ms / 1000),
                                  .tv_nsec = (long)(ms % 1000) * 1000000};
        handle_signal(parent, sigtimedwait(&parent->signals, NULL, &limit));
        sd_notify(0, "WATCHDOG=1");
    }
}

static void to_syslog(void *context, enum log_level level, const char *token, const char *line)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

    (void)context;
    syslog(priorities[level], "%s: %s", token, line);
}

static int go_background(struct error *err)
{
    pid_t pid = fork();
    int null;

    if (pid < 0)
        return error_sys(err, ERROR_SETUP, "", "cannot go into the background");
    if (pid > 0)
        _exit(0);
    if (setsid() < 0)
        return error_sys(err, ERROR_SETUP, "", "cannot leave the terminal");
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return error_sys(err, ERROR_SETUP, "", "/dev/null");
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    close(null);
    openlog("msmailgwd", LOG_PID, LOG_MAIL);
    log_set_sink(to_syslog, NULL);
    return 0;
}

static int prepare(struct parent *parent, struct error *err)
{
    static const int wanted[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
    int lock_fd;

    if (load(parent->file, &parent->settings, err) != 0)
        return -1;
    log_set_level(parent->settings->log_level);
    if (spool_prepare(parent->settings, err) != 0 || confine_process(err) != 0)
        return -1;
    /* Before the background, so that who starts a second one is told. */
    lock_fd = spool_lock(parent->settings, "msmailgwd", err);
    if (lock_fd < 0)
        return -1;
    for (size_t i = 0; i < CHILDREN; i++)
        parent->children[i].not_ours = lock_fd;
    if (parent->background &&
        (go_background(err) != 0 || spool_lock_note(lock_fd, "msmailgwd", err) != 0))
        return -1;
    sigemptyset(&parent->signals);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        sigaddset(&parent->signals, wanted[i]);
    if (sigprocmask(SIG_BLOCK, &parent->signals, NULL) != 0)
        return error_sys(err, ERROR_SETUP, "", "cannot block signals");
    return 0;
}

int parent_main(int argc, char **argv)
{
    struct parent parent = {
        .file = DEFAULT_SETTINGS,
        .children = {{.role = "intake", .run = process_intake},
                     {.role = "relay", .run = process_relay}},
    };
    struct error err;
    int status = parse_options(&parent, argc, argv);

    if (status != 0)
        return status - 1;
    if (prepare(&parent, &err) != 0) {
        log_error("msmailgwd", "%s", err.text);
        settings_free(parent.settings);
        return 2;
    }
    status = watch(&parent);
    settings_free(parent.settings);
    return status;
}
