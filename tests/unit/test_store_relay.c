/* SPDX-License-Identifier: BSD-2-Clause */
/* The contract of the queue on every backend: claims, results, expiry, reports. */
#include "config.h"

#include "tests/unit/storefixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- claims ---- */

/* Claims and writes "message:recipient,recipient message:..." into OUT. */
static int64_t claim_text(struct fixture *fixture, int64_t now_ms, size_t limit, size_t most,
                          char *out, size_t size)
{
    struct claim_message *messages;
    size_t count, used = 0;
    int64_t next;

    assert_done(fixture, store_claim(fixture->store, now_ms, limit, most, &messages, &count, &next,
                                     &fixture->err));
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(out + used, size - used, "%s%u:", i != 0 ? " " : "",
                                 (unsigned)messages[i].id);
        for (size_t j = 0; j < messages[i].recipient_count; j++)
            used += (size_t)snprintf(out + used, size - used, "%s%u", j != 0 ? "," : "",
                                     (unsigned)messages[i].recipients[j].id);
    }
    store_claim_free(messages, count);
    return next;
}

static void add_due(struct fixture *fixture, char priority, int64_t due_ms)
{
    uint64_t message;

    fixture_begin(fixture);
    message = fixture_message(fixture, "", priority);
    fixture_recipient(fixture, message, "CORP/HQ/BOB", RECIPIENT_QUEUED, due_ms);
    fixture_commit(fixture);
}

static void test_claim_in_order(void **state)
{
    struct fixture *fixture = *state;
    char text[256];

    add_due(fixture, 0, 30);    /* 1 */
    add_due(fixture, '3', 20);  /* 2 */
    add_due(fixture, 'R', 100); /* 3 */
    add_due(fixture, '4', 100); /* 4 */
    add_due(fixture, '5', 100); /* 5 */
    add_due(fixture, '1', 20);  /* 6 */
    add_due(fixture, '5', 99);  /* 7 */
    add_due(fixture, '5', 101); /* 8: not yet */
    add_due(fixture, 0, -5);    /* 9 */
    add_due(fixture, 0, 0);     /* 10 */
    add_due(fixture, 0, 5000);  /* 11: not yet */
    assert_int_equal(claim_text(fixture, 100, 4, 10, text, sizeof text), 101);
    assert_string_equal(text, "7:7 5:5 4:4 3:3");
    assert_int_equal(claim_text(fixture, 100, 100, 10, text, sizeof text), 101);
    assert_string_equal(text, "9:9 10:10 2:2 6:6 1:1");
    assert_int_equal(claim_text(fixture, 100, 100, 10, text, sizeof text), 101);
    assert_string_equal(text, "");
    assert_int_equal(claim_text(fixture, 101, 0, 10, text, sizeof text), 5000);
    assert_string_equal(text, "");
    assert_int_equal(claim_text(fixture, 101, 9, 10, text, sizeof text), 5000);
    assert_string_equal(text, "8:8");
    assert_int_equal(claim_text(fixture, 5000, 9, 10, text, sizeof text), 0);
    assert_string_equal(text, "11:11");
}

/* One commit for a result and the next claim, which sees what the result made of the queue; and
 * neither without it. */
static void test_claim_inside_a_transaction(void **state)
{
    struct fixture *fixture = *state;
    struct store_result again = {.recipient = 1,
                                 .now_ms = 200,
                                 .due_ms = 150,
                                 .status = "4.5.3",
                                 .reply = "452 4.5.3 Too many recipients",
                                 .state = RECIPIENT_QUEUED};
    char text[256];

    add_due(fixture, 0, 100); /* 1 */
    add_due(fixture, 0, 120); /* 2 */
    claim_text(fixture, 200, 1, 10, text, sizeof text);
    assert_string_equal(text, "1:1");

    fixture_begin(fixture);
    assert_done(fixture, store_set_result(fixture->store, &again, &fixture->err));
    claim_text(fixture, 200, 10, 10, text, sizeof text);
    assert_string_equal(text, "2:2 1:1");
    store_rollback(fixture->store);
    assert_int_equal(fixture_see(fixture, 1).state, RECIPIENT_SENDING);
    assert_int_equal(fixture_see(fixture, 2).state, RECIPIENT_QUEUED);

    fixture_begin(fixture);
    assert_done(fixture, store_set_result(fixture->store, &again, &fixture->err));
    claim_text(fixture, 200, 10, 10, text, sizeof text);
    fixture_commit(fixture);
    assert_string_equal(text, "2:2 1:1");
    assert_int_equal(fixture_see(fixture, 1).state, RECIPIENT_SENDING);
    assert_int_equal(fixture_see(fixture, 2).state, RECIPIENT_SENDING);
}

