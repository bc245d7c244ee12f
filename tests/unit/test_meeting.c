/* SPDX-License-Identifier: BSD-2-Clause */
/* T112: a meeting request keeps its time. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "message/meeting.h"

static void test_classes(void **state)
{
    (void)state;
    assert_int_equal(meeting_kind_of("IPM.Microsoft Schedule.MtgReq"), MEETING_REQUEST);
    assert_int_equal(meeting_kind_of("ipm.microsoft schedule.mtgrespp"), MEETING_ACCEPTED);
    assert_int_equal(meeting_kind_of("IPM.Microsoft Schedule.MtgRespN"), MEETING_DECLINED);
    assert_int_equal(meeting_kind_of("IPM.Microsoft Schedule.MtgRespA"), MEETING_TENTATIVE);
    assert_int_equal(meeting_kind_of("IPM.Microsoft Schedule.MtgCncl"), MEETING_CANCEL);
    assert_int_equal(meeting_kind_of("IPM.Schedule.Meeting.Request"), MEETING_REQUEST);
    assert_int_equal(meeting_kind_of("IPM.Microsoft Mail.Note"), MEETING_NONE);
    assert_int_equal(meeting_kind_of(""), MEETING_NONE);
    assert_int_equal(meeting_kind_of(NULL), MEETING_NONE);
    assert_string_equal(meeting_method(MEETING_TENTATIVE), "REPLY");
    assert_null(meeting_method(MEETING_NONE));
}

static void make(struct tnef *tnef, char *class, struct message_date start, struct message_date end)
{
    memset(tnef, 0, sizeof *tnef);
    tnef->class = class;
    tnef->start.date = start;
    tnef->end.date = end;
    tnef->response_requested = -1;
}

static char request[] = "IPM.Microsoft Schedule.MtgReq";

static void test_when(void **state)
{
    static const struct {
        struct message_date start, end;
        bool utc;
        const char *zone, *expected; /* NULL: not timed */
    } cases[] = {
        {{true, 1996, 3, 4, 10, 0},
         {true, 1996, 3, 4, 11, 0},
         false,
         "Europe/Berlin",
         "When: 1996-03-04 10:00 - 11:00 (Europe/Berlin)\n"},
        {{true, 1996, 3, 4, 10, 0},
         {true, 1996, 3, 4, 11, 0},
         true,
         "Europe/Berlin",
         "When: 1996-03-04 11:00 - 12:00 (Europe/Berlin)\n"},
        {{true, 1996, 7, 4, 23, 0},
         {true, 1996, 7, 5, 1, 30},
         false,
         "Asia/Kolkata",
         "When: 1996-07-04 23:00 - 1996-07-05 01:30 (Asia/Kolkata)\n"},
        {{true, 1996, 3, 4, 10, 0},
         {true, 1996, 3, 4, 10, 0},
         false,
         "",
         "When: 1996-03-04 10:00 - 10:00 (UTC)\n"},
        {{true, 1996, 3, 4, 10, 0}, {true, 1996, 3, 4, 9, 59}, false, "UTC", NULL},
        {{true, 1996, 3, 4, 10, 0}, {false, 0, 0, 0, 0, 0}, false, "UTC", NULL},
        {{true, 1996, 2, 30, 10, 0}, {true, 1996, 3, 4, 9, 59}, false, "UTC", NULL},
        {{true, 1996, 3, 4, 10, 0}, {true, 1999, 3, 4, 9, 59}, false, "UTC", NULL},
    };
    struct meeting meeting;
    struct tnef tnef;
    struct error err;
    char *when;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make(&tnef, request, cases[i].start, cases[i].end);
        tnef.start.utc = tnef.end.utc = cases[i].utc;
        assert_int_equal(
            meeting_read(&meeting, meeting_kind_of(tnef.class), &tnef, cases[i].zone, &err), 0);
        assert_int_equal(meeting.kind, MEETING_REQUEST);
        assert_int_equal(meeting.timed, cases[i].expected != NULL);
        assert_int_equal(meeting_when(&meeting, cases[i].zone, NULL, &when, &err), 0);
        if (cases[i].expected != NULL)
            assert_string_equal(when, cases[i].expected);
        else
            assert_null(when);
        free(when);
    }
    assert_int_equal(meeting_read(&meeting, meeting_kind_of(tnef.class), &tnef, "No/Where", &err),
                     -1);
    assert_int_equal(err.class, ERROR_SETUP);
}

