/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "tests/unit/mapfixture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int mapfixture_load(void **state, const char *text)
{
    char path[] = "/tmp/msmailgw-map-XXXXXX";
    size_t size = strlen(text);
    int fd = mkstemp(path);
    struct map *map = NULL;
    struct error err;
    int status = -1;

    if (fd < 0)
        return -1;
    if (write(fd, text, size) == (ssize_t)size)
        status = map_load(&map, path, NULL, NULL, &err);
    close(fd);
    unlink(path);
    *state = map;
    return status;
}

int mapfixture_unload(void **state)
{
    map_free(*state);
    return 0;
}
