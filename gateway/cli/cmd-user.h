/* SPDX-License-Identifier: BSD-2-Clause */
/* The commands for users who are being moved: what they share. Included only by cmd-user*.c. */
#ifndef CLI_CMD_USER_H
#define CLI_CMD_USER_H

#include "base/bar.h"
#include "cli/cli.h"
#include "message/map.h"
#include "message/message.h"
#include "postoffice/access2.h"
#include "queue/cutover.h"

#define USER_NAME_SIZE 36 /* "NET/PO/USER", 10 characters each (Q116466) */

/* One user that a command is about. */
struct user_pick {
    const struct settings_postoffice *postoffice; /* whose native door reads his mailbag */
    char name[USER_NAME_SIZE];                    /* "NET/PO/USER" */
    const char *mailbox;                          /* its last part */
    bool named;                                   /* on the command line: not one of --all */
};

/* The row of a user, copied. */
struct user_row {
    bool found;
    char mailbox[16]; /* as it is written there */
    char mailbag[16];
    enum user_state state;
    int64_t since_ms, baseline_ms;
    uint64_t baseline_items;
    char fault[ERROR_TEXT_SIZE];
};

/* A postoffice opened for looking; nothing in it is ever changed. */
struct user_office {
    const struct settings_postoffice *postoffice; /* NULL: none is open */
    struct root *root;
    struct profile *profile;
    struct access2 *access2;
};

struct user_command {
    struct cli *cli;
    struct map *map;
    struct user_office office;
    struct user_pick *picks;
    size_t count;
    size_t skipped, absent; /* of --all: whom the command does not concern; who has no mailbox */
    struct bar bar;
    bool wrong;
};

/* ---- cmd-user-pick.c ---- */

/* Settings, store and map; then the users that NAMES (COUNT of "NET/PO/USER") or ALL (a postoffice,
 * or NULL) mean. With ALL those of the map, in any state there. 0, or the exit status after a
 * message. user_command_end must follow in any case. */
int user_command_begin(struct user_command *command, char **names, int count, const char *all,
                       const char *usage) WARN_UNUSED;
/* The exit status of the whole. */
int user_command_end(struct user_command *command, int status);

/* Tells what hinders PICK, and remembers that something was wrong. */
void user_refuse(struct user_command *command, const struct user_pick *pick, const char *format,
                 ...) PRINTF_LIKE(3, 4);

/* One line in the relay log, which cli_relaylog has opened. REASON may be "". */
void user_log(const struct user_command *command, const struct user_pick *pick, const char *event,
              const char *mailbag, const char *reason);

/* The line of the map for PICK, or NULL. */
const struct map_entry *user_mapped(const struct user_command *command,
                                    const struct user_pick *pick);

/* True after a message when the mailbox can never be moved, or not without a line in the map. */
bool user_is_special(struct user_command *command, const struct user_pick *pick);

/* Removes the alarm about the user whose row has MAILBOX: nobody else does once he is not swept. */
int user_drop_alarm(struct store *store, const struct user_pick *pick, const char *mailbox,
                    struct error *err) WARN_UNUSED;

int user_row_get(struct store *store, const struct user_pick *pick, struct user_row *out,
                 struct error *err) WARN_UNUSED;

/* ---- cmd-user-mailbag.c ---- */

/* Opens the postoffice of PICK unless it is open. ERROR_DATA when its tables of users do not agree
 * (Q168736), ERROR_SETUP as the profile. */
int user_office_open(struct user_office *office, const struct user_pick *pick,
                     struct error *err) WARN_UNUSED;
void user_office_close(struct user_office *office);

/* Who PICK is in ACCESS2. ERROR_DATA: not there (err->sys is ENOENT), or not there alone. */
int user_identify(const struct user_office *office, const struct user_pick *pick,
                  const struct access2_user **out, struct error *err) WARN_UNUSED;

struct user_item {
    uint8_t header[STORE_HEADER_DIGEST];
    char fingerprint[FINGERPRINT_HEX_SIZE]; /* "" when the message cannot be read */
    char mai[9];
    uint32_t record;
    char problem[ERROR_TEXT_SIZE]; /* why not */
};

struct user_mailbag {
    struct user_item *items; /* live ones, but for those that KNOWN has */
    size_t count, unreadable;
    size_t known; /* live items that KNOWN has */
    uint32_t live, records;
};

/* 1: the item with this header need not be read, 0, or -1. */
typedef int user_header_known(void *context, const uint8_t *header, struct error *err);

/* Reads MAILBAG ("0000002E") of PICK, and changes nothing. KNOWN may be NULL. OUT: the caller's
 * (user_mailbag_clear) also when it fails. */
int user_mailbag_read(const struct settings *settings, const struct user_pick *pick,
                      const char *mailbag, user_header_known *known, void *context,
                      struct user_mailbag *out, struct error *err) WARN_UNUSED;
void user_mailbag_clear(struct user_mailbag *mailbag);

/* Makes the next sweep look into MAILBAG even if its files do not change; inside a transaction. */
int user_look_again(struct store *store, const struct settings *settings,
                    const struct user_pick *pick, const char *mailbag,
                    struct error *err) WARN_UNUSED;

/* ---- cmd-user-delete.c ---- */

/* Called for each thing that stands against the deletion of a mailbox. */
typedef void user_reason(void *context, const char *reason, const char *remedy);

struct user_verdict {
    unsigned reasons;
    bool gone;               /* the postoffice does not have the mailbox any more */
    char mailbag[9];         /* as ACCESS2 has it now, or "" */
    uint64_t baseline_items; /* that still lie there: migrated */
    struct store_user_counts counts;
};
int user_judge(struct user_command *command, const struct user_pick *pick,
               const struct user_row *row, user_reason *told, void *context,
               struct user_verdict *out, struct error *err) WARN_UNUSED;

/* ---- the commands ---- */

cli_command cmd_user_baseline, cmd_user_activate, cmd_user_drain, cmd_user_close;

#endif
