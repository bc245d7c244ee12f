/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int file_read_all(int fd, const char *name, size_t limit, uint8_t **out, size_t *size,
                  struct error *err)
{
    struct stat st;
    uint8_t *data;

    if (fstat(fd, &st) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot read its size", name);
    if ((uint64_t)st.st_size > limit)
        return error_set(err, ERROR_DATA, "", "%s: %lld octets, more than the limit of %zu", name,
                         (long long)st.st_size, limit);
    data = malloc((size_t)st.st_size + 1);
    if (data == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", name);
    if (file_pread(fd, name, data, (size_t)st.st_size, 0, err) != 0) {
        free(data);
        return -1;
    }
    data[st.st_size] = '\0';
    *out = data;
    *size = (size_t)st.st_size;
    return 0;
}

int file_pread(int fd, const char *name, void *data, size_t size, uint64_t offset,
               struct error *err)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = pread(fd, (char *)data + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_sys(err, ERROR_SOFT, "", "%s: cannot read at offset %llu", name,
                             (unsigned long long)offset + done);
        if (n == 0)
            return error_set(err, ERROR_DATA, "",
                             "%s: the file ends at offset %llu, %zu octets are missing", name,
                             (unsigned long long)offset + done, size - done);
        done += (size_t)n;
    }
    return 0;
}

int file_pwrite(int fd, const char *name, const void *data, size_t size, uint64_t offset,
                struct error *err)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = pwrite(fd, (const char *)data + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_sys(err, ERROR_SOFT, "", "%s: cannot write at offset %llu", name,
                             (unsigned long long)offset + done);
        done += (size_t)n;
    }
    return 0;
}

int file_write_all(int fd, const char *name, const void *data, size_t size, struct error *err)
{
    size_t done = 0;

    while (done < size) {
        ssize_t n = write(fd, (const char *)data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_sys(err, ERROR_SOFT, "4.3.1", "%s: cannot write", name);
        done += (size_t)n;
    }
    return 0;
}

int file_temporary(const char *directory, struct error *err)
{
    char path[4096];
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0)
        return fd;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return error_sys(err, ERROR_SOFT, "4.3.1", "%s: cannot make a temporary file", directory);
    snprintf(path, sizeof path, "%s/.tmpXXXXXX", directory);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return error_sys(err, ERROR_SOFT, "4.3.1", "%s: cannot make a temporary file", directory);
    unlink(path);
    return fd;
}

#define SECRET_LIMIT 4096

static int secret_check(int fd, const char *path, struct error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot read its mode", path);
    if (!S_ISREG(st.st_mode))
        return error_set(err, ERROR_SETUP, "", "%s: is not a regular file", path);
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return error_set(err, ERROR_SETUP, "", "%s: belongs to another user; chown it", path);
    if ((st.st_mode & 077) != 0)
        return error_set(err, ERROR_SETUP, "",
                         "%s: others can read this secret (mode %03o); chmod 600 it", path,
                         (unsigned)(st.st_mode & 0777));
    return 0;
}

int secret_read(const char *path, char **out, struct error *err)
{
    uint8_t *data = NULL;
    size_t size = 0;
    int status = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot read the secret", path);
    if (secret_check(fd, path, err) != 0)
        goto out;
    if (file_read_all(fd, path, SECRET_LIMIT, &data, &size, err) != 0) {
        if (err != NULL)
            err->class = ERROR_SETUP;
        goto out;
    }
    assert(data != NULL); /* an empty file has its NUL, too */
    while (size > 0 && (data[size - 1] == '\n' || data[size - 1] == '\r'))
        data[--size] = '\0';
    if (size == 0 || memchr(data, '\0', size) != NULL) {
        explicit_bzero(data, size);
        free(data);
        error_set(err, ERROR_SETUP, "", "%s: the secret is empty or holds a NUL", path);
        goto out;
    }
    *out = (char *)data;
    status = 0;
out:
    close(fd);
    return status;
}

void secret_free(char *secret)
{
    if (secret == NULL)
        return;
    explicit_bzero(secret, strlen(secret));
    free(secret);
}
