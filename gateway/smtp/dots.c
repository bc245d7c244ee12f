/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "smtp/dots.h"

#include <string.h>

void dots_init(struct dots *dots)
{
    memset(dots, 0, sizeof *dots);
    dots->line_start = true;
}

static int refuse(struct dots *dots, const char *what, struct error *err)
{
    dots->refused = true;
    return error_set(err, ERROR_DATA, "5.6.0",
                     "the content has %s at octet %llu: it must not go on the wire", what,
                     (unsigned long long)dots->octets);
}

static int put(struct dots *dots, struct buf *out, const void *data, size_t size, struct error *err)
{
    if (buf_append(out, data, size) == 0)
        return 0;
    dots->refused = true;
    return error_set(err, ERROR_SOFT, "4.3.1", "no room for content waiting to be sent");
}

/* How many octets at DATA are neither CR, LF nor NUL. */
static size_t plain_run(const uint8_t *data, size_t size)
{
    size_t run = 0;

    while (run < size && data[run] != '\r' && data[run] != '\n' && data[run] != '\0')
        run++;
    return run;
}

/* DATA starts with a CR, LF or NUL. */
static int write_control(struct dots *dots, uint8_t octet, struct buf *out, struct error *err)
{
    if (octet == '\0')
        return refuse(dots, "a NUL", err);
    if (octet == '\r' && dots->cr)
        return refuse(dots, "a CR without LF", err);
    if (octet == '\n' && !dots->cr)
        return refuse(dots, "an LF without CR", err);
    dots->octets++;
    dots->cr = octet == '\r';
    if (octet == '\r')
        return 0;
    dots->line_start = true;
    return put(dots, out, "\r\n", 2, err);
}

static int write_run(struct dots *dots, const uint8_t *data, size_t size, struct buf *out,
                     struct error *err)
{
    if (dots->cr)
        return refuse(dots, "a CR without LF", err);
    if (dots->line_start && data[0] == '.' && put(dots, out, ".", 1, err) != 0)
        return -1;
    dots->line_start = false;
    dots->octets += size;
    return put(dots, out, data, size, err);
}

static int check_refused(const struct dots *dots, struct error *err)
{
    return dots->refused
               ? error_set(err, ERROR_DATA, "5.6.0", "content goes on after it was refused")
               : 0;
}

int dots_write(struct dots *dots, const void *data, size_t size, struct buf *out, struct error *err)
{
    const uint8_t *at = data;

    if (check_refused(dots, err) != 0)
        return -1;
    while (size > 0) {
        size_t run = plain_run(at, size);

        if (run == 0) {
            if (write_control(dots, *at, out, err) != 0)
                return -1;
            run = 1;
        } else if (write_run(dots, at, run, out, err) != 0) {
            return -1;
        }
        at += run;
        size -= run;
    }
    return 0;
}

/* Where DATA has an octet that must not pass, or SIZE. *CR: a CR stands before DATA; then: its last
 * octet is a CR. A CR or LF alone is found at the octet behind the CR, and at the LF. */
static size_t find_bad(const uint8_t *data, size_t size, bool *cr)
{
    bool before = *cr;

    for (size_t i = 0; i < size; i++) {
        if ((data[i] == '\n') != before || data[i] == '\0')
            return i;
        before = data[i] == '\r';
    }
    *cr = before;
    return size;
}

int dots_check(struct dots *dots, const void *data, size_t size, bool last, struct error *err)
{
    const uint8_t *octets = data;
    size_t bad;

    if (check_refused(dots, err) != 0)
        return -1;
    bad = find_bad(octets, size, &dots->cr);
    dots->octets += bad;
    if (bad == size)
        return last && dots->cr ? refuse(dots, "a CR without LF", err) : 0;
    return refuse(dots,
                  octets[bad] == '\n'   ? "an LF without CR"
                  : octets[bad] == '\0' ? "a NUL"
                                        : "a CR without LF",
                  err);
}

int dots_end(struct dots *dots, struct buf *out, struct error *err)
{
    if (check_refused(dots, err) != 0)
        return -1;
    if (dots->cr)
        return refuse(dots, "a CR without LF", err);
    return put(dots, out, dots->line_start ? ".\r\n" : "\r\n.\r\n", dots->line_start ? 3 : 5, err);
}
