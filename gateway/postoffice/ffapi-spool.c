/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/ffapi-spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "get.lock"
#define PART_NAME "held.part"   /* a held file that is being written */
#define LAST_NUMBER 0x0FFFFFFFU /* seven digits and a letter are all that 8.3 has */
#define PIECE 65536

int ffapi_spool_open(struct spool *spool, const char *directory, struct error *err)
{
    memset(spool, 0, sizeof *spool);
    spool->lock = -1;
    return root_open(&spool->root, directory, err);
}

void ffapi_spool_close(struct spool *spool)
{
    ffapi_spool_unlock(spool);
    root_free(spool->root);
    spool->root = NULL;
}

int ffapi_spool_lock(struct spool *spool, struct error *err)
{
    int fd = root_open_file(spool->root, LOCK_NAME, O_RDWR | O_CREAT, err);

    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            error_set(err, ERROR_SOFT, "",
                      "%s/%s: another process has the lock, or a GET program of an earlier run "
                      "has not ended; stop it when it hangs",
                      root_path(spool->root), LOCK_NAME);
        else
            error_sys(err, ERROR_SOFT, "", "%s/%s: cannot lock", root_path(spool->root), LOCK_NAME);
        close(fd);
        return -1;
    }
    spool->lock = fd;
    return 0;
}

void ffapi_spool_unlock(struct spool *spool)
{
    if (spool->lock >= 0)
        close(spool->lock);
    spool->lock = -1;
}

/* ---- names ---- */

void ffapi_spool_run_name(uint32_t number, char out[SPOOL_NAME_SIZE])
{
    snprintf(out, SPOOL_NAME_SIZE, "G%07X.TMP", (unsigned)number);
}

void ffapi_spool_file_name(uint32_t number, char out[SPOOL_NAME_SIZE])
{
    snprintf(out, SPOOL_NAME_SIZE, "get-%08X.mmf", (unsigned)number);
}

void ffapi_spool_held_name(uint32_t number, unsigned message, char out[SPOOL_NAME_SIZE])
{
    snprintf(out, SPOOL_NAME_SIZE, "held-%08X-%u.mmf", (unsigned)number, message);
}

/* The number in NAME = PREFIX, DIGITS hexadecimal digits, SUFFIX (NULL: anything); 0 when it is
 * another name. */
static uint32_t number_in(const char *name, const char *prefix, size_t digits, const char *suffix)
{
    size_t length = strlen(prefix);
    uint32_t number = 0;

    if (strncasecmp(name, prefix, length) != 0)
        return 0;
    name += length;
    for (size_t i = 0; i < digits; i++, name++) {
        const char *hex = "0123456789ABCDEF0123456789abcdef";
        const char *found = *name != '\0' ? strchr(hex, *name) : NULL;

        if (found == NULL)
            return 0;
        number = number << 4 | ((uint32_t)(found - hex) & 15);
    }
    if (number > LAST_NUMBER || (suffix != NULL && strcasecmp(name, suffix) != 0))
        return 0;
    return number;
}

static void look_at(const char *name, uint32_t after, struct ffapi_spool_view *view)
{
    uint32_t run = number_in(name, "G", 7, ".TMP");
    uint32_t file = number_in(name, "get-", 8, ".mmf");
    uint32_t any = run | file | number_in(name, "held-", 8, NULL); /* a name is one of them */

    if (run != 0 && (view->run == 0 || run < view->run))
        view->run = run;
    if (file > after && (view->file == 0 || file < view->file))
        view->file = file;
    if (any > view->highest)
        view->highest = any;
}

