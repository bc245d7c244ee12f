/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/drain-backup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "message/address.h"

/* The section whose profile, code page and time zone the backup has. */
static const struct settings_postoffice *find_like(struct cli *cli, const char *like)
{
    const struct settings_postoffice *found = NULL;

    if (like != NULL) {
        found = cli_postoffice(cli, like);
        if (found != NULL && found->door != DOOR_NATIVE) {
            cli_wrong(CLI_USAGE, "%s: door = ffapi has no profile to read a backup with",
                      found->title);
            return NULL;
        }
        return found;
    }
    for (size_t i = 0; i < cli->settings->postoffice_count; i++) {
        const struct settings_postoffice *postoffice = &cli->settings->postoffices[i];
        if (postoffice->door != DOOR_NATIVE)
            continue;
        if (found != NULL) {
            cli_wrong(CLI_USAGE, "--like TITLE: which postoffice is it a backup of, %s or %s?",
                      found->title, postoffice->title);
            return NULL;
        }
        found = postoffice;
    }
    if (found == NULL)
        cli_wrong(CLI_USAGE, "no postoffice of the settings has door = native, whose profile is "
                             "needed to read a backup");
    return found;
}

/* The same directory has to have the same name each time. */
static int take_path(struct drain_backup *out, const char *directory)
{
    struct stat st;

    out->path = realpath(directory, NULL);
    if (out->path == NULL)
        return cli_wrong(CLI_USAGE, "%s: neither a postoffice of the settings nor a directory: %s",
                         directory, strerror(errno));
    if (stat(out->path, &st) != 0 || !S_ISDIR(st.st_mode))
        return cli_wrong(CLI_USAGE, "%s: is not a directory", directory);
    return 0;
}

static int take_users(struct drain_backup *out, const struct drain_wish *wish)
{
    const char *name = out->postoffice.name;

    out->users = calloc(wish->user_count + 1, sizeof *out->users);
    if (out->users == NULL)
        return cli_wrong(CLI_WRONG, "out of memory");
    for (size_t i = 0; i < wish->user_count; i++) {
        const char *mailbox = strrchr(wish->users[i], '/');
        if (!address_on_postoffice(wish->users[i], name) || mailbox == NULL || mailbox[1] == '\0')
            return cli_wrong(CLI_USAGE, "--user %s: is not %s/USER", wish->users[i], name);
        out->users[i] = wish->users[i];
    }
    return 0;
}

int drain_backup_make(struct drain_backup *out, struct cli *cli, const struct drain_wish *wish)
{
    const struct settings_postoffice *like = find_like(cli, wish->like);
    int status;

    memset(out, 0, sizeof *out);
    if (like == NULL)
        return CLI_USAGE;
    out->postoffice = *like;
    status = take_path(out, wish->directory);
    if (status == 0)
        status = take_users(out, wish);
    if (status != 0)
        return status;
    out->postoffice.title = out->postoffice.path = out->path;
    if (!wish->include_outbound)
        out->postoffice.queue_count = 0;
    out->backup.users = out->users;
    out->backup.user_count = wish->user_count;
    out->backup.no_baseline = wish->no_baseline;
    return 0;
}

void drain_backup_clear(struct drain_backup *backup)
{
    free(backup->path);
    free(backup->users);
}
