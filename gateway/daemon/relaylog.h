/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay log: one line an event, UTC, "key=value" with values quoted when needed, the same keys
 * in the journal (fields MSMAILGW_<KEY>) and in "log --json". One write(2) a line on a file opened
 * O_APPEND, so that several processes share it. Never a secret, a subject or a body.
 *
 *   2026-11-22T12:36:00.000Z event=sent id=17 po=CORP/HQ mailbag=0000002E mai=00000062 from=...
 *     rcpt=... size=5120 msgid=<...> relay=mail.example.com[192.0.2.1]:587 tls=TLSv1.3
 *     auth=SCRAM-SHA-256 dsn=2.0.0 reply="250 2.0.0 Ok" delay=1.204 tries=1
 */
#ifndef DAEMON_RELAYLOG_H
#define DAEMON_RELAYLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

struct relaylog;

/* NULL or empty members and zero ids are left out. */
struct relaylog_event {
    const char *event; /* queued duplicate remains removed sending sent deferred failed held
                          suspended resumed recovered report released retried returned deleted
                          expired started stopped possible-duplicate user-baseline user-activated
                          user-draining user-closed user-stopped users-stopped
                          users-resumed collected vanished filling emptier key-stuck key-free
                          rewound rewind-acknowledged system-removed
                          undecodable date stripped repeated winmail-damaged */
    uint64_t id;
    const char *po, *mailbag, *mai;
    const char *from, *rcpt;
    uint64_t size;
    const char *msgid;
    const char *relay, *tls, *auth;
    const char *dsn, *reply;
    int64_t delay_ms; /* since it entered the queue; below 0: left out */
    unsigned tries;
    uint64_t count; /* of octets that the reason is about */
    const char *reason;
};

/* PATH NULL: journal only (when JOURNAL is true) or nothing. ERROR_SETUP: cannot open for append.
 */
int relaylog_open(struct relaylog **out, const char *path, bool journal,
                  struct error *err) WARN_UNUSED;
/* Whether there is a journal on this machine: what to give as JOURNAL. */
bool relaylog_journal_runs(void);
void relaylog_free(struct relaylog *log); /* NULL is allowed */

/* After the file was moved away (SIGHUP). On failure the old file stays in use. */
int relaylog_reopen(struct relaylog *log, struct error *err) WARN_UNUSED;

/* LOG NULL does nothing. A write that fails is reported once through base/log. */
void relaylog_write(struct relaylog *log, int64_t now_ms, const struct relaylog_event *event);

/* Between the two, lines for the file are collected and then written together, 64 KiB at most at a
 * time: one write for the events of one commit. */
void relaylog_hold(struct relaylog *log);
void relaylog_release(struct relaylog *log);

/* Splits one line into keys and values (unquoted), in order, for "log --json". SEEN gets the time
 * as key "time". -1: not a line of a relay log. LINE is changed in place. */
typedef void relaylog_pair(void *context, const char *key, const char *value);
int relaylog_parse(char *line, relaylog_pair *seen, void *context) WARN_UNUSED;

#endif
