/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "smtp/reply.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

void reply_parser_init(struct reply_parser *parser)
{
    memset(parser, 0, sizeof *parser);
    buf_init(&parser->reply.text, REPLY_SIZE_LIMIT);
    buf_init(&parser->line, REPLY_LINE_LIMIT);
}

void reply_parser_clear(struct reply_parser *parser)
{
    buf_wipe(&parser->reply.text);
    buf_wipe(&parser->line);
}

static enum reply_result bad(struct reply_parser *parser, const char *problem)
{
    parser->problem = problem;
    parser->state = REPLY_BAD;
    return REPLY_BAD;
}

static void next_reply(struct reply_parser *parser)
{
    parser->reply.code = 0;
    parser->reply.status[0] = '\0';
    parser->reply.lines = 0;
    parser->reply.text.size = 0;
    parser->state = REPLY_MORE;
}

/* Digits of one part of a status: at most three, as in RFC 3463 2. */
static size_t status_part(const char *text)
{
    size_t size = 0;

    while (size < 3 && isdigit((unsigned char)text[size]))
        size++;
    return size;
}

size_t reply_status(const char *text, int code, char out[REPLY_STATUS_SIZE])
{
    size_t subject, detail, size;

    out[0] = '\0';
    if (text[0] != '0' + code / 100 || (text[0] != '2' && text[0] != '4' && text[0] != '5'))
        return 0;
    if (text[1] != '.')
        return 0;
    subject = status_part(text + 2);
    if (subject == 0 || text[2 + subject] != '.')
        return 0;
    detail = status_part(text + 3 + subject);
    size = 3 + subject + detail;
    if (detail == 0 || (text[size] != '\0' && text[size] != ' ' && text[size] != '\n'))
        return 0;
    memcpy(out, text, size);
    out[size] = '\0';
    return text[size] == ' ' ? size + 1 : size;
}

static int line_code(const uint8_t *line, size_t size)
{
    int code = 0;

    if (size < 3)
        return 0;
    for (size_t i = 0; i < 3; i++) {
        if (!isdigit(line[i]))
            return 0;
        code = code * 10 + (line[i] - '0');
    }
    return code >= 200 && code <= 599 ? code : 0;
}

static void make_printable(uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] < 0x20 || text[i] > 0x7E)
            text[i] = '?';
    }
}

static enum reply_result add_text(struct reply_parser *parser, uint8_t *text, size_t size)
{
    struct reply *reply = &parser->reply;

    make_printable(text, size);
    if (reply->lines++ == REPLY_LINES_LIMIT)
        return bad(parser, "reply of too many lines");
    if ((reply->lines > 1 && buf_append(&reply->text, "\n", 1) != 0) ||
        buf_append(&reply->text, text, size) != 0)
        return bad(parser, "reply is too long");
    return REPLY_MORE;
}

static enum reply_result take_line(struct reply_parser *parser)
{
    struct reply *reply = &parser->reply;
    uint8_t *line = parser->line.data;
    size_t size = parser->line.size;
    int code;

    if (size > 0 && line[size - 1] == '\r')
        size--;
    code = line_code(line, size);
    if (code == 0)
        return bad(parser, "line without a reply code from 200 to 599");
    if (size > 3 && line[3] != ' ' && line[3] != '-')
        return bad(parser, "reply code is not followed by a blank or '-'");
    if (reply->lines > 0 && code != reply->code)
        return bad(parser, "lines of one reply have different codes");
    reply->code = code;
    if (add_text(parser, line + (size > 3 ? 4 : 3), size > 3 ? size - 4 : 0) == REPLY_BAD)
        return REPLY_BAD;
    if (size > 3 && line[3] == '-')
        return REPLY_MORE;
    reply_status(buf_text(&reply->text), code, reply->status);
    parser->state = REPLY_DONE;
    return REPLY_DONE;
}

enum reply_result reply_parse(struct reply_parser *parser, const uint8_t *data, size_t size,
                              size_t *used)
{
    *used = 0;
    if (parser->state == REPLY_BAD)
        return REPLY_BAD;
    if (parser->state == REPLY_DONE)
        next_reply(parser);
    while (*used < size) {
        const uint8_t *rest = data + *used;
        const uint8_t *end = memchr(rest, '\n', size - *used);
        size_t part = end != NULL ? (size_t)(end - rest) : size - *used;

        if (buf_append(&parser->line, rest, part) != 0)
            return bad(parser, "reply line is too long");
        *used += part;
        if (end == NULL)
            break;
        ++*used;
        /* An empty line has no memory yet when it is the first. */
        if (parser->line.size == 0)
            return bad(parser, "line without a reply code from 200 to 599");
        take_line(parser);
        parser->line.size = 0;
        if (parser->state != REPLY_MORE)
            break;
    }
    return parser->state;
}

void reply_join(const struct reply *reply, char *out, size_t size)
{
    const char *line = buf_text(&reply->text);
    char status[REPLY_STATUS_SIZE];
    size_t at = 0;

    out[0] = '\0';
    while (at + 1 < size) {
        size_t length, skip = 0;

        if (reply->status[0] != '\0')
            skip = reply_status(line, reply->code, status);
        length = strcspn(line + skip, "\n");
        snprintf(out + at, size - at, "%s%.*s", line == buf_text(&reply->text) ? "" : " / ",
                 (int)length, line + skip);
        at += strlen(out + at);
        if (line[skip + length] == '\0')
            break;
        line += skip + length + 1;
    }
}
