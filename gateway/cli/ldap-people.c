/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "cli/ldap-people.h"

#include <ldap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/time.h>

#include "base/buf.h"
#include "base/file.h"

#define ANSWER_MAX                                                                                 \
    ((ber_len_t)64 * 1024 * 1024) /* octets of one answer; a page is several answers */
#define TEXT_MAX 8192             /* octets of a name or an address that is looked at */

static const char *const proxies_name = "proxyAddresses";

struct search {
    LDAP *ldap;
    const struct ldap_source *source;
    struct import *import;
    struct berval cookie;
    const char **values; /* of the present person, and what frees them */
    size_t people, total;
};

static int failed(const struct search *search, int result, const char *what, struct error *err)
{
    char *more = NULL;
    bool setup = result == LDAP_INVALID_CREDENTIALS || result == LDAP_NO_SUCH_OBJECT ||
                 result == LDAP_INVALID_DN_SYNTAX || result == LDAP_INSUFFICIENT_ACCESS;

    if (search->ldap != NULL)
        ldap_get_option(search->ldap, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
    error_set(err, setup ? ERROR_SETUP : ERROR_SOFT, "", "%s: %s: %s%s%.80s",
              search->source->server, what, ldap_err2string(result),
              more != NULL && more[0] != '\0' ? ": " : "", more != NULL ? more : "");
    ldap_memfree(more);
    return -1;
}

static bool is_loopback(const char *server)
{
    const char *host = strstr(server, "://");

    host = host != NULL ? host + 3 : server;
    return strncasecmp(host, "127.", 4) == 0 || strncasecmp(host, "[::1]", 5) == 0;
}

static int check_source(const struct ldap_source *source, struct error *err)
{
    bool tls = strncasecmp(source->server, "ldaps://", 8) == 0;

    if (!tls && strncasecmp(source->server, "ldap://", 7) != 0)
        return error_set(err, ERROR_SETUP, "",
                         "\"%s\" is not a server such as ldaps://dc1.corp.example", source->server);
    if (tls && source->starttls)
        return error_set(err, ERROR_SETUP, "", "starttls has no meaning with ldaps://");
    if (source->user != NULL && !tls && !source->starttls && !is_loopback(source->server))
        return error_set(err, ERROR_SETUP, "",
                         "%s: a password never crosses a network in clear text: use ldaps:// or "
                         "--starttls",
                         source->server);
    return 0;
}

static int set_options(struct search *search, struct error *err)
{
    const struct ldap_source *source = search->source;
    struct timeval limit = {.tv_sec = (time_t)source->timeout_s};
    int version = LDAP_VERSION3, demand = LDAP_OPT_X_TLS_DEMAND, client = 0;
    ber_len_t most = ANSWER_MAX;
    Sockbuf *socket = NULL;
    LDAP *ldap = search->ldap;

    if (ldap_set_option(ldap, LDAP_OPT_PROTOCOL_VERSION, &version) != 0 ||
        ldap_set_option(ldap, LDAP_OPT_REFERRALS, LDAP_OPT_OFF) != 0 ||
        ldap_set_option(ldap, LDAP_OPT_RESTART, LDAP_OPT_ON) != 0 ||
        ldap_set_option(ldap, LDAP_OPT_NETWORK_TIMEOUT, &limit) != 0 ||
        ldap_set_option(ldap, LDAP_OPT_TIMEOUT, &limit) != 0 ||
        ldap_set_option(ldap, LDAP_OPT_X_TLS_REQUIRE_CERT, &demand) != 0)
        return error_set(err, ERROR_SETUP, "", "%s: the LDAP library refuses an option",
                         source->server);
    if (source->ca_file != NULL &&
        ldap_set_option(ldap, LDAP_OPT_X_TLS_CACERTFILE, source->ca_file) != 0)
        return error_set(err, ERROR_SETUP, "", "%s: cannot be used as a CA file", source->ca_file);
    ldap_set_option(ldap, LDAP_OPT_X_TLS_NEWCTX, &client);
    if (ldap_get_option(ldap, LDAP_OPT_SOCKBUF, &socket) == 0 && socket != NULL)
        ber_sockbuf_ctrl(socket, LBER_SB_OPT_SET_MAX_INCOMING, &most);
    return 0;
}

static int bind_user(struct search *search, struct error *err)
{
    const struct ldap_source *source = search->source;
    char *secret = NULL;
    struct berval password = {0, NULL};
    int result;

    if (source->password_file != NULL && secret_read(source->password_file, &secret, err) != 0)
        return -1;
    if (secret != NULL) {
        password.bv_val = secret;
        password.bv_len = strlen(secret);
    }
    /* A bind with a name and an empty password is anonymous, and succeeds (RFC 4513 5.1.2). */
    if (source->user != NULL && password.bv_len == 0) {
        secret_free(secret);
        return error_set(err, ERROR_SETUP, "", "%s: the password is empty",
                         source->password_file != NULL ? source->password_file : "password");
    }
    result =
        ldap_sasl_bind_s(search->ldap, source->user, LDAP_SASL_SIMPLE, &password, NULL, NULL, NULL);
    secret_free(secret);
    return result == LDAP_SUCCESS ? 0 : failed(search, result, "cannot log in", err);
}

static int connect_server(struct search *search, struct error *err)
{
    int result = ldap_initialize(&search->ldap, search->source->server);

    if (result != LDAP_SUCCESS)
        return failed(search, result, "cannot be used", err);
    if (set_options(search, err) != 0)
        return -1;
    if (search->source->starttls) {
        result = ldap_start_tls_s(search->ldap, NULL, NULL);
        if (result != LDAP_SUCCESS)
            return failed(search, result, "no TLS", err);
    }
    return bind_user(search, err);
}

/* RFC 4515: what has a meaning in a filter becomes "\HH". */
static int put_literal(struct buf *buf, const char *text)
{
    for (; *text != '\0'; text++) {
        if (strchr("*()\\", *text) != NULL || (unsigned char)*text >= 0x80) {
            if (buf_printf(buf, "\\%02x", (unsigned char)*text) != 0)
                return -1;
        } else if (buf_append(buf, text, 1) != 0) {
            return -1;
        }
    }
    return 0;
}

static int put_filter(struct buf *buf, const char *postoffice)
{
    static const char *const prefixes[] = {"MS:", "MIGRATE:MS:"};

    for (size_t i = 0; i < 2; i++) {
        if (buf_printf(buf, "(%s=%s", proxies_name, prefixes[i]) != 0 ||
            (postoffice != NULL &&
             (put_literal(buf, postoffice) != 0 || buf_append_text(buf, "/") != 0)) ||
            buf_append_text(buf, "*)") != 0)
            return -1;
    }
    return 0;
}

static int make_filter(const struct ldap_source *source, struct buf *buf)
{
    buf_init(buf, 1 << 20);
    if (buf_append_text(buf, "(|") != 0)
        return -1;
    for (size_t i = 0; i < source->postoffice_count; i++)
        if (put_filter(buf, source->postoffices[i]) != 0)
            return -1;
    if (source->postoffice_count == 0 && put_filter(buf, NULL) != 0)
        return -1;
    return buf_append_text(buf, ")");
}

/* The first value of NAME as a text that the caller frees, "" when there is none, or it is not one.
 */
static char *first_value(LDAP *ldap, LDAPMessage *entry, const char *name)
{
    struct berval **values = ldap_get_values_len(ldap, entry, name);
    char *text = NULL;

    if (values != NULL && values[0] != NULL && values[0]->bv_len <= TEXT_MAX &&
        memchr(values[0]->bv_val, '\0', values[0]->bv_len) == NULL)
        text = strndup(values[0]->bv_val, values[0]->bv_len);
    ldap_value_free_len(values);
    return text != NULL ? text : strdup("");
}

/* The proxy addresses of ENTRY into search->values, each to be freed. */
static size_t take_proxies(struct search *search, LDAPMessage *entry, const char *where)
{
    struct berval **values = ldap_get_values_len(search->ldap, entry, proxies_name);
    size_t count = 0;

    for (size_t i = 0; values != NULL && values[i] != NULL; i++) {
        const struct berval *value = values[i];

        if (value->bv_len > IMPORT_MAX_VALUE ||
            memchr(value->bv_val, '\0', value->bv_len) != NULL) {
            import_refuse(search->import, where, false,
                          "a proxy address of %lu octets is not one: left out",
                          (unsigned long)value->bv_len);
        } else if (count == IMPORT_MAX_VALUES) {
            import_refuse(search->import, where, false,
                          "has more than %d proxy addresses: the others are left out",
                          IMPORT_MAX_VALUES);
            break;
        } else {
            search->values[count] = strndup(value->bv_val, value->bv_len);
            count += search->values[count] != NULL;
        }
    }
    ldap_value_free_len(values);
    return count;
}

static void take_person(struct search *search, LDAPMessage *entry)
{
    char *dn = ldap_get_dn(search->ldap, entry), *text[5];
    static const char *const names[] = {"displayName", "mail", "targetAddress", "homeMDB",
                                        "msExchHomeServerName"};
    struct import_person person = {.where = dn != NULL ? dn : "?", .values = search->values};

    for (size_t i = 0; i < 5; i++)
        text[i] = first_value(search->ldap, entry, names[i]);
    if (text[0] != NULL && text[1] != NULL && text[2] != NULL && text[3] != NULL &&
        text[4] != NULL) {
        person.value_count = take_proxies(search, entry, person.where);
        person.display = text[0];
        person.mail = text[1];
        person.target = text[2];
        person.mailbox = text[3][0] != '\0' || text[4][0] != '\0';
        import_person(search->import, &person);
        for (size_t i = 0; i < person.value_count; i++) {
            char *mine; /* constant to import_person, not to us */

            memcpy(&mine, &search->values[i], sizeof mine);
            free(mine);
        }
    }
    for (size_t i = 0; i < 5; i++)
        free(text[i]);
    ldap_memfree(dn);
    search->people++;
}

/* The end of a page: its result, and where the next one begins. */
static int take_end(struct search *search, LDAPMessage *message, struct error *err)
{
    LDAPControl **controls = NULL, *page;
    ber_int_t estimate = 0;
    int result, status = 0;

    ber_memfree(search->cookie.bv_val);
    search->cookie = (struct berval){0, NULL};
    if (ldap_parse_result(search->ldap, message, &result, NULL, NULL, NULL, &controls, 0) !=
        LDAP_SUCCESS)
        return error_set(err, ERROR_SOFT, "", "%s: an answer cannot be read",
                         search->source->server);
    if (result != LDAP_SUCCESS) {
        status = failed(search, result, "the search failed", err);
    } else {
        page = ldap_control_find(LDAP_CONTROL_PAGEDRESULTS, controls, NULL);
        if (page != NULL && ldap_parse_pageresponse_control(search->ldap, page, &estimate,
                                                            &search->cookie) != LDAP_SUCCESS)
            status = error_set(err, ERROR_SOFT, "", "%s: the mark of a page cannot be read",
                               search->source->server);
        search->total = estimate > 0 ? (size_t)estimate : 0;
    }
    ldap_controls_free(controls);
    return status;
}

/* Takes the answers of request ID, one by one. */
static int take_page(struct search *search, int id, struct error *err)
{
    for (;;) {
        struct timeval limit = {.tv_sec = (time_t)search->source->timeout_s};
        LDAPMessage *message = NULL;
        int type = ldap_result(search->ldap, id, LDAP_MSG_ONE, &limit, &message), status, code = 0;

        if (type == 0)
            return error_set(err, ERROR_SOFT, "", "%s: no answer for %u seconds",
                             search->source->server, search->source->timeout_s);
        if (type < 0) {
            ldap_get_option(search->ldap, LDAP_OPT_RESULT_CODE, &code);
            return failed(search, code, "the connection is lost", err);
        }
        if (type == LDAP_RES_SEARCH_RESULT) {
            status = take_end(search, message, err);
            ldap_msgfree(message);
            return status;
        }
        if (type == LDAP_RES_SEARCH_ENTRY)
            take_person(search, message);
        ldap_msgfree(message);
        if (search->people > IMPORT_MAX_PEOPLE)
            return error_set(err, ERROR_DATA, "", "%s: more than %d people", search->source->server,
                             IMPORT_MAX_PEOPLE);
    }
}

static int ask_page(struct search *search, const char *filter, struct error *err)
{
    char names[][24] = {"proxyAddresses", "displayName", "mail",
                        "targetAddress",  "homeMDB",     "msExchHomeServerName"};
    char *attributes[] = {names[0], names[1], names[2], names[3], names[4], names[5], NULL};
    LDAPControl *page = NULL, *controls[2] = {NULL, NULL};
    int id, result = ldap_create_page_control(search->ldap, (ber_int_t)search->source->page,
                                              &search->cookie, 1, &page);

    if (result != LDAP_SUCCESS)
        return failed(search, result, "no page can be asked for", err);
    controls[0] = page;
    result = ldap_search_ext(search->ldap, search->source->base, LDAP_SCOPE_SUBTREE, filter,
                             attributes, 0, controls, NULL, NULL, 0, &id);
    ldap_control_free(page);
    if (result != LDAP_SUCCESS)
        return failed(search, result, "the search cannot be asked", err);
    return take_page(search, id, err);
}

int ldap_people(struct import *import, const struct ldap_source *source,
                void (*seen)(void *context, size_t people, size_t total), void *context,
                struct error *err)
{
    struct search search = {.source = source, .import = import};
    struct buf filter = {.data = NULL};
    int status = check_source(source, err);

    if (status != 0)
        return -1;
    search.values = calloc(IMPORT_MAX_VALUES, sizeof *search.values);
    status = search.values == NULL || make_filter(source, &filter) != 0
                 ? error_sys(err, ERROR_SOFT, "", "no memory for a search")
                 : connect_server(&search, err);
    if (status == 0) {
        do {
            status = ask_page(&search, buf_text(&filter), err);
            if (status == 0 && seen != NULL)
                seen(context, search.people, search.total);
        } while (status == 0 && search.cookie.bv_len != 0);
    }
    ber_memfree(search.cookie.bv_val);
    if (search.ldap != NULL)
        ldap_unbind_ext_s(search.ldap, NULL, NULL);
    buf_clear(&filter);
    free(search.values);
    return status;
}
