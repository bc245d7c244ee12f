/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 1024

static void log_to_stderr(void *context, enum log_level level, const char *token, const char *line)
{
    static const char *const journal[] = {"<3>", "<4>", "<6>", "<7>"};

    (void)context;
    fprintf(stderr, "%s%s: %s\n", getenv("JOURNAL_STREAM") != NULL ? journal[level] : "", token,
            line);
}

/* The one process-wide state of this module: where diagnostics go is a property of the program. */
static struct {
    log_sink *sink;
    void *context;
    enum log_level level;
} output = {log_to_stderr, NULL, LOG_LEVEL_INFO};

void log_set_sink(log_sink *sink, void *context)
{
    output.sink = sink != NULL ? sink : log_to_stderr;
    output.context = context;
}

void log_set_level(enum log_level level)
{
    output.level = level;
}

int log_level_from_name(const char *name, enum log_level *out)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

static void PRINTF_LIKE(3, 0)
    write_line(enum log_level level, const char *token, const char *format, va_list args)
{
    char line[LINE_SIZE];
    int saved = errno;

    if (level <= output.level) {
        vsnprintf(line, sizeof line, format, args);
        for (char *c = line; *c != '\0'; c++) {
            if ((unsigned char)*c < 0x20 || *c == 0x7F)
                *c = '?';
        }
        output.sink(output.context, level, token, line);
    }
    errno = saved;
}

#define LOG_FUNCTION(name, level)                                                                  \
    void name(const char *token, const char *format, ...)                                          \
    {                                                                                              \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        write_line(level, token, format, args);                                                    \
        va_end(args);                                                                              \
    }

LOG_FUNCTION(log_error, LOG_LEVEL_ERROR)
LOG_FUNCTION(log_warn, LOG_LEVEL_WARN)
LOG_FUNCTION(log_info, LOG_LEVEL_INFO)
LOG_FUNCTION(log_debug, LOG_LEVEL_DEBUG)
