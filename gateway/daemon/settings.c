/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/settings.h"

#include <ctype.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/settings-int.h"
#include "message/charset.h"

#define DAY_S 86400u
#define SUBMISSION_PORT 587
#define SUBMISSIONS_PORT 465
struct settings_block {
    struct settings_block *next;
    max_align_t data[];
};

/* ---- memory ---- */

void *settings_keep(const struct section *section, size_t size)
{
    struct settings_block *block = calloc(1, sizeof *block + size);

    if (block == NULL) {
        error_set(section->err, ERROR_SETUP, "", "%s: out of memory", section->file);
        return NULL;
    }
    block->next = section->owner->blocks;
    section->owner->blocks = block;
    return block->data;
}

const char *settings_keep_text(const struct section *section, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = settings_keep(section, size);

    return copy != NULL ? memcpy(copy, text, size) : NULL;
}

void settings_free(struct settings *settings)
{
    /* settings is the first member of its owner. */
    struct settings_owner *owner = (struct settings_owner *)settings;
    struct settings_block *block, *next;

    if (owner == NULL)
        return;
    for (block = owner->blocks; block != NULL; block = next) {
        next = block->next;
        free(block);
    }
    free(owner);
}

/* ---- errors of the parser ---- */

/* libConfuse gives its functions no context: the parse that runs in this thread. */
static _Thread_local struct {
    const char *file;
    struct error *err;
    bool failed;
    const cfg_opt_t *list; /* whose values are being read, and how many there are by now */
    unsigned values;
} parsing;

static void PRINTF_LIKE(2, 0) parse_failed(cfg_t *cfg, const char *format, va_list args)
{
    char text[ERROR_TEXT_SIZE];

    if (parsing.failed)
        return;
    parsing.failed = true;
    vsnprintf(text, sizeof text, format, args);
    error_set(parsing.err, ERROR_SETUP, "", "%s:%d: %s", parsing.file, cfg->line, text);
}

/* A list's function is called for each value, and once more at its end. What += appends is never
 * the first value; a first value after the end begins the list anew. */
static bool list_again(cfg_opt_t *option)
{
    unsigned values = cfg_opt_size(option);
    bool inside = parsing.list == option;

    parsing.list = inside && values == parsing.values ? NULL : option;
    parsing.values = values;
    return !inside && values == 1;
}

/* Refuses a setting that is there twice, and notes its line, which is also how settings_given
 * knows. */
static int value_seen(cfg_t *cfg, cfg_opt_t *option)
{
    char line[16];
    bool again = (option->flags & CFGF_LIST) == 0 || list_again(option);

    if (option->comment != NULL && again) {
        cfg_error(cfg, "%s is there twice: first in line %s", option->name, option->comment);
        return -1;
    }
    if (option->comment != NULL)
        return 0;
    snprintf(line, sizeof line, "%d", cfg->line);
    return cfg_opt_setcomment(option, line) == CFG_SUCCESS ? 0 : -1;
}

/* ---- sections ---- */

static int codepage(const struct section *section, const struct settings_postoffice *postoffice,
                    const char **out)
{
    char name[32];
    const char *value;
    struct error err;

    if (settings_string(section, "codepage", false, NULL, &value) != 0)
        return -1;
    *out = NULL;
    if (value == NULL && postoffice->door == DOOR_NATIVE)
        return 0;
    error_clear(&err);
    if (charset_name(value != NULL ? value : "850", name, sizeof name, &err) != 0)
        return settings_wrong(section, "codepage", "%s", err.text);
    *out = settings_keep_text(section, name);
    return *out != NULL ? 0 : -1;
}

