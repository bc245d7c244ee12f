/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams of WINMAIL.DAT ([MS-OXTNEF]), attribute by attribute. */
#ifndef TESTS_TNEFFIXTURE_H
#define TESTS_TNEFFIXTURE_H

#include <stddef.h>
#include <stdint.h>

struct made {
    uint8_t data[16384];
    size_t size;
};

/* Signature and key; attMessageClass unless CLASS is NULL. */
void made_begin(struct made *made, const char *class);
void made_put(struct made *made, const void *data, size_t size);
/* SIZE octets, at most 4, little-endian. */
void made_number(struct made *made, uint32_t value, size_t size);
/* LEVEL 1: of the message, 2: of an attachment; with its checksum. */
void made_attribute(struct made *made, uint8_t level, uint32_t id, const void *data, size_t size);

#endif
