/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096

static int spool_path(const struct settings *settings, const char *name, char out[PATH_SIZE],
                      struct error *err)
{
    if (snprintf(out, PATH_SIZE, "%s/%s", settings->spool, name) >= PATH_SIZE)
        return error_set(err, ERROR_SETUP, "", "spool %s: the path is too long", settings->spool);
    return 0;
}

static int make_directory(const char *path, struct error *err)
{
    struct stat st;

    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return error_sys(err, ERROR_SETUP, "", "spool %s: cannot make the directory", path);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
        return error_set(err, ERROR_SETUP, "", "spool %s: is not a directory", path);
    if (st.st_uid != geteuid())
        return error_set(err, ERROR_SETUP, "", "spool %s: belongs to another user; chown it", path);
    if ((st.st_mode & 077) != 0)
        return error_set(err, ERROR_SETUP, "", "spool %s: open to others (mode %03o); chmod 700 it",
                         path, (unsigned)(st.st_mode & 0777));
    if (access(path, W_OK | X_OK) != 0)
        return error_sys(err, ERROR_SETUP, "", "spool %s: not writable", path);
    return 0;
}

int spool_prepare(const struct settings *settings, struct error *err)
{
    static const char *const inside[] = {"tmp", "native", "ffapi"};
    char path[PATH_SIZE];

    if (make_directory(settings->spool, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        if (spool_path(settings, inside[i], path, err) != 0 || make_directory(path, err) != 0)
            return -1;
    }
    return 0;
}

static int lock_taken(int fd, const char *role, struct error *err)
{
    char owner[32] = "";
    ssize_t n = pread(fd, owner, sizeof owner - 1, 0);

    owner[n > 0 ? n : 0] = '\0';
    owner[strcspn(owner, "\n")] = '\0';
    close(fd);
    return error_set(err, ERROR_SETUP, "",
                     "%s already runs on this spool (process %s); stop it first", role, owner);
}

int spool_lock_note(int fd, const char *role, struct error *err)
{
    char text[32];
    int size = snprintf(text, sizeof text, "%ld\n", (long)getpid());

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)size, 0) != size)
        return error_sys(err, ERROR_SETUP, "", "spool: cannot write %s.lock", role);
    return 0;
}

int spool_lock(const struct settings *settings, const char *role, struct error *err)
{
    char name[64], path[PATH_SIZE];
    int fd;

    snprintf(name, sizeof name, "%s.lock", role);
    if (spool_path(settings, name, path, err) != 0)
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot open the lock", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            return lock_taken(fd, role, err);
        error_sys(err, ERROR_SETUP, "", "%s: cannot lock", path);
        close(fd);
        return -1;
    }
    if (spool_lock_note(fd, role, err) != 0) {
        error_prefix(err, "%s", settings->spool);
        close(fd);
        return -1;
    }
    return fd;
}

int spool_wake_open(const struct settings *settings, struct error *err)
{
    char path[PATH_SIZE];
    int fd;

    if (spool_path(settings, "wake", path, err) != 0)
        return -1;
    if (mkfifo(path, 0600) != 0 && errno != EEXIST)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot make the fifo", path);
    /* Read and write: the fifo then never shows end of file when a writer leaves. */
    fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot open the fifo", path);
    return fd;
}

void spool_wake(const struct settings *settings)
{
    char path[PATH_SIZE];
    int fd;

    if (spool_path(settings, "wake", path, NULL) != 0)
        return;
    fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return; /* no relay runs: it will look at the queue when it starts */
    /* A full fifo means that the relay has been told already, any other failure that it is gone:
     * both are as good as a wake-up. */
    if (write(fd, "w", 1) < 0)
        errno = 0;
    close(fd);
}
