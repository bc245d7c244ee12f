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

/* How many octets at DATA are neither CR nor LF. Lines are short and content is long: the LF is
 * looked for first, and mostly stands right behind the CR. */
static size_t line_run(const uint8_t *data, size_t size)
{
    const uint8_t *lf = memchr(data, '\n', size);
    size_t most = lf != NULL ? (size_t)(lf - data) : size;
    const uint8_t *cr = memchr(data, '\r', most);

    return cr != NULL ? (size_t)(cr - data) : most;
}

/* How many octets at DATA are neither CR, LF nor NUL. */
static size_t plain_run(const uint8_t *data, size_t size)
{
    size_t line = line_run(data, size);
    const uint8_t *nul = memchr(data, '\0', line);

    return nul != NULL ? (size_t)(nul - data) : line;
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
    const uint8_t *nul = memchr(data, '\0', size);
    size_t most = nul != NULL ? (size_t)(nul - data) : size;

    for (size_t at = 0; at < most;) {
        size_t line;

        if (*cr) {
            if (data[at] != '\n')
                return at;
            *cr = false;
            at++;
        }
        line = line_run(data + at, most - at);
        at += line;
        if (at < most && data[at] == '\n')
            return at;
        if (at < most) {
            *cr = true;
            at++;
        }
    }
    return most;
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
