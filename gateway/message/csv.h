/* SPDX-License-Identifier: BSD-2-Clause */
/* Comma separated values as Exchange's administration program writes them: quotes doubled inside
 * quotes, line ends inside quotes, the separator ',' ';' or TAB. */
#ifndef MESSAGE_CSV_H
#define MESSAGE_CSV_H

#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"

#define CSV_MAX_FIELDS 1024

struct csv {
    char *at, *end; /* what is not read yet: changed while it is read */
    char separator;
    unsigned line; /* of the record, from 1 */
    unsigned next; /* of the one after it */
    size_t count;
    char *fields[CSV_MAX_FIELDS]; /* without blanks around; point into the text */
};

/* TEXT of SIZE octets, with room for a NUL behind it, is UTF-8 and the caller's. */
void csv_init(struct csv *csv, char *text, size_t size, char separator);

/* 1: a record; 0: the end; -1: ERROR_DATA with the line (too many fields, a quote without its
 * end). Empty lines are no records. */
int csv_next(struct csv *csv, struct error *err) WARN_UNUSED;

/* The separator that a line of column names uses most. */
char csv_guess(const char *line);

/*
 * Octets of a file as UTF-8: UTF-16 and UTF-8 with their marks, valid UTF-8, else code page 1252,
 * in which old exports are. NULs are ERROR_DATA. *OUT (with a NUL behind *SIZE) is for g_free. DATA
 * is used up, free()d here.
 */
int csv_decode(const char *name, void *data, size_t size, char **out, size_t *out_size,
               struct error *err) WARN_UNUSED;

#endif
