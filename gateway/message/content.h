/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The octets of a text or an attachment: in memory when small, else a range of a file, so that a
 * message of 100 MB never sits in memory. Reference-free: each content has one owner.
 */
#ifndef MESSAGE_CONTENT_H
#define MESSAGE_CONTENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

struct content;

/* Contents up to this many octets are kept in memory. */
#define CONTENT_IN_MEMORY 65536

/* Copies DATA. Errors: ERROR_SOFT (memory). */
int content_from_bytes(struct content **out, const void *data, size_t size,
                       struct error *err) WARN_UNUSED;

/* SIZE octets of FD from OFFSET. FD is duplicated; the file must not change while it is used. */
int content_from_file(struct content **out, int fd, uint64_t offset, uint64_t size,
                      struct error *err) WARN_UNUSED;

void content_free(struct content *content); /* NULL is allowed */

uint64_t content_size(const struct content *content);

/* Copies SIZE octets from OFFSET; the range must be inside. ERROR_SOFT or ERROR_DATA of the file. */
int content_read(const struct content *content, uint64_t offset, void *out, size_t size,
                 struct error *err) WARN_UNUSED;

/* The descriptor and place of a content that lies in a file; -1 when it is in memory, then *data
 * is its octets (borrowed). For streams that want either. */
int content_place(const struct content *content, const uint8_t **data, uint64_t *offset);

/* SHA-256 of all octets. */
int content_hash(const struct content *content, uint8_t out[32], struct error *err) WARN_UNUSED;

/*
 * Building one piece by piece: in memory up to CONTENT_IN_MEMORY, then in an unnamed temporary
 * file in DIRECTORY (borrowed). LIMIT octets at most: more is ERROR_DATA.
 */
struct content_writer;
int content_writer_new(struct content_writer **out, const char *directory, uint64_t limit,
                       struct error *err) WARN_UNUSED;
int content_writer_add(struct content_writer *writer, const void *data, size_t size,
                       struct error *err) WARN_UNUSED;
/* Ends and frees the writer in any case; *OUT is the caller's. */
int content_writer_finish(struct content_writer *writer, struct content **out,
                          struct error *err) WARN_UNUSED;
void content_writer_free(struct content_writer *writer);

#endif
