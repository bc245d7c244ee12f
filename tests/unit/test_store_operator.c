/* SPDX-License-Identifier: BSD-2-Clause */
/* The contract of the queue on every backend: lists, verbs, counts, notes, remains, purging. */
#include "config.h"

#include "tests/unit/storefixture.h"

#include <stdio.h>
#include <string.h>

/* ---- lists ---- */

struct list {
    char text[256];
    size_t stop_after; /* 0: never */
    size_t count;
};

static int add_to_list(void *context, const struct store_view *view)
{
    struct list *list = context;
    size_t used = strlen(list->text);

    snprintf(list->text + used, sizeof list->text - used, "%s%u", used != 0 ? " " : "",
             (unsigned)view->recipient);
    return ++list->count == list->stop_after;
}

static void expect_list(struct fixture *fixture, const struct store_filter *filter,
                        const char *expected)
{
    struct list list = {.count = 0};

    assert_done(fixture, store_list(fixture->store, filter, add_to_list, &list, &fixture->err));
    assert_string_equal(list.text, expected);
}

static void add_listed(struct fixture *fixture)
{
    struct store_message special = {
        .fingerprint = "f2", .message_id = "<two@example.com>", .mai = "000000AB"};
    uint64_t first;

    fixture_begin(fixture);
    first = fixture_message(fixture, "f1", 0);
    fixture_recipient(fixture, first, "CORP/HQ/BOB", RECIPIENT_QUEUED, 0);
    fixture_recipient(fixture, first, "CORP/HQ/A%C", RECIPIENT_HELD, 0);
    assert_done(fixture, store_add_message(fixture->store, &special, &fixture->err));
    fixture_recipient(fixture, special.id, "CORP/HQ/BOBBY", RECIPIENT_QUEUED, 0);
    fixture_recipient(fixture, special.id, "CORP/HQ/ABC", RECIPIENT_FAILED, 0);
    assert_done(fixture,
                store_add_recipient(fixture->store, special.id, "CORP/HQ/X_Y", "x@b\xC3\xB6rse.de",
                                    RECIPIENT_HELD, 0, 0, "", "", &fixture->err));
    fixture_commit(fixture);
}

static void test_list_filters(void **state)
{
    static const enum recipient_state queued = RECIPIENT_QUEUED, held = RECIPIENT_HELD,
                                      sent = RECIPIENT_SENT;
    static const struct {
        struct store_filter filter;
        const char *expected;
    } cases[] = {
        {{.limit = 0}, "1 2 3 4 5"},
        {{.limit = 2}, "1 2"},
        {{.limit = SIZE_MAX}, "1 2 3 4 5"},
        {{.after = 2, .limit = 2}, "3 4"},
        {{.after = 5}, ""},
        {{.id = 2}, "3 4 5"},
        {{.id = 2, .after = 3}, "4 5"},
        {{.id = 99}, ""},
        {{.id = UINT64_MAX}, ""},
        {{.state = &queued}, "1 3"},
        {{.state = &held, .after = 2}, "5"},
        {{.state = &sent}, ""},
        {{.state = &held, .id = 1}, "2"},
        {{.address = "bob"}, "1 3"},
        {{.address = "bob", .limit = 1}, "1"},
        {{.address = "USER@"}, "1 2 3 4"},
        {{.address = "A%C"}, "2"},
        {{.address = "%"}, "2"},
        {{.address = "_"}, "5"},
        {{.address = "B\xC3\xB6rse"}, "5"},
        {{.address = "'"}, ""},
        {{.address = ""}, "1 2 3 4 5"},
        {{.message_id = "<two@example.com>"}, "3 4 5"},
        {{.message_id = "<two@example.com>", .state = &held}, "5"},
        {{.message_id = "<TWO@example.com>"}, ""},
        {{.mai = "000000ab"}, "3 4 5"},
        {{.mai = "AB"}, ""},
        {{.mai = "00000062", .address = "bob"}, "1"},
    };
    struct fixture *fixture = *state;

    add_listed(fixture);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_list(fixture, &cases[i].filter, cases[i].expected);
}

