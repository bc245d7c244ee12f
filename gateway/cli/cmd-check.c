/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/bar.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/probe.h"
#include "cli/text.h"
#include "daemon/doors.h"
#include "daemon/resolve.h"
#include "message/map.h"
#include "postoffice/profile.h"
#include "postoffice/survey.h"

#define LEAST_FREE (UINT64_C(500) * 1024 * 1024)

enum result { RESULT_OK, RESULT_WARN, RESULT_FAIL };

static const struct output_column columns[] = {
    {"result", "", 4},
    {"subject", "", 14},
    {"text", "", 0},
};

struct check {
    struct cli *cli;
    const struct settings *settings;
    const char *subject;
    struct bar bar;
    unsigned count[3];
    bool map_problem;
};

static void finding(struct check *check, enum result result, const char *format, ...)
    PRINTF_LIKE(3, 4);

static void finding(struct check *check, enum result result, const char *format, ...)
{
    static const char *const names[] = {"OK", "WARN", "FAIL"};
    char *text = NULL;
    va_list args;
    int size;

    va_start(args, format);
    size = vasprintf(&text, format, args);
    va_end(args);
    check->count[result]++;
    cli_bar_hide(&check->bar);
    output_text(check->cli->out, names[result]);
    output_text(check->cli->out, check->subject);
    output_text(check->cli->out, size >= 0 ? text : "out of memory");
    output_row_end(check->cli->out);
    if (size >= 0)
        free(text);
}

/* ---- settings and map ---- */

static void check_settings(struct check *check)
{
    const struct settings_relay *relay = &check->settings->relay;

    check->subject = "settings";
    finding(check, RESULT_OK, "%s: postoffices: %zu, relay hosts: %zu", check->settings->file,
            check->settings->postoffice_count, relay->host_count);
    if (relay->tls == SMTP_TLS_NONE)
        finding(check, RESULT_WARN, "tls = none: mail crosses the network in clear text");
    if (relay->user == NULL)
        finding(check, RESULT_WARN, "no user: the relay must know this machine by other means");
    if (check->settings->report_to_postmaster)
        finding(check, RESULT_OK,
                "report-to = postmaster: no originator hears of failure or delay");
}

static void check_secret(struct check *check)
{
    const char *path = check->settings->relay.password_file;
    char *secret = NULL;
    struct error err;

    if (path == NULL)
        return;
    check->subject = "password";
    if (secret_read(path, &secret, &err) == 0)
        finding(check, RESULT_OK, "%s: readable by its owner only", path);
    else
        finding(check, RESULT_FAIL, "%s", err.text);
    secret_free(secret);
}

static void map_problem_found(void *context, unsigned line, const char *text)
{
    struct check *check = context;

    check->map_problem = true;
    finding(check, RESULT_FAIL, "%s:%u: %s", check->settings->map, line, text);
}

static struct map *check_map(struct check *check)
{
    struct map *map = NULL;
    struct error err;
    size_t active = 0;

    check->subject = "map";
    if (map_load(&map, check->settings->map, map_problem_found, check, &err) != 0) {
        if (!check->map_problem)
            finding(check, RESULT_FAIL, "%s", err.text);
        return NULL;
    }
    for (size_t i = 0; i < map_size(map); i++)
        active += map_at(map, i)->active;
    finding(check, active > 0 ? RESULT_OK : RESULT_WARN, "%s: %zu users, %zu active, %zu pending",
            check->settings->map, map_size(map), active, map_size(map) - active);
    return map;
}

/* Reports are from him and, when nobody else can have them, for him: a mailbox that is not there
 * would make every failure a report that is held (Q175447). */
static void check_postmaster(struct check *check, const struct map *map)
{
    const char *postmaster = check->settings->postmaster;

    check->subject = "postmaster";
    if (resolve_comes_back(check->settings, postmaster)) {
        finding(check, RESULT_FAIL,
                "the postmaster %s is routed to MS Mail: reports would come back; name a mailbox "
                "of the mail server",
                postmaster);
        return;
    }
    for (size_t i = 0; map != NULL && i < map_size(map); i++) {
        const struct map_entry *entry = map_at(map, i);

        if (entry->active && strcasecmp(entry->smtp, postmaster) == 0) {
            finding(check, RESULT_OK, "the postmaster %s has a line of the map", postmaster);
            return;
        }
    }
    finding(check, RESULT_WARN,
            "the postmaster %s has no line of the map: see that the mailbox is there, and add a "
            "line for NET/PO/POSTMASTER",
            postmaster);
}

/* ---- postoffices ---- */

