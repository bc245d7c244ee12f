/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIN_SIZE 32

struct tls {
    SSL_CTX *context;
    const struct settings_relay *settings; /* borrowed */
};

static int setup_failed(struct error *err, const char *what, const char *file)
{
    unsigned long code = ERR_get_error();
    char reason[128];

    ERR_error_string_n(code, reason, sizeof reason);
    ERR_clear_error();
    return error_set(err, ERROR_SETUP, "", "relay: %s %s: %s", what, file,
                     code != 0 ? reason : "unknown reason");
}

/* A pinned certificate stands for itself: neither chain nor name are asked then. */
static int set_verification(struct tls *tls, struct error *err)
{
    const struct settings_relay *settings = tls->settings;

    if (settings->pin != NULL) {
        SSL_CTX_set_verify(tls->context, SSL_VERIFY_NONE, NULL);
        return 0;
    }
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    if (settings->ca_file != NULL) {
        if (SSL_CTX_load_verify_locations(tls->context, settings->ca_file, NULL) != 1)
            return setup_failed(err, "cannot use ca-file", settings->ca_file);
    } else if (SSL_CTX_set_default_verify_paths(tls->context) != 1) {
        return setup_failed(err, "cannot use the system's certificates", "");
    }
    return 0;
}

int tls_new(struct tls **out, const struct settings_relay *settings, struct error *err)
{
    struct tls *tls = calloc(1, sizeof *tls);

    if (tls == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for TLS");
    tls->settings = settings;
    tls->context = SSL_CTX_new(TLS_client_method());
    if (tls->context == NULL || SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) != 1) {
        setup_failed(err, "cannot start TLS", "");
        tls_free(tls);
        return -1;
    }
    SSL_CTX_set_options(tls->context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(tls->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (set_verification(tls, err) != 0) {
        tls_free(tls);
        return -1;
    }
    *out = tls;
    return 0;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

static bool is_address(const char *host)
{
    unsigned char binary[sizeof(struct in6_addr)];

    return inet_pton(AF_INET, host, binary) == 1 || inet_pton(AF_INET6, host, binary) == 1;
}

static int expect_name(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    char copy[TLSEXT_MAXLEN_host_name + 1]; /* OpenSSL's macro drops const */

    if (is_address(name))
        return X509_VERIFY_PARAM_set1_ip_asc(param, name);
    if (snprintf(copy, sizeof copy, "%s", name) >= (int)sizeof copy)
        return 0;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, copy) == 1;
}

SSL *tls_connection(struct tls *tls, const char *host)
{
    const char *name = tls->settings->server_name != NULL ? tls->settings->server_name : host;
    SSL *ssl = SSL_new(tls->context);

    if (ssl == NULL)
        return NULL;
    if (expect_name(ssl, name) != 1) {
        SSL_free(ssl);
        return NULL;
    }
    return ssl;
}

static int check_pin(const char *pin, X509 *certificate, struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[2 * PIN_SIZE + 1];
    unsigned size = 0;

    if (X509_digest(certificate, EVP_sha256(), digest, &size) != 1 || size != PIN_SIZE)
        return error_set(err, ERROR_SETUP, "4.7.5", "cannot take the certificate's fingerprint");
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    if (strcasecmp(text, pin) != 0)
        return error_set(err, ERROR_SETUP, "4.7.5",
                         "the server's certificate is not the pinned one; its SHA-256 is %s", text);
    return 0;
}

int tls_check_peer(const struct tls *tls, SSL *ssl, struct error *err)
{
    X509 *certificate = SSL_get1_peer_certificate(ssl);
    long result = SSL_get_verify_result(ssl);
    int status = 0;

    if (certificate == NULL)
        return error_set(err, ERROR_SETUP, "4.7.5", "the server showed no certificate");
    if (tls->settings->pin != NULL)
        status = check_pin(tls->settings->pin, certificate, err);
    else if (result != X509_V_OK)
        status = error_set(err, ERROR_SETUP, "4.7.5", "the server's certificate: %s",
                           X509_verify_cert_error_string(result));
    X509_free(certificate);
    return status;
}

bool tls_refused_certificate(const SSL *ssl)
{
    return ssl != NULL && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE &&
           SSL_get_verify_result(ssl) != X509_V_OK;
}

void tls_failure_text(SSL *ssl, char *out, size_t size)
{
    unsigned long code = ERR_get_error();
    long result = SSL_get_verify_result(ssl);
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;

    ERR_clear_error();
    if (result != X509_V_OK)
        snprintf(out, size, "TLS: the server's certificate: %s",
                 X509_verify_cert_error_string(result));
    else
        snprintf(out, size, "TLS: the handshake failed: %s",
                 reason != NULL ? reason : "the server ended it");
}

static void describe_certificate(X509 *certificate, char *out, size_t size)
{
    char subject[128] = "";
    struct tm until;
    char date[16] = "";

    X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject);
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) == 1)
        strftime(date, sizeof date, "%Y-%m-%d", &until);
    snprintf(out, size, "%s, valid until %s", subject, date);
}

void tls_describe(SSL *ssl, char *session, size_t session_size, char *certificate,
                  size_t certificate_size)
{
    X509 *peer = SSL_get1_peer_certificate(ssl);

    snprintf(session, session_size, "%s %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl));
    if (certificate_size == 0)
        return;
    certificate[0] = '\0';
    if (peer != NULL)
        describe_certificate(peer, certificate, certificate_size);
    X509_free(peer);
}
