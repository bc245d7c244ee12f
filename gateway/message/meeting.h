/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Meeting messages of Schedule+ 1.0: the class says what they are, start and end come from
 * WINMAIL.DAT. Readers without Schedule+ lost the time (Q107205, Q151786), so that it is always
 * written above the text; as text/calendar (RFC 5545, 5546) only when everything is there.
 */
#ifndef MESSAGE_MEETING_H
#define MESSAGE_MEETING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/tnef.h"

enum meeting_kind {
    MEETING_NONE,
    MEETING_REQUEST,
    MEETING_ACCEPTED,
    MEETING_DECLINED,
    MEETING_TENTATIVE,
    MEETING_CANCEL,
};

/* Of "IPM.Microsoft Schedule.MtgReq", "...MtgRespP", "...N", "...A", "...MtgCncl", and the names of
 * later clients (IPM.Schedule.Meeting...); any case. CLASS may be NULL. */
enum meeting_kind meeting_kind_of(const char *class);

/* "REQUEST", "REPLY" or "CANCEL"; NULL for MEETING_NONE. */
const char *meeting_method(enum meeting_kind kind);

/* Times as seconds since 1970, made with the IANA ZONE of the postoffice. */
struct meeting {
    enum meeting_kind kind;
    bool timed; /* start and end are known, and end is not before start */
    int64_t start;
    int64_t end;
};

/* KIND is that of the message. 0 also when there are no times. ERROR_SETUP: ZONE is not known. A
 * time that clocks jump over is the first after the jump, one that comes twice is the first of the
 * two. */
int meeting_read(struct meeting *out, enum meeting_kind kind, const struct tnef *tnef,
                 const char *zone, struct error *err) WARN_UNUSED;

/* "When: 1996-03-04 10:00 - 11:00 (Europe/Berlin)" LF, and "Where: LOCATION" LF unless that is
 * NULL, for above the text; *OUT is the caller's, NULL when the meeting is not timed and has no
 * place. */
int meeting_when(const struct meeting *meeting, const char *zone, const char *location, char **out,
                 struct error *err) WARN_UNUSED;

/* Names are UTF-8 and may be NULL; addresses are SMTP addresses. */
struct meeting_person {
    const char *name;
    const char *address;
};

struct meeting_event {
    const struct tnef *tnef;                /* owner_id, response_requested, location */
    const char *subject;                    /* UTF-8; prefixes of answers stay */
    const char *description;                /* UTF-8 or NULL */
    struct meeting_person organizer;        /* of a request and cancel: the sender */
    const struct meeting_person *attendees; /* of an answer: its sender alone */
    size_t attendee_count;
    int64_t stamp; /* of the message, seconds since 1970: the same message gives the same octets */
};

/*
 * The octets of the text/calendar part, UTF-8, CR LF; *OUT is the caller's, NULL when the meeting
 * is not timed or there is no organizer or, for an answer, no attendee: then only text is right.
 */
int meeting_calendar(const struct meeting *meeting, const struct meeting_event *event, char **out,
                     struct error *err) WARN_UNUSED;

#endif
