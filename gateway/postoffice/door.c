/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/door-int.h"

int door_begin(struct door *door, size_t limit, struct error *err)
{
    return door->operations->begin(door, limit, err);
}

int door_next(struct door *door, struct item **out, struct error *err)
{
    return door->operations->next(door, out, err);
}

int door_load(struct door *door, struct item *item, struct error *err)
{
    return door->operations->load(door, item, err);
}

void door_accept(struct door *door, const struct item *item)
{
    door->operations->accept(door, item);
}

int door_finish(struct door *door, struct error *err)
{
    return door->operations->finish(door, err);
}

void door_abandon(struct door *door)
{
    door->operations->abandon(door);
}

void door_free(struct door *door)
{
    if (door != NULL)
        door->operations->free(door);
}
