/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/storefixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue/memory.h"

static struct fixture *new_fixture(void)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);

    assert_non_null(fixture);
    return fixture;
}

int fixture_sqlite(void **state)
{
    struct fixture *fixture = new_fixture();

    fixture->on_disk = true;
    snprintf(fixture->directory, sizeof fixture->directory, "/tmp/test_store.XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    snprintf(fixture->path, sizeof fixture->path, "%s/queue.db", fixture->directory);
    snprintf(fixture->uri, sizeof fixture->uri, "sqlite:%s", fixture->path);
    assert_done(fixture, store_open(&fixture->store, fixture->uri, true, &fixture->err));
    *state = fixture;
    return 0;
}

int fixture_memory(void **state)
{
    struct fixture *fixture = new_fixture();

    assert_done(fixture, store_open_memory(&fixture->store, &fixture->err));
    *state = fixture;
    return 0;
}

/* Closing the last handle takes the log away: nothing but the file may be left. */
int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;

    store_close(fixture->store);
    if (fixture->on_disk) {
        unlink(fixture->path);
        assert_int_equal(rmdir(fixture->directory), 0);
    }
    free(fixture);
    return 0;
}

void fixture_done(const struct fixture *fixture, int rc, const char *what, const char *file,
                  int line)
{
    if (rc != 0)
        print_error("%s: %s\n", what, fixture->err.text);
    _assert_int_equal((uintmax_t)(rc == 0), 1, file, line);
}

void fixture_refused(struct fixture *fixture, int rc, enum error_class class)
{
    assert_int_equal(rc, -1);
    assert_int_equal(fixture->err.class, class);
    assert_true(fixture->err.text[0] != '\0');
    error_clear(&fixture->err);
}

void fixture_begin(struct fixture *fixture)
{
    assert_done(fixture, store_begin(fixture->store, &fixture->err));
}

void fixture_commit(struct fixture *fixture)
{
    assert_done(fixture, store_commit(fixture->store, &fixture->err));
}

uint64_t fixture_message(struct fixture *fixture, const char *fingerprint, char priority)
{
    struct store_message message = {.fingerprint = fingerprint,
                                    .postoffice = "CORP/HQ",
                                    .queue = "EXCHANGE",
                                    .mailbag = "0000002E",
                                    .mai = "00000062",
                                    .sender = "ann@example.com",
                                    .message_id = "<1@example.com>",
                                    .subject = "plan",
                                    .date_ms = 500,
                                    .received_ms = 1000,
                                    .expires_ms = 1000000,
                                    .size = 6,
                                    .priority = priority};

    assert_done(fixture, store_add_message(fixture->store, &message, &fixture->err));
    assert_done(fixture,
                store_add_content(fixture->store, message.id, "body\r\n", 6, &fixture->err));
    return message.id;
}

static int keep_last(void *context, const struct store_view *view)
{
    *(uint64_t *)context = view->recipient;
    return 0;
}

uint64_t fixture_recipient(struct fixture *fixture, uint64_t message, const char *original,
                           enum recipient_state state, int64_t due_ms)
{
    struct store_filter filter = {.id = message};
    uint64_t recipient = 0;

    assert_done(fixture, store_add_recipient(fixture->store, message, original, "user@example.com",
                                             state, due_ms, 1000, "", "", &fixture->err));
    assert_done(fixture,
                store_list(fixture->store, &filter, keep_last, &recipient, &fixture->err));
    return recipient;
}

static void drive(struct fixture *fixture, uint64_t message, uint64_t recipient,
                  enum recipient_state state)
{
    size_t count;

    if (state == RECIPIENT_DELETED) {
        fixture_begin(fixture);
        assert_done(fixture, store_apply(fixture->store, message, VERB_DELETE, 1500, 0, "", &count,
                                         &fixture->err));
        fixture_commit(fixture);
        assert_int_equal(count, 1);
    } else {
        assert_int_equal(fixture_claim_all(fixture, 2000), 1);
        if (state == RECIPIENT_SENT)
            fixture_result(fixture, recipient, RECIPIENT_SENT, true, false, 0);
    }
}

uint64_t fixture_in_state(struct fixture *fixture, const char *fingerprint,
                          enum recipient_state state)
{
    bool direct = state == RECIPIENT_QUEUED || state == RECIPIENT_HELD || state == RECIPIENT_FAILED;
    uint64_t message, recipient;

    fixture_begin(fixture);
    message = fixture_message(fixture, fingerprint, 0);
    recipient = fixture_recipient(fixture, message, "CORP/HQ/BOB",
                                  direct ? state : RECIPIENT_QUEUED, 2000);
    fixture_commit(fixture);
    if (!direct)
        drive(fixture, message, recipient, state);
    assert_int_equal(fixture_see(fixture, recipient).state, state);
    return recipient;
}

static int keep_recipient(void *context, const struct store_view *view)
{
    struct seen_recipient *seen = context;

    seen->message = view->id;
    seen->state = view->state;
    seen->due_ms = view->due_ms;
    seen->changed_ms = view->changed_ms;
    seen->expires_ms = view->expires_ms;
    seen->tries = view->tries;
    seen->doubt = view->doubt;
    seen->reported = view->reported;
    snprintf(seen->status, sizeof seen->status, "%s", view->status);
    snprintf(seen->reply, sizeof seen->reply, "%s", view->reply);
    snprintf(seen->relay, sizeof seen->relay, "%s", view->relay);
    return 0;
}

struct seen_recipient fixture_see(struct fixture *fixture, uint64_t recipient)
{
    struct store_filter filter = {.after = recipient - 1, .limit = 1};
    struct seen_recipient seen = {0};

    assert_done(fixture,
                store_list(fixture->store, &filter, keep_recipient, &seen, &fixture->err));
    assert_int_not_equal(seen.message, 0);
    return seen;
}

struct words {
    char *out;
    size_t size;
};

static int add_word(void *context, const struct store_event *event)
{
    struct words *words = context;
    size_t used = strlen(words->out);

    snprintf(words->out + used, words->size - used, "%s%s", used != 0 ? " " : "", event->event);
    return 0;
}

void fixture_events(struct fixture *fixture, uint64_t message, char *out, size_t size)
{
    struct words words = {out, size};

    out[0] = '\0';
    assert_done(fixture, store_history(fixture->store, message, add_word, &words, &fixture->err));
}

void fixture_result(struct fixture *fixture, uint64_t recipient, enum recipient_state state,
                    bool attempted, bool doubt, int64_t due_ms)
{
    struct store_result result = {.recipient = recipient,
                                  .state = state,
                                  .now_ms = 3000,
                                  .due_ms = due_ms,
                                  .attempted = attempted,
                                  .doubt = doubt,
                                  .status = attempted ? "4.2.0" : "",
                                  .reply = attempted ? "450 later" : "",
                                  .relay = attempted ? "mx[192.0.2.1]:25" : ""};

    fixture_begin(fixture);
    assert_done(fixture, store_set_result(fixture->store, &result, &fixture->err));
    fixture_commit(fixture);
}

size_t fixture_claim_all(struct fixture *fixture, int64_t now_ms)
{
    size_t count, recipients = 0;

    do {
        struct claim_message *messages;
        int64_t next;

        assert_done(fixture, store_claim(fixture->store, now_ms, 100, 100, &messages, &count,
                                         &next, &fixture->err));
        for (size_t i = 0; i < count; i++)
            recipients += messages[i].recipient_count;
        store_claim_free(messages, count);
    } while (count != 0);
    return recipients;
}
