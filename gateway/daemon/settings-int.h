/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by daemon/settings*.c only. */
#ifndef DAEMON_SETTINGS_INT_H
#define DAEMON_SETTINGS_INT_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/settings.h"

/* The settings and every block of memory that they point to. */
struct settings_owner {
    struct settings settings; /* first: settings_free gets its address */
    struct settings_block *blocks;
};

/* One section of the file while it is read, and all that an error about it needs. */
struct section {
    struct settings_owner *owner;
    const char *file;
    const char *directory; /* of the file, absolute: relative paths begin here */
    cfg_t *cfg;
    char label[64]; /* "postoffice HQ: ", "relay: ", "" */
    struct error *err;
};

/* SIZE zeroed octets that live as long as the settings; NULL sets SECTION->err. */
void *settings_keep(const struct section *section, size_t size) WARN_UNUSED;
const char *settings_keep_text(const struct section *section, const char *text) WARN_UNUSED;

/* "FILE:LINE: LABEL KEY: text"; the line where KEY was set, when it was. Returns -1. KEY may be
 * NULL: about the whole section. */
int settings_wrong(const struct section *section, const char *key, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* True when the file sets KEY in SECTION. */
bool settings_given(const struct section *section, const char *key);

/* ---- settings-value.c: one setting of a section, copied into the settings ---- */

/* One value, or several that must agree: 0, or settings_wrong(). */
typedef int settings_check(const struct section *section, const char *key, const char *value);

/* *OUT is NULL when the file does not set KEY (an error when REQUIRED). CHECK may be NULL. */
int settings_string(const struct section *section, const char *key, bool required,
                    settings_check *check, const char **out) WARN_UNUSED;

/* As settings_string, made absolute. */
int settings_path(const struct section *section, const char *key, bool required,
                  const char **out) WARN_UNUSED;

/* As settings_path; "credential:NAME" is a file that systemd's LoadCredential= provides. */
int settings_secret_path(const struct section *section, const char *key,
                         const char **out) WARN_UNUSED;

/* DIRECTORY/NAME. */
int settings_join(const struct section *section, const char *key, const char *directory,
                  const char *name, const char **out) WARN_UNUSED;

/* A decimal number of LOW to HIGH; FALLBACK when the file does not set KEY. */
int settings_number(const struct section *section, const char *key, uint64_t low, uint64_t high,
                    uint64_t fallback, uint64_t *out) WARN_UNUSED;
int settings_small(const struct section *section, const char *key, unsigned low, unsigned high,
                   unsigned fallback, unsigned *out) WARN_UNUSED;

/* The index of KEY's value in WORDS (CHOICES is their list, for people), or FALLBACK. */
int settings_choice(const struct section *section, const char *key, const char *const *words,
                    size_t count, const char *choices, int fallback, int *out) WARN_UNUSED;
int settings_flag(const struct section *section, const char *key, bool *out) WARN_UNUSED;

/* *COUNT 0 and *OUT NULL when the file does not set KEY. */
int settings_list(const struct section *section, const char *key, settings_check *check,
                  const char *const **out, size_t *count) WARN_UNUSED;

/* ---- settings-text.c: the octets of the file ---- */

/* Reads PATH and blanks its comments, so that libConfuse counts lines correctly; what it would
 * accept or end the program for (a section that is not closed, a directory, control octets) is
 * refused here. *OUT is the caller's (free). */
int settings_read_text(const char *path, char **out, struct error *err) WARN_UNUSED;

/* ---- settings-check.c ---- */

settings_check settings_check_host; /* DNS name */
settings_check settings_check_helo; /* DNS name or address literal */
settings_check settings_check_address;
settings_check settings_check_timezone;
settings_check settings_check_postoffice; /* NET/PO */
settings_check settings_check_queue;      /* NET/PO or the name of a gateway */
settings_check settings_check_mechanism;
settings_check settings_check_title;

/* "name", "name:port", "[v6]:port"; DEFAULT_PORT when it has none. */
int settings_parse_host(const struct section *section, const char *key, const char *value,
                        uint16_t default_port, struct settings_host *out) WARN_UNUSED;

/* 64 hex digits, colons between octets allowed, to 64 lower-case hex digits. */
int settings_parse_pin(const struct section *section, const char *value,
                       const char **out) WARN_UNUSED;

int settings_agree_postoffice(const struct section *section,
                              const struct settings_postoffice *postoffice) WARN_UNUSED;
int settings_agree_relay(const struct section *section,
                         const struct settings_relay *relay) WARN_UNUSED;

#endif
