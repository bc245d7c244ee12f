/* SPDX-License-Identifier: BSD-2-Clause */
/* The contract of the queue on every backend: intake. */
#include "config.h"

#include "tests/unit/storefixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- intake ---- */

static void test_empty(void **state)
{
    struct fixture *fixture = *state;
    struct claim_message *messages;
    struct store_counts counts;
    int64_t next;
    size_t count;
    uint64_t id;

    assert_done(fixture, store_claim(fixture->store, 5000, 10, 10, &messages, &count, &next,
                                     &fixture->err));
    assert_int_equal(count, 0);
    assert_int_equal(next, 0);
    store_claim_free(messages, count);
    assert_done(fixture, store_next_unreported(fixture->store, 0, INT64_MAX, &id, &fixture->err));
    assert_int_equal(id, 0);
    assert_done(fixture, store_recover(fixture->store, 5000, &count, &fixture->err));
    assert_int_equal(count, 0);
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.messages, 0);
    assert_int_equal(counts.oldest_queued_ms, 0);
    assert_int_equal(counts.next_due_ms, 0);
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
}

/* Everything a hostile postoffice may put into a text. */
static const char hostile[] = "Robert'); DROP TABLE message;-- \"x\" ?1 %s \xFF\xFE\xC3 \t\r\n"
                              "\xE2\x82\xAC";

static int check_view(void *context, const struct store_view *view)
{
    size_t *seen = context;

    ++*seen;
    assert_string_equal(view->fingerprint, "f00d");
    assert_string_equal(view->postoffice, "CORP/HQ");
    assert_string_equal(view->queue, "EXCHANGE");
    assert_string_equal(view->mailbag, "0000002E");
    assert_string_equal(view->mai, "00000062");
    assert_string_equal(view->sender, hostile);
    assert_string_equal(view->message_id, hostile);
    assert_string_equal(view->subject, hostile);
    assert_string_equal(view->address, hostile);
    assert_string_equal(view->original, hostile);
    assert_string_equal(view->status, "4.1.1");
    assert_string_equal(view->reply, hostile);
    assert_string_equal(view->relay, "");
    assert_int_equal(view->state, RECIPIENT_HELD);
    assert_int_equal(view->date_ms, -7);
    assert_int_equal(view->received_ms, 1000);
    assert_int_equal(view->expires_ms, INT64_MAX);
    assert_int_equal(view->due_ms, 1100);
    assert_int_equal(view->changed_ms, 1200);
    assert_int_equal(view->size, 0);
    assert_int_equal(view->priority, '4');
    assert_int_equal(view->report_of, 77);
    assert_int_equal(view->tries, 0);
    assert_false(view->doubt);
    assert_false(view->reported);
    return 0;
}

static void test_all_fields_come_back(void **state)
{
    struct fixture *fixture = *state;
    struct store_filter filter = {.limit = 0};
    struct store_message message = {.fingerprint = "f00d",
                                    .postoffice = "CORP/HQ",
                                    .queue = "EXCHANGE",
                                    .mailbag = "0000002E",
                                    .mai = "00000062",
                                    .date_ms = -7,
                                    .received_ms = 1000,
                                    .expires_ms = INT64_MAX,
                                    .size = 12345,
                                    .priority = '4',
                                    .report_of = 77};
    size_t seen = 0;

    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &message, &fixture->err));
    assert_int_not_equal(message.id, 0);
    assert_done(fixture, store_set_content_facts(fixture->store, message.id, hostile, hostile,
                                                 hostile, 0, true, &fixture->err));
    assert_done(fixture, store_add_recipient(fixture->store, message.id, hostile, hostile,
                                             RECIPIENT_HELD, 1100, 1200, "4.1.1", hostile,
                                             &fixture->err));
    fixture_commit(fixture);
    assert_done(fixture,
                store_list(fixture->store, &filter, check_view, &seen, &fixture->err));
    assert_int_equal(seen, 1);
    assert_int_equal(
        store_journal_has(fixture->store, "f00d", hostile, &fixture->err), 1);
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
}

