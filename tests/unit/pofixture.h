/* SPDX-License-Identifier: BSD-2-Clause */
/* Small postoffices in the reference layout, made octet by octet in a temporary directory. */
#ifndef TESTS_POFIXTURE_H
#define TESTS_POFIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BYTES_MAX 262144

/* A file being composed. */
struct bytes {
    uint8_t data[BYTES_MAX];
    size_t size;
};

void put(struct bytes *bytes, const void *data, size_t size);
void put_octet(struct bytes *bytes, unsigned octet);

/* "4C 05 01 ..." white space is not significant. */
void put_hex(struct bytes *bytes, const char *hex);

/* An element of the shortest length form; QUALIFIER -1 is none. */
void put_element(struct bytes *bytes, unsigned id, int qualifier, const void *content, size_t size);

/* An enciphered ASCII-String. */
void put_string(struct bytes *bytes, const void *plain, size_t size);
void put_text(struct bytes *bytes, const char *plain);

/* NAME, the trailer, and EXTRA zero octets. */
void put_address(struct bytes *bytes, const char *name, size_t extra);

/* The key of these postoffices: 64 octets, repeated. */
uint8_t fixture_key(size_t position);
void fixture_encipher(const uint8_t *plain, uint8_t *out, size_t size);

struct mail {
    unsigned counter;
    const char *from, *to[4], *cc[4], *date, *subject, *text;
    const char *priority;                                                     /* NULL: none */
    const char *second_from, *second_date, *second_subject, *second_priority; /* NULL: none */
    struct {
        const char *id, *name;
        unsigned size;
    } attachments[4];
};

/* The octets of the message file of MAIL. */
void put_mail(struct bytes *bytes, const struct mail *mail);

struct po {
    char base[64];
    char path[80];    /* of the postoffice */
    char spool[80];   /* our directory */
    char profile[80]; /* the profile file */
};

void po_make(struct po *po); /* directories, profile, NETWORK.GLB: NORTH/SALES -> 10, SMTP -> 11 */
void po_clear(struct po *po);

void po_write(const struct po *po, const char *name, const void *data, size_t size);
size_t po_read(const struct po *po, const char *name, void *out, size_t size);
bool po_has(const struct po *po, const char *name);
void po_remove(const struct po *po, const char *name);
void po_write_profile(const struct po *po, const char *text);

/* The reference profile with the fixture's key. Static. */
const char *po_profile(void);

/* A mailbag of COUNT records; bit r of DELETED is record r. */
struct header {
    const char *mai;
    const char *date; /* "1997-04-07 08:00" */
    const char *subject;
};
void put_record(struct bytes *bytes, const struct header *header);
void po_mailbag(const struct po *po, const char *id, const struct header *headers, size_t count,
                unsigned deleted);
void po_mail(const struct po *po, const char *id, const struct mail *mail);

/* Published octets: tests/data/published/NAME, as hex text. Returns their number. */
size_t published(const char *name, uint8_t *out, size_t size);

#endif
