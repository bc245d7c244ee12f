/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of the relay log as "log" and "trace" show them. */
#ifndef CLI_LOGLINE_H
#define CLI_LOGLINE_H

#include "cli/output.h"

#define LOGLINE_SIZE 32768

/* Shows LINE: as it is, made harmless; in JSON one object with the keys of the line, numbers as
 * numbers. One that is not of a relay log becomes {"kind":"unreadable","line":...}. LINE is
 * changed. */
void logline_show(struct output *output, char *line);

/* The value of KEY in LINE, unquoted, into OUT; "" when it is not there. LINE stays. */
void logline_value(const char *line, const char *key, char *out, size_t size);

#endif
