/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mmff-write.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "message/lineends.h"
#include "postoffice/mmff.h"

#define PIECE 16384
#define NOTICE_SIZE 400 /* octets of what stands for a lost attachment */

struct writing {
    const struct message *message;
    const struct mmff_write_options *options;
    struct buf header;
    bool failed; /* the header did not fit */
    mmff_sink *sink;
    void *context;
};

/* ---- header lines ---- */

/* TOKEN with VALUE behind it, as one line whatever is in VALUE. */
static void put_line(struct writing *writing, const char *token, const char *value)
{
    size_t start = writing->header.size + strlen(token);

    if (buf_append_text(&writing->header, token) != 0 ||
        buf_append_text(&writing->header, value) != 0)
        writing->failed = true;
    for (size_t i = start; i < writing->header.size; i++)
        if (writing->header.data[i] < 0x20 || writing->header.data[i] == 0x7F)
            writing->header.data[i] = ' ';
    if (buf_append_text(&writing->header, writing->options->line_end) != 0)
        writing->failed = true;
}

/* True when it has three parts, none empty, as mmff.h wants it of addresses without a type. */
static bool is_native(const char *text)
{
    size_t slashes = 0;

    if (text[0] == '/' || strstr(text, "//") != NULL)
        return false;
    for (; *text != '\0'; text++) {
        slashes += *text == '/';
        if (*text == ':' && slashes == 0)
            return false;
        if (*text == '/' && text[1] == '\0')
            return false;
    }
    return slashes == 2;
}

static void put_addresses(struct writing *writing, enum address_role role, const char *token)
{
    const struct message *message = writing->message;

    for (size_t i = 0; i < message->address_count; i++) {
        const char *text = message->addresses[i].text;
        char line[16];

        if (message->addresses[i].role != role)
            continue;
        snprintf(line, sizeof line, "%s%s", token, is_native(text) ? "CSI:" : "");
        put_line(writing, line, text);
    }
}

static void put_date(struct writing *writing)
{
    const struct message_date *date = &writing->message->date;
    char text[48];

    if (!message_date_valid(date))
        return;
    snprintf(text, sizeof text, "%04d-%02d-%02d", date->year, date->month, date->day);
    put_line(writing, "DATE:", text);
    snprintf(text, sizeof text, "%02d:%02d", date->hour, date->minute);
    put_line(writing, "TIME:", text);
}

static void put_subject(struct writing *writing)
{
    const char priority[2] = {writing->message->priority, '\0'};

    if (writing->message->subject[0] != '\0')
        put_line(writing, "SUBJECT:", writing->message->subject);
    if (priority[0] != '\0')
        put_line(writing, "PRIORITY:", priority);
}

/* What stands in the place of a file that is lost. Returns its size. */
static size_t notice(const struct writing *writing, const struct message_attachment *attachment,
                     char out[NOTICE_SIZE])
{
    int size = snprintf(out, NOTICE_SIZE,
                        "[The attachment \"%.100s\" was lost on the postoffice %.40s.]%s",
                        attachment->name, writing->message->postoffice, writing->options->line_end);

    return size > 0 && size < NOTICE_SIZE ? (size_t)size : 0;
}

static void put_attachments(struct writing *writing)
{
    const struct message *message = writing->message;

    for (size_t i = 0; i < message->attachment_count; i++) {
        const struct message_attachment *attachment = &message->attachments[i];
        const char *name = attachment->name;
        char line[512], text[NOTICE_SIZE];
        uint64_t size = attachment->content != NULL ? content_size(attachment->content)
                                                    : notice(writing, attachment, text);

        if (name[strspn(name, " \t")] == '\0')
            name = "ATT";
        snprintf(line, sizeof line, "%.480s %llu", name, (unsigned long long)size);
        put_line(writing, "ATTACHMENT:", line);
    }
}

static void put_extras(struct writing *writing)
{
    const struct message *message = writing->message;

    for (size_t i = 0; i < message->extra_count; i++) {
        const struct message_extra *extra = &message->extras[i];
        char line[256];

        if (extra->kind[0] == '\0')
            continue;
        snprintf(line, sizeof line, "EXT:%.40s:", extra->kind);
        put_line(writing, line, extra->name);
        put_line(writing, "", extra->value);
    }
}

/* ---- the text, whose size stands before it ---- */

struct text {
    struct writing *writing; /* NULL: the octets are only counted */
    const char *line_end;
    uint64_t size;
};

