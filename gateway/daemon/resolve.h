/* SPDX-License-Identifier: BSD-2-Clause */
/* Which SMTP address a recipient or the originator of an item gets. */
#ifndef DAEMON_RESOLVE_H
#define DAEMON_RESOLVE_H

#include <stdbool.h>

#include "daemon/settings.h"
#include "message/map.h"
#include "message/message.h"

/* The address to relay ADDRESS (a message_address text) to, or NULL when it stays: an active entry
 * of MAP, else the value of "SMTP:user@host" when TYPED_SMTP. Borrowed from MAP or ADDRESS. */
const char *resolve_recipient(const struct map *map, bool typed_smtp, const char *address);

/* Envelope sender: the settings' fixed one; "" for mail of POSTMASTER, which must not be answered
 * by reports (Q98067); the originator's mapped or typed address; else the postmaster's. Borrowed. */
const char *resolve_sender(const struct settings *settings, const struct map *map,
                           const struct message *message);

#endif
