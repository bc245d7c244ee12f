/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/getrun.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define MAX_ARGUMENT 65536
/* Our own descriptors are kept out of the way of those the child is given. */
#define FIRST_FREE 10
enum child_fd { CHILD_LOCK = 3, CHILD_STATUS = 4, CHILD_CLOSE_FROM = 5 };

struct run {
    const struct getrun_settings *settings;
    const struct getrun_job *job;
    char **arguments;
    char program[4096];
    int null, lock; /* for the child */
    int output[2];  /* its stdout and stderr */
    int status[2];  /* errno of a failed exec; closed by a good one */
    pid_t pid;
    int pidfd;
    bool timed_out;
    struct buf line;
    size_t reported;
    char last[GETRUN_MAX_LINE];
    char *refusal;
};

/* ---- program and arguments ---- */

static int find_in_path(struct run *run, const char *name, struct error *err)
{
    const char *path = getenv("PATH");

    if (path == NULL)
        path = "/usr/local/bin:/usr/bin:/bin";
    while (*path != '\0') {
        size_t length = strcspn(path, ":");
        struct stat st;

        snprintf(run->program, sizeof run->program, "%.*s/%s", (int)length, path, name);
        if (length > 0 && path[0] == '/' && stat(run->program, &st) == 0 && S_ISREG(st.st_mode) &&
            access(run->program, X_OK) == 0)
            return 0;
        path += length + (path[length] == ':');
    }
    return error_set(err, ERROR_SETUP, "",
                     "GET program %s: not found in PATH; give its whole path in \"command\"", name);
}

/* An absolute path, because the child has another working directory. */
static int find_program(struct run *run, struct error *err)
{
    const char *name = run->settings->command[0];
    char *real;

    if (strchr(name, '/') == NULL)
        return find_in_path(run, name, err);
    real = realpath(name, NULL);
    if (real == NULL || strlen(real) >= sizeof run->program) {
        error_sys(err, ERROR_SETUP, "", "GET program %s", name);
        free(real);
        return -1;
    }
    snprintf(run->program, sizeof run->program, "%s", real);
    free(real);
    return 0;
}

static int expand_piece(struct buf *buf, const char **text, const struct getrun_job *job)
{
    if (strncmp(*text, "{file}", 6) == 0) {
        *text += 6;
        return buf_append_text(buf, job->file);
    }
    if (strncmp(*text, "{count}", 7) == 0) {
        *text += 7;
        return buf_printf(buf, "%zu", job->count);
    }
    return buf_append(buf, (*text)++, 1);
}

static char *expand(const char *text, const struct getrun_job *job)
{
    struct buf buf;

    buf_init(&buf, MAX_ARGUMENT);
    while (*text != '\0') {
        if (expand_piece(&buf, &text, job) != 0) {
            buf_clear(&buf);
            return NULL;
        }
    }
    return buf_steal(&buf);
}

static int make_arguments(struct run *run, struct error *err)
{
    size_t count = run->settings->command_count;

    run->arguments = calloc(count + 1, sizeof *run->arguments);
    if (run->arguments == NULL)
        return error_sys(err, ERROR_SOFT, "", "GET program: no memory");
    for (size_t i = 0; i < count; i++) {
        run->arguments[i] = i == 0 ? strdup(run->settings->command[0])
                                   : expand(run->settings->command[i], run->job);
        if (run->arguments[i] == NULL)
            return error_set(err, ERROR_SETUP, "",
                             "GET program: argument %zu is longer than %d octets", i, MAX_ARGUMENT);
    }
    return 0;
}

/* ---- descriptors ---- */

static int move_up(int fd)
{
    int moved = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FREE) : -1;
    int sys = errno;

    if (fd >= 0)
        close(fd);
    errno = sys;
    return moved;
}

static int make_pipe(int ends[2])
{
    int fresh[2];

    if (pipe2(fresh, O_CLOEXEC) != 0)
        return -1;
    ends[0] = move_up(fresh[0]);
    ends[1] = move_up(fresh[1]);
    return ends[0] < 0 || ends[1] < 0 ? -1 : 0;
}

