/* SPDX-License-Identifier: BSD-2-Clause */
/* Walking the elements of a message file. Included only by postoffice/mai*.c. */
#ifndef POSTOFFICE_MAI_INT_H
#define POSTOFFICE_MAI_INT_H

#include "postoffice/cipher.h"
#include "postoffice/fips.h"
#include "postoffice/mai.h"

#define MAI_MAX_STRING 8192 /* octets of one string that is taken into memory */

struct mai {
    int fd;
    const struct profile *profile;
    char name[MAI_PATH_SIZE];
    struct fips fips;
};

/* ERROR_DATA with file and offset. Returns -1. */
int mai_damaged(const struct mai *mai, uint64_t offset, const char *what, struct error *err);

/* Called for each direct part of the message (EVENT is ENTER or PRIMITIVE); need not consume it.
 * Anything but 0 ends the walk and is returned. */
typedef int mai_part(struct mai *mai, void *context, enum fips_event event,
                     const struct fips_element *element, struct error *err);
int mai_walk(struct mai *mai, mai_part *part, void *context, struct error *err) WARN_UNUSED;

/* True when the profile gives the part a role: a field of the message, or the priority. */
bool mai_part_known(const struct profile *profile, const struct fips_element *element) WARN_UNUSED;

/* The name of a direct part of the message in a profile. */
void mai_part_name(const struct fips_element *element, struct profile_part *out);

/* Called with each string that is not empty; FIPS stands at its contents, to be read or not. */
typedef int mai_part_string(void *context, struct fips *fips, const struct fips_element *element);

/* All strings in the part that FIPS has just come to, at any depth; what is no element ends them.
 * FIPS does not move. Anything but 0 from SEEN ends it and is returned. */
int mai_part_strings(const struct fips *fips, enum fips_event event,
                     const struct fips_element *element, mai_part_string *seen,
                     void *context) WARN_UNUSED;

/* ERROR_DATA when the part holds strings and the profile, which has a list of parts to be ignored,
 * neither gives it a role nor lists it: a field that nobody had used is not lost silently. */
int mai_check_part(struct mai *mai, enum fips_event event, const struct fips_element *element,
                   struct error *err) WARN_UNUSED;

/* The next direct part of the constructor at DEPTH: 1, or 0 at its end; what was left of deeper
 * ones is stepped over. */
int mai_next_part(struct mai *mai, size_t depth, enum fips_event *event,
                  struct fips_element *element, struct error *err) WARN_UNUSED;

/* The same, strings only. */
int mai_next_string(struct mai *mai, size_t depth, struct fips_element *element,
                    struct error *err) WARN_UNUSED;

/* The contents of the present string, as they are or in clear: at most LIMIT (and MAI_MAX_STRING)
 * octets, a longer one is ERROR_DATA. */
int mai_read_cipher(struct mai *mai, const struct fips_element *element, uint8_t *out, size_t limit,
                    size_t *size, struct error *err) WARN_UNUSED;
int mai_read_string(struct mai *mai, const struct fips_element *element, uint8_t *out,
                    size_t limit, size_t *size, struct error *err) WARN_UNUSED;

#endif
