/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One SASL exchange as a client (RFC 4954), by Cyrus SASL: lines without CR LF go to the server,
 * texts of its 334 replies come in. Mechanisms that send the password are used under TLS only.
 */
#ifndef SMTP_AUTH_H
#define SMTP_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"

#define AUTH_STEPS_LIMIT 64
#define AUTH_LINE_LIMIT 12288 /* RFC 4954 4 */

/* Cyrus SASL is process-wide: initialize it once (again does nothing) before auth_new and from the
 * thread that uses it; ERROR_SETUP. */
int auth_initialize(struct error *err) WARN_UNUSED;
void auth_shutdown(void);

struct auth;

struct auth_settings {
    const char *server; /* host name for mechanisms that name the service */
    const char *user;
    const char *password;
    const char *const *mechanisms; /* allowed ones, strongest first; NULL: the default order */
    size_t mechanism_count;
    bool plain; /* TLS is on, or tests: PLAIN and LOGIN are allowed */
};

/* The default order: SCRAM (SHA-512, SHA-256, SHA-1), CRAM-MD5, NTLM, PLAIN, LOGIN. */
const char *const *auth_default_mechanisms(size_t *count);

/* Starts with the first allowed mechanism that is in OFFERED (names between blanks, any case) and
 * that Cyrus SASL has. The password is copied and wiped by auth_free. ERROR_SETUP: none fits; the
 * text lists what was offered and what is allowed. */
int auth_new(struct auth **out, const struct auth_settings *settings, const char *offered,
             struct error *err) WARN_UNUSED;
void auth_free(struct auth *auth);

const char *auth_mechanism(const struct auth *auth);

/* Appends the AUTH command. With the initial response when the mechanism has one that fits a line
 * of 512 octets; not for NTLM, where [MS-SMTPNTLM] begins with the command alone. */
int auth_command(struct auth *auth, struct buf *line, struct error *err) WARN_UNUSED;

/* Appends the answer to "334 CHALLENGE". A first CHALLENGE that nobody waits for ("NTLM
 * supported") is not looked at. ERROR_SETUP: the server talks nonsense or is not who it should be,
 * or there were too many steps. */
int auth_step(struct auth *auth, const char *challenge, struct buf *line,
              struct error *err) WARN_UNUSED;

/* The server accepted us. -1 (ERROR_SETUP): too early, it did not prove what it has to. */
int auth_accepted(struct auth *auth, struct error *err) WARN_UNUSED;

/* Replaces what was said in the exchange by '*' in TEXT (a reply that quotes us). */
void auth_redact(const struct auth *auth, char *text);

#endif
