/* SPDX-License-Identifier: BSD-2-Clause */
/* Our SASL client against the server half of Cyrus SASL with a password file of its own. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <sasl/sasl.h>
#include <sasl/saslutil.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "smtp/auth.h"

#define USER "relay"
#define PASSWORD "canary-7Qz-password"
#define REALM "mx.test"

struct place {
    char directory[64], database[96];
};

typedef int sasl_function(void);

static int get_option(void *context, const char *plugin, const char *option, const char **result,
                      unsigned *size)
{
    const struct place *place = context;

    (void)plugin;
    *result = NULL;
    if (strcmp(option, "sasldb_path") == 0)
        *result = place->database;
    else if (strcmp(option, "auxprop_plugin") == 0)
        *result = "sasldb";
    else if (strcmp(option, "pwcheck_method") == 0)
        *result = "auxprop";
    if (*result != NULL && size != NULL)
        *size = (unsigned)strlen(*result);
    return *result != NULL ? SASL_OK : SASL_FAIL;
}

static int log_nothing(void *context, int level, const char *message)
{
    (void)context;
    (void)level;
    (void)message;
    return SASL_OK;
}

/* Cyrus SASL keeps the callbacks for the life of the process. */
static struct place place;
static sasl_callback_t callbacks[3];

static sasl_conn_t *new_server(void)
{
    sasl_conn_t *server = NULL;

    assert_int_equal(SASL_OK, sasl_server_new("smtp", REALM, REALM, NULL, NULL, NULL, 0, &server));
    return server;
}

static int start(void **state)
{
    sasl_conn_t *server;
    struct error err;

    (void)state;
    snprintf(place.directory, sizeof place.directory, "/tmp/test_auth.XXXXXX");
    assert_non_null(mkdtemp(place.directory));
    snprintf(place.database, sizeof place.database, "%s/sasldb2", place.directory);
    callbacks[0] =
        (sasl_callback_t){SASL_CB_GETOPT, (sasl_function *)(void (*)(void))get_option, &place};
    callbacks[1] =
        (sasl_callback_t){SASL_CB_LOG, (sasl_function *)(void (*)(void))log_nothing, NULL};
    callbacks[2] = (sasl_callback_t){SASL_CB_LIST_END, NULL, NULL};
    assert_int_equal(SASL_OK, sasl_server_init(callbacks, "test_auth"));
    assert_int_equal(0, auth_initialize(&err));
    assert_int_equal(0, auth_initialize(&err));
    server = new_server();
    assert_int_equal(
        SASL_OK, sasl_setpass(server, USER, PASSWORD, strlen(PASSWORD), NULL, 0, SASL_SET_CREATE));
    sasl_dispose(&server);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    auth_shutdown();
    auth_shutdown();
    sasl_server_done();
    unlink(place.database);
    return rmdir(place.directory);
}

static struct auth *new_auth(const char *password, const char *mechanism, const char *offered)
{
    const struct auth_settings settings = {.server = REALM,
                                           .user = USER,
                                           .password = password,
                                           .mechanisms = mechanism != NULL ? &mechanism : NULL,
                                           .mechanism_count = 1,
                                           .plain = true};
    struct auth *auth;
    struct error err;

    assert_int_equal(0, auth_new(&auth, &settings, offered, &err));
    return auth;
}

/* What a server makes of a line in base64; "=" is an empty one. */
static int answer(sasl_conn_t *server, const char *mechanism, const char *line, const char **out,
                  unsigned *size)
{
    char data[AUTH_LINE_LIMIT];
    unsigned length = 0;
    const char *given = line != NULL ? data : NULL;

    if (line != NULL && strcmp(line, "=") != 0)
        assert_int_equal(SASL_OK,
                         sasl_decode64(line, (unsigned)strlen(line), data, sizeof data, &length));
    return mechanism != NULL
               ? sasl_server_start(server, mechanism, given, length, out, size)
               : sasl_server_step(server, given != NULL ? given : "", length, out, size);
}

static void encode(const char *data, unsigned size, char *out, size_t room)
{
    out[0] = '\0';
    if (data != NULL && size > 0)
        assert_int_equal(SASL_OK, sasl_encode64(data, size, out, (unsigned)room, NULL));
}

