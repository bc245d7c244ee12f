/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/mmff-header.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOKEN_SIZE 24 /* of a token in an error text */

int mmff_header_init(struct mmff_header *header, const struct mmff_settings *settings,
                     uint64_t start, struct error *err)
{
    memset(header, 0, sizeof *header);
    header->sizes_known = true;
    header->start = start;
    header->at = start;
    return message_new(&header->message, settings->postoffice, settings->codepage, err);
}

void mmff_header_clear(struct mmff_header *header)
{
    message_free(header->message);
    for (size_t i = 0; i < header->part_count; i++)
        free(header->parts[i].name);
    free(header->parts);
    memset(header, 0, sizeof *header);
}

int mmff_fault(struct mmff_header *header, enum mmff_code code, const char *format, ...)
{
    struct mmff_fault *fault = &header->fault;
    va_list args;

    if (fault->code != MMFF_OK)
        return 0;
    fault->code = code;
    fault->line = header->line;
    fault->offset = header->line_offset;
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    return 0;
}

static int bad_line(struct mmff_header *header, const char *text, size_t length, const char *why)
{
    return mmff_fault(header, MMFF_BAD_LINE, "unable to partition line %.*s (%s)",
                      length < 40 ? (int)length : 40, text, why);
}

/* 1 a line, 0 there is none that belongs to this header (a fault is noted), -1 ERROR_SOFT. */
static int next_line(struct mmff_header *header, struct mmff_window *window, struct mmff_line *line,
                     struct error *err)
{
    struct error failure;
    int got;

    header->line++;
    header->line_offset = header->at;
    if (header->at - header->start > MMFF_MAX_HEADER) {
        mmff_fault(header, MMFF_PARSER, "unknown parser error (more than %u octets of header)",
                   MMFF_MAX_HEADER);
        return 0;
    }
    got = mmff_line_at(window, header->at, header->form, line, &failure);
    if (got < 0 && failure.class != ERROR_DATA)
        return error_set(err, failure.class, failure.status, "%s", failure.text);
    if (got < 0)
        return bad_line(header, "", 0, failure.text);
    if (got == 0) {
        mmff_fault(header, MMFF_PARSER, "unknown parser error (the file ends before TEXT)");
        return 0;
    }
    if (memchr(line->text, '\0', line->length) != NULL)
        bad_line(header, line->text, line->length, "a NUL in it");
    else if (memchr(line->text, '\r', line->length) != NULL ||
             memchr(line->text, '\n', line->length) != NULL)
        bad_line(header, line->text, line->length, "another kind of line end in it");
    header->at = line->next;
    return 1;
}

/* The value is on the next line, whatever it looks like (Q147034). */
static int take_extra(struct mmff_header *header, struct mmff_window *window,
                      const struct mmff_field *field, struct error *err)
{
    struct mmff_line line;
    struct mmff_field copy = *field;
    uint64_t extra_offset = header->line_offset;
    char *name = strndup(field->value, field->length); /* the window moves with the next line */
    int status;

    if (name == NULL)
        return error_sys(err, ERROR_SOFT, "", "no memory for an EXT field");
    copy.value = name;
    copy.length = strlen(name);
    status = next_line(header, window, &line, err);
    if (status == 1) {
        header->line--; /* what may be wrong is in the EXT line */
        header->line_offset = extra_offset;
        status = mmff_take_extra(header, &copy, line.text, line.length, err);
        header->line++;
    }
    free(name);
    return status;
}

static int dispatch(struct mmff_header *header, struct mmff_window *window,
                    const struct mmff_field *field, struct error *err)
{
    const char *token = field->token;

    if (strcasecmp(token, "TO") == 0)
        return mmff_take_address(header, field, ADDRESS_TO, err);
    if (strcasecmp(token, "CC") == 0)
        return mmff_take_address(header, field, ADDRESS_CC, err);
    if (strcasecmp(token, "FROM") == 0)
        return mmff_take_address(header, field, ADDRESS_FROM, err);
    if (strcasecmp(token, "SUBJECT") == 0)
        return mmff_take_subject(header, field, err);
    /* the article spells it ATTACHMENTS (Q118785), the example ATTACHMENT (Q103801) */
    if (strcasecmp(token, "ATTACHMENT") == 0 || strcasecmp(token, "ATTACHMENTS") == 0)
        return mmff_take_attachment(header, field, err);
    if (strcasecmp(token, "XATTACH") == 0)
        return mmff_take_xattach(header, field, err);
    if (strcasecmp(token, "EXT") == 0)
        return take_extra(header, window, field, err);
    if (strcasecmp(token, "DATE") == 0)
        mmff_take_date(header, field);
    else if (strcasecmp(token, "TIME") == 0)
        mmff_take_time(header, field);
    else if (strcasecmp(token, "PRIORITY") == 0)
        mmff_take_priority(header, field);
    else if (strcasecmp(token, "TEXT") == 0)
        mmff_take_text(header, field);
    else if (strcasecmp(token, "XTEXT") == 0)
        mmff_take_xtext(header, field);
    else
        mmff_fault(header, MMFF_BAD_TOKEN, "cannot match token %s (has tail %.*s)", token,
                   field->length < 40 ? (int)field->length : 40, field->value);
    return 0;
}

static int take_line(struct mmff_header *header, struct mmff_window *window,
                     const struct mmff_line *line, struct error *err)
{
    char token[TOKEN_SIZE];
    struct mmff_field field = {.token = token};
    const char *colon = memchr(line->text, ':', line->length);
    size_t length = colon != NULL ? (size_t)(colon - line->text) : 0;

    if (colon == NULL)
        return bad_line(header, line->text, line->length, "no token in it");
    snprintf(token, sizeof token, "%.*s", length < sizeof token ? (int)length : TOKEN_SIZE - 1,
             line->text);
    field.value = colon + 1;
    field.length = line->length - length - 1;
    return dispatch(header, window, &field, err);
}

static int take_version(struct mmff_header *header, struct mmff_window *window, struct error *err)
{
    struct mmff_line line;
    int got = next_line(header, window, &line, err);

    if (got != 1)
        return got;
    header->form = line.form;
    if (mmff_is_version(line.text, line.length))
        header->has_version = true;
    else if (mmff_has_token(line.text, line.length, "VERSION:"))
        mmff_fault(header, MMFF_BAD_VALUE, "unknown error processing token VERSION with tail %.*s",
                   line.length < 48 ? (int)line.length - 8 : 40, line.text + 8);
    else
        bad_line(header, line.text, line.length, "a message begins with VERSION:");
    return header->form != MMFF_FORM_ANY;
}

static void check_complete(struct mmff_header *header)
{
    if (!header->has_from)
        mmff_fault(header, MMFF_BAD_ADDRESS, "bad address (there is no FROM)");
    else if (!header->has_to)
        mmff_fault(header, MMFF_BAD_ADDRESS, "bad address (there is no TO)");
    header->message->date.set = header->has_date;
    if (!message_date_valid(&header->message->date))
        header->message->date.set = false; /* as if it had none: the mail matters more */
}

int mmff_header_read(struct mmff_header *header, struct mmff_window *window, struct error *err)
{
    struct mmff_line line;
    int got = take_version(header, window, err);

    while (got == 1 && !header->has_text) {
        got = next_line(header, window, &line, err);
        if (got != 1)
            break;
        if (mmff_is_version(line.text, line.length)) {
            mmff_fault(header, MMFF_PARSER, "unknown parser error (VERSION before TEXT)");
            break;
        }
        if (take_line(header, window, &line, err) != 0)
            return -1;
    }
    if (got < 0)
        return -1;
    check_complete(header);
    return 0;
}
