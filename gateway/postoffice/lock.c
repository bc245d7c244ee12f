/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/step.h"

#define TRIES 8
#define MAX_ENTRIES 1000000
#define SMB_MAGIC 0x517BU
#define CIFS_MAGIC 0xFF534D42U
#define SMB2_MAGIC 0xFE534D42U
#define FUSE_MAGIC 0x65735546U

struct lock {
    struct root *root;
    int fd;
    char id[9];
    char name[24]; /* "P1/0000002E.0LK" */
};

static unsigned file_system(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 ? (unsigned)fs.f_type : 0;
}

static bool on_smb(int fd)
{
    unsigned type = file_system(fd);

    return type == SMB_MAGIC || type == CIFS_MAGIC || type == SMB2_MAGIC;
}

/* An SMB mount of the kernel or, as it may be, one through FUSE. */
static bool on_share(const struct root *root)
{
    return on_smb(root_fd(root)) || file_system(root_fd(root)) == FUSE_MAGIC;
}

int lock_file(int fd, const char *name, struct error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &whole) == 0 && (on_smb(fd) || flock(fd, LOCK_EX | LOCK_NB) == 0))
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return error_set(err, ERROR_SOFT, "", "%s: held by another program", name);
    return error_sys(err, ERROR_SOFT, "", "%s: cannot lock", name);
}

/* Open, or create, and lock: 1 done, 0 the file came or went under us, -1 error. */
static int try_once(struct lock *lock, struct error *err)
{
    bool there = false;

    lock->fd = root_open_file(lock->root, lock->name, O_RDWR | O_CREAT | O_EXCL, err);
    if (lock->fd < 0)
        return err->sys == EEXIST || err->sys == ENOENT ? 0 : -1;
    /* The holder before us may have deleted the file between our open and our lock. */
    if (lock_file(lock->fd, lock->name, err) == 0 &&
        root_same(lock->root, lock->name, lock->fd, &there, err) == 0 && there)
        return 1;
    close(lock->fd);
    lock->fd = -1;
    return err->class == ERROR_NONE ? 0 : -1;
}

static bool is_older_kind(const char *entry, const char *id)
{
    return strncasecmp(entry, id, 8) == 0 && strlen(entry) == 12 && entry[8] == '.' &&
           entry[9] == '0' && strcasecmp(entry + 10, "LK") != 0;
}

static int scan_older(DIR *dir, const struct lock *lock, struct error *err)
{
    struct dirent *entry;
    unsigned count = 0;

    while ((entry = readdir(dir)) != NULL) {
        if (++count > MAX_ENTRIES)
            return error_set(err, ERROR_SOFT, "", "P1: more than %d files; remove what is stranded",
                             MAX_ENTRIES);
        if (is_older_kind(entry->d_name, lock->id))
            return error_set(err, ERROR_SOFT, "",
                             "P1/%s: a lock of an older kind is there; another program has the "
                             "mailbag, or left it: remove it then",
                             entry->d_name);
    }
    return 0;
}

static int check_older(const struct lock *lock, struct error *err)
{
    char real[512];
    DIR *dir;
    int fd, status;

    if (root_real_name(lock->root, "P1", real, sizeof real, err) != 0)
        return -1;
    fd = openat(root_fd(lock->root), real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (dir == NULL) {
        error_sys(err, ERROR_SOFT, "", "%s/P1: cannot list", root_path(lock->root));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    status = scan_older(dir, lock, err);
    closedir(dir);
    return status;
}

static struct lock *lock_new(struct root *root, const char *id, struct error *err)
{
    struct lock *lock = calloc(1, sizeof *lock);

    if (lock == NULL) {
        error_sys(err, ERROR_SOFT, "", "P1/%s.0LK: no memory", id);
        return NULL;
    }
    lock->root = root;
    lock->fd = -1;
    snprintf(lock->id, sizeof lock->id, "%s", id);
    snprintf(lock->name, sizeof lock->name, "P1/%s.0LK", lock->id);
    return lock;
}

/* Without P1 mail does not flow at all; it is not for us to create it (Q266442). */
static int check_directory(struct root *root, struct error *err)
{
    char real[512];

    if (root_real_name(root, "P1", real, sizeof real, err) != 0)
        return -1;
    return real[0] != '\0'
               ? 0
               : error_set(err, ERROR_SOFT, "", "%s: the directory P1 is absent", root_path(root));
}

int lock_take(struct lock **out, struct root *root, const char *id, struct error *err)
{
    struct lock *lock;
    struct error why;
    int got = 0;

    if (check_directory(root, err) != 0)
        return -1;
    lock = lock_new(root, id, err);
    if (lock == NULL)
        return -1;
    for (int i = 0; i < TRIES && got == 0; i++) {
        error_clear(&why);
        got = try_once(lock, &why);
    }
    if (got == 1 && check_older(lock, err) == 0) {
        *out = lock;
        return 0;
    }
    if (got == 1) {
        lock_release(lock);
        return -1;
    }
    if (got == 0)
        error_set(&why, ERROR_SOFT, "", "%s: another program takes and leaves it all the time",
                  lock->name);
    if (err != NULL)
        *err = why;
    free(lock);
    return -1;
}

int lock_check(const struct lock *lock, struct error *err)
{
    bool there;

    if (root_same(lock->root, lock->name, lock->fd, &there, err) != 0)
        return -1;
    return there ? 0
                 : error_set(err, ERROR_SOFT, "",
                             "%s: is not ours any more: another program removed it, or the "
                             "postoffice's files are out of reach",
                             lock->name);
}

/* While it is held, so that nobody can take it in between. A server of SMB may refuse to delete a
 * file that is open: then it is let go first, and whoever takes it meanwhile has it open, which the
 * same server refuses to delete, too. A lock file that stays is stranded, and harmless; one of
 * another program in its place must stay. */
void lock_release(struct lock *lock)
{
    struct error ignored;
    int status = 0;

    if (lock == NULL)
        return;
    step_passed("lock-release");
    if (lock_check(lock, &ignored) == 0)
        status = root_unlink(lock->root, lock->name, &ignored);
    close(lock->fd);
    if (status != 0 && on_share(lock->root) && root_unlink(lock->root, lock->name, &ignored) != 0)
        error_clear(&ignored);
    free(lock);
}

int lock_probe(struct root *root, const char *id, bool *held, struct error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct error why;
    char name[24];
    int fd, status;

    *held = false;
    snprintf(name, sizeof name, "P1/%.8s.0LK", id);
    fd = root_open_file(root, name, O_RDONLY, &why);
    if (fd < 0 && why.sys == ENOENT)
        return 0;
    if (fd < 0) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    status = fcntl(fd, F_OFD_GETLK, &whole);
    if (status != 0)
        error_sys(err, ERROR_SOFT, "", "%s: cannot ask for its lock", name);
    *held = status == 0 && whole.l_type != F_UNLCK;
    close(fd);
    return status;
}
