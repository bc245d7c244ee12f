/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pofixture.h"
#include "postoffice/key.h"

static struct profile layout(unsigned offset, bool msb, bool deleted)
{
    struct profile profile = {.key_bitmap_offset = offset, .key_msb_first = msb,
                              .key_set_is_deleted = deleted, .key_new = -1, .key_unread = -1,
                              .key_live = -1};

    return profile;
}

static const struct {
    unsigned offset;
    bool msb, deleted;
    uint32_t record;
    size_t octet;
    uint8_t mask;
} places[] = {
    {0x30, false, true, 0, 0x30, 0x01},  {0x30, false, true, 7, 0x30, 0x80},
    {0x30, false, true, 8, 0x31, 0x01},  {0x30, false, true, 4095, 559, 0x80},
    {0x30, true, true, 0, 0x30, 0x80},   {0x30, true, true, 4095, 559, 0x01},
    {0x00, false, false, 3, 0x00, 0x08}, {0x00, true, false, 4095, 511, 0x01},
};

/* Only the one bit changes, in either sense. */
static void test_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct profile profile = layout(places[i].offset, places[i].msb, places[i].deleted);
        struct key key, want;
        memset(&key, places[i].deleted ? 0x00 : 0xFF, sizeof key);
        want = key;
        want.octets[places[i].octet] ^= places[i].mask;
        assert_true(key_is_live(&key, &profile, places[i].record));
        key_delete(&key, &profile, places[i].record);
        assert_false(key_is_live(&key, &profile, places[i].record));
        assert_memory_equal(&key, &want, sizeof key);
        key_delete(&key, &profile, places[i].record);
        assert_memory_equal(&key, &want, sizeof key);
    }
}

/* Words, least significant octet first, never below zero. */
static void test_counters(void **state)
{
    struct profile profile = layout(0x30, false, true);
    struct key key = {{0}};

    (void)state;
    profile.key_new = 0;
    profile.key_unread = 2;
    profile.key_live = 0x2E;
    key.octets[2] = 1;
    key.octets[0x2F] = 1; /* 256 */
    key_delete(&key, &profile, 5);
    assert_memory_equal(key.octets, "\0\0\0\0", 4);
    assert_int_equal(key.octets[0x2E], 0xFF);
    assert_int_equal(key.octets[0x2F], 0);
    key_delete(&key, &profile, 6);
    assert_memory_equal(key.octets, "\0\0\0\0", 4);
    assert_int_equal(key.octets[0x2E], 0xFE);
    assert_int_equal(key.octets[0x30], 0x60);
}

static void test_load(void **state)
{
    static const size_t sizes[] = {0, 559, 561, 1};
    uint8_t data[600] = {0};
    struct error err = {0};
    struct root *root;
    struct key key;
    struct po po;

    (void)state;
    po_make(&po);
    assert_int_equal(root_open(&root, po.path, &err), 0);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        po_write(&po, "KEY/00000077.KEY", data, sizes[i]);
        assert_int_equal(key_load(root, "00000077", &key, &err), -1);
        assert_int_equal(err.class, ERROR_DATA);
        assert_non_null(strstr(err.text, "KEY/00000077.KEY"));
    }
    po_write(&po, "KEY/00000077.KEY", data, 560);
    assert_int_equal(key_load(root, "00000077", &key, &err), 0);
    assert_int_equal(key_load(root, "00000078", &key, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    root_free(root);
    po_clear(&po);
}

/* What somebody else changed meanwhile outside of what differs is not written back. */
static void test_write(void **state)
{
    uint8_t data[KEY_SIZE], found[KEY_SIZE];
    struct key before, after;
    struct error err = {0};
    struct root *root;
    struct po po;
    int fd;

    (void)state;
    po_make(&po);
    assert_int_equal(root_open(&root, po.path, &err), 0);
    memset(data, 0x55, sizeof data);
    po_write(&po, "KEY/00000077.KEY", data, sizeof data);
    fd = key_open(root, "00000077", O_RDWR, &before, &err);
    assert_true(fd >= 0);
    after = before;
    assert_int_equal(key_write(fd, "00000077", &before, &after, &err), 0);
    data[9] = data[100] = 0xEE;
    po_write(&po, "KEY/00000077.KEY", data, sizeof data);
    after.octets[10] = 1;
    after.octets[99] = 2;
    assert_int_equal(key_write(fd, "00000077", &before, &after, &err), 0);
    assert_int_equal(po_read(&po, "KEY/00000077.KEY", found, sizeof found), KEY_SIZE);
    data[10] = 1;
    data[99] = 2;
    assert_memory_equal(found, data, sizeof data);
    close(fd);
    root_free(root);
    po_clear(&po);
}

static void test_profile(void **state)
{
    struct profile profile = layout(0x30, false, true);
    struct error err = {0};

    (void)state;
    assert_int_equal(key_check_profile(&profile, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, "key.bitmap_offset"));
    profile.known = 1U << PROFILE_BITMAP_OFFSET | 1U << PROFILE_BITMAP_ORDER;
    assert_int_equal(key_check_profile(&profile, &err), -1);
    assert_non_null(strstr(err.text, "key.bitmap_set"));
    profile.known |= 1U << PROFILE_BITMAP_SET;
    assert_int_equal(key_check_profile(&profile, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bits),  cmocka_unit_test(test_counters),
        cmocka_unit_test(test_load),  cmocka_unit_test(test_write),
        cmocka_unit_test(test_profile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
