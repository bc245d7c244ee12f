/* SPDX-License-Identifier: BSD-2-Clause */
/* A progress bar on stderr, drawn only when stderr is a terminal. */
#ifndef BASE_BAR_H
#define BASE_BAR_H

#include <stdbool.h>
#include <stdint.h>

struct bar {
    const char *label;
    uint64_t total; /* 0: not known, a counter is shown */
    int64_t drawn_ms;
    bool visible;
};

void bar_init(struct bar *bar, const char *label, uint64_t total);
void bar_update(struct bar *bar, uint64_t done);
void bar_end(struct bar *bar, uint64_t done);

#endif
