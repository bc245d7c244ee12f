/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message of ours that came back: mail for somebody who moved is sent to the old postoffice again
 * by a rule, an alternate recipient or a connector (Q164456, Q164850). It is a new message there;
 * but gateways put header fields that MS Mail does not have into the text (Q118968, Q161813).
 */
#ifndef MESSAGE_TRACE_H
#define MESSAGE_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/message.h"

#define TRACE_ID_SIZE 80

/* True in *FOUND when the text has a header, lines without a blank one between, with both a
 * Message-ID as letter_message_id makes it for DOMAIN and an X-MSMail-Source: quoted lines are
 * none. ID (TRACE_ID_SIZE) gets its beginning. Errors: those of textlines_read. */
int trace_returned(const struct message *message, const char *domain, bool *found, char *id,
                   struct error *err) WARN_UNUSED;

#endif
