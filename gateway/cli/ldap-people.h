/* SPDX-License-Identifier: BSD-2-Clause */
/* People of an Active Directory, by LDAP, for an import. Never used while mail is relayed. */
#ifndef CLI_LDAP_PEOPLE_H
#define CLI_LDAP_PEOPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/import.h"

struct ldap_source {
    const char *server;        /* "ldap://host:port" or "ldaps://host:port" */
    const char *base;          /* distinguished name that the search begins at */
    const char *user;          /* simple bind; NULL: anonymous */
    const char *password_file; /* as secret_read */
    const char *ca_file;       /* NULL: the system's */
    bool starttls;
    const char *const *postoffices; /* NET/PO: people with an address there; none: with any */
    size_t postoffice_count;
    unsigned page;      /* people a page */
    unsigned timeout_s; /* for one answer of the server */
};

/*
 * Gives everybody with a proxy address "MS:..." or "MIGRATE:MS:..." to IMPORT. A password crosses a
 * network by TLS only. ERROR_SETUP: the source; ERROR_SOFT: the server did not answer in time, or
 * went away, and IMPORT is not to be used. SEEN (may be NULL) is called after each page; TOTAL is
 * what the server expects, 0 when it does not tell.
 */
int ldap_people(struct import *import, const struct ldap_source *source,
                void (*seen)(void *context, size_t people, size_t total), void *context,
                struct error *err) WARN_UNUSED;

#endif
