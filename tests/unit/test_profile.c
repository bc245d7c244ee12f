/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pofixture.h"
#include "postoffice/profile.h"

static void contrib_path(const char *name, char out[512])
{
    const char *top = getenv("srcdir");

    snprintf(out, 512, "%s/contrib/profiles/%s", top != NULL ? top : ".", name);
}

static void test_reference(void **state)
{
    struct profile *profile;
    struct error err = {0};
    char path[512];

    (void)state;
    contrib_path("reference.profile", path);
    assert_int_equal(profile_load(&profile, path, &err), 0);
    assert_string_equal(profile->name, "reference");
    assert_int_equal(profile->verdict, PROFILE_INSUFFICIENT);
    for (unsigned i = 0; i < PROFILE_VALUES; i++)
        assert_int_equal(profile_knows(profile, (enum profile_value)i),
                         i != PROFILE_PERIOD && i != PROFILE_POSTOFFICE && i != PROFILE_IGNORED);
    assert_int_equal(profile->key_bitmap_offset, 0x30);
    assert_true(profile->key_set_is_deleted);
    assert_false(profile->key_msb_first);
    assert_int_equal(profile->key_live, 4);
    assert_int_equal(profile->field_text, 4);
    assert_int_equal(profile->trailer_size, 5);
    assert_memory_equal(profile->trailer, "\0\x80\0\0\x40", 5);
    assert_string_equal(profile->codepage, "CP850");
    profile_free(profile);
}

static void test_published(void **state)
{
    struct profile *profile;
    struct error err = {0};
    char path[512];

    (void)state;
    contrib_path("published.profile", path);
    assert_int_equal(profile_load(&profile, path, &err), 0);
    assert_false(profile_knows(profile, PROFILE_BITMAP_OFFSET));
    assert_false(profile_knows(profile, PROFILE_CODEPAGE));
    assert_int_equal(profile->key_new, -1);
    assert_int_equal(profile_require(profile, PROFILE_BITMAP_ORDER, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, "key.bitmap_order"));
    assert_int_equal(profile_key_at(profile, 10), PROFILE_KEY_UNKNOWN);
    assert_int_equal(profile_key_at(profile, 11), 0x52);
    assert_int_equal(profile_key_at(profile, 21), 0x4C);
    assert_int_equal(profile_key_at(profile, 22), PROFILE_KEY_UNKNOWN);
    assert_int_equal(profile_key_at(profile, UINT64_MAX), PROFILE_KEY_UNKNOWN);
    profile_free(profile);
}

static int load_text(const char *text, struct profile **out, struct error *err)
{
    struct po po;
    int status;

    po_make(&po);
    po_write_profile(&po, text);
    status = profile_load(out, po.profile, err);
    po_clear(&po);
    return status;
}

static void test_key_runs(void **state)
{
    struct profile *profile;
    struct error err = {0};

    (void)state;
    assert_int_equal(load_text("cipher.period = 8\n cipher.key[0..3] = 01 ?? 7f 00\r\n"
                               "cipher.key[6..7]=AA BB # two\n",
                               &profile, &err),
                     0);
    assert_int_equal(profile_key_at(profile, 0), 0x01);
    assert_int_equal(profile_key_at(profile, 1), PROFILE_KEY_UNKNOWN);
    assert_int_equal(profile_key_at(profile, 8 + 2), 0x7F);
    assert_int_equal(profile_key_at(profile, 4), PROFILE_KEY_UNKNOWN);
    assert_int_equal(profile_key_at(profile, 8000 + 7), 0xBB);
    profile_free(profile);
}

