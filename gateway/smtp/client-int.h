/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the client: client.c is what callers see, client-state.c the machine, client-hello.c the
 * opening, client-mail.c the transactions, client-content.c the content. */
#ifndef SMTP_CLIENT_INT_H
#define SMTP_CLIENT_INT_H

#include "smtp/auth.h"
#include "smtp/caps.h"
#include "smtp/client.h"
#include "smtp/dots.h"
#include "smtp/reply.h"

enum recipient_step {
    RECIPIENT_OPEN,     /* no reply yet */
    RECIPIENT_ACCEPTED, /* its outcome is that of DATA or of the dot */
    RECIPIENT_HELD,     /* refused to relay: the meaning depends on the others */
    RECIPIENT_TOLD,     /* its event was given */
};
struct recipient {
    char *address;
    enum recipient_step step;
    struct smtp_outcome *held;
};

/* How far a transaction was sent. */
enum mail_step { MAIL_GIVEN, MAIL_ENVELOPE, MAIL_DATA, MAIL_CONTENT, MAIL_SENT };
struct mail {
    struct mail *next;
    uint64_t tag;
    char *sender;
    struct recipient *recipients;
    size_t recipient_count, told, accepted;
    size_t next_recipient; /* to be sent */
    uint64_t size;
    bool eight_bit;
    bool notify;       /* ask for reports of delivery */
    char *envelope_id; /* "": none; else as it is to be written */
    enum mail_step step;
    unsigned awaited; /* replies */
    bool accepted_sender;
    bool chunked; /* its content goes by BDAT */
    bool done;    /* SMTP_MAIL_DONE was given; replies may still be on the way */
    uint64_t end; /* octet of the whole output behind the end of its content, 0: not yet there */
};

/* A command whose reply is awaited. Strictly first in, first out. */
struct awaited {
    enum smtp_state state;
    struct mail *mail; /* or NULL */
    size_t index;      /* of the recipient */
    uint64_t end;      /* octet of the whole output behind the command */
};
struct awaited_list {
    struct awaited *items;
    size_t head, count, capacity;
};
struct event_list {
    struct smtp_event *items;
    size_t head, count, capacity;
};

struct smtp_client {
    struct smtp_settings settings; /* its strings are the four below; the password is borrowed */
    char *helo, *server, *user;
    char **mechanisms;
    enum smtp_state state; /* set by client_set_state alone */
    bool tls_on, ready, quitting;
    struct caps caps;
    char mechanism[32];
    struct auth *auth;
    struct reply_parser parser;
    struct buf output;
    uint64_t appended; /* octets ever put into the output */
    uint64_t sent;     /* of them, taken from it when the session ended */
    struct awaited_list awaited;
    struct event_list events;
    struct mail *mails;   /* given and not freed, oldest first */
    struct mail *sending; /* the one whose commands are being sent */
    struct mail *unfinished;
    struct smtp_outcome failure; /* of the session */
    struct dots dots;
    enum smtp_chunking chunking;
    bool wary;         /* nothing was heard for a while */
    unsigned wasted;   /* contents that had no recipient left when they came */
    bool reset_needed; /* a transaction may be open */
    bool accepted_any; /* a recipient, in this session */
    uint64_t mails_done, replies;
    unsigned time_divisor;
    smtp_trace *trace;
    void *trace_context;
};

/* client-state.c */

/* Makes room, so that nothing fails later: for SIZE more events and awaited replies. */
int client_reserve(struct smtp_client *client, size_t size) WARN_UNUSED;
/* Room for one more awaited reply. */
int client_reserve_reply(struct smtp_client *client) WARN_UNUSED;
/* WANT_CONTENT for MAIL that nobody has taken yet is no more. */
void client_drop_want(struct smtp_client *client, const struct mail *mail);
struct smtp_event *client_push_event(struct smtp_client *client, enum smtp_event_type type);
void client_set_state(struct smtp_client *client, enum smtp_state state);
/* The state that follows from what is awaited and being sent. */
void client_update_state(struct smtp_client *client);

