/* SPDX-License-Identifier: BSD-2-Clause */
/* Which SMTP address a recipient or the originator of an item gets. */
#ifndef DAEMON_RESOLVE_H
#define DAEMON_RESOLVE_H

#include <stdbool.h>

#include "daemon/settings.h"
#include "message/lookup.h"
#include "message/message.h"

/* What the settings say about addresses of POSTOFFICE: for recipients, and for headers and senders.
 * All is borrowed. */
struct lookup_options resolve_recipient_options(const struct settings *settings,
                                                const struct settings_postoffice *postoffice,
                                                const struct map *map);
struct lookup_options resolve_header_options(const struct settings *settings,
                                             const struct settings_postoffice *postoffice,
                                             const struct map *map);

/* The address to relay ADDRESS (a message_address text) to, or NULL when it stays: what
 * lookup_recipient finds, else, for POSTMASTER and ADMIN (Q164464, Q175447) without a line of their
 * own, the settings' postmaster. Borrowed from OUT or SETTINGS. */
const char *resolve_recipient(const struct settings *settings,
                              const struct settings_postoffice *postoffice, const struct map *map,
                              const char *address, struct lookup *out);

/* NET/PO/POSTMASTER or NET/PO/ADMIN. */
bool resolve_is_role(const char *address);

/* Mail to SMTP would come back: its domain is the gateway's or is routed to MS Mail, or it
 * encapsulates an address of MS Mail. */
bool resolve_comes_back(const struct settings *settings, const char *smtp);

/* Whom to tell when MESSAGE fails or is late: the originator's SMTP address by the map or a rule of
 * it (rewrite-unmapped), or his typed one when mail to such is relayed (typed-smtp). NULL: nobody,
 * because he has no mailbox there, or is a POSTMASTER. Borrowed from OUT. */
const char *resolve_originator(const struct settings *settings,
                               const struct settings_postoffice *postoffice, const struct map *map,
                               const struct message *message, struct lookup *out);

/* Envelope sender: the settings' fixed one; "" for mail of POSTMASTER, which must not be answered
 * by reports (Q98067); the originator's mapped, ruled or typed address; else the postmaster's.
 * Borrowed from OUT or SETTINGS. */
const char *resolve_sender(const struct settings *settings,
                           const struct settings_postoffice *postoffice, const struct map *map,
                           const struct message *message, struct lookup *out);

#endif
