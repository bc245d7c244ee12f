/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/cmd-survey.h"

#include <stdio.h>
#include <string.h>

#include "base/bar.h"
#include "postoffice/survey.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define MOST_REASONS 8
#define USAGE "postoffice check PO|DIR [--profile FILE]"

static const struct output_column finding_columns[] = {
    {"severity", "", 7}, {"code", NULL, 0}, {"stops", NULL, 0}, {"file", "", 18}, {"text", "", 0},
};

static const struct output_column verdict_columns[] = {
    {"safe", NULL, 0},   {"because", NULL, 0},  {"reasons", NULL, 0},
    {"faults", NULL, 0}, {"warnings", NULL, 0}, {"notes", NULL, 0},
};

struct findings {
    struct cli *cli;
    struct bar bar;
    unsigned count[4];
    unsigned reasons; /* that stop relaying; the first ones are kept */
    char because[MOST_REASONS][sizeof(struct survey_finding)];
};

static void keep_reason(struct findings *findings, const struct survey_finding *finding)
{
    if (findings->reasons < MOST_REASONS)
        snprintf(findings->because[findings->reasons], sizeof findings->because[0], "%s%s%s",
                 finding->file, finding->file[0] != '\0' ? ": " : "", finding->text);
    findings->reasons++;
}

static int show_finding(void *context, const struct survey_finding *finding)
{
    static const char *const names[] = {"OK", "NOTE", "WARNING", "FAULT"};
    struct findings *findings = context;
    struct output *out = findings->cli->out;

    findings->count[finding->severity]++;
    if (finding->stops)
        keep_reason(findings, finding);
    cli_bar_hide(&findings->bar);
    output_text(out, names[finding->severity]);
    output_text(out, finding->code);
    output_flag(out, finding->stops);
    output_text(out, finding->file);
    output_text(out, finding->text);
    output_row_end(out);
    return 0;
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
    struct findings *findings = context;

    findings->bar.total = total;
    bar_update(&findings->bar, done);
}

static void say_verdict(struct output *out, const char *name, const struct findings *findings)
{
    char more[40] = "";

    output_note(out, "%s: %u faults, %u warnings, %u notes", name, findings->count[SURVEY_FAULT],
                findings->count[SURVEY_WARNING], findings->count[SURVEY_NOTE]);
    if (findings->reasons == 0) {
        output_note(out, "relaying from here is safe");
        return;
    }
    if (findings->reasons > 1)
        snprintf(more, sizeof more, " (and %u reasons more)", findings->reasons - 1);
    output_note(out, "relaying from here is not safe, because %s%s", findings->because[0], more);
}

static void show_verdict(struct output *out, const char *name, const struct findings *findings)
{
    const char *because[MOST_REASONS];
    size_t count = findings->reasons < MOST_REASONS ? findings->reasons : MOST_REASONS;

    for (size_t i = 0; i < count; i++)
        because[i] = findings->because[i];
    if (output_is_json(out)) {
        output_begin(out, OUTPUT_RECORD, "verdict", NULL, NULL, verdict_columns,
                     COUNT_OF(verdict_columns));
        output_flag(out, findings->reasons == 0);
        output_list(out, because, count);
        output_number(out, findings->reasons);
        output_number(out, findings->count[SURVEY_FAULT]);
        output_number(out, findings->count[SURVEY_WARNING]);
        output_number(out, findings->count[SURVEY_NOTE]);
        output_row_end(out);
        output_end(out);
    }
    say_verdict(out, name, findings);
}

int cmd_survey(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {{"profile", true, NULL}};
    struct findings findings = {.cli = cli};
    struct error err;
    const struct settings_postoffice *own;
    const char *path, *profile;
    int worst, status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 1, 1, USAGE);

    if (status != 0)
        return status;
    profile = flags[0].value;
    path = cli_postoffice_path(cli, argv[0], &profile, &status);
    if (path == NULL)
        return status;
    bar_init(&findings.bar, "checking", 0);
    output_begin(cli->out, OUTPUT_LINES, "finding", NULL, NULL, finding_columns,
                 COUNT_OF(finding_columns));
    own = cli->settings != NULL ? settings_find_postoffice(cli->settings, argv[0]) : NULL;
    worst = survey_check(path, profile, own != NULL ? own->codepage : NULL, show_finding,
                         show_progress, &findings, &err);
    cli_bar_hide(&findings.bar);
    output_end(cli->out);
    if (worst < 0)
        return cli_fail(&err);
    show_verdict(cli->out, argv[0], &findings);
    return worst >= SURVEY_WARNING || findings.reasons > 0 ? CLI_WRONG : CLI_DONE;
}
