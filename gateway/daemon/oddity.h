/* SPDX-License-Identifier: BSD-2-Clause */
/* What is odd about the content of messages that enter the queue, for the operator: a line of the
 * message's history, a line of the relay log, and sums a postoffice. */
#ifndef DAEMON_ODDITY_H
#define DAEMON_ODDITY_H

#include "daemon/prepare.h"

/* Since the postoffice was first read. */
struct oddity_sums {
    uint64_t messages;    /* with an octet that means nothing in the code page */
    uint64_t undecodable; /* such octets */
    uint64_t dates;       /* messages whose Date had to be decided */
    uint64_t stripped;    /* messages whose WINMAIL.DAT was not sent */
    uint64_t repeated;    /* messages with two subjects and the like, of which the first was sent */
};

/* Inside the batch's transaction: history of message ID, and ADDS to SUMS. */
int oddity_write(struct store *store, uint64_t id, const struct prepared *prepared, int64_t now_ms,
                 struct oddity_sums *sums, struct error *err) WARN_UNUSED;

/* Inside the same: adds SUMS to the note "content.TITLE". */
int oddity_note(struct store *store, const char *title, const struct oddity_sums *sums,
                int64_t now_ms, struct error *err) WARN_UNUSED;

/* After it: events "undecodable", "date", "stripped" and "repeated". EVENT has what they share. */
void oddity_log(struct relaylog *log, const struct prepared *prepared, int64_t now_ms,
                const struct relaylog_event *event);

#endif
