/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/bar.h"
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/drain-backup.h"
#include "cli/drain-maildir.h"
#include "daemon/intake.h"
#include "daemon/relay.h"
#include "daemon/spool.h"
#include "daemon/stop.h"
#include "message/map.h"
#include "message/mime.h"

#define SCRATCH "/tmp/msmailgw-dry-run.XXXXXX"

static const struct output_column columns[] = {
    {"dry_run", NULL, 0},  {"relayed", NULL, 0},         {"left", NULL, 0},
    {"waiting", NULL, 0},  {"failed", NULL, 0},          {"held", NULL, 0},
    {"damaged", NULL, 0},  {"taken", NULL, 0},           {"known", NULL, 0},
    {"removed", NULL, 0},  {"sent_recipients", NULL, 0}, {"interrupted", NULL, 0},
    {"mailbags", NULL, 0}, {"baseline", NULL, 0},        {"collected", NULL, 0},
    {"vanished", NULL, 0}, {"read_only", NULL, 0},
};

struct drain {
    struct cli *cli;
    const struct settings_postoffice *only; /* NULL: all */
    bool dry_run;
    bool read_only; /* a backup */
    struct drain_backup backup;
    const char **users; /* of the command line; borrowed strings */
    size_t user_count;
    bool trouble; /* a postoffice or the relay could not do its work; it was told */
    int locks[3];
    char scratch[64]; /* directory of a dry run before the first start, or "" */
    char scratch_uri[96];
    struct map *map;
    struct bar bar;
    int64_t began_ms;
    struct intake_counts intake;
    struct relay_counts relay;
    /* Messages with mail to relay, once the intake is done. */
    uint64_t *open;
    size_t open_count, open_room;
    bool short_of_memory;
    uint64_t relayed, waiting, failed, held; /* messages */
    uint64_t last; /* message counted last: recipients of a message follow each other */
};

/* ---- what is needed ---- */

static int take_locks(struct drain *drain, struct error *err)
{
    static const char *const roles[] = {"msmailgwd", "intake", "relay"};

    if (spool_prepare(drain->cli->settings, err) != 0)
        return -1;
    for (size_t i = 0; i < 3; i++) {
        drain->locks[i] = spool_lock(drain->cli->settings, roles[i], err);
        if (drain->locks[i] < 0)
            return error_prefix(err, "drain needs the spool for itself");
    }
    return 0;
}

/* A dry run makes nothing in the spool. Before the first start there is neither a journal to ask
 * nor a place for temporary files: both are made elsewhere and removed at the end. */
static int make_scratch(struct drain *drain, struct error *err)
{
    struct cli *cli = drain->cli;

    memcpy(drain->scratch, SCRATCH, sizeof SCRATCH);
    if (mkdtemp(drain->scratch) == NULL) {
        drain->scratch[0] = '\0';
        return error_sys(err, ERROR_SETUP, "", "cannot make a directory " SCRATCH);
    }
    cli->settings->temporary = drain->scratch;
    snprintf(drain->scratch_uri, sizeof drain->scratch_uri, "sqlite:%s/queue.db", drain->scratch);
    return store_open(&cli->store, drain->scratch_uri, true, err);
}

static void remove_scratch(const char *directory)
{
    static const char *const files[] = {"queue.db", "queue.db-wal", "queue.db-shm"};
    char path[128];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            cli_wrong(CLI_WRONG, "cannot remove %s: %s", path, strerror(errno));
    }
    if (rmdir(directory) != 0)
        cli_wrong(CLI_WRONG, "cannot remove %s: %s", directory, strerror(errno));
}

static int prepare(struct drain *drain, struct error *err)
{
    struct cli *cli = drain->cli;

    if (map_load(&drain->map, cli->settings->map, NULL, NULL, err) != 0)
        return -1;
    if (drain->dry_run && !cli_store_exists(cli->settings))
        return make_scratch(drain, err);
    if (!drain->dry_run && take_locks(drain, err) != 0)
        return -1;
    return store_open(&cli->store, cli->settings->store, !drain->dry_run, err);
}

static void release(struct drain *drain)
{
    for (size_t i = 0; i < 3; i++) {
        if (drain->locks[i] >= 0)
            close(drain->locks[i]);
    }
    map_free(drain->map);
    free(drain->open);
    free(drain->users);
    drain_backup_clear(&drain->backup);
    if (drain->scratch[0] == '\0')
        return;
    store_close(drain->cli->store);
    drain->cli->store = NULL;
    remove_scratch(drain->scratch);
}

/* ---- intake ---- */

