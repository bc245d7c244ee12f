/* SPDX-License-Identifier: BSD-2-Clause */
/* Whose mailbags are swept, and which of them have to be opened. */
#include "config.h"

#include "daemon/intake-int.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/note.h"
#include "postoffice/access2.h"

/* A row of the queue's users, copied. */
struct row {
    char *mailbox;
    char mailbag[9]; /* "" for a user of a backup who has none */
    enum user_state state;
    int64_t baseline_ms;
    uint64_t baseline_items;
    bool faulty;
};

struct choosing {
    struct sweep *sweep;
    struct row *rows;
    size_t row_count, row_capacity;
    bool short_of_memory;
    struct root *root;
    struct profile *profile;
    struct access2 *access2;
};

/* ---- who ---- */

static int add_row(struct choosing *choosing, const struct row *row, const char *mailbox)
{
    struct row *grown;

    if (choosing->row_count == choosing->row_capacity) {
        choosing->row_capacity += 256;
        grown = reallocarray(choosing->rows, choosing->row_capacity, sizeof *grown);
        if (grown == NULL) {
            choosing->short_of_memory = true;
            return 1;
        }
        choosing->rows = grown;
    }
    grown = &choosing->rows[choosing->row_count];
    *grown = *row;
    grown->mailbox = strdup(mailbox);
    if (grown->mailbox == NULL) {
        choosing->short_of_memory = true;
        return 1;
    }
    choosing->row_count++;
    return 0;
}

/* In a backup lies the mail of users who are closed by now, too. */
static bool is_wanted(const struct choosing *choosing, const struct store_user *user)
{
    const struct intake_backup *backup = choosing->sweep->intake->backup;
    bool found;

    if (access2_is_special(user->mailbox))
        return false;
    if (backup == NULL)
        return user->state == USER_ACTIVE || user->state == USER_DRAINING;
    found = backup->user_count == 0;
    for (size_t i = 0; i < backup->user_count && !found; i++)
        found = strcasecmp(strrchr(backup->users[i], '/') + 1, user->mailbox) == 0;
    return found;
}

static int see_user(void *context, const struct store_user *user)
{
    struct choosing *choosing = context;
    struct row row = {
        .state = user->state,
        .baseline_ms = user->baseline_ms,
        .baseline_items = user->baseline_items,
        .faulty = user->fault[0] != '\0',
    };

    snprintf(row.mailbag, sizeof row.mailbag, "%s", user->mailbag);
    return is_wanted(choosing, user) ? add_row(choosing, &row, user->mailbox) : 0;
}

/* Users of a backup who were never moved by us: only when the operator insists. */
static int add_asked(struct choosing *choosing, struct error *err)
{
    const struct intake_backup *backup = choosing->sweep->intake->backup;

    for (size_t i = 0; backup != NULL && i < backup->user_count; i++) {
        const char *mailbox = strrchr(backup->users[i], '/') + 1;
        struct row row = {.state = USER_ACTIVE};
        bool found = false;

        for (size_t r = 0; r < choosing->row_count && !found; r++)
            found = strcasecmp(choosing->rows[r].mailbox, mailbox) == 0;
        if (found)
            continue;
        if (access2_is_special(mailbox))
            return error_set(err, ERROR_SETUP, "", "%s: the postoffice's own, never swept",
                             backup->users[i]);
        if (!backup->no_baseline)
            return error_set(err, ERROR_SETUP, "",
                             "%s is not a user of \"msmailgw user list\": what was migrated of his "
                             "mail is not known, and would be relayed; --no-baseline relays all",
                             backup->users[i]);
        if (add_row(choosing, &row, mailbox) != 0)
            break;
    }
    return 0;
}

