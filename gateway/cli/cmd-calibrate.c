/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/cmd-calibrate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bar.h"
#include "base/file.h"
#include "postoffice/calibrate.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])
#define KNOWN_LIMIT ((size_t)1024 * 1024)
#define USAGE "postoffice calibrate PO|DIR [--known-text FILE] [--text-to-send FILE] [--write PROFILE]"

static const struct output_column value_columns[] = {
    {"name", "VALUE", 0},       {"value", "LEARNT", 0}, {"agree", "FOR", 0},
    {"disagree", "AGAINST", 0}, {"how", "HOW", 0},
};

static const struct output_column verdict_columns[] = {
    {"verdict", "Verdict", 0},
    {"messages", "Messages read", 0},
    {"key_known", "Key positions", 0},
    {"key_plain", "From plain text", 0},
    {"key_statistics", "From text statistics", 0},
    {"key_withdrawn", "Withdrawn", 0},
    {"wanted", "Would settle the rest", 0},
};

static int show_progress(void *context, uint64_t done, uint64_t total)
{
    struct bar *bar = context;

    bar->total = total;
    bar_update(bar, done);
    return 0;
}

static int read_known(const char *path, uint8_t **text, size_t *size, struct error *err)
{
    int status, fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        error_sys(err, ERROR_SETUP, "", "%s: cannot open the known text", path);
        return -1;
    }
    status = file_read_all(fd, path, KNOWN_LIMIT, text, size, err);
    close(fd);
    return status;
}

/* A directory, or the postoffice of the settings that TEXT names. NULL and *STATUS. */
static const char *find_path(struct cli *cli, const char *text, int *status)
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
    if (postoffice->door == DOOR_NATIVE)
        return postoffice->path;
    cli_wrong(CLI_USAGE, "%s has the ffapi door: name the directory of its files",
              postoffice->title);
    return NULL;
}

static const char *verdict_name(enum profile_verdict verdict)
{
    static const char *const names[] = {
        [PROFILE_INSUFFICIENT] = "insufficient",
        [PROFILE_READABLE] = "readable",
        [PROFILE_PROVEN] = "proven",
    };

    return names[verdict];
}

static void show_values(struct output *out, const struct calibration *calibration)
{
    struct calibrate_value value;

    output_begin(out, OUTPUT_TABLE, "value", NULL, NULL, value_columns, COUNT_OF(value_columns));
    for (size_t i = 0; i < calibrate_values(calibration); i++) {
        calibrate_value(calibration, i, &value);
        output_text(out, value.name);
        output_text(out, value.value);
        output_number(out, value.agree);
        output_number(out, value.disagree);
        output_text(out, value.how);
        output_row_end(out);
    }
    output_end(out);
}

static void show_verdict(struct output *out, const struct calibration *calibration)
{
    const char *wanted[16];
    struct calibrate_key key;
    size_t count = 0;

    while (count < COUNT_OF(wanted) && calibrate_wanted(calibration, count) != NULL) {
        wanted[count] = calibrate_wanted(calibration, count);
        count++;
    }
    calibrate_key(calibration, &key);
    output_begin(out, OUTPUT_RECORD, "verdict", NULL, NULL, verdict_columns,
                 COUNT_OF(verdict_columns));
    output_text(out, verdict_name(calibrate_verdict(calibration)));
    output_number(out, key.messages);
    output_number(out, key.known);
    output_number(out, key.plain);
    output_number(out, key.statistics);
    output_number(out, key.withdrawn);
    output_list(out, wanted, count);
    output_row_end(out);
    output_end(out);
}

/* Beside PATH first, so that a profile in use is never half a one. */
static int write_profile(const struct calibration *calibration, const char *path, struct error *err)
{
    char *name = NULL;
    FILE *stream;
    int status;

    if (asprintf(&name, "%s.new", path) < 0)
        return error_set(err, ERROR_SOFT, "", "out of memory");
    stream = fopen(name, "we");
    if (stream == NULL) {
        error_sys(err, ERROR_SETUP, "", "%s: cannot be made", name);
        free(name);
        return -1;
    }
    status = calibrate_write(calibration, stream, err);
    if (fclose(stream) != 0 && status == 0)
        status = error_sys(err, ERROR_SOFT, "", "%s: cannot be written", name);
    if (status == 0 && rename(name, path) != 0)
        status = error_sys(err, ERROR_SETUP, "", "%s: cannot be written", path);
    if (status != 0)
        unlink(name);
    free(name);
    return status;
}

/* Never over another file: the name may be mistyped. */
static int write_text(const char *path, struct error *err)
{
    char text[CALIBRATE_TEXT_SIZE];
    int status, fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, 0666);

    if (fd < 0) {
        error_sys(err, ERROR_SETUP, "", "%s: cannot be made", path);
        return -1;
    }
    calibrate_text(text);
    status = file_write_all(fd, path, text, sizeof text, err);
    if (close(fd) != 0 && status == 0)
        status = error_sys(err, ERROR_SOFT, "", "%s: cannot be written", path);
    if (status != 0)
        unlink(path);
    return status;
}

static void tell_text(const struct cli *cli, const char *path, const char *postoffice)
{
    if (cli->json)
        return;
    printf("Send the text of %s as one message, as it is, from a user of the postoffice to himself;\n"
           "then: msmailgw postoffice calibrate %s --known-text %s\n",
           path, postoffice, path);
}

static int report(struct cli *cli, const struct calibration *calibration, const char *path)
{
    struct error err;

    show_values(cli->out, calibration);
    show_verdict(cli->out, calibration);
    if (path != NULL && write_profile(calibration, path, &err) != 0)
        return cli_fail(&err);
    return calibrate_verdict(calibration) == PROFILE_INSUFFICIENT ? CLI_WRONG : CLI_DONE;
}

int cmd_calibrate(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {
        {"known-text", true, NULL}, {"write", true, NULL}, {"text-to-send", true, NULL}};
    struct calibrate_options options = {.progress = show_progress};
    struct calibration *calibration = NULL;
    uint8_t *known = NULL;
    struct error err;
    const char *path;
    struct bar bar;
    int status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 1, 1, USAGE);

    if (status != 0)
        return status;
    path = find_path(cli, argv[0], &status);
    if (path == NULL)
        return status;
    if (flags[0].value != NULL &&
        read_known(flags[0].value, &known, &options.known_size, &err) != 0)
        return cli_fail(&err);
    if (flags[2].value != NULL && write_text(flags[2].value, &err) != 0) {
        free(known);
        return cli_fail(&err);
    }
    options.known_text = known;
    options.context = &bar;
    bar_init(&bar, "calibrating", 0);
    status = calibrate_run(path, &options, &calibration, &err);
    cli_bar_hide(&bar);
    free(known);
    if (status != 0)
        return cli_fail(&err);
    status = report(cli, calibration, flags[1].value);
    if (flags[2].value != NULL)
        tell_text(cli, flags[2].value, argv[0]);
    calibrate_free(calibration);
    return status;
}
