/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "message/lineends.h"

#define END_MARK 0x1A

void lineends_init(struct lineends *lineends, lineends_emit *emit, void *context)
{
    lineends->emit = emit;
    lineends->context = context;
    lineends->after_cr = false;
    lineends->held = 0;
    lineends->used = 0;
}

static int put(struct lineends *lineends, uint8_t octet, struct error *err)
{
    if (lineends->used == LINEENDS_PIECE) {
        if (lineends->emit(lineends->context, lineends->piece, lineends->used, err) != 0)
            return -1;
        lineends->used = 0;
    }
    lineends->piece[lineends->used++] = octet;
    return 0;
}

static int release_held(struct lineends *lineends, struct error *err)
{
    for (; lineends->held > 0; lineends->held--)
        if (put(lineends, END_MARK, err) != 0)
            return -1;
    return 0;
}

int lineends_add(struct lineends *lineends, const uint8_t *data, size_t size, struct error *err)
{
    size_t i;

    for (i = 0; i < size; i++) {
        uint8_t octet = data[i];
        bool after_cr = lineends->after_cr;

        if (octet == '\0')
            continue;
        lineends->after_cr = octet == '\r';
        if (octet == '\n' && after_cr)
            continue;
        if (octet == END_MARK) {
            lineends->held++;
            continue;
        }
        if (lineends->held > 0 && release_held(lineends, err) != 0)
            return -1;
        if (put(lineends, octet == '\r' ? '\n' : octet, err) != 0)
            return -1;
    }
    return 0;
}

int lineends_end(struct lineends *lineends, struct error *err)
{
    size_t used = lineends->used;

    lineends->held = 0;
    lineends->used = 0;
    return used != 0 ? lineends->emit(lineends->context, lineends->piece, used, err) : 0;
}
