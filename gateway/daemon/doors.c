/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/doors.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"

static int open_native(struct door **out, const struct intake *intake,
                       const struct settings_postoffice *postoffice,
                       const struct doors_users *users, struct error *err)
{
    const bool changes = !intake->dry_run && !intake->read_only;
    char notes[4096];
    struct native_settings settings = {
        .path = postoffice->path,
        .profile = postoffice->profile,
        .name = postoffice->name,
        .codepage = postoffice->codepage,
        .queues = postoffice->queues,
        .queue_count = postoffice->queue_count,
        /* What it notes about removals must last: not among the temporary files. */
        .directory = changes ? notes : intake->settings->temporary,
        .max_size = postoffice->max_size,
        .read_only = !changes,
    };

    if (users != NULL) {
        settings.users = users->users;
        settings.user_count = users->count;
        settings.watch = users->watch;
    }
    if (snprintf(notes, sizeof notes, "%s/native", intake->settings->spool) >= (int)sizeof notes)
        return error_set(err, ERROR_SETUP, "", "spool: the path is too long");
    return door_open_native(out, &settings, err);
}

static void report_line(void *context, const char *line)
{
    (void)context;
    log_info("ffapi", "%s", line);
}

/* SPOOL/ffapi/TITLE: the title is the operator's; only plain characters of it make the name. */
static int ffapi_directory(const struct intake *intake,
                           const struct settings_postoffice *postoffice, char *out, size_t size,
                           struct error *err)
{
    char plain[64];
    size_t at = 0;

    for (const char *c = postoffice->title; *c != '\0' && at < sizeof plain - 1; c++)
        plain[at++] = isalnum((unsigned char)*c) ? *c : '_';
    plain[at] = '\0';
    if ((size_t)snprintf(out, size, "%s/ffapi/%s", intake->settings->spool, plain) >= size)
        return error_set(err, ERROR_SETUP, "", "spool: the path is too long");
    if (mkdir(out, 0700) != 0 && errno != EEXIST)
        return error_sys(err, ERROR_SETUP, "", "%s: cannot make the directory", out);
    return 0;
}

static int open_ffapi(struct door **out, const struct intake *intake,
                      const struct settings_postoffice *postoffice, struct error *err)
{
    char directory[4096];
    struct ffapi_settings settings = {
        .name = postoffice->name,
        .codepage = postoffice->codepage,
        .command = postoffice->command,
        .command_count = postoffice->command_count,
        .queues = postoffice->queues,
        .queue_count = postoffice->queue_count,
        .directory = directory,
        .time_limit_s = postoffice->command_limit_s,
        .max_size = postoffice->max_size,
        .report = report_line,
    };

    if (intake->dry_run || intake->read_only)
        return error_set(err, ERROR_SETUP, "",
                         "postoffice %s: door = ffapi cannot be read without taking the mail out",
                         postoffice->title);
    if (ffapi_directory(intake, postoffice, directory, sizeof directory, err) != 0)
        return -1;
    return door_open_ffapi(out, &settings, err);
}

int doors_open(struct door **out, const struct intake *intake,
               const struct settings_postoffice *postoffice, const struct doors_users *users,
               struct error *err)
{
    switch (postoffice->door) {
    case DOOR_NATIVE:
        return open_native(out, intake, postoffice, users, err);
    case DOOR_FFAPI:
        return open_ffapi(out, intake, postoffice, err);
    }
    return error_set(err, ERROR_SETUP, "", "postoffice %s: no such door", postoffice->title);
}
