/* SPDX-License-Identifier: BSD-2-Clause */
/* Text for a terminal. All of it is UTF-8; nothing here depends on the locale but the width of
 * characters. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/attr.h"

/* Once in a process: character widths of UTF-8. */
void text_initialize(void);

/* TEXT with octets that are not UTF-8 replaced by U+FFFD. The caller's (free); NULL without
 * memory. */
char *text_valid(const char *text);

/* text_valid, and controls (line ends and TAB too) and direction characters replaced by '?'. */
char *text_harmless(const char *text);
bool text_is_harmless(const char *text);

/* Columns on a terminal. */
unsigned text_width(const char *text);

/* Cuts TEXT to at most WIDTH (2 or more) columns; the last one shows that it was cut. */
void text_cut(char *text, unsigned width);

/* "a, b, c": the caller's (free); NULL without memory. */
char *text_join(const char *const *texts, size_t count);

/* "512", "5.0K", "1.2M" into OUT. */
const char *text_size(uint64_t octets, char out[24]);

/* "41s", "3h12m", "2d4h" into OUT. */
#define TEXT_DURATION_SIZE 32
const char *text_duration(int64_t ms, char out[TEXT_DURATION_SIZE]);

/* Milliseconds since 1970 of "2026-11-22", "2026-11-22T12:36", "...:00", "...:00.000", each with
 * "Z" or not (UTC), or of "90s", "30m", "2h", "3d" before NOW_MS. -1: neither. */
int text_parse_time(const char *text, int64_t now_ms, int64_t *out) WARN_UNUSED;

/* A decimal number without sign, of 1 or more. -1: not one. */
int text_parse_number(const char *text, uint64_t *out) WARN_UNUSED;

/* Writes SIZE octets of a message: as they are, but for a terminal without anything harmful. */
int text_write_message(FILE *stream, const char *data, size_t size) WARN_UNUSED;

#endif
