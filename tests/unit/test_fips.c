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
#include <sys/mman.h>
#include <unistd.h>

#include "pofixture.h"
#include "postoffice/fips.h"

static int open_octets(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fips", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    return fd;
}

static void trace_element(char *out, size_t size, char event, const struct fips_element *element)
{
    size_t used = strlen(out);

    used += (size_t)snprintf(out + used, size - used, "%c%02X", event, element->id);
    for (size_t i = 0; i < element->qualifier_size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%02X", i == 0 ? "." : "",
                                 element->qualifier[i]);
    if (event == 'p')
        snprintf(out + used, size - used, "=%llu", (unsigned long long)element->length);
}

/* All events as text: "(4D.01 p02=3 )" */
static int trace(int fd, char *out, size_t size, struct error *err)
{
    struct fips fips;
    struct fips_element element;
    enum fips_event event = FIPS_ENTER;

    out[0] = '\0';
    assert_int_equal(fips_init(&fips, fd, "T.MAI", err), 0);
    while (event != FIPS_DONE) {
        if (fips_next(&fips, &event, &element, err) != 0)
            return -1;
        if (event == FIPS_ENTER)
            trace_element(out, size, '(', &element);
        else if (event == FIPS_PRIMITIVE)
            trace_element(out, size, 'p', &element);
        else if (event == FIPS_LEAVE)
            strcat(out, ")");
    }
    return 0;
}

static const struct {
    const char *name, *hex, *events;
} good[] = {
    {"empty file", "", ""},
    {"short length", "02 03 41 42 43", "p02=3"},
    {"no contents", "02 00", "p02=0"},
    {"one octet long form", "02 81 03 41 42 43", "p02=3"},
    {"four octets long form", "02 84 00 00 00 03 41 42 43", "p02=3"},
    {"nine octets long form", "02 89 00 00 00 00 00 00 00 00 03 41 42 43", "p02=3"},
    {"message with a field", "4D 08 01 4C 05 01 02 02 41 42", "(4D.01(4C.01p02=2))"},
    {"indefinite message", "4D 80 01 02 01 41 01 00", "(4D.01p02=1)"},
    {"indefinite in indefinite", "4D 80 01 4C 80 05 02 00 01 00 01 00", "(4D.01(4C.05p02=0))"},
    {"indefinite in definite", "4D 08 01 4C 80 05 01 00 02 00", "(4D.01(4C.05)p02=0)"},
    {"vendor defined is primitive", "7F 05 32 20 02 02 00", "p7F.32=4"},
    {"vendor defined without a length", "7F 80 32 20 02 02 00 01 00", "(7F.32p20=2)"},
    {"long qualifier", "7F 06 83 00 01 0A 55 55", "p7F.00010A=2"},
    {"undefined qualifier", "4C 03 80 02 00", "(4Cp02=0)"},
    {"property list of a string", "82 07 24 03 45 01 02 41 42", "p02=2"},
    {"indefinite property list", "82 09 24 80 45 80 02 01 00 01 00", "p02=0"},
    {"property list of a field", "CC 08 10 24 03 45 01 02 02 00", "(4C.10p02=0)"},
    {"no-op and padding", "00 00 21 02 00 00", "p00=0p21=2"},
    {"elements after a message", "4D 01 01 02 00", "(4D.01)p02=0"},
    {"sequence, set, date", "0A 06 0B 04 28 02 02 00", "(0A(0B(28p02=0)))"},
    {"unknown identifier", "33 02 00 00", "p33=2"},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct bytes *bytes = calloc(1, sizeof *bytes);
        struct error err = {0};
        char events[1024];
        int fd;
        assert_non_null(bytes);
        put_hex(bytes, good[i].hex);
        fd = open_octets(bytes->data, bytes->size);
        if (trace(fd, events, sizeof events, &err) != 0)
            fail_msg("%s: %s", good[i].name, err.text);
        if (strcmp(events, good[i].events) != 0)
            fail_msg("%s: %s", good[i].name, events);
        close(fd);
        free(bytes);
    }
}

