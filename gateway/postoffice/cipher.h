/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cipher of strings and attachments: p[i] = c[i] ^ c[i-1] ^ k[i], with c[-1] = 0 and a table k
 * that depends on the position only. Each string starts at position 0. The form follows from the
 * bytes printed in Q104423; the table comes from the profile, and a position that it does not know
 * is never guessed.
 */
#ifndef POSTOFFICE_CIPHER_H
#define POSTOFFICE_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "postoffice/profile.h"

struct cipher {
    const struct profile *profile; /* borrowed */
    uint64_t position;
    uint8_t previous; /* last octet of ciphertext */
};

/* At the start of a string. */
void cipher_init(struct cipher *cipher, const struct profile *profile);

/* In the middle of one: PREVIOUS is the ciphertext octet before POSITION. */
void cipher_seek(struct cipher *cipher, uint64_t position, uint8_t previous);

/* Deciphers the next SIZE octets of IN into OUT, which must not overlap. ERROR_DATA "key position N
 * is not known by profile X": the cipher is then where it was. */
int cipher_decode(struct cipher *cipher, const uint8_t *in, uint8_t *out, size_t size,
                  struct error *err) WARN_UNUSED;

/* How many of the next SIZE positions are known without a gap. */
size_t cipher_known(const struct cipher *cipher, size_t size);

#endif