/* Mailbags without mail count as well: a bar that stands still frightens. */
static uint64_t items_seen(const struct intake_counts *counts)
{
    return counts->queued + counts->known + counts->left + counts->damaged + counts->mailbags;
}

static void intake_moved(void *context, const struct intake_counts *counts)
{
    struct drain *drain = context;

    bar_update(&drain->bar, items_seen(counts));
}

static void sweep_one(struct drain *drain, struct intake *intake,
                      const struct settings_postoffice *postoffice)
{
    struct error err;

    if (intake_sweep(intake, postoffice, &drain->intake, &err) == 0)
        return;
    cli_bar_hide(&drain->bar);
    cli_wrong(CLI_WRONG, "%s: %s", postoffice->title, err.text);
    drain->trouble = true;
}

static void take_in(struct drain *drain)
{
    struct cli *cli = drain->cli;
    struct intake intake = {
        .settings = cli->settings,
        .map = drain->map,
        .store = cli->store,
        .log = cli->log,
        .dry_run = drain->dry_run,
        .read_only = drain->read_only,
        .whole = true,
        .backup = drain->read_only ? &drain->backup.backup : NULL,
        .stop = stop_wish(),
        .progress = intake_moved,
        .progress_context = drain,
    };

    bar_init(&drain->bar, "intake", 0);
    if (drain->read_only)
        sweep_one(drain, &intake, &drain->backup.postoffice);
    for (size_t i = 0; i < cli->settings->postoffice_count && *stop_wish() == 0; i++) {
        const struct settings_postoffice *postoffice = &cli->settings->postoffices[i];

        if (!drain->read_only && (drain->only == NULL || drain->only == postoffice))
            sweep_one(drain, &intake, postoffice);
    }
    bar_end(&drain->bar, items_seen(&drain->intake));
    /* What went wrong with single queues and users was told. */
    drain->trouble = drain->trouble || (!drain->dry_run && drain->intake.troubles != 0);
}

/* ---- relay ---- */

static int remember_open(void *context, const struct store_view *view)
{
    struct drain *drain = context;
    uint64_t *open;

    if (view->report_of != 0 ||
        (drain->open_count > 0 && drain->open[drain->open_count - 1] == view->id))
        return 0;
    if (drain->open_count == drain->open_room) {
        drain->open_room = drain->open_room > 0 ? drain->open_room * 2 : 1024;
        open = reallocarray(drain->open, drain->open_room, sizeof *open);
        if (open == NULL) {
            drain->short_of_memory = true;
            return 1;
        }
        drain->open = open;
    }
    drain->open[drain->open_count++] = view->id;
    return 0;
}

static void relay_moved(void *context, const struct relay_counts *counts)
{
    struct drain *drain = context;

    bar_update(&drain->bar, counts->sent + counts->deferred + counts->failed);
}

static int relay_all(struct drain *drain, struct error *err)
{
    struct cli *cli = drain->cli;
    struct relay_options options = {
        .settings = cli->settings,
        .store = cli->store,
        .log = cli->log,
        .once = true,
        .progress = relay_moved,
        .progress_context = drain,
    };
    static const enum recipient_state states[] = {RECIPIENT_QUEUED, RECIPIENT_SENDING};
    struct store_counts counts;
    int result;

    for (size_t i = 0; i < 2; i++) {
        struct store_filter filter = {.state = &states[i]};

        if (store_list(cli->store, &filter, remember_open, drain, err) != 0)
            return -1;
    }
    if (drain->short_of_memory)
        return error_set(err, ERROR_SOFT, "", "out of memory");
    if (store_count(cli->store, &counts, err) != 0)
        return -1;
    bar_init(&drain->bar, "relay", counts.recipients[RECIPIENT_QUEUED]);
    result = relay_run(&options, &drain->relay, err);
    bar_end(&drain->bar, drain->relay.sent + drain->relay.deferred + drain->relay.failed);
    return result;
}

/* ---- what became of it ---- */

struct fate {
    bool sent, waiting;
    int64_t began_ms;
};

static int see_fate(void *context, const struct store_view *view)
{
    struct fate *fate = context;

    fate->sent =
        fate->sent || (view->state == RECIPIENT_SENT && view->changed_ms >= fate->began_ms);
    fate->waiting =
        fate->waiting || view->state == RECIPIENT_QUEUED || view->state == RECIPIENT_SENDING;
    return 0;
}

static int count_changed(void *context, const struct store_view *view)
{
    struct drain *drain = context;

    if (view->changed_ms < drain->began_ms || view->id == drain->last)
        return 0;
    drain->last = view->id;
    if (view->state == RECIPIENT_FAILED)
        drain->failed++;
    else
        drain->held++;
    return 0;
}

