/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/trace.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "message/textlines.h"

#define ID_DIGITS 32 /* of letter_message_id */

/* "<mm.HEX32@DOMAIN>" */
static bool is_ours(const char *text, const char *domain)
{
    size_t digits = 0, length = strlen(domain);

    text += strspn(text, " ");
    if (strncasecmp(text, "<mm.", 4) != 0)
        return false;
    for (text += 4; isxdigit((unsigned char)text[digits]);)
        digits++;
    return digits == ID_DIGITS && text[digits] == '@' &&
           strncasecmp(text + digits + 1, domain, length) == 0 &&
           strcmp(text + digits + 1 + length, ">") == 0;
}

/* What follows NAME and a colon, or NULL. */
static const char *field_value(const struct textline *line, const char *name)
{
    size_t length = strlen(name);

    return line->indent == 0 && strncasecmp(line->text, name, length) == 0 &&
                   line->text[length] == ':'
               ? line->text + length + 1
               : NULL;
}

/* The Message-ID in line AT, or in the next one when it is folded there. */
static const char *own_id(const struct textlines *lines, size_t at, const char *domain)
{
    const char *value = field_value(&lines->lines[at], "Message-ID");

    if (value != NULL && value[strspn(value, " ")] == '\0' && at + 1 < lines->count &&
        lines->lines[at + 1].indent != 0)
        value = lines->lines[at + 1].text;
    return value != NULL && is_ours(value, domain) ? value + strspn(value, " ") : NULL;
}

int trace_returned(const struct message *message, const char *domain, bool *found, char *id,
                   struct error *err)
{
    struct textlines lines;
    const char *ours = NULL;
    bool source = false;

    *found = false;
    if (textlines_read(&lines, message->text, message->codepage, 0, err) != 0)
        return -1;
    for (size_t i = 0; i < lines.count && !*found; i++) {
        const char *value = own_id(&lines, i, domain);

        if (lines.lines[i].text[0] == '\0') {
            ours = NULL;
            source = false;
        }
        ours = value != NULL ? value : ours;
        source = source || field_value(&lines.lines[i], "X-MSMail-Source") != NULL;
        *found = ours != NULL && source;
    }
    if (*found)
        snprintf(id, TRACE_ID_SIZE, "%s", ours);
    textlines_clear(&lines);
    return 0;
}
