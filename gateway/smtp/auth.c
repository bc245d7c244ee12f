/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "smtp/auth.h"

#include <ctype.h>
#include <sasl/sasl.h>
#include <sasl/saslutil.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_LIMIT 510 /* RFC 4954 4: the command line is of the usual 512 octets with CR LF */
#define CALLBACKS 5

struct auth {
    sasl_conn_t *conn;
    sasl_callback_t callbacks[CALLBACKS];
    char *user;
    sasl_secret_t *secret;
    char *mechanism;
    struct buf said; /* every line that went out, joined by '\n' */
    struct buf held; /* an initial response that waits for the first 334 */
    bool holding;
    bool finished; /* the mechanism has nothing more to say */
    unsigned steps;
};

static bool initialized;

/* Cyrus SASL would log to syslog, also what we must not log. */
static int log_nothing(void *context, int level, const char *message)
{
    (void)context;
    (void)level;
    (void)message;
    return SASL_OK;
}

typedef int sasl_function(void);

static const sasl_callback_t GLOBAL_CALLBACKS[] = {
    {SASL_CB_LOG, (sasl_function *)(void (*)(void))log_nothing, NULL},
    {SASL_CB_LIST_END, NULL, NULL},
};

int auth_initialize(struct error *err)
{
    int result;

    if (initialized)
        return 0;
    result = sasl_client_init(GLOBAL_CALLBACKS);
    if (result != SASL_OK)
        return error_set(err, ERROR_SETUP, "", "Cyrus SASL does not start: %s",
                         sasl_errstring(result, NULL, NULL));
    initialized = true;
    return 0;
}

void auth_shutdown(void)
{
    if (initialized)
        sasl_client_done();
    initialized = false;
}

const char *const *auth_default_mechanisms(size_t *count)
{
    static const char *const NAMES[] = {
        "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "CRAM-MD5", "NTLM", "PLAIN", "LOGIN",
    };

    *count = sizeof NAMES / sizeof NAMES[0];
    return NAMES;
}

/* The authorization identity stays empty: it is that of the user. */
static int get_name(void *context, int id, const char **result, unsigned *size)
{
    const struct auth *auth = context;
    const char *name = id == SASL_CB_AUTHNAME ? auth->user : "";

    *result = name;
    if (size != NULL)
        *size = (unsigned)strlen(name);
    return SASL_OK;
}

static int get_secret(sasl_conn_t *conn, void *context, int id, sasl_secret_t **result)
{
    const struct auth *auth = context;

    (void)conn;
    (void)id;
    *result = auth->secret;
    return SASL_OK;
}

static void set_callbacks(struct auth *auth)
{
    const sasl_callback_t all[CALLBACKS] = {
        {SASL_CB_LOG, (sasl_function *)(void (*)(void))log_nothing, NULL},
        {SASL_CB_USER, (sasl_function *)(void (*)(void))get_name, auth},
        {SASL_CB_AUTHNAME, (sasl_function *)(void (*)(void))get_name, auth},
        {SASL_CB_PASS, (sasl_function *)(void (*)(void))get_secret, auth},
        {SASL_CB_LIST_END, NULL, NULL},
    };

    memcpy(auth->callbacks, all, sizeof all);
}

static int copy_secrets(struct auth *auth, const struct auth_settings *settings)
{
    size_t size = strlen(settings->password);

    auth->user = strdup(settings->user);
    auth->secret = calloc(1, sizeof *auth->secret + size + 1);
    if (auth->user == NULL || auth->secret == NULL)
        return -1;
    auth->secret->len = size;
    memcpy(auth->secret->data, settings->password, size + 1);
    return 0;
}

static int open_session(struct auth *auth, const struct auth_settings *settings)
{
    sasl_security_properties_t properties;

    memset(&properties, 0, sizeof properties);
    properties.security_flags = SASL_SEC_NOANONYMOUS;
    if (!settings->plain)
        properties.security_flags |= SASL_SEC_NOPLAINTEXT;
    if (sasl_client_new("smtp", settings->server, NULL, NULL, auth->callbacks, 0, &auth->conn) !=
        SASL_OK)
        return -1;
    return sasl_setprop(auth->conn, SASL_SEC_PROPS, &properties) == SASL_OK ? 0 : -1;
}

/* NAME is one of the words of LIST. */
static bool has_word(const char *list, const char *name)
{
    size_t size = strlen(name);

    while (*list != '\0') {
        size_t word = strcspn(list, " ");

        if (word == size && strncasecmp(list, name, size) == 0)
            return true;
        list += word;
        list += strspn(list, " ");
    }
    return false;
}

static bool sends_password(const char *mechanism)
{
    return strcasecmp(mechanism, "PLAIN") == 0 || strcasecmp(mechanism, "LOGIN") == 0;
}

