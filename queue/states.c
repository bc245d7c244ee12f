/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "queue/store-int.h"

#include <string.h>

static const char *const state_names[RECIPIENT_STATES] = {
    [RECIPIENT_QUEUED] = "queued", [RECIPIENT_SENDING] = "sending",
    [RECIPIENT_HELD] = "held",     [RECIPIENT_SENT] = "sent",
    [RECIPIENT_FAILED] = "failed", [RECIPIENT_DELETED] = "deleted",
};

static const struct store_transition transitions[] = {
    {-1, RECIPIENT_QUEUED, "queued"},
    {-1, RECIPIENT_HELD, "held"},
    {-1, RECIPIENT_FAILED, "failed"},
    {RECIPIENT_QUEUED, RECIPIENT_SENDING, "sending"},
    {RECIPIENT_SENDING, RECIPIENT_SENT, "sent"},
    {RECIPIENT_SENDING, RECIPIENT_FAILED, "failed"},
    {RECIPIENT_SENDING, RECIPIENT_HELD, "held"},
    {RECIPIENT_SENDING, RECIPIENT_QUEUED, "deferred"},
    {RECIPIENT_SENDING, RECIPIENT_QUEUED, "doubtful"},
    {RECIPIENT_SENDING, RECIPIENT_QUEUED, "unsent"},
    {RECIPIENT_SENDING, RECIPIENT_QUEUED, "recovered"},
    {RECIPIENT_QUEUED, RECIPIENT_FAILED, "expired"},
    {RECIPIENT_QUEUED, RECIPIENT_HELD, "expired"},
    {RECIPIENT_QUEUED, RECIPIENT_HELD, "held"},
    {RECIPIENT_QUEUED, RECIPIENT_QUEUED, "retried"},
    {RECIPIENT_QUEUED, RECIPIENT_FAILED, "returned"},
    {RECIPIENT_QUEUED, RECIPIENT_DELETED, "deleted"},
    {RECIPIENT_QUEUED, RECIPIENT_DELETED, "withdrawn"},
    {RECIPIENT_HELD, RECIPIENT_QUEUED, "released"},
    {RECIPIENT_HELD, RECIPIENT_FAILED, "returned"},
    {RECIPIENT_HELD, RECIPIENT_DELETED, "deleted"},
    {RECIPIENT_HELD, RECIPIENT_DELETED, "withdrawn"},
    {RECIPIENT_FAILED, RECIPIENT_QUEUED, "retried"},
    {RECIPIENT_FAILED, RECIPIENT_DELETED, "deleted"},
    {0, 0, NULL},
};

/* Which states a verb applies to, and what it makes of them. */
struct verb_rule {
    unsigned applies; /* bit 1 << state */
    enum recipient_state to;
    const char *event;
};

#define BIT(state) (1u << (state))

static const struct verb_rule verbs[] = {
    [VERB_HOLD] = {BIT(RECIPIENT_QUEUED), RECIPIENT_HELD, "held"},
    [VERB_RELEASE] = {BIT(RECIPIENT_HELD), RECIPIENT_QUEUED, "released"},
    [VERB_RETRY] = {BIT(RECIPIENT_QUEUED) | BIT(RECIPIENT_FAILED), RECIPIENT_QUEUED, "retried"},
    [VERB_RETURN] = {BIT(RECIPIENT_QUEUED) | BIT(RECIPIENT_HELD), RECIPIENT_FAILED, "returned"},
    [VERB_DELETE] = {BIT(RECIPIENT_QUEUED) | BIT(RECIPIENT_HELD) | BIT(RECIPIENT_FAILED),
                     RECIPIENT_DELETED, "deleted"},
};

const char *recipient_state_name(enum recipient_state state)
{
    return (unsigned)state < RECIPIENT_STATES ? state_names[state] : "unknown";
}

int recipient_state_from_name(const char *name, enum recipient_state *out)
{
    for (unsigned i = 0; i < RECIPIENT_STATES; i++) {
        if (strcmp(name, state_names[i]) == 0) {
            *out = (enum recipient_state)i;
            return 0;
        }
    }
    return -1;
}

const struct store_transition *store_transitions(void)
{
    return transitions;
}

bool store_transition_allowed(int from, enum recipient_state to, const char *event)
{
    for (const struct store_transition *t = transitions; t->event != NULL; t++) {
        if (t->from == from && t->to == (int)to && strcmp(t->event, event) == 0)
            return true;
    }
    return false;
}

bool store_verb_change(enum store_verb verb, enum recipient_state from, enum recipient_state *to,
                       const char **event)
{
    const struct verb_rule *rule = &verbs[verb];

    if ((rule->applies & BIT(from)) == 0)
        return false;
    *to = rule->to;
    *event = rule->event;
    return true;
}

int store_rank(char priority)
{
    switch (priority) {
    case '5':
        return 0;
    case '4':
        return 1;
    case 'R':
        return 2;
    default:
        return 3;
    }
}

void store_clip(char out[STORE_TEXT_SIZE + 1], const char *text)
{
    size_t size = strnlen(store_text(text), STORE_TEXT_SIZE + 1);

    if (size > STORE_TEXT_SIZE) {
        size = STORE_TEXT_SIZE;
        /* A character has at most three octets after its first. */
        for (int i = 0; i < 3 && ((unsigned char)text[size] & 0xC0) == 0x80; i++)
            size--;
    }
    memcpy(out, store_text(text), size);
    out[size] = '\0';
}

const char *store_text(const char *text)
{
    return text != NULL ? text : "";
}
