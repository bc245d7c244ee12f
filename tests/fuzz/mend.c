/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/fuzz/mend.h"

#include <string.h>

void mend_tnef(uint8_t *data, size_t size)
{
    size_t at = 6, length, i;
    uint16_t sum;

    while (at + 11 <= size) {
        memcpy(&length, (uint8_t[8]){data[at + 5], data[at + 6], data[at + 7], data[at + 8]}, 8);
        if (length > size - at - 11)
            return;
        for (sum = 0, i = 0; i < length; i++)
            sum = (uint16_t)(sum + data[at + 9 + i]);
        at += 9 + length;
        data[at++] = (uint8_t)sum;
        data[at++] = (uint8_t)(sum >> 8);
    }
}
