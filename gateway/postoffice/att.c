/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/att.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "postoffice/cipher.h"

#define PATH_SIZE 40
#define PIECE 16384

static void att_path(const char *id, char out[PATH_SIZE])
{
    snprintf(out, PATH_SIZE, "ATT/AT%c/%.8s.ATT", id[7], id);
}

static int copy_piece(int fd, const char *name, size_t size, uint64_t at, struct cipher *cipher,
                      struct content_writer *writer, struct error *err)
{
    uint8_t raw[PIECE], clear[PIECE];

    if (file_pread(fd, name, raw, size, at, err) != 0)
        return -1;
    if (cipher == NULL)
        return content_writer_add(writer, raw, size, err);
    if (cipher_decode(cipher, raw, clear, size, err) != 0)
        return error_prefix(err, "%s", name);
    return content_writer_add(writer, clear, size, err);
}

static int copy_file(int fd, const char *name, uint64_t size, struct cipher *cipher,
                     struct content_writer *writer, struct error *err)
{
    uint64_t at = 0;

    while (at < size) {
        size_t piece = size - at < PIECE ? (size_t)(size - at) : PIECE;
        if (copy_piece(fd, name, piece, at, cipher, writer, err) != 0)
            return -1;
        at += piece;
    }
    return 0;
}

static int load_open(int fd, const char *name, const struct profile *profile,
                     const char *directory, uint64_t limit, struct content **out,
                     struct error *err)
{
    struct content_writer *writer;
    struct cipher cipher;
    struct stat st;

    if (fstat(fd, &st) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot read its size", name);
    if ((uint64_t)st.st_size > limit)
        return error_set(err, ERROR_DATA, "5.3.4", "%s: %lld octets, max_size is %llu", name,
                         (long long)st.st_size, (unsigned long long)limit);
    if (content_writer_new(&writer, directory, limit, err) != 0)
        return -1;
    cipher_init(&cipher, profile);
    if (copy_file(fd, name, (uint64_t)st.st_size, profile->att_enciphered ? &cipher : NULL, writer,
                  err) != 0) {
        content_writer_free(writer);
        return -1;
    }
    return content_writer_finish(writer, out, err);
}

int att_load(struct root *root, const struct profile *profile, const char *id,
             const char *directory, uint64_t limit, struct content **out, struct error *err)
{
    char name[PATH_SIZE];
    struct error why;
    int fd, status;

    *out = NULL;
    if (profile_require(profile, PROFILE_ATT_CIPHER, err) != 0)
        return -1;
    att_path(id, name);
    fd = root_open_file(root, name, O_RDONLY, &why);
    if (fd < 0 && why.sys == ENOENT)
        return 0;
    if (fd < 0) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    status = load_open(fd, name, profile, directory, limit, out, err);
    close(fd);
    return status;
}

int att_remove(struct root *root, const char *id, struct error *err)
{
    char name[PATH_SIZE];

    att_path(id, name);
    return root_unlink(root, name, err);
}
