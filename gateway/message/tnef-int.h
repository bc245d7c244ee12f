/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the TNEF reader share: a window over a range of a content, attributes, and
 * property lists. "Too little left" and "makes no sense" are ERROR_DATA everywhere. */
#ifndef MESSAGE_TNEF_INT_H
#define MESSAGE_TNEF_INT_H

#include "message/tnef.h"

#define TNEF_SIGNATURE 0x223E9F78u
#define TNEF_BUDGET 262144 /* attributes, properties and values of a stream with all inside it */

#define TNEF_LEVEL_MESSAGE 1
#define TNEF_LEVEL_ATTACHMENT 2

/* Identifiers of attributes without their type, which is the upper half ([MS-OXTNEF] 2.1.3.2). */
enum tnef_id {
    TNEF_OWNER = 0x0000,
    TNEF_SENT_FOR = 0x0001,
    TNEF_DELEGATE = 0x0002,
    TNEF_DATE_START = 0x0006,
    TNEF_DATE_END = 0x0007,
    TNEF_AID_OWNER = 0x0008,
    TNEF_REQUEST_RES = 0x0009,
    TNEF_ORIGINAL_CLASS = 0x0600,
    TNEF_FROM = 0x8000,
    TNEF_SUBJECT = 0x8004,
    TNEF_DATE_SENT = 0x8005,
    TNEF_MESSAGE_CLASS = 0x8008,
    TNEF_MESSAGE_ID = 0x8009,
    TNEF_PARENT_ID = 0x800A,
    TNEF_CONVERSATION_ID = 0x800B,
    TNEF_BODY = 0x800C,
    TNEF_PRIORITY = 0x800D,
    TNEF_ATTACH_DATA = 0x800F,
    TNEF_ATTACH_TITLE = 0x8010,
    TNEF_ATTACH_METAFILE = 0x8011,
    TNEF_ATTACH_MODIFIED = 0x8013,
    TNEF_ATTACH_TRANSPORT_NAME = 0x9001,
    TNEF_ATTACH_RENDDATA = 0x9002,
    TNEF_MAPI_PROPS = 0x9003,
    TNEF_RECIPIENTS = 0x9004,
    TNEF_ATTACHMENT = 0x9005,
    TNEF_VERSION = 0x9006,
    TNEF_OEM_CODEPAGE = 0x9007,
};

#define WINDOW_SIZE 4096

struct window {
    const struct content *content; /* borrowed */
    uint64_t at;                   /* offset of the content that is read next */
    uint64_t end;
    uint64_t base; /* offset of data[0] */
    size_t filled;
    uint8_t data[WINDOW_SIZE];
};

/* The range must be inside of the content. */
void window_init(struct window *window, const struct content *content,
                 const struct tnef_range *range);
uint64_t window_left(const struct window *window);
int window_skip(struct window *window, uint64_t size, struct error *err) WARN_UNUSED;
int window_bytes(struct window *window, void *out, size_t size, struct error *err) WARN_UNUSED;
int window_u8(struct window *window, uint8_t *out, struct error *err) WARN_UNUSED;
int window_u16(struct window *window, uint16_t *out, struct error *err) WARN_UNUSED;
int window_u32(struct window *window, uint32_t *out, struct error *err) WARN_UNUSED;

struct tnef_attribute {
    uint8_t level;
    uint32_t id; /* with its type */
    struct tnef_range range;
    bool sound; /* the checksum is right */
};

/* Reads the next attribute and steps over it. */
int tnef_attribute_next(struct window *window, struct tnef_attribute *out,
                        struct error *err) WARN_UNUSED;

/* The signature and the key of a stream; ERROR_DATA when it is not one. */
int tnef_begin(struct window *window, uint16_t *key, struct error *err) WARN_UNUSED;

#define PROP_TYPE(tag) ((tag)&0xFFFF)
#define PROP_ID(tag) ((tag) >> 16)
#define PROP_LONG 0x0003
#define PROP_BOOLEAN 0x000B
#define PROP_OBJECT 0x000D
#define PROP_STRING8 0x001E
#define PROP_UNICODE 0x001F
#define PROP_SYSTIME 0x0040
#define PROP_BINARY 0x0102

/* One property; of several values the first. */
struct tnef_property {
    uint32_t tag;
    struct tnef_range whole; /* with tag and padding, for copying */
    struct tnef_range value; /* not set: no value */
    uint8_t name_set[16];    /* of a property with a name, and its number there; 0: a text */
    uint32_t name_number;
};

struct tnef_properties {
    struct window window;
    uint32_t left;
    uint32_t *budget; /* counted down; 0 ends with ERROR_DATA */
};

int tnef_properties_begin(struct tnef_properties *list, const struct content *content,
                          const struct tnef_range *range, uint32_t *budget,
                          struct error *err) WARN_UNUSED;
/* Only while list->left is not 0. */
int tnef_properties_next(struct tnef_properties *list, struct tnef_property *out,
                         struct error *err) WARN_UNUSED;

/* A text of at most TNEF_MAX_NAME octets of RANGE as UTF-8, cut at the first NUL, controls as
 * spaces; *OUT is replaced. Empty: becomes NULL. */
int tnef_text(const struct content *content, const struct tnef_range *range, const char *codepage,
              char **out, struct error *err) WARN_UNUSED;
int tnef_text16(const struct content *content, const struct tnef_range *range, char **out,
                struct error *err) WARN_UNUSED;

/* Properties of a message or an attachment: those that are known are taken, if they are not set
 * already. */
struct tnef_reader {
    const struct content *content;
    struct tnef *tnef;
    struct tnef_attachment *attachment; /* the present one, or NULL */
    int depth;
    uint32_t *budget;
};
int tnef_take_properties(struct tnef_reader *reader, const struct tnef_range *range,
                         struct error *err) WARN_UNUSED;
int tnef_take_attachment_properties(struct tnef_reader *reader, const struct tnef_range *range,
                                    struct error *err) WARN_UNUSED;

/* The stream in RANGE, DEPTH messages inside the first. */
int tnef_read_inside(struct tnef **out, const struct content *content,
                     const struct tnef_range *range, const char *codepage, int depth,
                     uint32_t *budget, struct error *err) WARN_UNUSED;

#endif
