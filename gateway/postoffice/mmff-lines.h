/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of an MMFF file, through a window that is read with pread: the file is never in memory
 * as a whole. The end of a line is CR, LF or CR LF, as the GET program's option -f0, -f1 or -f2
 * said (Q85055, Q118787). Included only by postoffice/mmff*.c.
 */
#ifndef POSTOFFICE_MMFF_LINES_H
#define POSTOFFICE_MMFF_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

#define MMFF_MAX_LINE 65536U /* octets of one line, without its end */

enum mmff_form { MMFF_FORM_ANY, MMFF_FORM_CR, MMFF_FORM_LF, MMFF_FORM_CRLF };

struct mmff_window {
    int fd;           /* borrowed */
    const char *name; /* borrowed; for messages */
    uint64_t size;    /* of the file when it was opened */
    uint64_t start;   /* of what is in DATA */
    size_t used;
    uint64_t octets_read;
    uint8_t *data;
};

struct mmff_line {
    const char *text; /* borrowed from the window until it is next used; not NUL-terminated */
    size_t length;
    enum mmff_form form; /* how it ends; MMFF_FORM_ANY: with the file */
    uint64_t next;       /* offset behind its end */
};

/* ERROR_SOFT. mmff_window_clear is allowed after a failure, too. */
int mmff_window_init(struct mmff_window *window, int fd, const char *name,
                     struct error *err) WARN_UNUSED;
void mmff_window_clear(struct mmff_window *window);

/* Up to WANT octets (at most 2 * MMFF_MAX_LINE) at OFFSET; fewer only at the end of the file.
 * A file that became shorter is ERROR_SOFT: somebody is still at it. */
int mmff_peek(struct mmff_window *window, uint64_t offset, size_t want, const uint8_t **data,
              size_t *size, struct error *err) WARN_UNUSED;

/* The line at OFFSET that ends as FORM says; MMFF_FORM_ANY takes the first CR, LF or CR LF. 1, or 0
 * at the end of the file, or -1: ERROR_SOFT, or ERROR_DATA when it is too long. */
int mmff_line_at(struct mmff_window *window, uint64_t offset, enum mmff_form form,
                 struct mmff_line *out, struct error *err) WARN_UNUSED;

/* True for "VERSION:n.nn" (Q118785), case ignored. */
bool mmff_is_version(const char *text, size_t length);

/* True when LINE begins with TOKEN ("TO:"), case ignored. */
bool mmff_has_token(const char *text, size_t length, const char *token);

/*
 * Finds the next place from OFFSET on, behind the end of some line, where a line "VERSION:n.nn" is
 * followed by one that begins with "TO:" or "FROM:". 1 and *FOUND, 0 (none), or -1 ERROR_SOFT.
 */
int mmff_find_version(struct mmff_window *window, uint64_t offset, uint64_t *found,
                      struct error *err) WARN_UNUSED;

/*
 * What lies at OFFSET, where a message should have ended: 1 a VERSION line (*AT is its offset, one
 * line end before it is skipped), 0 nothing but line ends and ^Z up to the end of the file, 2
 * something else, -1 ERROR_SOFT.
 */
int mmff_boundary(struct mmff_window *window, uint64_t offset, uint64_t *at,
                  struct error *err) WARN_UNUSED;

#endif
