/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer: any octets as an MMFF file. The extents must be in order and inside the file. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "postoffice/mmff.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_message(const struct message *message, uint64_t size)
{
    uint8_t fingerprint[FINGERPRINT_SIZE];
    struct error err;

    if (message_from(message) == NULL || message->address_count < 2)
        abort();
    if (message->text == NULL || content_size(message->text) > size)
        abort();
    if (message_fingerprint(message, fingerprint, &err) != 0)
        abort();
}

static void read_all(struct mmff *mmff, uint64_t size)
{
    struct mmff_place place;
    struct message *message;
    struct error err;
    uint64_t at = 0;
    int status;

    while ((status = mmff_next(mmff, &message, &place, &err)) != 0) {
        if (status < 0 && err.class != ERROR_DATA)
            abort();
        if (place.start < at || place.end <= place.start || place.end > size)
            abort();
        at = place.end;
        for (size_t i = 0; i < mmff_external_count(mmff); i++) {
            if (mmff_external(mmff, i) == NULL)
                abort();
        }
        if (status == 1) {
            check_message(message, size);
            message_free(message);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mmff_settings settings = {
        .name = "fuzz", .postoffice = "NET/PO", .codepage = "CP850", .max_size = 65536};
    struct mmff *mmff;
    struct error err;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    if (mmff_open(&mmff, fd, &settings, &err) != 0)
        abort();
    read_all(mmff, size);
    mmff_free(mmff);
    close(fd);
    return 0;
}