/* How what MS Mail has and mail has not is sent. */
static int load_fidelity(const struct section *section, struct settings_postoffice *out)
{
    static const char *const streams[] = {"keep", "decode", "pass", "drop"};
    static const char *const meetings[] = {"text", "ical", "both"};
    static const char *const importance[] = {"high", "normal"};
    static const char *const blocks[] = {"use", "keep"};
    static const char *const charsets[] = {"utf-8", "latin1"};
    static const char *const objects[] = {"keep", "text"};
    int tnef, schedule, registered, block, ole, charset;

    if (settings_choice(section, "tnef", streams, 4, "keep, decode, pass, drop", LETTER_TNEF_DECODE,
                        &tnef) != 0 ||
        settings_choice(section, "ole", objects, 2, "keep, text", LETTER_OLE_KEEP, &ole) != 0 ||
        settings_choice(section, "header-block", blocks, 2, "use, keep", 0, &block) != 0 ||
        settings_choice(section, "schedule", meetings, 3, "text, ical, both", LETTER_SCHEDULE_TEXT,
                        &schedule) != 0 ||
        settings_choice(section, "registered-importance", importance, 2, "high, normal", 0,
                        &registered) != 0 ||
        settings_choice(section, "charset", charsets, 2, "utf-8, latin1", 0, &charset) != 0 ||
        settings_flag(section, "legacy-receipts", &out->legacy_receipts) != 0 ||
        settings_flag(section, "receipt-as-dsn", &out->receipt_as_dsn) != 0)
        return -1;
    out->latin1 = charset == 1;
    out->tnef = (enum letter_tnef)tnef;
    out->header_block = block == 0;
    out->schedule = (enum letter_schedule)schedule;
    out->ole = (enum letter_ole)ole;
    out->registered_normal = registered == 1;
    return 0;
}

static int load_postoffice(const struct section *section, struct settings_postoffice *out)
{
    static const char *const doors[] = {"native", "ffapi"};
    static const char *const policies[] = {"leave", "report"};
    static const char *const headers[] = {"leave", "remove"};
    int door, policy, lost, programs;

    out->title = settings_keep_text(section, cfg_title(section->cfg));
    if (out->title == NULL || settings_check_title(section, NULL, out->title) != 0 ||
        settings_string(section, "name", true, settings_check_postoffice, &out->name) != 0 ||
        settings_choice(section, "door", doors, 2, "native, ffapi", DOOR_NATIVE, &door) != 0 ||
        settings_choice(section, "unmapped", policies, 2, "leave, report", UNMAPPED_LEAVE,
                        &policy) != 0 ||
        settings_choice(section, "lost", headers, 2, "leave, remove", LOST_LEAVE, &lost) != 0 ||
        settings_choice(section, "system-mail", headers, 2, "leave, remove", SYSTEM_LEAVE,
                        &programs) != 0)
        return -1;
    out->door = door == DOOR_FFAPI ? DOOR_FFAPI : DOOR_NATIVE;
    out->system_mail = programs == SYSTEM_REMOVE ? SYSTEM_REMOVE : SYSTEM_LEAVE;
    out->lost = lost == LOST_REMOVE ? LOST_REMOVE : LOST_LEAVE;
    out->unmapped = policy == UNMAPPED_REPORT ? UNMAPPED_REPORT : UNMAPPED_LEAVE;
    if (settings_path(section, "path", false, &out->path) != 0 ||
        settings_path(section, "profile", false, &out->profile) != 0 ||
        settings_list(section, "queues", settings_check_queue, &out->queues, &out->queue_count) !=
            0 ||
        settings_list(section, "command", NULL, &out->command, &out->command_count) != 0 ||
        settings_small(section, "command-limit", 1, DAY_S, 300, &out->command_limit_s) != 0 ||
        codepage(section, out, &out->codepage) != 0 ||
        settings_string(section, "timezone", false, settings_check_timezone, &out->timezone) != 0 ||
        load_fidelity(section, out) != 0 ||
        settings_flag(section, "typed-smtp", &out->typed_smtp) != 0 ||
        settings_flag(section, "rule-recipients", &out->rule_recipients) != 0 ||
        settings_flag(section, "rewrite-unmapped", &out->rewrite_unmapped) != 0 ||
        settings_small(section, "interval", 1, DAY_S, 60, &out->interval_s) != 0 ||
        settings_small(section, "full-sweep", 1, 30 * DAY_S, DAY_S, &out->full_sweep_s) != 0 ||
        settings_small(section, "batch", 1, 4096, 200, &out->batch) != 0 ||
        settings_number(section, "max-size", 1024, UINT32_MAX, 104857600, &out->max_size) != 0)
        return -1;
    if (out->timezone == NULL)
        out->timezone = "UTC";
    return settings_agree_postoffice(section, out);
}

