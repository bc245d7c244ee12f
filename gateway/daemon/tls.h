/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS of the relay: TLS 1.2 or later; the server's chain and name are verified, or its certificate
 * is pinned. There is no setting that switches both off. */
#ifndef DAEMON_TLS_H
#define DAEMON_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/settings.h"

struct tls;

/* ERROR_SETUP: CA file or pin unusable. */
int tls_new(struct tls **out, const struct settings_relay *settings, struct error *err) WARN_UNUSED;
void tls_free(struct tls *tls); /* NULL is allowed */

/* A client connection to HOST (name to verify unless the settings give one). NULL: no memory. The
 * caller's: SSL_free, or what takes it over. */
SSL *tls_connection(struct tls *tls, const char *host);

/* After the handshake: 0 when the peer is who it should be. With a pin the certificate must be that
 * one; without, OpenSSL has verified chain and name and this only checks that it did. */
int tls_check_peer(const struct tls *tls, SSL *ssl, struct error *err) WARN_UNUSED;

/* The handshake was given up because of the peer's certificate: nothing that passes by itself. */
bool tls_refused_certificate(const SSL *ssl); /* NULL is allowed */

/* Why the last handshake failed: verification result or library error, for people. */
void tls_failure_text(SSL *ssl, char *out, size_t size);

/* "TLSv1.3 TLS_AES_256_GCM_SHA384" and "CN=..., valid until 2027-01-01". */
void tls_describe(SSL *ssl, char *session, size_t session_size, char *certificate,
                  size_t certificate_size);

#endif
