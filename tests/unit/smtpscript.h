/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dialogues with the SMTP client as data. A step is a letter, ':' and an argument:
 *
 *   S  a line from the server (CR LF is added); lines that follow each other are one input
 *   s  octets from the server as they are
 *   C  the next line of the client's output; everything must be asked for before the server speaks
 *   E  the next event, see below; likewise
 *   M  give a mail: "TAG SIZE SENDER RECIPIENT..."; "-" is the null sender, SIZE "100/8" is 8-bit
 *   D  a line of content (CR LF is added); with chunking one piece, without it in three
 *   d  octets of content that must be refused
 *   P  octets of content in one piece
 *   X  the content ends
 *   x  the same, and it must be refused
 *   A  the content is aborted with this text
 *   K  the connection stands (the server's first words say so, too)
 *   T  the handshake is done
 *   L  the connection is lost: "SCOPE TEXT"
 *   Q  quit
 *   O  the time limit is over
 *   U  the next unfinished mail: "TAG" or "none"; behind it "doubt", "again"
 *   F  so many octets of the output never left
 *   W  the state and its time limit in seconds: "STATE SECONDS"
 *   Y  nothing was heard for a while
 *   B  chunking: "off", "try" or "works"
 *   N  another mail may be given: "yes" or "no"
 *   Z  the server speaks before the output is handed to the socket
 *
 * Events: "ready", "start-tls", "want TAG", "done TAG", "recipient TAG INDEX OUTCOME",
 * "failed OUTCOME", "closed OUTCOME". OUTCOME is "ACTION SCOPE STATE CODE STATUS", and may be
 * followed by " ~ " and a part of its text.
 */
#ifndef TESTS_SMTPSCRIPT_H
#define TESTS_SMTPSCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "smtp/client.h"

struct smtp_script {
    const char *name;
    enum smtp_tls tls;
    const char *user;      /* NULL: no AUTH; the password is "secret" */
    const char *mechanism; /* NULL: the default order */
    bool plain_without_tls;
    unsigned pipeline;
    enum smtp_chunking chunking;
    const char *const *steps; /* up to NULL */
};

/* Fails the running cmocka test at the first difference, naming script and step. OCTETWISE: the
 * server's octets come one at a time. */
void smtp_script_run(const struct smtp_script *script, bool octetwise);

#endif
