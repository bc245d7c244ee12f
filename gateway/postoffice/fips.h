/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A streaming reader of FIPS PUB 98 (RFC 841) data elements: identifier octet (bit 7: a property
 * list follows, bit 6: a qualifier follows), length code (short, long, or indefinite and ended by
 * 01 00), qualifier, property list, contents. The length counts qualifier and property list.
 * Nothing is read into memory but a small window; every element must end inside the one around it.
 * Property lists are stepped over and never reported.
 */
#ifndef POSTOFFICE_FIPS_H
#define POSTOFFICE_FIPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"

#define FIPS_MAX_DEPTH 16
#define FIPS_MAX_ELEMENTS 1000000
#define FIPS_WINDOW 8192
#define FIPS_MAX_QUALIFIER 8

enum fips_id {
    FIPS_END_OF_CONSTRUCTOR = 0x01,
    FIPS_STRING = 0x02,
    FIPS_UNIQUE_ID = 0x09,
    FIPS_SEQUENCE = 0x0A,
    FIPS_SET = 0x0B,
    FIPS_INTEGER = 0x20,
    FIPS_PROPERTY_LIST = 0x24,
    FIPS_DATE = 0x28,
    FIPS_PROPERTY = 0x45,
    FIPS_FIELD = 0x4C,
    FIPS_MESSAGE = 0x4D,
    FIPS_EXTENSION = 0x7E,
    FIPS_VENDOR = 0x7F,
};

enum fips_event {
    FIPS_ENTER,     /* a constructor begins; its parts come next */
    FIPS_PRIMITIVE, /* contents wait: fips_read, fips_descend, or the next fips_next steps over */
    FIPS_LEAVE,     /* the constructor around has ended */
    FIPS_DONE,      /* the file has ended */
};

struct fips_element {
    uint8_t id;                 /* without bit 7 */
    uint64_t offset;            /* of the identifier octet in the file */
    uint64_t content;           /* offset of the contents */
    uint64_t length;            /* of the contents; 0 when indefinite */
    bool indefinite;
    uint8_t qualifier[FIPS_MAX_QUALIFIER];
    size_t qualifier_size;      /* 0: none, or undefined (80) */
};

struct fips_frame {
    uint64_t end; /* no part may go beyond it */
    bool indefinite;
};

struct fips {
    int fd;           /* borrowed */
    const char *name; /* of the file, for messages; borrowed */
    uint64_t size;
    uint64_t at;      /* next octet to be parsed */
    uint64_t content_end; /* of the present primitive */
    struct fips_frame frames[FIPS_MAX_DEPTH];
    size_t depth;
    size_t elements;
    uint64_t window_at;
    size_t window_size;
    uint8_t window[FIPS_WINDOW];
};

/* Starts at offset 0 of FD. ERROR_SOFT when its size cannot be read. */
int fips_init(struct fips *fips, int fd, const char *name, struct error *err) WARN_UNUSED;

/* The next event and its element (not for LEAVE and DONE). ERROR_DATA names file and offset. */
int fips_next(struct fips *fips, enum fips_event *event, struct fips_element *out,
              struct error *err) WARN_UNUSED;

/* Up to SIZE octets of the present primitive's contents; *GOT is 0 at their end. */
int fips_read(struct fips *fips, void *out, size_t size, size_t *got,
              struct error *err) WARN_UNUSED;

/* Takes the present primitive, of which nothing has been read, as a constructor after all (vendor
 * defined elements may be either). Its parts come next, then LEAVE. */
int fips_descend(struct fips *fips, struct error *err) WARN_UNUSED;

/* Steps over what is left of the innermost constructor, its LEAVE included. */
int fips_leave(struct fips *fips, struct error *err) WARN_UNUSED;

/* True when the element has exactly this one-octet qualifier. */
bool fips_is(const struct fips_element *element, uint8_t id, uint8_t qualifier);

#endif