/* The whole exchange, as a mail server leads it. True when the server accepts us and we it. */
static bool converse(struct auth *auth, const char *first_text)
{
    const char *mechanism = auth_mechanism(auth);
    sasl_conn_t *server = new_server();
    struct buf line;
    struct error err = {0};
    const char *out = NULL;
    char text[AUTH_LINE_LIMIT * 2];
    unsigned size = 0;
    int result;
    bool ours = true;

    buf_init(&line, AUTH_LINE_LIMIT);
    assert_int_equal(0, auth_command(auth, &line, &err));
    assert_memory_equal("AUTH ", buf_text(&line), 5);
    assert_memory_equal(mechanism, buf_text(&line) + 5, strlen(mechanism));
    if (strchr(buf_text(&line) + 5, ' ') == NULL && first_text != NULL) {
        line.size = 0;
        assert_int_equal(0, auth_step(auth, first_text, &line, &err));
        result = answer(server, mechanism, buf_text(&line), &out, &size);
    } else {
        const char *initial = strchr(buf_text(&line) + 5, ' ');

        result = answer(server, mechanism, initial != NULL ? initial + 1 : NULL, &out, &size);
    }
    /* A last word with the success comes as one more 334 (RFC 4954 4). */
    while (ours && (result == SASL_CONTINUE || (result == SASL_OK && size > 0))) {
        bool last = result == SASL_OK;

        encode(out, size, text, sizeof text);
        line.size = 0;
        ours = auth_step(auth, text, &line, &err) == 0;
        size = 0;
        if (ours && !last)
            result = answer(server, NULL, buf_text(&line), &out, &size);
    }
    buf_wipe(&line);
    sasl_dispose(&server);
    return ours && result == SASL_OK && auth_accepted(auth, &err) == 0;
}

static const struct {
    const char *name, *first_text;
} MECHANISMS[] = {
    {"PLAIN", NULL},        {"LOGIN", NULL},         {"CRAM-MD5", NULL},      {"SCRAM-SHA-1", NULL},
    {"NTLM", "not base64"}, {"SCRAM-SHA-256", NULL}, {"SCRAM-SHA-512", NULL},
};

static void test_passwords(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof MECHANISMS / sizeof MECHANISMS[0]; i++) {
        struct auth *auth = new_auth(PASSWORD, MECHANISMS[i].name, MECHANISMS[i].name);

        assert_true(converse(auth, MECHANISMS[i].first_text));
        auth_free(auth);
        auth = new_auth("wrong", MECHANISMS[i].name, MECHANISMS[i].name);
        assert_false(converse(auth, MECHANISMS[i].first_text));
        auth_free(auth);
    }
}

