/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/lookup.h"

#include <stdio.h>
#include <string.h>

static enum lookup_kind found(struct lookup *out, enum lookup_kind kind, const char *smtp)
{
    if (smtp != NULL)
        snprintf(out->smtp, sizeof out->smtp, "%s", smtp);
    out->kind = kind;
    return kind;
}

static bool is_smtp(const char *address)
{
    char type[16];
    const char *value;

    return address_typed(address, type, sizeof type, &value) && strcmp(type, "SMTP") == 0;
}

/* NULL: ADDRESS is not "SMTP:" and a valid address. */
static const char *typed_value(const char *address)
{
    const char *value = is_smtp(address) ? strchr(address, ':') + 1 : NULL;

    return value != NULL && address_smtp_valid(value) ? value : NULL;
}

static void begin(struct lookup *out)
{
    out->kind = LOOKUP_NONE;
    out->smtp[0] = '\0';
    out->display = "";
    out->person = NULL;
}

static enum lookup_kind look_in_map(const struct lookup_options *options, const char *address,
                                    struct lookup *out)
{
    const struct map_entry *entry = options->map != NULL ? map_find(options->map, address) : NULL;

    if (entry == NULL)
        return LOOKUP_NONE;
    if (!entry->active)
        return found(out, LOOKUP_PENDING, NULL);
    out->display = entry->display;
    out->person = entry->user != NULL ? entry->user : entry;
    return found(out, LOOKUP_ENTRY, entry->smtp);
}

static bool look_for_rule(const struct lookup_options *options, const char *address,
                          struct lookup *out)
{
    return options->rules && options->map != NULL &&
           map_rule_apply(options->map, address, out->smtp, sizeof out->smtp);
}

static enum lookup_kind look_native(const struct lookup_options *options, const char *address,
                                    struct lookup *out)
{
    if (look_in_map(options, address, out) != LOOKUP_NONE)
        return out->kind;
    return look_for_rule(options, address, out) ? found(out, LOOKUP_RULE, NULL) : LOOKUP_NONE;
}

enum lookup_kind lookup_recipient(const struct lookup_options *options, const char *address,
                                  struct lookup *out)
{
    char native[LOOKUP_SMTP_MAX + 1];
    const char *value;

    begin(out);
    address = address_native(address);
    if (look_native(options, address, out) != LOOKUP_NONE)
        return out->kind;
    value = typed_value(address);
    if (value == NULL)
        return LOOKUP_NONE;
    /* Our own encapsulation, come back: sent to ourselves it would only go round. */
    if (options->domain != NULL &&
        address_decapsulate(value, options->domain, native, sizeof native))
        return look_native(options, native, out);
    return options->typed ? found(out, LOOKUP_TYPED, value) : LOOKUP_NONE;
}

enum lookup_kind lookup_header(const struct lookup_options *options, const char *address,
                               struct lookup *out)
{
    const char *value;

    begin(out);
    address = address_native(address);
    if (look_in_map(options, address, out) == LOOKUP_ENTRY)
        return out->kind;
    if (look_for_rule(options, address, out))
        return found(out, LOOKUP_RULE, NULL);
    value = typed_value(address);
    if (value != NULL)
        return found(out, LOOKUP_TYPED, value);
    /* Encapsulated it would come back to us as what it is: no address (Q169671, Q151791). */
    if (is_smtp(address))
        return LOOKUP_NONE;
    if (address_encapsulate(address, options->domain, out->smtp, sizeof out->smtp, NULL) == 0)
        return found(out, LOOKUP_ENCAPSULATED, NULL);
    begin(out);
    return LOOKUP_NONE;
}