static int make_descriptors(struct run *run, struct error *err)
{
    run->null = move_up(open("/dev/null", O_RDWR | O_CLOEXEC));
    run->lock = fcntl(run->job->lock, F_DUPFD_CLOEXEC, FIRST_FREE);
    if (run->null < 0 || run->lock < 0 || make_pipe(run->output) != 0 ||
        make_pipe(run->status) != 0 || fcntl(run->output[0], F_SETFL, O_NONBLOCK) != 0)
        return error_sys(err, ERROR_SOFT, "", "GET program: no descriptors");
    return 0;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- the child: only async-signal-safe calls from here to exec ---- */

static void child_signals(void)
{
    struct sigaction standard;
    sigset_t none;

    memset(&standard, 0, sizeof standard);
    standard.sa_handler = SIG_DFL;
    for (int number = 1; number < NSIG; number++)
        (void)sigaction(number, &standard, NULL); /* SIGKILL and the like refuse: no matter */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static int child_prepare(const struct run *run, pid_t parent)
{
    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
        return -1;
    if (getppid() != parent)
        _exit(127); /* the parent died before we could ask for the signal */
    child_signals();
    umask(077);
    if (fchdir(run->job->directory) != 0)
        return -1;
    if (dup2(run->null, 0) < 0 || dup2(run->output[1], 1) < 0 || dup2(run->output[1], 2) < 0 ||
        dup2(run->lock, CHILD_LOCK) < 0 || dup2(run->status[1], CHILD_STATUS) < 0)
        return -1;
    if (fcntl(CHILD_STATUS, F_SETFD, FD_CLOEXEC) != 0)
        return -1;
    return (int)syscall(SYS_close_range, CHILD_CLOSE_FROM, ~0U, 0);
}

static void child(const struct run *run, pid_t parent)
{
    int sys, status = run->status[1];

    if (child_prepare(run, parent) == 0) {
        status = CHILD_STATUS;
        execv(run->program, run->arguments);
    }
    sys = errno;
    if (write(status, &sys, sizeof sys) < 0)
        _exit(126);
    _exit(127);
}

static int start(struct run *run, struct error *err)
{
    pid_t parent = getpid();
    int sys = 0;
    ssize_t got;

    run->pid = fork();
    if (run->pid < 0)
        return error_sys(err, ERROR_SOFT, "", "GET program: cannot make a process");
    if (run->pid == 0)
        child(run, parent);
    (void)setpgid(run->pid, run->pid); /* the child does it too: whoever is first */
    close_fd(&run->output[1]);
    close_fd(&run->status[1]);
    do {
        got = read(run->status[0], &sys, sizeof sys);
    } while (got < 0 && errno == EINTR);
    if (got != 0) {
        errno = sys;
        return error_sys(err, ERROR_SETUP, "", "GET program %s: cannot start it", run->program);
    }
    run->pidfd = (int)syscall(SYS_pidfd_open, run->pid, 0);
    if (run->pidfd < 0)
        return error_sys(err, ERROR_SOFT, "", "GET program: cannot watch it");
    return 0;
}

/* ---- output ---- */

static void report(const struct run *run, const char *line)
{
    if (run->settings->report != NULL)
        run->settings->report(run->settings->report_context, line);
}

/* "eee-mmm-lll text" (Q118533) */
static bool is_refusal(const char *line)
{
    for (size_t i = 0; i < 11; i++) {
        bool dash = i == 3 || i == 7;

        if (dash ? line[i] != '-' : line[i] < '0' || line[i] > '9')
            return false;
    }
    return line[11] == ' ';
}

static void end_line(struct run *run)
{
    if (run->line.size == 0)
        return;
    snprintf(run->last, sizeof run->last, "%s", buf_text(&run->line));
    if (run->refusal[0] == '\0' && is_refusal(run->last))
        memcpy(run->refusal, run->last, GETRUN_MAX_LINE);
    buf_consume(&run->line, run->line.size);
    if (run->reported > GETRUN_MAX_OUTPUT)
        return;
    run->reported += strlen(run->last) + 1;
    report(run, run->last);
    if (run->reported > GETRUN_MAX_OUTPUT)
        report(run, "(more output is not shown)");
}

static void take_output(struct run *run, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        char c = data[i];

        if (c == '\n' || c == '\r') {
            end_line(run);
            continue;
        }
        if ((unsigned char)c < 0x20 || c == 0x7F)
            c = '?';
        if (buf_append(&run->line, &c, 1) != 0)
            continue; /* the line is at its limit: its rest is dropped */
    }
}

/* 1 more may come, 0 the output has ended or none is there now. */
static int read_output(struct run *run)
{
    char data[4096];
    ssize_t got = read(run->output[0], data, sizeof data);

    if (got < 0 && errno == EINTR)
        return 1;
    if (got == 0)
        close_fd(&run->output[0]);
    if (got <= 0)
        return 0;
    take_output(run, data, (size_t)got);
    return 1;
}

/* ---- waiting ---- */

/* The time limit has passed: asks, then, called again, kills. Returns the next limit. */
static int64_t press(struct run *run, int64_t now)
{
    if (!run->timed_out) {
        run->timed_out = true;
        kill(-run->pid, SIGTERM);
        report(run, "time limit reached: SIGTERM sent");
    } else {
        kill(-run->pid, SIGKILL);
    }
    return now + GETRUN_KILL_AFTER_S * INT64_C(1000);
}

static void wait_for_end(struct run *run)
{
    int64_t limit = clock_steady_ms() + (int64_t)run->settings->time_limit_s * 1000;
    struct pollfd watched[2] = {{.fd = run->pidfd, .events = POLLIN}, {.events = POLLIN}};

    while ((watched[0].revents & POLLIN) == 0) {
        int64_t now = clock_steady_ms();

        if (now >= limit)
            limit = press(run, now);
        watched[0].revents = 0;
        watched[1].fd = run->output[0];
        watched[1].revents = 0;
        if (poll(watched, 2, limit - now < 60000 ? (int)(limit - now) : 60000) <= 0)
            watched[0].revents = watched[1].revents = 0;
        if (watched[1].revents != 0)
            read_output(run);
    }
}

/* The leader is not reaped yet, so that its number still means this group. */
static int reap(struct run *run)
{
    int status = 0;

    kill(-run->pid, SIGKILL);
    while (waitpid(run->pid, &status, 0) < 0 && errno == EINTR)
        ;
    run->pid = -1;
    return status;
}

static int judge(struct run *run, int status, struct error *err)
{
    const char *program = run->program;
    char line[GETRUN_MAX_LINE];

    if (WIFSIGNALED(status))
        snprintf(line, sizeof line, "GET program %.200s ended by signal %d", program,
                 WTERMSIG(status));
    else
        snprintf(line, sizeof line, "GET program %.200s ended with status %d", program,
                 WEXITSTATUS(status));
    report(run, line);
    if (run->timed_out)
        return error_set(err, ERROR_SOFT, "", "GET program %.80s: stopped after %u seconds%s%.100s",
                         program, run->settings->time_limit_s,
                         run->last[0] != '\0' ? "; it said last: " : "", run->last);
    if (status != 0)
        return error_set(err, ERROR_SOFT, "", "%.120s%s%.100s", line,
                         run->last[0] != '\0' ? "; it said last: " : "", run->last);
    return 0;
}

static void run_clear(struct run *run)
{
    close_fd(&run->null);
    close_fd(&run->lock);
    for (int end = 0; end < 2; end++) {
        close_fd(&run->output[end]);
        close_fd(&run->status[end]);
    }
    close_fd(&run->pidfd);
    for (size_t i = 0; run->arguments != NULL && run->arguments[i] != NULL; i++)
        free(run->arguments[i]);
    free(run->arguments);
    buf_clear(&run->line);
}

int getrun_run(const struct getrun_settings *settings, const struct getrun_job *job,
               char refusal[GETRUN_MAX_LINE], struct error *err)
{
    struct run run = {.settings = settings,
                      .job = job,
                      .null = -1,
                      .lock = -1,
                      .output = {-1, -1},
                      .status = {-1, -1},
                      .pid = -1,
                      .pidfd = -1,
                      .refusal = refusal};
    int result = -1;

    memset(refusal, 0, GETRUN_MAX_LINE);
    buf_init(&run.line, GETRUN_MAX_LINE - 1);
    if (settings->command_count == 0) {
        error_set(err, ERROR_SETUP, "", "GET program: the setting \"command\" is empty");
        goto out;
    }
    if (find_program(&run, err) != 0 || make_arguments(&run, err) != 0 ||
        make_descriptors(&run, err) != 0)
        goto out;
    if (start(&run, err) != 0) {
        if (run.pid > 0)
            reap(&run);
        goto out;
    }
    wait_for_end(&run);
    for (size_t most = GETRUN_MAX_OUTPUT; most > 0 && run.output[0] >= 0; most -= 4096) {
        if (read_output(&run) == 0)
            break;
    }
    end_line(&run);
    result = judge(&run, reap(&run), err);
out:
    run_clear(&run);
    return result;
}
