/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "queue/schedule.h"

#define SECOND INT64_C(1000) /* in milliseconds */
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

void schedule_defaults(struct schedule *schedule)
{
    schedule->first_ms = MINUTE;
    schedule->longest_ms = HOUR;
    schedule->expiry_ms = 120 * HOUR;
}

static int64_t add_saturating(int64_t a, int64_t b)
{
    int64_t sum;

    if (__builtin_add_overflow(a, b, &sum))
        return b > 0 ? INT64_MAX : INT64_MIN;
    return sum;
}

/* splitmix64 (Steele, Lea, Flood 2014): one well-mixed number from any seed. */
static uint64_t mix(uint64_t seed)
{
    uint64_t z = seed + UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int64_t doubled_pause(const struct schedule *schedule, unsigned tries)
{
    int64_t pause = schedule->first_ms > 0 ? schedule->first_ms : 1;

    for (unsigned i = 1; i < tries && pause < schedule->longest_ms; i++)
        pause = pause > INT64_MAX / 2 ? INT64_MAX : pause * 2;
    if (pause > schedule->longest_ms)
        pause = schedule->longest_ms;
    return pause > 0 ? pause : 1;
}

int64_t schedule_next(const struct schedule *schedule, unsigned tries, uint64_t seed,
                      int64_t now_ms)
{
    int64_t pause = doubled_pause(schedule, tries);
    int64_t shortest = pause - pause / 4;
    uint64_t width = (uint64_t)(pause / 4) * 2 + 1;
    int64_t extra = (int64_t)(mix(seed ^ ((uint64_t)tries << 32)) % width);
    int64_t due = add_saturating(now_ms, add_saturating(shortest, extra));
    int64_t soonest = add_saturating(now_ms, 1);

    return due > soonest ? due : soonest;
}

int64_t schedule_expiry(const struct schedule *schedule, int64_t received_ms)
{
    return add_saturating(received_ms, schedule->expiry_ms);
}