static void test_list_stops_when_told(void **state)
{
    struct fixture *fixture = *state;
    struct store_filter all = {.limit = 0};
    struct list list = {.stop_after = 2};

    add_listed(fixture);
    assert_done(fixture, store_list(fixture->store, &all, add_to_list, &list, &fixture->err));
    assert_string_equal(list.text, "1 2");
}

/* A list whose callback asks the same handle again, and while a transaction is open. */
struct nest {
    struct fixture *fixture;
    unsigned depth;
    size_t calls;
};

static int list_inside(void *context, const struct store_view *view)
{
    struct nest *nest = context;
    struct store_filter all = {.limit = 0};
    char events[64];

    nest->calls++;
    fixture_events(nest->fixture, view->id, events, sizeof events);
    assert_true(events[0] != '\0');
    if (nest->depth < 2) {
        nest->depth++;
        assert_done(nest->fixture,
                    store_list(nest->fixture->store, &all, list_inside, nest, &nest->fixture->err));
        nest->depth--;
    }
    return 0;
}

static void test_lists_nest(void **state)
{
    struct fixture *fixture = *state;
    struct store_filter all = {.limit = 0};
    struct nest nest = {.fixture = fixture};

    add_listed(fixture);
    fixture_begin(fixture);
    assert_done(fixture, store_list(fixture->store, &all, list_inside, &nest, &fixture->err));
    fixture_commit(fixture);
    assert_int_equal(nest.calls, 5 + 25 + 125);
}

/* ---- history ---- */

static int check_event(void *context, const struct store_event *event)
{
    size_t *place = context;

    assert_int_equal(event->id, 1);
    assert_int_equal(event->recipient, 1);
    if (*place == 2) {
        assert_string_equal(event->event, "deferred");
        assert_int_equal(event->at_ms, 3000);
        assert_string_equal(event->status, "4.2.0");
        assert_string_equal(event->reply, "450 later");
        assert_string_equal(event->relay, "mx[192.0.2.1]:25");
    } else if (*place == 3) {
        assert_string_equal(event->event, "retried");
        assert_int_equal(event->at_ms, 4000);
        assert_string_equal(event->reply, "the server is well again");
        assert_string_equal(event->status, "");
    }
    return ++*place == 4;
}

static void test_history(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipient = fixture_in_state(fixture, "f1", RECIPIENT_SENDING);
    size_t place = 0, count;

    fixture_result(fixture, recipient, RECIPIENT_QUEUED, true, false, 9000);
    fixture_begin(fixture);
    assert_done(fixture, store_apply(fixture->store, 1, VERB_RETRY, 4000, 0,
                                     "the server is well again", &count, &fixture->err));
    fixture_commit(fixture);
    /* Another message's lines stay out; the last reply of the server stays in the row. */
    fixture_in_state(fixture, "f2", RECIPIENT_HELD);
    assert_done(fixture, store_history(fixture->store, 1, check_event, &place, &fixture->err));
    assert_int_equal(place, 4);
    assert_string_equal(fixture_see(fixture, recipient).reply, "450 later");
}

static int check_note(void *context, const struct store_event *event)
{
    size_t *place = context;

    if (*place == 1) {
        assert_int_equal(event->id, 1);
        assert_int_equal(event->recipient, 0);
        assert_int_equal(event->at_ms, 7000);
        assert_string_equal(event->event, "date");
        assert_string_equal(event->reply, "its date is missing");
        assert_string_equal(event->status, "");
    }
    ++*place;
    return 0;
}

/* About the message as a whole; with the transaction it goes. */
static void test_history_of_message(void **state)
{
    struct fixture *fixture = *state;
    size_t place = 0;

    fixture_in_state(fixture, "f1", RECIPIENT_QUEUED);
    fixture_begin(fixture);
    assert_done(fixture, store_add_note(fixture->store, 1, 7000, "stripped", "", &fixture->err));
    store_rollback(fixture->store);
    fixture_begin(fixture);
    assert_done(fixture, store_add_note(fixture->store, 1, 7000, "date", "its date is missing",
                                        &fixture->err));
    assert_int_equal(store_add_note(fixture->store, 99, 7000, "date", "", &fixture->err), -1);
    assert_int_equal(fixture->err.class, ERROR_DATA);
    fixture_commit(fixture);
    assert_done(fixture, store_history(fixture->store, 1, check_note, &place, &fixture->err));
    assert_int_equal(place, 2);
}

