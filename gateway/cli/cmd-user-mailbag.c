/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking at users and their mailbags on a postoffice. Nothing is changed, and nothing is locked.
 */
#include "config.h"

#include "cli/cmd-user.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "postoffice/door.h"
#include "postoffice/mbg.h"

#define BATCH 64

/* ---- who is who ---- */

void user_office_close(struct user_office *office)
{
    access2_free(office->access2);
    profile_free(office->profile);
    root_free(office->root);
    memset(office, 0, sizeof *office);
}

int user_office_open(struct user_office *office, const struct user_pick *pick, struct error *err)
{
    const struct settings_postoffice *postoffice = pick->postoffice;

    if (office->postoffice == postoffice)
        return 0;
    user_office_close(office);
    if (root_open(&office->root, postoffice->path, err) == 0 &&
        profile_load(&office->profile, postoffice->profile, err) == 0 &&
        access2_check_counts(office->root, err) == 0 &&
        access2_load(&office->access2, office->root, office->profile, err) == 0) {
        office->postoffice = postoffice;
        return 0;
    }
    error_prefix(err, "postoffice %s", postoffice->title);
    user_office_close(office);
    return -1;
}

int user_identify(const struct user_office *office, const struct user_pick *pick,
                  const struct access2_user **out, struct error *err)
{
    const struct access2_user *user = access2_find(office->access2, pick->mailbox);

    if (user == NULL) {
        error_set(err, ERROR_DATA, "", "postoffice %s has no such mailbox",
                  pick->postoffice->title);
        if (err != NULL)
            err->sys = ENOENT;
        return -1;
    }
    if (user->ambiguous)
        return error_set(err, ERROR_DATA, "",
                         ACCESS2_FILE " has the mailbox %s or the mailbag %s twice: whose mail it "
                                      "is cannot be told; repair the postoffice first",
                         user->name, user->mailbag);
    *out = user;
    return 0;
}

/* ---- what lies in a mailbag ---- */

struct reading {
    struct user_mailbag *out;
    user_header_known *known;
    void *context;
    bool *skip; /* by record; NULL: nothing is known */
    size_t skip_count;
    struct error err; /* of KNOWN */
};

static void see_view(void *context, const struct native_view *view)
{
    struct reading *reading = context;
    uint8_t header[STORE_HEADER_DIGEST];

    reading->out->records = (uint32_t)view->count;
    reading->out->live = (uint32_t)view->live_count;
    if (reading->known == NULL)
        return;
    reading->skip = calloc(view->count + 1, sizeof *reading->skip);
    if (reading->skip == NULL) {
        error_sys(&reading->err, ERROR_SOFT, "", "no memory for a mailbag");
        return;
    }
    reading->skip_count = view->count;
    for (size_t r = 0; r < view->count && reading->err.class == ERROR_NONE; r++) {
        if (!view->live[r])
            continue;
        fingerprint_octets(view->records + r * MBG_RECORD_SIZE, MBG_RECORD_SIZE, header);
        reading->skip[r] = reading->known(reading->context, header, &reading->err) > 0;
        reading->out->known += reading->skip[r];
    }
}

static bool skip_record(void *context, const char *queue, uint32_t record, const uint8_t *raw)
{
    const struct reading *reading = context;

    (void)queue;
    (void)raw;
    return record < reading->skip_count && reading->skip[record];
}

static struct user_item *add_item(struct user_mailbag *mailbag, const struct item *item,
                                  struct error *err)
{
    struct user_item *grown =
        reallocarray(mailbag->items, mailbag->count + 1, sizeof *mailbag->items);
    struct user_item *out;

    if (grown == NULL) {
        error_sys(err, ERROR_SOFT, "", "no memory for a mailbag");
        return NULL;
    }
    mailbag->items = grown;
    out = &grown[mailbag->count++];
    memset(out, 0, sizeof *out);
    memcpy(out->header, item->header, sizeof out->header);
    memcpy(out->mai, item->place.mai, sizeof out->mai);
    out->record = item->place.record;
    return out;
}

