/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiler attributes that the contracts of the other headers use. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define WARN_UNUSED __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

#endif
