/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_LIMIT 256
#define FILE_MODE 0600

struct root {
    int fd;
    char *path;
};

int root_open(struct root **out, const char *path, struct error *err)
{
    struct root *root = calloc(1, sizeof *root);

    if (root == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", path);
    root->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root->fd < 0) {
        error_sys(err, ERROR_SETUP, "", "%s: cannot open the directory", path);
        free(root);
        return -1;
    }
    root->path = strdup(path);
    if (root->path == NULL) {
        error_sys(err, ERROR_SOFT, "", "%s: no memory", path);
        root_free(root);
        return -1;
    }
    *out = root;
    return 0;
}

void root_free(struct root *root)
{
    if (root == NULL)
        return;
    close(root->fd);
    free(root->path);
    free(root);
}

const char *root_path(const struct root *root)
{
    return root->path;
}

int root_fd(const struct root *root)
{
    return root->fd;
}

static int open_beneath(int directory, const char *name, int flags)
{
    const int never = (flags & O_PATH) != 0 ? 0 : O_NOCTTY | O_NONBLOCK; /* refused with O_PATH */
    struct open_how how = {
        .flags = (uint64_t)(flags | O_CLOEXEC | never),
        .mode = (flags & O_CREAT) != 0 ? FILE_MODE : 0,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };

    return (int)syscall(SYS_openat2, directory, name, &how, sizeof how);
}

/* Absent and leading outside are properties of the item; everything else may pass. */
static int open_failed(const struct root *root, const char *name, struct error *err)
{
    if (errno == ENOENT || errno == ENOTDIR)
        return error_sys(err, ERROR_DATA, "", "%s/%s", root->path, name);
    if (errno == ELOOP || errno == EXDEV)
        return error_sys(err, ERROR_DATA, "", "%s/%s: leads outside the directory or is a link",
                         root->path, name);
    return error_sys(err, ERROR_SOFT, "", "%s/%s: cannot open", root->path, name);
}

static int check_regular(const struct root *root, const char *name, int fd, struct error *err)
{
    struct stat st;
    int status = fstat(fd, &st);

    if (status == 0 && S_ISREG(st.st_mode))
        return fd;
    if (status != 0) /* the share went away: says nothing about the file */
        error_sys(err, ERROR_SOFT, "", "%s/%s: cannot stat", root->path, name);
    close(fd);
    if (status != 0)
        return -1;
    return error_set(err, ERROR_DATA, "", "%s/%s: is not a regular file", root->path, name);
}

/* Finds the entry of DIRECTORY that equals WANTED but for case. 1 found, 0 absent. */
static int match_entry(int directory, const char *wanted, char *out, struct error *err)
{
    int scan = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = scan >= 0 ? fdopendir(scan) : NULL;
    struct dirent *entry;
    int found = 0;

    if (dir == NULL) {
        error_sys(err, ERROR_SOFT, "", "cannot list the directory of %s", wanted);
        if (scan >= 0)
            close(scan);
        return -1;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (strcasecmp(entry->d_name, wanted) != 0)
            continue;
        if (++found > 1)
            break;
        snprintf(out, NAME_LIMIT, "%s", entry->d_name);
    }
    closedir(dir);
    if (found > 1)
        return error_set(err, ERROR_DATA, "", "%s: two names differ only in case; remove one",
                         wanted);
    return found;
}

