/* SPDX-License-Identifier: BSD-2-Clause */
/* Names of the parts of a message in a profile: "field:10", "vendor:00010A", "element:0B". */
#ifndef POSTOFFICE_PROFILE_PART_H
#define POSTOFFICE_PROFILE_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

#define PROFILE_MAX_QUALIFIER 8
#define PROFILE_PART_TEXT 28 /* of a name with its NUL */

/* A field or a vendor-defined element with its qualifier, or another element. */
struct profile_part {
    uint8_t id; /* FIPS PUB 98 identifier, 0 to 127 */
    uint8_t qualifier_size;
    uint8_t qualifier[PROFILE_MAX_QUALIFIER];
};

bool profile_part_same(const struct profile_part *a, const struct profile_part *b);

/* -1 when WORD is no such name. */
int profile_part_parse(const char *word, struct profile_part *out) WARN_UNUSED;
void profile_part_text(const struct profile_part *part, char out[PROFILE_PART_TEXT]);

#endif
