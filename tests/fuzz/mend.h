/* SPDX-License-Identifier: BSD-2-Clause */
/* What fuzzers share. */
#ifndef TESTS_MEND_H
#define TESTS_MEND_H

#include <stddef.h>
#include <stdint.h>

/* Makes the checksums of the attributes of a TNEF stream right, as far as its lengths go. */
void mend_tnef(uint8_t *data, size_t size);

#endif
