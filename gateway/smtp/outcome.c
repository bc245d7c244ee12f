/* SPDX-License-Identifier: BSD-2-Clause */
/* The table is of Microsoft's public lists of non-delivery codes and of RFC 3463 and RFC 4954. */
#include "config.h"

#include "smtp/outcome.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IN(state) (1u << SMTP_STATE_##state)
#define OPENING (IN(GREETING) | IN(EHLO) | IN(HELO) | IN(STARTTLS) | IN(TLS) | IN(AUTH))
#define ENVELOPE (IN(MAIL) | IN(RCPT) | IN(DATA))
#define MAILING (ENVELOPE | IN(BDAT) | IN(DOT))
#define ANY (~0u)

struct row {
    unsigned states;
    int code;           /* 0: any; 4 and 5: a first digit */
    const char *status; /* "5.7.1", "4.7.500-699", or NULL: any */
    const char *text;   /* is contained, ASCII case aside; NULL: any */
    enum smtp_scope scope;
    enum smtp_action action;
};

/* Connector, certificate or address of ours are wrong, or the recipient is not for this server: the
 * difference is whether others are accepted (outcome_others_accepted). Looked up before ROWS. */
static const struct row RELAY_ROWS[] = {
    {ANY, 5, "5.7.64", NULL, SCOPE_HOST, ACTION_SUSPEND},
    {ANY, 5, "5.7.54", NULL, SCOPE_HOST, ACTION_SUSPEND},
    {MAILING, 5, NULL, "unable to relay", SCOPE_HOST, ACTION_SUSPEND},
    {MAILING, 5, NULL, "relay access denied", SCOPE_HOST, ACTION_SUSPEND},
    {MAILING, 5, NULL, "relaying denied", SCOPE_HOST, ACTION_SUSPEND},
    {MAILING, 5, NULL, "relay not permitted", SCOPE_HOST, ACTION_SUSPEND},
};

