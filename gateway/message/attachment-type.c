/* SPDX-License-Identifier: BSD-2-Clause */
/* What an attachment is: by its name and by its first octets, when they agree. */
#include "config.h"

#include "message/attachment.h"

#include <stdio.h>
#include <string.h>

#include <glib.h>

#define UNKNOWN_TYPE "application/octet-stream"
#define MACBINARY_HEADER 128
#define MACBINARY_FORK_MAX 0x7FFFFF /* octets of a fork, says the standard */
#define CRC_POLYNOMIAL 0x1021

/* How contents begin. */
enum form {
    FORM_AVI,
    FORM_BIFF,
    FORM_BMP,
    FORM_GIF,
    FORM_JPEG,
    FORM_LOTUS,
    FORM_MIDI,
    FORM_OLE,
    FORM_PCX,
    FORM_PDF,
    FORM_PNG,
    FORM_POSTSCRIPT,
    FORM_RTF,
    FORM_TIFF,
    FORM_WAVE,
    FORM_WMF,
    FORM_WORD,
    FORM_WRITE,
    FORM_ZIP,
};

struct sign {
    enum form form;
    size_t size, at;
    const char *octets;
};

#define SIGN(form, at, octets)                                                                     \
    {                                                                                              \
        form, sizeof(octets) - 1, at, octets                                                       \
    }

static const struct sign signs[] = {
    SIGN(FORM_AVI, 8, "AVI "),
    SIGN(FORM_BIFF, 0, "\x09\x00\x04\x00"),
    SIGN(FORM_BIFF, 0, "\x09\x02\x06\x00"),
    SIGN(FORM_BIFF, 0, "\x09\x04\x06\x00"),
    SIGN(FORM_BMP, 0, "BM"),
    SIGN(FORM_GIF, 0, "GIF87a"),
    SIGN(FORM_GIF, 0, "GIF89a"),
    SIGN(FORM_JPEG, 0, "\xFF\xD8\xFF"),
    SIGN(FORM_LOTUS, 0, "\x00\x00\x02\x00"),
    SIGN(FORM_LOTUS, 0, "\x00\x00\x1A\x00"),
    SIGN(FORM_MIDI, 0, "MThd\x00\x00\x00\x06"),
    SIGN(FORM_OLE, 0, "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"),
    SIGN(FORM_PCX, 0, "\x0A\x02\x01"),
    SIGN(FORM_PCX, 0, "\x0A\x03\x01"),
    SIGN(FORM_PCX, 0, "\x0A\x05\x01"),
    SIGN(FORM_PDF, 0, "%PDF-"),
    SIGN(FORM_PNG, 0, "\x89PNG\r\n\x1A\n"),
    SIGN(FORM_POSTSCRIPT, 0, "%!PS-"),
    SIGN(FORM_RTF, 0, "{\\rtf"),
    SIGN(FORM_TIFF, 0, "II*\x00"),
    SIGN(FORM_TIFF, 0, "MM\x00*"),
    SIGN(FORM_WAVE, 8, "WAVE"),
    SIGN(FORM_WMF, 0, "\xD7\xCD\xC6\x9A"),
    SIGN(FORM_WORD, 0, "\x9B\xA5"),
    SIGN(FORM_WORD, 0, "\xDB\xA5"),
    SIGN(FORM_WORD, 0, "\x31\xBE\x00\x00"),
    SIGN(FORM_WRITE, 0, "\x31\xBE\x00\x00"),
    SIGN(FORM_WRITE, 0, "\x32\xBE\x00\x00"),
    SIGN(FORM_ZIP, 0, "PK\x03\x04"),
    SIGN(FORM_ZIP, 0, "PK\x05\x06"),
};

/* Texts have no row: a text part would be open to changes of its line ends. ALONE: the form is sure
 * enough, and harmless enough, to be named without an extension (Mac files have none, Q136474). */
static const struct {
    const char *extension;
    enum form form;
    bool alone;
    const char *type;
} types[] = {
    {"AVI", FORM_AVI, false, "video/x-msvideo"},
    {"BMP", FORM_BMP, false, "image/bmp"},
    {"DIB", FORM_BMP, false, "image/bmp"},
    {"DOC", FORM_OLE, false, "application/msword"},
    {"DOC", FORM_WORD, false, "application/msword"},
    {"DOT", FORM_OLE, false, "application/msword"},
    {"DOT", FORM_WORD, false, "application/msword"},
    {"EPS", FORM_POSTSCRIPT, false, "application/postscript"},
    {"GIF", FORM_GIF, true, "image/gif"},
    {"JPEG", FORM_JPEG, false, "image/jpeg"},
    {"JPG", FORM_JPEG, true, "image/jpeg"},
    {"MID", FORM_MIDI, true, "audio/midi"},
    {"MPP", FORM_OLE, false, "application/vnd.ms-project"},
    {"PCX", FORM_PCX, false, "image/x-pcx"},
    {"PDF", FORM_PDF, true, "application/pdf"},
    {"PNG", FORM_PNG, true, "image/png"},
    {"PPT", FORM_OLE, false, "application/vnd.ms-powerpoint"},
    {"PS", FORM_POSTSCRIPT, false, "application/postscript"},
    {"RTF", FORM_RTF, true, "application/rtf"},
    {"TIF", FORM_TIFF, false, "image/tiff"},
    {"TIFF", FORM_TIFF, true, "image/tiff"},
    {"WAV", FORM_WAVE, false, "audio/x-wav"},
    {"WK1", FORM_LOTUS, false, "application/vnd.lotus-1-2-3"},
    {"WK3", FORM_LOTUS, false, "application/vnd.lotus-1-2-3"},
    {"WMF", FORM_WMF, false, "image/wmf"},
    {"WRI", FORM_WRITE, false, "application/x-mswrite"},
    {"XLS", FORM_BIFF, false, "application/vnd.ms-excel"},
    {"XLS", FORM_OLE, false, "application/vnd.ms-excel"},
    {"ZIP", FORM_ZIP, true, "application/zip"},
};