static void test_choice(void **state)
{
    static const struct {
        const char *offered, *chosen;
    } CASES[] = {
        {"LOGIN PLAIN", "PLAIN"},
        {"login", "LOGIN"},
        {"GSSAPI NTLM LOGIN", "NTLM"},
        {"PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 NTLM", "SCRAM-SHA-256"},
        {"SCRAM-SHA-256-PLUS XLOGIN LOGIN", "LOGIN"},
        {"DIGEST-MD5 CRAM-MD5", "CRAM-MD5"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct auth *auth = new_auth(PASSWORD, NULL, CASES[i].offered);

        assert_string_equal(CASES[i].chosen, auth_mechanism(auth));
        auth_free(auth);
    }
}

static void test_no_choice(void **state)
{
    static const struct {
        const char *offered, *text;
        bool plain;
    } CASES[] = {
        {"PLAIN LOGIN", "without TLS", false},
        {"ANONYMOUS EXTERNAL", "\"ANONYMOUS EXTERNAL\"", true},
        {"", "CRAM-MD5", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        const struct auth_settings settings = {
            .server = REALM, .user = USER, .password = PASSWORD, .plain = CASES[i].plain};
        struct auth *auth;
        struct error err;

        assert_int_equal(-1, auth_new(&auth, &settings, CASES[i].offered, &err));
        assert_null(auth);
        assert_int_equal(ERROR_SETUP, err.class);
        assert_non_null(strstr(err.text, CASES[i].text));
        assert_null(strstr(err.text, PASSWORD));
    }
}

/* The example of RFC 2195, section 2. */
static void test_cram_md5(void **state)
{
    const char *const name = "CRAM-MD5";
    const struct auth_settings settings = {.server = REALM,
                                           .user = "tim",
                                           .password = "tanstaaftanstaaf",
                                           .mechanisms = &name,
                                           .mechanism_count = 1};
    struct auth *auth;
    struct buf line;
    struct error err;

    (void)state;
    buf_init(&line, AUTH_LINE_LIMIT);
    assert_int_equal(0, auth_new(&auth, &settings, name, &err));
    assert_int_equal(0, auth_command(auth, &line, &err));
    assert_string_equal("AUTH CRAM-MD5", buf_text(&line));
    assert_int_equal(-1, auth_accepted(auth, &err));
    line.size = 0;
    assert_int_equal(0, auth_step(auth, "PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+",
                                  &line, &err));
    assert_string_equal("dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw", buf_text(&line));
    assert_int_equal(0, auth_accepted(auth, &err));
    buf_wipe(&line);
    auth_free(auth);
}

/* A server that does not know the password cannot make us believe that it does. */
static void test_scram_server_must_prove_itself(void **state)
{
    struct auth *auth = new_auth(PASSWORD, "SCRAM-SHA-256", "SCRAM-SHA-256");
    char first[400], text[600], nonce[300];
    struct buf line;
    struct error err;
    char *at;

    (void)state;
    buf_init(&line, AUTH_LINE_LIMIT);
    assert_int_equal(0, auth_command(auth, &line, &err));
    memset(first, 0, sizeof first);
    at = strrchr((char *)line.data, ' ') + 1;
    assert_int_equal(SASL_OK,
                     sasl_decode64(at, (unsigned)strlen(at), first, sizeof first - 1, NULL));
    snprintf(nonce, sizeof nonce, "%s", strstr(first, "r=") + 2);
    snprintf(first, sizeof first, "r=%sSERVER,s=c2FsdHNhbHRzYWx0c2FsdA==,i=4096", nonce);
    encode(first, (unsigned)strlen(first), text, sizeof text);
    line.size = 0;
    assert_int_equal(0, auth_step(auth, text, &line, &err));
    assert_int_equal(-1, auth_accepted(auth, &err));
    assert_int_equal(ERROR_SETUP, err.class);
    encode("v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", 46, text, sizeof text);
    line.size = 0;
    assert_int_equal(-1, auth_step(auth, text, &line, &err));
    assert_int_equal(-1, auth_accepted(auth, &err));
    buf_wipe(&line);
    auth_free(auth);
}

/* A command line has 512 octets: what does not fit waits for a 334. */
static void test_long_initial_response(void **state)
{
    char password[700];
    struct auth *auth;
    struct buf line;
    struct error err;

    (void)state;
    memset(password, 'p', sizeof password);
    password[sizeof password - 1] = '\0';
    auth = new_auth(password, "PLAIN", "PLAIN");
    buf_init(&line, AUTH_LINE_LIMIT);
    assert_int_equal(0, auth_command(auth, &line, &err));
    assert_string_equal("AUTH PLAIN", buf_text(&line));
    assert_int_equal(-1, auth_accepted(auth, &err));
    line.size = 0;
    assert_int_equal(0, auth_step(auth, "", &line, &err));
    assert_true(line.size > 900);
    assert_int_equal(0, auth_accepted(auth, &err));
    buf_wipe(&line);
    auth_free(auth);
}

static void test_steps_are_bounded(void **state)
{
    struct auth *auth = new_auth(PASSWORD, "PLAIN", "PLAIN");
    struct buf line;
    struct error err;
    unsigned steps = 0;

    (void)state;
    buf_init(&line, AUTH_LINE_LIMIT);
    assert_int_equal(0, auth_command(auth, &line, &err));
    while (steps <= AUTH_STEPS_LIMIT && auth_step(auth, "", &line, &err) == 0)
        steps++;
    assert_int_equal(AUTH_STEPS_LIMIT, steps);
    assert_int_equal(ERROR_SETUP, err.class);
    buf_wipe(&line);
    auth_free(auth);
}

static void test_redaction(void **state)
{
    static const struct {
        const char *before, *after;
    } CASES[] = {
        {"535 Authentication failed", "535 Authentication failed"},
        {"what is AHJlbGF5AGNhbmFyeS03UXotcGFzc3dvcmQ=?",
         "what is ************************************?"},
        {"what is 'ahjlbgf5agnhbmf'", "what is '***************'"},
        {"user relay, password canary-7Qz-password", "user relay, password *******************"},
    };
    struct auth *auth = new_auth(PASSWORD, "PLAIN", "PLAIN");
    struct buf line;
    struct error err;

    (void)state;
    buf_init(&line, AUTH_LINE_LIMIT);
    assert_int_equal(0, auth_command(auth, &line, &err));
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        char text[100];

        snprintf(text, sizeof text, "%s", CASES[i].before);
        auth_redact(auth, text);
        assert_string_equal(CASES[i].after, text);
    }
    buf_wipe(&line);
    auth_free(auth);
}

/* Also a password of what stands for it comes to an end. */
static void test_redaction_of_stars(void **state)
{
    struct auth *auth = new_auth("**", "PLAIN", "PLAIN");
    char text[] = "535 ***** is wrong";

    (void)state;
    auth_redact(auth, text);
    assert_string_equal("535 ***** is wrong", text);
    auth_free(auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_passwords),
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_no_choice),
        cmocka_unit_test(test_cram_md5),
        cmocka_unit_test(test_scram_server_must_prove_itself),
        cmocka_unit_test(test_long_initial_response),
        cmocka_unit_test(test_steps_are_bounded),
        cmocka_unit_test(test_redaction),
        cmocka_unit_test(test_redaction_of_stars),
    };

    return cmocka_run_group_tests_name("auth", tests, start, stop);
}
