/* SPDX-License-Identifier: BSD-2-Clause */
/* The states of a recipient. doc/INTERNALS.md explains them. */
#ifndef QUEUE_RECIPIENT_H
#define QUEUE_RECIPIENT_H

#include "base/attr.h"

enum recipient_state {
    RECIPIENT_QUEUED,  /* waits for its due time */
    RECIPIENT_SENDING, /* claimed by the relay; after a crash: perhaps delivered */
    RECIPIENT_HELD,    /* waits for the operator */
    RECIPIENT_SENT,    /* the server has taken it (final) */
    RECIPIENT_FAILED,  /* cannot be delivered (final; reported) */
    RECIPIENT_DELETED, /* removed by the operator (final) */
};
#define RECIPIENT_STATES 6
const char *recipient_state_name(enum recipient_state state); /* "queued", ... */
int recipient_state_from_name(const char *name, enum recipient_state *out) WARN_UNUSED;

/* Every transition that the code allows, for the test that compares doc/INTERNALS.md. FROM -1 is
 * "new". Ends with event NULL. */
struct store_transition {
    int from, to;
    const char *event;
};
const struct store_transition *store_transitions(void);

#endif