static int survey_finding(void *context, const struct survey_finding *found)
{
    static const enum result results[] = {RESULT_OK, RESULT_OK, RESULT_WARN, RESULT_FAIL};

    finding(context, results[found->severity], "%s%s%s", found->file,
            found->file[0] != '\0' ? ": " : "", found->text);
    return 0;
}

static void survey_moved(void *context, uint64_t done, uint64_t total)
{
    struct check *check = context;

    check->bar.total = total;
    bar_update(&check->bar, done);
}

static void check_profile(struct check *check, const char *path)
{
    struct profile *profile = NULL;
    struct error err;

    if (profile_load(&profile, path, &err) != 0)
        finding(check, RESULT_FAIL, "%s", err.text);
    else if (profile->verdict == PROFILE_INSUFFICIENT)
        finding(check, RESULT_WARN, "profile %s: its layout was not proven on this postoffice",
                path);
    else
        finding(check, RESULT_OK, "profile %s", path);
    profile_free(profile);
}

/* A round without locks: every queue is resolved to its mailbag, whose KEY and MBG are read. */
static void check_door(struct check *check, const struct settings_postoffice *postoffice,
                       const struct map *map)
{
    struct intake intake = {.settings = check->settings, .map = map, .read_only = true};
    struct door *door = NULL;
    struct error err;
    size_t failed = 0;
    int status;

    if (doors_open(&door, &intake, postoffice, NULL, &err) != 0) {
        finding(check, RESULT_FAIL, "%s", err.text);
        return;
    }
    while ((status = door_begin(door, MAILBAG_MAX_RECORDS, &err)) != 0) {
        if (status > 0) {
            door_abandon(door);
            continue;
        }
        finding(check, RESULT_FAIL, "%s", err.text);
        failed++;
    }
    if (failed == 0 && postoffice->queue_count == 0)
        finding(check, RESULT_OK, "%s: no queues: mailbags of users only", postoffice->name);
    else if (failed == 0)
        finding(check, RESULT_OK, "%s: %zu queues found", postoffice->name,
                postoffice->queue_count);
    door_free(door);
}

static void check_native(struct check *check, const struct settings_postoffice *postoffice,
                         const struct map *map)
{
    struct error err;

    check_profile(check, postoffice->profile);
    check_door(check, postoffice, map);
    bar_init(&check->bar, postoffice->title, 0);
    if (survey_check(postoffice->path, postoffice->profile, postoffice->codepage, survey_finding,
                     survey_moved, check, &err) < 0)
        finding(check, RESULT_FAIL, "%s", err.text);
    cli_bar_hide(&check->bar);
    check->bar.visible = false;
}

/* Settings by which something of a message is not relayed, or that do nothing. */
static void check_choices(struct check *check, const struct settings_postoffice *postoffice)
{
    if (postoffice->system_mail == SYSTEM_REMOVE)
        finding(check, RESULT_OK, "system-mail = remove: mail of programs is removed, not relayed");
    if (postoffice->tnef == LETTER_TNEF_DROP)
        finding(check, RESULT_WARN, "tnef = drop: what is only in a WINMAIL.DAT is not sent");
    if (postoffice->ole == LETTER_OLE_TEXT)
        finding(check, RESULT_WARN, "ole = text: OLE objects are not sent");
    if (postoffice->receipt_as_dsn && check->settings->envelope_sender != NULL)
        finding(check, RESULT_WARN, "receipt-as-dsn has no effect with envelope-sender");
}

static void check_postoffices(struct check *check, const struct map *map)
{
    for (size_t i = 0; i < check->settings->postoffice_count; i++) {
        const struct settings_postoffice *postoffice = &check->settings->postoffices[i];

        check->subject = postoffice->title;
        check_choices(check, postoffice);
        if (postoffice->door == DOOR_NATIVE)
            check_native(check, postoffice, map);
        else if (access(postoffice->command[0], X_OK) == 0)
            finding(check, RESULT_OK, "%s can be run; it is not, because it would take mail out",
                    postoffice->command[0]);
        else
            finding(check, RESULT_FAIL, "cannot run %s: %s", postoffice->command[0],
                    strerror(errno));
    }
}

/* ---- spool and log ---- */

static void check_space(struct check *check, const char *path)
{
    struct statvfs space;
    uint64_t available;
    char text[24];

    if (statvfs(path, &space) != 0) {
        finding(check, RESULT_FAIL, "%s: %s", path, strerror(errno));
        return;
    }
    available = (uint64_t)space.f_bavail * space.f_frsize;
    finding(check, available < LEAST_FREE ? RESULT_WARN : RESULT_OK, "%s: %s free", path,
            text_size(available, text));
}

