/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bar.h"
#include "base/log.h"
#include "cli/text.h"

#ifndef SYSCONFDIR
#error "SYSCONFDIR must be given by the build"
#endif
#define DEFAULT_SETTINGS SYSCONFDIR "/msmailgw/msmailgw.conf"
#define FLAGS_MAX 16
#define STORE_SCHEME "sqlite:"

static const struct cli_verb commands[] = {
    {"check", cmd_check, "", "settings, map, postoffices, spool and relay: one line a finding"},
    {"status", cmd_status, "[--remains]", "processes, postoffices, queue, alarms"},
    {"postoffice", cmd_postoffice,
     "list | check PO|DIR | mailbags PO | calibrate PO|DIR | ack-rewind PO",
     "look into a postoffice"},
    {"map", cmd_map, "check | show [KEY] | import csv|wizard|ldap|addrmap", "the address map"},
    {"user", cmd_user, "list | baseline | activate | drain | close",
     "whose mailbags are swept, and how far each is"},
    {"can-delete", cmd_can_delete, "NET/PO/USER", "whether anything would be lost with a mailbox"},
    {"drain", cmd_drain, "[--postoffice TITLE] [--dry-run]", "take and relay what waits, once"},
    {"queue", cmd_queue, "list | show | export | hold | release | retry | return | delete",
     "look at the queue and change it"},
    {"trace", cmd_trace, "ID | MESSAGE-ID | MAI", "all that is known about one message"},
    {"log", cmd_log, "[--follow] [--since TIME]", "the relay log"},
    {"relay", cmd_relay, "test", "connect, TLS and AUTH, without sending mail"},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

/* ---- messages ---- */

int cli_wrong(int status, const char *format, ...)
{
    char *text = NULL, *harmless = NULL;
    va_list args;
    int size;

    va_start(args, format);
    size = vasprintf(&text, format, args);
    va_end(args);
    if (size >= 0)
        harmless = text_harmless(text);
    fprintf(stderr, "msmailgw: %s\n", harmless != NULL ? harmless : "out of memory");
    free(harmless);
    if (size >= 0)
        free(text);
    return status;
}

int cli_fail(const struct error *err)
{
    return cli_wrong(err->class == ERROR_SETUP ? CLI_USAGE : CLI_WRONG, "%s", err->text);
}

void cli_bar_hide(const struct bar *bar)
{
    if (bar->visible)
        fputs("\r\033[K", stderr);
}

static void print_usage(FILE *stream)
{
    fputs("usage: msmailgw [-c FILE] [--json] COMMAND ...\n\n", stream);
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(stream, "  %-11s %s\n              %s\n", commands[i].name, commands[i].arguments,
                commands[i].help);
    fprintf(stream,
            "\n  -c, --config FILE   settings; default %s\n"
            "  --json              one JSON object a line\n"
            "  --help, --version\n\n"
            "Exit status: 0 done, 1 something is wrong, 2 usage or settings. See msmailgw(1).\n",
            DEFAULT_SETTINGS);
}

/* ---- options ---- */

enum { OPTION_CONFIG = 'c', OPTION_HELP = 'h', OPTION_JSON = 'j', OPTION_VERSION = 'V' };

/* 0: go on; 1: *STATUS is the exit status. */
static int common_option(struct cli *cli, int option, int *status)
{
    switch (option) {
    case OPTION_CONFIG:
        cli->settings_file = optarg;
        return 0;
    case OPTION_JSON:
        cli->json = true;
        return 0;
    case OPTION_HELP:
        print_usage(stdout);
        *status = CLI_HELPED;
        return 1;
    case OPTION_VERSION:
        printf("msmailgw %s\n", PACKAGE_VERSION);
        *status = CLI_HELPED;
        return 1;
    default:
        *status = CLI_USAGE; /* getopt_long has said what is wrong */
        return 1;
    }
}

static size_t add_common_options(struct option *options, size_t at)
{
    options[at++] = (struct option){"config", required_argument, NULL, OPTION_CONFIG};
    options[at++] = (struct option){"json", no_argument, NULL, OPTION_JSON};
    options[at++] = (struct option){"help", no_argument, NULL, OPTION_HELP};
    options[at++] = (struct option){"version", no_argument, NULL, OPTION_VERSION};
    memset(&options[at], 0, sizeof options[at]);
    return at;
}

static int parse_flags(struct cli *cli, int argc, char **argv, struct cli_flag *flags, size_t count,
                       int *status)
{
    struct option options[FLAGS_MAX + 5];
    size_t used = 0;
    int option;

    for (; used < count && used < FLAGS_MAX; used++)
        options[used] = (struct option){flags[used].name,
                                        flags[used].takes_value ? required_argument : no_argument,
                                        NULL, 256 + (int)used};
    add_common_options(options, used);
    optind = 0; /* glibc: begin anew */
    while ((option = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        if (option >= 256)
            flags[option - 256].value = optarg != NULL ? optarg : "";
        else if (common_option(cli, option, status) != 0)
            return -1;
    }
    return 0;
}

int cli_flags(struct cli *cli, int *argc, char ***argv, struct cli_flag *flags, size_t count,
              int least, int most, const char *usage)
{
    int status = CLI_USAGE;

    if (parse_flags(cli, *argc, *argv, flags, count, &status) != 0)
        return status;
    *argc -= optind;
    *argv += optind;
    if (*argc < least || *argc > most)
        return cli_wrong(CLI_USAGE, "usage: msmailgw %s", usage);
    cli->out = output_new(stdout, cli->json);
    return cli->out != NULL ? 0 : cli_wrong(CLI_WRONG, "out of memory");
}

/* ---- what commands open ---- */

int cli_settings(struct cli *cli)
{
    struct error err;

    if (cli->settings != NULL)
        return 0;
    if (settings_load(&cli->settings, cli->settings_file, &err) != 0)
        return cli_fail(&err);
    log_set_level(cli->settings->log_level == LOG_LEVEL_DEBUG ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN);
    return 0;
}

int cli_store(struct cli *cli)
{
    struct error err;
    int status = cli_settings(cli);

    if (status != 0 || cli->store != NULL)
        return status;
    if (store_open(&cli->store, cli->settings->store, false, &err) != 0)
        return cli_fail(&err);
    return 0;
}

int cli_relaylog(struct cli *cli)
{
    struct error err;
    int status = cli_settings(cli);

    if (status != 0 || cli->log != NULL)
        return status;
    if (relaylog_open(&cli->log, cli->settings->log, relaylog_journal_runs(), &err) != 0)
        return cli_fail(&err);
    return 0;
}

bool cli_store_exists(const struct settings *settings)
{
    /* One that we may not look at is there as far as we know: opening it tells what is wrong. */
    return access(settings->store + sizeof STORE_SCHEME - 1, F_OK) == 0 || errno != ENOENT;
}

const struct settings_postoffice *cli_postoffice(struct cli *cli, const char *text)
{
    const struct settings_postoffice *found = settings_find_postoffice(cli->settings, text);

    if (found == NULL)
        cli_wrong(CLI_USAGE, "%s has no postoffice %s: see \"msmailgw postoffice list\"",
                  cli->settings->file, text);
    return found;
}

const char *cli_postoffice_path(struct cli *cli, const char *text, const char **profile,
                                int *status)
{
    const struct settings_postoffice *postoffice;
    struct stat st;

    if (strchr(text, '/') != NULL && stat(text, &st) == 0 && S_ISDIR(st.st_mode))
        return text;
    *status = cli_settings(cli);
    if (*status != 0)
        return NULL;
    postoffice = cli_postoffice(cli, text);
    *status = CLI_USAGE;
    if (postoffice == NULL)
        return NULL;
    if (postoffice->door != DOOR_NATIVE) {
        cli_wrong(CLI_USAGE, "%s has the ffapi door: name the directory of its files",
                  postoffice->title);
        return NULL;
    }
    if (profile != NULL && *profile == NULL)
        *profile = postoffice->profile;
    return postoffice->path;
}

/* ---- dispatch ---- */

static int unknown(const char *group, const char *name, const struct cli_verb *verbs, size_t count)
{
    if (name != NULL && strcmp(name, "--help") == 0) {
        print_usage(stdout);
        return CLI_HELPED;
    }
    fprintf(stderr, "msmailgw: %s%s", group, group[0] != '\0' ? ": " : "");
    if (name != NULL) {
        char *harmless = text_harmless(name);

        fprintf(stderr, "unknown command \"%s\"; ", harmless != NULL ? harmless : "?");
        free(harmless);
    }
    fputs("there are:", stderr);
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, " %s", verbs[i].name);
    fputc('\n', stderr);
    return CLI_USAGE;
}

int cli_dispatch(struct cli *cli, const char *group, const struct cli_verb *verbs, size_t count,
                 int argc, char **argv)
{
    for (size_t i = 0; i < count && argc > 1; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(cli, argc - 1, argv + 1);
    }
    return unknown(group, argc > 1 ? argv[1] : NULL, verbs, count);
}

static int finish(struct cli *cli, int status)
{
    if (output_free(cli->out) != 0)
        status = cli_wrong(CLI_WRONG, "the output could not be written");
    relaylog_free(cli->log);
    store_close(cli->store);
    settings_free(cli->settings);
    return status == CLI_HELPED ? CLI_DONE : status;
}

int cli_main(int argc, char **argv)
{
    struct cli cli = {.settings_file = DEFAULT_SETTINGS};
    struct option options[5];
    int option, status;

    text_initialize();
    log_set_level(LOG_LEVEL_WARN);
    add_common_options(options, 0);
    while ((option = getopt_long(argc, argv, "+c:", options, NULL)) != -1) {
        if (common_option(&cli, option, &status) != 0)
            return finish(&cli, status);
    }
    if (optind >= argc) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    /* The dispatch looks at the word after the one it is given. */
    status = cli_dispatch(&cli, "", commands, COMMANDS, argc - optind + 1, argv + optind - 1);
    return finish(&cli, status);
}