/* A time that comes twice is the first, one that clocks jump over the first behind the jump. */
static void test_summer_time(void **state)
{
    struct meeting meeting;
    struct tnef tnef;
    struct error err;

    (void)state;
    make(&tnef, request, (struct message_date){true, 1996, 10, 27, 2, 30},
         (struct message_date){true, 1996, 10, 27, 4, 0});
    assert_int_equal(
        meeting_read(&meeting, meeting_kind_of(tnef.class), &tnef, "Europe/Berlin", &err), 0);
    assert_int_equal(meeting.start, 846376200); /* 00:30 UTC */
    assert_int_equal(meeting.end, 846385200);   /* 03:00 UTC */
    make(&tnef, request, (struct message_date){true, 1996, 3, 31, 2, 30},
         (struct message_date){true, 1996, 3, 31, 4, 0});
    assert_int_equal(
        meeting_read(&meeting, meeting_kind_of(tnef.class), &tnef, "Europe/Berlin", &err), 0);
    assert_int_equal(meeting.start, 828234000); /* 01:00 UTC, which is 03:00 */
}

static char *line_of(const char *calendar, const char *name)
{
    const char *at = strstr(calendar, name);

    assert_non_null(at);
    return strndup(at, strcspn(at, "\r\n"));
}

static char *calendar_of(char *class, uint32_t id, const char *subject)
{
    static const struct meeting_person attendee = {"M\xC3\xBCller, \"A\"", "a@example.com"};
    struct meeting_event event = {.subject = subject,
                                  .description = "Room; 4,\nor 5",
                                  .organizer = {"Boss", "boss@example.com"},
                                  .attendees = &attendee,
                                  .attendee_count = 1,
                                  .stamp = 825930000};
    struct meeting meeting;
    struct tnef tnef;
    struct error err;
    char *out;

    make(&tnef, class, (struct message_date){true, 1996, 3, 4, 10, 0},
         (struct message_date){true, 1996, 3, 4, 11, 0});
    tnef.has_owner_id = id != 0;
    tnef.owner_id = id;
    event.tnef = &tnef;
    assert_int_equal(
        meeting_read(&meeting, meeting_kind_of(tnef.class), &tnef, "Europe/Berlin", &err), 0);
    assert_int_equal(meeting_calendar(&meeting, &event, &out, &err), 0);
    assert_non_null(out);
    return out;
}

static void test_calendar(void **state)
{
    static char accepted[] = "IPM.Microsoft Schedule.MtgRespP";
    char *first = calendar_of(request, 7, "Plan\r\nATTENDEE:x");
    char *again = calendar_of(request, 7, "Plan\r\nATTENDEE:x");
    char *answer = calendar_of(accepted, 7, "Accepted: Plan");
    char *uid = line_of(first, "UID:"), *uid_answer = line_of(answer, "UID:");

    (void)state;
    assert_string_equal(first, again);
    assert_string_equal(uid, uid_answer);
    assert_non_null(strstr(first, "METHOD:REQUEST\r\n"));
    assert_non_null(strstr(first, "DTSTART:19960304T090000Z\r\n"));
    assert_non_null(strstr(first, "DTEND:19960304T100000Z\r\n"));
    assert_non_null(strstr(first, "RSVP=TRUE"));
    assert_null(strstr(first, "\nATTENDEE:x")); /* no line from a text */
    assert_non_null(strstr(answer, "METHOD:REPLY\r\n"));
    assert_non_null(strstr(answer, "PARTSTAT=ACCEPTED"));
    free(uid);
    free(uid_answer);
    free(first);
    free(again);
    free(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_when),
        cmocka_unit_test(test_summer_time),
        cmocka_unit_test(test_calendar),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
