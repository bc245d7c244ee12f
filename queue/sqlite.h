/* SPDX-License-Identifier: BSD-2-Clause */
/* The backend "sqlite:PATH". */
#ifndef QUEUE_SQLITE_H
#define QUEUE_SQLITE_H

#include "queue/store.h"

/* As store_open; PATH has no scheme. */
int store_open_sqlite(struct store **out, const char *path, bool create,
                      struct error *err) WARN_UNUSED;

#endif
