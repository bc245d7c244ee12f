/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/drain-maildir.h"

#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bar.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/maildir.h"
#include "daemon/intake.h"
#include "daemon/stop.h"
#include "message/map.h"
#include "message/mime.h"
#include "postoffice/access2.h"
#include "postoffice/profile.h"

#define JOURNAL "msmailgw.db"
#define CLAIM_LIMIT 256
#define MOST_RECIPIENTS 65536 /* of one message: all are in its one file */
#define HEAD_OCTETS 4096      /* of a message, in which its Date is */
#define NAME_DIGITS 32

static const struct output_column columns[] = {
    {"maildir", NULL, 0}, {"written", NULL, 0},  {"known", NULL, 0},       {"left", NULL, 0},
    {"damaged", NULL, 0}, {"mailbags", NULL, 0}, {"interrupted", NULL, 0},
};

struct archive {
    struct cli *cli;
    const struct drain_archive_wish *wish;
    struct drain_backup source;
    struct maildir *maildir;
    struct store *journal;
    struct map *map;
    char **everybody; /* NET/PO/USER, when the command line names nobody */
    size_t everybody_count;
    char temporary[PATH_MAX];
    struct bar bar;
    struct intake_counts intake;
    uint64_t written;
    bool failed; /* ERR says why; what comes later waits for the next run */
    struct error err;
};

/* ---- one message ---- */

/* The same for the same message and recipients, whatever became of the journal. */
static void name_of(const struct archive *archive, const struct claim_message *message,
                    int64_t unix_s, char *out, size_t size)
{
    char text[FINGERPRINT_HEX_SIZE + 64], hex[FINGERPRINT_HEX_SIZE];
    uint8_t digest[FINGERPRINT_SIZE];

    snprintf(text, sizeof text, "%.64s|%.16s|%.32s", message->fingerprint, message->mailbag,
             message->recipients[0].original);
    fingerprint_octets(text, strlen(text), digest);
    fingerprint_hex(digest, hex);
    snprintf(out, size, "%" PRId64 ".mm%.*s.%.64s", unix_s, NAME_DIGITS, hex,
             archive->cli->settings->hostname);
}

/* The seconds of the line "Date: Mon, 07 Apr 1997 08:05:00 +0200", which we have written. */
static int date_of(const struct archive *archive, const struct claim_message *message,
                   int64_t *unix_s, struct error *err)
{
    char head[HEAD_OCTETS + 1];
    struct tm tm = {0};
    const char *at;
    size_t got;

    *unix_s = message->received_ms / 1000;
    if (store_read_content(archive->journal, message->id, 0, head, HEAD_OCTETS, &got, err) != 0)
        return -1;
    head[got] = '\0';
    at = strstr(head, "\r\nDate: ");
    if (at != NULL && strptime(at + 8, "%a, %d %b %Y %H:%M:%S %z", &tm) != NULL) {
        long offset = tm.tm_gmtoff;
        *unix_s = timegm(&tm) - offset;
    }
    return 0;
}

/* An address may be MS Mail's, in the letters of its code page. */
static int add_line(struct archive *archive, const char *name, const char *value, struct error *err)
{
    char line[998];

    snprintf(line, sizeof line, "%s%.900s", name, value);
    for (char *c = line; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7E)
            *c = '?';
    }
    return maildir_add(archive->maildir, line, strlen(line), err) == 0
               ? maildir_add(archive->maildir, "\r\n", 2, err)
               : -1;
}

/* What the envelope has and the header has not. */
static int write_envelope(struct archive *archive, const struct claim_message *message,
                          struct error *err)
{
    char sender[900];

    snprintf(sender, sizeof sender, "<%.890s>", message->sender);
    if (add_line(archive, "Return-Path: ", sender, err) != 0)
        return -1;
    for (size_t i = 0; i < message->recipient_count; i++) {
        const struct claim_recipient *recipient = &message->recipients[i];

        if (add_line(archive, "X-MSMail-Recipient: ", recipient->original, err) != 0 ||
            (strcmp(recipient->address, recipient->original) != 0 &&
             add_line(archive, "Delivered-To: ", recipient->address, err) != 0))
            return -1;
    }
    return 0;
}

static int write_content(struct archive *archive, const struct claim_message *message,
                         struct error *err)
{
    char data[STORE_CHUNK_SIZE];
    size_t got = 0;

    for (uint64_t at = 0; at < message->size; at += got) {
        if (store_read_content(archive->journal, message->id, at, data, sizeof data, &got, err) !=
            0)
            return -1;
        if (got == 0)
            return error_set(err, ERROR_DATA, "", "the journal's copy is not whole");
        if (maildir_add(archive->maildir, data, got, err) != 0)
            return -1;
    }
    return 0;
}

/* One that a run before may have written is in new, or a reader has it in cur. */
static int write_message(struct archive *archive, const struct claim_message *message,
                         struct error *err)
{
    char name[NAME_MAX + 1];
    int64_t unix_s;
    int has = 0;

