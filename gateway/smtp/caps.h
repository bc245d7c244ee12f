/* SPDX-License-Identifier: BSD-2-Clause */
/* What a server offered in its reply to EHLO. */
#ifndef SMTP_CAPS_H
#define SMTP_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "smtp/reply.h"

#define CAPS_TEXT_SIZE 512

struct caps {
    bool starttls;
    bool pipelining;
    bool eight_bit;
    bool dsn;
    bool chunking; /* BDAT */
    bool size;
    uint64_t size_limit;             /* 0: none */
    char keywords[CAPS_TEXT_SIZE];   /* all, joined by blanks; cut at a keyword when too many */
    char mechanisms[CAPS_TEXT_SIZE]; /* of all AUTH lines, joined by blanks */
};

void caps_clear(struct caps *caps);

/* REPLY to EHLO: the first line is the server's name. Keywords in any case; "AUTH=..." too. */
void caps_read(struct caps *caps, const struct reply *reply);

#endif
