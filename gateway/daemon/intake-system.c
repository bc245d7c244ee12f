/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mail that programs write to each other: directory synchronization (Q162841, Q125511), address
 * lists (Q112879), what two clients of one user leave (Q117648), and messages of a class "IPC."
 * (interprocess communication), which no reader shows. It is nobody's mail; to relay it, or to
 * answer it, does harm.
 */
#include "config.h"

#include "daemon/intake-int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "postoffice/access2.h"

/* The name behind the last slash of an address. */
static const char *mailbox_of(const char *address)
{
    const char *slash = strrchr(address, '/');

    return slash != NULL ? slash + 1 : address;
}

static const char *system_name(const struct message *message)
{
    for (size_t i = 0; i < message->address_count; i++) {
        const char *name = access2_program(mailbox_of(message->addresses[i].text));

        if (name != NULL)
            return name;
    }
    return NULL;
}

/* The class is known when the message has been read. */
static bool find_reason(const struct item *item, const struct prepared *prepared, char *reason,
                        size_t size)
{
    const char *name = system_name(item->message);
    bool program = prepared->class != NULL && strncasecmp(prepared->class, "IPC.", 4) == 0;

    if (name != NULL)
        snprintf(reason, size, "mail of the postoffice's programs: %s", name);
    else if (program)
        snprintf(reason, size, "mail of programs: class %.80s", prepared->class);
    return name != NULL || program;
}

static void remove_item(struct sweep *sweep, const struct item *item, const char *reason)
{
    struct relaylog_event event = {
        .event = "system-removed",
        .po = sweep->postoffice->name,
        .mailbag = item->place.mailbag,
        .mai = sweep_place_name(&item->place),
        .rcpt = item->owner,
        .reason = reason,
        .delay_ms = -1,
    };

    relaylog_write(sweep->intake->log, clock_now_ms(), &event);
    sweep->dropped++;
    look_set_fate(sweep, item, LOOK_PENDING);
    door_accept(sweep->door, item);
}

bool system_mail(struct sweep *sweep, struct item *item, struct prepared *prepared)
{
    const struct intake *intake = sweep->intake;
    char reason[SYSTEM_REASON_SIZE];

    if (!find_reason(item, prepared, reason, sizeof reason))
        return false;
    if (sweep->postoffice->system_mail == SYSTEM_REMOVE && !intake->dry_run && !intake->read_only) {
        remove_item(sweep, item, reason);
        return true;
    }
    if (!item->removable) {
        memcpy(prepared->held, reason, sizeof reason);
        return false;
    }
    sweep->left++;
    remain_note(sweep, &item->place, "system", reason);
    look_set_fate(sweep, item, LOOK_ACCOUNTED);
    return true;
}
