/* SPDX-License-Identifier: BSD-2-Clause */
/* What a report gives back of a message: read from the queue. */
#ifndef DAEMON_REPORT_CONTENT_H
#define DAEMON_REPORT_CONTENT_H

#include <stdint.h>

#include "queue/store.h"

/* The header block of message ID as it was sent, CR LF, when it is within the first 64 KiB; NULL
 * when not, or when its content is not there. free. */
char *report_read_headers(struct store *store, uint64_t id);

/* All of message ID, which has SIZE octets, with LF line ends; NULL when it is not there as a
 * whole, not 7-bit or without memory. free. */
char *report_read_original(struct store *store, uint64_t id, uint64_t size);

#endif
