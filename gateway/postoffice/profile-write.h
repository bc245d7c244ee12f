/* SPDX-License-Identifier: BSD-2-Clause */
/* Profiles as text: what profile_load reads. */
#ifndef POSTOFFICE_PROFILE_WRITE_H
#define POSTOFFICE_PROFILE_WRITE_H

#include <stdio.h>

#include "base/attr.h"
#include "base/error.h"
#include "postoffice/profile.h"

/* VALUE as the file has it, "" when it is not known. */
void profile_value_text(const struct profile *profile, enum profile_value value, char *out,
                        size_t size);

/* Puts a comment for VALUE into OUT, one line, or leaves it empty. */
typedef void profile_note(const void *context, enum profile_value value, char *out, size_t size);

/* NOTE may be NULL. ERROR_SOFT. */
int profile_write(const struct profile *profile, profile_note *note, const void *context,
                  FILE *stream, struct error *err) WARN_UNUSED;

#endif
