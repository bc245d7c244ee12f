/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When a message was written: from the writer's local time, which has no zone (Q133192), to an
 * instant with the offset of the postoffice's zone on that day. The zone of this process plays no
 * part, and neither does the time at which we run, but where a message has no date that can be
 * used.
 */
#ifndef MESSAGE_DATE_H
#define MESSAGE_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/message.h"

/* What had to be decided. All but DATE_AS_WRITTEN are worth a line in the log. */
enum date_note {
    DATE_AS_WRITTEN,
    DATE_TWICE,   /* clocks were put back over it: standard time is taken */
    DATE_NEVER,   /* clocks were put forward over it: standard time is taken */
    DATE_MISSING, /* none, or one that cannot be: when it was received is taken */
    DATE_FUTURE,  /* more than DATE_AHEAD_S after it was received: the same */
    DATE_OLD,     /* more than DATE_BACK_YEARS before, or before DATE_FIRST_YEAR: the same */
};

#define DATE_AHEAD_S 86400
#define DATE_BACK_YEARS 30
#define DATE_FIRST_YEAR                                                                            \
    1985 /* clocks without a battery say 1980; nobody had mail to gateways yet */

#define DATE_RFC5322_SIZE 40  /* "Mon, 07 Apr 1997 08:05:00 +0200" */
#define DATE_ORIGINAL_SIZE 24 /* "2031-04-07 08:05" */

struct date_sent {
    int64_t unix_s;
    int offset_s; /* seconds east of UTC, whole minutes */
    enum date_note note;
    char
        original[DATE_ORIGINAL_SIZE]; /* the local time that was not taken, for X-MSMail-Date; "" */
};

/*
 * DATE is what the message says and RECEIVED the stamp of the mailbag; both are local times of ZONE
 * (IANA, NULL or "" is UTC), and each may be unset or impossible. RECEIVED_MS is our own clock when
 * the message was taken: it is used when there is no stamp, or one more than a day ahead of it.
 * An old date is one that is old beside the stamp: mail of a restored backup keeps its date.
 * ERROR_SETUP: the zone is not known to this system.
 */
int date_sent(const struct message_date *date, const struct message_date *received,
              const char *zone, int64_t received_ms, struct date_sent *out,
              struct error *err) WARN_UNUSED;

/* Any other local time: a file's. DATE must be valid. NOTE may be NULL. */
int date_local(const struct message_date *date, const char *zone, int64_t *unix_s, int *offset_s,
               enum date_note *note, struct error *err) WARN_UNUSED;

/* As RFC 5322 has it, "+0530" and never "+05.5" (Q192054). */
void date_rfc5322(int64_t unix_s, int offset_s, char out[DATE_RFC5322_SIZE]);

/* For the log: "is a time that came twice; standard time is taken". "" for DATE_AS_WRITTEN. */
const char *date_note_text(enum date_note note);

#endif
