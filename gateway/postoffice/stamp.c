/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/stamp.h"

#include <stdio.h>
#include <sys/stat.h>

static int64_t milliseconds(const struct timespec *time)
{
    return (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

static int64_t newest_of(const struct stat *st)
{
    int64_t changed = milliseconds(&st->st_mtim), turned = milliseconds(&st->st_ctim);

    return changed > turned ? changed : turned;
}

/* The time of the last change of the inode tells more than that of the content: programs may set
 * the latter, as DOS clients do from their own clock. */
static void write_part(const struct stat *st, char *out, size_t size)
{
    snprintf(out, size, "%llx:%llx.%lx:%llx.%lx", (unsigned long long)st->st_size,
             (unsigned long long)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec,
             (unsigned long long)st->st_ctim.tv_sec, (unsigned long)st->st_ctim.tv_nsec);
}

int stamp_take(struct root *root, const char *id, char out[STAMP_SIZE], int64_t *newest_ms,
               struct error *err)
{
    char name[32], one[STAMP_SIZE / 2 - 8], other[STAMP_SIZE / 2 - 8];
    struct stat key, mbg;

    snprintf(name, sizeof name, "KEY/%.8s.KEY", id);
    if (root_look(root, name, &key, err) != 0)
        return -1;
    snprintf(name, sizeof name, "MBG/%.8s.MBG", id);
    if (root_look(root, name, &mbg, err) != 0)
        return -1;
    write_part(&key, one, sizeof one);
    write_part(&mbg, other, sizeof other);
    snprintf(out, STAMP_SIZE, "%s/%s", one, other);
    if (newest_ms != NULL)
        *newest_ms = newest_of(&key) > newest_of(&mbg) ? newest_of(&key) : newest_of(&mbg);
    return 0;
}