/* RESPONSE of the first step; none and an empty one are different things (RFC 4954 4). */
static int hold(struct auth *auth, const char *response, unsigned size)
{
    auth->holding = response != NULL;
    return response != NULL && size > 0 ? buf_append(&auth->held, response, size) : 0;
}

static int try_mechanism(struct auth *auth, const char *name)
{
    const char *response = NULL;
    const char *chosen = NULL;
    unsigned size = 0;
    int result = sasl_client_start(auth->conn, name, NULL, &response, &size, &chosen);

    if (result != SASL_OK && result != SASL_CONTINUE)
        return -1;
    auth->finished = result == SASL_OK;
    auth->mechanism = strdup(name);
    for (char *c = auth->mechanism; c != NULL && *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return auth->mechanism != NULL && hold(auth, response, size) == 0 ? 0 : -1;
}

static void list_mechanisms(const struct auth_settings *settings, struct buf *out)
{
    int fits = 0;

    for (size_t i = 0; i < settings->mechanism_count && fits == 0; i++) {
        if (settings->plain || !sends_password(settings->mechanisms[i]))
            fits = buf_printf(out, "%s%s", out->size > 0 ? " " : "", settings->mechanisms[i]);
    }
}

static int none_fits(const struct auth_settings *settings, const char *offered, struct error *err)
{
    struct buf allowed;

    buf_init(&allowed, 100);
    list_mechanisms(settings, &allowed);
    error_set(err, ERROR_SETUP, "4.7.0",
              "no common AUTH mechanism: the server offers \"%.80s\", allowed here%s is \"%s\"",
              offered, settings->plain ? "" : " without TLS", buf_text(&allowed));
    buf_clear(&allowed);
    return -1;
}

static int choose(struct auth *auth, const struct auth_settings *settings, const char *offered,
                  struct error *err)
{
    for (size_t i = 0; i < settings->mechanism_count; i++) {
        const char *name = settings->mechanisms[i];

        if (!has_word(offered, name) || (sends_password(name) && !settings->plain))
            continue;
        if (try_mechanism(auth, name) == 0)
            return 0;
    }
    return none_fits(settings, offered, err);
}

int auth_new(struct auth **out, const struct auth_settings *settings, const char *offered,
             struct error *err)
{
    struct auth_settings full = *settings;
    struct auth *auth = calloc(1, sizeof *auth);

    *out = NULL;
    if (auth == NULL)
        return error_set(err, ERROR_SOFT, "4.3.0", "out of memory");
    if (full.mechanisms == NULL)
        full.mechanisms = auth_default_mechanisms(&full.mechanism_count);
    buf_init(&auth->said, (size_t)AUTH_STEPS_LIMIT * AUTH_LINE_LIMIT);
    buf_init(&auth->held, AUTH_LINE_LIMIT);
    set_callbacks(auth);
    if (copy_secrets(auth, &full) != 0 || open_session(auth, &full) != 0) {
        error_set(err, ERROR_SETUP, "4.7.0", "Cyrus SASL refuses to start a session");
        goto failed;
    }
    if (choose(auth, &full, offered, err) != 0)
        goto failed;
    *out = auth;
    return 0;

failed:
    auth_free(auth);
    return -1;
}

void auth_free(struct auth *auth)
{
    if (auth == NULL)
        return;
    if (auth->conn != NULL)
        sasl_dispose(&auth->conn);
    if (auth->secret != NULL)
        explicit_bzero(auth->secret, sizeof *auth->secret + auth->secret->len + 1);
    buf_wipe(&auth->said);
    buf_wipe(&auth->held);
    free(auth->secret);
    free(auth->user);
    free(auth->mechanism);
    free(auth);
}

const char *auth_mechanism(const struct auth *auth)
{
    return auth->mechanism;
}

static int too_long(struct error *err)
{
    return error_set(err, ERROR_SETUP, "5.5.6", "an AUTH line is too long");
}

/* Appends DATA in base64 and notes it for auth_redact. */
static int say(struct auth *auth, const void *data, size_t size, struct buf *line,
               struct error *err)
{
    size_t room = (size + 2) / 3 * 4 + 1;
    char *text;
    unsigned used = 0;
    int result = -1;

    if (room > AUTH_LINE_LIMIT)
        return too_long(err);
    text = malloc(room);
    if (text == NULL)
        return error_set(err, ERROR_SOFT, "4.3.0", "out of memory");
    if (sasl_encode64(data, (unsigned)size, text, (unsigned)room, &used) == SASL_OK &&
        buf_append(line, text, used) == 0 && buf_append(&auth->said, text, used) == 0 &&
        buf_append(&auth->said, "\n", 1) == 0)
        result = 0;
    else
        too_long(err);
    explicit_bzero(text, room);
    free(text);
    return result;
}

static int say_held(struct auth *auth, struct buf *line, struct error *err)
{
    int result = say(auth, buf_text(&auth->held), auth->held.size, line, err);

    auth->holding = false;
    buf_wipe(&auth->held);
    return result;
}

int auth_command(struct auth *auth, struct buf *line, struct error *err)
{
    size_t size = strlen("AUTH  ") + strlen(auth->mechanism) + (auth->held.size + 2) / 3 * 4;

    if (buf_printf(line, "AUTH %s", auth->mechanism) != 0)
        return too_long(err);
    if (!auth->holding || size > COMMAND_LIMIT || strcmp(auth->mechanism, "NTLM") == 0)
        return 0;
    if (buf_append(line, " ", 1) != 0)
        return too_long(err);
    if (auth->held.size > 0)
        return say_held(auth, line, err);
    auth->holding = false;
    return buf_append(line, "=", 1) == 0 ? 0 : too_long(err);
}

/* LOGIN's challenges are prompts for people, in base64 or not: nothing depends on them. */
static char *decode(const struct auth *auth, const char *challenge, unsigned *size,
                    struct error *err)
{
    size_t room = strlen(challenge) + 1;
    char *text = malloc(room);

    *size = 0;
    if (text == NULL) {
        error_set(err, ERROR_SOFT, "4.3.0", "out of memory");
        return NULL;
    }
    if (sasl_decode64(challenge, (unsigned)strlen(challenge), text, (unsigned)room, size) ==
            SASL_OK ||
        strcmp(auth->mechanism, "LOGIN") == 0)
        return text;
    free(text);
    error_set(err, ERROR_SETUP, "5.5.2",
              "the server's challenge for AUTH %s is not base64: is it a mail server?",
              auth->mechanism);
    return NULL;
}

static int step(struct auth *auth, const char *challenge, unsigned size, struct buf *line,
                struct error *err)
{
    const char *response = NULL;
    unsigned length = 0;
    int result;

    if (auth->finished && size > 0)
        return error_set(err, ERROR_SETUP, "5.5.1", "the server goes on after AUTH %s ended",
                         auth->mechanism);
    if (auth->finished)
        return say(auth, "", 0, line, err);
    result = sasl_client_step(auth->conn, challenge, size, NULL, &response, &length);
    if (result != SASL_OK && result != SASL_CONTINUE)
        return error_set(err, ERROR_SETUP, "4.7.0", "AUTH %s: %s", auth->mechanism,
                         sasl_errstring(result, NULL, NULL));
    auth->finished = result == SASL_OK;
    return say(auth, response != NULL ? response : "", length, line, err);
}

int auth_step(struct auth *auth, const char *challenge, struct buf *line, struct error *err)
{
    char *text;
    unsigned size;
    int result;

    if (++auth->steps > AUTH_STEPS_LIMIT)
        return error_set(err, ERROR_SETUP, "5.5.1", "AUTH %s does not end after %d steps",
                         auth->mechanism, AUTH_STEPS_LIMIT);
    if (auth->holding)
        return say_held(auth, line, err);
    text = decode(auth, challenge, &size, err);
    if (text == NULL)
        return -1;
    result = step(auth, text, size, line, err);
    explicit_bzero(text, strlen(challenge) + 1);
    free(text);
    return result;
}

int auth_accepted(struct auth *auth, struct error *err)
{
    if (auth->finished && !auth->holding)
        return 0;
    return error_set(err, ERROR_SETUP, "4.7.0",
                     "the server accepted AUTH %s before its end: it did not prove itself",
                     auth->mechanism);
}

static bool is_base64(char c)
{
    return isalnum((unsigned char)c) || c == '+' || c == '/' || c == '=';
}

/* Also a piece of what we said counts: servers quote the beginning of a line. */
static void redact_words(const char *said, char *text)
{
    char word[1024];

    while (*text != '\0') {
        size_t size = 0;

        while (is_base64(text[size]))
            size++;
        if (size >= 6 && size < sizeof word) {
            memcpy(word, text, size);
            word[size] = '\0';
            if (strcasestr(said, word) != NULL)
                memset(text, '*', size);
        }
        text += size > 0 ? size : 1;
    }
    explicit_bzero(word, sizeof word);
}

void auth_redact(const struct auth *auth, char *text)
{
    const char *secret = (const char *)auth->secret->data;

    redact_words(buf_text(&auth->said), text);
    for (char *at = text; auth->secret->len > 0 && (at = strcasestr(at, secret)) != NULL;) {
        memset(at, '*', auth->secret->len);
        at += auth->secret->len; /* it may be of nothing but '*' */
    }
}
