/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/cli.h"
#include "cli/logline.h"
#include "cli/text.h"

struct log_file {
    FILE *file;
    char line[LOGLINE_SIZE]; /* begins with what was read of a line without its end */
    size_t held;
};

struct follow {
    struct cli *cli;
    char since[CLOCK_STAMP_SIZE]; /* "" : all */
    struct log_file now;          /* has the log's name */
    struct log_file before;       /* had it: processes write to it until they open the log again */
};

/* Stamps have one form, so that text order is time order. */
static bool too_old(const struct follow *follow, const char *line)
{
    size_t size = strlen(follow->since);

    return size > 0 && strncmp(line, follow->since, size) < 0;
}

/* One more complete line; false when the rest of it is still being written. After a crash of the
 * machine a file system may have left NUL octets. */
static bool next_line(struct log_file *log)
{
    int octet;

    while ((octet = getc(log->file)) != EOF) {
        log->line[log->held++] = (char)(octet != '\0' ? octet : '?');
        if (octet == '\n' || log->held == sizeof log->line - 1) {
            log->line[log->held] = '\0';
            log->held = 0;
            return true;
        }
    }
    clearerr(log->file);
    return false;
}

static void show_lines(const struct follow *follow, struct log_file *log)
{
    while (log->file != NULL && next_line(log)) {
        if (!too_old(follow, log->line))
            logline_show(follow->cli->out, log->line);
    }
}

static int show_new(struct follow *follow)
{
    show_lines(follow, &follow->before);
    show_lines(follow, &follow->now);
    return fflush(stdout) == 0 ? 0 : -1;
}

/* The file that has the log's name now is another one: the log was rotated. */
static bool was_moved(const struct follow *follow, const char *path)
{
    struct stat named, open_one;

    return stat(path, &named) == 0 && fstat(fileno(follow->now.file), &open_one) == 0 &&
           (named.st_ino != open_one.st_ino || named.st_dev != open_one.st_dev);
}

static int reopen(struct follow *follow, const char *path)
{
    FILE *file = fopen(path, "re");

    if (file == NULL)
        return errno == ENOENT ? 0 : -1;
    show_lines(follow, &follow->before);
    if (follow->before.file != NULL)
        fclose(follow->before.file);
    follow->before = follow->now;
    follow->now.file = file;
    follow->now.held = 0;
    return show_new(follow);
}

/* A file that was cut to nothing is read from its begin. */
static void rewind_if_cut(struct log_file *log)
{
    struct stat info;
    long at = ftell(log->file);

    if (at > 0 && fstat(fileno(log->file), &info) == 0 && info.st_size < at) {
        rewind(log->file);
        log->held = 0;
    }
}

/* Watches the directory, because the file itself is replaced when the log is rotated. */
static int watch_directory(const char *path)
{
    char directory[PATH_MAX];
    size_t size = (size_t)(strrchr(path, '/') - path) + 1; /* settings make it absolute */
    int fd = inotify_init1(IN_CLOEXEC);

    if (fd < 0 || size >= sizeof directory)
        return -1;
    memcpy(directory, path, size);
    directory[size] = '\0';
    if (inotify_add_watch(fd, directory, IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Ends only by a signal or when nobody reads the output any more. */
static int follow_log(struct follow *follow, const char *path, int fd)
{
    char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

    for (;;) {
        rewind_if_cut(&follow->now);
        if (show_new(follow) != 0)
            return CLI_WRONG;
        if (was_moved(follow, path) && reopen(follow, path) != 0)
            return cli_wrong(CLI_WRONG, "cannot open %s: %s", path, strerror(errno));
        if (read(fd, events, sizeof events) < 0 && errno != EINTR)
            return cli_wrong(CLI_WRONG, "cannot watch %s: %s", path, strerror(errno));
    }
}

static int show_log(struct cli *cli, const char *path, const char *since, bool follow_it)
{
    struct follow *follow = calloc(1, sizeof *follow);
    int fd = -1, status = CLI_DONE;

    if (follow == NULL)
        return cli_wrong(CLI_WRONG, "out of memory");
    follow->cli = cli;
    memcpy(follow->since, since, strlen(since) + 1);
    /* Watching begins before the first read, so that nothing falls between. */
    if (follow_it && (fd = watch_directory(path)) < 0)
        status =
            cli_wrong(CLI_USAGE, "cannot watch the directory of %s: %s", path, strerror(errno));
    if (status == CLI_DONE && (follow->now.file = fopen(path, "re")) == NULL)
        status = cli_wrong(CLI_USAGE, "cannot open the relay log %s: %s", path, strerror(errno));
    if (status == CLI_DONE && follow_it)
        status = follow_log(follow, path, fd);
    else if (status == CLI_DONE && show_new(follow) != 0)
        status = CLI_WRONG;
    if (follow->now.file != NULL)
        fclose(follow->now.file);
    if (follow->before.file != NULL)
        fclose(follow->before.file);
    if (fd >= 0)
        close(fd);
    free(follow);
    return status;
}

int cmd_log(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {{"follow", false, NULL}, {"since", true, NULL}};
    char since[CLOCK_STAMP_SIZE] = "";
    int64_t since_ms;
    int status = cli_flags(cli, &argc, &argv, flags, 2, 0, 0, "log [--follow] [--since TIME]");

    if (status != 0)
        return status;
    status = cli_settings(cli);
    if (status != 0)
        return status;
    if (flags[1].value != NULL) {
        if (text_parse_time(flags[1].value, clock_now_ms(), &since_ms) != 0)
            return cli_wrong(CLI_USAGE,
                             "--since %s: write 2026-11-22, 2026-11-22T12:36:00Z (UTC), 30m, 2h "
                             "or 3d",
                             flags[1].value);
        clock_stamp(since_ms, since);
    }
    if (cli->settings->log == NULL)
        return cli_wrong(CLI_USAGE,
                         "%s sets no log: the relay log is in the journal only, see "
                         "\"journalctl -t msmailgw\"",
                         cli->settings->file);
    return show_log(cli, cli->settings->log, since, flags[0].value != NULL);
}
