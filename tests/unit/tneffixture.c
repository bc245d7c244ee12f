/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/tneffixture.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

void made_put(struct made *made, const void *data, size_t size)
{
    assert_true(made->size + size <= sizeof made->data);
    memcpy(made->data + made->size, data, size);
    made->size += size;
}

void made_number(struct made *made, uint32_t value, size_t size)
{
    uint8_t octets[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                         (uint8_t)(value >> 24)};

    made_put(made, octets, size);
}

void made_attribute(struct made *made, uint8_t level, uint32_t id, const void *data, size_t size)
{
    const uint8_t *octets = data;
    uint16_t sum = 0;
    size_t i;

    made_number(made, level, 1);
    made_number(made, id, 4);
    made_number(made, (uint32_t)size, 4);
    made_put(made, data, size);
    for (i = 0; i < size; i++)
        sum = (uint16_t)(sum + octets[i]);
    made_number(made, sum, 2);
}

void made_begin(struct made *made, const char *class)
{
    made->size = 0;
    made_number(made, 0x223E9F78, 4);
    made_number(made, 1, 2);
    if (class != NULL)
        made_attribute(made, 1, 0x00078008, class, strlen(class) + 1);
}