static int load_hosts(const struct section *section, struct settings_relay *relay)
{
    uint16_t port = relay->tls == SMTP_TLS_IMPLICIT ? SUBMISSIONS_PORT : SUBMISSION_PORT;
    struct settings_host *hosts;
    const char *const *names;
    size_t count;

    if (settings_list(section, "hosts", NULL, &names, &count) != 0)
        return -1;
    if (count == 0)
        return settings_wrong(section, "hosts", "is missing: { \"mail.example.com:587\" }");
    hosts = settings_keep(section, count * sizeof *hosts);
    if (hosts == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (settings_parse_host(section, "hosts", names[i], port, &hosts[i]) != 0)
            return -1;
    }
    relay->hosts = hosts;
    relay->host_count = count;
    return 0;
}

static int load_relay(const struct section *section, struct settings_relay *out)
{
    static const char *const kinds[] = {"none", "starttls", "implicit"};
    static const enum smtp_tls tls[] = {SMTP_TLS_NONE, SMTP_TLS_STARTTLS, SMTP_TLS_IMPLICIT};
    static const char *const ways[] = {"off", "auto"};
    const char *pin;
    int kind, way;

    out->title = "relay";
    if (settings_choice(section, "tls", kinds, 3, "starttls, implicit, none", 1, &kind) != 0)
        return -1;
    out->tls = tls[kind];
    if (settings_choice(section, "chunking", ways, 2, "auto, off", 1, &way) != 0)
        return -1;
    out->chunking = way == 1;
    if (load_hosts(section, out) != 0 ||
        settings_path(section, "ca-file", false, &out->ca_file) != 0 ||
        settings_string(section, "server-name", false, settings_check_host, &out->server_name) !=
            0 ||
        settings_string(section, "pin", false, NULL, &pin) != 0 ||
        (pin != NULL && settings_parse_pin(section, pin, &out->pin) != 0) ||
        settings_string(section, "user", false, NULL, &out->user) != 0 ||
        settings_secret_path(section, "password-file", &out->password_file) != 0 ||
        settings_list(section, "mechanisms", settings_check_mechanism, &out->mechanisms,
                      &out->mechanism_count) != 0 ||
        settings_flag(section, "plain-without-tls", &out->plain_without_tls) != 0 ||
        settings_small(section, "connections", 1, 64, 4, &out->connections) != 0 ||
        settings_small(section, "messages", 1, 100000, 1000, &out->messages) != 0 ||
        settings_small(section, "pipeline", 1, 64, 32, &out->pipeline) != 0 ||
        settings_small(section, "max-recipients", 1, SMTP_RECIPIENTS_LIMIT, 100,
                       &out->max_recipients) != 0 ||
        settings_small(section, "suspend", 1, DAY_S, 300, &out->suspend_s) != 0 ||
        settings_small(section, "time-divisor", 1, 100000, 1, &out->time_divisor) != 0)
        return -1;
    return settings_agree_relay(section, out);
}

static int load_schedule(const struct section *section, struct schedule *out)
{
    uint64_t first, longest, expiry;

    schedule_defaults(out);
    if (settings_number(section, "retry-first", 1, DAY_S, (uint64_t)out->first_ms / 1000, &first) !=
            0 ||
        settings_number(section, "retry-longest", 1, UINT64_C(7) * DAY_S,
                        (uint64_t)out->longest_ms / 1000, &longest) != 0 ||
        settings_number(section, "expiry", 1, UINT64_C(366) * DAY_S,
                        (uint64_t)out->expiry_ms / 1000, &expiry) != 0)
        return -1;
    if (longest < first)
        return settings_wrong(section, "retry-longest",
                              "%llu is less than retry-first, which is %llu",
                              (unsigned long long)longest, (unsigned long long)first);
    out->first_ms = (int64_t)first * 1000;
    out->longest_ms = (int64_t)longest * 1000;
    out->expiry_ms = (int64_t)expiry * 1000;
    return 0;
}