/* Puts LINE and CR LF into the output and awaits the reply of STATE. SHOWN is for the trace. */
void client_send(struct smtp_client *client, const char *line, const char *shown,
                 enum smtp_state state, struct mail *mail, size_t index);
void client_await(struct smtp_client *client, enum smtp_state state, struct mail *mail,
                  size_t index);
void client_trace(const struct smtp_client *client, bool sent, const char *line);

/* Ends the session with OUTCOME. POLITELY: the server is listening, say QUIT. */
void client_fail(struct smtp_client *client, const struct smtp_outcome *outcome, bool politely);
void client_fail_text(struct smtp_client *client, enum smtp_scope scope, const char *text);
void client_close(struct smtp_client *client, const struct smtp_outcome *outcome);
/* What REPLY to STATE means, after what this session achieved. */
void client_outcome(const struct smtp_client *client, enum smtp_state state,
                    const struct reply *reply, struct smtp_outcome *out);
/* A refusal that ends the session ends it here (and tells nobody): true. */
bool client_refused(struct smtp_client *client, const struct smtp_outcome *outcome);
/* Input that must not be there, while TLS is about to start. */
void client_injected(struct smtp_client *client);
void client_take_reply(struct smtp_client *client, const struct reply *reply);

/* client-hello.c, client-mail.c, client-content.c: what is done with the reply of a state, and the
 * senders. */
typedef void take_reply(struct smtp_client *client, const struct awaited *awaited,
                        const struct reply *reply);
typedef void send_command(struct smtp_client *client, struct mail *mail, size_t index);

send_command send_ehlo, send_helo, send_starttls, send_auth;
send_command send_mail, send_rcpt, send_data, send_dot, send_rset, send_quit;
take_reply take_greeting, take_ehlo, take_helo, take_starttls, take_auth;
take_reply take_mail, take_rcpt, take_data, take_bdat, take_dot, take_rset, take_quit;

/* By the table of states. */
void client_command(struct smtp_client *client, enum smtp_state state, struct mail *mail,
                    size_t index);

/* client-dsn.c: RFC 3461 */

#define DSN_ENVELOPE_ID_MAX 100 /* octets, written as xtext (RFC 3461 4.4) */
#define DSN_RECIPIENT_MAX 300   /* of an ORCPT; less than the RFC's 500, so that it fits our line */

/* TEXT as xtext, at most SIZE - 1 octets; OUT is "" when it would be longer. */
void dsn_xtext(const char *text, char *out, size_t size);
/* What follows MAIL and RCPT for MAIL, beginning with a blank; "" when it asks for no reports. */
#define DSN_SIZE 400
void dsn_mail_parameters(const struct smtp_client *client, const struct mail *mail,
                         char out[DSN_SIZE]);
void dsn_rcpt_parameters(const struct smtp_client *client, const struct mail *mail,
                         const char *address, char out[DSN_SIZE]);

/* client-mail.c */

/* Sends what may be sent now. */
void client_advance(struct smtp_client *client);
/* OUTCOME for all recipients of MAIL that have none. */
void mail_tell_rest(struct smtp_client *client, struct mail *mail,
                    const struct smtp_outcome *outcome);
void mail_tell(struct smtp_client *client, struct mail *mail, size_t index,
               const struct smtp_outcome *outcome);
void mail_free(struct mail *mail);
/* Nothing more of MAIL is sent. */
void mail_stop(struct smtp_client *client, struct mail *mail);
/* Forgets mails that are done and have no reply on the way. */
void client_drop_done(struct smtp_client *client);
/* True for text that may be the address in a MAIL or RCPT command. */
bool client_argument_valid(const char *text);

/* client-content.c */

/* Whether content goes by BDAT. */
bool client_chunks(const struct smtp_client *client);
/* Asks for the content of MAIL, whose envelope is sent, when it may follow now. */
void client_begin_chunks(struct smtp_client *client, struct mail *mail);
/* A reply to content is awaited, or content is under way, and all of it goes by BDAT. */
bool client_in_chunks(const struct smtp_client *client);

#endif
