/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by report.c and report-text.c only. */
#ifndef MESSAGE_REPORT_INT_H
#define MESSAGE_REPORT_INT_H

#include <gmime/gmime.h>

#include "message/report.h"

/* Octets of a value in message/delivery-status and of a line of the text: never folded. */
#define REPORT_LINE_MAX 900

/* TEXT (NULL: "") as valid UTF-8 on one line. g_free. */
char *report_line(const char *text);

/* The part for people. */
GMimePart *report_people(const struct report *report);

#endif