/* ---- verbs ---- */

/* One message with a recipient in each state, but DELETED. */
static void add_mixture(struct fixture *fixture, const char *fingerprint,
                        uint64_t recipients[RECIPIENT_STATES])
{
    uint64_t message;

    fixture_begin(fixture);
    message = fixture_message(fixture, fingerprint, 0);
    recipients[RECIPIENT_SENT] = fixture_recipient(fixture, message, "A", RECIPIENT_QUEUED, 1);
    recipients[RECIPIENT_SENDING] = fixture_recipient(fixture, message, "B", RECIPIENT_QUEUED, 1);
    recipients[RECIPIENT_QUEUED] =
        fixture_recipient(fixture, message, "C", RECIPIENT_QUEUED, 70000);
    recipients[RECIPIENT_HELD] = fixture_recipient(fixture, message, "D", RECIPIENT_HELD, 0);
    recipients[RECIPIENT_FAILED] = fixture_recipient(fixture, message, "E", RECIPIENT_FAILED, 0);
    fixture_commit(fixture);
    assert_int_equal(fixture_claim_all(fixture, 10), 2);
    fixture_result(fixture, recipients[RECIPIENT_SENT], RECIPIENT_SENT, true, false, 0);
}

struct verb_case {
    size_t count;
    int64_t expires_ms;
    enum store_verb verb;
    enum recipient_state queued, held, failed; /* what becomes of these */
};

static void try_verb(struct fixture *fixture, const struct verb_case *want, const char *fingerprint)
{
    uint64_t recipients[RECIPIENT_STATES];
    struct seen_recipient queued;
    size_t count;

    add_mixture(fixture, fingerprint, recipients);
    queued = fixture_see(fixture, recipients[RECIPIENT_QUEUED]);
    fixture_begin(fixture);
    assert_done(fixture, store_apply(fixture->store, queued.message, want->verb, 5000, 3000000, "",
                                     &count, &fixture->err));
    fixture_commit(fixture);
    assert_int_equal(count, want->count);
    queued = fixture_see(fixture, recipients[RECIPIENT_QUEUED]);
    assert_int_equal(queued.state, want->queued);
    assert_int_equal(queued.expires_ms, want->expires_ms);
    assert_int_equal(fixture_see(fixture, recipients[RECIPIENT_HELD]).state, want->held);
    assert_int_equal(fixture_see(fixture, recipients[RECIPIENT_FAILED]).state, want->failed);
    assert_int_equal(fixture_see(fixture, recipients[RECIPIENT_SENDING]).state, RECIPIENT_SENDING);
    assert_int_equal(fixture_see(fixture, recipients[RECIPIENT_SENT]).state, RECIPIENT_SENT);
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
}

static void test_verbs_on_a_mixture(void **state)
{
    static const struct verb_case cases[] = {
        {1, 1000000, VERB_HOLD, RECIPIENT_HELD, RECIPIENT_HELD, RECIPIENT_FAILED},
        {1, 3000000, VERB_RELEASE, RECIPIENT_QUEUED, RECIPIENT_QUEUED, RECIPIENT_FAILED},
        {2, 3000000, VERB_RETRY, RECIPIENT_QUEUED, RECIPIENT_HELD, RECIPIENT_QUEUED},
        {2, 1000000, VERB_RETURN, RECIPIENT_FAILED, RECIPIENT_FAILED, RECIPIENT_FAILED},
        {3, 1000000, VERB_DELETE, RECIPIENT_DELETED, RECIPIENT_DELETED, RECIPIENT_DELETED},
    };
    char fingerprint[8];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(fingerprint, sizeof fingerprint, "f%zu", i);
        try_verb(*state, &cases[i], fingerprint);
    }
}

static size_t apply(struct fixture *fixture, uint64_t message, enum store_verb verb,
                    int64_t expires_ms, const char *reason)
{
    size_t count;

    fixture_begin(fixture);
    assert_done(fixture, store_apply(fixture->store, message, verb, 5000, expires_ms, reason,
                                     &count, &fixture->err));
    fixture_commit(fixture);
    return count;
}

