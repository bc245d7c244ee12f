/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/child.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

#define FIRST_PAUSE_MS 1000
#define LONGEST_PAUSE_MS 60000
#define LIVED_MS 60000

/* The child must not outlive its parent: two relays on one queue are prevented by the lock, but a
 * new parent would wait for it. */
static void become_child(struct child *child, const struct settings *settings, pid_t parent)
{
    sigset_t none;

    sigemptyset(&none);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
    if (getppid() != parent)
        _exit(0);
    if (child->not_ours >= 0)
        close(child->not_ours);
    _exit(child->run(settings));
}

int child_start(struct child *child, const struct settings *settings, int64_t now_ms,
                struct error *err)
{
    pid_t parent = getpid(), pid;

    if (child->pid != 0 || now_ms < child->start_at_ms)
        return 0;
    pid = fork();
    if (pid < 0) {
        child->start_at_ms = now_ms + FIRST_PAUSE_MS;
        return error_sys(err, ERROR_SOFT, "", "cannot start %s", child->role);
    }
    if (pid == 0)
        become_child(child, settings, parent);
    child->pid = pid;
    child->started_ms = now_ms;
    return 0;
}

static int64_t pause_after(unsigned deaths)
{
    int64_t pause = FIRST_PAUSE_MS;

    while (--deaths > 0 && pause < LONGEST_PAUSE_MS)
        pause *= 2;
    return pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS;
}

void child_ended(struct child *child, int status, bool asked, int64_t now_ms)
{
    int64_t pause;

    child->pid = 0;
    if (asked) {
        child->deaths = 0;
        child->start_at_ms = now_ms;
        return;
    }
    if (now_ms - child->started_ms >= LIVED_MS)
        child->deaths = 0;
    child->deaths++;
    pause = pause_after(child->deaths);
    child->start_at_ms = now_ms + pause;
    if (WIFSIGNALED(status))
        log_error("msmailgwd", "%s was ended by signal %d; again in %lld s", child->role,
                  WTERMSIG(status), (long long)pause / 1000);
    else
        log_error("msmailgwd", "%s ended with status %d; again in %lld s", child->role,
                  WEXITSTATUS(status), (long long)pause / 1000);
}
