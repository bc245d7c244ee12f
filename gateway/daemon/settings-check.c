/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/settings-int.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "message/address.h"

#define HOST_MAX 253
#define LABEL_MAX 63
#define PART_MAX 10 /* characters of a network or postoffice name (Q116466) */
#define GATEWAY_MAX 31
#define TITLE_MAX 32
#define ZONE_DIRECTORY "/usr/share/zoneinfo/"

static bool is_alnum(char octet)
{
    return (octet >= '0' && octet <= '9') || (octet >= 'a' && octet <= 'z') ||
           (octet >= 'A' && octet <= 'Z');
}

static bool is_dns_name(const char *text)
{
    size_t label = 0, size = strlen(text);

    if (size == 0 || size > HOST_MAX)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.') {
            if (label == 0 || text[i - 1] == '-')
                return false;
            label = 0;
        } else if (is_alnum(text[i]) || (text[i] == '-' && label > 0)) {
            if (++label > LABEL_MAX)
                return false;
        } else {
            return false;
        }
    }
    return label > 0 && text[size - 1] != '-';
}

static bool is_address(int family, const char *text)
{
    uint8_t octets[sizeof(struct in6_addr)];

    return inet_pton(family, text, octets) == 1;
}

int settings_check_host(const struct section *section, const char *key, const char *value)
{
    if (is_dns_name(value))
        return 0;
    return settings_wrong(section, key, "\"%s\" is not a DNS name such as gw.example.com", value);
}

int settings_check_helo(const struct section *section, const char *key, const char *value)
{
    char inner[64];
    size_t size = strlen(value);

    if (size > 2 && size - 2 < sizeof inner && value[0] == '[' && value[size - 1] == ']') {
        memcpy(inner, value + 1, size - 2);
        inner[size - 2] = '\0';
        if (is_address(AF_INET, inner) ||
            (strncasecmp(inner, "IPv6:", 5) == 0 && is_address(AF_INET6, inner + 5)))
            return 0;
    } else if (is_dns_name(value)) {
        return 0;
    }
    return settings_wrong(section, key,
                          "\"%s\" is neither a DNS name such as gw.example.com nor an address "
                          "literal such as \"[192.0.2.1]\"",
                          value);
}

int settings_check_address(const struct section *section, const char *key, const char *value)
{
    if (address_smtp_valid(value))
        return 0;
    return settings_wrong(section, key,
                          "\"%s\" is not an SMTP address such as postmaster@example.com", value);
}

int settings_check_timezone(const struct section *section, const char *key, const char *value)
{
    char path[256];
    struct stat info;
    int size;

    if (strcmp(value, "UTC") == 0)
        return 0;
    size = snprintf(path, sizeof path, "%s%s", ZONE_DIRECTORY, value);
    if (size > 0 && (size_t)size < sizeof path && value[0] != '/' && strstr(value, "..") == NULL &&
        stat(path, &info) == 0 && S_ISREG(info.st_mode))
        return 0;
    return settings_wrong(section, key,
                          "\"%s\" is not a time zone: use a name below %s such as Europe/Berlin",
                          value, ZONE_DIRECTORY);
}

static bool is_postoffice(const char *value)
{
    const char *slash = strchr(value, '/');
    size_t post = slash != NULL ? strlen(slash + 1) : 0;

    return slash != NULL && slash > value && slash - value <= PART_MAX && post > 0 &&
           post <= PART_MAX && strchr(slash + 1, '/') == NULL;
}

int settings_check_postoffice(const struct section *section, const char *key, const char *value)
{
    if (is_postoffice(value))
        return 0;
    return settings_wrong(section, key,
                          "\"%s\" is not NETWORK/POSTOFFICE with 1 to 10 characters each", value);
}

int settings_check_queue(const struct section *section, const char *key, const char *value)
{
    size_t size = strlen(value);

    if (is_postoffice(value) || (size > 0 && size <= GATEWAY_MAX && strchr(value, '/') == NULL))
        return 0;
    return settings_wrong(section, key,
                          "\"%s\" is neither NETWORK/POSTOFFICE nor the name of a gateway", value);
}

int settings_check_mechanism(const struct section *section, const char *key, const char *value)
{
    static const char *const known[] = {"SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "NTLM",
                                        "CRAM-MD5",      "PLAIN",         "LOGIN"};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(value, known[i]) == 0)
            return 0;
    }
    return settings_wrong(section, key,
                          "\"%s\" is not known: SCRAM-SHA-512, SCRAM-SHA-256, SCRAM-SHA-1, NTLM, "
                          "CRAM-MD5, PLAIN, LOGIN",
                          value);
}

/* Titles are parts of file names and of names in the queue. */
int settings_check_title(const struct section *section, const char *key, const char *value)
{
    size_t size = strlen(value);
    bool good = size > 0 && size <= TITLE_MAX && value[0] != '.' && value[0] != '-';

    for (size_t i = 0; i < size; i++)
        good = good && (is_alnum(value[i]) || strchr("._-", value[i]) != NULL);
    if (good)
        return 0;
    return settings_wrong(
        section, key, "the title \"%s\" must be 1 to 32 letters, digits, '-', '_' or '.'", value);
}

static int parse_port(const char *text, uint16_t *out)
{
    char *end;
    unsigned long port;

    if (text[0] < '0' || text[0] > '9')
        return -1;
    port = strtoul(text, &end, 10);
    if (*end != '\0' || port == 0 || port > UINT16_MAX)
        return -1;
    *out = (uint16_t)port;
    return 0;
}

