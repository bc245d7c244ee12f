/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/calibrate.h"

#include <string.h>

#define LINE 60 /* characters: no client breaks such a line */

static const char *const words[] = {
    "amber", "barrel", "candle", "dinner",  "engine", "farmer", "garden", "harbour",
    "island", "jacket", "kettle", "ladder",  "market", "needle", "orange", "pencil",
    "quartz", "river",  "saddle", "teapot",  "uncle",  "valley", "window", "yellow",
    "zebra", "bridge", "copper", "drawer",  "evening", "forest", "glass",  "hammer",
};

/* "017 river amber needle", each line another one, the same at every call. */
static size_t make_line(unsigned number, unsigned *seed, char *out, size_t most)
{
    size_t used = 0;

    for (unsigned place = 100; place != 0; place /= 10)
        out[used++] = (char)('0' + number / place % 10);
    for (;;) {
        const char *word;
        size_t length;
        *seed = *seed * 1103515245u + 12345u;
        word = words[(*seed >> 16) % (sizeof words / sizeof words[0])];
        length = strlen(word);
        if (used + 1 + length > most)
            return used;
        out[used++] = ' ';
        memcpy(out + used, word, length);
        used += length;
    }
}

void calibrate_text(char out[CALIBRATE_TEXT_SIZE])
{
    unsigned seed = 1997, number = 0;
    size_t used = 0;

    while (used < CALIBRATE_TEXT_SIZE) {
        size_t left = CALIBRATE_TEXT_SIZE - used - 2, start = used;
        size_t most = left < LINE ? left : LINE;
        /* What would be left of the last line takes no number: a longer one ends the text. */
        if (left > LINE && left < LINE + 16)
            most = LINE / 2;
        used += make_line(++number, &seed, out + used, most);
        while (most == left && used - start < left)
            out[used++] = '.';
        memcpy(out + used, "\r\n", 2);
        used += 2;
    }
}