static int load_reports(const struct section *section, struct settings *out)
{
    static const char *const people[] = {"originator", "postmaster"};
    int to;

    if (settings_choice(section, "report-to", people, 2, "originator, postmaster", 0, &to) != 0 ||
        settings_small(section, "report-wait", 0, DAY_S, 600, &out->report_wait_s) != 0 ||
        settings_small(section, "delay-notice", 0, 31 * DAY_S, DAY_S / 6, &out->delay_notice_s) !=
            0 ||
        settings_number(section, "ndr-max-body", 0, 16777216, 1048576, &out->ndr_max_body) != 0)
        return -1;
    out->report_to_postmaster = to == 1;
    return 0;
}

static int load_spool(const struct section *section, struct settings *out)
{
    char uri[PATH_MAX + 32];

    if (settings_path(section, "spool", true, &out->spool) != 0 ||
        settings_join(section, "spool", out->spool, "tmp", &out->temporary) != 0)
        return -1;
    snprintf(uri, sizeof uri, "sqlite:%s/queue.db", out->spool);
    out->store = settings_keep_text(section, uri);
    return out->store != NULL ? 0 : -1;
}

static int load_main(const struct section *section, struct settings *out)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    static const enum log_level level_of[] = {LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
                                              LOG_LEVEL_DEBUG};
    int level;

    if (load_spool(section, out) != 0 ||
        settings_string(section, "hostname", true, settings_check_helo, &out->hostname) != 0 ||
        settings_string(section, "domain", false, settings_check_host, &out->domain) != 0 ||
        settings_string(section, "postmaster", true, settings_check_address, &out->postmaster) !=
            0 ||
        settings_string(section, "envelope-sender", false, settings_check_address,
                        &out->envelope_sender) != 0 ||
        settings_path(section, "map", true, &out->map) != 0 ||
        settings_list(section, "routed-domains", settings_check_host, &out->routed_domains,
                      &out->routed_domain_count) != 0 ||
        settings_path(section, "log", false, &out->log) != 0 ||
        settings_choice(section, "log-level", levels, 4, "error, warn, info, debug", 2, &level) !=
            0 ||
        settings_small(section, "keep-days", 0, 3650, 7, &out->keep_days) != 0)
        return -1;
    out->log_level = level_of[level];
    if (out->domain == NULL && out->hostname[0] == '[')
        return settings_wrong(section, "domain", "is missing: hostname is an address literal");
    if (out->domain == NULL)
        out->domain = out->hostname;
    return load_reports(section, out) == 0 ? load_schedule(section, &out->schedule) : -1;
}

/* Directories in the spool are named after titles, with '_' for what is no letter or digit. */
static bool same_title(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        bool plain = isalnum((unsigned char)*a) != 0;

        if (plain != (isalnum((unsigned char)*b) != 0) ||
            (plain && tolower((unsigned char)*a) != tolower((unsigned char)*b)))
            return false;
    }
    return *a == *b;
}

static int load_postoffices(const struct section *top, struct settings *out)
{
    size_t count = cfg_size(top->cfg, "postoffice");
    struct settings_postoffice *postoffices;

    if (count == 0)
        return settings_wrong(top, NULL, "there is no section postoffice TITLE { ... }");
    postoffices = settings_keep(top, count * sizeof *postoffices);
    if (postoffices == NULL)
        return -1;
    for (size_t i = 0; i < count; i++) {
        struct section section = *top;

        section.cfg = cfg_getnsec(top->cfg, "postoffice", (unsigned)i);
        snprintf(section.label, sizeof section.label, "postoffice %.40s: ", cfg_title(section.cfg));
        if (load_postoffice(&section, &postoffices[i]) != 0)
            return -1;
        for (size_t k = 0; k < i; k++) {
            if (same_title(postoffices[i].title, postoffices[k].title))
                return settings_wrong(&section, NULL,
                                      "the title must differ from %s in letters or digits",
                                      postoffices[k].title);
        }
    }
    out->postoffices = postoffices;
    out->postoffice_count = count;
    return 0;
}