static int list_rows(struct choosing *choosing, struct error *err)
{
    const struct sweep *sweep = choosing->sweep;

    if (store_list_users(sweep->intake->store, sweep->postoffice->name, NULL, see_user, choosing,
                         err) != 0 ||
        add_asked(choosing, err) != 0)
        return -1;
    if (choosing->short_of_memory)
        return error_sys(err, ERROR_SOFT, "", "no memory for the users");
    return 0;
}

/* ---- is he who he was ---- */

/* The mailbag's number, or why it is not certain (Q117738, Q120449). */
static const struct access2_user *identify(const struct choosing *choosing, const struct row *row,
                                           char *why, size_t size)
{
    const struct access2_user *found = access2_find(choosing->access2, row->mailbox);

    if (found == NULL)
        snprintf(why, size, "no user of this name is in GLB/ACCESS2.GLB any more");
    else if (found->ambiguous)
        snprintf(why, size,
                 "GLB/ACCESS2.GLB has another record with the same name or the same mailbag %s",
                 found->mailbag);
    else if (row->mailbag[0] != '\0' && strcasecmp(row->mailbag, found->mailbag) != 0)
        snprintf(why, size,
                 "his mailbag was %s and is %s now: the number was given again, or it is somebody "
                 "else of his name",
                 row->mailbag, found->mailbag);
    else
        return found;
    return NULL;
}

static void stop_user(struct sweep *sweep, const struct row *row, const char *name, const char *why)
{
    char alarm[96], text[512], plain[320];
    struct error err;

    sweep->counts->troubles++;
    log_warn("intake", "%s is not swept: %s", name, why);
    if (sweep_is_backup(sweep) || sweep->intake->dry_run)
        return;
    if (store_set_fault(sweep->intake->store, sweep->postoffice->name, row->mailbox, why, &err) !=
        0)
        log_warn("intake", "%s: %s", name, err.text);
    snprintf(alarm, sizeof alarm, "user.%s", name);
    snprintf(text, sizeof text, "{\"user\":\"%.40s\",\"reason\":\"%s\"}", name,
             note_text(why, plain, sizeof plain));
    guard_alarm(sweep, alarm, text, "user-stopped", row->mailbag, why);
}

/* ---- has anything changed ---- */

/* What beside his mailbag decides about a user's items: when it changes they are looked at again.
 */
static void digest_context(const struct sweep *sweep, const struct row *row, const char *smtp,
                           const struct stat *profile, char out[17])
{
    char text[512], hex[FINGERPRINT_HEX_SIZE];
    uint8_t digest[FINGERPRINT_SIZE];
    int size = snprintf(
        text, sizeof text,
        "%s|%llx.%llx.%llx.%llx.%lx|%" PRIu64 "|%.32s|%d|%d%d%d|%" PRIu64 "|%" PRId64 "|%.200s",
        PACKAGE_VERSION, (unsigned long long)profile->st_dev, (unsigned long long)profile->st_ino,
        (unsigned long long)profile->st_size, (unsigned long long)profile->st_mtim.tv_sec,
        (unsigned long)profile->st_mtim.tv_nsec, sweep->postoffice->max_size,
        sweep->postoffice->codepage != NULL ? sweep->postoffice->codepage : "", row->state,
        sweep->postoffice->system_mail, sweep->postoffice->header_block, sweep->postoffice->tnef,
        row->baseline_items, row->baseline_ms, smtp);

    fingerprint_octets(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1, digest);
    fingerprint_hex(digest, hex);
    snprintf(out, 17, "%.16s", hex);
}

struct remembering {
    struct sweep *sweep;
    size_t at; /* rows and users come in different orders: the search begins where it ended */
};

static int see_mailbag(void *context, const struct store_mailbag *mailbag)
{
    struct remembering *remembering = context;
    struct sweep *sweep = remembering->sweep;

    for (size_t i = 0; i < sweep->user_count; i++) {
        struct sweep_user *user = &sweep->users[(remembering->at + i) % sweep->user_count];
        if (strcmp(user->mailbag, mailbag->mailbag) != 0)
            continue;
        remembering->at += i + 1;
        if (strcasecmp(mailbag->owner, user->mailbox) != 0)
            return 0;
        free(user->stamp);
        user->stamp = strdup(mailbag->stamp);
        user->swept_ms = mailbag->swept_ms;
        return 0;
    }
    return 0;
}

