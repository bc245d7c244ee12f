/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/control.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/cursor.h"

#define CONTROL_SIZE 8

int control_read(struct control *out, struct root *root, struct error *err)
{
    uint8_t octets[CONTROL_SIZE];
    struct cursor cursor;
    int status, fd = root_open_file(root, CONTROL_FILE, O_RDONLY, err);

    if (fd < 0)
        return -1;
    status = file_pread(fd, CONTROL_FILE, octets, sizeof octets, 0, err);
    close(fd);
    if (status != 0)
        return -1;
    cursor_init(&cursor, octets, sizeof octets);
    return cursor_le32(&cursor, &out->mailbags) == 0 && cursor_le32(&cursor, &out->messages) == 0
               ? 0
               : error_set(err, ERROR_DATA, "", CONTROL_FILE ": is too short");
}
