/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Error texts are printed on terminals and in logs: bytes from outside must not control either. */
static void make_printable(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    }
}

static void set_fields(struct error *err, enum error_class class, const char *status, int sys)
{
    err->class = class;
    err->sys = sys;
    snprintf(err->status, sizeof err->status, "%s", status != NULL ? status : "");
}

int error_set(struct error *err, enum error_class class, const char *status, const char *format,
              ...)
{
    va_list args;

    if (err == NULL)
        return -1;
    set_fields(err, class, status, 0);
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    make_printable(err->text);
    return -1;
}

int error_sys(struct error *err, enum error_class class, const char *status, const char *format,
              ...)
{
    int sys = errno;
    char reason[96];
    size_t used;
    va_list args;

    if (err == NULL)
        return -1;
    set_fields(err, class, status, sys);
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s",
             strerror_r(sys, reason, sizeof reason));
    make_printable(err->text);
    return -1;
}

int error_prefix(struct error *err, const char *format, ...)
{
    char old[ERROR_TEXT_SIZE];
    size_t used;
    va_list args;

    if (err == NULL)
        return -1;
    memcpy(old, err->text, sizeof old);
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", old);
    make_printable(err->text);
    return -1;
}

void error_clear(struct error *err)
{
    memset(err, 0, sizeof *err);
}

const char *error_class_name(enum error_class class)
{
    switch (class) {
    case ERROR_NONE:
        return "none";
    case ERROR_SOFT:
        return "soft";
    case ERROR_HARD:
        return "hard";
    case ERROR_DATA:
        return "data";
    case ERROR_SETUP:
        return "setup";
    }
    return "unknown";
}
