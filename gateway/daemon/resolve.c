/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/resolve.h"

#include <string.h>
#include <strings.h>

#include "message/address.h"

struct lookup_options resolve_recipient_options(const struct settings *settings,
                                                const struct settings_postoffice *postoffice,
                                                const struct map *map)
{
    return (struct lookup_options){.map = map,
                                   .domain = settings->domain,
                                   .rules = postoffice->rule_recipients,
                                   .typed = postoffice->typed_smtp};
}

struct lookup_options resolve_header_options(const struct settings *settings,
                                             const struct settings_postoffice *postoffice,
                                             const struct map *map)
{
    return (struct lookup_options){
        .map = map, .domain = settings->domain, .rules = postoffice->rewrite_unmapped};
}

/* The mailbox of NET/PO/MAILBOX, or NULL. */
static const char *mailbox_of(const char *address)
{
    const char *box = strrchr(address, '/');

    return box != NULL && strchr(address, ':') == NULL ? box + 1 : NULL;
}

bool resolve_is_role(const char *address)
{
    const char *box = mailbox_of(address);

    return box != NULL && (strcasecmp(box, "POSTMASTER") == 0 || strcasecmp(box, "ADMIN") == 0);
}

const char *resolve_recipient(const struct settings *settings,
                              const struct settings_postoffice *postoffice, const struct map *map,
                              const char *address, struct lookup *out)
{
    struct lookup_options options = resolve_recipient_options(settings, postoffice, map);
    enum lookup_kind kind = lookup_recipient(&options, address, out);

    if (kind == LOOKUP_NONE && resolve_is_role(address_native(address)))
        return settings->postmaster;
    return kind == LOOKUP_NONE || kind == LOOKUP_PENDING ? NULL : out->smtp;
}

static bool is_postmaster(const char *address)
{
    const char *box = strrchr(address, '/');

    return strcasecmp(box != NULL ? box + 1 : address, "POSTMASTER") == 0;
}

const char *resolve_sender(const struct settings *settings,
                           const struct settings_postoffice *postoffice, const struct map *map,
                           const struct message *message, struct lookup *out)
{
    const struct message_address *from = message_from(message);
    struct lookup_options options = resolve_header_options(settings, postoffice, map);
    enum lookup_kind kind;

    if (from != NULL && is_postmaster(from->text))
        return "";
    if (settings->envelope_sender != NULL)
        return settings->envelope_sender;
    if (from == NULL)
        return settings->postmaster;
    kind = lookup_header(&options, from->text, out);
    return kind == LOOKUP_ENTRY || kind == LOOKUP_RULE || kind == LOOKUP_TYPED
               ? out->smtp
               : settings->postmaster;
}

const char *resolve_originator(const struct settings *settings,
                               const struct settings_postoffice *postoffice, const struct map *map,
                               const struct message *message, struct lookup *out)
{
    const struct message_address *from = message_from(message);
    struct lookup_options options = resolve_header_options(settings, postoffice, map);
    enum lookup_kind kind;

    if (from == NULL || is_postmaster(from->text))
        return NULL;
    kind = lookup_header(&options, from->text, out);
    if (kind == LOOKUP_ENTRY || kind == LOOKUP_RULE ||
        (kind == LOOKUP_TYPED && postoffice->typed_smtp))
        return address_smtp_valid(out->smtp) ? out->smtp : NULL;
    return NULL;
}

bool resolve_comes_back(const struct settings *settings, const char *smtp)
{
    const char *at = strrchr(smtp, '@');

    if (at == NULL)
        return false;
    if (strcasecmp(at + 1, settings->hostname) == 0)
        return true;
    for (size_t i = 0; i < settings->routed_domain_count; i++)
        if (strcasecmp(at + 1, settings->routed_domains[i]) == 0)
            return true;
    return strncasecmp(smtp, "IMCEAMS-", 8) == 0;
}