    if (date_of(archive, message, &unix_s, err) != 0)
        return -1;
    name_of(archive, message, unix_s, name, sizeof name);
    if (message->recipients[0].doubt)
        has = maildir_has(archive->maildir, name, err);
    if (has != 0)
        return has < 0 ? -1 : 0;
    if (maildir_begin(archive->maildir, name, err) != 0)
        return -1;
    if (write_envelope(archive, message, err) != 0 || write_content(archive, message, err) != 0) {
        maildir_abandon(archive->maildir);
        return -1;
    }
    return maildir_end(archive->maildir, unix_s, err);
}

/* ---- all that was taken ---- */

static int note_written(struct archive *archive, const struct claim_message *message,
                        struct error *err)
{
    for (size_t i = 0; i < message->recipient_count; i++) {
        struct store_result result = {
            .recipient = message->recipients[i].id,
            .now_ms = clock_now_ms(),
            .status = "2.0.0",
            .reply = "written",
            .relay = "",
            .state = RECIPIENT_SENT,
            .attempted = true,
        };
        if (store_set_result(archive->journal, &result, err) != 0)
            return -1;
    }
    return 0;
}

/* The names have to be durable before the journal says so. */
static int write_some(struct archive *archive, const struct claim_message *messages, size_t count,
                      struct error *err)
{
    int status = 0;

    for (size_t i = 0; i < count; i++) {
        if (write_message(archive, &messages[i], err) != 0)
            return -1;
    }
    if (maildir_sync(archive->maildir, err) != 0 || store_begin(archive->journal, err) != 0)
        return -1;
    for (size_t i = 0; i < count && status == 0; i++)
        status = note_written(archive, &messages[i], err);
    if (status != 0) {
        store_rollback(archive->journal);
        return -1;
    }
    if (store_commit(archive->journal, err) != 0)
        return -1;
    archive->written += count;
    return 0;
}

static int write_all(struct archive *archive, struct error *err)
{
    struct claim_message *messages;
    size_t count, freed;
    int64_t next;
    int status;

    do {
        if (store_claim(archive->journal, clock_now_ms(), CLAIM_LIMIT, MOST_RECIPIENTS, &messages,
                        &count, &next, err) != 0)
            return -1;
        status = count != 0 ? write_some(archive, messages, count, err) : 0;
        store_claim_free(messages, count);
    } while (status == 0 && count != 0);
    /* Only who was written stays in the journal, not what. */
    while (status == 0) {
        status = store_purge(archive->journal, clock_now_ms() + 1, CLAIM_LIMIT, &freed, err);
        if (freed < CLAIM_LIMIT)
            break;
    }
    return status;
}

/* After each batch, so that the journal never holds more than one. */
static void batch_done(void *context, const struct intake_counts *counts)
{
    struct archive *archive = context;

    bar_update(&archive->bar, counts->queued + counts->known + counts->left + counts->mailbags);
    if (archive->failed)
        return;
    if (write_all(archive, &archive->err) != 0)
        archive->failed = true;
}

/* ---- what is needed ---- */

static int list_everybody(struct archive *archive, const struct access2 *users)
{
    const char *name = archive->source.postoffice.name;

    archive->everybody = calloc(access2_count(users) + 1, sizeof *archive->everybody);
    for (size_t i = 0; archive->everybody != NULL && i < access2_count(users); i++) {
        char **place = &archive->everybody[archive->everybody_count];

        if (access2_is_special(access2_at(users, i)->name))
            continue;
        if (asprintf(place, "%s/%s", name, access2_at(users, i)->name) < 0)
            return -1;
        archive->everybody_count++;
    }
    return archive->everybody != NULL ? 0 : -1;
}

/* All users whom the postoffice has. */
static int find_everybody(struct archive *archive, struct error *err)
{
    struct drain_backup *source = &archive->source;
    struct access2 *users = NULL;
    struct profile *profile = NULL;
    struct root *root;
    int status;

    if (root_open(&root, source->postoffice.path, err) != 0)
        return -1;
    status = profile_load(&profile, source->postoffice.profile, err);
    if (status == 0)
        status = access2_load(&users, root, profile, err);
    if (status == 0 && list_everybody(archive, users) != 0)
        status = error_sys(err, ERROR_SOFT, "", "no memory for the users");
    access2_free(users);
    profile_free(profile);
    root_free(root);
    source->backup.users = (const char *const *)archive->everybody;
    source->backup.user_count = archive->everybody_count;
    return status;
}

/* Whether PATH, which may not be there yet, is below DIRECTORY (absolute). */
static bool lies_in(const char *path, const char *directory)
{
    char *copy = strdup(path), *real = realpath(path, NULL);
    size_t size = strlen(directory);
    bool below;

    if (real == NULL && copy != NULL)
        real = realpath(dirname(copy), NULL);
    below = real != NULL && strncmp(real, directory, size) == 0 &&
            (real[size] == '/' || real[size] == '\0');
    free(real);
    free(copy);
    return below;
}

