/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "smtp/outcome.h"

#define G SMTP_STATE_GREETING
#define E SMTP_STATE_EHLO
#define S SMTP_STATE_STARTTLS
#define A SMTP_STATE_AUTH
#define M SMTP_STATE_MAIL
#define R SMTP_STATE_RCPT
#define D SMTP_STATE_DATA
#define DOT SMTP_STATE_DOT

/* CONNECTION, HOST, CREDENTIAL, SENDER (from), RECIPIENT (to), MESSAGE */
#define CONN SCOPE_CONNECTION
#define HOST SCOPE_HOST
#define CRED SCOPE_CREDENTIAL
#define FROM SCOPE_SENDER
#define TO SCOPE_RECIPIENT
#define MSG SCOPE_MESSAGE

static const struct {
    enum smtp_state state;
    int code;
    const char *status, *text;
    enum smtp_scope scope;
    enum smtp_action action;
} REPLIES[] = {
    {DOT, 250, "2.6.0", "queued", MSG, ACTION_DELIVERED},
    {DOT, 299, "", "odd but fine", MSG, ACTION_DELIVERED},
    {DOT, 354, "", "again?", CONN, ACTION_DEFER},
    {M, 250, "", "ok", CONN, ACTION_DEFER},

    /* Connections, rates and back pressure. */
    {M, 421, "4.3.2", "The maximum number of concurrent connections has exceeded a limit", HOST,
     ACTION_DEFER},
    {G, 421, "", "busy", HOST, ACTION_DEFER},
    {A, 421, "4.4.2", "timed out", HOST, ACTION_DEFER},
    {M, 421, "4.4.2", "Message submission rate for this client has exceeded the configured limit",
     HOST, ACTION_DEFER},
    {M, 421, "4.4.2", "Connection timed out", CONN, ACTION_AGAIN},
    {R, 421, "4.4.1", "Connection timed out", CONN, ACTION_AGAIN},
    {R, 451, "4.4.2", "rate", CONN, ACTION_AGAIN},
    {D, 421, "", "bye", CONN, ACTION_AGAIN},
    {R, 421, "4.3.0", "going down", HOST, ACTION_DEFER},
    {M, 432, "4.3.2", "STOREDRV.ClientSubmit; sender thread limit exceeded", CRED, ACTION_DEFER},
    {A, 432, "4.3.2", "Concurrent connection limit exceeded", CRED, ACTION_DEFER},
    {R, 432, "4.3.2", "STOREDRV.Deliver; recipient thread limit exceeded", TO, ACTION_DEFER},
    {DOT, 432, "4.3.2", "STOREDRV.Deliver; recipient thread limit exceeded", TO, ACTION_DEFER},
    {A, 430, "4.2.0", "STOREDRV; mailbox logon failure", CRED, ACTION_DEFER},
    {M, 452, "4.3.1", "Insufficient system resources", HOST, ACTION_DEFER},
    {A, 451, "4.7.0", "Temporary server error. Please try again later. PRX2", HOST, ACTION_DEFER},
    {R, 451, "4.3.111", "MRH1", HOST, ACTION_DEFER},
    {R, 451, "4.7.500", "Access denied, please try again later", HOST, ACTION_SUSPEND},
    {R, 451, "4.7.699", "Access denied, please try again later", HOST, ACTION_SUSPEND},
    {R, 451, "4.7.700", "something else", TO, ACTION_DEFER},
    {R, 451, "4.7.499", "something else", TO, ACTION_DEFER},
    {M, 451, "4.7.850", "held", HOST, ACTION_SUSPEND},
    {R, 452, "4.5.3", "Too many recipients", MSG, ACTION_AGAIN},
    {R, 452, "", "too many recipients", MSG, ACTION_AGAIN},
    {R, 552, "5.5.3", "Too many recipients", MSG, ACTION_AGAIN},
    {S, 454, "4.7.0", "TLS not available", HOST, ACTION_DEFER},
    {A, 454, "4.7.0", "Temporary authentication failure", HOST, ACTION_DEFER},

    /* Our account or the host: never about the mail. */
    {M, 530, "5.7.57", "Client not authenticated to send mail", CRED, ACTION_SUSPEND},
    {M, 530, "5.7.0", "Must issue a STARTTLS command first", HOST, ACTION_SUSPEND},
    {M, 530, "5.7.1", "Client was not authenticated", CRED, ACTION_SUSPEND},
    {A, 535, "5.7.3", "Authentication unsuccessful", CRED, ACTION_SUSPEND},
    {A, 535, "5.7.139", "SmtpClientAuthentication is disabled", CRED, ACTION_SUSPEND},
    {A, 550, "5.7.30", "Basic authentication is not supported", CRED, ACTION_SUSPEND},
    {DOT, 550, "5.7.30", "Basic authentication is not supported", CRED, ACTION_SUSPEND},
    {A, 501, "5.5.127", "token expires", CRED, ACTION_SUSPEND},
    {A, 504, "", "mechanism", CRED, ACTION_SUSPEND},
    {M, 538, "5.7.11", "Encryption required", HOST, ACTION_SUSPEND},
    {M, 503, "5.5.1", "send AUTH first", CRED, ACTION_SUSPEND},
    {M, 550, "5.7.1", "Authentication required", CRED, ACTION_SUSPEND},
    {R, 550, "5.7.64", "TenantAttribution; Relay Access Denied", HOST, ACTION_SUSPEND},
    {R, 550, "5.7.1", "Unable to relay", HOST, ACTION_SUSPEND},
    {R, 550, "5.4.1", "Relay Access Denied", HOST, ACTION_SUSPEND},
    {M, 550, "5.1.8", "Access denied, bad outbound sender", CRED, ACTION_SUSPEND},
    {DOT, 550, "5.1.90", "daily limit", CRED, ACTION_SUSPEND},
    {M, 550, "5.2.2", "Submission quota exceeded", CRED, ACTION_SUSPEND},
    {DOT, 550, "5.7.232", "tenant limit", CRED, ACTION_SUSPEND},
    {DOT, 550, "5.7.233", "tenant limit", CRED, ACTION_SUSPEND},
    {DOT, 550, "5.7.705", "tenant blocked", CRED, ACTION_SUSPEND},
    {DOT, 550, "5.7.708", "IP blocked", CRED, ACTION_SUSPEND},
    {R, 550, "5.7.606", "Access denied, banned sending IP", HOST, ACTION_SUSPEND},
    {E, 550, "5.7.506", "Bad HELO", HOST, ACTION_SUSPEND},
    {G, 554, "5.7.1", "No SMTP service here", HOST, ACTION_SUSPEND},
    {S, 502, "5.5.1", "no", HOST, ACTION_SUSPEND},

    /* The sender. */
    {M, 550, "5.7.60", "Client does not have permissions to send as this sender", FROM,
     ACTION_FAIL},
    {DOT, 554, "5.2.0", "STOREDRV.Submission.Exception:SendAsDeniedException", FROM, ACTION_FAIL},
    {DOT, 550, "5.2.252", "SendAsDenied", FROM, ACTION_FAIL},
    {M, 550, "5.7.1", "Client does not have permission to send as this sender", FROM, ACTION_FAIL},
    {M, 550, "5.1.8", "<a@b>: Sender address rejected: Domain not found", FROM, ACTION_FAIL},
    {M, 451, "4.3.0", "try again", FROM, ACTION_DEFER},
    {M, 553, "", "bad sender", FROM, ACTION_FAIL},

    /* The recipient. */
    {R, 550, "5.1.1", "User unknown", TO, ACTION_FAIL},
    {R, 550, "5.1.10", "RESOLVER.ADR.RecipientNotFound", TO, ACTION_FAIL},
    {R, 550, "5.4.1", "Recipient address rejected: Access denied", TO, ACTION_FAIL},
    {DOT, 550, "5.4.1", "Recipient address rejected: Access denied", TO, ACTION_FAIL},
    {R, 550, "5.7.1", "RESOLVER.RST.AuthRequired; authentication required", TO, ACTION_FAIL},
    {R, 552, "5.2.2", "mailbox full", TO, ACTION_FAIL},
    {R, 550, "5.2.121", "Recipient's per hour message receive limit", TO, ACTION_DEFER},
    {R, 550, "5.2.122", "Recipient's per hour message receive limit", TO, ACTION_DEFER},
    {R, 550, "5.2.123", "another", TO, ACTION_FAIL},
    {R, 459, "4.9.9", "odd", TO, ACTION_DEFER},
    {R, 550, "", "User unknown", TO, ACTION_FAIL},

    /* The message. */
    {M, 552, "5.3.4", "Message size exceeds fixed maximum message size", MSG, ACTION_FAIL},
    {M, 552, "", "too big", MSG, ACTION_FAIL},
    {DOT, 552, "", "too big", MSG, ACTION_FAIL},
    {DOT, 550, "5.6.11", "Invalid characters", MSG, ACTION_FAIL},
    {DOT, 550, "5.7.512", "must be RFC 5322 section 3.6.2 compliant", MSG, ACTION_FAIL},
    {DOT, 554, "5.4.14", "hop count exceeded", MSG, ACTION_FAIL},
    {D, 554, "5.6.0", "Transaction failed", MSG, ACTION_FAIL},
    {D, 451, "", "later", MSG, ACTION_DEFER},
    {DOT, 451, "4.3.0", "later", MSG, ACTION_DEFER},

    /* Out of step. */
    {M, 500, "5.5.1", "what?", CONN, ACTION_DEFER},
    {R, 503, "5.5.1", "out of sequence", CONN, ACTION_DEFER},
    {SMTP_STATE_RSET, 502, "", "what?", CONN, ACTION_DEFER},
    {SMTP_STATE_IDLE, 451, "", "what?", CONN, ACTION_DEFER},
};

