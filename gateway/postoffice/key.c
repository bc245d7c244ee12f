/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "postoffice/key.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int key_check_profile(const struct profile *profile, struct error *err)
{
    if (profile_require(profile, PROFILE_BITMAP_OFFSET, err) != 0 ||
        profile_require(profile, PROFILE_BITMAP_ORDER, err) != 0)
        return -1;
    return profile_require(profile, PROFILE_BITMAP_SET, err);
}

static void file_name(const char *id, char out[KEY_NAME_SIZE])
{
    snprintf(out, KEY_NAME_SIZE, "KEY/%.8s.KEY", id);
}

int key_open(struct root *root, const char *id, int flags, struct key *out, struct error *err)
{
    char name[KEY_NAME_SIZE];
    struct stat st;
    int fd;

    file_name(id, name);
    fd = root_open_file(root, name, flags, err);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) != 0) {
        error_sys(err, ERROR_SOFT, "", "%s: cannot read its size", name);
    } else if (st.st_size != KEY_SIZE) {
        error_set(err, ERROR_DATA, "", "%s: %lld octets, a KEY has %d", name,
                  (long long)st.st_size, KEY_SIZE);
    } else if (file_pread(fd, name, out->octets, KEY_SIZE, 0, err) == 0) {
        return fd;
    }
    close(fd);
    return -1;
}

int key_load(struct root *root, const char *id, struct key *out, struct error *err)
{
    int fd = key_open(root, id, O_RDONLY, out, err);

    if (fd < 0)
        return -1;
    close(fd);
    return 0;
}

static size_t place(const struct profile *profile, uint32_t record, uint8_t *mask)
{
    unsigned bit = record % 8;

    *mask = (uint8_t)(1U << (profile->key_msb_first ? 7 - bit : bit));
    return profile->key_bitmap_offset + record / 8;
}

bool key_is_live(const struct key *key, const struct profile *profile, uint32_t record)
{
    uint8_t mask;
    size_t at = place(profile, record, &mask);

    return ((key->octets[at] & mask) != 0) != profile->key_set_is_deleted;
}

static void count_down(struct key *key, int offset)
{
    uint8_t *word;

    if (offset < 0)
        return;
    word = key->octets + offset;
    if (word[0] == 0 && word[1] == 0)
        return;
    if (word[0]-- == 0)
        word[1]--;
}

void key_delete(struct key *key, const struct profile *profile, uint32_t record)
{
    uint8_t mask;
    size_t at = place(profile, record, &mask);

    if (profile->key_set_is_deleted)
        key->octets[at] |= mask;
    else
        key->octets[at] &= (uint8_t)~mask;
    count_down(key, profile->key_new);
    count_down(key, profile->key_unread);
    count_down(key, profile->key_live);
}

int key_write(int fd, const char *id, const struct key *before, const struct key *after,
              struct error *err)
{
    char name[KEY_NAME_SIZE];
    size_t first = 0, last = KEY_SIZE;

    while (first < KEY_SIZE && before->octets[first] == after->octets[first])
        first++;
    if (first == KEY_SIZE)
        return 0;
    while (before->octets[last - 1] == after->octets[last - 1])
        last--;
    file_name(id, name);
    return file_pwrite(fd, name, after->octets + first, last - first, first, err);
}