static int load_all(const struct section *top, struct settings *out)
{
    struct section relay = *top;

    if (load_main(top, out) != 0 || load_postoffices(top, out) != 0)
        return -1;
    if (cfg_size(top->cfg, "relay") != 1)
        return settings_wrong(top, NULL, "there must be one section relay { ... }, not %u",
                              cfg_size(top->cfg, "relay"));
    relay.cfg = cfg_getnsec(top->cfg, "relay", 0);
    snprintf(relay.label, sizeof relay.label, "relay: ");
    return load_relay(&relay, &out->relay);
}

/* ---- the file ---- */

/* The absolute directory of PATH; the caller's (free). */
static char *directory_of(const char *file, struct error *err)
{
    char *full = realpath(file, NULL), *slash;

    if (full == NULL) {
        error_sys(err, ERROR_SETUP, "", "cannot open the settings %s", file);
        return NULL;
    }
    slash = strrchr(full, '/');
    slash[slash == full ? 1 : 0] = '\0';
    return full;
}

static int parse(cfg_t *cfg, const char *file, const char *content, struct error *err)
{
    int result;

    parsing.file = file;
    parsing.err = err;
    parsing.failed = false;
    parsing.list = NULL;
    result = cfg_parse_buf(cfg, content);
    parsing.err = NULL;
    if (parsing.failed)
        return -1;
    if (result != CFG_SUCCESS)
        return error_set(err, ERROR_SETUP, "", "%s: cannot be parsed", file);
    return 0;
}

static void watch(cfg_t *cfg, const char *prefix, const cfg_opt_t *options)
{
    char name[96];

    for (; options->name != NULL; options++) {
        snprintf(name, sizeof name, "%s%s", prefix, options->name);
        if (options->type == CFGT_STR)
            cfg_set_validate_func(cfg, name, value_seen);
    }
}

static int load_content(struct section *top, const char *content, cfg_opt_t *options,
                        const cfg_opt_t *postoffice, const cfg_opt_t *relay)
{
    int result = -1;

    top->cfg = cfg_init(options, CFGF_NONE);
    if (top->cfg == NULL)
        return error_set(top->err, ERROR_SETUP, "", "%s: out of memory", top->file);
    cfg_set_error_function(top->cfg, parse_failed);
    watch(top->cfg, "", options);
    watch(top->cfg, "postoffice|", postoffice);
    watch(top->cfg, "relay|", relay);
    if (parse(top->cfg, top->file, content, top->err) == 0)
        result = load_all(top, &top->owner->settings);
    cfg_free(top->cfg);
    return result;
}