static void test_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof REPLIES / sizeof REPLIES[0]; i++) {
        struct smtp_outcome outcome;

        outcome_from_reply(&outcome, REPLIES[i].state, REPLIES[i].code, REPLIES[i].status,
                           REPLIES[i].text);
        if (outcome.scope != REPLIES[i].scope || outcome.action != REPLIES[i].action)
            print_error("%s %d %s %s: %s %s\n", smtp_state_name(REPLIES[i].state), REPLIES[i].code,
                        REPLIES[i].status, REPLIES[i].text, smtp_scope_name(outcome.scope),
                        smtp_action_name(outcome.action));
        assert_int_equal(REPLIES[i].scope, outcome.scope);
        assert_int_equal(REPLIES[i].action, outcome.action);
        assert_int_equal(REPLIES[i].state, outcome.state);
        assert_int_equal(REPLIES[i].code, outcome.code);
        assert_string_equal(REPLIES[i].text, outcome.text);
        if (REPLIES[i].status[0] != '\0')
            assert_string_equal(REPLIES[i].status, outcome.status);
    }
}

static const char *const STATUSES[] = {"",      "5.7.57", "5.7.64", "5.1.1",  "5.3.4",  "4.3.1",
                                       "4.4.2", "4.5.3",  "5.2.2",  "5.7.30", "4.7.500"};
