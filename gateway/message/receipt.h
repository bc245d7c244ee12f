/* SPDX-License-Identifier: BSD-2-Clause */
/* Read receipts of MS Mail, in the forms that its clients write. */
#ifndef MESSAGE_RECEIPT_H
#define MESSAGE_RECEIPT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/block.h"
#include "message/message.h"

enum receipt_form {
    RECEIPT_NONE,
    RECEIPT_DOS,     /* "[013] ***** Read receipt ...", in the text (Q131523) */
    RECEIPT_WINDOWS, /* in the header block (Q118783), class IPM.Microsoft Mail.Read Receipt */
    RECEIPT_BARE,    /* priority C and a subject "Registered: NAME", no text (Q107356) */
};

/* What a disposition notification (RFC 8098) needs. The reader is who sent the receipt: the From
 * of the message. Texts are UTF-8, "" when the receipt does not say. */
struct receipt {
    enum receipt_form form;
    bool deleted;             /* deleted without being read ("Non-Read") */
    char *name;               /* to whom the original was sent */
    char *address;            /* the same, "NET/PO/USER", when it is there */
    char *subject;            /* of the original */
    struct message_date sent; /* the original; not set: unknown or malformed (Q214565) */
    struct message_date read; /* when it was read or deleted */
};

/*
 * Reads MESSAGE as a receipt. BLOCK is what block_read made of it. One whose lines are not
 * understood is RECEIPT_NONE: an ordinary message, with all of its text. RECEIPT needs no init.
 * Errors: those of block_read.
 */
int receipt_read(struct receipt *receipt, const struct message *message, const struct block *block,
                 struct error *err) WARN_UNUSED;
void receipt_clear(struct receipt *receipt);

#endif