static bool looks_the_same(const struct choosing *choosing, const struct sweep_user *user)
{
    const struct sweep *sweep = choosing->sweep;
    char now[STAMP_SIZE], wanted[24];
    const char *files;
    struct error ignored;

    snprintf(wanted, sizeof wanted, "%s|=|", user->context);
    if (user->stamp == NULL || strncmp(user->stamp, wanted, strlen(wanted)) != 0)
        return false;
    files = strrchr(user->stamp, '|') + 1;
    return stamp_take(choosing->root, user->mailbag, now, NULL, &ignored) == 0 &&
           strcmp(now, files) == 0 && user->swept_ms <= sweep->began_ms &&
           sweep->began_ms - user->swept_ms < (int64_t)sweep->postoffice->full_sweep_s * 1000;
}

/* ---- all of it ---- */

static int open_files(struct choosing *choosing, struct error *err)
{
    const struct settings_postoffice *postoffice = choosing->sweep->postoffice;

    if (root_open(&choosing->root, postoffice->path, err) != 0 ||
        root_look(choosing->root, ACCESS2_FILE, &choosing->sweep->access2, err) != 0 ||
        access2_check_counts(choosing->root, err) != 0 ||
        profile_load(&choosing->profile, postoffice->profile, err) != 0)
        return -1;
    return access2_load(&choosing->access2, choosing->root, choosing->profile, err);
}

static int add_user(struct choosing *choosing, const struct row *row, const char *smtp,
                    const struct stat *profile, const char *mailbag, struct error *err)
{
    struct sweep *sweep = choosing->sweep;
    struct sweep_user *user = &sweep->users[sweep->user_count++];

    snprintf(user->mailbag, sizeof user->mailbag, "%s", mailbag);
    digest_context(sweep, row, smtp, profile, user->context);
    user->baseline_items = row->baseline_items;
    user->mailbox = strdup(row->mailbox);
    if (user->mailbox == NULL ||
        asprintf(&user->name, "%s/%s", sweep->postoffice->name, row->mailbox) < 0) {
        user->name = NULL;
        return error_sys(err, ERROR_SOFT, "", "no memory for the users");
    }
    return 0;
}

static int consider_row(struct choosing *choosing, const struct row *row,
                        const struct stat *profile, struct error *err)
{
    struct sweep *sweep = choosing->sweep;
    char name[64], why[256] = "", alarm[96];
    const struct access2_user *found;
    const struct map_entry *entry;

    snprintf(name, sizeof name, "%.40s/%.20s", sweep->postoffice->name, row->mailbox);
    entry = map_find(sweep->intake->map, name);
    if (!sweep_is_backup(sweep) && (entry == NULL || !entry->active || row->faulty)) {
        sweep->counts->troubles += row->faulty;
        return 0;
    }
    found = identify(choosing, row, why, sizeof why);
    if (found == NULL) {
        stop_user(sweep, row, name, why);
        return 0;
    }
    snprintf(alarm, sizeof alarm, "user.%s", name);
    guard_alarm(sweep, alarm, NULL, NULL, NULL, NULL);
    return add_user(choosing, row, entry != NULL ? entry->smtp : "", profile, found->mailbag, err);
}