/* The first row that fits decides. No row of scope host or credential may say ACTION_FAIL. */
static const struct row ROWS[] = {
    /* Later. */
    {ANY, 4, NULL, "recipient thread limit", SCOPE_RECIPIENT, ACTION_DEFER},
    {ANY, 4, NULL, "sender thread limit", SCOPE_CREDENTIAL, ACTION_DEFER},
    {ANY, 4, NULL, "concurrent connection limit", SCOPE_CREDENTIAL, ACTION_DEFER},
    {ANY, 430, NULL, NULL, SCOPE_CREDENTIAL, ACTION_DEFER},
    {ANY, 4, NULL, "submission rate", SCOPE_HOST, ACTION_DEFER},
    {IN(RCPT), 0, "4.5.3", NULL, SCOPE_MESSAGE, ACTION_AGAIN},
    {IN(RCPT), 0, "5.5.3", NULL, SCOPE_MESSAGE, ACTION_AGAIN},
    {IN(RCPT), 0, NULL, "too many recipients", SCOPE_MESSAGE, ACTION_AGAIN},
    {ANY, 4, "4.7.500-699", NULL, SCOPE_HOST, ACTION_SUSPEND},
    {ANY, 4, "4.7.850-899", NULL, SCOPE_HOST, ACTION_SUSPEND},
    {ANY, 4, "4.3.1-2", NULL, SCOPE_HOST, ACTION_DEFER},
    {ANY, 4, "4.3.111", NULL, SCOPE_HOST, ACTION_DEFER},
    {ANY, 451, NULL, "PRX", SCOPE_HOST, ACTION_DEFER},
    {IN(EHLO) | IN(STARTTLS) | IN(AUTH) | IN(MAIL), 454, NULL, NULL, SCOPE_HOST, ACTION_DEFER},
    {OPENING, 421, NULL, NULL, SCOPE_HOST, ACTION_DEFER},
    {ANY, 421, "4.3.0", NULL, SCOPE_HOST, ACTION_DEFER},
    {ANY, 421, NULL, NULL, SCOPE_CONNECTION, ACTION_AGAIN},
    {ANY, 451, "4.4.2", NULL, SCOPE_CONNECTION, ACTION_AGAIN},
    {ANY, 5, "5.2.121-122", NULL, SCOPE_RECIPIENT, ACTION_DEFER},

    /* The recipient takes mail from authenticated senders only: not about our account. */
    {MAILING, 5, NULL, "RESOLVER.RST", SCOPE_RECIPIENT, ACTION_FAIL},

    /* The host or our settings for it. */
    {ANY, 530, NULL, "STARTTLS", SCOPE_HOST, ACTION_SUSPEND},
    {ANY, 538, NULL, NULL, SCOPE_HOST, ACTION_SUSPEND},
    {ANY, 521, NULL, NULL, SCOPE_HOST, ACTION_SUSPEND},
    {ANY, 5, "5.7.506", NULL, SCOPE_HOST, ACTION_SUSPEND},
    {ANY, 5, "5.7.511", NULL, SCOPE_HOST, ACTION_SUSPEND},
    {ANY, 5, "5.7.606-649", NULL, SCOPE_HOST, ACTION_SUSPEND},

    /* The sender's address, which this account may not use. Also after the dot. */
    {ANY, 5, "5.7.60", NULL, SCOPE_SENDER, ACTION_FAIL},
    {ANY, 5, "5.2.252", NULL, SCOPE_SENDER, ACTION_FAIL},
    {MAILING, 5, NULL, "SendAsDenied", SCOPE_SENDER, ACTION_FAIL},
    {MAILING, 5, NULL, "send as this sender", SCOPE_SENDER, ACTION_FAIL},
    {MAILING, 5, "5.1.8", "sender address rejected", SCOPE_SENDER, ACTION_FAIL},

    /* Our account: wrong, not told, blocked, or its quota is used up. */
    {ANY, 530, NULL, NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 534, NULL, NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 535, NULL, NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.57", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.3", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.8-9", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.11", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.30", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.139", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.5.127", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.1.8", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.1.90", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.232-233", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.501-503", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.705", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, "5.7.708", NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ANY, 5, NULL, "submission quota", SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ENVELOPE, 5, NULL, "not authenticated", SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ENVELOPE, 5, NULL, "authentication required", SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ENVELOPE, 5, NULL, "authentication is required", SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {ENVELOPE, 503, NULL, "AUTH", SCOPE_CREDENTIAL, ACTION_SUSPEND},

    /* The message. */
    {MAILING, 5, "5.3.4", NULL, SCOPE_MESSAGE, ACTION_FAIL},
    {MAILING, 5, "5.2.3", NULL, SCOPE_MESSAGE, ACTION_FAIL},
    {MAILING, 5, "5.4.6", NULL, SCOPE_MESSAGE, ACTION_FAIL},
    {MAILING, 5, "5.4.14", NULL, SCOPE_MESSAGE, ACTION_FAIL},
    {MAILING, 5, "5.6.11", NULL, SCOPE_MESSAGE, ACTION_FAIL},
    {MAILING, 5, "5.7.512", NULL, SCOPE_MESSAGE, ACTION_FAIL},
    {IN(MAIL), 552, NULL, NULL, SCOPE_MESSAGE, ACTION_FAIL},

    /* The recipient: unknown, or refused by a directory at the edge. */
    {MAILING, 5, "5.1.1", NULL, SCOPE_RECIPIENT, ACTION_FAIL},
    {MAILING, 5, "5.1.10", NULL, SCOPE_RECIPIENT, ACTION_FAIL},
    {MAILING, 5, "5.4.1", NULL, SCOPE_RECIPIENT, ACTION_FAIL},

    /* We and the server do not understand each other: that says nothing about the mail. */
    {ENVELOPE | IN(RSET), 500, NULL, NULL, SCOPE_CONNECTION, ACTION_DEFER},
    {ENVELOPE | IN(RSET), 502, NULL, NULL, SCOPE_CONNECTION, ACTION_DEFER},
    {ENVELOPE | IN(RSET), 503, NULL, NULL, SCOPE_CONNECTION, ACTION_DEFER},

    /* By the first digit. */
    {OPENING & ~IN(AUTH), 4, NULL, NULL, SCOPE_HOST, ACTION_DEFER},
    {OPENING & ~IN(AUTH), 5, NULL, NULL, SCOPE_HOST, ACTION_SUSPEND},
    {IN(AUTH), 4, NULL, NULL, SCOPE_CREDENTIAL, ACTION_DEFER},
    {IN(AUTH), 5, NULL, NULL, SCOPE_CREDENTIAL, ACTION_SUSPEND},
    {IN(MAIL), 4, NULL, NULL, SCOPE_SENDER, ACTION_DEFER},
    {IN(MAIL), 5, NULL, NULL, SCOPE_SENDER, ACTION_FAIL},
    {IN(RCPT), 4, NULL, NULL, SCOPE_RECIPIENT, ACTION_DEFER},
    {IN(RCPT), 5, NULL, NULL, SCOPE_RECIPIENT, ACTION_FAIL},
    {IN(DATA) | IN(BDAT) | IN(DOT), 4, NULL, NULL, SCOPE_MESSAGE, ACTION_DEFER},
    {IN(DATA) | IN(BDAT) | IN(DOT), 5, NULL, NULL, SCOPE_MESSAGE, ACTION_FAIL},
    {IN(DOT), 2, NULL, NULL, SCOPE_MESSAGE, ACTION_DELIVERED},
    {ANY, 0, NULL, NULL, SCOPE_CONNECTION, ACTION_DEFER},
};

static bool code_fits(const struct row *row, int code)
{
    if (row->code < 10)
        return row->code == 0 || row->code == code / 100;
    return row->code == code;
}

/* "5.7.1" fits itself, "4.7.500-699" a detail in that range. */
static bool status_fits(const char *pattern, const char *status)
{
    const char *range = strchr(pattern, '-');
    const char *detail = strrchr(pattern, '.');
    size_t prefix;
    long value;
    char *end;

    if (range == NULL || detail == NULL)
        return strcmp(pattern, status) == 0;
    prefix = (size_t)(detail - pattern) + 1;
    if (strncmp(pattern, status, prefix) != 0)
        return false;
    value = strtol(status + prefix, &end, 10);
    return end != status + prefix && value >= strtol(detail + 1, NULL, 10) &&
           value <= strtol(range + 1, NULL, 10);
}

static const struct row *find_in(const struct row *rows, size_t count,
                                 const struct smtp_outcome *reply)
{
    for (const struct row *row = rows; row < rows + count; row++) {
        if ((row->states & (1u << reply->state)) != 0 && code_fits(row, reply->code) &&
            (row->status == NULL || status_fits(row->status, reply->status)) &&
            (row->text == NULL || strcasestr(reply->text, row->text) != NULL))
            return row;
    }
    return NULL;
}

static const struct row *find_relay_row(const struct smtp_outcome *reply)
{
    return find_in(RELAY_ROWS, sizeof RELAY_ROWS / sizeof RELAY_ROWS[0], reply);
}

void outcome_local(struct smtp_outcome *out, enum smtp_state state, enum smtp_scope scope,
                   enum smtp_action action, const char *status, const char *text)
{
    memset(out, 0, sizeof *out);
    out->scope = scope;
    out->action = action;
    out->state = state;
    snprintf(out->status, sizeof out->status, "%s", status);
    snprintf(out->text, sizeof out->text, "%s", text);
    for (char *c = out->text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7E)
            *c = '?';
    }
}

