/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files behind message/block.h share. */
#ifndef MESSAGE_BLOCK_INT_H
#define MESSAGE_BLOCK_INT_H

#include "message/block.h"
#include "message/textlines.h"

enum label_role {
    LABEL_UNKNOWN,
    LABEL_FROM,
    LABEL_TO,
    LABEL_CC,
    LABEL_SUBJECT,
    LABEL_DATE,
    LABEL_TIME,
    LABEL_PRIORITY,
    LABEL_MESSAGE_ID,
    LABEL_PARENT_ID,
    LABEL_CONVERSATION_ID,
    LABEL_ATTACHMENTS,
    LABEL_ROLES,
};

/* ---- block-label.c ---- */

/* What LABEL is called; LABEL_UNKNOWN for words that are not in the table. */
enum label_role label_role(const char *label);

/* Octets of the label at the beginning of TEXT, before its colon; 0 when there is none. */
size_t label_size(const char *text);

/* Gives each field a role, by label and then by place and value, into ROLES (one a field); and
 * the index of the field of each role into AT, -1 without one. */
void label_assign(const struct block *block, enum label_role *roles, int at[LABEL_ROLES]);

/* Hex digits at the beginning of VALUE, 8 at least; 0 when there are fewer. */
size_t label_hex(const char *value);

/* The one letter or digit of a priority line, or 0. */
char label_priority(const char *value);

/* True when the value alone shows that a line is one of a block's last. */
bool label_value_sure(const char *value);

/* ---- block-name.c ---- */

/* The names of VALUE, divided at ';', into OUT (appended). */
int names_parse(struct block_names *out, const char *value, struct error *err) WARN_UNUSED;
void names_clear(struct block_names *names);

#endif
