/* SPDX-License-Identifier: BSD-2-Clause */
/* Who gets an item: the recipients that its queue means, each once. */
#include "config.h"

#include "daemon/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/resolve.h"
#include "message/address.h"

struct preparing {
    struct prepared *prepared;
    const struct intake *intake;
    const struct settings_postoffice *postoffice;
    struct groups *groups;
};

static int no_memory(struct error *err)
{
    return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for the recipients of a message");
}

static void clear_recipient(struct prepared_recipient *recipient)
{
    free(recipient->address);
    free(recipient->why);
}

void prepared_clear_recipients(struct prepared *prepared)
{
    for (size_t i = 0; i < prepared->recipient_count; i++)
        clear_recipient(&prepared->recipients[i]);
    free(prepared->recipients);
    groups_names_free(prepared->names, prepared->name_count);
    prepared->recipients = NULL;
    prepared->names = NULL;
    prepared->recipient_count = prepared->name_count = 0;
}

/* ---- each once ---- */

typedef int compare_recipients(const void *one, const void *other);

static int by_original(const void *a, const void *b)
{
    const struct prepared_recipient *left = a, *right = b;

    return address_compare(left->original, right->original);
}

/* Those without an address come last; each of them is somebody else. */
static int by_address(const void *a, const void *b)
{
    const struct prepared_recipient *left = a, *right = b;

    if (left->address == NULL || right->address == NULL)
        return left->address != NULL ? -1 : right->address != NULL ? 1 : by_original(a, b);
    return strcasecmp(left->address, right->address);
}

static void drop_equal(struct prepared *prepared, compare_recipients *compare)
{
    size_t kept = 0;

    if (prepared->recipient_count != 0)
        qsort(prepared->recipients, prepared->recipient_count, sizeof *prepared->recipients,
              compare);
    for (size_t i = 0; i < prepared->recipient_count; i++) {
        struct prepared_recipient *recipient = &prepared->recipients[i];

        if (kept != 0 && compare(&prepared->recipients[kept - 1], recipient) == 0)
            clear_recipient(recipient);
        else
            prepared->recipients[kept++] = *recipient;
    }
    prepared->recipient_count = kept;
}

/* ---- addresses ---- */

static int resolve(const struct preparing *preparing, struct prepared_recipient *recipient,
                   struct error *err)
{
    struct lookup found;
    const char *address = resolve_recipient(preparing->intake->settings, preparing->postoffice,
                                            preparing->intake->map, recipient->original, &found);

    recipient->pending = found.kind == LOOKUP_PENDING;
    recipient->person = found.person;
    if (address == NULL)
        return 0;
    recipient->address = strdup(address);
    return recipient->address != NULL ? 0 : no_memory(err);
}

/* ---- groups ---- */

/* Members in the place of recipient INDEX; NAMES are taken over. */
static int put_members(const struct preparing *preparing, size_t index, char **names, size_t count,
                       struct error *err)
{
    struct prepared *prepared = preparing->prepared;
    size_t total = prepared->recipient_count + count - 1;
    struct prepared_recipient *room =
        reallocarray(prepared->recipients, total + 1, sizeof *prepared->recipients);
    char **kept = reallocarray(prepared->names, prepared->name_count + count, sizeof *kept);

    if (room != NULL)
        prepared->recipients = room;
    if (kept != NULL)
        prepared->names = kept;
    if (room == NULL || kept == NULL) {
        groups_names_free(names, count);
        return no_memory(err);
    }
    clear_recipient(&room[index]);
    room[index] = room[prepared->recipient_count - 1];
    prepared->recipient_count--;
    for (size_t i = 0; i < count; i++) {
        struct prepared_recipient *member = &room[prepared->recipient_count++];

        *member = (struct prepared_recipient){.original = names[i]};
        kept[prepared->name_count++] = names[i];
    }
    free(names);
    for (size_t i = prepared->recipient_count - count; i < prepared->recipient_count; i++)
        if (resolve(preparing, &room[i], err) != 0)
            return -1;
    return 0;
}

