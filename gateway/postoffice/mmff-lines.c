/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mmff-lines.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/file.h"

#define WINDOW_SIZE ((size_t)2 * MMFF_MAX_LINE)
#define VERSION_LENGTH 12 /* "VERSION:n.nn" */
/* A longer run of line ends and ^Z behind the last message is data, not the padding of a program
 * that fills up its last block. */
#define TAIL_LIMIT 1024
#define CTRL_Z 0x1A

int mmff_window_init(struct mmff_window *window, int fd, const char *name, struct error *err)
{
    struct stat st;

    memset(window, 0, sizeof *window);
    window->fd = fd;
    window->name = name;
    if (fstat(fd, &st) != 0)
        return error_sys(err, ERROR_SOFT, "", "%s: cannot read its size", name);
    window->size = (uint64_t)st.st_size;
    window->data = malloc(WINDOW_SIZE);
    if (window->data == NULL)
        return error_sys(err, ERROR_SOFT, "", "%s: no memory", name);
    return 0;
}

void mmff_window_clear(struct mmff_window *window)
{
    free(window->data);
    window->data = NULL;
}

static int fill(struct mmff_window *window, uint64_t offset, struct error *err)
{
    uint64_t left = window->size - offset;
    size_t size = left < WINDOW_SIZE ? (size_t)left : WINDOW_SIZE;

    window->used = 0;
    if (file_pread(window->fd, window->name, window->data, size, offset, err) != 0) {
        if (err != NULL)
            err->class = ERROR_SOFT;
        return -1;
    }
    window->start = offset;
    window->used = size;
    window->octets_read += size;
    return 0;
}

int mmff_peek(struct mmff_window *window, uint64_t offset, size_t want, const uint8_t **data,
              size_t *size, struct error *err)
{
    uint64_t left = offset < window->size ? window->size - offset : 0;

    if (want > left)
        want = (size_t)left;
    if (want > WINDOW_SIZE)
        want = WINDOW_SIZE;
    if (want != 0 && (offset < window->start || offset + want > window->start + window->used) &&
        fill(window, offset, err) != 0)
        return -1;
    *data = want != 0 ? window->data + (offset - window->start) : window->data;
    *size = want;
    return 0;
}

/* The offset of the first line end of FORM in DATA, or SIZE. */
static size_t find_end(const uint8_t *data, size_t size, enum mmff_form form)
{
    for (size_t i = 0; i < size; i++) {
        bool cr = data[i] == '\r';
        bool pair = cr && i + 1 < size && data[i + 1] == '\n';

        if ((form == MMFF_FORM_ANY && (cr || data[i] == '\n')) || (form == MMFF_FORM_CR && cr) ||
            (form == MMFF_FORM_LF && data[i] == '\n') || (form == MMFF_FORM_CRLF && pair))
            return i;
    }
    return size;
}

static enum mmff_form form_at(const uint8_t *data, size_t size, size_t end)
{
    if (data[end] == '\n')
        return MMFF_FORM_LF;
    return end + 1 < size && data[end + 1] == '\n' ? MMFF_FORM_CRLF : MMFF_FORM_CR;
}

int mmff_line_at(struct mmff_window *window, uint64_t offset, enum mmff_form form,
                 struct mmff_line *out, struct error *err)
{
    const uint8_t *data;
    size_t size, end;

    if (offset >= window->size)
        return 0;
    if (mmff_peek(window, offset, MMFF_MAX_LINE + 2, &data, &size, err) != 0)
        return -1;
    end = find_end(data, size, form);
    if (end > MMFF_MAX_LINE || (end == size && offset + size < window->size))
        return error_set(err, ERROR_DATA, "", "a line of more than %u octets", MMFF_MAX_LINE);
    out->text = (const char *)data;
    out->length = end;
    out->form = form;
    if (end == size)
        out->form = MMFF_FORM_ANY;
    else if (form == MMFF_FORM_ANY)
        out->form = form_at(data, size, end);
    out->next = offset + end;
    if (out->form != MMFF_FORM_ANY)
        out->next += out->form == MMFF_FORM_CRLF ? 2 : 1;
    return 1;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool mmff_has_token(const char *text, size_t length, const char *token)
{
    size_t want = strlen(token);

    return length >= want && strncasecmp(text, token, want) == 0;
}

bool mmff_is_version(const char *text, size_t length)
{
    return length == VERSION_LENGTH && mmff_has_token(text, length, "VERSION:") &&
           is_digit(text[8]) && text[9] == '.' && is_digit(text[10]) && is_digit(text[11]);
}

/* A whole "VERSION:n.nn", its line end and the token of the next line fit in this. */
#define LOOK_AHEAD (VERSION_LENGTH + 2 + 5)

static bool starts_message(const char *text, size_t size)
{
    size_t skip = VERSION_LENGTH;

    if (size <= skip || !mmff_is_version(text, VERSION_LENGTH))
        return false;
    if (text[skip] != '\r' && text[skip] != '\n')
        return false;
    skip += text[skip] == '\r' && size > skip + 1 && text[skip + 1] == '\n' ? 2 : 1;
    return mmff_has_token(text + skip, size - skip, "TO:") ||
           mmff_has_token(text + skip, size - skip, "FROM:");
}

int mmff_find_version(struct mmff_window *window, uint64_t offset, uint64_t *found,
                      struct error *err)
{
    const uint8_t *data;
    size_t size;

    for (;;) {
        size_t last;

        if (mmff_peek(window, offset, WINDOW_SIZE, &data, &size, err) != 0)
            return -1;
        last = offset + size < window->size ? size - LOOK_AHEAD : size;
        for (size_t i = 0; i < last; i++) {
            size_t left = size - i - 1;

            if ((data[i] != '\r' && data[i] != '\n') ||
                !starts_message((const char *)data + i + 1, left < LOOK_AHEAD ? left : LOOK_AHEAD))
                continue;
            *found = offset + i + 1;
            return 1;
        }
        if (offset + size >= window->size)
            return 0;
        offset += last;
    }
}

int mmff_boundary(struct mmff_window *window, uint64_t offset, uint64_t *at, struct error *err)
{
    const uint8_t *data;
    size_t size, skip = 0;

    if (mmff_peek(window, offset, TAIL_LIMIT + 1, &data, &size, err) != 0)
        return -1;
    if (size > 0 && (data[0] == '\r' || data[0] == '\n'))
        skip = data[0] == '\r' && size > 1 && data[1] == '\n' ? 2 : 1;
    for (size_t i = 0; i <= skip; i += skip != 0 ? skip : 1) {
        if (mmff_has_token((const char *)data + i, size - i, "VERSION:")) {
            *at = offset + i;
            return 1;
        }
    }
    for (size_t i = 0; i < size; i++) {
        if (data[i] != '\r' && data[i] != '\n' && data[i] != CTRL_Z)
            return 2;
    }
    return size <= TAIL_LIMIT ? 0 : 2;
}
