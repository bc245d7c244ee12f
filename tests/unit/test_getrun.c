/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "postoffice/getrun.h"

#define MAX_SEEN 2097152U

struct fixture {
    char directory[64];
    int fd, lock;
    struct buf seen; /* every reported line, each with a LF */
    char refusal[GETRUN_MAX_LINE];
    struct error err;
};

static void see(void *context, const char *line)
{
    struct fixture *f = context;

    assert_int_equal(buf_printf(&f->seen, "%s\n", line), 0);
}

static void path_of(const struct fixture *f, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", f->directory, name);
}

static int open_lock(const struct fixture *f)
{
    char path[256];

    path_of(f, "lock", path);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    strcpy(f->directory, "/tmp/test_getrun.XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    f->fd = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->lock = open_lock(f);
    assert_true(f->fd >= 0 && f->lock >= 0);
    assert_int_equal(flock(f->lock, LOCK_EX | LOCK_NB), 0);
    buf_init(&f->seen, MAX_SEEN);
    alarm(60); /* nothing here may wait for ever */
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"lock", "script", "ready", "never", "out"};

    alarm(0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)unlinkat(f->fd, names[i], 0);
    assert_int_equal(rmdir(f->directory), 0);
    close(f->fd);
    if (f->lock >= 0)
        close(f->lock);
    buf_clear(&f->seen);
    free(f);
    return 0;
}

static int run_command(struct fixture *f, const char *const *command, size_t count, unsigned limit)
{
    struct getrun_settings settings = {.command = command,
                                       .command_count = count,
                                       .time_limit_s = limit,
                                       .report = see,
                                       .report_context = f};
    struct getrun_job job = {
        .file = "/x/G0000001.TMP", .count = 50, .directory = f->fd, .lock = f->lock};

    buf_clear(&f->seen);
    error_clear(&f->err);
    return getrun_run(&settings, &job, f->refusal, &f->err);
}

/* The tests' programs are shell commands; the code under test knows no shell. */
static int run_shell(struct fixture *f, const char *script, unsigned limit)
{
    const char *command[] = {"/bin/sh", "-c", script, "name", "{file}", "-n{count}"};

    return run_command(f, command, 6, limit);
}

static void make_fifo(const struct fixture *f, const char *name)
{
    assert_int_equal(mkfifoat(f->fd, name, 0600), 0);
}

static void assert_seen(const struct fixture *f, const char *expected)
{
    if (strncmp(buf_text(&f->seen), expected, strlen(expected)) != 0)
        fail_msg("\"%s\", not \"%s\"", buf_text(&f->seen), expected);
    assert_non_null(strstr(buf_text(&f->seen) + strlen(expected), "ended with status 0\n"));
}

static void test_arguments(void **state)
{
    struct fixture *f = *state;
    const char *command[] = {"/bin/sh",       "-c",        "printf '%s\\n' \"$@\"", "name",
                             "{file}",        "-n{count}", "a{file}b{count}c{",     "{files}",
                             "$(id); `id` *", "",          "{count}{count}"};

    assert_int_equal(run_command(f, command, 11, 10), 0);
    assert_seen(f, "/x/G0000001.TMP\n-n50\na/x/G0000001.TMPb50c{\n{files}\n$(id); `id` *\n5050\n");
    assert_string_equal(f->refusal, "");
}

static void test_surroundings(void **state)
{
    struct fixture *f = *state;
    char expected[256];
    int leak = open("/dev/null", O_RDONLY); /* without close-on-exec, as a library might */

    assert_true(leak >= 0);
    assert_int_equal(run_shell(f,
                               "pwd; umask; readlink /proc/self/fd/0; for n in 0 1 2 3 4 5 6 7 "
                               "8 9 10 11 12 13 14 15 16; do [ -e /proc/$$/fd/$n ] && "
                               "echo fd $n; done; echo err >&2",
                               10),
                     0);
    snprintf(expected, sizeof expected, "%s\n0077\n/dev/null\nfd 0\nfd 1\nfd 2\nfd 3\nerr\n",
             f->directory);
    assert_seen(f, expected);
    close(leak);
}

static void test_path(void **state)
{
    struct fixture *f = *state;
    const char *found[] = {"true"}, *absent[] = {"no-such-program-here"};

    assert_int_equal(run_command(f, found, 1, 10), 0);
    assert_int_equal(run_command(f, absent, 1, 10), -1);
    assert_int_equal(f->err.class, ERROR_SETUP);
}

