/* SPDX-License-Identifier: BSD-2-Clause */
/* A TNEF stream for receivers that read TNEF: without whom it is from and to. */
#include "config.h"

#include "message/tnef-int.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

#define PIECE 16384
#define ID_MAPI_PROPS 0x00069003u
#define TAG_CORRELATION 0x007F0102u /* PR_TNEF_CORRELATION_KEY */

struct rewriter {
    const struct content *content;
    const char *correlator;
    struct content_writer *writer;
    bool correlated;
    uint16_t sum; /* of the octets since it was set to 0 */
};

static int put(struct rewriter *rewriter, const void *data, size_t size, struct error *err)
{
    const uint8_t *octets = data;
    size_t i;

    for (i = 0; i < size; i++)
        rewriter->sum = (uint16_t)(rewriter->sum + octets[i]);
    return content_writer_add(rewriter->writer, data, size, err);
}

static int put_number(struct rewriter *rewriter, uint32_t value, size_t size, struct error *err)
{
    uint8_t octets[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                         (uint8_t)(value >> 24)};

    return put(rewriter, octets, size, err);
}

static int put_range(struct rewriter *rewriter, const struct tnef_range *range, struct error *err)
{
    uint8_t piece[PIECE];
    uint64_t done = 0;
    size_t size;

    for (; done < range->size; done += size) {
        size = (size_t)MIN(range->size - done, PIECE);
        if (content_read(rewriter->content, range->offset + done, piece, size, err) != 0 ||
            put(rewriter, piece, size, err) != 0)
            return -1;
    }
    return 0;
}

static int put_head(struct rewriter *rewriter, uint8_t level, uint32_t id, uint32_t size,
                    struct error *err)
{
    if (put_number(rewriter, level, 1, err) != 0 || put_number(rewriter, id, 4, err) != 0 ||
        put_number(rewriter, size, 4, err) != 0)
        return -1;
    rewriter->sum = 0;
    return 0;
}

static size_t padding(uint64_t size)
{
    return (size_t)(-size & 3);
}

/* Who sent, received and represents, and to whom it went: PR_SENDER_*, PR_SENT_REPRESENTING_*,
 * PR_RECEIVED_BY_*, PR_RCVD_REPRESENTING_*, PR_REPLY_RECIPIENT_*, PR_DISPLAY_*, recipients. */
static bool names_somebody(uint32_t tag)
{
    static const uint16_t ids[] = {
        0x003B, 0x003F, 0x0040, 0x0041, 0x0042, 0x0043, 0x0044, 0x004F, 0x0050, 0x0051, 0x0052,
        0x0064, 0x0065, 0x0075, 0x0076, 0x0077, 0x0078, 0x007F, 0x0C19, 0x0C1A, 0x0C1B, 0x0C1C,
        0x0C1D, 0x0C1E, 0x0C1F, 0x0E02, 0x0E03, 0x0E04, 0x0E12, 0x5D01, 0x5D02, 0x5D07, 0x5D08};
    size_t i;

    for (i = 0; i < sizeof ids / sizeof ids[0]; i++)
        if (PROP_ID(tag) == ids[i])
            return true;
    return false;
}

static int put_correlator(struct rewriter *rewriter, struct error *err)
{
    size_t size = strlen(rewriter->correlator) + 1;

    if (put_number(rewriter, TAG_CORRELATION, 4, err) != 0 ||
        put_number(rewriter, 1, 4, err) != 0 || put_number(rewriter, (uint32_t)size, 4, err) != 0 ||
        put(rewriter, rewriter->correlator, size, err) != 0)
        return -1;
    return put_number(rewriter, 0, padding(size), err);
}

/* Goes through the list; with WRITE, copies what stays; else counts it. */
static int walk(struct rewriter *rewriter, const struct tnef_range *range, bool write,
                uint32_t *count, uint64_t *size, struct error *err)
{
    uint32_t budget = TNEF_BUDGET;
    struct tnef_properties list;
    struct tnef_property property;

    *count = 1;
    *size = 16 + ((strlen(rewriter->correlator) + 1 + 3) & ~(size_t)3);
    if (range == NULL)
        return 0;
    if (tnef_properties_begin(&list, rewriter->content, range, &budget, err) != 0)
        return -1;
    while (list.left != 0) {
        if (tnef_properties_next(&list, &property, err) != 0)
            return -1;
        if (names_somebody(property.tag))
            continue;
        (*count)++;
        *size += property.whole.size + padding(property.whole.size);
        if (write && (put_range(rewriter, &property.whole, err) != 0 ||
                      put_number(rewriter, 0, padding(property.whole.size), err) != 0))
            return -1;
    }
    return 0;
}