/* A postoffice of the settings with its queues, or a directory as "--read-only" reads it. */
static int choose_source(struct archive *archive)
{
    struct drain_wish wish = archive->wish->source;
    const struct settings_postoffice *own =
        wish.directory != NULL ? settings_find_postoffice(archive->cli->settings, wish.directory)
                               : NULL;
    int status;

    if (wish.directory == NULL)
        return cli_wrong(CLI_USAGE,
                         "--to maildir: --postoffice names the postoffice, or the directory");
    if (own != NULL && own->door != DOOR_NATIVE)
        return cli_wrong(CLI_USAGE,
                         "%s: door = ffapi cannot be read without taking the mail out; name the "
                         "directory of its files",
                         own->title);
    if (own != NULL) {
        wish.directory = own->path;
        wish.like = own->title;
        wish.include_outbound = true;
    }
    wish.no_baseline = true;
    status = drain_backup_make(&archive->source, archive->cli, &wish);
    if (status == 0 && lies_in(archive->wish->maildir, archive->source.path))
        return cli_wrong(CLI_USAGE, "%s lies in the postoffice", archive->wish->maildir);
    return status;
}

static int prepare(struct archive *archive, struct error *err)
{
    const char *directory = archive->wish->maildir;
    struct cli *cli = archive->cli;
    char uri[PATH_MAX + 32];
    size_t recovered;

    if (map_load(&archive->map, cli->settings->map, NULL, NULL, err) != 0)
        return -1;
    if (archive->source.backup.user_count == 0 && find_everybody(archive, err) != 0)
        return -1;
    if (maildir_open(&archive->maildir, directory, err) != 0)
        return -1;
    if (snprintf(archive->temporary, sizeof archive->temporary, "%s/tmp", directory) >=
        (int)sizeof archive->temporary)
        return error_set(err, ERROR_SETUP, "", "%s: the path is too long", directory);
    cli->settings->temporary = archive->temporary;
    snprintf(uri, sizeof uri, "sqlite:%s/" JOURNAL, directory);
    return store_open(&archive->journal, uri, true, err) == 0 &&
                   store_recover(archive->journal, clock_now_ms(), &recovered, err) == 0
               ? 0
               : -1;
}

static void release(struct archive *archive)
{
    store_close(archive->journal);
    maildir_close(archive->maildir);
    map_free(archive->map);
    drain_backup_clear(&archive->source);
    for (size_t i = 0; i < archive->everybody_count; i++)
        free(archive->everybody[i]);
    free(archive->everybody);
}

/* ---- the run ---- */

static int sweep(struct archive *archive, struct error *err)
{
    struct intake intake = {
        .settings = archive->cli->settings,
        .map = archive->map,
        .store = archive->journal,
        .read_only = true,
        .whole = true,
        .backup = &archive->source.backup,
        .archive = true,
        .stop = stop_wish(),
        .progress = batch_done,
        .progress_context = archive,
    };
    int status;

    /* What a run before left in the journal. */
    if (write_all(archive, err) != 0)
        return -1;
    bar_init(&archive->bar, "archive", 0);
    status = intake_sweep(&intake, &archive->source.postoffice, &archive->intake, err);
    bar_end(&archive->bar, archive->intake.queued + archive->intake.known + archive->intake.left);
    if (status == 0 && archive->failed) {
        *err = archive->err;
        status = -1;
    }
    return status;
}

static void show(const struct archive *archive)
{
    const struct intake_counts *counts = &archive->intake;
    struct output *out = archive->cli->out;

    output_begin(out, OUTPUT_RECORD, "archive", NULL, NULL, columns,
                 sizeof columns / sizeof columns[0]);
    output_text(out, archive->wish->maildir);
    output_number(out, archive->written);
    output_number(out, counts->known);
    output_number(out, counts->left);
    output_number(out, counts->damaged);
    output_number(out, counts->mailbags);
    output_flag(out, *stop_wish() != 0);
    output_row_end(out);
    output_end(out);
    output_note(out,
                "%" PRIu64 " written to %s, %" PRIu64 " there already, %" PRIu64
                " left out, %" PRIu64 " damaged; nothing was changed in the postoffice",
                archive->written, archive->wish->maildir, counts->known, counts->left,
                counts->damaged);
    if (*stop_wish() != 0)
        output_note(out, "interrupted: the rest is done at the next run");
}

int drain_archive(struct cli *cli, const struct drain_archive_wish *wish)
{
    struct archive archive = {.cli = cli, .wish = wish};
    struct error err;
    int status = choose_source(&archive);

    if (status == 0 && prepare(&archive, &err) != 0)
        status = cli_fail(&err);
    if (status == 0) {
        stop_install();
        mime_initialize();
        if (sweep(&archive, &err) != 0)
            status = cli_wrong(CLI_WRONG, "%s", err.text);
        show(&archive);
        if (archive.intake.damaged + archive.intake.troubles != 0 || *stop_wish() != 0)
            status = CLI_WRONG;
    }
    release(&archive);
    return status;
}