struct start {
    uint8_t octets[ATTACHMENT_LOOK_MAX];
    size_t size;
    uint64_t whole; /* octets of the content */
};

static bool begins_as(const struct start *start, enum form form)
{
    size_t i;

    if ((form == FORM_WAVE || form == FORM_AVI) &&
        (start->size < 4 || memcmp(start->octets, "RIFF", 4) != 0))
        return false;
    for (i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (signs[i].form == form && start->size >= signs[i].at + signs[i].size &&
            memcmp(start->octets + signs[i].at, signs[i].octets, signs[i].size) == 0)
            return true;
    return false;
}

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static uint64_t padded(uint64_t size)
{
    return (size + MACBINARY_HEADER - 1) / MACBINARY_HEADER * MACBINARY_HEADER;
}

/* The check of MacBinary II headers: CRC-16 of CCITT over the octets before it. */
static uint16_t header_crc(const uint8_t *octets, size_t size)
{
    uint16_t crc = 0;
    size_t i;
    int bit;

    for (i = 0; i < size; i++) {
        crc = (uint16_t)(crc ^ octets[i] << 8);
        for (bit = 0; bit < 8; bit++)
            crc = (uint16_t)((crc & 0x8000) != 0 ? crc << 1 ^ CRC_POLYNOMIAL : crc << 1);
    }
    return crc;
}

/* MacBinary I has zeros where II has its check. */
static bool is_checked(const uint8_t *header)
{
    uint16_t told = (uint16_t)(header[124] << 8 | header[125]);
    size_t i;

    if (told == header_crc(header, 124) && told != 0)
        return true;
    for (i = 99; i < 126; i++)
        if (header[i] != 0)
            return false;
    return true;
}

/*
 * The header of MacBinary I, II and III: octets 0, 74 and 82 are zero, a name of 1 to 63 octets,
 * two forks whose sizes, each padded to 128, make up the file. A file that only begins with zeros
 * (Q141070) has no name and no forks. Some programs leave out the last padding.
 */
static bool is_macbinary(const struct start *start)
{
    const uint8_t *h = start->octets;
    uint64_t data, resource, second, body;

    if (start->size < MACBINARY_HEADER || h[0] != 0 || h[74] != 0 || h[82] != 0 || h[1] == 0 ||
        h[1] > 63 || memchr(h + 2, 0, h[1]) != NULL)
        return false;
    data = big_endian(h + 83);
    resource = big_endian(h + 87);
    second = (uint64_t)h[120] << 8 | h[121];
    if (data + resource == 0 || data > MACBINARY_FORK_MAX || resource > MACBINARY_FORK_MAX)
        return false;
    body = MACBINARY_HEADER + padded(second) + padded(data);
    return (start->whole == body + padded(resource) || start->whole == body + resource ||
            (resource == 0 && start->whole == body - padded(data) + data)) &&
           is_checked(h);
}

static bool is_apple_file(const struct start *start)
{
    return start->size >= 8 && memcmp(start->octets, "\x00\x05\x16", 3) == 0 &&
           (start->octets[3] == 0x00 || start->octets[3] == 0x07) && start->octets[4] == 0 &&
           (start->octets[5] == 1 || start->octets[5] == 2);
}

static const char *judge(const char *name, const struct start *start)
{
    const char *dot = strrchr(name, '.');
    size_t i;

    if (is_macbinary(start))
        return "application/macbinary";
    if (is_apple_file(start))
        return "application/applefile";
    for (i = 0; i < sizeof types / sizeof types[0]; i++) {
        bool named =
            dot != NULL ? g_ascii_strcasecmp(dot + 1, types[i].extension) == 0 : types[i].alone;
        if (named && begins_as(start, types[i].form))
            return types[i].type;
    }
    return UNKNOWN_TYPE;
}

int attachment_type(const char *name, const struct content *content, char out[ATTACHMENT_TYPE_SIZE],
                    struct error *err)
{
    struct start start;

    start.whole = content_size(content);
    start.size = (size_t)MIN(start.whole, sizeof start.octets);
    if (start.size != 0 && content_read(content, 0, start.octets, start.size, err) != 0)
        return -1;
    snprintf(out, ATTACHMENT_TYPE_SIZE, "%s", judge(name, &start));
    return 0;
}
