/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diagnostics of a program: what it noticed about itself. What happened to mail goes to the relay
 * log (daemon/relaylog.h) instead. errno survives every call. Secrets and message bodies are never
 * passed to any of these.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attr.h"
#include "base/error.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go: called with the level, the subsystem token and one line without its end. */
typedef void log_sink(void *context, enum log_level level, const char *token, const char *line);

/* The default sink writes "TOKEN: LINE" to stderr, with a systemd level prefix "<n>" when
 * JOURNAL_STREAM is set. SINK NULL restores the default. */
void log_set_sink(log_sink *sink, void *context);

/* Lines above LEVEL are dropped. Default: LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);
int log_level_from_name(const char *name, enum log_level *out) WARN_UNUSED;

/* TOKEN names the subsystem ("intake", "relay", "queue"). Control characters become '?'. */
void log_error(const char *token, const char *format, ...) PRINTF_LIKE(2, 3);
void log_warn(const char *token, const char *format, ...) PRINTF_LIKE(2, 3);
void log_info(const char *token, const char *format, ...) PRINTF_LIKE(2, 3);
void log_debug(const char *token, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
