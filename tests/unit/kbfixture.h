/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages whose text is one of tests/data/headers, or given. */
#ifndef TESTS_KBFIXTURE_H
#define TESTS_KBFIXTURE_H

#include <stddef.h>

#include "message/message.h"

/* From FROM to "NET/PO/TO", CP850. TEXT may be NULL. */
struct message *kb_message(const char *from, const char *subject, const char *text);
/* The same with the text of tests/data/headers/NAME and then TAIL. */
struct message *kb_printed(const char *from, const char *subject, const char *name,
                           const char *tail);
void kb_date(struct message *message, int year, int month, int day, int hour, int minute);

#endif
