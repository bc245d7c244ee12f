/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/bounce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "message/address.h"
#include "message/textlines.h"

#define CODE_RECEIPT 13
#define CODE_HOPS 3 /* the first list of these two is the route (Q147471, Q162841) */
#define CODE_ROUTE 4
#define CODE_LINES 30 /* the code is in one of the first lines */
#define TEXT_MAX 900

void bounce_clear(struct bounce *bounce)
{
    for (size_t i = 0; i < bounce->recipient_count; i++) {
        free(bounce->recipients[i].name);
        free(bounce->recipients[i].address);
    }
    free(bounce->recipients);
    for (size_t i = 0; i < bounce->reason_count; i++)
        free(bounce->reasons[i].text);
    block_clear(&bounce->original);
    memset(bounce, 0, sizeof *bounce);
}

static int no_memory(struct error *err)
{
    return error_sys(err, ERROR_SOFT, "4.3.0", "no memory for a failure report");
}

/* The number of a line "[nnn] text", or 0. */
static unsigned line_code(const char *text)
{
    text += strspn(text, " ");
    if (text[0] != '[' || strspn(text + 1, "0123456789") != 3 || text[4] != ']')
        return 0;
    return (unsigned)strtoul(text + 1, NULL, 10);
}

static bool from_postmaster(const struct message *message)
{
    const struct message_address *from = message_from(message);
    const char *slash = from != NULL ? strrchr(from->text, '/') : NULL;

    return from != NULL && strcasecmp(slash != NULL ? slash + 1 : from->text, "POSTMASTER") == 0;
}

/* "NETWORK /PO /USER." without blanks at the slashes and the full stop; "" when it is no address.
 */
static char *compact(const char *text)
{
    char *out = calloc(1, strlen(text) + 1);
    size_t used = 0, slashes = 0, size = strlen(text);

    if (out == NULL)
        return NULL;
    if (size != 0 && text[size - 1] == '.')
        size--;
    for (size_t i = 0; i < size; i++) {
        bool around = text[i] == ' ' && (text[i + 1 + strspn(text + i + 1, " ")] == '/' ||
                                         (used != 0 && out[used - 1] == '/'));
        slashes += text[i] == '/' ? 1 : 0;
        if (!around)
            out[used++] = text[i];
    }
    out[used] = '\0';
    if (slashes != 2 && (slashes != 0 || strchr(out, ':') == NULL))
        out[0] = '\0';
    return out;
}

static int add_recipient(struct bounce *bounce, const char *text, struct error *err)
{
    struct bounce_recipient *recipient;

    if (bounce->recipient_count == BOUNCE_RECIPIENTS)
        return 0;
    if (bounce->recipients == NULL)
        bounce->recipients = calloc(BOUNCE_RECIPIENTS, sizeof *bounce->recipients);
    if (bounce->recipients == NULL)
        return no_memory(err);
    recipient = &bounce->recipients[bounce->recipient_count++];
    recipient->reason = bounce->reason_count - 1;
    recipient->name = text_trimmed(text, text + strlen(text));
    recipient->address = recipient->name != NULL ? compact(address_native(recipient->name)) : NULL;
    return recipient->address != NULL ? 0 : no_memory(err);
}

/* LINE goes on with the words of the last reason. */
static int append_text(struct bounce *bounce, const char *line, struct error *err)
{
    struct bounce_reason *reason = &bounce->reasons[bounce->reason_count - 1];
    char *longer;

    line += strspn(line, " ");
    if (strlen(reason->text) + strlen(line) + 1 > TEXT_MAX)
        return 0;
    if (asprintf(&longer, "%s%s%s", reason->text, reason->text[0] != '\0' ? " " : "", line) < 0)
        return no_memory(err);
    free(reason->text);
    reason->text = longer;
    return 0;
}

/* LINE has a code: another reason, when the last one has its list. */
static int begin_reason(struct bounce *bounce, const char *line, struct error *err)
{
    size_t last = bounce->reason_count - 1;

    if (bounce->reason_count == BOUNCE_REASONS ||
        (bounce->reason_count != 0 &&
         (bounce->recipient_count == 0 ||
          bounce->recipients[bounce->recipient_count - 1].reason != last)))
        return 0;
    bounce->reasons[bounce->reason_count].code = line_code(line);
    bounce->reasons[bounce->reason_count].text = strdup("");
    return bounce->reasons[bounce->reason_count++].text != NULL ? 0 : no_memory(err);
}

