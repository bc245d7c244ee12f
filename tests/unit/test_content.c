/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "message/content.h"

static uint8_t *pattern(size_t size)
{
    uint8_t *data = malloc(size + 1);
    size_t i;

    assert_non_null(data);
    for (i = 0; i < size; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    return data;
}

static void assert_holds(const struct content *content, const uint8_t *data, size_t size)
{
    uint8_t *read = malloc(size + 1);
    struct error err;

    assert_non_null(read);
    assert_int_equal(content_size(content), size);
    assert_int_equal(content_read(content, 0, read, size, &err), 0);
    assert_memory_equal(read, data, size);
    free(read);
}

static void test_bytes(void **state)
{
    struct content *content;
    const uint8_t *data;
    struct error err;
    uint64_t offset;
    char out[4];

    (void)state;
    assert_int_equal(content_from_bytes(&content, "a\0bc", 4, &err), 0);
    assert_holds(content, (const uint8_t *)"a\0bc", 4);
    assert_int_equal(content_read(content, 2, out, 2, &err), 0);
    assert_memory_equal(out, "bc", 2);
    assert_int_equal(content_read(content, 4, out, 0, &err), 0);
    assert_int_equal(content_place(content, &data, &offset), -1);
    assert_memory_equal(data, "a\0bc", 4);
    content_free(content);
    assert_int_equal(content_from_bytes(&content, NULL, 0, &err), 0);
    assert_int_equal(content_size(content), 0);
    content_free(content);
    content_free(NULL);
}

static void test_outside(void **state)
{
    static const struct {
        uint64_t offset;
        size_t size;
    } cases[] = {{0, 5}, {4, 1}, {5, 0}, {UINT64_MAX, 1}, {1, SIZE_MAX}, {UINT64_MAX, SIZE_MAX}};
    struct content *content;
    struct error err;
    char out[8];
    size_t i;

    (void)state;
    assert_int_equal(content_from_bytes(&content, "abcd", 4, &err), 0);
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(content_read(content, cases[i].offset, out, cases[i].size, &err), -1);
        assert_int_equal(err.class, ERROR_DATA);
    }
    content_free(content);
}

static void test_file(void **state)
{
    uint8_t *data = pattern(100000);
    struct content *content;
    const uint8_t *memory;
    struct error err;
    uint64_t offset;
    uint8_t byte;
    int fd;

    (void)state;
    fd = file_temporary("/tmp", &err);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, "test", data, 100000, &err), 0);
    assert_int_equal(content_from_file(&content, fd, 10, 99980, &err), 0);
    close(fd); /* the content has its own descriptor */
    assert_holds(content, data + 10, 99980);
    assert_true(content_place(content, &memory, &offset) >= 0);
    assert_null(memory);
    assert_int_equal(offset, 10);
    assert_int_equal(content_read(content, 99980, &byte, 1, &err), -1);
    content_free(content);
    free(data);
}

static void test_file_that_ends(void **state)
{
    struct content *content;
    struct error err;
    char out[10];
    int fd;

    (void)state;
    fd = file_temporary("/tmp", &err);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, "test", "12345", 5, &err), 0);
    assert_int_equal(content_from_file(&content, fd, 0, 10, &err), 0);
    assert_int_equal(content_read(content, 0, out, 10, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    content_free(content);
    assert_int_equal(content_from_file(&content, fd, UINT64_MAX, 2, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    close(fd);
    assert_int_equal(content_from_file(&content, fd, 0, 1, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
}

/* Sizes around the limit of memory, in pieces of several sizes. */
static void test_writer(void **state)
{
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 300001};
    static const size_t steps[] = {1000, 65536, 65537, 400000};
    uint8_t *data = pattern(300001);
    struct error err;
    size_t i, j, at;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (j = 0; j < sizeof steps / sizeof steps[0]; j++) {
            struct content_writer *writer;
            struct content *content;
            const uint8_t *memory;
            uint64_t offset;

            assert_int_equal(content_writer_new(&writer, "/tmp", 300001, &err), 0);
            for (at = 0; at < sizes[i]; at += steps[j]) {
                size_t some = sizes[i] - at < steps[j] ? sizes[i] - at : steps[j];
                assert_int_equal(content_writer_add(writer, data + at, some, &err), 0);
            }
            assert_int_equal(content_writer_finish(writer, &content, &err), 0);
            assert_holds(content, data, sizes[i]);
            assert_int_equal(content_place(content, &memory, &offset) < 0,
                             sizes[i] <= CONTENT_IN_MEMORY);
            content_free(content);
        }
    }
    free(data);
}

static void test_writer_refuses(void **state)
{
    struct content_writer *writer;
    struct content *content;
    uint8_t *data = pattern(70000);
    struct error err;

    (void)state;
    assert_int_equal(content_writer_new(&writer, "/tmp", 10, &err), 0);
    assert_int_equal(content_writer_add(writer, "12345678", 8, &err), 0);
    assert_int_equal(content_writer_add(writer, "123", 3, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_int_equal(content_writer_add(writer, "12", 2, &err), 0);
    assert_int_equal(content_writer_finish(writer, &content, &err), 0);
    assert_holds(content, (const uint8_t *)"1234567812", 10);
    content_free(content);

    assert_int_equal(content_writer_new(&writer, "/nonexistent", 1000000, &err), 0);
    assert_int_equal(content_writer_add(writer, data, 70000, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
    content_writer_free(writer);
    content_writer_free(NULL);
    free(data);
}

static void test_hash(void **state)
{
    /* of "abc", FIPS 180-2 appendix B.1; of a million "a", appendix B.3 */
    static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
    static const uint8_t million[] = {0xcd, 0xc7, 0x6e, 0x5c, 0x99, 0x14, 0xfb, 0x92};
    struct content_writer *writer;
    struct content *content;
    uint8_t hash[32];
    struct error err;
    char some[1000];
    int i;

    (void)state;
    assert_int_equal(content_from_bytes(&content, "abc", 3, &err), 0);
    assert_int_equal(content_hash(content, hash, &err), 0);
    assert_memory_equal(hash, abc, sizeof abc);
    content_free(content);
    memset(some, 'a', sizeof some);
    assert_int_equal(content_writer_new(&writer, "/tmp", 1000000, &err), 0);
    for (i = 0; i < 1000; i++)
        assert_int_equal(content_writer_add(writer, some, sizeof some, &err), 0);
    assert_int_equal(content_writer_finish(writer, &content, &err), 0);
    assert_int_equal(content_hash(content, hash, &err), 0);
    assert_memory_equal(hash, million, sizeof million);
    content_free(content);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),  cmocka_unit_test(test_outside),
        cmocka_unit_test(test_file),   cmocka_unit_test(test_file_that_ends),
        cmocka_unit_test(test_writer), cmocka_unit_test(test_writer_refuses),
        cmocka_unit_test(test_hash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