/* 1: members are in the place of recipient INDEX. 0: it stays, perhaps with a reason. */
static int expand(const struct preparing *preparing, size_t index, struct error *err)
{
    struct prepared_recipient *recipient = &preparing->prepared->recipients[index];
    char **names = NULL;
    size_t count = 0;
    struct error trouble = {0};
    int status = groups_expand(preparing->groups, recipient->original, &names, &count, &trouble);

    if (status < 0 && trouble.class == ERROR_SOFT) {
        if (err != NULL)
            *err = trouble;
        return -1;
    }
    if (status == 1 && count != 0 &&
        preparing->prepared->recipient_count + count <= MESSAGE_MAX_ADDRESSES)
        return put_members(preparing, index, names, count, err) == 0 ? 1 : -1;
    if (status == 1)
        groups_names_free(names, count);
    if (status == 1)
        error_set(&trouble, ERROR_DATA, "5.1.1", count == 0 ? "no local members" : "too many");
    if (status != 0 && asprintf(&recipient->why, "a group: %s", trouble.text) < 0) {
        recipient->why = NULL;
        return no_memory(err);
    }
    return 0;
}

/* A MEM file has no groups in it (Q87396), so that members are not taken apart again. */
static int expand_groups(const struct preparing *preparing, struct error *err)
{
    struct prepared *prepared = preparing->prepared;

    for (size_t i = 0, left = prepared->recipient_count; left > 0; left--) {
        const struct prepared_recipient *recipient = &prepared->recipients[i];
        int status = 0;

        if (recipient->address == NULL && !recipient->pending)
            status = expand(preparing, i, err);
        if (status < 0)
            return -1;
        i += status == 0;
    }
    return 0;
}

/* ---- all of them ---- */

/* In an archive nobody is left out: who has no address is named as MS Mail does. */
static int keep_all(struct prepared *prepared, struct error *err)
{
    for (size_t i = 0; i < prepared->recipient_count; i++) {
        struct prepared_recipient *recipient = &prepared->recipients[i];

        if (recipient->address == NULL)
            recipient->address = strdup(recipient->original);
        if (recipient->address == NULL)
            return no_memory(err);
    }
    return 0;
}

static int fill(struct prepared *prepared, const struct item *item, struct error *err)
{
    size_t count = item->owner != NULL ? 1 : item->recipient_count;

    memset(prepared, 0, sizeof *prepared);
    prepared->item = item;
    prepared->recipients = calloc(count + 1, sizeof *prepared->recipients);
    if (prepared->recipients == NULL)
        return no_memory(err);
    prepared->recipient_count = count;
    for (size_t i = 0; i < count; i++)
        prepared->recipients[i].original =
            item->owner != NULL ? item->owner : item->message->addresses[item->recipients[i]].text;
    return 0;
}

int prepare_recipients(struct prepared *prepared, const struct intake *intake,
                       const struct settings_postoffice *postoffice, struct groups *groups,
                       const struct item *item, struct error *err)
{
    const struct preparing preparing = {prepared, intake, postoffice, groups};

    if (fill(prepared, item, err) != 0)
        return -1;
    drop_equal(prepared, by_original);
    for (size_t i = 0; i < prepared->recipient_count; i++)
        if (resolve(&preparing, &prepared->recipients[i], err) != 0)
            return -1;
    if (item->owner == NULL && groups != NULL && expand_groups(&preparing, err) != 0)
        return -1;
    if (intake->archive && keep_all(prepared, err) != 0)
        return -1;
    /* Two names of one person, or a list and himself, are one copy (Q143375, Q216476). */
    drop_equal(prepared, by_original);
    drop_equal(prepared, by_address);
    for (size_t i = 0; i < prepared->recipient_count; i++)
        prepared->mapped += prepared->recipients[i].address != NULL;
    return 0;
}