static const char *const TEXTS[] = {"",
                                    "relay access denied",
                                    "STARTTLS",
                                    "submission quota",
                                    "not authenticated",
                                    "too many recipients"};

/* What must hold for any reply: our account or the host never cost a mail; temporary codes never
 * fail; only the reply to the dot delivers. */
static void check_reply(enum smtp_state state, int code, const char *status, const char *text)
{
    struct smtp_outcome outcome;

    outcome_from_reply(&outcome, state, code, status, text);
    if (outcome.scope <= SCOPE_CREDENTIAL)
        assert_int_not_equal(ACTION_FAIL, outcome.action);
    if (code / 100 != 5)
        assert_int_not_equal(ACTION_FAIL, outcome.action);
    if (outcome.action == ACTION_DELIVERED)
        assert_true(state == SMTP_STATE_DOT && code / 100 == 2);
    if (outcome.action == ACTION_AGAIN)
        assert_true(outcome.scope == SCOPE_CONNECTION || state == SMTP_STATE_RCPT);
    assert_true(strchr("245", outcome.status[0]) != NULL && outcome.status[1] == '.');
}

static void test_rules_for_all(void **state)
{
    (void)state;
    for (unsigned where = SMTP_STATE_CONNECT; where <= SMTP_STATE_CLOSED; where++) {
        for (int code = 200; code < 600; code++) {
            for (size_t i = 0; i < sizeof STATUSES / sizeof STATUSES[0]; i++)
                check_reply((enum smtp_state)where, code, STATUSES[i], "");
            for (size_t i = 0; i < sizeof TEXTS / sizeof TEXTS[0]; i++)
                check_reply((enum smtp_state)where, code, "", TEXTS[i]);
        }
    }
}

