/* SPDX-License-Identifier: BSD-2-Clause */
/* The settings file (libConfuse; msmailgw.conf(5)): read whole, checked whole, then never changed.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/log.h"
#include "message/letter.h"
#include "queue/schedule.h"
#include "smtp/client.h"

enum door_kind { DOOR_NATIVE, DOOR_FFAPI };
enum unmapped_policy { UNMAPPED_LEAVE, UNMAPPED_REPORT };
enum lost_policy {
    LOST_LEAVE,
    LOST_REMOVE
}; /* headers whose message is gone, once they are told */

enum system_policy { SYSTEM_LEAVE, SYSTEM_REMOVE }; /* mail of programs */

struct settings_postoffice {
    const char *title; /* of the section: what the operator calls it */
    const char *name;  /* NET/PO */
    enum door_kind door;
    const char *path;    /* native: root directory */
    const char *profile; /* native: profile file */
    const char *const *queues;
    size_t queue_count;
    const char *const *command; /* ffapi */
    size_t command_count;
    unsigned command_limit_s;
    const char *codepage; /* NULL: the profile's (native), CP850 (ffapi) */
    const char *timezone;
    enum unmapped_policy unmapped;
    enum lost_policy lost;
    enum system_policy system_mail;
    bool typed_smtp; /* relay "SMTP:user@host" recipients that the map does not know as they are */
    bool rule_recipients;  /* relay to addresses that a rule of the map makes */
    bool rewrite_unmapped; /* headers: addresses that a rule of the map makes */
    bool header_block;     /* used and taken out of the text */
    enum letter_tnef tnef;
    enum letter_schedule schedule;
    enum letter_ole ole;
    bool registered_normal; /* registered mail is of normal importance */
    bool legacy_receipts;   /* Return-Receipt-To as well (Q149029) */
    bool latin1;            /* texts in ISO 8859-1 when it has all of them */
    bool receipt_as_dsn;    /* ask the server for reports of delivery as well (RFC 3461) */
    unsigned interval_s;    /* between sweeps */
    unsigned full_sweep_s;  /* every mailbag is read again after this time, changed or not */
    unsigned batch;         /* items a batch */
    uint64_t max_size;      /* octets of one text or attachment */
};

struct settings_host {
    const char *name;
    uint16_t port;
};

struct settings_relay {
    const char *title;
    const struct settings_host *hosts; /* in order of preference */
    size_t host_count;
    enum smtp_tls tls;
    const char *ca_file;     /* NULL: the system's store */
    const char *server_name; /* expected in the certificate; NULL: the host's name */
    const char *pin;         /* SHA-256 of the certificate, 64 hex digits; NULL: chain and name */
    const char *user;        /* NULL: no AUTH */
    const char *password_file;
    const char *const *mechanisms;
    size_t mechanism_count;
    bool plain_without_tls;  /* for tests on loopback; refused for other hosts */
    unsigned connections;    /* most at once */
    unsigned messages;       /* most on one connection */
    unsigned pipeline;       /* messages in flight on a connection */
    bool chunking;           /* BDAT where it is offered */
    unsigned max_recipients; /* of one envelope */
    unsigned suspend_s;      /* pause of a suspended route before it is tried again */
    unsigned time_divisor;   /* of the protocol's time limits; 1 but in tests */
};

struct settings {
    const char *file;
    const char *spool;           /* directory: queue.db, wake, ffapi/, tmp/ */
    const char *store;           /* uri for store_open, made from spool */
    const char *temporary;       /* directory for temporary files, made from spool */
    const char *hostname;        /* HELO, Received, Reporting-MTA */
    const char *domain;          /* of Message-ID and encapsulated addresses; default: hostname */
    const char *postmaster;      /* SMTP address for reports */
    const char *envelope_sender; /* NULL: the originator's own address when mapped */
    const char *map;
    const char *const *routed_domains; /* whose mail comes back to us */
    size_t routed_domain_count;
    const char *log; /* relay log file; NULL: journal only */
    enum log_level log_level;
    struct schedule schedule;
    unsigned keep_days;        /* content of relayed mail is kept this long */
    bool report_to_postmaster; /* all reports, no notices of delay */
    unsigned report_wait_s;    /* for other recipients of a message, after the first failed */
    unsigned delay_notice_s;   /* when the originator is told that mail waits; 0: never */
    uint64_t ndr_max_body;     /* octets of a message that a report gives back; larger: headers */
    const struct settings_postoffice *postoffices;
    size_t postoffice_count;
    struct settings_relay relay;
};

/*
 * Reads and checks PATH. ERROR_SETUP names file, line where known, setting, and what would be
 * right; unknown settings are errors. Relative paths are taken from the settings file's directory.
 * Does not open what it names: "check" and the processes do.
 */
int settings_load(struct settings **out, const char *path, struct error *err) WARN_UNUSED;
void settings_free(struct settings *settings); /* NULL is allowed */

/* NULL when there is none of that title or NET/PO. */
const struct settings_postoffice *settings_find_postoffice(const struct settings *settings,
                                                           const char *title);

#endif
