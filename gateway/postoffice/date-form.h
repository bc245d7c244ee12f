/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the dates of a postoffice are written: "yyyy-mm-dd hh:mm", "mm/dd/yy hh:mm AM". Words stand
 * for numbers, AM for AM or PM, anything else for itself; msmailgw-profile(5) has the list.
 */
#ifndef POSTOFFICE_DATE_FORM_H
#define POSTOFFICE_DATE_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message/message.h"

#define DATE_FORM_SIZE 40 /* of a form with its NUL */
#define DATE_MAX_TEXT 64  /* octets of a date in a message */

/* NULL when FORM has year, month, day, hour and minute once each; else what is wrong with it. */
const char *date_form_wrong(const char *form);

/* Reads TEXT, all of it. Two digits of a year are 1980 to 2079 (00 to 79: 2000 to 2079). False when
 * it does not have the form or is no date: hour 24, or hour 13 with PM. */
bool date_form_read(const char *form, const uint8_t *text, size_t size, struct message_date *out);

#endif
