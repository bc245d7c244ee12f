/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/stop.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>

/* A signal handler can reach nothing else than a static object. */
static volatile int wish;

static void note_signal(int number)
{
    wish = number;
}

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
}

void stop_install(void)
{
    struct sigaction action = {.sa_handler = note_signal};

    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    signal(SIGPIPE, SIG_IGN);
}

const volatile int *stop_wish(void)
{
    return &wish;
}

/* The signals are blocked between the test of the wish and the wait, which takes them itself. */
void stop_wait(int64_t ms)
{
    struct timespec limit = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    sigset_t set, before;
    int number;

    stop_signals(&set);
    sigprocmask(SIG_BLOCK, &set, &before);
    if (wish == 0) {
        number = sigtimedwait(&set, NULL, &limit);
        if (number > 0)
            wish = number;
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
}