int settings_parse_host(const struct section *section, const char *key, const char *value,
                        uint16_t default_port, struct settings_host *out)
{
    char name[HOST_MAX + 1];
    const char *begin = value, *end, *rest;
    bool bracket = value[0] == '[';

    if (bracket) {
        begin++;
        end = strchr(value, ']');
        rest = end != NULL ? end + 1 : NULL;
    } else {
        end = rest = value + strcspn(value, ":");
    }
    out->port = default_port;
    if (end == NULL || rest == NULL || end == begin || (size_t)(end - begin) >= sizeof name)
        goto bad;
    memcpy(name, begin, (size_t)(end - begin));
    name[end - begin] = '\0';
    if (bracket ? !is_address(AF_INET6, name) : !is_dns_name(name))
        goto bad;
    if (*rest != '\0' && (*rest != ':' || parse_port(rest + 1, &out->port) != 0))
        goto bad;
    out->name = settings_keep_text(section, name);
    return out->name != NULL ? 0 : -1;
bad:
    return settings_wrong(section, key,
                          "\"%s\" is not a host: write \"mail.example.com:587\", "
                          "\"192.0.2.1:587\" or \"[2001:db8::1]:587\"",
                          value);
}

int settings_parse_pin(const struct section *section, const char *value, const char **out)
{
    char digits[65];
    size_t count = 0;

    for (const char *c = value; *c != '\0'; c++) {
        if (*c == ':' && count > 0 && count % 2 == 0)
            continue;
        if (strchr("0123456789abcdefABCDEF", *c) == NULL || count == 64) {
            count = 0;
            break;
        }
        digits[count++] = (char)(*c >= 'A' && *c <= 'F' ? *c - 'A' + 'a' : *c);
    }
    if (count != 64)
        return settings_wrong(section, "pin",
                              "must be the SHA-256 fingerprint of the server's certificate, 64 hex "
                              "digits");
    digits[64] = '\0';
    *out = settings_keep_text(section, digits);
    return *out != NULL ? 0 : -1;
}

static int refuse(const struct section *section, const char *const *keys, size_t count,
                  const char *why)
{
    for (size_t i = 0; i < count; i++) {
        if (settings_given(section, keys[i]))
            return settings_wrong(section, keys[i], "has no meaning %s: remove it", why);
    }
    return 0;
}

static int agree_queues(const struct section *section, const struct settings_postoffice *postoffice)
{
    for (size_t i = 0; i < postoffice->queue_count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcasecmp(postoffice->queues[i], postoffice->queues[k]) == 0)
                return settings_wrong(section, "queues", "\"%s\" is there twice",
                                      postoffice->queues[i]);
        }
    }
    return 0;
}

static int agree_ffapi(const struct section *section, const struct settings_postoffice *postoffice)
{
    static const char *const native[] = {"path", "profile"};

    if (refuse(section, native, 2, "with door = ffapi") != 0)
        return -1;
    if (postoffice->command_count == 0)
        return settings_wrong(section, "command", "is missing: the GET program and its arguments");
    if (postoffice->command[0][0] != '/')
        return settings_wrong(section, "command", "\"%s\" must be an absolute path",
                              postoffice->command[0]);
    for (size_t i = 1; i < postoffice->command_count; i++) {
        if (strstr(postoffice->command[i], "{file}") != NULL)
            return agree_queues(section, postoffice);
    }
    return settings_wrong(section, "command", "one argument must contain {file}");
}

int settings_agree_postoffice(const struct section *section,
                              const struct settings_postoffice *postoffice)
{
    static const char *const ffapi[] = {"command", "command-limit"};

    if (postoffice->door == DOOR_FFAPI)
        return agree_ffapi(section, postoffice);
    if (refuse(section, ffapi, 2, "with door = native") != 0)
        return -1;
    if (postoffice->path == NULL)
        return settings_wrong(section, "path", "is missing: the postoffice's root directory");
    if (postoffice->profile == NULL)
        return settings_wrong(section, "profile", "is missing: the file with its layout");
    /* An empty list has no value that settings_given would know of. */
    if ((cfg_getopt(section->cfg, "queues")->flags & CFGF_MODIFIED) == 0)
        return settings_wrong(
            section, "queues",
            "is missing: external postoffices or gateways whose mail is taken, or "
            "{} for none");
    return agree_queues(section, postoffice);
}

static bool is_loopback(const char *name)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, name, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, name, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(name, "localhost") == 0;
}

int settings_agree_relay(const struct section *section, const struct settings_relay *relay)
{
    static const char *const tls[] = {"ca-file", "server-name", "pin"};
    static const char *const auth[] = {"password-file", "mechanisms"};

    if (relay->tls == SMTP_TLS_NONE && refuse(section, tls, 3, "with tls = none") != 0)
        return -1;
    if (relay->user == NULL && refuse(section, auth, 2, "without user") != 0)
        return -1;
    if (relay->user != NULL && relay->password_file == NULL)
        return settings_wrong(section, "password-file", "is missing: user needs it");
    if (relay->plain_without_tls && relay->user == NULL)
        return settings_wrong(section, "plain-without-tls", "has no meaning without user");
    if (relay->plain_without_tls && relay->tls != SMTP_TLS_NONE)
        return settings_wrong(section, "plain-without-tls", "has no meaning with TLS: remove it");
    for (size_t i = 0; i < relay->host_count && relay->plain_without_tls; i++) {
        if (!is_loopback(relay->hosts[i].name))
            return settings_wrong(section, "plain-without-tls",
                                  "%s is not this machine: a password never crosses a network "
                                  "in clear text",
                                  relay->hosts[i].name);
    }
    return 0;
}
