/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Failure reports of MS Mail: "Mail failure" from POSTMASTER, with "[nnn] text" and the recipients
 * (Q131852, Q147471, Q175958).
 */
#ifndef MESSAGE_BOUNCE_H
#define MESSAGE_BOUNCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/block.h"
#include "message/message.h"

#define BOUNCE_RECIPIENTS 500 /* of one report */

struct bounce_recipient {
    char *name;    /* as it is written, UTF-8 */
    char *address; /* "NET/PO/USER" without the padding; "" for a display name */
    size_t reason; /* index: the one above the list that has the name */
};

/* Why: a report may have more than one code (Q118675), each with a list of its own. */
struct bounce_reason {
    unsigned code; /* of "[nnn]"; ndrcode_status() has its status */
    char *text;    /* that line, "[005] Mail retry count exceeded sending to:" and further ones */
};
#define BOUNCE_REASONS 16 /* of one report; what is beyond belongs to the last */

/* What a delivery status notification (RFC 3464) needs. */
struct bounce {
    bool found;
    struct bounce_reason reasons[BOUNCE_REASONS];
    size_t reason_count;
    struct bounce_recipient *recipients; /* at least one */
    size_t recipient_count;
    struct block original; /* the returned message's header block; form BLOCK_NONE without */
    uint64_t returned; /* offset in the text where the returned message begins; its size: none */
};

/*
 * Reads MESSAGE as a failure report. BLOCK is what block_read made of it. A report is one that
 * POSTMASTER wrote, or whose subject is "Mail failure", with a code that is not a receipt's; one
 * without any recipient (Q127919) takes the returned message's only one. Else found is false: an
 * ordinary message with all of its text. BOUNCE needs no init. Errors: those of block_read.
 */
int bounce_read(struct bounce *bounce, const struct message *message, const struct block *block,
                struct error *err) WARN_UNUSED;
void bounce_clear(struct bounce *bounce);

#endif