static int compare_ids(const void *a, const void *b)
{
    const uint64_t *first = a, *second = b;

    return (*first > *second) - (*first < *second);
}

static int count_fates(struct drain *drain, struct error *err)
{
    static const enum recipient_state states[] = {RECIPIENT_FAILED, RECIPIENT_HELD};

    /* A message with recipients in both states was remembered twice. */
    if (drain->open_count > 0)
        qsort(drain->open, drain->open_count, sizeof *drain->open, compare_ids);
    for (size_t i = 0; i < drain->open_count; i++) {
        struct store_filter filter = {.id = drain->open[i]};
        struct fate fate = {.began_ms = drain->began_ms};

        if (i > 0 && drain->open[i] == drain->open[i - 1])
            continue;
        if (store_list(drain->cli->store, &filter, see_fate, &fate, err) != 0)
            return -1;
        drain->relayed += fate.sent;
        drain->waiting += fate.waiting;
    }
    for (size_t i = 0; i < 2; i++) {
        struct store_filter filter = {.state = &states[i]};

        drain->last = 0;
        if (store_list(drain->cli->store, &filter, count_changed, drain, err) != 0)
            return -1;
    }
    return 0;
}

static void say(const struct drain *drain)
{
    struct output *out = drain->cli->out;

    if (drain->dry_run)
        output_note(out,
                    "dry run: %llu to relay, %llu to stay on the postoffice, %llu known already, "
                    "%llu damaged",
                    (unsigned long long)drain->intake.queued,
                    (unsigned long long)drain->intake.left, (unsigned long long)drain->intake.known,
                    (unsigned long long)drain->intake.damaged);
    else
        output_note(out, "%llu relayed, %llu left on the postoffice, %llu waiting, %llu failed",
                    (unsigned long long)drain->relayed, (unsigned long long)drain->intake.left,
                    (unsigned long long)drain->waiting, (unsigned long long)drain->failed);
    if (!drain->dry_run && drain->intake.damaged > 0)
        output_note(out, "%llu damaged, left on the postoffice: see \"msmailgw status --remains\"",
                    (unsigned long long)drain->intake.damaged);
    if (drain->intake.collected + drain->intake.vanished > 0)
        output_note(
            out, "%llu taken by clients, %llu vanished since the last sweep: see \"msmailgw log\"",
            (unsigned long long)drain->intake.collected,
            (unsigned long long)drain->intake.vanished);
    if (drain->held > 0)
        output_note(out, "%llu held: see \"msmailgw queue list --state held\"",
                    (unsigned long long)drain->held);
    if (*stop_wish() != 0)
        output_note(out, "interrupted: the rest is done at the next run");
}

static void show(const struct drain *drain)
{
    struct output *out = drain->cli->out;

    output_begin(out, OUTPUT_RECORD, "drain", NULL, NULL, columns,
                 sizeof columns / sizeof columns[0]);
    output_flag(out, drain->dry_run);
    output_number(out, drain->relayed);
    output_number(out, drain->intake.left);
    output_number(out, drain->waiting);
    output_number(out, drain->failed);
    output_number(out, drain->held);
    output_number(out, drain->intake.damaged);
    output_number(out, drain->intake.queued);
    output_number(out, drain->intake.known);
    output_number(out, drain->intake.removed);
    output_number(out, drain->relay.sent);
    output_flag(out, *stop_wish() != 0);
    output_number(out, drain->intake.mailbags);
    output_number(out, drain->intake.baseline);
    output_number(out, drain->intake.collected);
    output_number(out, drain->intake.vanished);
    output_flag(out, drain->read_only);
    output_row_end(out);
    output_end(out);
    say(drain);
}

static int run(struct drain *drain)
{
    struct error err;

    if (prepare(drain, &err) != 0)
        return cli_fail(&err);
    stop_install();
    mime_initialize();
    take_in(drain);
    if (!drain->dry_run && *stop_wish() == 0 && relay_all(drain, &err) != 0) {
        cli_wrong(CLI_WRONG, "%s", err.text);
        drain->trouble = true;
    }
    if (!drain->dry_run && count_fates(drain, &err) != 0)
        return cli_fail(&err);
    show(drain);
    return drain->trouble || drain->waiting > 0 || drain->failed > 0 || drain->held > 0 ||
                   drain->intake.damaged > 0 || *stop_wish() != 0
               ? CLI_WRONG
               : CLI_DONE;
}

