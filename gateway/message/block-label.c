/* SPDX-License-Identifier: BSD-2-Clause */
/* Which line of a header block is which, in any language. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "message/block-int.h"

#define LABEL_MAX 48
#define HEX_MIN 8

/* Printed in Q119356, Q129707, Q131523, Q140949, Q175040 and Q175958. A help, not a condition: a
 * language that is not here is read by the places of its lines. */
static const struct {
    const char *label;
    enum label_role role;
} labels[] = {
    {"From", LABEL_FROM},
    {"To", LABEL_TO},
    {"Cc", LABEL_CC},
    {"Subject", LABEL_SUBJECT},
    {"Date", LABEL_DATE},
    {"Date sent", LABEL_DATE},
    {"Time", LABEL_TIME},
    {"Priority", LABEL_PRIORITY},
    {"Priority level", LABEL_PRIORITY},
    {"Message ID", LABEL_MESSAGE_ID},
    {"Message Identifer", LABEL_MESSAGE_ID}, /* so printed in Q175040 */
    {"Message Identifier", LABEL_MESSAGE_ID},
    {"Parent message ID", LABEL_PARENT_ID},
    {"Primary message ID", LABEL_PARENT_ID}, /* of a receipt (Q175040) */
    {"Conversation ID", LABEL_CONVERSATION_ID},
    {"Attachments", LABEL_ATTACHMENTS},
    {"De", LABEL_FROM},
    {"Para", LABEL_TO},
    {"Asunto", LABEL_SUBJECT},
    {"Fecha", LABEL_DATE},
    {"Prioridad", LABEL_PRIORITY},
    {"Ident. del mensaje", LABEL_MESSAGE_ID},
    {"Ident. del mensaje principal", LABEL_PARENT_ID},
    {"Ident. de la conversacion", LABEL_CONVERSATION_ID},
    {"Ident. de la conversaci\xC3\xB3n", LABEL_CONVERSATION_ID},
    {"Von", LABEL_FROM},
    {"An", LABEL_TO},
    {"Betreff", LABEL_SUBJECT},
    {"Datum", LABEL_DATE},
    {"Prioritat", LABEL_PRIORITY},
    {"Priorit\xC3\xA4t", LABEL_PRIORITY},
    {"Nachrichten-ID", LABEL_MESSAGE_ID},
    {"Date d'envoi", LABEL_DATE},
    {"A", LABEL_TO},
    {"\xC3\x80", LABEL_TO},
    {"Objet", LABEL_SUBJECT},
    {"Identification du message", LABEL_MESSAGE_ID},
    {"ID de la conversation", LABEL_CONVERSATION_ID},
};

enum label_role label_role(const char *label)
{
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (text_alike(label, labels[i].label))
            return labels[i].role;
    return LABEL_UNKNOWN;
}

size_t label_size(const char *text)
{
    size_t size = strcspn(text, ":");

    if (text[size] != ':' || size == 0 || size > LABEL_MAX)
        return 0;
    /* No word of a person's sentence, address or time of day. */
    if (strcspn(text, "0123456789@<>[]/\\\"(;,!") < size)
        return 0;
    return size;
}

size_t label_hex(const char *value)
{
    size_t size = strspn(value, "0123456789ABCDEFabcdef");

    return size >= HEX_MIN ? size : 0;
}

char label_priority(const char *value)
{
    return value[0] != '\0' && value[1] == '\0' && strchr("123456789RCFT", value[0]) != NULL
               ? value[0]
               : '\0';
}

bool label_value_sure(const char *value)
{
    return value[0] == '\0' || label_priority(value) != '\0' || label_hex(value) != 0;
}

static bool is_date(const char *value)
{
    struct message_date date;
    const char *rest;

    return text_date(value, 0, &date, &rest) && rest[strspn(rest, " ")] == '\0';
}

/* The field I plays ROLE unless it or the role has been given away: the first one wins. */
static void give(enum label_role *roles, int at[LABEL_ROLES], size_t count, int i,
                 enum label_role role)
{
    if (i < 0 || (size_t)i >= count || roles[i] != LABEL_UNKNOWN || at[role] >= 0)
        return;
    roles[i] = role;
    at[role] = i;
}

/* From, To, Cc, Subject, Date of a note; From, Date, To, Subject of a receipt (Q129707, Q131523).
 */
static void assign_places(const struct block *block, enum label_role *roles, int at[LABEL_ROLES])
{
    size_t count = block->field_count;
    int date = 0;

    while ((size_t)date < count && !is_date(block->fields[date].value))
        date++;
    if ((size_t)date == count)
        return;
    give(roles, at, count, date, LABEL_DATE);
    give(roles, at, count, 0, LABEL_FROM);
    if (date == 1) {
        give(roles, at, count, 2, LABEL_TO);
        give(roles, at, count, 3, LABEL_SUBJECT);
    } else if (date >= 3) {
        give(roles, at, count, 1, LABEL_TO);
        give(roles, at, count, date - 1, LABEL_SUBJECT);
        if (date >= 4)
            give(roles, at, count, 2, LABEL_CC);
    }
}

/* What follows the date: a priority of one letter or none, and ids in their order. */
static void assign_rest(const struct block *block, enum label_role *roles, int at[LABEL_ROLES])
{
    size_t count = block->field_count;
    int ids[3], found = 0, used = 0;

    for (int i = at[LABEL_DATE] + 1; (size_t)i < count; i++) {
        const char *value = block->fields[i].value;

        if (roles[i] != LABEL_UNKNOWN)
            continue;
        if (label_hex(value) != 0) {
            if (found < 3)
                ids[found++] = i;
        } else if (label_priority(value) != '\0' || (value[0] == '\0' && found == 0)) {
            give(roles, at, count, i, LABEL_PRIORITY);
        }
    }
    if (at[LABEL_MESSAGE_ID] < 0 && found > 0)
        give(roles, at, count, ids[used++], LABEL_MESSAGE_ID);
    if (found - used == 2) {
        give(roles, at, count, ids[used], LABEL_PARENT_ID);
        give(roles, at, count, ids[used + 1], LABEL_CONVERSATION_ID);
    } else if (found - used == 1) {
        /* Every printed block of a message has a conversation, not every one a parent. */
        give(roles, at, count, ids[used],
             at[LABEL_CONVERSATION_ID] >= 0 ? LABEL_PARENT_ID : LABEL_CONVERSATION_ID);
    }
}

void label_assign(const struct block *block, enum label_role *roles, int at[LABEL_ROLES])
{
    for (int role = 0; role < LABEL_ROLES; role++)
        at[role] = -1;
    for (size_t i = 0; i < block->field_count; i++) {
        enum label_role role = label_role(block->fields[i].label);

        roles[i] = LABEL_UNKNOWN;
        if (role != LABEL_UNKNOWN)
            give(roles, at, block->field_count, (int)i, role);
    }
    assign_places(block, roles, at);
    if (at[LABEL_DATE] >= 0)
        assign_rest(block, roles, at);
}
