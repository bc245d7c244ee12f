/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GLB/CONTROL.GLB: 8 octets, two longs, the next number for mailbags and the next for messages and
 * attachments (Q87388, Q122852).
 */
#ifndef POSTOFFICE_CONTROL_H
#define POSTOFFICE_CONTROL_H

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"

#define CONTROL_FILE "GLB/CONTROL.GLB"

struct control {
    uint32_t mailbags; /* next number of a mailbag */
    uint32_t messages; /* next number of MAI and ATT files */
};

/* Errors as root_open_file; a file that is shorter as file_pread. */
int control_read(struct control *out, struct root *root, struct error *err) WARN_UNUSED;

#endif
