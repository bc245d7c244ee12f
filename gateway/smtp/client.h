/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SMTP client protocol (RFC 5321, 2920, 3030, 1870, 6152, 2034, 3207, 3461, 4954) as a state
 * machine without I/O: octets in, octets out, events. The caller owns socket, TLS and clock.
 *
 *   caller: smtp_client_input(received octets) -> smtp_client_event() until SMTP_NOTHING
 *           -> write all of smtp_client_output(), dropping with buf_consume what was written
 *
 * Output must be dropped before the next input is given, as far as it was handed to the socket: a
 * reply to a command that is still in the output is a protocol error.
 *
 * Up to PIPELINE messages may be given ahead; replies are matched in order. One flight is one
 * piece of output. With CHUNKING whole messages follow each other without waiting: what is refused
 * in the middle is refused to that message alone, because RSET stands before the next MAIL. Without
 * it MAIL of the next message is in the flight of the final dot. Nothing that arrives can make it
 * send AUTH in clear text or mail before the session is ready. Any octet that arrives between the
 * 220 to STARTTLS and the handshake is an injection: the session fails.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/error.h"
#include "smtp/outcome.h"

struct smtp_client;

enum smtp_tls { SMTP_TLS_NONE, SMTP_TLS_STARTTLS, SMTP_TLS_IMPLICIT };

/* How content goes to a server that offers CHUNKING. */
enum smtp_chunking {
    SMTP_CHUNKING_OFF,   /* by DATA */
    SMTP_CHUNKING_TRY,   /* by BDAT; until one was accepted, content waits for the replies to its
                            envelope and nothing goes behind it */
    SMTP_CHUNKING_WORKS, /* by BDAT, which this server has taken before */
};

struct smtp_settings {
    const char *helo;              /* FQDN or address literal */
    enum smtp_tls tls;             /* STARTTLS: required, its absence is a failure of SCOPE_HOST */
    const char *server;            /* name for SASL */
    const char *user;              /* NULL: no AUTH */
    const char *password;          /* borrowed for the life of the client; wiped by its owner */
    const char *const *mechanisms; /* allowed ones, strongest first; NULL: the default order */
    size_t mechanism_count;
    bool plain_without_tls; /* tests on loopback only: PLAIN and LOGIN without TLS */
    unsigned pipeline;      /* messages in flight, 1..; used only when the server has PIPELINING */
    enum smtp_chunking chunking;
};

/* Settings and all strings but the password are copied. */
int smtp_client_new(struct smtp_client **out, const struct smtp_settings *settings,
                    struct error *err) WARN_UNUSED;
void smtp_client_free(struct smtp_client *client);

enum smtp_event_type {
    SMTP_NOTHING,      /* give more input */
    SMTP_START_TLS,    /* output is empty and input ended exactly here: do the handshake, then
                          smtp_client_tls_started. With SMTP_TLS_IMPLICIT the first event */
    SMTP_READY,        /* once: greeting, TLS and AUTH are done; mail may be given */
    SMTP_WANT_CONTENT, /* give the content of mail TAG: smtp_client_content .. _content_end. When
                          SMTP_MAIL_DONE comes in between, no more of it is wanted */
    SMTP_RECIPIENT,    /* OUTCOME for recipient INDEX of mail TAG */
    SMTP_MAIL_DONE,    /* mail TAG is over: all its recipients had their outcome */
    SMTP_FAILED,       /* session is over with OUTCOME. Mails that are not done had no outcome for
                          their remaining recipients: smtp_client_unfinished tells the doubt. The
                          output may hold a QUIT: write it, await nothing, close */
    SMTP_CLOSED,       /* QUIT was answered, or the server closed an idle session (OUTCOME) */
};
struct smtp_event {
    enum smtp_event_type type;
    uint64_t tag;
    size_t index;
    struct smtp_outcome outcome;
};

/* The connection stands: from SMTP_STATE_CONNECT on to the greeting or, with SMTP_TLS_IMPLICIT, to
 * the handshake. */
void smtp_client_connected(struct smtp_client *client);
/* Octets from the server. Never fails: a protocol error is an event. */
void smtp_client_input(struct smtp_client *client, const void *data, size_t size);
/* The server closed or reset the connection, or the handshake failed (TEXT says so). */
void smtp_client_lost(struct smtp_client *client, enum smtp_scope scope, const char *text);
/* smtp_client_time_limit_ms passed. */
void smtp_client_time_out(struct smtp_client *client);
/* Nothing was heard from the server for a while: the next content waits for a reply to its
 * envelope, so that a connection that is dead leaves no doubt. */