static int load_file(struct section *top, const char *content)
{
    cfg_opt_t postoffice[] = {
        CFG_STR("name", NULL, CFGF_NONE),
        CFG_STR("door", NULL, CFGF_NONE),
        CFG_STR("path", NULL, CFGF_NONE),
        CFG_STR("profile", NULL, CFGF_NONE),
        CFG_STR_LIST("queues", NULL, CFGF_NONE),
        CFG_STR_LIST("command", NULL, CFGF_NONE),
        CFG_STR("command-limit", NULL, CFGF_NONE),
        CFG_STR("codepage", NULL, CFGF_NONE),
        CFG_STR("charset", NULL, CFGF_NONE),
        CFG_STR("timezone", NULL, CFGF_NONE),
        CFG_STR("unmapped", NULL, CFGF_NONE),
        CFG_STR("lost", NULL, CFGF_NONE),
        CFG_STR("system-mail", NULL, CFGF_NONE),
        CFG_STR("typed-smtp", NULL, CFGF_NONE),
        CFG_STR("interval", NULL, CFGF_NONE),
        CFG_STR("full-sweep", NULL, CFGF_NONE),
        CFG_STR("batch", NULL, CFGF_NONE),
        CFG_STR("rule-recipients", NULL, CFGF_NONE),
        CFG_STR("max-size", NULL, CFGF_NONE),
        CFG_STR("rewrite-unmapped", NULL, CFGF_NONE),
        CFG_STR("tnef", NULL, CFGF_NONE),
        CFG_STR("ole", NULL, CFGF_NONE),
        CFG_STR("header-block", NULL, CFGF_NONE),
        CFG_STR("schedule", NULL, CFGF_NONE),
        CFG_STR("registered-importance", NULL, CFGF_NONE),
        CFG_STR("legacy-receipts", NULL, CFGF_NONE),
        CFG_STR("receipt-as-dsn", NULL, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t relay[] = {
        CFG_STR_LIST("hosts", NULL, CFGF_NONE),
        CFG_STR("tls", NULL, CFGF_NONE),
        CFG_STR("ca-file", NULL, CFGF_NONE),
        CFG_STR("server-name", NULL, CFGF_NONE),
        CFG_STR("pin", NULL, CFGF_NONE),
        CFG_STR("user", NULL, CFGF_NONE),
        CFG_STR("password-file", NULL, CFGF_NONE),
        CFG_STR_LIST("mechanisms", NULL, CFGF_NONE),
        CFG_STR("connections", NULL, CFGF_NONE),
        CFG_STR("plain-without-tls", NULL, CFGF_NONE),
        CFG_STR("messages", NULL, CFGF_NONE),
        CFG_STR("pipeline", NULL, CFGF_NONE),
        CFG_STR("chunking", NULL, CFGF_NONE),
        CFG_STR("max-recipients", NULL, CFGF_NONE),
        CFG_STR("suspend", NULL, CFGF_NONE),
        CFG_STR("time-divisor", NULL, CFGF_NONE),
        CFG_END(),
    };
    cfg_opt_t options[] = {
        CFG_STR("spool", NULL, CFGF_NONE),
        CFG_STR("hostname", NULL, CFGF_NONE),
        CFG_STR("domain", NULL, CFGF_NONE),
        CFG_STR("postmaster", NULL, CFGF_NONE),
        CFG_STR("map", NULL, CFGF_NONE),
        CFG_STR_LIST("routed-domains", NULL, CFGF_NONE),
        CFG_STR("envelope-sender", NULL, CFGF_NONE),
        CFG_STR("log", NULL, CFGF_NONE),
        CFG_STR("log-level", NULL, CFGF_NONE),
        CFG_STR("retry-first", NULL, CFGF_NONE),
        CFG_STR("retry-longest", NULL, CFGF_NONE),
        CFG_STR("expiry", NULL, CFGF_NONE),
        CFG_STR("keep-days", NULL, CFGF_NONE),
        CFG_STR("report-to", NULL, CFGF_NONE),
        CFG_STR("report-wait", NULL, CFGF_NONE),
        CFG_STR("delay-notice", NULL, CFGF_NONE),
        CFG_STR("ndr-max-body", NULL, CFGF_NONE),
        CFG_SEC("postoffice", postoffice, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
        CFG_SEC("relay", relay, CFGF_MULTI),
        CFG_END(),
    };

    return load_content(top, content, options, postoffice, relay);
}

int settings_load(struct settings **out, const char *path, struct error *err)
{
    struct section top = {.file = path, .err = err};
    char *content = NULL, *directory = NULL;
    int result = -1;

    *out = NULL;
    top.owner = calloc(1, sizeof *top.owner);
    if (top.owner == NULL)
        return error_set(err, ERROR_SETUP, "", "%s: out of memory", path);
    if (settings_read_text(path, &content, err) != 0)
        goto out;
    directory = directory_of(path, err);
    if (directory == NULL)
        goto out;
    top.directory = directory;
    top.owner->settings.file = settings_keep_text(&top, path);
    if (top.owner->settings.file != NULL)
        result = load_file(&top, content);
out:
    free(directory);
    free(content);
    if (result == 0)
        *out = &top.owner->settings;
    else
        settings_free(&top.owner->settings);
    return result;
}

const struct settings_postoffice *settings_find_postoffice(const struct settings *settings,
                                                           const char *title)
{
    for (size_t i = 0; i < settings->postoffice_count; i++) {
        if (strcasecmp(settings->postoffices[i].title, title) == 0)
            return &settings->postoffices[i];
    }
    for (size_t i = 0; i < settings->postoffice_count; i++) {
        if (strcasecmp(settings->postoffices[i].name, title) == 0)
            return &settings->postoffices[i];
    }
    return NULL;
}