static void test_due_times_of_verbs(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipient = fixture_in_state(fixture, "f1", RECIPIENT_QUEUED);

    assert_int_equal(apply(fixture, 1, VERB_HOLD, 0, "asked by ann"), 1);
    assert_int_equal(fixture_see(fixture, recipient).due_ms, 2000);
    assert_string_equal(fixture_see(fixture, recipient).reply, "asked by ann");
    assert_int_equal(apply(fixture, 1, VERB_HOLD, 0, ""), 0);
    assert_int_equal(apply(fixture, 1, VERB_RELEASE, 0, NULL), 1);
    assert_int_equal(fixture_see(fixture, recipient).due_ms, 5000);
    /* An earlier expiry than the message has is not taken. */
    assert_int_equal(fixture_see(fixture, recipient).expires_ms, 1000000);
    assert_int_equal(apply(fixture, 1, VERB_RETURN, 0, ""), 1);
    assert_string_equal(fixture_see(fixture, recipient).status, "5.0.0");
    assert_string_equal(fixture_see(fixture, recipient).reply, "returned by the operator");
    assert_int_equal(apply(fixture, 1, VERB_RETRY, 4000000, ""), 1);
    assert_int_equal(apply(fixture, 1, VERB_RETURN, 0, "left the company"), 1);
    assert_string_equal(fixture_see(fixture, recipient).reply, "left the company");
    assert_int_equal(fixture_see(fixture, recipient).expires_ms, 4000000);
}

static void test_verb_on_no_message(void **state)
{
    struct fixture *fixture = *state;
    size_t count;

    fixture_begin(fixture);
    fixture_refused(fixture,
                    store_apply(fixture->store, 1, VERB_HOLD, 5000, 0, "", &count, &fixture->err),
                    ERROR_DATA);
    fixture_refused(
        fixture,
        store_apply(fixture->store, UINT64_MAX, VERB_HOLD, 5000, 0, "", &count, &fixture->err),
        ERROR_DATA);
    fixture_commit(fixture);
}

/* ---- counts ---- */

static void test_counts(void **state)
{
    struct fixture *fixture = *state;
    struct store_message late = {.received_ms = 9000}, early = {.received_ms = 800};
    struct store_counts counts;
    uint64_t recipients[RECIPIENT_STATES];

    add_mixture(fixture, "f1", recipients);
    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &late, &fixture->err));
    fixture_recipient(fixture, late.id, "A", RECIPIENT_QUEUED, 60000);
    assert_done(fixture, store_add_message(fixture->store, &early, &fixture->err));
    fixture_recipient(fixture, early.id, "A", RECIPIENT_HELD, 5);
    fixture_commit(fixture);
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.messages, 3);
    assert_int_equal(counts.recipients[RECIPIENT_QUEUED], 2);
    assert_int_equal(counts.recipients[RECIPIENT_SENDING], 1);
    assert_int_equal(counts.recipients[RECIPIENT_HELD], 2);
    assert_int_equal(counts.recipients[RECIPIENT_SENT], 1);
    assert_int_equal(counts.recipients[RECIPIENT_FAILED], 1);
    assert_int_equal(counts.recipients[RECIPIENT_DELETED], 0);
    assert_int_equal(counts.oldest_queued_ms, 1000);
    assert_int_equal(counts.next_due_ms, 60000);
    assert_int_equal(counts.doubtful, 0);
    assert_int_equal(counts.remains, 0);
}

/* ---- notes ---- */

static int add_note(void *context, const char *name, const char *value, int64_t at_ms)
{
    char *text = context;
    size_t used = strlen(text);

    snprintf(text + used, 256 - used, "%s=%s@%d ", name, value, (int)at_ms);
    return 0;
}

static void expect_notes(struct fixture *fixture, const char *prefix, const char *expected)
{
    char text[256] = "";

    assert_done(fixture, store_list_notes(fixture->store, prefix, add_note, text, &fixture->err));
    assert_string_equal(text, expected);
}

static void put_note(struct fixture *fixture, const char *name, const char *value, int64_t at_ms)
{
    assert_done(fixture, store_put_note(fixture->store, name, value, at_ms, &fixture->err));
}