/* The directory of PATH, with its last '/'; the caller's. */
static char *directory_of(const char *path)
{
    char *directory = strdup(path), *slash = directory != NULL ? strrchr(directory, '/') : NULL;

    if (slash != NULL)
        slash[1] = '\0';
    return directory;
}

/* Who starts first makes what is missing, if the directory around it lets them. */
static void check_missing(struct check *check, const char *path, const char *when)
{
    char *directory = directory_of(path);

    if (directory != NULL && access(directory, W_OK | X_OK) == 0)
        finding(check, RESULT_OK, "%s is made at the first %s", path, when);
    else
        finding(check, RESULT_FAIL, "%s is not there and cannot be made: %s", path,
                strerror(errno));
    free(directory);
}

static void check_store(struct check *check)
{
    struct error err;

    if (!cli_store_exists(check->settings)) {
        finding(check, RESULT_OK, "no queue yet: it is made at the first start");
        return;
    }
    if (store_open(&check->cli->store, check->settings->store, false, &err) != 0 ||
        store_verify(check->cli->store, &err) != 0)
        finding(check, RESULT_FAIL, "%s", err.text);
    else
        finding(check, RESULT_OK, "the queue is sound");
}

static void check_spool(struct check *check)
{
    const char *path = check->settings->spool;
    struct stat info;

    check->subject = "spool";
    if (stat(path, &info) != 0) {
        check_missing(check, path, "start");
        return;
    }
    if (!S_ISDIR(info.st_mode))
        finding(check, RESULT_FAIL, "%s is not a directory", path);
    else if ((info.st_mode & 077) != 0)
        finding(check, RESULT_FAIL, "%s is open to others (mode %03o): chmod 700", path,
                (unsigned)(info.st_mode & 0777));
    else if (info.st_uid != geteuid())
        finding(check, RESULT_OK,
                "%s belongs to the user with number %u: \"drain\" must be run by it", path,
                (unsigned)info.st_uid);
    else
        finding(check, RESULT_OK, "%s is ours", path);
    check_space(check, path);
    check_store(check);
}

static void check_log(struct check *check)
{
    const char *path = check->settings->log;

    check->subject = "log";
    if (path == NULL)
        finding(check, RESULT_OK, "relay log in the journal only");
    else if (access(path, F_OK) != 0)
        check_missing(check, path, "event");
    else if (access(path, W_OK) == 0)
        finding(check, RESULT_OK, "%s", path);
    else
        finding(check, RESULT_FAIL, "%s cannot be written: %s", path, strerror(errno));
}

/* ---- relay ---- */

static void host_seen(void *context, const struct relay_probe *probe)
{
    char text[SMTP_TEXT_SIZE + 64];

    finding(context, probe->ready ? RESULT_OK : RESULT_FAIL, "%s: %s", probe->host,
            probe_text(probe, text, sizeof text));
}

static void check_relay(struct check *check)
{
    struct error err;

    check->subject = "relay";
    if (relay_probe_hosts(check->settings, host_seen, check, &err) < 0)
        finding(check, RESULT_FAIL, "%s", err.text);
}

/* ---- all ---- */

static void check_all(struct check *check)
{
    struct map *map;

    check_settings(check);
    check_secret(check);
    map = check_map(check);
    check_postmaster(check, map);
    check_spool(check);
    check_log(check);
    check_postoffices(check, map);
    check_relay(check);
    map_free(map);
}

int cmd_check(struct cli *cli, int argc, char **argv)
{
    struct check check = {.cli = cli, .subject = "settings"};
    struct error err;
    int status = cli_flags(cli, &argc, &argv, NULL, 0, 0, 0, "check");

    if (status != 0)
        return status;
    output_begin(cli->out, OUTPUT_LINES, "finding", NULL, NULL, columns,
                 sizeof columns / sizeof columns[0]);
    if (settings_load(&cli->settings, cli->settings_file, &err) == 0) {
        check.settings = cli->settings;
        check_all(&check);
        status = check.count[RESULT_FAIL] > 0 ? CLI_WRONG : CLI_DONE;
    } else {
        finding(&check, RESULT_FAIL, "%s", err.text);
        status = CLI_USAGE;
    }
    output_end(cli->out);
    output_note(cli->out, "%u OK, %u WARN, %u FAIL", check.count[RESULT_OK],
                check.count[RESULT_WARN], check.count[RESULT_FAIL]);
    return status;
}
