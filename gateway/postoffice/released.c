/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/released.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define SUFFIX ".released"
#define HEX_SIZE ((size_t)2 * MBG_RECORD_SIZE)
#define LINE_SIZE (HEX_SIZE + 7) /* the octets in hex, " 00000\n" */
#define KEEP ((size_t)MBG_MAX_RECORDS)
#define FILE_LIMIT (LINE_SIZE * 4 * KEEP)

struct released {
    uint8_t *text;
    size_t count; /* lines */
};

static void header_hex(const uint8_t raw[MBG_RECORD_SIZE], char out[HEX_SIZE + 1])
{
    for (size_t i = 0; i < MBG_RECORD_SIZE; i++)
        snprintf(out + 2 * i, 3, "%02X", raw[i]);
}

/* A last line that was cut off is no line. */
static int read_lines(int fd, const char *name, struct released *released, struct error *err)
{
    size_t size;

    if (file_read_all(fd, name, FILE_LIMIT, &released->text, &size, err) != 0)
        return -1;
    released->count = size / LINE_SIZE;
    return 0;
}

static int read_file(const char *name, struct released *released, struct error *err)
{
    int fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int status;

    if (fd < 0)
        return errno == ENOENT ? 0 : error_sys(err, ERROR_SOFT, "", "%s: cannot open", name);
    status = read_lines(fd, name, released, err);
    close(fd);
    return status;
}

int released_load(struct released **out, const struct intent_place *place, struct error *err)
{
    struct released *released = calloc(1, sizeof *released);
    char *name;
    int status = -1;

    *out = NULL;
    if (released == NULL) {
        error_sys(err, ERROR_SOFT, "", "%s: no memory", place->mailbag);
        return -1;
    }
    name = intent_file_name(place, SUFFIX, err);
    if (name != NULL)
        status = read_file(name, released, err);
    free(name);
    if (status != 0) {
        released_free(released);
        return -1;
    }
    *out = released;
    return 0;
}

void released_free(struct released *released)
{
    if (released == NULL)
        return;
    free(released->text);
    free(released);
}

/* The latest line counts. */
bool released_find(const struct released *released, const uint8_t raw[MBG_RECORD_SIZE],
                   uint16_t *left)
{
    char hex[HEX_SIZE + 1];

    header_hex(raw, hex);
    for (size_t i = released->count; i > 0; i--) {
        const char *line = (const char *)released->text + (i - 1) * LINE_SIZE;
        if (memcmp(line, hex, HEX_SIZE) != 0 || line[HEX_SIZE] != ' ')
            continue;
        *left = (uint16_t)strtoul(line + HEX_SIZE + 1, NULL, 10);
        return true;
    }
    return false;
}

static int add_lines(struct buf *buf, const struct intent *intent)
{
    char hex[HEX_SIZE + 1];
    int status = 0;

    for (size_t i = 0; i < intent_count(intent) && status == 0; i++) {
        const struct intent_item *item = intent_get(intent, i);
        if (item->mark == INTENT_KEY_ONLY)
            continue; /* its line is there */
        header_hex(item->raw, hex);
        status = buf_printf(buf, "%s %05u\n", hex, (unsigned)item->started);
    }
    return status;
}

/* What is kept of the present file, and the new lines, as a new file in its place. */
static int write_anew(const char *name, const struct buf *buf, struct error *err)
{
    char fresh[4096];
    int fd, status;

    if (snprintf(fresh, sizeof fresh, "%s.new", name) >= (int)sizeof fresh)
        return error_set(err, ERROR_SETUP, "", "%s: the name is too long", name);
    fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot create", fresh);
    status = file_write_all(fd, fresh, buf->data, buf->size, err);
    if (status == 0 && fdatasync(fd) != 0)
        status = error_sys(err, ERROR_SOFT, "", "%s: cannot sync", fresh);
    close(fd);
    if (status == 0 && rename(fresh, name) != 0)
        status = error_sys(err, ERROR_SOFT, "", "%s: cannot rename", fresh);
    return status;
}

/* At the end of the whole lines: a line that was cut off is written over. */
static int append(const char *name, const struct buf *buf, size_t lines, struct error *err)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    int status;

    if (fd < 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot create", name);
    status = file_pwrite(fd, name, buf->data, buf->size, lines * LINE_SIZE, err);
    if (status == 0 && fdatasync(fd) != 0)
        status = error_sys(err, ERROR_SOFT, "", "%s: cannot sync", name);
    close(fd);
    return status;
}

static int add_to_file(const struct intent_place *place, const struct released *released,
                       const struct intent *intent, struct error *err)
{
    bool anew = released->count >= 2 * KEEP;
    char *name = intent_file_name(place, SUFFIX, err);
    struct buf buf;
    int status = -1;

    if (name == NULL)
        return -1;
    buf_init(&buf, FILE_LIMIT);
    if ((anew && buf_append(&buf, released->text + (released->count - KEEP) * LINE_SIZE,
                            KEEP * LINE_SIZE) != 0) ||
        add_lines(&buf, intent) != 0)
        error_sys(err, ERROR_SOFT, "", "%s: no memory", name);
    else
        status = anew ? write_anew(name, &buf, err) : append(name, &buf, released->count, err);
    buf_clear(&buf);
    free(name);
    return status;
}

int released_add(const struct intent_place *place, const struct intent *intent, struct error *err)
{
    struct released *released;
    int status;

    if (released_load(&released, place, err) != 0)
        return -1;
    status = add_to_file(place, released, intent, err);
    released_free(released);
    return status;
}
