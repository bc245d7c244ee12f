/* SPDX-License-Identifier: BSD-2-Clause */
/* Addresses of MS Mail and of SMTP. */
#ifndef MESSAGE_ADDRESS_H
#define MESSAGE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"

#define ADDRESS_SMTP_MAX 320

/* True for an ASCII addr-spec that may be written in a MAIL or RCPT command: local part of at most
 * 64 octets (dot-atom or quoted string without controls), "@", a domain of at most 255. */
bool address_smtp_valid(const char *text);

/* "NET/PO" of "NET/PO/BOX" equals POSTOFFICE, ASCII case aside. */
bool address_on_postoffice(const char *address, const char *postoffice);

/* ADDRESS lies on the queue NAME, case aside: "NAME/anything" (NAME is "NET/PO", or a network's),
 * and for a GATEWAY "NAME:anything" as well. */
bool address_in_queue(const char *address, const char *name, bool gateway);

/* True when ADDRESS is typed: letters, digits or '*' before the first ':' and no '/' before it.
 * Copies the type in upper case ("SMTP") into TYPE (SIZE octets) and points *VALUE behind ':'. */
bool address_typed(const char *address, char *type, size_t size, const char **value);

/* Removes a "CSI:" or "MS:" prefix (any case): native addresses have no type. */
const char *address_native(const char *address);

/*
 * IMCEA encapsulation ([MS-OXCMAIL] 2.1.3.1.8): "IMCEAMS-NET_PO_USER@DOMAIN" for a native address,
 * "IMCEA<TYPE>-<value>@DOMAIN" for a typed one; '/' becomes '_', other octets than letters, digits,
 * '-' and '=' become "+HH". -1 with ERROR_DATA when it would not fit OUT.
 */
int address_encapsulate(const char *address, const char *domain, char *out, size_t size,
                        struct error *err) WARN_UNUSED;

/*
 * The way back: true when SMTP is a well-formed encapsulated address in DOMAIN, which has to be
 * ours
 * ([MS-OXCMAIL] 2.2.3.1.2; of a foreign domain it would make us an open relay, Q237927). OUT gets
 * "NET/PO/USER" for the type MS, else "TYPE:value", without controls. Prefix, type and hexadecimal
 * digits are taken in any case.
 */
bool address_decapsulate(const char *smtp, const char *domain, char *out, size_t size);

/* As strcmp, without case: of ASCII, and of the letters of code page 850 in what is no ASCII
 * (Q103421, Q119527). */
int address_compare(const char *one, const char *other);

#endif
