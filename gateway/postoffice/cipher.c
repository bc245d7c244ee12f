/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/cipher.h"

void cipher_init(struct cipher *cipher, const struct profile *profile)
{
    cipher->profile = profile;
    cipher->position = 0;
    cipher->previous = 0;
}

void cipher_seek(struct cipher *cipher, uint64_t position, uint8_t previous)
{
    cipher->position = position;
    cipher->previous = previous;
}

size_t cipher_known(const struct cipher *cipher, size_t size)
{
    size_t known = 0;

    while (known < size &&
           profile_key_at(cipher->profile, cipher->position + known) != PROFILE_KEY_UNKNOWN)
        known++;
    return known;
}

/* The key from POSITION on as far as it lies in one piece, at most SIZE octets. */
static const int16_t *key_run(const struct profile *profile, uint64_t position, size_t *size)
{
    size_t left;

    if (profile->key_period != 0)
        position %= profile->key_period;
    if (position >= profile->key_size)
        return NULL;
    left = profile->key_size - (size_t)position;
    if (*size > left)
        *size = left;
    return profile->key + position;
}

/* Returns a negative number when one of the SIZE key positions is unknown. */
static int decode_run(const uint8_t *restrict in, uint8_t *restrict out, size_t size,
                      const int16_t *restrict key, uint8_t previous)
{
    int16_t seen = key[0];

    out[0] = (uint8_t)(in[0] ^ previous ^ (uint8_t)key[0]);
    for (size_t i = 1; i < size; i++) {
        seen = (int16_t)(seen | key[i]);
        out[i] = (uint8_t)(in[i] ^ in[i - 1] ^ (uint8_t)key[i]);
    }
    return seen;
}

static int unknown_position(const struct cipher *cipher, uint64_t from, struct error *err)
{
    const struct profile *profile = cipher->profile;

    while (profile_key_at(profile, from) != PROFILE_KEY_UNKNOWN)
        from++;
    return error_set(err, ERROR_DATA, "", "key position %llu is not known by profile %s",
                     (unsigned long long)from,
                     profile->name[0] != '\0' ? profile->name : "(no name)");
}

int cipher_decode(struct cipher *cipher, const uint8_t *in, uint8_t *out, size_t size,
                  struct error *err)
{
    uint8_t previous = cipher->previous;
    size_t done = 0;

    while (done < size) {
        uint64_t position = cipher->position + done;
        size_t run = size - done;
        const int16_t *key = key_run(cipher->profile, position, &run);
        if (key == NULL || decode_run(in + done, out + done, run, key, previous) < 0)
            return unknown_position(cipher, position, err);
        previous = in[done + run - 1];
        done += run;
    }
    cipher->position += size;
    cipher->previous = previous;
    return 0;
}
