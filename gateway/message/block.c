/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/block.h"

#include <stdlib.h>
#include <string.h>

#include "message/block-int.h"
#include "message/charset.h"

#define FIRST_WORDS "Microsoft Mail v"
#define FIELDS_MAX 64
#define COLUMN_GAP "   " /* between two labels of a line of the DOS form */
#define KNOWN_INDENT 2   /* a known label may be set in by so much (Q175958) */

void block_clear(struct block *block)
{
    for (size_t i = 0; i < block->field_count; i++) {
        free(block->fields[i].label);
        free(block->fields[i].value);
    }
    free(block->fields);
    free(block->class);
    free(block->subject);
    free(block->message_id);
    free(block->parent_id);
    free(block->conversation_id);
    names_clear(&block->from);
    names_clear(&block->to);
    names_clear(&block->cc);
    memset(block, 0, sizeof *block);
}

static int no_memory(struct error *err)
{
    return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a header block");
}

/* The class in a first line "Microsoft Mail v3.0 (MAPI 1.0 Transport) IPM.Microsoft Mail.Note"
 * (Q119356, Q140949), or NULL. */
static const char *first_line_class(const char *line)
{
    const char *at;

    if (strncmp(line, FIRST_WORDS, strlen(FIRST_WORDS)) != 0)
        return NULL;
    at = line + strlen(FIRST_WORDS);
    at += strcspn(at, " ");
    at += strspn(at, " ");
    if (*at == '(') {
        at += strcspn(at, ")");
        at += strspn(at, ") ");
    }
    if (strncmp(at, "IPM.", 4) != 0 && strncmp(at, "IPC.", 4) != 0)
        return NULL;
    return at;
}

static int add_field(struct block *block, const char *line, size_t label, const char *end,
                     struct error *err)
{
    struct block_field *field;

    if (block->fields == NULL)
        block->fields = calloc(FIELDS_MAX, sizeof *block->fields);
    if (block->fields == NULL)
        return no_memory(err);
    field = &block->fields[block->field_count++];
    field->label = text_trimmed(line, line + label);
    field->value = text_trimmed(line + label + 1, end);
    return field->label != NULL && field->value != NULL ? 0 : no_memory(err);
}

static int continue_field(struct block *block, const char *line, struct error *err)
{
    struct block_field *field = &block->fields[block->field_count - 1];
    size_t size = strlen(field->value), more;
    char *value;

    line += strspn(line, " ");
    more = strlen(line);
    value = realloc(field->value, size + more + 2);
    if (value == NULL)
        return no_memory(err);
    field->value = value;
    if (size != 0)
        value[size++] = ' ';
    memcpy(value + size, line, more + 1);
    return 0;
}

/* The label line or its continuation into BLOCK. 1, 0 when it is neither, or -1. */
static int take_line(struct block *block, const struct textline *line, struct error *err)
{
    const char *text = line->text + strspn(line->text, " ");
    size_t label = label_size(text);

    if (line->indent != 0 && label != 0) {
        char *name = text_trimmed(text, text + label);
        bool known =
            name != NULL && line->indent <= KNOWN_INDENT && label_role(name) != LABEL_UNKNOWN;

        free(name);
        if (!known)
            label = 0;
    }
    if (label != 0 && block->field_count < FIELDS_MAX)
        return add_field(block, text, label, text + strlen(text), err) == 0 ? 1 : -1;
    if (line->indent == 0 || label != 0 || block->field_count == 0)
        return 0;
    return continue_field(block, text, err) == 0 ? 1 : -1;
}

/* Takes lines up to the end of a Windows block. 1 (body set), 0 when it has none, or -1. */
static int take_windows(struct block *block, const struct textlines *lines, size_t at, bool *ruler,
                        struct error *err)
{
    size_t next;
    int status;

    for (; at < lines->count; at++) {
        const struct textline *line = &lines->lines[at];

        next = textlines_skip_blank(lines, at);
        if (next < lines->count && textline_ruler(lines->lines[next].text)) {
            *ruler = true;
            block->body = lines->lines[next].end;
            return 1;
        }
        if (line->text[0] == '\0') {
            block->body = line->start;
            return 1;
        }
        status = take_line(block, line, err);
        if (status != 1)
            return status;
    }
    block->body = lines->size;
    return lines->all ? 1 : 0;
}