static const struct {
    const char *name, *hex, *error;
} bad[] = {
    {"identifier only", "4D", "T.MAI: offset 0x1: an element is cut off"},
    {"cut off in the length", "4D 83 00", "offset 0x3: an element is cut off"},
    {"length past the end", "02 05 41", "offset 0x0: an element claims 5 octets, 1 are left"},
    {"4 GB", "02 84 FF FF FF FF 41", "claims 4294967295 octets, 1 are left"},
    {"8 octets of length", "02 88 FF FF FF FF FF FF FF FF", "a length beyond any file"},
    {"part longer than its field", "4D 06 01 4C 05 01 02 02 41 42",
     "offset 0x3: an element claims 5 octets, 3 are left"},
    {"part cut off by its field", "4C 02 01 02 00", "offset 0x4: an element is cut off"},
    {"no qualifier", "4C 00", "offset 0x2: an element is cut off"},
    {"qualifier past its element", "4C 02 83 00 01 0A", "an element is cut off"},
    {"long qualifier", "7F 0A 89 00 00 00 00 00 00 00 00 00", "a qualifier of more than 8"},
    {"no end of an indefinite one", "4D 80 01 02 01 41", "has no end"},
    {"end in a definite one", "4D 03 01 01 00", "ends nothing"},
    {"end outside", "01 00", "ends nothing"},
    {"string without a length", "4D 80 01 02 80 41 01 00 01 00", "without a length"},
    {"property list past its element", "82 03 24 05 41", "claims 5 octets, 1 are left"},
    {"no property list", "82 00", "an element is cut off"},
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes *bytes = calloc(1, sizeof *bytes);
        struct error err = {0};
        char events[1024];
        int fd;
        assert_non_null(bytes);
        put_hex(bytes, bad[i].hex);
        fd = open_octets(bytes->data, bytes->size);
        if (trace(fd, events, sizeof events, &err) == 0)
            fail_msg("%s: accepted as %s", bad[i].name, events);
        assert_int_equal(err.class, ERROR_DATA);
        if (strstr(err.text, bad[i].error) == NULL)
            fail_msg("%s: %s", bad[i].name, err.text);
        close(fd);
        free(bytes);
    }
}

/* DEPTH sequences in one another, with or without lengths. */
static int trace_nest(unsigned depth, bool indefinite, unsigned id, char *out, size_t size,
                      struct error *err)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);
    int fd, status;

    assert_non_null(bytes);
    for (unsigned i = 0; i < depth; i++) {
        put_octet(bytes, id);
        put_octet(bytes, indefinite ? 0x80 : 2 * (depth - i - 1));
    }
    for (unsigned i = 0; indefinite && i < depth; i++)
        put_hex(bytes, "01 00");
    fd = open_octets(bytes->data, bytes->size);
    status = trace(fd, out, size, err);
    close(fd);
    free(bytes);
    return status;
}

static void test_nesting(void **state)
{
    struct error err = {0};
    char events[16384];

    (void)state;
    for (int indefinite = 0; indefinite < 2; indefinite++) {
        assert_int_equal(
            trace_nest(FIPS_MAX_DEPTH, indefinite, 0x0A, events, sizeof events, &err), 0);
        assert_int_equal(
            trace_nest(FIPS_MAX_DEPTH + 1, indefinite, 0x0A, events, sizeof events, &err), -1);
        assert_non_null(strstr(err.text, "nested too deep"));
    }
    assert_int_equal(trace_nest(60000, true, 0x0A, events, sizeof events, &err), -1);
    assert_non_null(strstr(err.text, "nested too deep"));
}

/* A property list of property lists is stepped over without recursion. */
static void test_property_bomb(void **state)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);
    struct error err = {0};
    char events[64];
    int fd;

    (void)state;
    assert_non_null(bytes);
    put_hex(bytes, "8A 80");
    for (unsigned i = 0; i < 100000; i++)
        put_hex(bytes, "24 80");
    fd = open_octets(bytes->data, bytes->size);
    assert_int_equal(trace(fd, events, sizeof events, &err), -1);
    assert_non_null(strstr(err.text, "nested too deep"));
    close(fd);
    free(bytes);
}

static void test_element_bomb(void **state)
{
    size_t size = 2 * (FIPS_MAX_ELEMENTS + 1);
    uint8_t *data = calloc(1, size);
    struct fips_element element;
    enum fips_event event;
    struct error err = {0};
    struct fips fips;
    int fd, status = 0;

    (void)state;
    assert_non_null(data);
    fd = open_octets(data, size);
    assert_int_equal(fips_init(&fips, fd, "T.MAI", &err), 0);
    for (size_t i = 0; i <= FIPS_MAX_ELEMENTS && status == 0; i++)
        status = fips_next(&fips, &event, &element, &err);
    assert_int_equal(status, -1);
    assert_non_null(strstr(err.text, "more elements"));
    close(fd);
    free(data);
}

