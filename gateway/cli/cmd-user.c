/* SPDX-License-Identifier: BSD-2-Clause */
/* "user list", and the group of the user commands. */
#include "config.h"

#include "cli/cmd-user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

static const struct output_column columns[] = {
    {"user", "USER", 0},       {"state", "STATE", 0},     {"since", NULL, 0},
    {"since_age", "FOR", 0},   {"mailbag", "MAILBAG", 0}, {"swept", NULL, 0},
    {"live", "LIVE", 0},       {"baseline", NULL, 0},     {"baseline_items", "BASELINE", 0},
    {"waiting", "WAITING", 0}, {"queued", NULL, 0},       {"sending", NULL, 0},
    {"held", NULL, 0},         {"doubtful", NULL, 0},     {"failed", NULL, 0},
    {"sent", "SENT", 0},       {"fault", "FAULT", 0},
};

/* ---- what the sweeps saw ---- */

struct seen_mailbag {
    const char *title; /* of the settings */
    char mailbag[16];
    int64_t swept_ms;
    uint32_t live;
};

struct listing {
    struct cli *cli;
    int64_t now_ms;
    const enum user_state *state; /* NULL: any */
    struct seen_mailbag *mailbags;
    size_t mailbag_count;
    uint64_t shown, faults;
    struct error *err;
    bool failed;
};

static int compare_mailbags(const void *a, const void *b)
{
    const struct seen_mailbag *one = a, *two = b;
    int order = strcasecmp(one->title, two->title);

    return order != 0 ? order : strcasecmp(one->mailbag, two->mailbag);
}

static int keep_mailbag(void *context, const struct store_mailbag *mailbag)
{
    struct listing *listing = context;
    const struct settings_postoffice *postoffice =
        settings_find_postoffice(listing->cli->settings, mailbag->title);
    struct seen_mailbag *grown, *out;

    if (postoffice == NULL)
        return 0; /* of a section that is there no more */
    grown = reallocarray(listing->mailbags, listing->mailbag_count + 1, sizeof *grown);
    if (grown == NULL) {
        listing->failed = true;
        return error_sys(listing->err, ERROR_SOFT, "", "no memory for a list");
    }
    listing->mailbags = grown;
    out = &grown[listing->mailbag_count];
    out->title = postoffice->title;
    snprintf(out->mailbag, sizeof out->mailbag, "%s", mailbag->mailbag);
    out->swept_ms = mailbag->swept_ms;
    out->live = mailbag->live;
    listing->mailbag_count++;
    return 0;
}

/* Of the sections that have this NET/PO, the one that looked last. */
static const struct seen_mailbag *last_look(const struct listing *listing,
                                            const struct store_user *user)
{
    const struct settings *settings = listing->cli->settings;
    const struct seen_mailbag *last = NULL;

    for (size_t i = 0; i < settings->postoffice_count; i++) {
        const struct settings_postoffice *postoffice = &settings->postoffices[i];
        struct seen_mailbag key = {.title = postoffice->title};
        const struct seen_mailbag *found;

        if (strcasecmp(postoffice->name, user->postoffice) != 0 || listing->mailbag_count == 0)
            continue;
        snprintf(key.mailbag, sizeof key.mailbag, "%s", user->mailbag);
        found =
            bsearch(&key, listing->mailbags, listing->mailbag_count, sizeof key, compare_mailbags);
        if (found != NULL && (last == NULL || found->swept_ms > last->swept_ms))
            last = found;
    }
    return last;
}

/* ---- rows ---- */

static void show_mailbag(struct listing *listing, const struct store_user *user)
{
    const struct seen_mailbag *mailbag = last_look(listing, user);
    struct output *out = listing->cli->out;

    output_text(out, user->mailbag);
    output_time(out, mailbag != NULL ? mailbag->swept_ms : 0);
    if (mailbag != NULL)
        output_number(out, mailbag->live);
    else
        output_text(out, NULL);
    output_time(out, user->baseline_ms);
    if (user->baseline_ms != 0)
        output_number(out, user->baseline_items);
    else
        output_text(out, NULL);
}

