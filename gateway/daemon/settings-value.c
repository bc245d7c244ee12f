/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/settings-int.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CREDENTIAL "credential:"
/* Where systemd puts the credentials of the service, for commands that run outside of it. */
#define CREDENTIAL_DIRECTORY "/run/credentials/msmailgw.service"

bool settings_given(const struct section *section, const char *key)
{
    const cfg_opt_t *option = cfg_getopt(section->cfg, key);

    return option != NULL && option->comment != NULL;
}

int settings_wrong(const struct section *section, const char *key, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE], line[16] = "";
    const cfg_opt_t *option;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    option = key != NULL ? cfg_getopt(section->cfg, key) : NULL;
    if (option != NULL && option->comment != NULL)
        snprintf(line, sizeof line, "%s:", option->comment);
    return error_set(section->err, ERROR_SETUP, "", "%s:%s %s%s%s%s", section->file, line,
                     section->label, key != NULL ? key : "", key != NULL ? ": " : "", text);
}

int settings_string(const struct section *section, const char *key, bool required,
                    settings_check *check, const char **out)
{
    const char *value = cfg_getstr(section->cfg, key);

    *out = NULL;
    if (value == NULL)
        return required ? settings_wrong(section, key, "is missing") : 0;
    if (value[0] == '\0')
        return settings_wrong(section, key, "is empty");
    for (const char *c = value; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            return settings_wrong(section, key, "has a control character");
    }
    if (check != NULL && check(section, key, value) != 0)
        return -1;
    *out = settings_keep_text(section, value);
    return *out != NULL ? 0 : -1;
}

int settings_join(const struct section *section, const char *key, const char *directory,
                  const char *name, const char **out)
{
    char path[PATH_MAX];
    int size = snprintf(path, sizeof path, "%s/%s", directory, name);

    if (size < 0 || (size_t)size >= sizeof path)
        return settings_wrong(section, key, "the path is too long");
    *out = settings_keep_text(section, path);
    return *out != NULL ? 0 : -1;
}

int settings_path(const struct section *section, const char *key, bool required, const char **out)
{
    if (settings_string(section, key, required, NULL, out) != 0)
        return -1;
    if (*out == NULL || (*out)[0] == '/')
        return 0;
    return settings_join(section, key, section->directory, *out, out);
}

int settings_secret_path(const struct section *section, const char *key, const char **out)
{
    const char *value = cfg_getstr(section->cfg, key), *directory, *name;

    if (value == NULL || strncmp(value, CREDENTIAL, sizeof CREDENTIAL - 1) != 0)
        return settings_path(section, key, false, out);
    name = value + sizeof CREDENTIAL - 1;
    if (name[0] == '\0' || name[0] == '.' || strchr(name, '/') != NULL)
        return settings_wrong(section, key, "\"%s\" does not name a credential", value);
    directory = getenv("CREDENTIALS_DIRECTORY");
    if (directory == NULL || directory[0] != '/')
        directory = CREDENTIAL_DIRECTORY;
    return settings_join(section, key, directory, name, out);
}

int settings_number(const struct section *section, const char *key, uint64_t low, uint64_t high,
                    uint64_t fallback, uint64_t *out)
{
    const char *value = cfg_getstr(section->cfg, key);
    char *end = NULL;

    *out = fallback;
    if (value == NULL)
        return 0;
    errno = 0;
    if (value[0] >= '0' && value[0] <= '9')
        *out = strtoull(value, &end, 10);
    if (end == NULL || *end != '\0' || errno != 0 || *out < low || *out > high)
        return settings_wrong(section, key, "\"%s\" is not a number from %llu to %llu", value,
                              (unsigned long long)low, (unsigned long long)high);
    return 0;
}

int settings_small(const struct section *section, const char *key, unsigned low, unsigned high,
                   unsigned fallback, unsigned *out)
{
    uint64_t value;

    if (settings_number(section, key, low, high, fallback, &value) != 0)
        return -1;
    *out = (unsigned)value;
    return 0;
}

int settings_choice(const struct section *section, const char *key, const char *const *words,
                    size_t count, const char *choices, int fallback, int *out)
{
    const char *value = cfg_getstr(section->cfg, key);

    *out = fallback;
    if (value == NULL)
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) {
            *out = (int)i;
            return 0;
        }
    }
    return settings_wrong(section, key, "\"%s\" is not one of: %s", value, choices);
}

int settings_flag(const struct section *section, const char *key, bool *out)
{
    static const char *const words[] = {"false", "true"};
    int value;

    if (settings_choice(section, key, words, 2, "true, false", 0, &value) != 0)
        return -1;
    *out = value == 1;
    return 0;
}

int settings_list(const struct section *section, const char *key, settings_check *check,
                  const char *const **out, size_t *count)
{
    size_t size = cfg_size(section->cfg, key);
    const char **values;

    *out = NULL;
    *count = 0;
    if (size == 0)
        return 0;
    values = settings_keep(section, size * sizeof *values);
    if (values == NULL)
        return -1;
    for (size_t i = 0; i < size; i++) {
        const char *value = cfg_getnstr(section->cfg, key, (unsigned)i);

        if (value == NULL || value[0] == '\0')
            return settings_wrong(section, key, "has an empty value");
        if (check != NULL && check(section, key, value) != 0)
            return -1;
        values[i] = settings_keep_text(section, value);
        if (values[i] == NULL)
            return -1;
    }
    *out = values;
    *count = size;
    return 0;
}
