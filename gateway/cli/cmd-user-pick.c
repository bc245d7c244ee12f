/* SPDX-License-Identifier: BSD-2-Clause */
/* Which users a command is about. */
#include "config.h"

#include "cli/cmd-user.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "daemon/resolve.h"
#include "postoffice/access2.h"

/* ---- special accounts ---- */

const struct map_entry *user_mapped(const struct user_command *command,
                                    const struct user_pick *pick)
{
    return map_find(command->map, pick->name);
}

bool user_is_special(struct user_command *command, const struct user_pick *pick)
{
    if (access2_is_special(pick->mailbox)) {
        user_refuse(command, pick,
                    "a mailbox of the postoffice's own programs: its mail is never relayed");
        return true;
    }
    /* The wizard renames ADMIN, and POSTMASTER is nobody's mailbox: who reads their mail has to be
     * said. */
    if (resolve_is_role(pick->name) && user_mapped(command, pick) == NULL) {
        user_refuse(command, pick,
                    "the migration gives this account another name: write a line for it into %s "
                    "which says who gets its mail",
                    command->cli->settings->map);
        return true;
    }
    return false;
}

void user_refuse(struct user_command *command, const struct user_pick *pick, const char *format,
                 ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    cli_bar_hide(&command->bar);
    cli_wrong(CLI_WRONG, "%s: %s", pick->name, text);
    command->wrong = true;
}

void user_log(const struct user_command *command, const struct user_pick *pick, const char *event,
              const char *mailbag, const char *reason)
{
    struct relaylog_event line = {.event = event,
                                  .po = pick->postoffice->name,
                                  .mailbag = mailbag,
                                  .rcpt = pick->name,
                                  .reason = reason,
                                  .delay_ms = -1};

    relaylog_write(command->cli->log, clock_now_ms(), &line);
}

/* ---- rows ---- */

static int copy_row(void *context, const struct store_user *user)
{
    struct user_row *row = context;

    row->found = true;
    row->state = user->state;
    row->since_ms = user->since_ms;
    row->baseline_ms = user->baseline_ms;
    row->baseline_items = user->baseline_items;
    snprintf(row->mailbox, sizeof row->mailbox, "%s", user->mailbox);
    snprintf(row->mailbag, sizeof row->mailbag, "%s", user->mailbag);
    snprintf(row->fault, sizeof row->fault, "%s", user->fault);
    return 0;
}

int user_row_get(struct store *store, const struct user_pick *pick, struct user_row *out,
                 struct error *err)
{
    memset(out, 0, sizeof *out);
    return store_list_users(store, pick->postoffice->name, pick->mailbox, copy_row, out, err);
}

int user_drop_alarm(struct store *store, const struct user_pick *pick, const char *mailbox,
                    struct error *err)
{
    char name[96];

    snprintf(name, sizeof name, "alarm.user.%s/%s", pick->postoffice->name, mailbox);
    return store_put_note(store, name, NULL, clock_now_ms(), err);
}

/* ---- names ---- */

/* The section whose native door reads mailboxes of NET/PO (SIZE octets of NAME). */
static const struct settings_postoffice *section_of(const struct settings *settings,
                                                    const char *name, size_t size)
{
    for (size_t i = 0; i < settings->postoffice_count; i++) {
        const struct settings_postoffice *postoffice = &settings->postoffices[i];

        if (postoffice->door == DOOR_NATIVE && strlen(postoffice->name) == size &&
            strncasecmp(postoffice->name, name, size) == 0)
            return postoffice;
    }
    return NULL;
}

static int add_pick(struct user_command *command, const struct settings_postoffice *postoffice,
                    const char *mailbox, bool named)
{
    struct user_pick *grown =
        reallocarray(command->picks, command->count + 1, sizeof *command->picks);
    struct user_pick *pick;

    if (grown == NULL)
        return cli_wrong(CLI_WRONG, "out of memory");
    command->picks = grown;
    pick = &grown[command->count++];
    memset(pick, 0, sizeof *pick);
    pick->postoffice = postoffice;
    pick->named = named;
    snprintf(pick->name, sizeof pick->name, "%s/%s", postoffice->name, mailbox);
    return 0;
}

/* After the last one: the array does not move any more. */
static void set_mailboxes(struct user_command *command)
{
    for (size_t i = 0; i < command->count; i++)
        command->picks[i].mailbox = strrchr(command->picks[i].name, '/') + 1;
}

static int pick_named(struct user_command *command, const char *name)
{
    const struct settings *settings = command->cli->settings;
    const char *first = strchr(name, '/'), *last = strrchr(name, '/');
    const struct settings_postoffice *postoffice;

    if (first == NULL || first == last || strchr(first + 1, '/') != last || last[1] == '\0' ||
        strlen(last + 1) > 10)
        return cli_wrong(CLI_USAGE, "\"%s\" is not a mailbox: write NET/PO/USER", name);
    postoffice = section_of(settings, name, (size_t)(last - name));
    if (postoffice == NULL)
        return cli_wrong(CLI_USAGE,
                         "%s: %s has no postoffice %.*s with the native door: users' mailbags are "
                         "read by it alone",
                         name, settings->file, (int)(last - name), name);
    return add_pick(command, postoffice, last + 1, true);
}

/* Everybody of the postoffice that the map knows: nobody else is ever moved. */
static int pick_all(struct user_command *command, const char *all)
{
    const struct settings_postoffice *postoffice = cli_postoffice(command->cli, all);
    size_t size;
    int status = 0;

    if (postoffice == NULL)
        return CLI_USAGE;
    if (postoffice->door != DOOR_NATIVE)
        return cli_wrong(CLI_USAGE, "%s has the ffapi door: it does not read users' mailbags",
                         postoffice->title);
    size = strlen(postoffice->name);
    for (size_t i = 0; i < map_size(command->map) && status == 0; i++) {
        const char *key = map_at(command->map, i)->key;

        if (strncasecmp(key, postoffice->name, size) == 0 && key[size] == '/' &&
            strlen(key + size + 1) <= 10)
            status = add_pick(command, postoffice, key + size + 1, false);
    }
    return status;
}

/* ---- begin and end ---- */

int user_command_begin(struct user_command *command, char **names, int count, const char *all,
                       const char *usage)
{
    struct error err;
    int status;

    if ((all != NULL) == (count > 0))
        return cli_wrong(CLI_USAGE, "usage: msmailgw %s", usage);
    status = cli_store(command->cli);
    if (status != 0)
        return status;
    if (map_load(&command->map, command->cli->settings->map, NULL, NULL, &err) != 0)
        return cli_fail(&err);
    status = all != NULL ? pick_all(command, all) : 0;
    for (int i = 0; i < count && status == 0; i++)
        status = pick_named(command, names[i]);
    set_mailboxes(command);
    bar_init(&command->bar, "users", command->count);
    return status;
}

int user_command_end(struct user_command *command, int status)
{
    if (command->bar.visible)
        cli_bar_hide(&command->bar);
    user_office_close(&command->office);
    map_free(command->map);
    free(command->picks);
    return status == 0 && command->wrong ? CLI_WRONG : status;
}
