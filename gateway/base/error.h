/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What went wrong, for a person and for a decision.
 *
 * A struct error belongs to the caller and is always the last argument. Functions that can fail
 * return 0 or -1 (or a pointer or NULL) and fill it only when they fail. Low layers classify;
 * whoever decides (smtp/outcome, daemon) logs. Nobody logs and returns the same error.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>

#include "base/attr.h"

enum error_class {
    ERROR_NONE,
    ERROR_SOFT,  /* may work later: skip now and try again */
    ERROR_HARD,  /* never for this recipient */
    ERROR_DATA,  /* this item is malformed: hold it, go on with the next */
    ERROR_SETUP, /* settings or environment: refuse to start, or pause */
};

#define ERROR_TEXT_SIZE 256
#define ERROR_STATUS_SIZE 12

struct error {
    enum error_class class;
    char status[ERROR_STATUS_SIZE]; /* RFC 3463 "x.y.z", or empty */
    int sys;                        /* errno, or 0 */
    char text[ERROR_TEXT_SIZE];
};

/* Sets all of ERR; TEXT is cut at 255 octets and control characters become '?'. Returns -1, so that
 * `return error_set(err, ...)` ends a function. ERR may be NULL. */
int error_set(struct error *err, enum error_class class, const char *status, const char *format,
              ...) PRINTF_LIKE(4, 5);

/* As error_set, and appends ": " and the text of the present errno, which is kept in err->sys. */
int error_sys(struct error *err, enum error_class class, const char *status, const char *format,
              ...) PRINTF_LIKE(4, 5);

/* Puts "PREFIX: " before the text of ERR (where it happened). Returns -1. */
int error_prefix(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

void error_clear(struct error *err);

/* "soft", "hard", "data", "setup", "none". */
const char *error_class_name(enum error_class class);

#endif
