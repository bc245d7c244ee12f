/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer: any octets as WINMAIL.DAT: read, matched, rewritten and read again. Half of the inputs
 * have their checksums made right first, so that the attributes are reached. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "message/meeting.h"
#include "message/mime.h"
#include "message/ole.h"
#include "message/rtf.h"
#include "message/tnef.h"
#include "tests/fuzz/mend.h"

#define LARGEST 20000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const struct content *content, const struct tnef_range *range)
{
    if (range->set && (range->offset > content_size(content) ||
                       range->size > content_size(content) - range->offset))
        abort();
}

static void valid(const char *text)
{
    if (text != NULL && (*text == '\0' || !g_utf8_validate(text, -1, NULL)))
        abort();
}

static void look(const struct content *content, const struct tnef *tnef, int depth);

static void look_attachment(const struct content *content, const struct tnef_attachment *each,
                            int depth)
{
    struct error err = {0};
    struct content *picture;
    struct ole ole;

    inside(content, &each->data);
    inside(content, &each->metafile);
    valid(tnef_name(each));
    valid(each->mime_type);
    if (each->data.set) {
        if (ole_read(content, &each->data, &ole, &err) != 0)
            abort();
        inside(content, &ole.native);
        inside(content, &ole.picture);
        if (ole_picture(content, &ole.picture, ole.width, ole.height, "/tmp", &picture, &err) != 0)
            abort();
        content_free(picture);
    }
    if (each->message != NULL)
        look(content, each->message, depth + 1);
}

static void look(const struct content *content, const struct tnef *tnef, int depth)
{
    struct error err = {0};
    struct message *message;
    struct meeting meeting;
    size_t i;

    if (depth > TNEF_MAX_DEPTH || tnef->attachment_count > TNEF_MAX_ATTACHMENTS)
        abort();
    inside(content, &tnef->stream);
    inside(content, &tnef->body);
    inside(content, &tnef->rtf);
    valid(tnef->class);
    valid(tnef->subject);
    valid(tnef->sender_address);
    valid(tnef->owner_name);
    if (meeting_read(&meeting, meeting_kind_of(tnef->class), tnef, "Europe/Berlin", &err) != 0)
        abort();
    if (tnef_message(tnef, content, "N/P", "UTC", "/tmp", &message, &err) != 0)
        abort();
    message_free(message);
    for (i = 0; i < tnef->attachment_count; i++)
        look_attachment(content, &tnef->attachments[i], depth);
}

static void rewrite(const struct content *content)
{
    struct error err = {0};
    struct content *out;
    struct tnef *again;

    if (tnef_rewrite(content, "<id@example.com>", "/tmp", &out, &err) != 0 ||
        tnef_read(&again, out, "CP850", &err) != 0)
        abort();
    if (again->bad_checksums != 0 || again->truncated || again->recipients != 0 ||
        again->sender_address != NULL || again->owner_name != NULL)
        abort();
    tnef_free(again);
    content_free(out);
}

static void match(const struct tnef *tnef, const struct content *content)
{
    static const bool taken[TNEF_MAX_ATTACHMENTS] = {false};
    struct tnef_file file = {.name = "A.TXT", .content = content, .count = 1};
    const struct tnef_attachment *found;
    struct error err = {0};

    if (tnef_match(tnef, content, &file, taken, &found, &err) != 0)
        abort();
}

static int count(void *context, const void *data, size_t size, struct error *err)
{
    (void)data;
    (void)err;
    *(size_t *)context += size;
    return 0;
}

/* Whatever WINMAIL.DAT is, the message is sent, and one that is damaged is in it. */
static void deliver(const uint8_t *data, size_t size, enum letter_tnef tnef)
{
    struct letter_options options = {.domain = "gw.example",
                                     .timezone = "Europe/Berlin",
                                     .directory = "/tmp",
                                     .received_ms = 860400061999,
                                     .tnef = tnef,
                                     .schedule = LETTER_SCHEDULE_BOTH};
    uint8_t fingerprint[FINGERPRINT_SIZE] = {1};
    struct mime_facts facts;
    struct message *message;
    struct content *content;
    struct letter *letter;
    struct error err = {0};
    size_t octets = 0;

    if (message_new(&message, "N/P", "CP850", &err) != 0 ||
        message_add_address(message, ADDRESS_FROM, "N/P/A", 5, &err) != 0 ||
        content_from_bytes(&content, data, size, &err) != 0 ||
        message_add_attachment(message, "WINMAIL.DAT", 11, content, &err) != 0 ||
        letter_make(&letter, message, fingerprint, &options, &err) != 0 ||
        mime_write(letter, count, &octets, &facts, &err) != 0 || octets == 0)
        abort();
    if (letter->stripped && letter->part_count == 0 && letter->damage != NULL)
        abort();
    mime_facts_clear(&facts);
    letter_free(letter);
    message_free(message);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    mime_initialize();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t copy[LARGEST];
    struct content *content;
    struct error err = {0};
    struct tnef *tnef;

    if (size > sizeof copy || size < 1)
        return 0;
    memcpy(copy, data, size);
    if (data[size - 1] % 2 == 0)
        mend_tnef(copy, size);
    deliver(copy, size, data[size - 1] % 4 < 3 ? LETTER_TNEF_DECODE : LETTER_TNEF_PASS);
    if (content_from_bytes(&content, copy, size, &err) != 0)
        abort();
    if (tnef_read(&tnef, content, "CP850", &err) != 0) {
        if (err.class != ERROR_DATA || err.text[0] == '\0')
            abort();
    } else {
        look(content, tnef, 0);
        match(tnef, content);
        rewrite(content);
        tnef_free(tnef);
    }
    content_free(content);
    return 0;
}
