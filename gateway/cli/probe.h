/* SPDX-License-Identifier: BSD-2-Clause */
/* One line about a host of the relay, for "check" and "relay test". */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include <stddef.h>

#include "daemon/relay.h"

/* "TLSv1.3 ..., AUTH SCRAM-SHA-256, ..." or what went wrong and where, into OUT. */
const char *probe_text(const struct relay_probe *probe, char *out, size_t size);

#endif