static void test_claim_groups_recipients(void **state)
{
    struct fixture *fixture = *state;
    uint64_t first, second;
    char text[256];

    fixture_begin(fixture);
    first = fixture_message(fixture, "f1", 0);
    second = fixture_message(fixture, "f2", 0);
    fixture_recipient(fixture, first, "A", RECIPIENT_QUEUED, 10);
    fixture_recipient(fixture, second, "A", RECIPIENT_QUEUED, 5);
    fixture_recipient(fixture, first, "B", RECIPIENT_QUEUED, 8);
    fixture_recipient(fixture, first, "C", RECIPIENT_HELD, 8);
    fixture_recipient(fixture, first, "D", RECIPIENT_QUEUED, 500);
    fixture_recipient(fixture, first, "E", RECIPIENT_QUEUED, 9);
    fixture_commit(fixture);
    assert_int_equal(claim_text(fixture, 100, 10, 2, text, sizeof text), 500);
    assert_string_equal(text, "2:2 1:3,6");
    assert_int_equal(claim_text(fixture, 100, 10, 2, text, sizeof text), 500);
    assert_string_equal(text, "1:1");
    assert_int_equal(claim_text(fixture, 100, 10, 2, text, sizeof text), 500);
    assert_string_equal(text, "");
}

static void test_claim_carries_what_the_relay_needs(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipient = fixture_in_state(fixture, "f1", RECIPIENT_SENDING);
    struct claim_message *messages;
    size_t count;
    int64_t next;

    fixture_result(fixture, recipient, RECIPIENT_QUEUED, true, true, 4000);
    assert_done(fixture, store_claim(fixture->store, 4000, SIZE_MAX, SIZE_MAX, &messages, &count,
                                     &next, &fixture->err));
    assert_int_equal(count, 1);
    assert_string_equal(messages->sender, "ann@example.com");
    assert_string_equal(messages->message_id, "<1@example.com>");
    assert_string_equal(messages->fingerprint, "f1");
    assert_string_equal(messages->postoffice, "CORP/HQ");
    assert_string_equal(messages->mailbag, "0000002E");
    assert_string_equal(messages->mai, "00000062");
    assert_int_equal(messages->size, 6);
    assert_false(messages->eight_bit);
    assert_int_equal(messages->report_of, 0);
    assert_int_equal(messages->received_ms, 1000);
    assert_int_equal(messages->expires_ms, 1000000);
    assert_int_equal(messages->recipient_count, 1);
    assert_int_equal(messages->recipients[0].id, recipient);
    assert_string_equal(messages->recipients[0].address, "user@example.com");
    assert_string_equal(messages->recipients[0].original, "CORP/HQ/BOB");
    assert_int_equal(messages->recipients[0].tries, 1);
    assert_true(messages->recipients[0].doubt);
    store_claim_free(messages, count);
    store_claim_free(NULL, 0);
}

static void test_claim_of_many(void **state)
{
    struct fixture *fixture = *state;
    size_t most = fixture->on_disk ? 5000 : 500;
    struct store_counts counts;

    fixture_begin(fixture);
    for (size_t i = 0; i < most; i++) {
        struct store_message message = {.postoffice = "CORP/HQ"};

        assert_done(fixture, store_add_message(fixture->store, &message, &fixture->err));
        assert_done(fixture,
                    store_add_recipient(fixture->store, message.id, "A", "a@example.com",
                                        RECIPIENT_QUEUED, (int64_t)i, 0, "", "", &fixture->err));
    }
    fixture_commit(fixture);
    assert_int_equal(fixture_claim_all(fixture, (int64_t)most / 2 - 1), most / 2);
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.recipients[RECIPIENT_SENDING], most / 2);
    assert_int_equal(counts.recipients[RECIPIENT_QUEUED], most - most / 2);
    assert_int_equal(counts.next_due_ms, most / 2);
}

/* ---- results ---- */