/* The list of RANGE, or of nothing, and the correlator. A list that is malformed is dropped. */
static int put_properties(struct rewriter *rewriter, const struct tnef_range *range,
                          struct error *err)
{
    uint32_t count;
    uint64_t size;

    if (walk(rewriter, range, false, &count, &size, err) != 0) {
        if (err->class != ERROR_DATA)
            return -1;
        range = NULL;
        if (walk(rewriter, NULL, false, &count, &size, err) != 0)
            return -1;
    }
    if (size > UINT32_MAX)
        return error_set(err, ERROR_DATA, "5.6.0", "WINMAIL.DAT: properties of more than 4 GB");
    rewriter->correlated = true;
    if (put_head(rewriter, TNEF_LEVEL_MESSAGE, ID_MAPI_PROPS, (uint32_t)size, err) != 0 ||
        put_number(rewriter, count, 4, err) != 0 || put_correlator(rewriter, err) != 0 ||
        walk(rewriter, range, true, &count, &size, err) != 0)
        return -1;
    return put_number(rewriter, rewriter->sum, 2, err);
}

static bool is_dropped(const struct tnef_attribute *attribute)
{
    uint32_t id = attribute->id & 0xFFFF;

    if (!attribute->sound)
        return true;
    return attribute->level == TNEF_LEVEL_MESSAGE &&
           (id == TNEF_OWNER || id == TNEF_SENT_FOR || id == TNEF_DELEGATE || id == TNEF_FROM ||
            id == TNEF_RECIPIENTS);
}

static int put_attribute(struct rewriter *rewriter, const struct tnef_attribute *attribute,
                         struct error *err)
{
    bool of_message = attribute->level == TNEF_LEVEL_MESSAGE;

    if (is_dropped(attribute))
        return 0;
    if (of_message && (attribute->id & 0xFFFF) == TNEF_MAPI_PROPS)
        return rewriter->correlated ? 0 : put_properties(rewriter, &attribute->range, err);
    if (!of_message && !rewriter->correlated && put_properties(rewriter, NULL, err) != 0)
        return -1;
    if (put_head(rewriter, attribute->level, attribute->id, (uint32_t)attribute->range.size, err) !=
            0 ||
        put_range(rewriter, &attribute->range, err) != 0)
        return -1;
    return put_number(rewriter, rewriter->sum, 2, err);
}

static int put_stream(struct rewriter *rewriter, struct error *err)
{
    struct tnef_range all = {true, 0, content_size(rewriter->content)};
    struct tnef_attribute attribute;
    struct window window;
    uint16_t key;

    window_init(&window, rewriter->content, &all);
    if (tnef_begin(&window, &key, err) != 0 || put_number(rewriter, TNEF_SIGNATURE, 4, err) != 0 ||
        put_number(rewriter, key, 2, err) != 0)
        return -1;
    while (window_left(&window) > 0) {
        if (tnef_attribute_next(&window, &attribute, err) != 0) {
            if (err->class != ERROR_DATA)
                return -1;
            break; /* cut off: what stands before it */
        }
        if (put_attribute(rewriter, &attribute, err) != 0)
            return -1;
    }
    return rewriter->correlated ? 0 : put_properties(rewriter, NULL, err);
}

int tnef_rewrite(const struct content *content, const char *correlator, const char *directory,
                 struct content **out, struct error *err)
{
    struct rewriter rewriter = {.content = content, .correlator = correlator};
    uint64_t limit;

    /* Padding may add three octets to each property, of which the smallest has eight. */
    limit = content_size(content) + content_size(content) / 2 + strlen(correlator) + 64;
    if (content_writer_new(&rewriter.writer, directory, limit, err) != 0)
        return -1;
    if (put_stream(&rewriter, err) != 0) {
        content_writer_free(rewriter.writer);
        return -1;
    }
    return content_writer_finish(rewriter.writer, out, err);
}