/* One or two labels of a line: "TO: test      DATE: 03-08-94" (Q119356). */
static int take_columns(struct block *block, const char *text, struct error *err)
{
    text += strspn(text, " ");
    while (*text != '\0') {
        size_t label = label_size(text);
        const char *end = text + strlen(text);
        const char *gap = text + label;

        if (label == 0 || strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != label ||
            block->field_count == FIELDS_MAX)
            return 0;
        while ((gap = strstr(gap, COLUMN_GAP)) != NULL) {
            gap += strspn(gap, " ");
            if (label_size(gap) != 0 &&
                strspn(gap, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == label_size(gap)) {
                end = gap;
                break;
            }
        }
        if (add_field(block, text, label, end, err) != 0)
            return -1;
        text = end;
    }
    return 1;
}

/* The same for the DOS form: blank lines may be inside (Q154783), and a ruler has to end it. */
static int take_dos(struct block *block, const struct textlines *lines, size_t at,
                    struct error *err)
{
    for (; at < lines->count; at++) {
        const char *text = lines->lines[at].text;
        int status;

        if (text[0] == '\0')
            continue;
        if (textline_ruler(text)) {
            block->body = lines->lines[at].end;
            return 1;
        }
        status = take_columns(block, text, err);
        if (status != 1)
            return status;
    }
    return 0;
}

/* Receipts have lines of their own, and their dates may be malformed (Q214565). */
static bool is_receipt(const struct block *block)
{
    return strstr(block->class, "Receipt") != NULL || strstr(block->class, "Non-Read") != NULL;
}

/* Without a ruler only lines whose value cannot be a sentence of the body may follow the date. */
static bool rest_sure(const struct block *block, const enum label_role *roles, const int *at)
{
    if (is_receipt(block))
        return true;
    for (size_t i = (size_t)at[LABEL_DATE] + 1; i < block->field_count; i++)
        if (roles[i] == LABEL_UNKNOWN && !label_value_sure(block->fields[i].value))
            return false;
    return true;
}

static const char *value_of(const struct block *block, const int *at, enum label_role role)
{
    return at[role] >= 0 ? block->fields[at[role]].value : "";
}

static char *hex_of(const char *value)
{
    size_t size = label_hex(value);

    return size != 0 ? strndup(value, size) : NULL;
}

static void read_date(struct block *block, const int *at)
{
    const char *value = value_of(block, at, LABEL_DATE);
    struct message_date time;
    const char *rest;

    if (!text_date(value, 0, &block->date, &rest) &&
        !text_date(value, DATE_ORDER_MONTH_DAY, &block->date, &rest) &&
        !text_date(value, DATE_ORDER_DAY_MONTH, &block->date, &rest))
        return;
    if (at[LABEL_TIME] >= 0 && text_time(value_of(block, at, LABEL_TIME), &time, &rest)) {
        block->date.hour = time.hour;
        block->date.minute = time.minute;
    }
}

/* A receipt has two: its own and that of the message that was read (Q131523). */
static bool has_more_subjects(const struct block *block, const int *at)
{
    if (is_receipt(block))
        return false;
    for (size_t i = (size_t)at[LABEL_SUBJECT] + 1; i < block->field_count; i++)
        if (label_role(block->fields[i].label) == LABEL_SUBJECT)
            return true;
    return false;
}

static int read_values(struct block *block, const int *at, struct error *err)
{
    const char *conversation = value_of(block, at, LABEL_CONVERSATION_ID);
    const char *from = value_of(block, at, LABEL_FROM);

    if (names_parse(&block->to, value_of(block, at, LABEL_TO), err) != 0 ||
        names_parse(&block->cc, value_of(block, at, LABEL_CC), err) != 0 ||
        names_parse(&block->from, from, err) != 0)
        return -1;
    block->subject = strdup(value_of(block, at, LABEL_SUBJECT));
    block->message_id = hex_of(value_of(block, at, LABEL_MESSAGE_ID));
    block->parent_id = hex_of(value_of(block, at, LABEL_PARENT_ID));
    if (conversation[0] != '\0')
        block->conversation_id = strdup(conversation);
    block->priority = label_priority(value_of(block, at, LABEL_PRIORITY));
    block->more_subjects = has_more_subjects(block, at);
    read_date(block, at);
    return block->subject != NULL ? 0 : no_memory(err);
}

/* 1 when the lines from AT are a block, 0 or -1. */
static int parse(struct block *block, const struct textlines *lines, size_t at, struct error *err)
{
    const char *class = first_line_class(lines->lines[at].text);
    enum label_role roles[FIELDS_MAX];
    int place[LABEL_ROLES], status;
    bool ruler = class == NULL;

    block->class = strdup(class != NULL ? class : "");
    if (block->class == NULL)
        return no_memory(err);
    status = class != NULL ? take_windows(block, lines, at + 1, &ruler, err)
                           : take_dos(block, lines, at, err);
    if (status != 1)
        return status;
    label_assign(block, roles, place);
    if (place[LABEL_SUBJECT] < 0 || place[LABEL_DATE] < 0 ||
        (place[LABEL_FROM] < 0 && place[LABEL_TO] < 0))
        return 0;
    if (!ruler && !rest_sure(block, roles, place))
        return 0;
    if (read_values(block, place, err) != 0)
        return -1;
    if (!block->date.set && !is_receipt(block))
        return 0;
    block->form = class != NULL ? BLOCK_WINDOWS : BLOCK_DOS;
    return 1;
}

int block_read_at(struct block *block, const struct message *message, uint64_t offset,
                  struct error *err)
{
    struct textlines lines;
    size_t at;
    int status = 0;

    memset(block, 0, sizeof *block);
    if (textlines_read(&lines, message->text, message->codepage, offset, err) != 0)
        return -1;
    at = textlines_skip_blank(&lines, 0);
    if (at < lines.count && (first_line_class(lines.lines[at].text) != NULL ||
                             strncmp(lines.lines[at].text, "FROM:", 5) == 0 ||
                             strncmp(lines.lines[at].text, "TO:", 3) == 0))
        status = parse(block, &lines, at, err);
    textlines_clear(&lines);
    if (status != 1)
        block_clear(block);
    return status < 0 ? -1 : 0;
}

static bool same_minute(const struct message_date *a, const struct message_date *b)
{
    return a->set && b->set && a->year == b->year && a->month == b->month && a->day == b->day &&
           a->hour == b->hour && a->minute == b->minute;
}

/* SHORT, the subject of the message, is LONG or its beginning; one is never taken for an empty one.
 */
static bool subject_begins(const char *full, const char *brief)
{
    return brief[strspn(brief, " ")] == '\0' ? full[0] == '\0' : text_begins_alike(full, brief);
}

/* The octets before the body that tell whether it is worth decoding lines. */
static int may_be_block(const struct message *message, bool *may, struct error *err)
{
    uint64_t total = message->text != NULL ? content_size(message->text) : 0;
    char start[64];
    size_t size = total < sizeof start ? (size_t)total : sizeof start;
    size_t at = 0;

    *may = false;
    if (size == 0)
        return 0;
    if (content_read(message->text, 0, start, size, err) != 0)
        return -1;
    while (at < size && strchr(" \t\r\n", start[at]) != NULL && start[at] != '\0')
        at++;
    *may = at < size && (start[at] == 'M' || start[at] == 'F' || start[at] == 'T');
    return 0;
}

int block_read(struct block *block, const struct message *message, struct error *err)
{
    char *brief = NULL;
    bool may, begins;

    memset(block, 0, sizeof *block);
    if (may_be_block(message, &may, err) != 0)
        return -1;
    if (!may)
        return 0;
    if (block_read_at(block, message, 0, err) != 0)
        return -1;
    if (block->form == BLOCK_NONE)
        return 0;
    if (charset_line(message->codepage, message->subject != NULL ? message->subject : "", &brief,
                     NULL, err) != 0) {
        block_clear(block);
        return -1;
    }
    begins = subject_begins(block->subject, brief);
    free(brief);
    if (!begins && !same_minute(&block->date, &message->date)) {
        block_clear(block);
        return 0;
    }
    if (!begins) {
        free(block->subject);
        block->subject = NULL;
    }
    return 0;
}
