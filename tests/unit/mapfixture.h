/* SPDX-License-Identifier: BSD-2-Clause */
/* A map of some lines. */
#ifndef TESTS_UNIT_MAPFIXTURE_H
#define TESTS_UNIT_MAPFIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "message/map.h"

/* TEXT as a map in *STATE: the status of map_load, or -1. */
int mapfixture_load(void **state, const char *text);
/* The teardown. */
int mapfixture_unload(void **state);

#endif