static void test_results_are_kept(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipient = fixture_in_state(fixture, "f1", RECIPIENT_SENDING);
    struct seen_recipient seen;

    fixture_result(fixture, recipient, RECIPIENT_QUEUED, true, false, 4000);
    seen = fixture_see(fixture, recipient);
    assert_int_equal(seen.state, RECIPIENT_QUEUED);
    assert_int_equal(seen.due_ms, 4000);
    assert_int_equal(seen.changed_ms, 3000);
    assert_int_equal(seen.tries, 1);
    assert_false(seen.doubt);
    assert_string_equal(seen.status, "4.2.0");
    assert_string_equal(seen.reply, "450 later");
    assert_string_equal(seen.relay, "mx[192.0.2.1]:25");

    /* Claimed, but the server was never asked: no try, and the last reply stays. */
    fixture_claim_all(fixture, 4000);
    fixture_result(fixture, recipient, RECIPIENT_QUEUED, false, false, 4001);
    seen = fixture_see(fixture, recipient);
    assert_int_equal(seen.tries, 1);
    assert_int_equal(seen.due_ms, 4001);
    assert_string_equal(seen.reply, "450 later");
}

static void test_doubt_stays_until_sent(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipient = fixture_in_state(fixture, "f1", RECIPIENT_SENDING);
    struct store_counts counts;
    char events[128];
    size_t count;

    fixture_result(fixture, recipient, RECIPIENT_QUEUED, true, true, 4000);
    assert_true(fixture_see(fixture, recipient).doubt);
    fixture_claim_all(fixture, 4000);
    fixture_result(fixture, recipient, RECIPIENT_QUEUED, true, false, 4000);
    assert_true(fixture_see(fixture, recipient).doubt);
    fixture_claim_all(fixture, 4000);
    fixture_result(fixture, recipient, RECIPIENT_HELD, true, false, 0);
    assert_true(fixture_see(fixture, recipient).doubt);
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.doubtful, 1);

    fixture_begin(fixture);
    assert_done(fixture,
                store_apply(fixture->store, 1, VERB_RELEASE, 5000, 0, NULL, &count, &fixture->err));
    fixture_commit(fixture);
    fixture_claim_all(fixture, 5000);
    fixture_result(fixture, recipient, RECIPIENT_SENT, true, false, 0);
    assert_false(fixture_see(fixture, recipient).doubt);
    assert_int_equal(fixture_see(fixture, recipient).tries, 4);
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.doubtful, 0);
    fixture_events(fixture, 1, events, sizeof events);
    assert_string_equal(events, "queued sending doubtful sending deferred sending held released "
                                "sending sent");
}

static void test_wrong_results_are_refused(void **state)
{
    struct fixture *fixture = *state;
    uint64_t sent = fixture_in_state(fixture, "f1", RECIPIENT_SENT);
    uint64_t sending = fixture_in_state(fixture, "f2", RECIPIENT_SENDING);
    struct store_result results[] = {
        {.recipient = sent, .state = RECIPIENT_FAILED},
        {.recipient = sending, .state = RECIPIENT_SENDING},
        {.recipient = sending, .state = RECIPIENT_DELETED},
        {.recipient = 0, .state = RECIPIENT_SENT},
        {.recipient = 999, .state = RECIPIENT_SENT},
        {.recipient = UINT64_MAX, .state = RECIPIENT_SENT},
    };
    struct store_result right = {.recipient = sending, .state = RECIPIENT_SENT};

    fixture_begin(fixture);
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++)
        fixture_refused(fixture, store_set_result(fixture->store, &results[i], &fixture->err),
                        ERROR_DATA);
    assert_done(fixture, store_set_result(fixture->store, &right, &fixture->err));
    fixture_refused(fixture, store_set_result(fixture->store, &right, &fixture->err), ERROR_DATA);
    fixture_commit(fixture);
    assert_int_equal(fixture_see(fixture, sending).state, RECIPIENT_SENT);
}

