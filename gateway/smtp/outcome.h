/* SPDX-License-Identifier: BSD-2-Clause */
/* What a reply, or the lack of one, means: the one place that decides. */
#ifndef SMTP_OUTCOME_H
#define SMTP_OUTCOME_H

#include <stdbool.h>

#include "base/attr.h"

/* What a failure is about. */
enum smtp_scope {
    SCOPE_CONNECTION, /* this connection only */
    SCOPE_HOST,       /* this host: try the next, pause it */
    SCOPE_CREDENTIAL, /* our account or its rights: suspend the whole route */
    SCOPE_SENDER,     /* this sender address */
    SCOPE_RECIPIENT,
    SCOPE_MESSAGE,
};

enum smtp_action {
    ACTION_DELIVERED,
    ACTION_AGAIN,   /* at once, on another connection or in another transaction; not a try */
    ACTION_DEFER,   /* later, by the schedule */
    ACTION_SUSPEND, /* keep the mail, stop using the route for a while, alarm; not a try */
    ACTION_FAIL,    /* never: report */
};

enum smtp_state {
    SMTP_STATE_CONNECT,
    SMTP_STATE_GREETING,
    SMTP_STATE_EHLO,
    SMTP_STATE_HELO,
    SMTP_STATE_STARTTLS,
    SMTP_STATE_TLS,
    SMTP_STATE_AUTH,
    SMTP_STATE_IDLE,
    SMTP_STATE_MAIL,
    SMTP_STATE_RCPT,
    SMTP_STATE_DATA,
    SMTP_STATE_CONTENT,
    SMTP_STATE_BDAT, /* a piece of content that is not the last */
    SMTP_STATE_DOT,  /* the final dot, or BDAT LAST */
    SMTP_STATE_RSET,
    SMTP_STATE_QUIT,
    SMTP_STATE_CLOSED,
};
const char *smtp_state_name(enum smtp_state state);

#define SMTP_TEXT_SIZE 512

struct smtp_outcome {
    enum smtp_scope scope;
    enum smtp_action action;
    enum smtp_state state;     /* where it happened */
    int code;                  /* 0: no reply */
    char status[12];           /* RFC 3463, from the reply or made from the code */
    char text[SMTP_TEXT_SIZE]; /* the reply's lines joined by " / ", printable */
};
const char *smtp_scope_name(enum smtp_scope scope);
const char *smtp_action_name(enum smtp_action action);

/* Classifies a reply of STATE: by the table of Exchange's replies (code, enhanced status, text),
 * else by its first digit. A reply about our credential or the host never fails a message. Fills
 * all of OUT. STATUS may be "". */
void outcome_from_reply(struct smtp_outcome *out, enum smtp_state state, int code,
                        const char *status, const char *text);

/* No reply: lost or refused connection, time-out, protocol error, TLS failure. TEXT says what.
 * After the final dot and before its reply the outcome is unknown: action is ACTION_DEFER.
 * SCOPE_HOST in SMTP_STATE_TLS (certificate, version, injection) is ACTION_SUSPEND,
 * SCOPE_CREDENTIAL too. A connection lost between mails and in the envelope is ACTION_AGAIN. */
void outcome_from_failure(struct smtp_outcome *out, enum smtp_state state, enum smtp_scope scope,
                          const char *text);

/* Our own decision, without asking the server. */
void outcome_local(struct smtp_outcome *out, enum smtp_state state, enum smtp_scope scope,
                   enum smtp_action action, const char *status, const char *text);

/* Nothing was achieved before OUT happened (no mail done in the session, no recipient accepted in
 * the transaction): ACTION_AGAIN becomes ACTION_DEFER, so that "again" cannot go round for ever.
 * The client has done so for all outcomes in its events. */
void outcome_no_progress(struct smtp_outcome *out);

/* A refusal to relay, in reply to RCPT, is about the host when all recipients get it. When another
 * recipient was accepted it is about this recipient only: others_accepted makes it so. The client
 * has done so for all outcomes in its events. */
bool outcome_is_relay_refusal(const struct smtp_outcome *outcome);
void outcome_others_accepted(struct smtp_outcome *out);

#endif