static void read_all(struct fips *fips, uint8_t *out, size_t size, size_t piece)
{
    struct error err = {0};
    size_t done = 0, got = 1;

    while (got != 0) {
        assert_int_equal(fips_read(fips, out + done, size - done < piece ? size - done : piece,
                                   &got, &err),
                         0);
        done += got;
        if (done == size)
            break;
    }
    assert_int_equal(done, size);
}

/* Contents larger than the window, at every place relative to its border. */
static void test_large(void **state)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);
    uint8_t *contents = malloc(3 * FIPS_WINDOW), *out = malloc(3 * FIPS_WINDOW);
    struct fips_element element;
    enum fips_event event;
    struct error err = {0};
    struct fips fips;

    (void)state;
    assert_true(bytes != NULL && contents != NULL && out != NULL);
    for (size_t i = 0; i < 3 * FIPS_WINDOW; i++)
        contents[i] = (uint8_t)(i * 13 + i / 251);
    for (size_t shift = 0; shift < 12; shift++) {
        int fd;
        bytes->size = 0;
        put_element(bytes, 0x21, -1, contents, FIPS_WINDOW - 11 + shift);
        put_element(bytes, 0x02, -1, contents, 3 * FIPS_WINDOW);
        put_hex(bytes, "02 02 41 42");
        fd = open_octets(bytes->data, bytes->size);
        assert_int_equal(fips_init(&fips, fd, "T.MAI", &err), 0);
        assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
        assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
        assert_int_equal(element.length, 3 * FIPS_WINDOW);
        read_all(&fips, out, 3 * FIPS_WINDOW, 1000 + shift);
        assert_memory_equal(out, contents, 3 * FIPS_WINDOW);
        assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
        assert_int_equal(element.length, 2);
        close(fd);
    }
    free(bytes);
    free(contents);
    free(out);
}

static void test_descend_and_leave(void **state)
{
    struct bytes *bytes = calloc(1, sizeof *bytes);
    struct fips_element element;
    enum fips_event event;
    struct error err = {0};
    struct fips fips;
    int fd;

    (void)state;
    assert_non_null(bytes);
    put_hex(bytes, "4D 80 01 7F 05 31 20 02 2C 01 4C 80 05 02 00 0A 80 01 00 01 00 02 00 01 00");
    fd = open_octets(bytes->data, bytes->size);
    assert_int_equal(fips_init(&fips, fd, "T.MAI", &err), 0);
    assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
    assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
    assert_true(fips_is(&element, FIPS_VENDOR, 0x31));
    assert_int_equal(fips_descend(&fips, &err), 0);
    assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
    assert_int_equal(element.id, FIPS_INTEGER);
    assert_int_equal(element.content, 8);
    assert_int_equal(fips_leave(&fips, &err), 0);
    assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
    assert_true(fips_is(&element, FIPS_FIELD, 0x05));
    assert_int_equal(fips_leave(&fips, &err), 0);
    assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
    assert_int_equal(element.id, FIPS_STRING);
    assert_int_equal(element.offset, 21);
    assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
    assert_int_equal(event, FIPS_LEAVE);
    assert_int_equal(fips_next(&fips, &event, &element, &err), 0);
    assert_int_equal(event, FIPS_DONE);
    close(fd);
    free(bytes);
}

/* Every prefix of a sound file is either sound or told to be damaged; nothing hangs. */
static void test_every_cut(void **state)
{
    struct mail mail = {.counter = 2, .from = "N/P/A", .to = {"N/P/B"}, .date = "1997-04-07 08:00",
                        .subject = "S", .text = "T", .attachments = {{"00000001", "a", 3}}};
    struct bytes *bytes = calloc(1, sizeof *bytes);
    char events[4096];

    (void)state;
    assert_non_null(bytes);
    put_mail(bytes, &mail);
    for (size_t size = 1; size < bytes->size; size++) {
        struct error err = {0};
        int fd = open_octets(bytes->data, size);
        assert_int_equal(trace(fd, events, sizeof events, &err), -1);
        assert_int_equal(err.class, ERROR_DATA);
        close(fd);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),         cmocka_unit_test(test_bad),
        cmocka_unit_test(test_nesting),      cmocka_unit_test(test_property_bomb),
        cmocka_unit_test(test_element_bomb), cmocka_unit_test(test_large),
        cmocka_unit_test(test_descend_and_leave), cmocka_unit_test(test_every_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
