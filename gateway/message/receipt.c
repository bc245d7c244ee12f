/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/receipt.h"

#include <stdlib.h>
#include <string.h>

#include "message/address.h"
#include "message/block-int.h"
#include "message/charset.h"
#include "message/textlines.h"

#define RECEIPT_CODE "[013]"
#define OWN_LINES 4  /* of a Windows receipt: from, date, to, subject, at least */
#define TOLD_LINES 4 /* of the original: to whom, subject, when sent, when read */
#define DOS_LINES 12 /* a receipt of the DOS client has no more that are not blank */

void receipt_clear(struct receipt *receipt)
{
    free(receipt->name);
    free(receipt->address);
    free(receipt->subject);
    memset(receipt, 0, sizeof *receipt);
}

static int no_memory(struct error *err)
{
    return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a read receipt");
}

static int set_text(char **out, const char *text, struct error *err)
{
    char *copy = text_trimmed(text, text + strlen(text));

    if (copy == NULL)
        return no_memory(err);
    free(*out);
    *out = copy;
    return 0;
}

/* "Administrator(MS:MICROSOFT/SUPPORT/Admin)" (Q129707), or only a name. */
static int set_person(struct receipt *receipt, const char *text, struct error *err)
{
    struct block_names names = {.items = NULL};
    int status = names_parse(&names, text, err);

    if (status == 0 && names.count != 0)
        status = set_text(&receipt->name, names.items[0].name, err);
    if (status == 0 && names.count != 0)
        status = set_text(&receipt->address, names.items[0].address, err);
    names_clear(&names);
    return status;
}

static bool field_date(const struct block_field *field, struct message_date *out)
{
    const char *rest;

    return text_date(field->value, 0, out, &rest);
}

static bool class_is(const struct block *block, const char *word)
{
    for (const char *at = block->class; *at != '\0'; at++)
        if (text_begins_alike(at, word))
            return true;
    return false;
}

/* Lines of the four that tell of the original before the priority, which is the last. */
static size_t told_end(const struct block *block)
{
    for (size_t at = block->field_count; at > 0; at--)
        if (label_priority(block->fields[at - 1].value) != '\0')
            return at - 1;
    return block->field_count;
}

/*
 * In every language the order is: from, date, to, subject, ids, "Your message to", "Entitled", "And
 * sent on", "Was read at", priority (Q129707, Q131523, Q175040). So four lines before the last one
 * tell of the original, even when a date among them is malformed (Q214565).
 */
static int read_windows(struct receipt *receipt, const struct block *block, struct error *err)
{
    size_t end = told_end(block);
    bool sent, read;

    receipt->deleted = class_is(block, "Non-Read") || class_is(block, "Not Read");
    if (end < OWN_LINES + TOLD_LINES)
        return 0;
    sent = field_date(&block->fields[end - 2], &receipt->sent);
    read = field_date(&block->fields[end - 1], &receipt->read);
    if (!sent && !read && end == block->field_count)
        return 0; /* neither dates nor priority: not these lines */
    if (set_person(receipt, block->fields[end - 4].value, err) != 0 ||
        set_text(&receipt->subject, block->fields[end - 3].value, err) != 0)
        return -1;
    receipt->form = RECEIPT_WINDOWS;
    return 0;
}

/* A day in one of two orders: the one that is the day of the message, or the only possible one. */
static bool guess_date(const char *text, const struct message_date *near, struct message_date *out)
{
    struct message_date us, eu;
    const char *rest;
    bool us_valid = text_date(text, DATE_ORDER_MONTH_DAY, &us, &rest);
    bool eu_valid = text_date(text, DATE_ORDER_DAY_MONTH, &eu, &rest);

    if (us_valid && eu_valid && us.day != us.month && near->set) {
        us_valid = us.month == near->month;
        eu_valid = !us_valid && eu.month == near->month;
    } else if (us_valid && eu_valid && us.day != us.month) {
        return false;
    }
    *out = us_valid ? us : eu;
    return us_valid || eu_valid;
}

/* The value of "LABEL: value      LABEL: other" and the other one's, NULL when it has none. */
static char *split_value(const char *text, const char **other)
{
    size_t label = label_size(text + strspn(text, " "));
    const char *start = text + strspn(text, " ") + label + 1;
    const char *gap = start;

    *other = NULL;
    if (label == 0)
        return NULL;
    start += strspn(start, " ");
    while ((gap = strstr(gap, "  ")) != NULL) {
        gap += strspn(gap, " ");
        if (gap > start && label_size(gap) != 0) {
            *other = gap + label_size(gap) + 1;
            return text_trimmed(start, gap);
        }
    }
    return text_trimmed(start, start + strlen(start));
}

