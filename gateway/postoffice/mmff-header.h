/* SPDX-License-Identifier: BSD-2-Clause */
/* The header lines of one MMFF message. Included only by postoffice/mmff*.c. */
#ifndef POSTOFFICE_MMFF_HEADER_H
#define POSTOFFICE_MMFF_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/error.h"
#include "message/message.h"
#include "postoffice/mmff-lines.h"
#include "postoffice/mmff.h"

/* The errors of the FFAPI programs that their reader shares with ours (Q85043, Q106623). */
enum mmff_code {
    MMFF_OK = 0,
    MMFF_BAD_VALUE = 140,   /* unknown error processing token %s with tail %s */
    MMFF_BAD_TOKEN = 141,   /* cannot match token %s (has tail %s) */
    MMFF_BAD_ADDRESS = 142, /* bad address */
    MMFF_PARSER = 143,      /* unknown parser error */
    MMFF_BAD_LINE = 144,    /* unable to partition line %s */
    MMFF_TOO_BIG = 145,     /* in group name %s type %s, contents fields too big */
    MMFF_BAD_XTEXT = 146,   /* bad or missing XTEXT file name */
    MMFF_LOST_XTEXT = 147,  /* failure opening text body file */
    MMFF_BAD_SERVICE = 151, /* unknown service %s */
};

/* The first thing that was wrong with a message. */
struct mmff_fault {
    enum mmff_code code;
    unsigned line; /* in the message; 1 is VERSION */
    uint64_t offset;
    char text[128];
};

/* A text or an attachment: SIZE octets behind the header, or a file. */
struct mmff_part {
    char *name; /* of an attachment */
    uint64_t size;
    char external[MMFF_EXTERNAL_SIZE]; /* "": inline */
};

struct mmff_header {
    struct message *message;
    struct mmff_part text;
    struct mmff_part *parts; /* attachments in order */
    size_t part_count, part_capacity;
    bool has_version, has_from, has_to, has_text;
    bool has_date, has_time, has_subject;
    bool sizes_known;    /* every size could be read: the message's end can be computed */
    enum mmff_form form; /* of the VERSION line; all others must have it */
    uint64_t start, at;  /* of the message; behind the last line read */
    unsigned line;       /* that is being read */
    uint64_t line_offset;
    struct mmff_fault fault;
};

int mmff_header_init(struct mmff_header *header, const struct mmff_settings *settings,
                     uint64_t start, struct error *err) WARN_UNUSED;
void mmff_header_clear(struct mmff_header *header);

/* Reads up to and with the TEXT or XTEXT line. What is wrong is noted as the header's fault and
 * reading goes on as long as there is a chance to find the sizes. -1: ERROR_SOFT. */
int mmff_header_read(struct mmff_header *header, struct mmff_window *window,
                     struct error *err) WARN_UNUSED;

/* Notes a fault, unless there is one. Returns 0. */
int mmff_fault(struct mmff_header *header, enum mmff_code code, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* ---- one line each; 0, or -1 ERROR_SOFT (mmff-fields.c) ---- */

/* VALUE of LENGTH octets is what stands behind the token's colon. */
struct mmff_field {
    const char *token; /* as written, cut for error texts */
    const char *value;
    size_t length;
};

int mmff_take_address(struct mmff_header *header, const struct mmff_field *field,
                      enum address_role role, struct error *err) WARN_UNUSED;
int mmff_take_subject(struct mmff_header *header, const struct mmff_field *field,
                      struct error *err) WARN_UNUSED;
int mmff_take_attachment(struct mmff_header *header, const struct mmff_field *field,
                         struct error *err) WARN_UNUSED;
int mmff_take_xattach(struct mmff_header *header, const struct mmff_field *field,
                      struct error *err) WARN_UNUSED;
void mmff_take_date(struct mmff_header *header, const struct mmff_field *field);
void mmff_take_time(struct mmff_header *header, const struct mmff_field *field);
void mmff_take_priority(struct mmff_header *header, const struct mmff_field *field);
void mmff_take_text(struct mmff_header *header, const struct mmff_field *field);
void mmff_take_xtext(struct mmff_header *header, const struct mmff_field *field);

/* FIELD is what stands behind "EXT:", VALUE the next line. */
int mmff_take_extra(struct mmff_header *header, const struct mmff_field *field, const char *value,
                    size_t length, struct error *err) WARN_UNUSED;

/* The published text of a fault with the token's value. Returns 0. */
int mmff_bad_value(struct mmff_header *header, const struct mmff_field *field);

#endif
