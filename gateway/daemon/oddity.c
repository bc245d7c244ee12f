/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/oddity.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/note.h"

#define MOST 4 /* of one message */
#define TEXT_SIZE 256

struct oddity {
    const char *event;
    char text[TEXT_SIZE];
};

/* "subject", or "sender, subject" */
static void name_repeated(unsigned repeated, char out[TEXT_SIZE])
{
    static const struct {
        enum message_once what;
        const char *name;
    } names[] = {{MESSAGE_ONE_SENDER, "sender"},
                 {MESSAGE_ONE_SUBJECT, "subject"},
                 {MESSAGE_ONE_DATE, "date"},
                 {MESSAGE_ONE_PRIORITY, "priority"}};
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if ((repeated & names[i].what) != 0)
            used += (size_t)snprintf(out + used, TEXT_SIZE - used, "%s%s", used != 0 ? ", " : "",
                                     names[i].name);
    }
}

/* What is known of PREPARED; the number of them. */
static size_t list(const struct prepared *prepared, struct oddity out[MOST])
{
    const struct mime_facts *facts = &prepared->facts;
    const struct message *message = prepared->item->message;
    size_t count = 0;

    if (facts->undecodable != 0) {
        out[count].event = "undecodable";
        snprintf(out[count++].text, TEXT_SIZE,
                 facts->undecodable == 1
                     ? "%zu octet means nothing in code page %.40s and is sent as U+FFFD"
                     : "%zu octets mean nothing in code page %.40s and are sent as U+FFFD",
                 facts->undecodable, message->codepage);
    }
    if (facts->date_note != DATE_AS_WRITTEN) {
        out[count].event = "date";
        snprintf(out[count++].text, TEXT_SIZE, "its date %s%s%s", date_note_text(facts->date_note),
                 facts->date_original[0] != '\0' ? ": " : "", facts->date_original);
    }
    if (facts->stripped) {
        out[count].event = "stripped";
        snprintf(out[count++].text, TEXT_SIZE, "its WINMAIL.DAT is not sent");
    }
    if (facts->repeated != 0) {
        char names[TEXT_SIZE];

        name_repeated(facts->repeated, names);
        out[count].event = "repeated";
        snprintf(out[count++].text, TEXT_SIZE,
                 "it has more than one of these: %.60s; the first is sent", names);
    }
    return count;
}

int oddity_write(struct store *store, uint64_t id, const struct prepared *prepared, int64_t now_ms,
                 struct oddity_sums *sums, struct error *err)
{
    struct oddity odd[MOST];
    size_t count = list(prepared, odd);

    for (size_t i = 0; i < count; i++) {
        if (store_add_note(store, id, now_ms, odd[i].event, odd[i].text, err) != 0)
            return -1;
    }
    sums->messages += prepared->facts.undecodable != 0;
    sums->undecodable += prepared->facts.undecodable;
    sums->dates += prepared->facts.date_note != DATE_AS_WRITTEN;
    sums->stripped += prepared->facts.stripped;
    sums->repeated += prepared->facts.repeated != 0;
    return 0;
}

struct asking {
    const char *name;
    struct oddity_sums sums;
};

static int see_note(void *context, const char *name, const char *value, int64_t at_ms)
{
    struct asking *asking = context;

    (void)at_ms;
    if (strcmp(name, asking->name) != 0)
        return 0;
    asking->sums.messages = note_number(value, "messages");
    asking->sums.undecodable = note_number(value, "undecodable");
    asking->sums.dates = note_number(value, "dates");
    asking->sums.stripped = note_number(value, "stripped");
    asking->sums.repeated = note_number(value, "repeated");
    return 1;
}

int oddity_note(struct store *store, const char *title, const struct oddity_sums *sums,
                int64_t now_ms, struct error *err)
{
    char name[160], text[256];
    struct asking asking = {.name = name};

    if (sums->messages + sums->dates + sums->stripped + sums->repeated == 0)
        return 0;
    snprintf(name, sizeof name, "content.%.140s", title);
    if (store_list_notes(store, name, see_note, &asking, err) != 0)
        return -1;
    snprintf(text, sizeof text,
             "{\"messages\":%" PRIu64 ",\"undecodable\":%" PRIu64 ",\"dates\":%" PRIu64
             ",\"stripped\":%" PRIu64 ",\"repeated\":%" PRIu64 "}",
             asking.sums.messages + sums->messages, asking.sums.undecodable + sums->undecodable,
             asking.sums.dates + sums->dates, asking.sums.stripped + sums->stripped,
             asking.sums.repeated + sums->repeated);
    return store_put_note(store, name, text, now_ms, err);
}

void oddity_log(struct relaylog *log, const struct prepared *prepared, int64_t now_ms,
                const struct relaylog_event *event)
{
    struct relaylog_event told = *event;
    struct oddity odd[MOST];
    size_t count = list(prepared, odd);

    for (size_t i = 0; i < count; i++) {
        told.event = odd[i].event;
        told.reason = odd[i].text;
        told.count = strcmp(odd[i].event, "undecodable") == 0 ? prepared->facts.undecodable : 0;
        relaylog_write(log, now_ms, &told);
    }
}