/* The bound is in octets, and never cuts a character. */
static void test_long_texts_are_cut(void **state)
{
    static const struct {
        const char *character;
        size_t kept;
    } cases[] = {
        {"x", 1000}, {"\xC3\xA4", 1000}, {"\xE2\x82\xAC", 999}, {"\xF0\x9F\x93\xA8", 1000}};
    struct fixture *fixture = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char fingerprint[8], text[4096] = "";
        struct store_result result = {.state = RECIPIENT_FAILED,
                                      .attempted = true,
                                      .status = "5.1.1",
                                      .reply = text,
                                      .relay = text};
        struct seen_recipient seen;

        for (size_t at = 0; at < 1500; at += strlen(cases[i].character))
            snprintf(text + at, sizeof text - at, "%s", cases[i].character);
        snprintf(fingerprint, sizeof fingerprint, "f%zu", i);
        result.recipient = fixture_in_state(fixture, fingerprint, RECIPIENT_SENDING);
        fixture_begin(fixture);
        assert_done(fixture, store_set_result(fixture->store, &result, &fixture->err));
        fixture_commit(fixture);
        seen = fixture_see(fixture, result.recipient);
        assert_int_equal(strlen(seen.reply), cases[i].kept);
        assert_memory_equal(seen.reply, text, cases[i].kept);
        assert_int_equal(strlen(seen.relay), cases[i].kept);
    }
}

static void test_recover(void **state)
{
    struct fixture *fixture = *state;
    uint64_t sending = fixture_in_state(fixture, "f1", RECIPIENT_SENDING);
    uint64_t held = fixture_in_state(fixture, "f2", RECIPIENT_HELD);
    uint64_t sent = fixture_in_state(fixture, "f3", RECIPIENT_SENT);
    size_t count;
    char events[64];

    assert_done(fixture, store_recover(fixture->store, 7000, &count, &fixture->err));
    assert_int_equal(count, 1);
    assert_int_equal(fixture_see(fixture, sending).state, RECIPIENT_QUEUED);
    assert_int_equal(fixture_see(fixture, sending).due_ms, 7000);
    assert_int_equal(fixture_see(fixture, sending).tries, 0);
    assert_true(fixture_see(fixture, sending).doubt);
    assert_int_equal(fixture_see(fixture, held).state, RECIPIENT_HELD);
    assert_false(fixture_see(fixture, sent).doubt);
    fixture_events(fixture, 1, events, sizeof events);
    assert_string_equal(events, "queued sending recovered");
    assert_done(fixture, store_recover(fixture->store, 7000, &count, &fixture->err));
    assert_int_equal(count, 0);
}

/* ---- expiry ---- */

static void test_expire(void **state)
{
    struct fixture *fixture = *state;
    uint64_t held = fixture_in_state(fixture, "f3", RECIPIENT_HELD);
    uint64_t fresh = fixture_in_state(fixture, "f1", RECIPIENT_SENDING);
    uint64_t tried;
    size_t count;

    fixture_result(fixture, fresh, RECIPIENT_QUEUED, false, false, 9000);
    tried = fixture_in_state(fixture, "f2", RECIPIENT_SENDING);
    fixture_result(fixture, tried, RECIPIENT_QUEUED, true, true, 2000000);
    fixture_begin(fixture);
    assert_done(fixture, store_expire(fixture->store, 999999, &count, &fixture->err));
    assert_int_equal(count, 0);
    assert_done(fixture, store_expire(fixture->store, 1000000, &count, &fixture->err));
    assert_int_equal(count, 2);
    fixture_commit(fixture);
    assert_int_equal(fixture_see(fixture, held).state, RECIPIENT_HELD);
    assert_int_equal(fixture_see(fixture, fresh).state, RECIPIENT_FAILED);
    assert_string_equal(fixture_see(fixture, fresh).status, "5.4.7");
    assert_string_equal(fixture_see(fixture, fresh).reply, "expired before the first try");
    assert_string_equal(fixture_see(fixture, tried).reply,
                        "expired after 1 try; last reply: 450 later");
    assert_string_equal(fixture_see(fixture, tried).relay, "mx[192.0.2.1]:25");
    assert_true(fixture_see(fixture, tried).doubt);
}

static void test_expire_leaves_what_is_on_its_way(void **state)
{
    struct fixture *fixture = *state;
    uint64_t sending = fixture_in_state(fixture, "f1", RECIPIENT_SENDING);
    size_t count;

    fixture_begin(fixture);
    assert_done(fixture, store_expire(fixture->store, INT64_MAX, &count, &fixture->err));
    fixture_commit(fixture);
    assert_int_equal(count, 0);
    assert_int_equal(fixture_see(fixture, sending).state, RECIPIENT_SENDING);
}

/* ---- reports ---- */

static void expect_unreported(struct fixture *fixture, uint64_t after, uint64_t expected)
{
    uint64_t id = 99;

    assert_done(fixture, store_next_unreported(fixture->store, after, -1, &id, &fixture->err));
    assert_int_equal(id, expected);
}