static void test_failures(void **state)
{
    static const struct {
        enum smtp_state state;
        enum smtp_scope scope;
        enum smtp_action action;
        const char *status;
    } CASES[] = {
        {SMTP_STATE_CONNECT, HOST, ACTION_DEFER, "4.4.1"},
        {SMTP_STATE_GREETING, CONN, ACTION_DEFER, "4.4.2"},
        {SMTP_STATE_TLS, HOST, ACTION_SUSPEND, "4.7.0"},
        {SMTP_STATE_TLS, CONN, ACTION_DEFER, "4.7.0"},
        {SMTP_STATE_AUTH, CRED, ACTION_SUSPEND, "4.7.0"},
        {SMTP_STATE_AUTH, CONN, ACTION_DEFER, "4.4.2"},
        {SMTP_STATE_IDLE, CONN, ACTION_AGAIN, "4.4.2"},
        {SMTP_STATE_MAIL, CONN, ACTION_AGAIN, "4.4.2"},
        {SMTP_STATE_CONTENT, CONN, ACTION_DEFER, "4.4.2"},
        {SMTP_STATE_CONTENT, MSG, ACTION_DEFER, "4.3.0"},
        {SMTP_STATE_DOT, CONN, ACTION_DEFER, "4.4.2"},
        {SMTP_STATE_DOT, HOST, ACTION_DEFER, "4.4.2"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct smtp_outcome outcome;

        outcome_from_failure(&outcome, CASES[i].state, CASES[i].scope, "why\r\nnot");
        assert_int_equal(CASES[i].scope, outcome.scope);
        assert_int_equal(CASES[i].action, outcome.action);
        assert_string_equal(CASES[i].status, outcome.status);
        assert_int_equal(0, outcome.code);
        assert_string_equal("why??not", outcome.text);
    }
}

static void test_adjustments(void **state)
{
    struct smtp_outcome outcome;

    (void)state;
    outcome_from_reply(&outcome, R, 550, "5.7.64", "TenantAttribution");
    assert_true(outcome_is_relay_refusal(&outcome));
    outcome_others_accepted(&outcome);
    assert_int_equal(TO, outcome.scope);
    assert_int_equal(ACTION_FAIL, outcome.action);
    assert_false(outcome_is_relay_refusal(&outcome));
    outcome_from_reply(&outcome, R, 550, "5.7.606", "banned");
    outcome_others_accepted(&outcome);
    assert_int_equal(HOST, outcome.scope);
    outcome_from_reply(&outcome, M, 550, "5.7.64", "TenantAttribution");
    outcome_others_accepted(&outcome);
    assert_int_equal(ACTION_SUSPEND, outcome.action);
    outcome_from_reply(&outcome, M, 421, "", "bye");
    assert_int_equal(ACTION_AGAIN, outcome.action);
    outcome_no_progress(&outcome);
    assert_int_equal(ACTION_DEFER, outcome.action);
    outcome_from_reply(&outcome, R, 550, "", "no");
    outcome_no_progress(&outcome);
    assert_int_equal(ACTION_FAIL, outcome.action);
}

static void test_names(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= SMTP_STATE_CLOSED; i++)
        assert_string_not_equal("unknown", smtp_state_name((enum smtp_state)i));
    for (unsigned i = 0; i <= SCOPE_MESSAGE; i++)
        assert_string_not_equal("unknown", smtp_scope_name((enum smtp_scope)i));
    for (unsigned i = 0; i <= ACTION_FAIL; i++)
        assert_string_not_equal("unknown", smtp_action_name((enum smtp_action)i));
    assert_string_equal("end of data", smtp_state_name(SMTP_STATE_DOT));
    assert_string_equal("closed", smtp_state_name(SMTP_STATE_CLOSED));
    assert_string_equal("message", smtp_scope_name(SCOPE_MESSAGE));
    assert_string_equal("fail", smtp_action_name(ACTION_FAIL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_replies),  cmocka_unit_test(test_rules_for_all),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_adjustments),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests_name("outcome", tests, NULL, NULL);
}
