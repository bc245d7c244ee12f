/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

enum { TMP, NEW, CUR, FOLDERS };
static const char *const folders[FOLDERS] = {"tmp", "new", "cur"};

struct maildir {
    char *path;
    int fd; /* of PATH: locked */
    int folder[FOLDERS];
    int file; /* in tmp, or -1 */
    char name[NAME_MAX + 1];
};

static int wrong(const struct maildir *maildir, const char *name, struct error *err)
{
    return error_sys(err, errno == ENOSPC || errno == EIO ? ERROR_SOFT : ERROR_SETUP, "", "%s/%s",
                     maildir->path, name);
}

/* ---- the directories ---- */

static bool is_empty(int fd)
{
    int own = dup(fd);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    struct dirent *entry;
    bool empty = true;

    if (dir == NULL)
        return false;
    rewinddir(dir);
    while (empty && (entry = readdir(dir)) != NULL)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(dir);
    return empty;
}

/* One that has none of the three is somebody's directory, not a Maildir. */
static int check_kind(const struct maildir *maildir, struct error *err)
{
    struct stat st;

    if (is_empty(maildir->fd))
        return 0;
    for (int i = 0; i < FOLDERS; i++) {
        if (fstatat(maildir->fd, folders[i], &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
            return 0;
    }
    return error_set(err, ERROR_SETUP, "",
                     "%s: is not empty and no Maildir; name a new directory, or one with tmp, new "
                     "and cur",
                     maildir->path);
}

static int open_folder(struct maildir *maildir, int which, struct error *err)
{
    if (mkdirat(maildir->fd, folders[which], 0700) != 0 && errno != EEXIST)
        return wrong(maildir, folders[which], err);
    maildir->folder[which] =
        openat(maildir->fd, folders[which], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return maildir->folder[which] >= 0 ? 0 : wrong(maildir, folders[which], err);
}

static int open_all(struct maildir *maildir, struct error *err)
{
    if (mkdir(maildir->path, 0700) != 0 && errno != EEXIST)
        return wrong(maildir, "", err);
    maildir->fd = open(maildir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (maildir->fd < 0)
        return wrong(maildir, "", err);
    if (flock(maildir->fd, LOCK_EX | LOCK_NB) != 0)
        return error_sys(err, ERROR_SETUP, "", "%s: another msmailgw writes to it", maildir->path);
    if (check_kind(maildir, err) != 0)
        return -1;
    for (int i = 0; i < FOLDERS; i++) {
        if (open_folder(maildir, i, err) != 0)
            return -1;
    }
    return fsync(maildir->fd) == 0 ? 0 : wrong(maildir, "", err);
}

int maildir_open(struct maildir **out, const char *path, struct error *err)
{
    struct maildir *maildir = calloc(1, sizeof *maildir);

    if (maildir == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory");
    maildir->fd = maildir->file = -1;
    for (int i = 0; i < FOLDERS; i++)
        maildir->folder[i] = -1;
    maildir->path = strdup(path);
    if (maildir->path == NULL)
        error_sys(err, ERROR_SOFT, "", "no memory");
    if (maildir->path == NULL || open_all(maildir, err) != 0) {
        maildir_close(maildir);
        return -1;
    }
    *out = maildir;
    return 0;
}

void maildir_close(struct maildir *maildir)
{
    if (maildir == NULL)
        return;
    maildir_abandon(maildir);
    for (int i = 0; i < FOLDERS; i++) {
        if (maildir->folder[i] >= 0)
            close(maildir->folder[i]);
    }
    if (maildir->fd >= 0)
        close(maildir->fd);
    free(maildir->path);
    free(maildir);
}

/* ---- one message ---- */

/* In cur a reader has put ":2," and flags behind the name. */
static int find_in_cur(struct maildir *maildir, const char *name, struct error *err)
{
    int own = openat(maildir->folder[CUR], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = own >= 0 ? fdopendir(own) : NULL;
    size_t size = strlen(name);
    struct dirent *entry;
    int found = 0;

    if (dir == NULL) {
        if (own >= 0)
            close(own);
        return wrong(maildir, "cur", err);
    }
    while (found == 0 && (entry = readdir(dir)) != NULL)
        found = strncmp(entry->d_name, name, size) == 0 &&
                (entry->d_name[size] == '\0' || entry->d_name[size] == ':');
    closedir(dir);
    return found;
}

int maildir_has(struct maildir *maildir, const char *name, struct error *err)
{
    struct stat st;

    if (fstatat(maildir->folder[NEW], name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return 1;
    return find_in_cur(maildir, name, err);
}

int maildir_begin(struct maildir *maildir, const char *name, struct error *err)
{
    if (snprintf(maildir->name, sizeof maildir->name, "%s", name) >= (int)sizeof maildir->name)
        return error_set(err, ERROR_SETUP, "", "%.60s: the name is too long", name);
    maildir->file = openat(maildir->folder[TMP], name,
                           O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    return maildir->file >= 0 ? 0 : wrong(maildir, "tmp", err);
}

int maildir_add(struct maildir *maildir, const void *data, size_t size, struct error *err)
{
    const char *octets = data;
    char out[8192];
    size_t used = 0;

    /* Every CR of a message of ours is that of a line end. */
    for (size_t i = 0; i < size; i++) {
        if (octets[i] != '\r')
            out[used++] = octets[i];
        if (used < sizeof out && i + 1 < size)
            continue;
        if (file_write_all(maildir->file, maildir->name, out, used, err) != 0)
            return -1;
        used = 0;
    }
    return 0;
}

int maildir_end(struct maildir *maildir, int64_t unix_s, struct error *err)
{
    const struct timespec times[2] = {{.tv_sec = unix_s}, {.tv_sec = unix_s}};
    int file = maildir->file;

    maildir->file = -1;
    if (futimens(file, times) != 0 || fsync(file) != 0) {
        wrong(maildir, "tmp", err);
        close(file);
        unlinkat(maildir->folder[TMP], maildir->name, 0);
        return -1;
    }
    close(file);
    if (renameat(maildir->folder[TMP], maildir->name, maildir->folder[NEW], maildir->name) != 0)
        return wrong(maildir, "new", err);
    return 0;
}

void maildir_abandon(struct maildir *maildir)
{
    if (maildir->file < 0)
        return;
    close(maildir->file);
    maildir->file = -1;
    unlinkat(maildir->folder[TMP], maildir->name, 0);
}

int maildir_sync(struct maildir *maildir, struct error *err)
{
    return fsync(maildir->folder[NEW]) == 0 ? 0 : wrong(maildir, "new", err);
}