void outcome_from_reply(struct smtp_outcome *out, enum smtp_state state, int code,
                        const char *status, const char *text)
{
    const struct row *row;

    outcome_local(out, state, SCOPE_CONNECTION, ACTION_DEFER, status, text);
    out->code = code;
    row = find_relay_row(out);
    if (row == NULL)
        row = find_in(ROWS, sizeof ROWS / sizeof ROWS[0], out);
    if (row != NULL) {
        out->scope = row->scope;
        out->action = row->action;
    }
    /* RFC 3463 knows the classes 2, 4 and 5; a positive reply at the wrong place is none of them.
     */
    if (status[0] == '\0')
        snprintf(out->status, sizeof out->status, "%c.0.0",
                 out->action == ACTION_DELIVERED ? '2'
                 : code / 100 == 5               ? '5'
                                                 : '4');
}

static enum smtp_action failure_action(enum smtp_state state, enum smtp_scope scope)
{
    const unsigned again = ENVELOPE | IN(IDLE) | IN(RSET);

    if (scope == SCOPE_CREDENTIAL || (scope == SCOPE_HOST && state == SMTP_STATE_TLS))
        return ACTION_SUSPEND;
    if (scope == SCOPE_CONNECTION && (again & (1u << state)) != 0)
        return ACTION_AGAIN;
    return ACTION_DEFER;
}

