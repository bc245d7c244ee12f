/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdio.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/cmd-calibrate.h"
#include "cli/cmd-survey.h"
#include "postoffice/survey.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct output_column list_columns[] = {
    {"title", "TITLE", 0},       {"name", "NET/PO", 0},       {"door", "DOOR", 0},
    {"path", "PATH", 0},         {"queues", "QUEUES", 0},     {"codepage", "CODEPAGE", 0},
    {"timezone", "TIMEZONE", 0}, {"unmapped", "UNMAPPED", 0}, {"interval", "INTERVAL", 0},
};

static const struct output_column mailbag_columns[] = {
    {"id", "MAILBAG", 0},
    {"type", "TYPE", 0},
    {"name", "NAME", 0},
    {"records", "RECORDS", 0},
    {"live", "LIVE", 0},
    {"fill", "FILL", 0},
    {"oldest", "OLDEST (LOCAL)", 0},
    {"locked", "LOCKED", 0},
    {"problem", "PROBLEM", 0},
};

static int list(struct cli *cli, int argc, char **argv)
{
    int status = cli_flags(cli, &argc, &argv, NULL, 0, 0, 0, "postoffice list");

    if (status != 0)
        return status;
    status = cli_settings(cli);
    if (status != 0)
        return status;
    output_begin(cli->out, OUTPUT_TABLE, "postoffice", NULL, NULL, list_columns,
                 COUNT_OF(list_columns));
    for (size_t i = 0; i < cli->settings->postoffice_count; i++) {
        const struct settings_postoffice *postoffice = &cli->settings->postoffices[i];
        bool native = postoffice->door == DOOR_NATIVE;

        output_text(cli->out, postoffice->title);
        output_text(cli->out, postoffice->name);
        output_text(cli->out, native ? "native" : "ffapi");
        output_text(cli->out, native ? postoffice->path : postoffice->command[0]);
        output_list(cli->out, postoffice->queues, postoffice->queue_count);
        output_text(cli->out, postoffice->codepage);
        output_text(cli->out, postoffice->timezone);
        output_text(cli->out, postoffice->unmapped == UNMAPPED_LEAVE ? "leave" : "report");
        output_duration(cli->out, (int64_t)postoffice->interval_s * 1000);
        output_row_end(cli->out);
    }
    output_end(cli->out);
    return CLI_DONE;
}

/* The postoffice of ARGV[0], which must have the native door; NULL and *STATUS. */
static const struct settings_postoffice *native(struct cli *cli, const char *name, int *status)
{
    const struct settings_postoffice *postoffice;

    *status = cli_settings(cli);
    if (*status != 0)
        return NULL;
    postoffice = cli_postoffice(cli, name);
    *status = CLI_USAGE;
    if (postoffice != NULL && postoffice->door != DOOR_NATIVE) {
        cli_wrong(CLI_USAGE, "%s has the ffapi door: only its own GET program reads its files",
                  postoffice->title);
        return NULL;
    }
    return postoffice;
}

/* Dates of a postoffice are local and without zone: they are shown as they are. */
static void show_local_minutes(struct output *out, int64_t minutes)
{
    time_t seconds = (time_t)(minutes * 60);
    char text[40] = "";
    struct tm date;

    if (minutes >= 0 && gmtime_r(&seconds, &date) != NULL)
        strftime(text, sizeof text, "%Y-%m-%d %H:%M", &date);
    output_text(out, text);
}

struct mailbags {
    struct cli *cli;
    bool problem;
};

static int show_mailbag(void *context, const struct survey_mailbag *mailbag)
{
    struct mailbags *mailbags = context;
    struct output *out = mailbags->cli->out;
    char fill[16];

    snprintf(fill, sizeof fill, "%u%%", (unsigned)(mailbag->live * 100u / MAILBAG_MAX_RECORDS));
    output_text(out, mailbag->id);
    output_text(out, mailbag->kind);
    output_text(out, mailbag->name);
    output_number(out, mailbag->records);
    output_number(out, mailbag->live);
    output_text(out, fill);
    show_local_minutes(out, mailbag->oldest_local_minutes);
    output_flag(out, mailbag->locked);
    output_text(out, mailbag->problem);
    output_row_end(out);
    if (mailbag->problem[0] != '\0')
        mailbags->problem = true;
    return 0;
}

static int mailbags(struct cli *cli, int argc, char **argv)
{
    const struct settings_postoffice *postoffice;
    struct mailbags all = {cli, false};
    struct error err;
    int result, status = cli_flags(cli, &argc, &argv, NULL, 0, 1, 1, "postoffice mailbags PO");

    if (status != 0)
        return status;
    postoffice = native(cli, argv[0], &status);
    if (postoffice == NULL)
        return status;
    output_begin(cli->out, OUTPUT_TABLE, "mailbag", NULL, "no mailbags", mailbag_columns,
                 COUNT_OF(mailbag_columns));
    result = survey_mailbags(postoffice->path, postoffice->profile, show_mailbag, &all, &err);
    output_end(cli->out);
    if (result != 0)
        return cli_fail(&err);
    return all.problem ? CLI_WRONG : CLI_DONE;
}

int cmd_postoffice(struct cli *cli, int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"list", list, "", "the postoffices of the settings"},
        {"check", cmd_survey, "PO|DIR [--profile FILE]",
         "all of its files, and whether relaying is safe, read-only"},
        {"mailbags", mailbags, "PO", "its queues and mailbags, and how full they are"},
        {"calibrate", cmd_calibrate, "PO|DIR [--known-text FILE] [--write PROFILE]",
         "learn its layout and key from what it stores twice, read-only"},
    };

    return cli_dispatch(cli, "postoffice", verbs, COUNT_OF(verbs), argc, argv);
}
