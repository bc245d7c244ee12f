/* SPDX-License-Identifier: BSD-2-Clause */
/* "map import": a map out of what another program knows. */
#include "config.h"

#include "cli/cmd-map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bar.h"
#include "cli/ldap-people.h"
#include "cli/text.h"
#include "message/address.h"
#include "message/import.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define PAGE 500
#define TIMEOUT_S 60

static const struct output_column columns[] = {
    {"result", "", 4},
    {"where", "WHERE", 8},
    {"text", "", 0},
};

/* Every import has these two, first. */
enum { WRITE, ROUTED, OWN };
#define COMMON_FLAGS                                                                               \
    {"write", true, NULL},                                                                         \
    {                                                                                              \
        "routed", true, NULL                                                                       \
    }

struct job {
    struct cli *cli;
    struct import *import;
    const char *routed[1];
    char source[512]; /* of the comment in the file */
};

static void begin(struct job *job, struct cli *cli, const struct cli_flag *flags)
{
    job->cli = cli;
    job->routed[0] = flags[ROUTED].value;
    job->import = import_new(job->routed, flags[ROUTED].value != NULL);
}

static void note_source(struct job *job, const char *what, const char *from)
{
    time_t now = time(NULL);
    struct tm utc;
    char day[32];

    gmtime_r(&now, &utc);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%SZ", &utc);
    snprintf(job->source, sizeof job->source, "made by msmailgw map import %s from %s at %s", what,
             from, day);
}

static void show_refusals(const struct job *job)
{
    struct output *out = job->cli->out;

    output_begin(out, OUTPUT_LINES, "refused", NULL, NULL, columns, COUNT_OF(columns));
    for (size_t i = 0; i < import_refusals(job->import); i++) {
        const struct import_refusal *refusal = import_refusal_at(job->import, i);

        output_text(out, refusal->benign ? "SKIP" : "FAIL");
        output_text(out, refusal->where);
        output_text(out, refusal->why);
        output_row_end(out);
    }
    output_end(out);
}

static const struct output_column result_columns[] = {
    {"lines", "lines", 0},
    {"refused", "refused", 0},
    {"others", "without an MS Mail address", 0},
    {"file", "file", 0},
};

static void show_result(const struct job *job, const char *path)
{
    struct output *out = job->cli->out;

    if (!output_is_json(out)) {
        output_note(out, "%zu lines, %zu refused, %zu people without an address of MS Mail%s%s",
                    import_lines(job->import), import_refusals(job->import),
                    import_others(job->import), path != NULL ? "; written to " : "",
                    path != NULL ? path : "; not written: --write FILE writes the map");
        return;
    }
    output_begin(out, OUTPUT_LINES, "import", NULL, NULL, result_columns, COUNT_OF(result_columns));
    output_number(out, import_lines(job->import));
    output_number(out, import_refusals(job->import));
    output_number(out, import_others(job->import));
    output_text(out, path);
    output_row_end(out);
    output_end(out);
}

/* RESULT of the reader; frees the import. A failed or an empty one never replaces a map. */
static int finish(struct job *job, int result, const char *path, const struct error *failure)
{
    struct error err;
    char *text = NULL;
    size_t size;
    int status;

    if (result != 0) {
        import_free(job->import);
        return cli_fail(failure);
    }
    show_refusals(job);
    status = import_has_problem(job->import) ? CLI_WRONG : CLI_DONE;
    if (import_lines(job->import) == 0) {
        status = cli_wrong(CLI_WRONG, "nobody was found who moved: nothing is written");
    } else {
        import_text(job->import, job->source, &text, &size);
        if (path != NULL && import_write(path, text, size, &err) != 0)
            status = cli_fail(&err);
        else
            show_result(job, path);
        import_text_free(text);
    }
    import_free(job->import);
    return status;
}

static int from_csv(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {COMMON_FLAGS};
    struct job job;
    struct error err;
    int status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 1, 1,
                           "map import csv [--write FILE] [--routed DOMAIN] EXPORT.CSV");

    if (status != 0)
        return status;
    begin(&job, cli, flags);
    note_source(&job, "csv", argv[0]);
    return finish(&job, import_csv(job.import, argv[0], &err), flags[WRITE].value, &err);
}

static int from_addrmap(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {COMMON_FLAGS};
    struct job job;
    struct error err;
    int status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 1, 1,
                           "map import addrmap [--write FILE] ADDR_MAP.CFG");

    if (status != 0)
        return status;
    begin(&job, cli, flags);
    note_source(&job, "addrmap", argv[0]);
    return finish(&job, import_addrmap(job.import, argv[0], &err), flags[WRITE].value, &err);
}

