/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer: any octets as the parts of a message, which is interpreted and written as MIME.
 * Whatever is in it, the octets keep what mime.h promises: lines of at most 998 octets that end in
 * CR LF, 7-bit, no NUL, a header that ends once; and they are the same when it is done again.
 *
 * An input is two octets of options, then From, To, the name of a file, the subject, the text and
 * the file, with SEPARATOR between them.
 */
#include "config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/letter.h"
#include "message/mime.h"
#include "tests/fuzz/mend.h"

#define SEPARATOR "\n%%\n"
#define PARTS 6
#define LARGEST 20000

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum part { PART_FROM, PART_TO, PART_NAME, PART_SUBJECT, PART_TEXT, PART_FILE };

struct input {
    unsigned options;
    struct {
        const uint8_t *data;
        size_t size;
    } parts[PARTS];
};

struct output {
    uint8_t digest[32]; /* of a simple kind: every octet changes it */
    uint64_t size;
    size_t line; /* octets of the line so far */
    bool cr;
    bool header; /* it has ended */
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    mime_initialize();
    return 0;
}

static void split(struct input *input, const uint8_t *data, size_t size)
{
    memset(input, 0, sizeof *input);
    input->options = (unsigned)(data[0] | data[1] << 8);
    data += 2;
    size -= 2;
    for (size_t i = 0; i < PARTS; i++) {
        const uint8_t *end =
            i + 1 < PARTS ? memmem(data, size, SEPARATOR, strlen(SEPARATOR)) : NULL;
        size_t length = end != NULL ? (size_t)(end - data) : size;

        input->parts[i].data = data;
        input->parts[i].size = length;
        if (end == NULL)
            break;
        data += length + strlen(SEPARATOR);
        size -= length + strlen(SEPARATOR);
    }
}

/* Controls and the like are refused by the message; then there is nothing to try. */
static bool add_address(struct message *message, enum address_role role, const struct input *input,
                        enum part part, struct error *err)
{
    if (input->parts[part].size == 0)
        return role != ADDRESS_FROM;
    return message_add_address(message, role, (const char *)input->parts[part].data,
                               input->parts[part].size, err) == 0;
}

static bool add_contents(struct message *message, const struct input *input, struct error *err)
{
    static uint8_t file[LARGEST];
    const size_t size = input->parts[PART_FILE].size;
    struct content *content;

    if (content_from_bytes(&message->text, input->parts[PART_TEXT].data,
                           input->parts[PART_TEXT].size, err) != 0)
        abort();
    if (input->parts[PART_NAME].size == 0)
        return true;
    if (size > 0)
        memcpy(file, input->parts[PART_FILE].data, size);
    if ((input->options & 0x8000) == 0)
        mend_tnef(file, size);
    if (content_from_bytes(&content, file, size, err) != 0)
        abort();
    if (message_add_attachment(message, (const char *)input->parts[PART_NAME].data,
                               input->parts[PART_NAME].size, content, err) == 0)
        return true;
    content_free(content);
    return false;
}

static struct message *make(const struct input *input)
{
    static const char *const pages[] = {"CP850", "CP932", "CP1252", "CP949"};
    static const char priorities[] = {'3', 'C', 'R', 0};
    struct message *message;
    struct error err;

    if (message_new(&message, "NET/PO", pages[input->options & 3], &err) != 0)
        abort();
    message->priority = priorities[input->options >> 2 & 3];
    if ((input->options & 16) != 0)
        message->date = (struct message_date){true, 1997, 10, 26, 2, 30};
    if (add_address(message, ADDRESS_FROM, input, PART_FROM, &err) &&
        add_address(message, ADDRESS_TO, input, PART_TO, &err) &&
        message_set_subject(message, (const char *)input->parts[PART_SUBJECT].data,
                            input->parts[PART_SUBJECT].size, &err) == 0 &&
        add_contents(message, input, &err))
        return message;
    message_free(message);
    return NULL;
}

static int check(void *context, const void *data, size_t size, struct error *err)
{
    struct output *output = context;
    const uint8_t *octets = data;

    (void)err;
    for (size_t i = 0; i < size; i++) {
        const uint8_t octet = octets[i];

        output->digest[(output->size + i) % 32] =
            (uint8_t)(output->digest[(output->size + i) % 32] * 31 + octet);
        if (octet == 0 || octet >= 0x80 || output->cr != (octet == '\n'))
            abort();
        output->cr = octet == '\r';
        if (octet == '\n') {
            output->header |= output->line == 0;
            output->line = 0;
        } else if (octet != '\r' && ++output->line > 998) {
            abort();
        }
    }
    output->size += size;
    return 0;
}

static void write_letter(const struct message *message, const struct input *input,
                         struct output *output)
{
    const struct letter_options options = {
        .domain = "gw.example",
        .timezone = (input->options & 32) != 0 ? "Europe/Berlin" : "UTC",
        .directory = "/tmp",
        .received_ms = 951868800000,
        .block = (input->options & 64) != 0,
        .tnef = (enum letter_tnef)(input->options >> 7 & 3),
        .schedule = (enum letter_schedule)((input->options >> 9 & 3) % 3),
        .legacy_receipts = (input->options & 2048) != 0,
    };
    uint8_t fingerprint[FINGERPRINT_SIZE];
    struct mime_facts facts;
    struct letter *letter;
    struct error err;

    memset(output, 0, sizeof *output);
    if (message_fingerprint(message, fingerprint, &err) != 0)
        abort();
    if (letter_make(&letter, message, fingerprint, &options, &err) != 0) {
        if (err.class != ERROR_DATA || err.text[0] == '\0')
            abort();
        return;
    }
    if (mime_write(letter, check, output, &facts, &err) != 0 || !output->header || output->cr ||
        facts.size != output->size)
        abort();
    mime_facts_clear(&facts);
    letter_free(letter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct output one, other;
    struct message *message;
    struct input input;

    if (size < 2 || size > LARGEST)
        return 0;
    split(&input, data, size);
    message = make(&input);
    if (message == NULL)
        return 0;
    write_letter(message, &input, &one);
    write_letter(message, &input, &other);
    if (memcmp(&one, &other, sizeof one) != 0)
        abort();
    message_free(message);
    return 0;
}
