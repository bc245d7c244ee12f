/* SPDX-License-Identifier: BSD-2-Clause */
/* What a door implements. Included only by postoffice/door*.c. */
#ifndef POSTOFFICE_DOOR_INT_H
#define POSTOFFICE_DOOR_INT_H

#include "postoffice/door.h"

struct door_operations {
    int (*begin)(struct door *door, size_t limit, struct error *err);
    int (*next)(struct door *door, struct item **out, struct error *err);
    int (*load)(struct door *door, struct item *item, struct error *err);
    void (*accept)(struct door *door, const struct item *item);
    int (*finish)(struct door *door, struct error *err);
    void (*abandon)(struct door *door);
    void (*free)(struct door *door);
};

/* First member of each door's own struct. */
struct door {
    const struct door_operations *operations;
};

#endif
