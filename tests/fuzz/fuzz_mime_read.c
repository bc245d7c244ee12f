/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer: any octets as a message that is read for a postoffice. What comes of it must be a
 * message that can be written as MMFF and is then read as just one. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "message/mime-read.h"
#include "message/mime.h"
#include "postoffice/mmff-write.h"
#include "postoffice/mmff.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    mime_initialize();
    return 0;
}

static int to_file(void *context, const void *data, size_t size, struct error *err)
{
    (void)err;
    if (write(*(int *)context, data, size) != (ssize_t)size)
        abort();
    return 0;
}

/* Addresses of a kind that MMFF has no line for make a file that is refused, not misread. */
static void read_back(int fd)
{
    struct mmff_settings settings = {
        .name = "fuzz", .postoffice = "NET/PO", .codepage = "CP850", .max_size = 1048576};
    struct mmff_place place;
    struct message *message;
    struct mmff *mmff;
    struct error err;
    int status;

    if (mmff_open(&mmff, fd, &settings, &err) != 0)
        abort();
    status = mmff_next(mmff, &message, &place, &err);
    if (status == 0 || (status < 0 && err.class != ERROR_DATA))
        abort();
    if (status == 1) {
        message_free(message);
        if (mmff_next(mmff, &message, &place, &err) != 0)
            abort();
    }
    mmff_free(mmff);
}

static void write_out(const struct message *message)
{
    struct mmff_write_options options = {.line_end = "\r\n", .extended = true};
    struct error err;
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    if (fd < 0)
        abort();
    if (mmff_write(message, &options, to_file, &fd, &err) == 0)
        read_back(fd);
    else if (err.class != ERROR_DATA)
        abort();
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const pages[] = {"CP850", "CP932", "CP437", "CP1252"};
    struct mime_read_options options = {.postoffice = "NET/PO",
                                        .codepage = pages[size % 4],
                                        .domain = "gw.example",
                                        .timezone = "Europe/Berlin",
                                        .directory = "/tmp",
                                        .max_size = 1048576};
    struct mime_read_facts facts;
    struct message *message;
    struct content *content;
    struct error err;

    if (content_from_bytes(&content, data, size, &err) != 0)
        abort();
    if (mime_read(&message, content, &options, &facts, &err) == 0) {
        write_out(message);
        message_free(message);
    } else if (err.class != ERROR_DATA) {
        abort();
    }
    content_free(content);
    return 0;
}