static int consider_all(struct choosing *choosing, struct error *err)
{
    struct sweep *sweep = choosing->sweep;
    struct remembering remembering = {.sweep = sweep};
    struct stat profile;

    sweep->users = calloc(choosing->row_count, sizeof *sweep->users);
    sweep->chosen = calloc(choosing->row_count, sizeof *sweep->chosen);
    if (sweep->users == NULL || sweep->chosen == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory for the users");
    if (stat(sweep->postoffice->profile, &profile) != 0)
        return error_sys(err, ERROR_SETUP, "", "%s", sweep->postoffice->profile);
    for (size_t i = 0; i < choosing->row_count; i++) {
        if (consider_row(choosing, &choosing->rows[i], &profile, err) != 0)
            return -1;
    }
    return store_list_mailbags(sweep->intake->store, sweep->postoffice->title, see_mailbag,
                               &remembering, err);
}

static void choose_changed(struct choosing *choosing)
{
    struct sweep *sweep = choosing->sweep;

    for (size_t i = 0; i < sweep->user_count; i++) {
        struct sweep_user *user = &sweep->users[i];
        user->chosen = sweep->intake->whole || !looks_the_same(choosing, user);
        sweep->counts->unchanged += !user->chosen;
        if (!user->chosen)
            continue;
        sweep->chosen[sweep->chosen_count].name = user->name;
        sweep->chosen[sweep->chosen_count++].mailbag = user->mailbag;
    }
}

/* Nobody is swept while it is not certain whose mailbag is whose; the queues are. */
static void stop_users(struct sweep *sweep, const struct error *err)
{
    char alarm[128], text[ERROR_TEXT_SIZE + 64], plain[ERROR_TEXT_SIZE];

    snprintf(alarm, sizeof alarm, "users.%.100s", sweep->postoffice->title);
    snprintf(text, sizeof text, "{\"postoffice\":\"%.32s\",\"reason\":\"%s\"}",
             sweep->postoffice->name, note_text(err->text, plain, sizeof plain));
    guard_alarm(sweep, alarm, text, "users-stopped", NULL, err->text);
}

static void users_are_certain(struct sweep *sweep)
{
    char alarm[128];

    snprintf(alarm, sizeof alarm, "users.%.100s", sweep->postoffice->title);
    guard_alarm(sweep, alarm, NULL, "users-resumed", NULL, NULL);
}

static void choosing_clear(struct choosing *choosing)
{
    for (size_t i = 0; i < choosing->row_count; i++)
        free(choosing->rows[i].mailbox);
    free(choosing->rows);
    access2_free(choosing->access2);
    profile_free(choosing->profile);
    root_free(choosing->root);
}

int users_choose(struct sweep *sweep, struct error *err)
{
    struct choosing choosing = {.sweep = sweep};
    int status = list_rows(&choosing, err);

    if (status == 0 && choosing.row_count != 0) {
        status = open_files(&choosing, err);
        if (status != 0)
            stop_users(sweep, err);
        else
            users_are_certain(sweep);
        if (status == 0)
            status = consider_all(&choosing, err);
        if (status == 0)
            choose_changed(&choosing);
    }
    choosing_clear(&choosing);
    return status;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

int users_confirm(const struct sweep *sweep, struct error *err)
{
    struct root *root;
    struct stat now;
    int status;

    if (root_open(&root, sweep->postoffice->path, err) != 0)
        return -1;
    status = root_look(root, ACCESS2_FILE, &now, err);
    root_free(root);
    if (status != 0 || same_file(&now, &sweep->access2))
        return status;
    return error_set(err, ERROR_SOFT, "",
                     ACCESS2_FILE
                     " was changed during the sweep: whose mailbags they are is looked "
                     "up again by the next one");
}

void users_clear(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->user_count; i++) {
        free(sweep->users[i].name);
        free(sweep->users[i].mailbox);
        free(sweep->users[i].stamp);
    }
    free(sweep->users);
    free(sweep->chosen);
}

const struct sweep_user *users_find(const struct sweep *sweep, const char *name)
{
    for (size_t i = 0; i < sweep->user_count; i++) {
        if (strcmp(sweep->users[i].name, name) == 0)
            return &sweep->users[i];
    }
    return NULL;
}