static void report(struct fixture *fixture, uint64_t message)
{
    fixture_begin(fixture);
    assert_done(fixture, store_set_reported(fixture->store, message, UINT64_MAX, &fixture->err));
    fixture_commit(fixture);
}

static void test_unreported_waits_for_the_rest(void **state)
{
    struct fixture *fixture = *state;
    uint64_t message, failed, last, held;

    fixture_begin(fixture);
    message = fixture_message(fixture, "f1", 0);
    failed = fixture_recipient(fixture, message, "A", RECIPIENT_FAILED, 0);
    held = fixture_recipient(fixture, message, "B", RECIPIENT_HELD, 0);
    last = fixture_recipient(fixture, message, "C", RECIPIENT_QUEUED, 0);
    expect_unreported(fixture, 0, 0);
    fixture_commit(fixture);
    expect_unreported(fixture, 0, 0);
    assert_int_equal(fixture_claim_all(fixture, 10), 1);
    expect_unreported(fixture, 0, 0);
    fixture_result(fixture, last, RECIPIENT_FAILED, true, false, 0);
    expect_unreported(fixture, 0, message);
    expect_unreported(fixture, message, 0);
    report(fixture, message);
    expect_unreported(fixture, 0, 0);
    assert_true(fixture_see(fixture, failed).reported);
    assert_true(fixture_see(fixture, last).reported);
    assert_false(fixture_see(fixture, held).reported);
}

/* A failure waits so long for the others, and no longer; what fails later is another report. */
static void test_a_failure_does_not_wait_for_ever(void **state)
{
    struct fixture *fixture = *state;
    uint64_t message, first, second, id;

    fixture_begin(fixture);
    message = fixture_message(fixture, "f1", 0);
    first = fixture_recipient(fixture, message, "A", RECIPIENT_FAILED, 0); /* at 1000 */
    second = fixture_recipient(fixture, message, "B", RECIPIENT_QUEUED, 0);
    fixture_commit(fixture);
    assert_done(fixture, store_next_unreported(fixture->store, 0, 999, &id, &fixture->err));
    assert_int_equal(id, 0);
    assert_done(fixture, store_next_unreported(fixture->store, 0, 1000, &id, &fixture->err));
    assert_int_equal(id, message);
    fixture_claim_all(fixture, 10);
    fixture_begin(fixture);
    assert_done(fixture, store_set_reported(fixture->store, message, first, &fixture->err));
    fixture_commit(fixture);
    fixture_result(fixture, second, RECIPIENT_FAILED, true, false, 0);
    assert_true(fixture_see(fixture, first).reported);
    assert_false(fixture_see(fixture, second).reported);
    expect_unreported(fixture, 0, message);
}

static void test_a_new_failure_is_reported_anew(void **state)
{
    struct fixture *fixture = *state;
    uint64_t failed = fixture_in_state(fixture, "f1", RECIPIENT_FAILED);
    uint64_t message = fixture_see(fixture, failed).message;
    size_t count;

    report(fixture, message);
    fixture_begin(fixture);
    assert_done(fixture, store_apply(fixture->store, message, VERB_RETRY, 5000, 9000, "", &count,
                                     &fixture->err));
    fixture_commit(fixture);
    expect_unreported(fixture, 0, 0);
    fixture_claim_all(fixture, 5000);
    fixture_result(fixture, failed, RECIPIENT_FAILED, true, false, 0);
    assert_false(fixture_see(fixture, failed).reported);
    expect_unreported(fixture, 0, message);
}

static void test_reports_are_not_reported(void **state)
{
    struct fixture *fixture = *state;
    struct store_message about = {.fingerprint = "", .report_of = 1};
    uint64_t last;

    fixture_in_state(fixture, "f1", RECIPIENT_SENT);
    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &about, &fixture->err));
    fixture_recipient(fixture, about.id, "POSTMASTER", RECIPIENT_FAILED, 0);
    fixture_commit(fixture);
    expect_unreported(fixture, 0, 0);
    last = fixture_see(fixture, fixture_in_state(fixture, "f2", RECIPIENT_FAILED)).message;
    expect_unreported(fixture, 0, last);
}

