/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/step.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define PATIENCE_MS 60000
#define ANSWER_SIZE 16

/* Both ends of a FIFO are opened, so that nobody waits for the other and no end is seen. */
static int open_fifo(const char *path, const char *end)
{
    char name[1024];
    int fd;

    snprintf(name, sizeof name, "%s.%s", path, end);
    fd = open(name, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        abort();
    return fd;
}

static void tell(const char *path, const char *name)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s\n", name);
    int fd = open_fifo(path, "at");
    struct error err;

    if (file_write_all(fd, path, line, (size_t)length, &err) != 0)
        abort();
    close(fd);
}

/* A line that is shorter than PIPE_BUF comes as a whole. */
static int wait_answer(const char *path)
{
    struct pollfd ready = {.fd = open_fifo(path, "go"), .events = POLLIN};
    char line[ANSWER_SIZE] = "";

    if (poll(&ready, 1, PATIENCE_MS) != 1 || read(ready.fd, line, sizeof line - 1) < 2)
        abort();
    close(ready.fd);
    return (int)strtol(line, NULL, 10);
}

static int ask(const char *name)
{
    const char *path = getenv("MSMAILGW_STEPS");

    if (path == NULL)
        return 0;
    tell(path, name);
    return wait_answer(path);
}

int step(const char *name, struct error *err)
{
    int number = ask(name);

    if (number == 0)
        return 0;
    errno = number;
    return error_sys(err, number == ENOENT ? ERROR_DATA : ERROR_SOFT, "", "step %s", name);
}

void step_passed(const char *name)
{
    (void)ask(name);
}