/* ERR tells why the message cannot be read, or is clear. */
static int keep_item(struct user_mailbag *mailbag, struct door *door, struct item *item,
                     const struct error *unread, struct error *err)
{
    struct user_item *out = add_item(mailbag, item, err);
    uint8_t digest[FINGERPRINT_SIZE];
    struct error why = *unread;

    if (out == NULL)
        return -1;
    if (why.class == ERROR_NONE && door_load(door, item, &why) == 0 &&
        message_fingerprint(item->message, digest, &why) == 0) {
        fingerprint_hex(digest, out->fingerprint);
        return 0;
    }
    if (why.class != ERROR_DATA) {
        *err = why;
        return -1;
    }
    memcpy(out->problem, why.text, sizeof out->problem);
    mailbag->unreadable++;
    return 0;
}

static int read_batch(struct user_mailbag *mailbag, struct door *door, struct error *err)
{
    struct item *item;
    struct error why;
    int got;

    for (;;) {
        error_clear(&why);
        got = door_next(door, &item, &why);
        if (got == 0)
            return 0;
        if (got < 0 && why.class != ERROR_DATA) {
            *err = why;
            return -1;
        }
        if (keep_item(mailbag, door, item, &why, err) != 0)
            return -1;
    }
}

static int read_all(struct reading *reading, struct door *door, struct error *err)
{
    int begun;

    while ((begun = door_begin(door, BATCH, err)) > 0) {
        int status = read_batch(reading->out, door, err);

        door_abandon(door);
        if (status != 0)
            return -1;
    }
    if (begun == 0 && reading->err.class != ERROR_NONE) {
        *err = reading->err;
        return -1;
    }
    return begun;
}

int user_mailbag_read(const struct settings *settings, const struct user_pick *pick,
                      const char *mailbag, user_header_known *known, void *context,
                      struct user_mailbag *out, struct error *err)
{
    const struct settings_postoffice *postoffice = pick->postoffice;
    struct reading reading = {.out = out, .known = known, .context = context};
    const struct native_user user = {.name = pick->name, .mailbag = mailbag};
    const struct native_settings native = {
        .path = postoffice->path,
        .profile = postoffice->profile,
        .name = postoffice->name,
        .codepage = postoffice->codepage,
        .users = &user,
        .user_count = 1,
        .watch = {.context = &reading, .seen = see_view, .skip = skip_record},
        .directory = settings->temporary,
        .max_size = postoffice->max_size,
        .read_only = true,
    };
    struct door *door;
    int status;

    memset(out, 0, sizeof *out);
    if (door_open_native(&door, &native, err) != 0)
        return -1;
    status = read_all(&reading, door, err);
    door_free(door);
    free(reading.skip);
    return status;
}

void user_mailbag_clear(struct user_mailbag *mailbag)
{
    free(mailbag->items);
    memset(mailbag, 0, sizeof *mailbag);
}

/* ---- the next sweep ---- */

struct again {
    const char *mailbag;
    struct store_mailbag row;
    char owner[64];
    bool found;
};

static int find_mailbag(void *context, const struct store_mailbag *mailbag)
{
    struct again *again = context;

    if (strcasecmp(mailbag->mailbag, again->mailbag) != 0)
        return 0;
    again->found = true;
    again->row = *mailbag;
    snprintf(again->owner, sizeof again->owner, "%s", mailbag->owner);
    return 1;
}

int user_look_again(struct store *store, const struct settings *settings,
                    const struct user_pick *pick, const char *mailbag, struct error *err)
{
    for (size_t i = 0; i < settings->postoffice_count; i++) {
        const struct settings_postoffice *postoffice = &settings->postoffices[i];
        struct again again = {.mailbag = mailbag};

        if (strcasecmp(postoffice->name, pick->postoffice->name) != 0)
            continue;
        if (store_list_mailbags(store, postoffice->title, find_mailbag, &again, err) != 0)
            return -1;
        again.row.title = postoffice->title;
        again.row.mailbag = mailbag;
        again.row.owner = again.owner;
        again.row.stamp = "";
        if (again.found && store_put_mailbag(store, &again.row, err) != 0)
            return -1;
    }
    return 0;
}
