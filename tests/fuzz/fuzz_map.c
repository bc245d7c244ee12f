/* SPDX-License-Identifier: BSD-2-Clause */
/* libFuzzer: the first octet chooses: a map file, or a file that people are imported from. What an
 * import makes has to be a map that loads. */
#include "config.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "message/address.h"
#include "message/import.h"
#include "message/map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const void *data, size_t size, char path[32])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, 32, "/proc/self/fd/%d", fd);
    return fd;
}

static int load_map(const char *path)
{
    struct map *map;
    struct error err;
    char out[ADDRESS_SMTP_MAX + 1];

    if (map_load(&map, path, NULL, NULL, &err) != 0)
        return -1;
    for (size_t i = 0; i < map_size(map); i++) {
        const struct map_entry *entry = map_at(map, i);

        if (!address_smtp_valid(entry->smtp) || map_find(map, entry->key) != entry)
            abort();
        if (map_rule_apply(map, entry->key, out, sizeof out) && !address_smtp_valid(out))
            abort();
    }
    map_free(map);
    return 0;
}

static void import_from(unsigned kind, const char *path)
{
    static const char *const routed[] = {"back.example"};
    struct import *import = import_new(routed, 1);
    struct error err;
    char made[32], *text;
    size_t size;
    int status, fd;

    if (kind == 1)
        status = import_csv(import, path, &err);
    else if (kind == 2)
        status = import_wizard(import, path, "NET/PO", "corp.example", NULL, &err);
    else if (kind == 3)
        status = import_wizard(import, path, "NET/PO", NULL, path, &err);
    else
        status = import_addrmap(import, path, &err);
    if (status == 0) {
        import_text(import, "fuzz", &text, &size);
        fd = file_of(text, size, made);
        if (load_map(made) != 0)
            abort();
        close(fd);
        import_text_free(text);
    }
    import_free(import);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[32];
    int fd;

    if (size == 0)
        return 0;
    fd = file_of(data + 1, size - 1, path);
    if (data[0] % 5 == 0)
        (void)!load_map(path);
    else
        import_from(data[0] % 5, path);
    close(fd);
    return 0;
}