/* getopt keeps one value of an option, and there may be several users. */
static int collect_users(struct drain *drain, int argc, char **argv)
{
    drain->users = calloc((size_t)argc + 1, sizeof *drain->users);
    if (drain->users == NULL)
        return cli_wrong(CLI_WRONG, "out of memory");
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--user") == 0 && i + 1 < argc)
            drain->users[drain->user_count++] = argv[++i];
        else if (strncmp(argv[i], "--user=", 7) == 0)
            drain->users[drain->user_count++] = argv[i] + 7;
    }
    return 0;
}

static bool names_postoffice(const struct settings *settings, const char *name)
{
    return settings_find_postoffice(settings, name) != NULL;
}

/* Either a postoffice of the settings, or a directory with a backup of one. */
static int choose(struct drain *drain, const struct cli_flag *flags)
{
    const char *name = flags[0].value;
    struct drain_wish wish = {
        .directory = name,
        .like = flags[3].value,
        .include_outbound = flags[4].value != NULL,
        .no_baseline = flags[6].value != NULL,
        .users = drain->users,
        .user_count = drain->user_count,
    };

    drain->dry_run = flags[1].value != NULL;
    drain->read_only = flags[2].value != NULL;
    if (!drain->read_only) {
        if (wish.like != NULL || wish.include_outbound || wish.no_baseline || wish.user_count != 0)
            return cli_wrong(CLI_USAGE, "--like, --include-outbound, --user and --no-baseline are "
                                        "for backups: with --read-only");
        if (name != NULL && (drain->only = cli_postoffice(drain->cli, name)) == NULL)
            return CLI_USAGE;
        return 0;
    }
    if (name == NULL)
        return cli_wrong(CLI_USAGE, "--read-only: --postoffice DIR names the backup's directory");
    if (names_postoffice(drain->cli->settings, name))
        return cli_wrong(CLI_USAGE,
                         "--read-only: %s is a postoffice of the settings; write ./%s if a "
                         "directory of that name is meant",
                         name, name);
    return drain_backup_make(&drain->backup, drain->cli, &wish);
}

static int drain_relay(struct drain *drain, const struct cli_flag *flags)
{
    int status = choose(drain, flags);

    if (status == 0 && !drain->dry_run)
        status = cli_relaylog(drain->cli);
    return status == 0 ? run(drain) : status;
}

/* "--to relay" is what it does without. */
static int archive(struct drain *drain, const struct cli_flag *flags, int argc, char **argv)
{
    struct drain_archive_wish wish = {
        .source = {.directory = flags[0].value,
                   .like = flags[3].value,
                   .include_outbound = flags[4].value != NULL,
                   .users = drain->users,
                   .user_count = drain->user_count},
        .maildir = argc > 0 ? argv[0] : NULL,
    };

    if (strcmp(flags[7].value, "maildir") != 0 || argc != 1)
        return cli_wrong(CLI_USAGE, "--to relay, or --to maildir DIR");
    if (flags[1].value != NULL)
        return cli_wrong(CLI_USAGE,
                         "--dry-run counts what would be relayed: not with --to maildir, "
                         "which changes nothing in the postoffice");
    return drain_archive(drain->cli, &wish);
}

static int drain_to(struct drain *drain, const struct cli_flag *flags, int argc, char **argv)
{
    const char *to = flags[7].value;

    if (to != NULL && strcmp(to, "relay") != 0)
        return archive(drain, flags, argc, argv);
    if (argc != 0)
        return cli_wrong(CLI_USAGE, "%s: a directory to write to goes with --to maildir", argv[0]);
    return drain_relay(drain, flags);
}

int cmd_drain(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {{"postoffice", true, NULL},        {"dry-run", false, NULL},
                               {"read-only", false, NULL},        {"like", true, NULL},
                               {"include-outbound", false, NULL}, {"user", true, NULL},
                               {"no-baseline", false, NULL},      {"to", true, NULL}};
    struct drain drain = {.cli = cli, .locks = {-1, -1, -1}, .began_ms = clock_now_ms()};
    int status = collect_users(&drain, argc, argv);

    if (status == 0)
        status = cli_flags(cli, &argc, &argv, flags, 8, 0, 1,
                           "drain [--postoffice TITLE] [--dry-run], or drain --postoffice DIR "
                           "--read-only [--like TITLE] [--user NET/PO/USER]... [--no-baseline] "
                           "[--include-outbound] [--dry-run], or drain --postoffice TITLE|DIR "
                           "--to maildir DIR [--like TITLE] [--user NET/PO/USER]... "
                           "[--include-outbound]");
    if (status == 0)
        status = cli_settings(cli);
    if (status == 0 && drain.user_count == 0 && flags[5].value != NULL)
        drain.users[drain.user_count++] = flags[5].value; /* the option was abbreviated */
    if (status == 0)
        status = drain_to(&drain, flags, argc, argv);
    release(&drain);
    return status;
}
