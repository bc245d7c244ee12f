/* SPDX-License-Identifier: BSD-2-Clause */
/* The operator's command: what its parts share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "cli/output.h"
#include "daemon/relaylog.h"
#include "daemon/settings.h"
#include "queue/store.h"

/* Exit status. */
enum {
    CLI_DONE = 0,
    CLI_WRONG = 1,  /* something is wrong with mail, a postoffice, the queue or a server */
    CLI_USAGE = 2,  /* the command line, the settings or the environment */
    CLI_HELPED = 3, /* only inside: the usage was asked for and shown; ends as CLI_DONE */
};

/* One run of the command. What is opened on the way is closed at its end. */
struct cli {
    const char *settings_file;
    bool json;
    struct settings *settings;
    struct store *store;
    struct relaylog *log;
    struct output *out; /* from cli_flags on */
};

/* ARGV[0] is the command's own name. Returns the exit status. */
typedef int cli_command(struct cli *cli, int argc, char **argv);

struct cli_verb {
    const char *name;
    cli_command *run;
    const char *arguments; /* for the usage */
    const char *help;
};

int cli_main(int argc, char **argv);

/* Runs the verb that ARGV[1] names; GROUP ("queue") is for messages. */
int cli_dispatch(struct cli *cli, const char *group, const struct cli_verb *verbs, size_t count,
                 int argc, char **argv);

/* An option of a command: "--NAME" or "--NAME VALUE". */
struct cli_flag {
    const char *name;
    bool takes_value;
    const char *value; /* out: NULL when not given; "" when given without value */
};

/*
 * Reads the options of a command, among them the ones that every command has. *ARGC and *ARGV then
 * hold the other arguments only; fewer than LEAST or more than MOST of them is a usage error, which
 * names USAGE. 0, or the exit status after a message. Makes CLI->out.
 */
int cli_flags(struct cli *cli, int *argc, char ***argv, struct cli_flag *flags, size_t count,
              int least, int most, const char *usage) WARN_UNUSED;

/* Each opens once: 0, or the exit status after a message. */
int cli_settings(struct cli *cli) WARN_UNUSED;
int cli_store(struct cli *cli) WARN_UNUSED; /* and the settings; never makes a queue */
int cli_relaylog(struct cli *cli) WARN_UNUSED;

/* The postoffice that TEXT names by title or NET/PO; NULL after a message. */
const struct settings_postoffice *cli_postoffice(struct cli *cli, const char *text) WARN_UNUSED;

/*
 * The files of a postoffice: a directory when TEXT has a slash and is one, else the postoffice of
 * the settings that it names. *PROFILE (may be NULL) is then that postoffice's when it was NULL.
 * NULL and *STATUS after a message.
 */
const char *cli_postoffice_path(struct cli *cli, const char *text, const char **profile,
                                int *status) WARN_UNUSED;

/* True when the queue's file is there: false before the first start. */
bool cli_store_exists(const struct settings *settings);

/* Says what is wrong on stderr; the exit status for it. */
int cli_fail(const struct error *err);
int cli_wrong(int status, const char *format, ...) PRINTF_LIKE(2, 3); /* returns STATUS */

/* Removes a progress bar from the terminal's line before other text is written. */
struct bar;
void cli_bar_hide(const struct bar *bar);

/* cmd-*.c, one function a command. */
cli_command cmd_check, cmd_status, cmd_postoffice, cmd_map, cmd_drain, cmd_queue, cmd_trace,
    cmd_log, cmd_relay;

#endif