static int give(struct text *text, const void *data, size_t size, struct error *err)
{
    text->size += size;
    if (text->writing == NULL || size == 0)
        return 0;
    return text->writing->sink(text->writing->context, data, size, err);
}

static int take_lines(void *context, const uint8_t *data, size_t size, struct error *err)
{
    struct text *text = context;

    while (size > 0) {
        const uint8_t *feed = memchr(data, '\n', size);
        size_t line = feed != NULL ? (size_t)(feed - data) : size;

        if (give(text, data, line, err) != 0 ||
            (feed != NULL && give(text, text->line_end, strlen(text->line_end), err) != 0))
            return -1;
        line += feed != NULL;
        data += line;
        size -= line;
    }
    return 0;
}

static int run_text(struct text *text, const struct content *content, struct error *err)
{
    struct lineends lines;
    uint64_t size = content != NULL ? content_size(content) : 0;
    uint8_t piece[PIECE];

    lineends_init(&lines, take_lines, text);
    for (uint64_t at = 0; at < size;) {
        size_t some = size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;

        if (content_read(content, at, piece, some, err) != 0 ||
            lineends_add(&lines, piece, some, err) != 0)
            return -1;
        at += some;
    }
    return lineends_end(&lines, err);
}

static int put_text_size(struct writing *writing, struct error *err)
{
    struct text text = {.line_end = writing->options->line_end};
    char digits[24];

    if (run_text(&text, writing->message->text, err) != 0)
        return -1;
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)text.size);
    put_line(writing, "TEXT:", digits);
    return 0;
}

/* ---- all of it ---- */

static int check(const struct message *message, struct error *err)
{
    bool recipient = false;

    if (message_from(message) == NULL)
        return error_set(err, ERROR_DATA, "5.1.7", "the message has no sender");
    for (size_t i = 0; i < message->address_count; i++)
        recipient |= message->addresses[i].role != ADDRESS_FROM;
    if (!recipient)
        return error_set(err, ERROR_DATA, "5.1.3", "the message has no recipient");
    return 0;
}

static int put_header(struct writing *writing, struct error *err)
{
    put_line(writing, "VERSION:", "3.00");
    put_addresses(writing, ADDRESS_TO, "TO:");
    put_addresses(writing, ADDRESS_CC, writing->options->extended ? "CC:" : "TO:");
    put_addresses(writing, ADDRESS_FROM, "FROM:");
    put_date(writing);
    put_subject(writing);
    put_attachments(writing);
    if (writing->options->extended)
        put_extras(writing);
    if (put_text_size(writing, err) != 0)
        return -1;
    if (writing->failed)
        return error_set(err, ERROR_DATA, "5.3.4", "more than %u octets of header lines",
                         MMFF_MAX_HEADER);
    return writing->sink(writing->context, writing->header.data, writing->header.size, err);
}

static int give_content(struct writing *writing, const struct content *content, struct error *err)
{
    uint64_t size = content_size(content);
    uint8_t piece[PIECE];

    for (uint64_t at = 0; at < size;) {
        size_t some = size - at < sizeof piece ? (size_t)(size - at) : sizeof piece;

        if (content_read(content, at, piece, some, err) != 0 ||
            writing->sink(writing->context, piece, some, err) != 0)
            return -1;
        at += some;
    }
    return 0;
}

static int give_attachment(struct writing *writing, const struct message_attachment *attachment,
                           struct error *err)
{
    char text[NOTICE_SIZE];
    size_t size;

    if (attachment->content != NULL)
        return give_content(writing, attachment->content, err);
    size = notice(writing, attachment, text);
    return size == 0 ? 0 : writing->sink(writing->context, text, size, err);
}

int mmff_write(const struct message *message, const struct mmff_write_options *options,
               mmff_sink *sink, void *context, struct error *err)
{
    struct writing writing = {
        .message = message, .options = options, .sink = sink, .context = context};
    struct text text = {.writing = &writing, .line_end = options->line_end};
    int status;

    if (check(message, err) != 0)
        return -1;
    buf_init(&writing.header, MMFF_MAX_HEADER);
    status = put_header(&writing, err);
    buf_clear(&writing.header);
    if (status == 0)
        status = run_text(&text, message->text, err);
    for (size_t i = 0; i < message->attachment_count && status == 0; i++)
        status = give_attachment(&writing, &message->attachments[i], err);
    return status;
}