static void test_unknown_message_is_refused(void **state)
{
    struct fixture *fixture = *state;
    uint8_t octet[4];
    size_t got;

    fixture_begin(fixture);
    for (uint64_t id = 0; id < 2; id++) {
        uint64_t absent = id == 0 ? 5 : UINT64_MAX;

        fixture_refused(fixture,
                        store_add_content(fixture->store, absent, "x", 1, &fixture->err),
                        ERROR_DATA);
        fixture_refused(fixture,
                        store_set_content_facts(fixture->store, absent, "", "", "", 0, false,
                                                &fixture->err),
                        ERROR_DATA);
        fixture_refused(fixture,
                        store_add_recipient(fixture->store, absent, "a", "b", RECIPIENT_QUEUED, 0,
                                            0, "", "", &fixture->err),
                        ERROR_DATA);
        fixture_refused(fixture,
                        store_read_content(fixture->store, absent, 0, octet, sizeof octet, &got,
                                           &fixture->err),
                        ERROR_DATA);
    }
    fixture_commit(fixture);
}

static void test_rollback_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    uint64_t kept = fixture_in_state(fixture, "f1", RECIPIENT_SENDING), message;
    struct store_result result = {.recipient = kept, .state = RECIPIENT_SENT, .attempted = true};
    struct store_counts counts;
    uint8_t text[16];
    size_t got;
    char events[64];

    fixture_begin(fixture);
    assert_done(fixture, store_set_result(fixture->store, &result, &fixture->err));
    assert_done(fixture, store_add_content(fixture->store, 1, "more", 4, &fixture->err));
    assert_done(fixture, store_set_content_facts(fixture->store, 1, "x", "y", "z", 9, true,
                                                 &fixture->err));
    message = fixture_message(fixture, "f2", 0);
    fixture_recipient(fixture, message, "CORP/HQ/EVE", RECIPIENT_QUEUED, 0);
    store_rollback(fixture->store);
    store_rollback(fixture->store);

    assert_int_equal(store_journal_has(fixture->store, "f2", "CORP/HQ/EVE", &fixture->err), 0);
    assert_int_equal(fixture_see(fixture, kept).state, RECIPIENT_SENDING);
    assert_int_equal(fixture_see(fixture, kept).tries, 0);
    fixture_events(fixture, 1, events, sizeof events);
    assert_string_equal(events, "queued sending");
    assert_done(fixture, store_read_content(fixture->store, 1, 0, text, sizeof text, &got,
                                            &fixture->err));
    assert_int_equal(got, 6);
    assert_done(fixture, store_count(fixture->store, &counts, &fixture->err));
    assert_int_equal(counts.messages, 1);
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
}

static void test_ids_ascend(void **state)
{
    struct fixture *fixture = *state;
    uint64_t last_message = 0, last_recipient = 0;

    for (int i = 0; i < 5; i++) {
        uint64_t message, recipient;

        fixture_begin(fixture);
        message = fixture_message(fixture, "", 0);
        recipient = fixture_recipient(fixture, message, "CORP/HQ/BOB", RECIPIENT_QUEUED, 0);
        fixture_commit(fixture);
        assert_true(message > last_message && recipient > last_recipient);
        last_message = message;
        last_recipient = recipient;
    }
}

static uint8_t octet_at(size_t offset)
{
    return (uint8_t)(offset * 31 + (offset >> 8) * 7 + (offset >> 16));
}

static void expect_content(struct fixture *fixture, uint64_t id, size_t offset, size_t size,
                           size_t total)
{
    uint8_t *data = malloc(size);
    size_t got, expected = offset < total ? total - offset : 0;

    assert_non_null(data);
    assert_done(fixture,
                store_read_content(fixture->store, id, offset, data, size, &got, &fixture->err));
    assert_int_equal(got, expected < size ? expected : size);
    for (size_t i = 0; i < got; i++)
        assert_int_equal(data[i], octet_at(offset + i));
    free(data);
}

static void test_content_in_pieces(void **state)
{
    static const size_t pieces[] = {1, STORE_CHUNK_SIZE, 0, 3, 4096, STORE_CHUNK_SIZE, 7, 100};
    struct fixture *fixture = *state;
    struct store_message message = {.fingerprint = "f1"};
    uint8_t *piece = malloc(STORE_CHUNK_SIZE);
    size_t total = 0;

    assert_non_null(piece);
    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &message, &fixture->err));
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        for (size_t j = 0; j < pieces[i]; j++)
            piece[j] = octet_at(total + j);
        assert_done(fixture, store_add_content(fixture->store, message.id, piece, pieces[i],
                                               &fixture->err));
        total += pieces[i];
    }
    assert_done(fixture, store_set_content_facts(fixture->store, message.id, "", "", "", total,
                                                 false, &fixture->err));
    expect_content(fixture, message.id, 0, 2 * total, total);
    fixture_commit(fixture);
    for (size_t offset = 0; offset < total + 5000; offset += 3001)
        expect_content(fixture, message.id, offset, 5000, total);
    expect_content(fixture, message.id, 0, 1, total);
    expect_content(fixture, message.id, STORE_CHUNK_SIZE, 5, total);
    expect_content(fixture, message.id, total - 1, 5, total);
    expect_content(fixture, message.id, total, 5, total);
    expect_content(fixture, message.id, SIZE_MAX, 5, total);
    expect_content(fixture, message.id, SIZE_MAX / 2, 5, total);
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
    free(piece);
}

