/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "base/bar.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"

#define BAR_WIDTH 40
#define REDRAW_MS 100

void bar_init(struct bar *bar, const char *label, uint64_t total)
{
    bar->label = label;
    bar->total = total;
    bar->drawn_ms = 0;
    bar->visible = isatty(STDERR_FILENO) == 1;
}

static void draw(const struct bar *bar, uint64_t done)
{
    static const char full[] = "########################################";
    int width;

    if (bar->total == 0) {
        fprintf(stderr, "\r%s %llu", bar->label, (unsigned long long)done);
        return;
    }
    if (done > bar->total)
        done = bar->total;
    width = (int)(done * BAR_WIDTH / bar->total);
    fprintf(stderr, "\r%s [%-*.*s] %llu/%llu", bar->label, BAR_WIDTH, width, full,
            (unsigned long long)done, (unsigned long long)bar->total);
}

void bar_update(struct bar *bar, uint64_t done)
{
    int64_t now;

    if (!bar->visible)
        return;
    now = clock_steady_ms();
    if (now - bar->drawn_ms < REDRAW_MS)
        return;
    bar->drawn_ms = now;
    draw(bar, done);
}

void bar_end(struct bar *bar, uint64_t done)
{
    if (!bar->visible)
        return;
    draw(bar, done);
    fputc('\n', stderr);
}