void smtp_client_wary(struct smtp_client *client);
void smtp_client_tls_started(struct smtp_client *client);

/* The next event, in order. */
void smtp_client_event(struct smtp_client *client, struct smtp_event *out);

/* Octets to send: the caller writes them and drops them with buf_consume. */
struct buf *smtp_client_output(struct smtp_client *client);

#define SMTP_RECIPIENTS_LIMIT 1000

struct smtp_mail {
    uint64_t tag;
    const char *sender; /* "" is the null sender */
    const char *const *recipients;
    size_t recipient_count;
    uint64_t size;  /* of its content, exactly: for SIZE= and BDAT */
    bool eight_bit; /* BODY=8BITMIME when offered; when not offered: ACTION_FAIL 5.6.3 */
    const char *envelope_id; /* not NULL: ask for reports of success, delay and failure with this
                              * ENVID, when DSN is offered (RFC 3461) */
};
/* True when another mail may be given now. */
bool smtp_client_can_mail(const struct smtp_client *client);
/* Strings are copied. An address that is not valid for a command gets ACTION_FAIL without being
 * sent. Larger than the server's SIZE: ACTION_FAIL 5.3.4 for all. -1 (ERROR_SOFT): no room now,
 * or not 1..SMTP_RECIPIENTS_LIMIT recipients. */
int smtp_client_mail(struct smtp_client *client, const struct smtp_mail *mail,
                     struct error *err) WARN_UNUSED;
/* Content after SMTP_WANT_CONTENT, in pieces: CR LF line ends; dot-stuffed here for DATA, while
 * each piece is one BDAT. A bare CR or LF or a NUL is refused with ERROR_DATA (then call
 * _content_abort), and so is more than SIZE with BDAT. Write the output away after each piece of at
 * most 64 KiB: more than 1 MiB waiting there is refused with ERROR_SOFT. */
int smtp_client_content(struct smtp_client *client, const void *data, size_t size,
                        struct error *err) WARN_UNUSED;
/* Appends the final dot (and CR LF before it if missing). With BDAT: that was all; ERROR_DATA when
 * it was not SIZE. */
int smtp_client_content_end(struct smtp_client *client, struct error *err) WARN_UNUSED;
/* The content cannot be read. With DATA the session must be dropped without the dot: SMTP_FAILED
 * with SCOPE_MESSAGE. With BDAT the transaction is given up and the session goes on: that is the
 * outcome of its recipients. */
void smtp_client_content_abort(struct smtp_client *client, const char *text);

/* Ends the session when idle: QUIT after the mails already given (and not before SMTP_READY). */
void smtp_client_quit(struct smtp_client *client);

enum smtp_state smtp_client_state(const struct smtp_client *client);
/* RFC 5321 4.5.3.2 time limit of the present state, or 0 when nothing is awaited. */
int64_t smtp_client_time_limit_ms(const struct smtp_client *client);
/* How many replies were taken. When this changes, or output was written, the time limit begins
 * anew: octets of a reply that is not complete do not count. */
uint64_t smtp_client_replies(const struct smtp_client *client);
/* Divides all time limits for tests (1: as in the RFC). */
void smtp_client_scale_time(struct smtp_client *client, unsigned divisor);

/* Mail that was not done when the session failed. */
struct smtp_unfinished {
    uint64_t tag;
    bool doubt;                  /* the end of its content may have reached the server */
    struct smtp_outcome outcome; /* of SMTP_FAILED, as it concerns this mail */
};
/* False when there are no more. */
bool smtp_client_unfinished(struct smtp_client *client, struct smtp_unfinished *out);
/* After the end: the last SIZE octets that were taken from the output never left this machine. */
void smtp_client_never_left(struct smtp_client *client, size_t size);

/* OFF when the settings say so, or when this server refused BDAT, did not answer it, or ended the
 * session at the first one; it should get DATA from now on. */
enum smtp_chunking smtp_client_chunking(const struct smtp_client *client);

/* What was negotiated: "PIPELINING SIZE 8BITMIME ...", mechanism used or "". Borrowed. */
const char *smtp_client_extensions(const struct smtp_client *client);
const char *smtp_client_mechanism(const struct smtp_client *client);
uint64_t smtp_client_size_limit(const struct smtp_client *client); /* 0: none */

/* A trace of commands and replies for debugging: AUTH lines and content are replaced. */
typedef void smtp_trace(void *context, bool sent, const char *line);
void smtp_client_set_trace(struct smtp_client *client, smtp_trace *trace, void *context);

#endif
