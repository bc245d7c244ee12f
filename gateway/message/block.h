/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header that Windows clients write at the top of a message's text, in the words of their
 * language: "Microsoft Mail v3.0 IPM.Microsoft Mail.Note", label lines, a ruler (Q119356, Q131523,
 * Q175958). Their own reader hides it; a reader in another language shows it as text.
 */
#ifndef MESSAGE_BLOCK_H
#define MESSAGE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/message.h"

enum block_form {
    BLOCK_NONE,    /* no block, or not surely one: all of the text is the body */
    BLOCK_WINDOWS, /* "Microsoft Mail v3.0 CLASS" */
    BLOCK_DOS,     /* "TO: ... SUBJECT: ..." of the DOS client and of gateways (Q119356) */
};

/* One of the people in a line of names. */
struct block_name {
    char *name;    /* UTF-8, without the brackets and what is in them */
    char *address; /* "NET/PO/USER" or typed, from "Anna (MS:NET/PO/ANNA)"; "" without */
};

struct block_names {
    struct block_name *items;
    size_t count;
};

/* A line of it, as it is: for what other modules know to read (receipt.h). */
struct block_field {
    char *label, *value; /* UTF-8 */
};

struct block {
    enum block_form form;
    uint64_t body; /* octets of the text before the body; a blank line that follows the block is of
                    * the body (Q98209) */
    char *class;   /* "IPM.Microsoft Mail.Note"; "" in the DOS form */
    char *subject; /* all of it, when the short one of the message is its beginning (Q156844,
                    * Q97025); NULL: the message's own is all there is */
    bool more_subjects; /* a line behind it that is one, too: the first counts (Q134371) */
    struct block_names from, to, cc; /* from: at most one */
    struct message_date date;
    char priority;         /* '1' to '9', 'R', 'C', 'F', 'T', or 0 */
    char *message_id;      /* hex digits, or NULL */
    char *parent_id;       /* of the message that this one answers, or NULL */
    char *conversation_id; /* hex digits or a text (Q175958), or NULL */
    struct block_field *fields;
    size_t field_count;
};

/*
 * Looks for a block at the top of MESSAGE's text (its first 64 KiB), in any language: by the first
 * line, by lines of label, colon and value, by place and values, with known labels as a help. It is
 * one only when its subject begins with that of the message or its date is the message's, and when
 * every line of it is understood; else BLOCK_NONE, which is no error. BLOCK needs no init.
 * Errors: ERROR_SOFT (memory), those of content_read and charset_line.
 */
int block_read(struct block *block, const struct message *message, struct error *err) WARN_UNUSED;

/* The block at OFFSET of a text, with nothing to compare it to: that of a returned message. */
int block_read_at(struct block *block, const struct message *message, uint64_t offset,
                  struct error *err) WARN_UNUSED;

void block_clear(struct block *block);

/*
 * The display name for address INDEX of MESSAGE: of the line of its role the one with that address
 * in brackets, else the one at its place when the line has as many names as the message has
 * addresses of that role. Borrowed; NULL when there is none.
 */
const char *block_display(const struct block *block, const struct message *message, size_t index);

#endif
