/* SPDX-License-Identifier: BSD-2-Clause */
/* ATT files: one attachment each, ATT/AT<last digit>/<id>.ATT (Q87378), enciphered as a whole when
 * the profile says so. */
#ifndef POSTOFFICE_ATT_H
#define POSTOFFICE_ATT_H

#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "base/file.h"
#include "message/content.h"
#include "postoffice/profile.h"

/* The octets of attachment ID in clear. *OUT is NULL when its file is absent (Q118675). The file's
 * own size counts, whatever the message says. More than LIMIT octets: ERROR_DATA. */
int att_load(struct root *root, const struct profile *profile, const char *id,
             const char *directory, uint64_t limit, struct content **out,
             struct error *err) WARN_UNUSED;

/* Absent is success. */
int att_remove(struct root *root, const char *id, struct error *err) WARN_UNUSED;

#endif