static int from_wizard(struct cli *cli, int argc, char **argv)
{
    enum { POSTOFFICE = OWN, DOMAIN, JOIN };
    static const char usage[] =
        "map import wizard --postoffice NET/PO (--domain DOMAIN | --join EXPORT.CSV) "
        "[--write FILE] [--routed DOMAIN] USERS.CSV";
    struct cli_flag flags[] = {
        COMMON_FLAGS, {"postoffice", true, NULL}, {"domain", true, NULL}, {"join", true, NULL}};
    struct job job;
    struct error err;
    int status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 1, 1, usage);

    if (status != 0)
        return status;
    if (flags[POSTOFFICE].value == NULL ||
        (flags[DOMAIN].value == NULL) == (flags[JOIN].value == NULL))
        return cli_wrong(CLI_USAGE, "usage: msmailgw %s", usage);
    begin(&job, cli, flags);
    note_source(&job, "wizard", argv[0]);
    return finish(&job,
                  import_wizard(job.import, argv[0], flags[POSTOFFICE].value, flags[DOMAIN].value,
                                flags[JOIN].value, &err),
                  flags[WRITE].value, &err);
}

static void show_progress(void *context, size_t people, size_t total)
{
    struct bar *bar = context;

    bar->total = total;
    bar_update(bar, people);
}

static int number_of(const char *text, unsigned fallback, unsigned most, unsigned *out)
{
    uint64_t number = fallback;

    if (text != NULL && (text_parse_number(text, &number) != 0 || number > most))
        return -1;
    *out = (unsigned)number;
    return 0;
}

static int run_ldap(struct cli *cli, const struct cli_flag *flags, const struct ldap_source *source)
{
    struct job job;
    struct bar bar;
    struct error err;
    int result;

    begin(&job, cli, flags);
    note_source(&job, "ldap", source->server);
    bar_init(&bar, "people", 0);
    bar_update(&bar, 0);
    result = ldap_people(job.import, source, show_progress, &bar, &err);
    cli_bar_hide(&bar);
    return finish(&job, result, flags[WRITE].value, &err);
}

static int from_ldap(struct cli *cli, int argc, char **argv)
{
    enum { SERVER = OWN, BASE, USER, PASSWORD, CA, STARTTLS, PAGE_SIZE, TIMEOUT };
    static const char usage[] =
        "map import ldap --server URI --base DN [--user DN --password-file FILE] "
        "[--ca-file FILE] [--starttls] [--page N] [--timeout SECONDS] [--write FILE] "
        "[--routed DOMAIN] [NET/PO ...]";
    struct cli_flag flags[] = {COMMON_FLAGS,
                               {"server", true, NULL},
                               {"base", true, NULL},
                               {"user", true, NULL},
                               {"password-file", true, NULL},
                               {"ca-file", true, NULL},
                               {"starttls", false, NULL},
                               {"page", true, NULL},
                               {"timeout", true, NULL}};
    struct ldap_source source = {.server = NULL};
    int status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 0, 1000, usage);

    if (status != 0)
        return status;
    source.server = flags[SERVER].value;
    source.base = flags[BASE].value;
    source.user = flags[USER].value;
    source.password_file = flags[PASSWORD].value;
    source.ca_file = flags[CA].value;
    source.starttls = flags[STARTTLS].value != NULL;
    source.postoffices = (const char *const *)argv;
    source.postoffice_count = (size_t)argc;
    if (source.server == NULL || source.base == NULL ||
        (source.user == NULL) != (source.password_file == NULL) ||
        number_of(flags[PAGE_SIZE].value, PAGE, 10000, &source.page) != 0 ||
        number_of(flags[TIMEOUT].value, TIMEOUT_S, 3600, &source.timeout_s) != 0)
        return cli_wrong(CLI_USAGE, "usage: msmailgw %s", usage);
    return run_ldap(cli, flags, &source);
}

int map_import(struct cli *cli, int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"csv", from_csv, "EXPORT.CSV", "a directory export of Exchange 5.5"},
        {"wizard", from_wizard, "USERS.CSV", "a user list of the Migration Wizard"},
        {"ldap", from_ldap, "[NET/PO ...]", "an Active Directory"},
        {"addrmap", from_addrmap, "ADDR_MAP.CFG", "the domains of the old SMTP gateway"},
    };

    return cli_dispatch(cli, "map import", verbs, COUNT_OF(verbs), argc, argv);
}