/* One component: as written when that exists, else in any case. 1 found, 0 absent, -1 error. */
static int real_component(int directory, const char *wanted, char *out, struct error *err)
{
    struct stat st;

    if (fstatat(directory, wanted, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        snprintf(out, NAME_LIMIT, "%s", wanted);
        return 1;
    }
    if (errno != ENOENT)
        return error_sys(err, ERROR_SOFT, "", "cannot look up %s", wanted);
    return match_entry(directory, wanted, out, err);
}

static int take_component(const char **name, char component[NAME_LIMIT])
{
    size_t length = strcspn(*name, "/");

    if (length == 0 || length >= NAME_LIMIT)
        return -1;
    memcpy(component, *name, length);
    component[length] = '\0';
    *name += length;
    if (**name == '/')
        (*name)++;
    return strcmp(component, ".") == 0 || strcmp(component, "..") == 0 ? -1 : 0;
}

/* Walks the components from a directory to the next; ends at the first that is absent. Directories
 * need not be listable, but where a name differs in case. */
static int walk(struct root *root, const char *name, char *out, size_t size, struct error *err)
{
    int directory = openat(root->fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    size_t used = 0;
    int found = 1;

    out[0] = '\0';
    if (directory < 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot open", root->path);
    if (*name == '\0')
        found = error_set(err, ERROR_DATA, "", "%s: a name is empty", root->path);
    while (*name != '\0' && found == 1) {
        char wanted[NAME_LIMIT], real[NAME_LIMIT];
        int next;

        if (take_component(&name, wanted) != 0) {
            found = error_set(err, ERROR_DATA, "", "%s: not a name of ours", wanted);
            break;
        }
        found = real_component(directory, wanted, real, err);
        if (found != 1)
            break;
        used += (size_t)snprintf(out + used, size - used, "%s%s", used != 0 ? "/" : "", real);
        if (used >= size) {
            found = error_set(err, ERROR_DATA, "", "%s: the name is too long", wanted);
            break;
        }
        if (*name == '\0')
            break;
        next = open_beneath(directory, real, O_PATH | O_DIRECTORY);
        if (next < 0) {
            found = open_failed(root, real, err);
            break;
        }
        close(directory);
        directory = next;
    }
    close(directory);
    return found;
}

int root_real_name(struct root *root, const char *name, char *out, size_t size, struct error *err)
{
    int found = walk(root, name, out, size, err);

    if (found == 0)
        out[0] = '\0';
    return found < 0 ? -1 : 0;
}

/* A file to be created keeps its own name in the directory that is really there. */
static int create_file(struct root *root, const char *name, int flags, struct error *err)
{
    char directory[NAME_LIMIT], real[4 * NAME_LIMIT], whole[5 * NAME_LIMIT];
    const char *last = strrchr(name, '/');
    int fd;

    if (last == NULL || (size_t)(last - name) >= sizeof directory) {
        snprintf(whole, sizeof whole, "%s", name);
    } else {
        snprintf(directory, sizeof directory, "%.*s", (int)(last - name), name);
        if (root_real_name(root, directory, real, sizeof real, err) != 0)
            return -1;
        if (real[0] == '\0') {
            errno = ENOENT;
            return open_failed(root, directory, err);
        }
        snprintf(whole, sizeof whole, "%s%s", real, last);
    }
    fd = open_beneath(root->fd, whole, flags);
    return fd >= 0 ? check_regular(root, whole, fd, err) : open_failed(root, whole, err);
}

int root_open_file(struct root *root, const char *name, int flags, struct error *err)
{
    char real[4 * NAME_LIMIT];
    int fd = open_beneath(root->fd, name, flags & ~O_CREAT);

    if (fd >= 0)
        return check_regular(root, name, fd, err);
    if (errno != ENOENT)
        return open_failed(root, name, err);
    if (root_real_name(root, name, real, sizeof real, err) != 0)
        return -1;
    if (real[0] == '\0') {
        if ((flags & O_CREAT) != 0)
            return create_file(root, name, flags, err);
        errno = ENOENT;
        return open_failed(root, name, err);
    }
    fd = open_beneath(root->fd, real, flags & ~O_CREAT);
    return fd >= 0 ? check_regular(root, real, fd, err) : open_failed(root, real, err);
}

int root_unlink(struct root *root, const char *name, struct error *err)
{
    char real[4 * NAME_LIMIT];
    struct stat st;

    if (root_real_name(root, name, real, sizeof real, err) != 0)
        return -1;
    if (real[0] == '\0')
        return 0;
    if (fstatat(root->fd, real, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
        return error_set(err, ERROR_DATA, "", "%s/%s: is not a regular file", root->path, real);
    if (unlinkat(root->fd, real, 0) != 0 && errno != ENOENT)
        return error_sys(err, ERROR_SOFT, "", "%s/%s: cannot remove", root->path, real);
    return 0;
}

int root_stat(struct root *root, const char *name, struct stat *out, struct error *err)
{
    int fd = root_open_file(root, name, O_RDONLY, err);
    int status;

    if (fd < 0)
        return -1;
    status = fstat(fd, out);
    if (status != 0)
        error_sys(err, ERROR_SOFT, "", "%s/%s: cannot stat", root->path, name);
    close(fd);
    return status;
}

/* 1 there, 0 absent, -1 error. */
static int look_at(const struct root *root, const char *name, struct stat *out, struct error *err)
{
    struct open_how how = {
        .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    int fd = (int)syscall(SYS_openat2, root->fd, name, &how, sizeof how);
    int status;

    if (fd < 0)
        return errno == ENOENT ? 0 : open_failed(root, name, err);
    status = fstat(fd, out);
    close(fd);
    if (status != 0)
        return error_sys(err, ERROR_SOFT, "", "%s/%s: cannot stat", root->path, name);
    if (!S_ISREG(out->st_mode))
        return error_set(err, ERROR_DATA, "", "%s/%s: is not a regular file", root->path, name);
    return 1;
}

int root_look(struct root *root, const char *name, struct stat *out, struct error *err)
{
    char lower[NAME_LIMIT];
    size_t length = strlen(name);
    int found = look_at(root, name, out, err);

    if (found != 0)
        return found < 0 ? -1 : 0;
    if (length >= sizeof lower)
        return root_stat(root, name, out, err);
    for (size_t i = 0; i <= length; i++)
        lower[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    found = look_at(root, lower, out, err);
    if (found == 0)
        return root_stat(root, name, out, err);
    return found < 0 ? -1 : 0;
}

int root_same(struct root *root, const char *name, int fd, bool *same, struct error *err)
{
    struct stat mine, present = {0};
    struct error why;

    *same = false;
    if (fstat(fd, &mine) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s/%s: cannot stat", root->path, name);
    if (root_look(root, name, &present, &why) == 0) {
        *same = mine.st_ino == present.st_ino && mine.st_dev == present.st_dev;
        return 0;
    }
    if (why.sys == ENOENT)
        return 0;
    if (err != NULL)
        *err = why;
    return -1;
}