/* "Was read 04-26-95 17:49": the first thing in TEXT that is a date. */
static bool find_date(const char *text, const struct message_date *near, struct message_date *out)
{
    for (const char *at = text; *at != '\0'; at++)
        if (*at >= '0' && *at <= '9' && (at == text || at[-1] == ' ')) {
            const char *rest;
            if (guess_date(at, near, out) || text_date(at, 0, out, &rest))
                return true;
        }
    return false;
}

struct dos_lines {
    char *to, *subject;
    const char *date, *time; /* in the lines */
    const char *last;
};

static int scan_dos(struct dos_lines *out, const struct textlines *lines, size_t at,
                    struct error *err)
{
    for (size_t seen = 0; at < lines->count && seen < DOS_LINES; at++) {
        const char *text = lines->lines[at].text;
        const char *other;
        char *value;

        if (text[0] == '\0')
            continue;
        if (textline_ruler(text))
            break;
        seen++;
        out->last = text;
        value = split_value(text, &other);
        if (value == NULL && label_size(text + strspn(text, " ")) != 0)
            return no_memory(err);
        if (value != NULL && other != NULL && out->to == NULL) {
            out->to = value;
            out->date = other;
        } else if (value != NULL && other != NULL && out->subject == NULL) {
            out->subject = value;
            out->time = other;
        } else {
            free(value);
        }
    }
    return 0;
}

static int use_dos(struct receipt *receipt, const struct message *message,
                   const struct dos_lines *found, struct error *err)
{
    const char *rest;

    if (found->to == NULL || found->subject == NULL)
        return 0;
    if (set_person(receipt, found->to, err) != 0 ||
        set_text(&receipt->subject, found->subject, err) != 0)
        return -1;
    if (!guess_date(found->date, &message->date, &receipt->sent))
        receipt->sent.set = false;
    else if (!text_time(found->time, &receipt->sent, &rest))
        receipt->sent.hour = receipt->sent.minute = 0;
    if (!find_date(found->last, &message->date, &receipt->read))
        receipt->read.set = false;
    receipt->form = RECEIPT_DOS;
    return 0;
}

static int read_dos(struct receipt *receipt, const struct message *message, uint64_t body,
                    struct error *err)
{
    struct dos_lines found = {.to = NULL};
    struct textlines lines;
    size_t at;
    int status = 0;

    if (textlines_read(&lines, message->text, message->codepage, body, err) != 0)
        return -1;
    at = textlines_skip_blank(&lines, 0);
    if (at < lines.count && text_begins_alike(lines.lines[at].text, RECEIPT_CODE))
        status = scan_dos(&found, &lines, at + 1, err);
    if (status == 0)
        status = use_dos(receipt, message, &found, err);
    free(found.to);
    free(found.subject);
    textlines_clear(&lines);
    return status;
}

/* "Registered: John", "Return Receipt: John", and no more. */
static int read_bare(struct receipt *receipt, const struct message *message,
                     const struct block *block, struct error *err)
{
    static const char *const starts[] = {"Registered:", "Return Receipt:", "Read Receipt:"};
    struct textlines lines;
    char *subject = NULL;
    bool empty;
    int status = 0;

    if (message->priority != 'C')
        return 0;
    if (textlines_read(&lines, message->text, message->codepage, block->body, err) != 0)
        return -1;
    empty = lines.all && textlines_skip_blank(&lines, 0) == lines.count;
    textlines_clear(&lines);
    if (!empty)
        return 0;
    if (charset_line(message->codepage, message->subject != NULL ? message->subject : "", &subject,
                     NULL, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof starts / sizeof starts[0] && receipt->form == RECEIPT_NONE; i++) {
        const char *at = subject + strspn(subject, " ");
        if (!text_begins_alike(at, starts[i]))
            continue;
        status = set_person(receipt, strchr(at, ':') + 1, err);
        receipt->form = RECEIPT_BARE;
    }
    free(subject);
    return status;
}

int receipt_read(struct receipt *receipt, const struct message *message, const struct block *block,
                 struct error *err)
{
    int status = 0;

    memset(receipt, 0, sizeof *receipt);
    receipt->name = strdup("");
    receipt->address = strdup("");
    receipt->subject = strdup("");
    if (receipt->name == NULL || receipt->address == NULL || receipt->subject == NULL)
        status = no_memory(err);
    else if (block->form == BLOCK_WINDOWS &&
             (class_is(block, "Read Receipt") || class_is(block, "Non-Read") ||
              class_is(block, "Not Read")))
        status = read_windows(receipt, block, err);
    else
        status = read_dos(receipt, message, block->body, err);
    if (status == 0 && receipt->form == RECEIPT_NONE)
        status = read_bare(receipt, message, block, err);
    if (status != 0 || receipt->form == RECEIPT_NONE)
        receipt_clear(receipt);
    return status;
}