/* A message whose notice is due at 5000, with two recipients. */
static uint64_t late_message(struct fixture *fixture, uint64_t recipients[2])
{
    struct store_message message = {.fingerprint = "f1",
                                    .report_to = "ann@example.com",
                                    .notice_ms = 5000,
                                    .expires_ms = 1000000};

    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &message, &fixture->err));
    recipients[0] = fixture_recipient(fixture, message.id, "A", RECIPIENT_QUEUED, 0);
    recipients[1] = fixture_recipient(fixture, message.id, "B", RECIPIENT_QUEUED, 0);
    fixture_commit(fixture);
    return message.id;
}

static void expect_late(struct fixture *fixture, int64_t now_ms, uint64_t expected)
{
    uint64_t id = 99;

    assert_done(fixture, store_next_late(fixture->store, now_ms, &id, &fixture->err));
    assert_int_equal(id, expected);
}

/* The notice about ABOUT, whose recipient waits until DUE_MS; marks that there is one. */
static uint64_t add_notice(struct fixture *fixture, uint64_t about, int64_t due_ms)
{
    struct store_message notice = {
        .fingerprint = "k1", .report_of = about, .notice = true, .expires_ms = 1000000};
    uint64_t recipient;

    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &notice, &fixture->err));
    recipient = fixture_recipient(fixture, notice.id, "ORIGINATOR", RECIPIENT_QUEUED, due_ms);
    assert_done(fixture, store_set_noticed(fixture->store, about, &fixture->err));
    fixture_commit(fixture);
    return recipient;
}

static void test_a_message_is_late_once(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipients[2], message = late_message(fixture, recipients);

    expect_late(fixture, 4999, 0);
    expect_late(fixture, 5000, message);
    /* what is on its way may arrive at any moment */
    assert_int_equal(fixture_claim_all(fixture, 10), 2);
    expect_late(fixture, 5000, 0);
    fixture_result(fixture, recipients[0], RECIPIENT_QUEUED, true, false, 9000);
    expect_late(fixture, 5000, message);
    assert_done(fixture, store_forget_notices(fixture->store, 5000, &fixture->err));
    expect_late(fixture, 5000, message);
    add_notice(fixture, message, 0);
    expect_late(fixture, INT64_MAX, 0);
}

static void test_a_message_that_arrived_is_not_late(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipients[2], message = late_message(fixture, recipients);
    size_t count;

    fixture_claim_all(fixture, 10);
    fixture_result(fixture, recipients[0], RECIPIENT_SENT, true, false, 0);
    fixture_result(fixture, recipients[1], RECIPIENT_HELD, true, false, 0);
    assert_done(fixture, store_forget_notices(fixture->store, 5000, &fixture->err));
    fixture_begin(fixture);
    assert_done(fixture, store_apply(fixture->store, message, VERB_RELEASE, 6000, 9000, "", &count,
                                     &fixture->err));
    fixture_commit(fixture);
    expect_late(fixture, 6000, message); /* a held one is not forgotten */
    fixture_claim_all(fixture, 6000);
    fixture_result(fixture, recipients[1], RECIPIENT_SENT, true, false, 0);
    expect_late(fixture, 6000, 0);
    assert_done(fixture, store_forget_notices(fixture->store, 6000, &fixture->err));
    expect_late(fixture, INT64_MAX, 0);
}

/* It goes with the last of the recipients that it could be about, and in the same transaction. */
static void test_a_notice_is_withdrawn(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipients[2], message = late_message(fixture, recipients);
    uint64_t notice = add_notice(fixture, message, 900000);
    char events[64];

    assert_int_equal(fixture_claim_all(fixture, 10), 2);
    fixture_result(fixture, recipients[0], RECIPIENT_SENT, true, false, 0);
    assert_int_equal(fixture_see(fixture, notice).state, RECIPIENT_QUEUED);
    fixture_result(fixture, recipients[1], RECIPIENT_FAILED, true, false, 0);
    assert_int_equal(fixture_see(fixture, notice).state, RECIPIENT_DELETED);
    fixture_events(fixture, fixture_see(fixture, notice).message, events, sizeof events);
    assert_string_equal(events, "queued withdrawn");
}