static void test_empty_content(void **state)
{
    struct fixture *fixture = *state;
    struct store_message message = {.fingerprint = NULL};

    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &message, &fixture->err));
    fixture_commit(fixture);
    expect_content(fixture, message.id, 0, 10, 0);
    assert_done(fixture, store_verify(fixture->store, &fixture->err));
}

static void test_verify_finds_missing_content(void **state)
{
    struct fixture *fixture = *state;
    struct store_message message = {.fingerprint = "f1", .size = 10};

    fixture_begin(fixture);
    assert_done(fixture, store_add_message(fixture->store, &message, &fixture->err));
    assert_done(fixture,
                store_add_content(fixture->store, message.id, "123456789", 9, &fixture->err));
    fixture_commit(fixture);
    fixture_refused(fixture, store_verify(fixture->store, &fixture->err), ERROR_DATA);
}

static void test_journal(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = fixture->store;
    struct error *err = &fixture->err;
    char longer[66];
    struct store_message wrong = {.fingerprint = longer};
    uint64_t message, other;

    memset(longer, 'a', 65);
    longer[65] = '\0';
    fixture_begin(fixture);
    message = fixture_message(fixture, "f1", 0);
    fixture_recipient(fixture, message, "CORP/HQ/BOB", RECIPIENT_QUEUED, 0);
    fixture_recipient(fixture, message, "CORP/HQ/J\xC3\x84RV", RECIPIENT_HELD, 0);
    other = fixture_message(fixture, "f1", 0);
    fixture_refused(fixture,
                    store_add_recipient(store, other, "corp/hq/Bob", "b@example.com",
                                        RECIPIENT_QUEUED, 0, 0, "", "", err),
                    ERROR_DATA);
    fixture_recipient(fixture, other, "CORP/HQ/J\xC3\xA4RV", RECIPIENT_QUEUED, 0);
    fixture_refused(fixture, store_add_message(store, &wrong, err), ERROR_DATA);
    /* What was refused does not hinder the rest. */
    fixture_commit(fixture);

    assert_int_equal(store_journal_has(store, "f1", "CORP/hq/bOb", err), 1);
    assert_int_equal(store_journal_has(store, "f1", "CORP/HQ/BO", err), 0);
    assert_int_equal(store_journal_has(store, "f1", "CORP/HQ/BOBBY", err), 0);
    assert_int_equal(store_journal_has(store, "F1", "CORP/HQ/BOB", err), 0);
    assert_int_equal(store_journal_has(store, "f2", "CORP/HQ/BOB", err), 0);
    assert_int_equal(store_journal_has(store, "f1", "CORP/HQ/J\xC3\xA4RV", err), 1);
    assert_int_equal(store_journal_has(store, "f1", "", err), 0);
    assert_done(fixture, store_verify(store, err));
}

/* Reports have no fingerprint: many of them may go to the same person. */
static void test_no_fingerprint_no_journal(void **state)
{
    struct fixture *fixture = *state;

    fixture_begin(fixture);
    for (int i = 0; i < 3; i++)
        fixture_recipient(fixture, fixture_message(fixture, "", 0), "POSTMASTER",
                          RECIPIENT_QUEUED, 0);
    fixture_commit(fixture);
    assert_int_equal(store_journal_has(fixture->store, "", "POSTMASTER", &fixture->err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_empty),
        ON_BOTH(test_all_fields_come_back),
        ON_BOTH(test_unknown_message_is_refused),
        ON_BOTH(test_rollback_leaves_nothing),
        ON_BOTH(test_ids_ascend),
        ON_BOTH(test_content_in_pieces),
        ON_BOTH(test_empty_content),
        ON_BOTH(test_verify_finds_missing_content),
        ON_BOTH(test_journal),
        ON_BOTH(test_no_fingerprint_no_journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