static void test_notes(void **state)
{
    struct fixture *fixture = *state;

    put_note(fixture, "process.relay", "{\"pid\":1}", 1);
    put_note(fixture, "postoffice.HQ", "true", 2);
    put_note(fixture, "process.intake", "{}", 3);
    put_note(fixture, "process%", "0", 3);
    put_note(fixture, "process.relay", "{\"pid\":2}", 4);
    put_note(fixture, "absent", NULL, 4);
    expect_notes(fixture, "process.", "process.intake={}@3 process.relay={\"pid\":2}@4 ");
    expect_notes(fixture, "process%", "process%=0@3 ");
    expect_notes(fixture, "PROCESS", "");
    put_note(fixture, "process.relay", NULL, 5);
    put_note(fixture, "process%", NULL, 5);
    expect_notes(fixture, "", "postoffice.HQ=true@2 process.intake={}@3 ");
    expect_notes(fixture, NULL, "postoffice.HQ=true@2 process.intake={}@3 ");

    fixture_begin(fixture);
    put_note(fixture, "process.intake", "[]", 6);
    put_note(fixture, "postoffice.HQ", NULL, 6);
    put_note(fixture, "alarm.x", "1", 6);
    store_rollback(fixture->store);
    expect_notes(fixture, "", "postoffice.HQ=true@2 process.intake={}@3 ");
}

/* ---- remains ---- */

static int add_remain_text(void *context, const struct store_remain *remain)
{
    char *text = context;
    size_t used = strlen(text);

    snprintf(text + used, 512 - used, "%s/%s/%u/%s/%s/%s/%d-%d ", remain->postoffice,
             remain->mailbag, (unsigned)remain->record, remain->mai, remain->kind, remain->reason,
             (int)remain->first_ms, (int)remain->last_ms);
    return 0;
}

static void expect_remains(struct fixture *fixture, const char *expected)
{
    char text[512] = "";

    assert_done(fixture, store_list_remains(fixture->store, add_remain_text, text, &fixture->err));
    assert_string_equal(text, expected);
}

static bool remain_of(struct fixture *fixture, const char *title, const char *mailbag,
                      uint32_t record, const char *reason, int64_t at_ms)
{
    struct store_remain remain = {.title = title,
                                  .postoffice = "P",
                                  .mailbag = mailbag,
                                  .mai = "M",
                                  .kind = "unmapped",
                                  .reason = reason,
                                  .record = record,
                                  .first_ms = 99,
                                  .last_ms = at_ms};
    bool new_one;

    assert_done(fixture, store_add_remain(fixture->store, &remain, &new_one, &fixture->err));
    return new_one;
}

static bool remain_at(struct fixture *fixture, const char *mailbag, uint32_t record,
                      const char *reason, int64_t at_ms)
{
    return remain_of(fixture, "Live", mailbag, record, reason, at_ms);
}

static void forget(struct fixture *fixture, const char *title, const char *mailbag,
                   int64_t before_ms)
{
    assert_done(fixture,
                store_forget_remains(fixture->store, title, mailbag, before_ms, &fixture->err));
}

static void test_remains(void **state)
{
    struct fixture *fixture = *state;
    struct store_counts counts;

    assert_true(remain_at(fixture, "B", 2, "bob", 10));
    assert_true(remain_at(fixture, "A", 7, "eve", 11));
    assert_true(remain_at(fixture, "A", UINT32_MAX, "eve", 11));
    fixture_begin(fixture);
    assert_false(remain_at(fixture, "B", 2, "bob", 20));
    assert_true(remain_at(fixture, "A", 7, "eve and ann", 21));
    assert_false(remain_at(fixture, "A", 7, "eve and ann", 22));
    fixture_commit(fixture);
    expect_remains(fixture, "P/A/7/M/unmapped/eve and ann/11-22 "
                            "P/A/4294967295/M/unmapped/eve/11-11 P/B/2/M/unmapped/bob/10-20 ");
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.remains, 3);

    fixture_begin(fixture);
    remain_at(fixture, "C", 1, "x", 30);
    forget(fixture, "live", NULL, 100);
    expect_remains(fixture, "");
    store_rollback(fixture->store);

    forget(fixture, "P", NULL, 100);
    forget(fixture, "Live", "C", 100);
    forget(fixture, "Live", "A", 22);
    expect_remains(fixture, "P/A/7/M/unmapped/eve and ann/11-22 P/B/2/M/unmapped/bob/10-20 ");
    forget(fixture, "Live", NULL, 22);
    expect_remains(fixture, "P/A/7/M/unmapped/eve and ann/11-22 ");
}