static void test_a_notice_is_withdrawn_by_expiry_and_operator(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipients[2], message = late_message(fixture, recipients);
    uint64_t notice = add_notice(fixture, message, 900000);
    size_t count;

    fixture_begin(fixture);
    assert_done(fixture, store_apply(fixture->store, fixture_see(fixture, notice).message,
                                     VERB_HOLD, 5000, 0, "", &count, &fixture->err));
    assert_done(fixture, store_apply(fixture->store, message, VERB_DELETE, 5000, 0, "", &count,
                                     &fixture->err));
    fixture_commit(fixture);
    assert_int_equal(count, 2);
    assert_int_equal(fixture_see(fixture, notice).state, RECIPIENT_DELETED);
}

/* Never another report: it is held, and that can be found. */
static void test_an_expired_report_is_held(void **state)
{
    struct fixture *fixture = *state;
    uint64_t failed = fixture_in_state(fixture, "f1", RECIPIENT_FAILED), recipient, id = 99;
    struct store_message about = {
        .fingerprint = "k1", .report_of = fixture_see(fixture, failed).message, .expires_ms = 1000};
    size_t count;

    assert_done(fixture, store_held_report(fixture->store, &id, &fixture->err));
    assert_int_equal(id, 0);
    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &about, &fixture->err));
    recipient = fixture_recipient(fixture, about.id, "POSTMASTER", RECIPIENT_QUEUED, 0);
    assert_done(fixture, store_expire(fixture->store, 1000, &count, &fixture->err));
    fixture_commit(fixture);
    assert_int_equal(count, 1);
    assert_int_equal(fixture_see(fixture, recipient).state, RECIPIENT_HELD);
    assert_string_equal(fixture_see(fixture, recipient).status, "5.4.7");
    assert_done(fixture, store_held_report(fixture->store, &id, &fixture->err));
    assert_int_equal(id, about.id);
    report(fixture, fixture_see(fixture, failed).message);
    expect_unreported(fixture, 0, 0);
}

static int keep_view(void *context, const struct store_view *view)
{
    struct store_view *out = context;

    out->notice = view->notice;
    out->report_to = strcmp(view->report_to, "ann@example.com") == 0 ? "ann" : "other";
    return 0;
}

static void test_whom_to_tell_is_kept(void **state)
{
    struct fixture *fixture = *state;
    uint64_t recipients[2], message = late_message(fixture, recipients);
    struct store_message asks = {.fingerprint = "f2", .notify = true};
    struct store_filter filter = {.id = message};
    struct claim_message *claimed;
    struct store_view view = {0};
    size_t count;
    int64_t next;

    assert_done(fixture, store_list(fixture->store, &filter, keep_view, &view, &fixture->err));
    assert_string_equal(view.report_to, "ann");
    assert_false(view.notice);
    filter.id = fixture_see(fixture, add_notice(fixture, message, 0)).message;
    assert_done(fixture, store_list(fixture->store, &filter, keep_view, &view, &fixture->err));
    assert_string_equal(view.report_to, "other");
    assert_true(view.notice);
    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &asks, &fixture->err));
    fixture_recipient(fixture, asks.id, "A", RECIPIENT_QUEUED, 0);
    fixture_commit(fixture);
    assert_done(fixture,
                store_claim(fixture->store, 10, 100, 100, &claimed, &count, &next, &fixture->err));
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(claimed[i].notify, claimed[i].id == asks.id);
    store_claim_free(claimed, count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_claim_in_order),
        ON_BOTH(test_claim_inside_a_transaction),
        ON_BOTH(test_claim_groups_recipients),
        ON_BOTH(test_claim_carries_what_the_relay_needs),
        ON_BOTH(test_claim_of_many),
        ON_BOTH(test_results_are_kept),
        ON_BOTH(test_doubt_stays_until_sent),
        ON_BOTH(test_wrong_results_are_refused),
        ON_BOTH(test_long_texts_are_cut),
        ON_BOTH(test_recover),
        ON_BOTH(test_expire),
        ON_BOTH(test_expire_leaves_what_is_on_its_way),
        ON_BOTH(test_unreported_waits_for_the_rest),
        ON_BOTH(test_a_failure_does_not_wait_for_ever),
        ON_BOTH(test_a_new_failure_is_reported_anew),
        ON_BOTH(test_a_message_is_late_once),
        ON_BOTH(test_a_message_that_arrived_is_not_late),
        ON_BOTH(test_a_notice_is_withdrawn),
        ON_BOTH(test_a_notice_is_withdrawn_by_expiry_and_operator),
        ON_BOTH(test_an_expired_report_is_held),
        ON_BOTH(test_whom_to_tell_is_kept),
        ON_BOTH(test_reports_are_not_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
