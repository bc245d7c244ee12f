/* SPDX-License-Identifier: BSD-2-Clause */
/* The route: hosts in order of preference, which of them are paused and until when, and whether the
 * whole route is suspended. Time is an argument. */
#ifndef DAEMON_HOSTS_H
#define DAEMON_HOSTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "daemon/settings.h"
#include "smtp/client.h"
#include "smtp/outcome.h"

struct hosts;

int hosts_new(struct hosts **out, const struct settings_relay *settings,
              struct error *err) WARN_UNUSED;
void hosts_free(struct hosts *hosts);

/* Index of the first host that may be used at NOW_MS, or -1: closed until hosts_open_at. */
int hosts_choose(const struct hosts *hosts, int64_t now_ms);
int64_t hosts_open_at(const struct hosts *hosts, int64_t now_ms);

/* A connection to host INDEX ended without having done anything useful: it is paused, twice as long
 * each time (5 s .. 5 min). With ACTION_SUSPEND: the host (SCOPE_HOST), or the whole route, is
 * suspended for the settings' time. Returns true when the route as a whole became suspended. */
bool hosts_failed(struct hosts *hosts, int index, const struct smtp_outcome *outcome,
                  int64_t now_ms);

/* It delivered: forget its failures. Returns true when the route was suspended before. */
bool hosts_worked(struct hosts *hosts, int index);

/* How content goes to host INDEX at NOW_MS: by what was seen of it, or OFF by the settings. A host
 * that did not take BDAT gets DATA for a day. */
enum smtp_chunking hosts_chunking(const struct hosts *hosts, int index, int64_t now_ms);
/* FOUND by a session with it. Returns true when it is OFF and was not before. */
bool hosts_chunking_seen(struct hosts *hosts, int index, enum smtp_chunking found, int64_t now_ms);

/* Whether host INDEX may be used at NOW_MS. */
bool hosts_usable(const struct hosts *hosts, int index, int64_t now_ms);

/* Why the route is closed: the last failure's text, or "". */
const char *hosts_reason(const struct hosts *hosts);
bool hosts_suspended(const struct hosts *hosts, int64_t now_ms);

#endif
