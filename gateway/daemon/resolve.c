/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/resolve.h"

#include <string.h>
#include <strings.h>

#include "message/address.h"

static const char *typed_smtp_value(const char *address)
{
    char type[16];
    const char *value;

    if (address_typed(address, type, sizeof type, &value) && strcmp(type, "SMTP") == 0 &&
        address_smtp_valid(value))
        return value;
    return NULL;
}

const char *resolve_recipient(const struct map *map, bool typed_smtp, const char *address)
{
    const struct map_entry *entry = map_find(map, address);

    if (entry != NULL)
        return entry->active ? entry->smtp : NULL;
    return typed_smtp ? typed_smtp_value(address) : NULL;
}

static bool is_postmaster(const char *address)
{
    const char *box = strrchr(address, '/');

    return strcasecmp(box != NULL ? box + 1 : address, "POSTMASTER") == 0;
}

const char *resolve_sender(const struct settings *settings, const struct map *map,
                           const struct message *message)
{
    const struct message_address *from = message_from(message);
    const struct map_entry *entry;
    const char *value;

    if (from != NULL && is_postmaster(from->text))
        return "";
    if (settings->envelope_sender != NULL)
        return settings->envelope_sender;
    if (from == NULL)
        return settings->postmaster;
    entry = map_find(map, from->text);
    if (entry != NULL && entry->active)
        return entry->smtp;
    value = typed_smtp_value(from->text);
    return value != NULL ? value : settings->postmaster;
}