/* A script without "#!" is what a shell would run, and execvp would ask one. */
static void test_cannot_start(void **state)
{
    struct fixture *f = *state;
    char path[256];
    const char *script[] = {path}, *nothing[] = {"/nonexistent/get"}, *directory[] = {"/tmp"};
    int fd;

    path_of(f, "script", path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    assert_int_equal(write(fd, "touch out\n", 10), 10);
    close(fd);
    assert_int_equal(run_command(f, script, 1, 10), -1);
    assert_int_equal(f->err.class, ERROR_SETUP);
    assert_int_equal(f->err.sys, ENOEXEC);
    assert_int_equal(run_command(f, nothing, 1, 10), -1);
    assert_int_equal(f->err.class, ERROR_SETUP);
    assert_int_equal(f->err.sys, ENOENT);
    assert_int_equal(run_command(f, directory, 1, 10), -1);
    assert_int_equal(f->err.class, ERROR_SETUP);
    assert_int_equal(run_command(f, NULL, 0, 10), -1);
    assert_int_equal(f->err.class, ERROR_SETUP);
    assert_int_equal(faccessat(f->fd, "out", F_OK, 0), -1);
}

static void test_bad_ends(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(run_shell(f, "echo first; echo out of paper; exit 3", 10), -1);
    assert_int_equal(f->err.class, ERROR_SOFT);
    assert_non_null(strstr(f->err.text, "ended with status 3; it said last: out of paper"));
    assert_int_equal(run_shell(f, "kill -9 $$", 10), -1);
    assert_int_equal(f->err.class, ERROR_SOFT);
    assert_non_null(strstr(f->err.text, "ended by signal 9"));
}

static void test_refusal(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(run_shell(f,
                               "echo 20 messages; echo 201-000-000 failure submitting; "
                               "echo 144-001-002 second",
                               10),
                     0);
    assert_string_equal(f->refusal, "201-000-000 failure submitting");
    assert_int_equal(run_shell(f, "echo 201-000-00 x; echo 20-1000-000 x; echo 201-000-000", 10),
                     0);
    assert_string_equal(f->refusal, "");
}

static void test_output_is_bounded(void **state)
{
    struct fixture *f = *state;
    const char *text;

    assert_int_equal(
        run_shell(f, "head -c 3000 /dev/zero | tr '\\0' x; printf '\\r\\n\\033[2Jhi\\rno end'", 10),
        0);
    text = buf_text(&f->seen);
    assert_int_equal(strspn(text, "x"), GETRUN_MAX_LINE - 1);
    assert_memory_equal(text + GETRUN_MAX_LINE - 1, "\n?[2Jhi\nno end\nGET program", 26);
    assert_int_equal(run_shell(f, "yes 0123456789 | head -c 3000000", 20), 0);
    text = buf_text(&f->seen);
    assert_true(f->seen.size < GETRUN_MAX_OUTPUT + 2 * GETRUN_MAX_LINE);
    assert_non_null(strstr(text, "(more output is not shown)\nGET program"));
}

static void test_time_limit(void **state)
{
    struct fixture *f = *state;
    int64_t start = clock_steady_ms();

    make_fifo(f, "never");
    assert_int_equal(run_shell(f, "echo begun; read x < never", 1), -1);
    assert_int_equal(f->err.class, ERROR_SOFT);
    assert_non_null(strstr(f->err.text, "stopped after 1 seconds; it said last: begun"));
    assert_true(clock_steady_ms() - start >= 1000);
    start = clock_steady_ms();
    assert_int_equal(run_shell(f, "trap '' TERM; yes & while :; do read x < never; done", 1), -1);
    assert_int_equal(f->err.class, ERROR_SOFT);
    assert_true(clock_steady_ms() - start >= 1000 + 1000 * GETRUN_KILL_AFTER_S);
}

/* Waits until nobody has the lock. */
static void wait_for_lock(struct fixture *f)
{
    int fd;

    close(f->lock);
    f->lock = -1;
    fd = open_lock(f);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    f->lock = fd;
}

static void test_nothing_is_left_running(void **state)
{
    struct fixture *f = *state;

    make_fifo(f, "never");
    assert_int_equal(run_shell(f, "(trap '' TERM HUP; read x < never) & exit 0", 10), 0);
    wait_for_lock(f);
}

static void wait_until_ready(const struct fixture *f)
{
    int fd = openat(f->fd, "ready", O_RDONLY | O_CLOEXEC);
    char c;

    assert_true(fd >= 0);
    assert_int_equal(read(fd, &c, 1), 1);
    close(fd);
}

static bool is_locked(const struct fixture *f)
{
    int fd = open_lock(f);
    bool locked = flock(fd, LOCK_EX | LOCK_NB) != 0;

    close(fd);
    return locked;
}

/* Runs SCRIPT in a process that is killed when the script says so. */
static void run_and_be_killed(struct fixture *f, const char *script)
{
    pid_t pid;
    int status;

    make_fifo(f, "ready");
    make_fifo(f, "never");
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int result = run_shell(f, script, 60);

        _exit(result == 0 ? 0 : 1);
    }
    close(f->lock);
    f->lock = -1;
    wait_until_ready(f);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void test_dies_with_us(void **state)
{
    struct fixture *f = *state;

    run_and_be_killed(f, "echo x > ready; read x < never");
    wait_for_lock(f);
}

/* What the program started lives on; the lock says so as long as it does. */
static void test_orphan_has_the_lock(void **state)
{
    struct fixture *f = *state;
    int fd;

    run_and_be_killed(f, "sh -c 'echo x > ready; read x < never' & wait");
    assert_true(is_locked(f));
    fd = openat(f->fd, "never", O_WRONLY | O_CLOEXEC); /* lets it end */
    assert_true(fd >= 0);
    close(fd);
    wait_for_lock(f);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(test_arguments),
        WITH_FIXTURE(test_surroundings),
        WITH_FIXTURE(test_path),
        WITH_FIXTURE(test_cannot_start),
        WITH_FIXTURE(test_bad_ends),
        WITH_FIXTURE(test_refusal),
        WITH_FIXTURE(test_output_is_bounded),
        WITH_FIXTURE(test_time_limit),
        WITH_FIXTURE(test_nothing_is_left_running),
        WITH_FIXTURE(test_dies_with_us),
        WITH_FIXTURE(test_orphan_has_the_lock),
    };

    return cmocka_run_group_tests_name("getrun", tests, NULL, NULL);
}