static const char *failure_status(enum smtp_state state, enum smtp_scope scope)
{
    if (state == SMTP_STATE_TLS || scope == SCOPE_CREDENTIAL)
        return "4.7.0";
    if (state == SMTP_STATE_CONNECT)
        return "4.4.1";
    return scope == SCOPE_CONNECTION || scope == SCOPE_HOST ? "4.4.2" : "4.3.0";
}

void outcome_from_failure(struct smtp_outcome *out, enum smtp_state state, enum smtp_scope scope,
                          const char *text)
{
    outcome_local(out, state, scope, failure_action(state, scope), failure_status(state, scope),
                  text);
}

void outcome_no_progress(struct smtp_outcome *out)
{
    if (out->action == ACTION_AGAIN)
        out->action = ACTION_DEFER;
}

bool outcome_is_relay_refusal(const struct smtp_outcome *outcome)
{
    return outcome->state == SMTP_STATE_RCPT && outcome->scope == SCOPE_HOST &&
           find_relay_row(outcome) != NULL;
}

void outcome_others_accepted(struct smtp_outcome *out)
{
    if (!outcome_is_relay_refusal(out))
        return;
    out->scope = SCOPE_RECIPIENT;
    out->action = ACTION_FAIL;
}

static const char *name_of(const char *const *names, size_t count, unsigned value)
{
    return value < count ? names[value] : "unknown";
}

const char *smtp_state_name(enum smtp_state state)
{
    static const char *const NAMES[] = {
        [SMTP_STATE_CONNECT] = "connect",   [SMTP_STATE_GREETING] = "greeting",
        [SMTP_STATE_EHLO] = "EHLO",         [SMTP_STATE_HELO] = "HELO",
        [SMTP_STATE_STARTTLS] = "STARTTLS", [SMTP_STATE_TLS] = "TLS",
        [SMTP_STATE_AUTH] = "AUTH",         [SMTP_STATE_IDLE] = "idle",
        [SMTP_STATE_MAIL] = "MAIL",         [SMTP_STATE_RCPT] = "RCPT",
        [SMTP_STATE_DATA] = "DATA",         [SMTP_STATE_CONTENT] = "content",
        [SMTP_STATE_BDAT] = "BDAT",         [SMTP_STATE_DOT] = "end of data",
        [SMTP_STATE_RSET] = "RSET",         [SMTP_STATE_QUIT] = "QUIT",
        [SMTP_STATE_CLOSED] = "closed",
    };

    return name_of(NAMES, sizeof NAMES / sizeof NAMES[0], state);
}

const char *smtp_scope_name(enum smtp_scope scope)
{
    static const char *const NAMES[] = {"connection", "host",      "credential",
                                        "sender",     "recipient", "message"};

    return name_of(NAMES, sizeof NAMES / sizeof NAMES[0], scope);
}

const char *smtp_action_name(enum smtp_action action)
{
    static const char *const NAMES[] = {"delivered", "again", "defer", "suspend", "fail"};

    return name_of(NAMES, sizeof NAMES / sizeof NAMES[0], action);
}
