/* SPDX-License-Identifier: BSD-2-Clause */
/* Decompression of PR_RTF_COMPRESSED ([MS-OXRTFCP] 2.1.3, 3.1). */
#include "config.h"

#include "message/rtf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"

#define PACKED 0x75465A4Cu   /* "LZFu" */
#define UNPACKED 0x414C454Du /* "MELA" */
#define HEADER 16
#define DICTIONARY 4096

/* What the dictionary holds at the start: 207 octets ([MS-OXRTFCP] 2.1.2.1). */
static const char prefill[] =
    "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    "\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    "\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

struct unpacker {
    const uint8_t *in;
    size_t size;
    size_t at;
    uint8_t dictionary[DICTIONARY];
    size_t next; /* place in the dictionary that is written next */
    uint8_t *out;
    size_t out_size;
    size_t limit;
};

/* The usual CRC-32, begun with 0 and not inverted ([MS-OXRTFCP] 2.1.3.2). */
static uint32_t crc(const uint8_t *data, size_t size)
{
    uint32_t value = 0;
    size_t i;
    int bit;

    for (i = 0; i < size; i++) {
        value ^= data[i];
        for (bit = 0; bit < 8; bit++)
            value = (value & 1) != 0 ? value >> 1 ^ 0xEDB88320u : value >> 1;
    }
    return value;
}

static void put(struct unpacker *unpacker, uint8_t octet)
{
    if (unpacker->out_size < unpacker->limit)
        unpacker->out[unpacker->out_size++] = octet;
    unpacker->dictionary[unpacker->next] = octet;
    unpacker->next = (unpacker->next + 1) % DICTIONARY;
}

/* One token; false at the end mark, when everything is out, or when the input ends. */
static bool token(struct unpacker *unpacker, bool reference)
{
    size_t value, place, count;

    if (unpacker->out_size >= unpacker->limit ||
        unpacker->at + (reference ? 2 : 1) > unpacker->size)
        return false;
    if (!reference) {
        put(unpacker, unpacker->in[unpacker->at++]);
        return true;
    }
    value = (size_t)unpacker->in[unpacker->at] << 8 | unpacker->in[unpacker->at + 1];
    unpacker->at += 2;
    place = value >> 4;
    if (place == unpacker->next)
        return false;
    for (count = (value & 15) + 2; count > 0; count--) {
        put(unpacker, unpacker->dictionary[place]);
        place = (place + 1) % DICTIONARY;
    }
    return true;
}

static void unpack(struct unpacker *unpacker)
{
    bool more = true;
    uint8_t control;
    int bit;

    memset(unpacker->dictionary, ' ', sizeof unpacker->dictionary);
    memcpy(unpacker->dictionary, prefill, sizeof prefill - 1);
    unpacker->next = sizeof prefill - 1;
    while (more && unpacker->at < unpacker->size) {
        control = unpacker->in[unpacker->at++];
        for (bit = 0; bit < 8 && more; bit++)
            more = token(unpacker, (control >> bit & 1) != 0);
    }
}

static int check(const uint8_t *data, size_t size, uint32_t kind, uint32_t told, struct error *err)
{
    if (kind == UNPACKED)
        return 0;
    if (kind != PACKED)
        return error_set(err, ERROR_DATA, "5.6.0", "formatted text: kind %08X is not known", kind);
    if (crc(data, size) != told)
        return error_set(err, ERROR_DATA, "5.6.0", "formatted text: the checksum is wrong");
    return 0;
}

int rtf_decompress(const void *data, size_t size, char **out, size_t *out_size, struct error *err)
{
    struct unpacker unpacker = {0};
    struct cursor cursor;
    uint32_t packed, raw, kind, told;

    cursor_init(&cursor, data, size);
    if (cursor_le32(&cursor, &packed) != 0 || cursor_le32(&cursor, &raw) != 0 ||
        cursor_le32(&cursor, &kind) != 0 || cursor_le32(&cursor, &told) != 0 ||
        packed < HEADER - 4 || packed - (HEADER - 4) > cursor_left(&cursor))
        return error_set(err, ERROR_DATA, "5.6.0", "formatted text: %zu octets are too few", size);
    if (raw > RTF_MAX || size > RTF_MAX_COMPRESSED)
        return error_set(err, ERROR_DATA, "5.6.0", "formatted text: %u octets, more than %d", raw,
                         RTF_MAX);
    unpacker.in = (const uint8_t *)data + HEADER;
    unpacker.size = packed - (HEADER - 4);
    unpacker.limit = raw;
    if (check(unpacker.in, unpacker.size, kind, told, err) != 0)
        return -1;
    unpacker.out = malloc(unpacker.limit + 1);
    if (unpacker.out == NULL)
        return error_sys(err, ERROR_SOFT, "4.3.0", "formatted text: no memory");
    if (kind == PACKED) {
        unpack(&unpacker);
    } else {
        unpacker.out_size = unpacker.size < raw ? unpacker.size : raw;
        memcpy(unpacker.out, unpacker.in, unpacker.out_size);
    }
    unpacker.out[unpacker.out_size] = '\0';
    *out = (char *)unpacker.out;
    *out_size = unpacker.out_size;
    return 0;
}
