/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer: any octets as the text of a message from POSTMASTER: block, receipt and bounce.
 * Nothing may be an error, and no offset outside of the text. The first octet chooses code page and
 * subject. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/bounce.h"
#include "message/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct message *make(const uint8_t *data, size_t size)
{
    static const char from[] = "NET/PO/POSTMASTER";
    static const char *const pages[] = {"CP850", "CP932", "CP936", "CP1252"};
    static const char *const subjects[] = {"", "Registered: A", "test", "Mail failure"};
    struct message *message;
    struct error err;

    if (message_new(&message, "NET/PO", pages[data[0] & 3], &err) != 0 ||
        message_add_address(message, ADDRESS_FROM, from, strlen(from), &err) != 0 ||
        message_add_address(message, ADDRESS_TO, "NET/PO/TO", 9, &err) != 0 ||
        message_set_subject(message, subjects[data[0] >> 2 & 3], strlen(subjects[data[0] >> 2 & 3]),
                            &err) != 0 ||
        content_from_bytes(&message->text, data + 1, size - 1, &err) != 0)
        abort();
    message->priority = (data[0] & 16) != 0 ? 'C' : '3';
    if ((data[0] & 32) != 0)
        message->date = (struct message_date){true, 1995, 4, 26, 17, 26};
    return message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message *message;
    struct receipt receipt;
    struct bounce bounce;
    struct block block;
    struct error err;

    if (size == 0)
        return 0;
    message = make(data, size);
    if (block_read(&block, message, &err) != 0 || block.body > size - 1)
        abort();
    if (block.form == BLOCK_NONE && block.body != 0)
        abort();
    for (size_t i = 0; i < message->address_count; i++)
        (void)block_display(&block, message, i);
    if (receipt_read(&receipt, message, &block, &err) != 0)
        abort();
    if (bounce_read(&bounce, message, &block, &err) != 0)
        abort();
    if (bounce.found && (bounce.returned > size - 1 || bounce.recipient_count == 0))
        abort();
    bounce_clear(&bounce);
    receipt_clear(&receipt);
    block_clear(&block);
    message_free(message);
    return 0;
}
