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
#include "postoffice/cipher.h"

/* In the published dump, which begins at file offset 0x0B. */
#define DUMP_START 0x0B
#define FROM_AT (0x27 - DUMP_START)
#define TO_1_AT (0x50 - DUMP_START)
#define TO_2_AT (0x66 - DUMP_START)
#define TO_3_AT (0x7C - DUMP_START)

static struct profile *load(const char *text)
{
    struct profile *profile;
    struct error err = {0};
    struct po po;

    po_make(&po);
    po_write_profile(&po, text);
    assert_int_equal(profile_load(&profile, po.profile, &err), 0);
    po_clear(&po);
    return profile;
}

static struct profile *load_published(void)
{
    const char *top = getenv("srcdir");
    struct profile *profile;
    struct error err = {0};
    char path[512];

    snprintf(path, sizeof path, "%s/contrib/profiles/published.profile", top != NULL ? top : ".");
    assert_int_equal(profile_load(&profile, path, &err), 0);
    return profile;
}

/* The published profile reads the tail of From and three recipients of the published message: the
 * known positions, 11 to 21, of the four strings that were printed. */
static void test_published_profile_reads_from_and_three_recipients(void **state)
{
    static const struct {
        size_t at, size;
        const char *plain;
    } strings[] = {
        {FROM_AT, 11, "/Admin\0\x80\0\0\x40"},
        {TO_1_AT, 9, "/300\0\x80\0\0\x40"},
        {TO_2_AT, 9, "/299\0\x80\0\0\x40"},
        {TO_3_AT, 4, "/298"},
    };
    struct profile *profile = load_published();
    uint8_t dump[256], out[64];
    size_t size = published("q104423.mai.hex", dump, sizeof dump);

    (void)state;
    assert_int_equal(size, 128);
    for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
        const uint8_t *cipher = dump + strings[i].at;
        struct cipher c;
        struct error err = {0};
        cipher_init(&c, profile);
        cipher_seek(&c, 11, cipher[10]);
        assert_int_equal(cipher_decode(&c, cipher + 11, out, strings[i].size, &err), 0);
        assert_memory_equal(out, strings[i].plain, strings[i].size);
    }
    profile_free(profile);
}

static void test_unknown_positions(void **state)
{
    struct profile *profile = load_published();
    uint8_t dump[256], out[64];
    struct error err = {0};
    struct cipher c;

    (void)state;
    published("q104423.mai.hex", dump, sizeof dump);
    cipher_init(&c, profile);
    assert_int_equal(cipher_known(&c, 34), 0);
    assert_int_equal(cipher_decode(&c, dump + FROM_AT, out, 34, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_string_equal(err.text, "key position 0 is not known by profile published");
    cipher_seek(&c, 11, dump[FROM_AT + 10]);
    assert_int_equal(cipher_known(&c, 23), 11);
    assert_int_equal(cipher_decode(&c, dump + FROM_AT + 11, out, 23, &err), -1);
    assert_string_equal(err.text, "key position 22 is not known by profile published");
    assert_int_equal(c.position, 11);
    profile_free(profile);
}

static void test_gap(void **state)
{
    struct profile *profile = load("profile = gap\ncipher.period = 6\n"
                                   "cipher.key[0..4] = 01 02 ?? 04 05\n");
    uint8_t in[12] = {0}, out[12];
    struct error err = {0};
    struct cipher c;

    (void)state;
    cipher_init(&c, profile);
    assert_int_equal(cipher_decode(&c, in, out, 2, &err), 0);
    assert_int_equal(cipher_decode(&c, in, out, 1, &err), -1);
    assert_string_equal(err.text, "key position 2 is not known by profile gap");
    cipher_seek(&c, 3, 0);
    assert_int_equal(cipher_decode(&c, in, out, 12, &err), -1);
    assert_string_equal(err.text, "key position 5 is not known by profile gap");
    profile_free(profile);
}

/* In pieces of any size, over the end of the table again and again. */
static void test_pieces(void **state)
{
    struct profile *profile = load(po_profile());
    uint8_t plain[1000], cipher[1000], out[1000];

    (void)state;
    for (size_t i = 0; i < sizeof plain; i++)
        plain[i] = (uint8_t)(i * 7 + i / 256);
    fixture_encipher(plain, cipher, sizeof plain);
    for (size_t piece = 1; piece < 130; piece++) {
        struct error err = {0};
        struct cipher c;
        cipher_init(&c, profile);
        for (size_t at = 0; at < sizeof plain; at += piece) {
            size_t size = sizeof plain - at < piece ? sizeof plain - at : piece;
            assert_int_equal(cipher_decode(&c, cipher + at, out + at, size, &err), 0);
        }
        assert_memory_equal(out, plain, sizeof plain);
    }
    profile_free(profile);
}

static void test_nothing(void **state)
{
    struct profile *profile = load("");
    struct error err = {0};
    uint8_t octet = 0;
    struct cipher c;

    (void)state;
    cipher_init(&c, profile);
    assert_int_equal(cipher_decode(&c, &octet, &octet, 0, &err), 0);
    assert_int_equal(cipher_known(&c, 5), 0);
    profile_free(profile);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_profile_reads_from_and_three_recipients), cmocka_unit_test(test_unknown_positions),
        cmocka_unit_test(test_gap),               cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
