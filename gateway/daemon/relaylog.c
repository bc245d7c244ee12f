/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/relaylog.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

/* The place in our code is of no use to readers of the journal. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define TOKEN "relaylog"
#define LINE_MAX_OCTETS 16384
#define HELD_MAX_OCTETS 65536
#define FIELDS_MAX 24
#define FIELD_PREFIX "MSMAILGW_"

/* The event as the file's line, and as fields of the journal. */
struct line {
    struct buf text;   /* "STAMP event=... id=...", and the end of line for the file */
    size_t begin;      /* of "event=" */
    bool journal;      /* the fields are wanted */
    struct buf fields; /* "MSMAILGW_EVENT=...", NUL after each */
    size_t field_count;
    bool short_of_memory;
};

struct relaylog {
    char *path; /* NULL: journal only */
    int fd;     /* -1: no file */
    bool journal;
    bool file_failing, journal_failing; /* reported already */
    struct line line;                   /* of the last event; its memory serves the next one */
    struct buf held;                    /* lines for the file that wait for relaylog_release */
    bool hold;
};

/* ---- the file ---- */

/* A file that root makes in the service's directory must belong to the service. */
static int give_to_owner_of_directory(int fd, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash == NULL ? strdup(".") : strndup(path, (size_t)(slash - path) + 1);
    struct stat info;
    int result;

    if (directory == NULL)
        return -1;
    result = stat(directory, &info);
    free(directory);
    return result != 0 ? -1 : fchown(fd, info.st_uid, info.st_gid);
}

static int open_file(const char *path, struct error *err)
{
    const int flags = O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
    struct stat info;
    int fd = open(path, flags);

    if (fd < 0 && errno == ENOENT) {
        fd = open(path, flags | O_CREAT | O_EXCL, 0640);
        if (fd < 0 && errno == EEXIST)
            fd = open(path, flags); /* another process was faster */
        else if (fd >= 0 && geteuid() == 0 && give_to_owner_of_directory(fd, path) != 0)
            log_warn(TOKEN, "%s belongs to root: %s", path, strerror(errno));
    }
    if (fd < 0)
        return error_sys(err, ERROR_SETUP, "", "cannot open the relay log %s for append", path);
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(fd);
        return error_set(err, ERROR_SETUP, "", "the relay log %s is not a regular file", path);
    }
    return fd;
}

bool relaylog_journal_runs(void)
{
    return access("/run/systemd/journal/socket", W_OK) == 0;
}

int relaylog_open(struct relaylog **out, const char *path, bool journal, struct error *err)
{
    struct relaylog *log = calloc(1, sizeof *log);

    *out = NULL;
    if (log == NULL)
        return error_set(err, ERROR_SETUP, "", "out of memory");
    log->fd = -1;
    log->journal = journal;
    buf_init(&log->line.text, LINE_MAX_OCTETS);
    buf_init(&log->line.fields, LINE_MAX_OCTETS);
    buf_init(&log->held, HELD_MAX_OCTETS);
    if (path != NULL) {
        log->path = strdup(path);
        log->fd = log->path != NULL ? open_file(path, err) : -1;
        if (log->path == NULL)
            error_set(err, ERROR_SETUP, "", "out of memory");
        if (log->fd < 0) {
            relaylog_free(log);
            return -1;
        }
    }
    *out = log;
    return 0;
}

void relaylog_free(struct relaylog *log)
{
    if (log == NULL)
        return;
    relaylog_release(log);
    buf_clear(&log->line.text);
    buf_clear(&log->line.fields);
    buf_clear(&log->held);
    if (log->fd >= 0)
        close(log->fd);
    free(log->path);
    free(log);
}

int relaylog_reopen(struct relaylog *log, struct error *err)
{
    int fd;

    if (log == NULL || log->path == NULL)
        return 0;
    fd = open_file(log->path, err);
    if (fd < 0)
        return -1;
    close(log->fd);
    log->fd = fd;
    log->file_failing = false;
    return 0;
}

/* ---- values ---- */

/* Length of the well-formed UTF-8 sequence (RFC 3629) at TEXT, or 0. Controls U+0080 to U+009F are
 * not well-formed here: terminals obey them. */