int ffapi_spool_look(const struct spool *spool, uint32_t after, struct ffapi_spool_view *view,
                     struct error *err)
{
    int fd = openat(root_fd(spool->root), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;

    memset(view, 0, sizeof *view);
    if (dir == NULL) {
        error_sys(err, ERROR_SOFT, "", "%s: cannot list the directory", root_path(spool->root));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    errno = 0;
    while ((entry = readdir(dir)) != NULL)
        look_at(entry->d_name, after, view);
    if (errno != 0) {
        error_sys(err, ERROR_SOFT, "", "%s: cannot list the directory", root_path(spool->root));
        closedir(dir);
        return -1;
    }
    closedir(dir);
    return 0;
}

int ffapi_spool_new_number(struct spool *spool, uint32_t *number, struct error *err)
{
    struct ffapi_spool_view view;
    char text[9] = "";
    uint32_t last;

    if (ffapi_spool_look(spool, 0, &view, err) != 0)
        return -1;
    if (pread(spool->lock, text, 8, 0) < 0)
        return error_sys(err, ERROR_SOFT, "", "%s/%s", root_path(spool->root), LOCK_NAME);
    last = number_in(text, "", 8, "");
    if (view.highest > last)
        last = view.highest;
    if (last >= LAST_NUMBER)
        return error_set(err, ERROR_SETUP, "",
                         "%s: the numbers of runs are used up; move away its held files and %s",
                         root_path(spool->root), LOCK_NAME);
    *number = last + 1;
    snprintf(text, sizeof text, "%08X", (unsigned)*number);
    return file_pwrite(spool->lock, LOCK_NAME, text, 8, 0, err);
}

/* ---- taking over ---- */

int ffapi_spool_sync(struct spool *spool, struct error *err)
{
    if (fsync(root_fd(spool->root)) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: fsync of the directory", root_path(spool->root));
    return 0;
}

/* 1 there is something in it and it is on disk, 0 it is empty. */
static int settle(struct spool *spool, const char *name, struct error *err)
{
    int fd = root_open_file(spool->root, name, O_RDONLY, err);
    struct stat st;
    int status = 1;

    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0 || fsync(fd) != 0)
        status = error_sys(err, ERROR_SOFT, "", "%s/%s: fsync", root_path(spool->root), name);
    else if (st.st_size == 0)
        status = 0;
    close(fd);
    return status;
}

int ffapi_spool_take_over(struct spool *spool, uint32_t number, struct error *err)
{
    char name[SPOOL_NAME_SIZE], real[SPOOL_NAME_SIZE], file[SPOOL_NAME_SIZE];
    int fd = root_fd(spool->root);
    int status;

    ffapi_spool_run_name(number, name);
    ffapi_spool_file_name(number, file);
    if (root_real_name(spool->root, name, real, sizeof real, err) != 0)
        return -1;
    if (real[0] == '\0')
        return 0;
    status = settle(spool, real, err);
    if (status < 0)
        return -1;
    if (status == 0)
        return root_unlink(spool->root, real, err);
    if (renameat2(fd, real, fd, file, RENAME_NOREPLACE) != 0)
        return error_sys(err, ERROR_SETUP, "", "%s/%s: cannot rename it to %s",
                         root_path(spool->root), real, file);
    return ffapi_spool_sync(spool, err) != 0 ? -1 : 1;
}

/* ---- holding ---- */

static int copy_range(int from, int to, uint64_t start, uint64_t end, const char *name,
                      struct error *err)
{
    uint8_t *piece = malloc(PIECE);
    int status = 0;

    if (piece == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", name);
    while (start < end && status == 0) {
        size_t size = end - start < PIECE ? (size_t)(end - start) : PIECE;

        status = file_pread(from, name, piece, size, start, err);
        if (status == 0)
            status = file_write_all(to, name, piece, size, err);
        start += size;
    }
    free(piece);
    if (status == 0 && fsync(to) != 0)
        status = error_sys(err, ERROR_SOFT, "", "%s: fsync", name);
    return status;
}

/* Held files appear under their names whole, so one of the right size is the one. */
static bool is_held(struct spool *spool, const char *name, uint64_t size)
{
    struct stat st;

    return fstatat(root_fd(spool->root), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(st.st_mode) && (uint64_t)st.st_size == size;
}

int ffapi_spool_hold(struct spool *spool, int fd, uint64_t start, uint64_t end, const char *name,
                     struct error *err)
{
    int directory = root_fd(spool->root);
    int part, status;

    if (is_held(spool, name, end - start))
        return ffapi_spool_sync(spool,
                                err); /* the run before may have died between name and fsync */
    part = root_open_file(spool->root, PART_NAME, O_WRONLY | O_CREAT | O_TRUNC, err);
    status = part < 0 ? -1 : copy_range(fd, part, start, end, name, err);
    if (part >= 0)
        close(part);
    if (status == 0 && renameat(directory, PART_NAME, directory, name) != 0)
        status = error_sys(err, ERROR_SOFT, "", "%s/%s: cannot rename to %s",
                           root_path(spool->root), PART_NAME, name);
    if (status == 0)
        return ffapi_spool_sync(spool, err);
    if (err != NULL && err->class == ERROR_DATA)
        err->class = ERROR_SOFT; /* nothing here is the message's fault */
    return -1;
}

int ffapi_spool_hold_external(struct spool *spool, uint32_t number, unsigned message,
                              const char *external, struct error *err)
{
    char name[SPOOL_NAME_SIZE];
    struct error failure;
    struct stat st;
    int status, fd = root_open_file(spool->root, external, O_RDONLY, &failure);

    if (fd < 0 && failure.class == ERROR_DATA)
        return 0; /* absent, or nothing that could be saved: the held message says so */
    if (fd < 0)
        return error_set(err, failure.class, failure.status, "%s", failure.text);
    snprintf(name, sizeof name, "held-%08X-%u-%s", (unsigned)number, message, external);
    if (fstat(fd, &st) != 0)
        status = error_sys(err, ERROR_SOFT, "", "%s: cannot read its size", external);
    else
        status = ffapi_spool_hold(spool, fd, 0, (uint64_t)st.st_size, name, err);
    close(fd);
    return status;
}
