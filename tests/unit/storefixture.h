/* SPDX-License-Identifier: BSD-2-Clause */
/* A fresh, empty queue on each backend, and short words for what the tests of the queue do. */
#ifndef TESTS_STOREFIXTURE_H
#define TESTS_STOREFIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "queue/reporting.h"
#include "queue/store.h"

struct fixture {
    struct store *store;
    bool on_disk;
    char directory[64]; /* "" when in memory */
    char path[96];
    char uri[128];
    struct error err;
};

int fixture_sqlite(void **state);
int fixture_memory(void **state);
int fixture_tear_down(void **state);

/* Two entries of a table of tests: one TEST on both backends. */
#define ON_BOTH(test)                                                                              \
    {#test " (sqlite)", test, fixture_sqlite, fixture_tear_down, NULL},                            \
    {                                                                                              \
        #test " (memory)", test, fixture_memory, fixture_tear_down, NULL                           \
    }
#define ON_SQLITE(test)                                                                            \
    {                                                                                              \
        #test " (sqlite)", test, fixture_sqlite, fixture_tear_down, NULL                           \
    }

/* RC must be 0; shows the error otherwise. */
#define assert_done(fixture, rc)                                                                   \
    fixture_done((fixture), (rc) == 0 ? 0 : -1, #rc, __FILE__, __LINE__)
void fixture_done(const struct fixture *fixture, int rc, const char *what, const char *file,
                  int line);

/* RC must be -1 with an error of CLASS; the error is cleared. */
void fixture_refused(struct fixture *fixture, int rc, enum error_class class);

void fixture_begin(struct fixture *fixture);
void fixture_commit(struct fixture *fixture);

/* Inside a transaction: a message with a small content; received at 1000, expires at 1000000. */
uint64_t fixture_message(struct fixture *fixture, const char *fingerprint, char priority);

/* Inside a transaction: a recipient; returns its id. */
uint64_t fixture_recipient(struct fixture *fixture, uint64_t message, const char *original,
                           enum recipient_state state, int64_t due_ms);

/* A message with one recipient in STATE, in a transaction of its own, SENDING, SENT and DELETED
 * reached as the programs reach them; returns the recipient. */
uint64_t fixture_in_state(struct fixture *fixture, const char *fingerprint,
                          enum recipient_state state);

/* A copy of the row of RECIPIENT. */
struct seen_recipient {
    uint64_t message;
    enum recipient_state state;
    int64_t due_ms, changed_ms, expires_ms;
    unsigned tries;
    bool doubt, reported;
    char status[64], reply[1200], relay[1200];
};
struct seen_recipient fixture_see(struct fixture *fixture, uint64_t recipient);

/* The events of MESSAGE: "queued sending sent". */
void fixture_events(struct fixture *fixture, uint64_t message, char *out, size_t size);

/* Sets a result in a transaction of its own. */
void fixture_result(struct fixture *fixture, uint64_t recipient, enum recipient_state state,
                    bool attempted, bool doubt, int64_t due_ms);

/* Claims all that is due at NOW_MS; returns the number of recipients. */
size_t fixture_claim_all(struct fixture *fixture, int64_t now_ms);

#endif