static size_t sequence(const unsigned char *text)
{
    size_t size = text[0] < 0xC2   ? 0
                  : text[0] < 0xE0 ? 2
                  : text[0] < 0xF0 ? 3
                  : text[0] < 0xF5 ? 4
                                   : 0;

    for (size_t i = 1; i < size; i++) {
        if ((text[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((text[0] == 0xC2 && text[1] < 0xA0) || (text[0] == 0xE0 && text[1] < 0xA0) ||
        (text[0] == 0xED && text[1] > 0x9F) || (text[0] == 0xF0 && text[1] < 0x90) ||
        (text[0] == 0xF4 && text[1] > 0x8F))
        return 0;
    return size;
}

/* How many octets at TEXT go as they are. */
static size_t plain_run(const unsigned char *text)
{
    size_t run = 0;

    while (text[run] >= 0x20 && text[run] < 0x7F && text[run] != '"' && text[run] != '\\')
        run++;
    return run;
}

/* Appends VALUE with what could end the line, or confuse a terminal, replaced by '?'. */
static int append_clean(struct buf *out, const char *value, bool quoted)
{
    const unsigned char *at = (const unsigned char *)value;

    while (*at != '\0') {
        size_t size = plain_run(at);

        if (size == 0)
            size = *at < 0x80 ? 1 : sequence(at);
        if (size == 0 || *at < 0x20 || *at == 0x7F) {
            if (buf_append(out, "?", 1) != 0)
                return -1;
            at++;
            continue;
        }
        if (quoted && (*at == '"' || *at == '\\') && buf_append(out, "\\", 1) != 0)
            return -1;
        if (buf_append(out, at, size) != 0)
            return -1;
        at += size;
    }
    return 0;
}

static bool needs_quotes(const char *value)
{
    return strpbrk(value, " \"\\=") != NULL;
}

/* ---- events ---- */

static int add_text(struct buf *text, const char *key, const char *value)
{
    bool quoted = needs_quotes(value);

    if (buf_append(text, " ", 1) != 0 || buf_append_text(text, key) != 0 ||
        buf_append_text(text, quoted ? "=\"" : "=") != 0 || append_clean(text, value, quoted) != 0)
        return -1;
    return quoted ? buf_append(text, "\"", 1) : 0;
}

static int add_field(struct buf *fields, const char *key, const char *value)
{
    char name[32];
    size_t i;

    for (i = 0; key[i] != '\0' && i + 1 < sizeof name; i++)
        name[i] = (char)toupper((unsigned char)key[i]);
    name[i] = '\0';
    if (buf_append_text(fields, FIELD_PREFIX) != 0 || buf_append_text(fields, name) != 0 ||
        buf_append(fields, "=", 1) != 0 || append_clean(fields, value, false) != 0)
        return -1;
    return buf_append(fields, "", 1);
}

static void add(struct line *line, const char *key, const char *value)
{
    if (value == NULL || value[0] == '\0')
        return;
    if (add_text(&line->text, key, value) != 0 ||
        (line->journal && add_field(&line->fields, key, value) != 0))
        line->short_of_memory = true;
    line->field_count++;
}

static void add_number(struct line *line, const char *key, uint64_t value)
{
    char text[24];

    if (value == 0)
        return;
    snprintf(text, sizeof text, "%" PRIu64, value);
    add(line, key, text);
}

static void add_event(struct line *line, const struct relaylog_event *event)
{
    char delay[32] = "";

    if (event->delay_ms >= 0)
        snprintf(delay, sizeof delay, "%" PRId64 ".%03d", event->delay_ms / 1000,
                 (int)(event->delay_ms % 1000));
    add(line, "event", event->event);
    add_number(line, "id", event->id);
    add(line, "po", event->po);
    add(line, "mailbag", event->mailbag);
    add(line, "mai", event->mai);
    add(line, "from", event->from);
    add(line, "rcpt", event->rcpt);
    add_number(line, "size", event->size);
    add(line, "msgid", event->msgid);
    add(line, "relay", event->relay);
    add(line, "tls", event->tls);
    add(line, "auth", event->auth);
    add(line, "dsn", event->dsn);
    add(line, "reply", event->reply);
    add(line, "delay", delay);
    add_number(line, "tries", event->tries);
    add_number(line, "count", event->count);
    add(line, "reason", event->reason);
}

/* One write, however many lines: they are not mixed with those of other processes. */
static void write_file(struct relaylog *log, const struct buf *lines)
{
    ssize_t written;

    do {
        written = write(log->fd, lines->data, lines->size);
    } while (written < 0 && errno == EINTR);
    if (written == (ssize_t)lines->size) {
        log->file_failing = false;
        return;
    }
    if (!log->file_failing)
        log_error(TOKEN, "cannot write %s: %s: events are missing from it", log->path,
                  written < 0 ? strerror(errno) : "the file system is full");
    log->file_failing = true;
}

static void write_held(struct relaylog *log)
{
    if (log->held.size != 0)
        write_file(log, &log->held);
    log->held.size = 0;
}

static void to_file(struct relaylog *log, const struct buf *line)
{
    if (log->hold && buf_append(&log->held, line->data, line->size) == 0)
        return;
    write_held(log);
    write_file(log, line);
}

void relaylog_hold(struct relaylog *log)
{
    if (log != NULL)
        log->hold = true;
}

void relaylog_release(struct relaylog *log)
{
    int saved = errno;

    if (log == NULL)
        return;
    log->hold = false;
    write_held(log);
    errno = saved;
}

/* Priorities as people filter them: what needs the operator is not "info". */
static int priority(const char *event)
{
    static const char *const warning[] = {"failed",  "held",    "suspended",
                                          "expired", "remains", "possible-duplicate"};

    for (size_t i = 0; i < sizeof warning / sizeof warning[0]; i++) {
        if (strcmp(event, warning[i]) == 0)
            return LOG_WARNING;
    }
    return LOG_INFO;
}

static void write_journal(struct relaylog *log, const char *event, struct line *line)
{
    static char identifier[] = "SYSLOG_IDENTIFIER=msmailgw";
    struct iovec fields[FIELDS_MAX];
    char level[16], *message = NULL, *at = (char *)line->fields.data;
    int count = 0, result;

    if (asprintf(&message, "MESSAGE=%.*s", (int)(line->text.size - line->begin - 1),
                 buf_text(&line->text) + line->begin) < 0)
        return;
    snprintf(level, sizeof level, "PRIORITY=%d", priority(event));
    fields[count++] = (struct iovec){message, strlen(message)};
    fields[count++] = (struct iovec){level, strlen(level)};
    fields[count++] = (struct iovec){identifier, sizeof identifier - 1};
    for (size_t i = 0; i < line->field_count && count < FIELDS_MAX; i++) {
        fields[count++] = (struct iovec){at, strlen(at)};
        at += strlen(at) + 1;
    }
    result = sd_journal_sendv(fields, count);
    if (result < 0 && !log->journal_failing)
        log_error(TOKEN, "cannot write to the journal: %s", strerror(-result));
    log->journal_failing = result < 0;
    free(message);
}

static void make_line(struct relaylog *log, int64_t now_ms, const struct relaylog_event *event)
{
    struct line *line = &log->line;
    char stamp[CLOCK_STAMP_SIZE];

    line->text.size = 0;
    line->fields.size = 0;
    line->field_count = 0;
    line->journal = log->journal;
    line->short_of_memory = buf_append_text(&line->text, clock_stamp(now_ms, stamp)) != 0;
    line->begin = line->text.size + 1;
    add_event(line, event);
    if (buf_append(&line->text, "\n", 1) != 0)
        line->short_of_memory = true;
}

void relaylog_write(struct relaylog *log, int64_t now_ms, const struct relaylog_event *event)
{
    int saved = errno;

    if (log == NULL)
        return;
    make_line(log, now_ms, event);
    if (log->line.short_of_memory) {
        if (!log->file_failing)
            log_error(TOKEN, "an event is too long or memory is short: %s", event->event);
        log->file_failing = true;
    } else {
        if (log->fd >= 0)
            to_file(log, &log->line.text);
        if (log->journal)
            write_journal(log, event->event, &log->line);
    }
    errno = saved;
}

/* ---- reading ---- */

static bool is_stamp(const char *text, size_t size)
{
    static const char form[] = "0000-00-00T00:00:00.000Z";

    if (size != sizeof form - 1)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (form[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
            return false;
    }
    return true;
}

/* Unquotes the value at *AT in place; *AT moves behind it. NULL when it does not end. */
static char *take_value(char **at)
{
    char *from = *at, *to = *at, *value = *at;

    if (*from != '"') {
        from += strcspn(from, " ");
        *at = from + (*from == ' ');
        *from = '\0';
        return value;
    }
    for (from++; *from != '"'; from++) {
        if (*from == '\\')
            from++;
        if (*from == '\0')
            return NULL;
        *to++ = *from;
    }
    from++;
    if (*from != '\0' && *from != ' ')
        return NULL;
    *at = from + (*from == ' ');
    *to = '\0';
    return value;
}

int relaylog_parse(char *line, relaylog_pair *seen, void *context)
{
    char *at = line, *key, *value;
    size_t size = strcspn(line, " ");

    line[strcspn(line, "\r\n")] = '\0';
    if (!is_stamp(line, size) || line[size] != ' ')
        return -1;
    line[size] = '\0';
    seen(context, "time", line);
    at += size + 1;
    while (*at != '\0') {
        key = at;
        size = strspn(at, "abcdefghijklmnopqrstuvwxyz-");
        if (size == 0 || at[size] != '=')
            return -1;
        at[size] = '\0';
        at += size + 1;
        value = take_value(&at);
        if (value == NULL)
            return -1;
        seen(context, key, value);
    }
    return 0;
}
