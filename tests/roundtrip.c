/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For tests/e2e/roundtrip.py: writes mail as Extended MMFF with CR LF on standard output.
 *
 *   roundtrip CODEPAGE ZONE DOMAIN mmff FILE...    MMFF, read and written
 *   roundtrip CODEPAGE ZONE DOMAIN mime FILE...    RFC 5322 messages
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message/mime-read.h"
#include "message/mime.h"
#include "postoffice/mmff-write.h"
#include "postoffice/mmff.h"

#define MOST 1073741824U

static int to_output(void *context, const void *data, size_t size, struct error *err)
{
    if (fwrite(data, 1, size, context) == size)
        return 0;
    return error_sys(err, ERROR_SOFT, "", "cannot write");
}

static int put(const struct message *message, struct error *err)
{
    struct mmff_write_options options = {.line_end = "\r\n", .extended = true};

    return mmff_write(message, &options, to_output, stdout, err);
}

static int run_mmff(int fd, const struct mime_read_options *options, struct error *err)
{
    struct mmff_settings settings = {.name = "in",
                                     .postoffice = options->postoffice,
                                     .codepage = options->codepage,
                                     .max_size = MOST};
    struct mmff_place place;
    struct message *message;
    struct mmff *mmff;
    int status;

    if (mmff_open(&mmff, fd, &settings, err) != 0)
        return -1;
    while ((status = mmff_next(mmff, &message, &place, err)) == 1) {
        status = put(message, err);
        message_free(message);
        if (status != 0)
            break;
    }
    mmff_free(mmff);
    return status;
}

static int run_mime(int fd, const struct mime_read_options *options, struct error *err)
{
    struct mime_read_facts facts;
    struct message *message;
    struct content *content;
    struct stat st;
    int status = -1;

    if (fstat(fd, &st) != 0)
        return error_sys(err, ERROR_SOFT, "", "no size");
    if (content_from_file(&content, fd, 0, (uint64_t)st.st_size, err) != 0)
        return -1;
    if (mime_read(&message, content, options, &facts, err) == 0) {
        status = put(message, err);
        message_free(message);
    }
    content_free(content);
    return status;
}

int main(int argc, char **argv)
{
    struct mime_read_options options = {
        .postoffice = "NORTH/HQ", .directory = "/tmp", .max_size = MOST};
    struct error err = {0};
    int status = 0;

    if (argc < 6)
        return 2;
    options.codepage = argv[1];
    options.timezone = argv[2];
    options.domain = argv[3];
    mime_initialize();
    for (int i = 5; i < argc && status == 0; i++) {
        int fd = open(argv[i], O_RDONLY | O_CLOEXEC);

        if (fd < 0)
            return 2;
        status = strcmp(argv[4], "mime") == 0 ? run_mime(fd, &options, &err)
                                              : run_mmff(fd, &options, &err);
        close(fd);
        if (status != 0)
            fprintf(stderr, "%s: %s\n", argv[i], err.text);
    }
    return status == 0 ? 0 : 1;
}