static void test_parts(void **state)
{
    static const struct profile_part right[] = {
        {0x4C, 1, {0x10}}, {0x7F, 3, {0x00, 0x01, 0x0A}}, {0x0B, 0, {0}}};
    struct profile *profile;
    struct error err = {0};
    char name[PROFILE_PART_TEXT];

    (void)state;
    assert_int_equal(load_text("mai.ignored = field:10  vendor:00010a element:0B\n", &profile, &err),
                     0);
    assert_int_equal(profile->ignored_count, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(profile_part_same(&profile->ignored[i], &right[i]));
    assert_false(profile_part_same(&profile->ignored[0], &profile->ignored[1]));
    profile_part_text(&profile->ignored[1], name);
    assert_string_equal(name, "vendor:00010A");
    profile_part_text(&profile->ignored[2], name);
    assert_string_equal(name, "element:0B");
    profile_free(profile);
    assert_int_equal(load_text("mai.ignored = none\n", &profile, &err), 0);
    assert_true(profile_knows(profile, PROFILE_IGNORED));
    assert_int_equal(profile->ignored_count, 0);
    profile_free(profile);
}

static void test_empty(void **state)
{
    struct profile *profile;
    struct error err = {0};

    (void)state;
    assert_int_equal(load_text("", &profile, &err), 0);
    assert_int_equal(profile->verdict, PROFILE_INSUFFICIENT);
    assert_int_equal(profile->known, 0);
    assert_int_equal(profile_key_at(profile, 0), PROFILE_KEY_UNKNOWN);
    profile_free(profile);
}

static const struct {
    const char *text, *error;
} bad[] = {
    {"profile = a\n\nkey.bitmap_ofset = 0x30\n", "profile:3: key.bitmap_ofset: unknown name"},
    {"profile\n", "profile:1: write"},
    {"codepage = 850\ncodepage = 850\n", "profile:2: codepage is given twice"},
    {"key.bitmap_offset = 49\n", "a number from 0 to 48"},
    {"key.bitmap_offset = -1\n", "a number from 0 to 48"},
    {"key.bitmap_offset = none\n", "a number"},
    {"key.bitmap_offset = 0x\n", "a number from 0 to 48"},
    {"key.bitmap_offset = 4294967296\n", "a number from 0 to 48"},
    {"key.bitmap_offset =\n", "a number from 0 to 48"},
    {"key.bitmap_order = middle\n", "lsb or msb"},
    {"key.count_new = 559\n", "a number from 0 to 558"},
    {"key.bitmap_offset = 0x30\nkey.count_new = 0x2F\n", "inside the bitmap"},
    {"mai.field.from = 0\n", "a number from 1 to 127"},
    {"mai.field.from = 128\n", "a number from 1 to 127"},
    {"mai.field.from = 5\nmai.field.to = 5\n", "two of mai.field"},
    {"mai.date_form = dd.mm.yy\n", "year, month, day, hour"},
    {"mai.date_form = dd.mm.yy hh:mm hh\n", "once each"},
    {"mai.ignored =\n", "names of parts"},
    {"mai.ignored = field:\n", "field:10"},
    {"mai.ignored = field:1\n", "field:10"},
    {"mai.ignored = field:1G\n", "field:10"},
    {"mai.ignored = field:112233445566778899\n", "field:10"},
    {"mai.ignored = element:80\n", "field:10"},
    {"mai.ignored = element:0A0B\n", "field:10"},
    {"mai.ignored = none field:10\n", "field:10"},
    {"mai.ignored = 0x10\n", "field:10"},
    {"postoffice =\n", "1 to 23 characters"},
    {"postoffice = ABCDEFGHIJKL/ABCDEFGHIJKL\n", "1 to 23 characters"},
    {"cipher.chain = none\n", "previous-ciphertext-xor"},
    {"cipher.period = 0\n", "a number from 1 to 65536"},
    {"cipher.key[0..1] = 01\n", "as many octets"},
    {"cipher.key[0..1] = 01 02 03\n", "as many octets"},
    {"cipher.key[1..0] = 01 02\n", "cipher.key[FIRST..LAST]"},
    {"cipher.key[0..65536] = 01\n", "cipher.key[FIRST..LAST]"},
    {"cipher.key[0..1 = 01 02\n", "cipher.key[FIRST..LAST]"},
    {"cipher.key[] = 01\n", "cipher.key[FIRST..LAST]"},
    {"cipher.key[0..0] = 1\n", "two hexadecimal digits"},
    {"cipher.key[0..0] = GG\n", "two hexadecimal digits"},
    {"cipher.key[0..1] = 01 02\ncipher.key[1..1] = 03\n", "position 1 is given twice"},
    {"cipher.period = 2\ncipher.key[0..2] = 01 02 03\n", "beyond cipher.period"},
    {"mai.address_trailer =\n", "1 to 16 octets"},
    {"mai.address_trailer = 00 8\n", "1 to 16 octets"},
    {"mai.address_trailer = 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F 10 11\n", "1 to 16 octets"},
    {"verdict = perhaps\n", "insufficient, readable or proven"},
    {"codepage = 8 50\n", "code page"},
    {"codepage = 0123456789012345678901234567890\n", "shorter"},
    {"access2.mailbag_form = ascii\naccess2.mailbag_offset = 61\n", "more than 60"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct profile *profile = NULL;
        struct error err = {0};
        assert_int_equal(load_text(bad[i].text, &profile, &err), -1);
        assert_int_equal(err.class, ERROR_SETUP);
        if (strstr(err.text, bad[i].error) == NULL)
            fail_msg("\"%s\" says: %s", bad[i].text, err.text);
    }
}

static void test_not_a_file(void **state)
{
    struct profile *profile;
    struct error err = {0};

    (void)state;
    assert_int_equal(profile_load(&profile, "/nonexistent/x", &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_int_equal(profile_load(&profile, "/tmp", &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference), cmocka_unit_test(test_published),
        cmocka_unit_test(test_key_runs),  cmocka_unit_test(test_empty), cmocka_unit_test(test_parts),
        cmocka_unit_test(test_bad),       cmocka_unit_test(test_not_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