static void show_counts(struct output *out, const struct store_user_counts *counts)
{
    const uint64_t *recipients = counts->recipients;

    output_number(out, recipients[RECIPIENT_QUEUED] + recipients[RECIPIENT_SENDING] +
                           recipients[RECIPIENT_HELD]);
    output_number(out, recipients[RECIPIENT_QUEUED]);
    output_number(out, recipients[RECIPIENT_SENDING]);
    output_number(out, recipients[RECIPIENT_HELD]);
    output_number(out, counts->doubtful);
    output_number(out, recipients[RECIPIENT_FAILED]);
    output_number(out, recipients[RECIPIENT_SENT]);
}

static int show_user(void *context, const struct store_user *user)
{
    struct listing *listing = context;
    struct output *out = listing->cli->out;
    struct store_user_counts counts;
    char name[256];

    if (listing->state != NULL && *listing->state != user->state)
        return 0;
    snprintf(name, sizeof name, "%s/%s", user->postoffice, user->mailbox);
    if (store_count_user(listing->cli->store, name, &counts, listing->err) != 0) {
        listing->failed = true;
        return 1;
    }
    output_text(out, name);
    output_text(out, user_state_name(user->state));
    output_time(out, user->since_ms);
    output_duration(out, listing->now_ms - user->since_ms);
    show_mailbag(listing, user);
    show_counts(out, &counts);
    output_text(out, user->fault);
    output_row_end(out);
    listing->shown++;
    listing->faults += user->fault[0] != '\0';
    return 0;
}

static int list_users(struct listing *listing, const char *postoffice, struct error *err)
{
    struct cli *cli = listing->cli;
    int result;

    listing->err = err;
    if (store_list_mailbags(cli->store, NULL, keep_mailbag, listing, err) != 0 || listing->failed)
        return -1;
    if (listing->mailbag_count != 0)
        qsort(listing->mailbags, listing->mailbag_count, sizeof *listing->mailbags,
              compare_mailbags);
    output_begin(cli->out, OUTPUT_TABLE, "user", NULL, "no user is being moved", columns,
                 COUNT_OF(columns));
    result = store_list_users(cli->store, postoffice, NULL, show_user, listing, err);
    if (result != 0 || listing->failed)
        output_cut_short(cli->out);
    output_end(cli->out);
    return listing->failed ? -1 : result;
}

static int cmd_user_list(struct cli *cli, int argc, char **argv)
{
    struct cli_flag flags[] = {{"state", true, NULL}, {"postoffice", true, NULL}};
    struct listing listing = {.cli = cli, .now_ms = clock_now_ms()};
    const struct settings_postoffice *postoffice = NULL;
    enum user_state state;
    struct error err;
    int result, status = cli_flags(cli, &argc, &argv, flags, COUNT_OF(flags), 0, 0,
                                   "user list [--state STATE] [--postoffice PO]");

    if (status != 0)
        return status;
    if (flags[0].value != NULL && user_state_parse(flags[0].value, &state) != 0)
        return cli_wrong(CLI_USAGE,
                         "--state %s: not a state; there are baseline, active, draining, closed",
                         flags[0].value);
    listing.state = flags[0].value != NULL ? &state : NULL;
    status = cli_store(cli);
    if (status == 0 && flags[1].value != NULL &&
        (postoffice = cli_postoffice(cli, flags[1].value)) == NULL)
        status = CLI_USAGE;
    if (status != 0)
        return status;
    result = list_users(&listing, postoffice != NULL ? postoffice->name : NULL, &err);
    free(listing.mailbags);
    if (result != 0)
        return cli_fail(&err);
    return listing.faults != 0 ? CLI_WRONG : CLI_DONE;
}

int cmd_user(struct cli *cli, int argc, char **argv)
{
    static const struct cli_verb verbs[] = {
        {"list", cmd_user_list, "[--state STATE] [--postoffice PO]", "who is being moved"},
        {"baseline", cmd_user_baseline, "NET/PO/USER... | --all PO", "what is never relayed"},
        {"activate", cmd_user_activate, "NET/PO/USER... | --all PO", "sweep from now on"},
        {"drain", cmd_user_drain, "NET/PO/USER", "the mailbox is about to be deleted"},
        {"close", cmd_user_close, "NET/PO/USER", "sweep no more"},
    };

    return cli_dispatch(cli, "user", verbs, COUNT_OF(verbs), argc, argv);
}