/* A last code without a list tells more of the one before it (Q118675). */
static int join_last(struct bounce *bounce, struct error *err)
{
    size_t last = bounce->reason_count - 1;
    char *text;
    int status;

    if (last == 0 || (bounce->recipient_count != 0 &&
                      bounce->recipients[bounce->recipient_count - 1].reason == last))
        return 0;
    text = bounce->reasons[last].text;
    bounce->reason_count--;
    status = append_text(bounce, text, err);
    free(text);
    return status;
}

/* "sending to: MAILNET /MAILPO" on one line (Q126750): what is behind its last colon. */
static const char *after_colon(const char *line)
{
    const char *colon = strrchr(line, ':');

    return colon != NULL && colon[1] == ' ' && strchr(colon, '/') != NULL ? colon + 1 : NULL;
}

/* The list of lines behind line AT, which ended with a colon: up to a blank line, a ruler, another
 * code or text with a colon at its end. Returns the line behind. */
static size_t take_list(struct bounce *bounce, const struct textlines *lines, size_t at, bool route,
                        int *status, struct error *err)
{
    at = textlines_skip_blank(lines, at);
    for (; at < lines->count; at++) {
        const char *text = lines->lines[at].text;
        size_t size = strlen(text);

        if (size == 0 || textline_ruler(text) || line_code(text) != 0 || text[size - 1] == ':')
            break;
        if (!route && add_recipient(bounce, text, err) != 0) {
            *status = -1;
            break;
        }
    }
    return at;
}

/* From the line with the code to the ruler or the end. Returns the line behind. */
static size_t scan(struct bounce *bounce, const struct textlines *lines, size_t at, int *status,
                   struct error *err)
{
    bool route = false;

    while (at < lines->count && *status == 0) {
        const char *line = lines->lines[at].text;
        size_t size = strlen(line);

        if (textline_ruler(line))
            break;
        at++;
        if (size == 0)
            continue;
        if (line_code(line) != 0) {
            *status = begin_reason(bounce, line, err);
            route = line_code(line) == CODE_HOPS || line_code(line) == CODE_ROUTE;
        }
        if (*status == 0)
            *status = append_text(bounce, line, err);
        if (*status == 0 && line[size - 1] == ':') {
            at = take_list(bounce, lines, at, route, status, err);
            route = false;
        } else if (*status == 0 && after_colon(line) != NULL) {
            *status = add_recipient(bounce, after_colon(line), err);
        }
    }
    return at;
}

/* The returned message and, when the report names nobody, its only recipient (Q127919). */
static int read_returned(struct bounce *bounce, const struct message *message,
                         const struct textlines *lines, size_t at, struct error *err)
{
    bounce->returned = lines->size;
    if (at < lines->count)
        bounce->returned = lines->lines[at].end;
    if (block_read_at(&bounce->original, message, bounce->returned, err) != 0)
        return -1;
    if (bounce->recipient_count != 0)
        return 0;
    if (bounce->original.to.count == 1 && bounce->original.cc.count == 0) {
        const struct block_name *to = &bounce->original.to.items[0];
        return add_recipient(bounce, to->address[0] != '\0' ? to->address : to->name, err);
    }
    return 0;
}

static int parse(struct bounce *bounce, const struct message *message,
                 const struct textlines *lines, struct error *err)
{
    size_t at = 0;
    int status = 0;

    while (at < lines->count && at < CODE_LINES && line_code(lines->lines[at].text) == 0)
        at++;
    if (at == lines->count || at == CODE_LINES)
        return 0;
    if (line_code(lines->lines[at].text) == CODE_RECEIPT)
        return 0;
    at = scan(bounce, lines, at, &status, err);
    if (status == 0)
        status = join_last(bounce, err);
    if (status == 0)
        status = read_returned(bounce, message, lines, at, err);
    bounce->found = status == 0 && bounce->recipient_count != 0;
    return status;
}

int bounce_read(struct bounce *bounce, const struct message *message, const struct block *block,
                struct error *err)
{
    struct textlines lines;
    int status;

    memset(bounce, 0, sizeof *bounce);
    if (!from_postmaster(message) &&
        (message->subject == NULL || !text_alike(message->subject, "Mail failure")))
        return 0;
    if (textlines_read(&lines, message->text, message->codepage, block->body, err) != 0)
        return -1;
    status = parse(bounce, message, &lines, err);
    textlines_clear(&lines);
    if (status != 0 || !bounce->found)
        bounce_clear(bounce);
    return status;
}
