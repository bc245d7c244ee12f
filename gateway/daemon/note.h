/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts inside the JSON notes that processes leave for "status" (store_put_note). */
#ifndef DAEMON_NOTE_H
#define DAEMON_NOTE_H

#include <stddef.h>
#include <stdint.h>

/* Copies TEXT into OUT (SIZE octets, cut to fit) so that it may stand between the quotes of a JSON
 * string: quotes, backslashes and controls, which a server or a share may have put there, become
 * apostrophes. Returns OUT. */
const char *note_text(const char *text, char *out, size_t size);

/* The number behind "KEY": in a note of ours; 0 when it is not there. */
uint64_t note_number(const char *text, const char *key);

#endif
