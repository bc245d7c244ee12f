/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/ole.h"

#include <string.h>

#include <glib.h>

#include "message/tnef-int.h"

#define FORMAT_NONE 0
#define FORMAT_LINKED 1
#define FORMAT_EMBEDDED 2
#define FORMAT_STATIC 3
#define FORMAT_PRESENTATION 5
#define MAX_STRING 1024
#define PIECE 65536
#define METAFILE_HEADER 18
#define TEN_CM 10000 /* in 0.01 mm */

/* Its size, which counts the NUL, then the text; what does not fit OUT is cut. */
static int string(struct window *window, char *out, size_t room, struct error *err)
{
    char text[MAX_STRING];
    uint32_t size;
    size_t i;

    if (window_u32(window, &size, err) != 0)
        return -1;
    if (size > sizeof text)
        return error_set(err, ERROR_DATA, "5.6.0", "OLE object: a name of %u octets", size);
    if (window_bytes(window, text, size, err) != 0)
        return -1;
    for (i = 0; i < size && i + 1 < room && text[i] >= 0x20 && text[i] < 0x7F; i++)
        out[i] = text[i];
    out[i] = '\0';
    return 0;
}

static int header(struct window *window, uint32_t *format, char *class_name, size_t room,
                  struct error *err)
{
    uint32_t version;

    if (window_u32(window, &version, err) != 0 || window_u32(window, format, err) != 0)
        return -1;
    class_name[0] = '\0';
    return *format == FORMAT_NONE ? 0 : string(window, class_name, room, err);
}

static int native(struct window *window, struct ole *out, struct error *err)
{
    char unused[8];
    uint32_t size;
    int i;

    for (i = 0; i < 2; i++) /* topic and item */
        if (string(window, unused, sizeof unused, err) != 0)
            return -1;
    if (window_u32(window, &size, err) != 0)
        return -1;
    out->native = (struct tnef_range){true, window->at, size};
    if (window_skip(window, size, err) == 0)
        return 0;
    out->native.set = false;
    return -1;
}

/* Width and height (the height is negative), the size, then four words and the metafile. */
static int presentation(struct window *window, struct ole *out, struct error *err)
{
    char form[16];
    uint32_t format, width, height, size;

    if (header(window, &format, form, sizeof form, err) != 0)
        return -1;
    if ((format != FORMAT_PRESENTATION && format != FORMAT_STATIC) ||
        g_ascii_strcasecmp(form, "METAFILEPICT") != 0)
        return 0;
    if (window_u32(window, &width, err) != 0 || window_u32(window, &height, err) != 0 ||
        window_u32(window, &size, err) != 0)
        return -1;
    if (size <= 8 || size > window_left(window))
        return 0;
    out->picture = (struct tnef_range){true, window->at + 8, size - 8};
    out->width = (int32_t)width > 0 && (int32_t)width < 1000000 ? (int32_t)width : 0;
    out->height = (int32_t)height < 0 && (int32_t)height > -1000000 ? -(int32_t)height : 0;
    return 0;
}

static int read_parts(struct window *window, struct ole *out, struct error *err)
{
    struct window again = *window;
    uint32_t format;

    if (header(window, &format, out->class_name, sizeof out->class_name, err) != 0)
        return -1;
    if (format == FORMAT_STATIC || format == FORMAT_PRESENTATION) {
        out->class_name[0] = '\0';
        out->known = true;
        return presentation(&again, out, err);
    }
    if (format != FORMAT_EMBEDDED || out->class_name[0] == '\0' || native(window, out, err) != 0)
        return -1;
    out->known = true;
    return presentation(window, out, err);
}

int ole_read(const struct content *content, const struct tnef_range *range, struct ole *out,
             struct error *err)
{
    struct window window;

    memset(out, 0, sizeof *out);
    window_init(&window, content, range);
    error_clear(err);
    if (read_parts(&window, out, err) == 0 || err->class == ERROR_DATA || err->class == ERROR_NONE)
        return 0;
    return -1;
}

/* Begins as a metafile does: type 1 or 2, a header of 9 words, version 1.0 or 3.0. */
static int is_metafile(const struct content *content, const struct tnef_range *range, bool *is,
                       struct error *err)
{
    uint8_t start[METAFILE_HEADER];

    *is = false;
    if (range->size < sizeof start)
        return 0;
    if (content_read(content, range->offset, start, sizeof start, err) != 0)
        return -1;
    *is = (start[0] == 1 || start[0] == 2) && start[1] == 0 && start[2] == 9 && start[3] == 0 &&
          start[4] == 0 && (start[5] == 1 || start[5] == 3);
    return 0;
}

static void put16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

/* Key, handle, left, top, right, bottom, units in an inch, reserved, the checksum of all words. */
static void placeable(uint8_t out[22], int32_t width, int32_t height)
{
    static const uint8_t key[4] = {0xD7, 0xCD, 0xC6, 0x9A};
    uint16_t sum = 0;
    size_t i;

    memset(out, 0, 22);
    memcpy(out, key, sizeof key);
    put16(out + 10, (uint32_t)MIN((width > 0 ? width : TEN_CM), 32767));
    put16(out + 12, (uint32_t)MIN((height > 0 ? height : TEN_CM), 32767));
    put16(out + 14, 2540);
    for (i = 0; i < 20; i += 2)
        sum = (uint16_t)(sum ^ (out[i] | out[i + 1] << 8));
    put16(out + 20, sum);
}

static int copy(struct content_writer *writer, const struct content *content,
                const struct tnef_range *range, struct error *err)
{
    uint8_t piece[PIECE];
    uint64_t done = 0;
    size_t size;

    for (; done < range->size; done += size) {
        size = (size_t)MIN(range->size - done, PIECE);
        if (content_read(content, range->offset + done, piece, size, err) != 0 ||
            content_writer_add(writer, piece, size, err) != 0)
            return -1;
    }
    return 0;
}

int ole_picture(const struct content *content, const struct tnef_range *range, int32_t width,
                int32_t height, const char *directory, struct content **out, struct error *err)
{
    struct content_writer *writer;
    uint8_t first[22];
    bool is;

    *out = NULL;
    if (!range->set)
        return 0;
    if (is_metafile(content, range, &is, err) != 0)
        return -1;
    if (!is)
        return 0;
    placeable(first, width, height);
    if (content_writer_new(&writer, directory, range->size + sizeof first, err) != 0)
        return -1;
    if (content_writer_add(writer, first, sizeof first, err) != 0 ||
        copy(writer, content, range, err) != 0) {
        content_writer_free(writer);
        return -1;
    }
    return content_writer_finish(writer, out, err);
}
