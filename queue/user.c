/* SPDX-License-Identifier: BSD-2-Clause */
/* The states of a user who is being moved. doc/INTERNALS.md explains them. */
#include "config.h"

#include "queue/cutover.h"

#include <string.h>

static const char *const state_names[USER_STATES] = {
    [USER_BASELINE] = "baseline",
    [USER_ACTIVE] = "active",
    [USER_DRAINING] = "draining",
    [USER_CLOSED] = "closed",
};

static const struct user_transition transitions[] = {
    {-1, USER_BASELINE, "baseline"},
    {-1, USER_ACTIVE, "activated"},
    {USER_BASELINE, USER_BASELINE, "baseline"},
    {USER_BASELINE, USER_ACTIVE, "activated"},
    {USER_ACTIVE, USER_BASELINE, "again"},
    {USER_ACTIVE, USER_ACTIVE, "activated"},
    {USER_ACTIVE, USER_DRAINING, "draining"},
    {USER_DRAINING, USER_BASELINE, "again"},
    {USER_DRAINING, USER_ACTIVE, "activated"},
    {USER_DRAINING, USER_CLOSED, "closed"},
    {USER_CLOSED, USER_BASELINE, "again"},
    {0, 0, NULL},
};

const char *user_state_name(enum user_state state)
{
    return (unsigned)state < USER_STATES ? state_names[state] : "unknown";
}

int user_state_parse(const char *name, enum user_state *out)
{
    for (unsigned i = 0; i < USER_STATES; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum user_state)i;
            return 0;
        }
    }
    return -1;
}

const struct user_transition *user_transitions(void)
{
    return transitions;
}

bool user_transition_allowed(int from, enum user_state to, const char *event)
{
    for (const struct user_transition *t = transitions; t->event != NULL; t++) {
        if (t->from == from && t->to == (int)to && strcmp(t->event, event) == 0)
            return true;
    }
    return false;
}