/* A postoffice and its backup have one name; what remains on one says nothing of the other. */
static void test_remains_of_two_sections(void **state)
{
    struct fixture *fixture = *state;

    assert_true(remain_of(fixture, "Live", "A", 7, "eve", 10));
    assert_true(remain_of(fixture, "Backup", "A", 7, "eve", 11));
    assert_false(remain_of(fixture, "LIVE", "A", 7, "eve", 12));
    expect_remains(fixture, "P/A/7/M/unmapped/eve/11-11 P/A/7/M/unmapped/eve/10-12 ");
    forget(fixture, "Backup", NULL, 100);
    expect_remains(fixture, "P/A/7/M/unmapped/eve/10-12 ");
}

/* ---- purging ---- */

static size_t purge(struct fixture *fixture, int64_t before_ms, size_t limit)
{
    size_t count;

    assert_done(fixture, store_purge(fixture->store, before_ms, limit, &count, &fixture->err));
    return count;
}

static void test_purge(void **state)
{
    struct fixture *fixture = *state;
    uint64_t sent = fixture_in_state(fixture, "f1", RECIPIENT_SENT), message;
    uint8_t octet;
    size_t got;

    fixture_in_state(fixture, "f2", RECIPIENT_DELETED);
    fixture_in_state(fixture, "f3", RECIPIENT_FAILED);
    fixture_in_state(fixture, "f4", RECIPIENT_HELD);
    fixture_in_state(fixture, "f5", RECIPIENT_SENDING);
    fixture_begin(fixture);
    message = fixture_message(fixture, "f6", 0);
    fixture_commit(fixture);
    assert_int_equal(purge(fixture, 900, 100), 0);
    assert_int_equal(purge(fixture, 1501, 0), 0);
    assert_int_equal(purge(fixture, 1501, 100), 1); /* the deleted one; sent is at 3000 */
    assert_int_equal(purge(fixture, 3000, 100), 0);
    assert_int_equal(purge(fixture, INT64_MAX, 100), 1);
    assert_int_equal(purge(fixture, INT64_MAX, 100), 0);
    fixture_refused(fixture,
                    store_read_content(fixture->store, fixture_see(fixture, sent).message, 0,
                                       &octet, 1, &got, &fixture->err),
                    ERROR_DATA);
    assert_done(fixture,
                store_read_content(fixture->store, message, 0, &octet, 1, &got, &fixture->err));
    assert_int_equal(got, 1);
    assert_int_equal(fixture_see(fixture, sent).state, RECIPIENT_SENT);
    assert_int_equal(store_journal_has(fixture->store, "f1", "CORP/HQ/BOB", &fixture->err), 1);
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
}

static void test_purge_in_parts(void **state)
{
    struct fixture *fixture = *state;
    char fingerprint[8];

    for (int i = 0; i < 5; i++) {
        snprintf(fingerprint, sizeof fingerprint, "f%d", i);
        fixture_in_state(fixture, fingerprint, RECIPIENT_SENT);
    }
    assert_int_equal(purge(fixture, 10000, 2), 2);
    assert_int_equal(purge(fixture, 10000, 2), 2);
    assert_int_equal(purge(fixture, 10000, 2), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_list_filters),
        ON_BOTH(test_list_stops_when_told),
        ON_BOTH(test_lists_nest),
        ON_BOTH(test_history),
        ON_BOTH(test_history_of_message),
        ON_BOTH(test_verbs_on_a_mixture),
        ON_BOTH(test_due_times_of_verbs),
        ON_BOTH(test_verb_on_no_message),
        ON_BOTH(test_counts),
        ON_BOTH(test_notes),
        ON_BOTH(test_remains),
        ON_BOTH(test_remains_of_two_sections),
        ON_BOTH(test_purge),
        ON_BOTH(test_purge_in_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
