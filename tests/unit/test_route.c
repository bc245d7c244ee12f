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
#include "postoffice/route.h"

struct fixture {
    struct po po;
    struct root *root;
    struct bytes *networks, *xtn;
};

static void begin(struct fixture *f)
{
    struct error err = {0};

    po_make(&f->po);
    assert_int_equal(root_open(&f->root, f->po.path, &err), 0);
    f->networks = calloc(1, sizeof *f->networks);
    f->xtn = calloc(1, sizeof *f->xtn);
    assert_true(f->networks != NULL && f->xtn != NULL);
}

static void end(struct fixture *f)
{
    free(f->networks);
    free(f->xtn);
    root_free(f->root);
    po_clear(&f->po);
}

static void add_network(struct fixture *f, unsigned active, unsigned type, const char *name,
                        const char *xtn, const char *mailbag)
{
    uint8_t record[122] = {(uint8_t)active, (uint8_t)type};

    memcpy(record + 0x02, name, strlen(name));
    memcpy(record + 0x0D, xtn, strlen(xtn));
    memcpy(record + 0x21, mailbag, strlen(mailbag));
    put(f->networks, record, sizeof record);
}

static void add_postoffice(struct fixture *f, unsigned active, const char *name,
                           const char *mailbag)
{
    uint8_t record[698] = {(uint8_t)active};

    memcpy(record + 0x01, name, strlen(name));
    memcpy(record + 0x0C, mailbag, strlen(mailbag));
    put(f->xtn, record, sizeof record);
}

static void write_tables(struct fixture *f)
{
    po_write(&f->po, "GLB/NETWORK.GLB", f->networks->data, f->networks->size);
    po_write(&f->po, "XTN/00000020.XTN", f->xtn->data, f->xtn->size);
}

/* Active and deleted records, names that begin alike, ten character names, ids in lower case, an id
 * of a file that is not there. */
static void make_tables(struct fixture *f)
{
    add_network(f, 0, 2, "NORTH", "000000FF", "");
    add_network(f, 1, 2, "NOR", "000000FE", "");
    add_network(f, 1, 2, "NORTH", "00000020", "");
    add_network(f, 1, 0x30, "SMTP", "", "0000001a");
    add_network(f, 1, 0x10, "MSMAIL", "000000FD", "0000002E");
    add_network(f, 1, 0x30, "EMPTY", "", "");
    add_network(f, 1, 0x30, "PATHS", "", "../../et");
    add_network(f, 1, 0x64, "EXCHNET", "00000020", "");
    add_postoffice(f, 0, "SALES", "00000001");
    add_postoffice(f, 1, "SALES", "00000010");
    add_postoffice(f, 1, "SALESABCDE", "0000001b");
    add_postoffice(f, 1, "SALESABCDF", "0000001c");
    add_postoffice(f, 1, "BAD", "1b");
    write_tables(f);
}

static const struct {
    const char *name, *mailbag; /* NULL: an error that holds ... */
    const char *error;
    enum route_kind kind;
} cases[] = {
    {"NORTH/SALES", "00000010", NULL, ROUTE_POSTOFFICE},
    {"north/Sales", "00000010", NULL, ROUTE_POSTOFFICE},
    {"NORTH/SALESABCDE", "0000001B", NULL, ROUTE_POSTOFFICE},
    {"NORTH/SALESABCDF", "0000001C", NULL, ROUTE_POSTOFFICE},
    {"EXCHNET/SALES", "00000010", NULL, ROUTE_FFAPI},
    {"SMTP", "0000001A", NULL, ROUTE_GATEWAY},
    {"msmail", "0000002E", NULL, ROUTE_GATEWAY},
    {"NORTH/SALESABCD", NULL, "no active record", ROUTE_POSTOFFICE},
    {"NORTH", NULL, "no active record", ROUTE_POSTOFFICE},
    {"NORTH/", NULL, "no active record", ROUTE_POSTOFFICE},
    {"SMT", NULL, "no active record", ROUTE_GATEWAY},
    {"SMTP/X", NULL, "no active record", ROUTE_GATEWAY},
    {"", NULL, "no active record", ROUTE_GATEWAY},
    {"NOR/SALES", NULL, "GLB/NETWORK.GLB: record 1: ", ROUTE_POSTOFFICE},
    {"NORTH/BAD", NULL, "XTN/00000020.XTN: record 4 has no mailbag id", ROUTE_POSTOFFICE},
    {"EMPTY", NULL, "GLB/NETWORK.GLB: record 5 has no XTN or mailbag id", ROUTE_GATEWAY},
    {"PATHS", NULL, "GLB/NETWORK.GLB: record 6 has no XTN or mailbag id", ROUTE_GATEWAY},
};

static void test_find(void **state)
{
    struct fixture f;

    (void)state;
    begin(&f);
    make_tables(&f);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct route route;
        struct error err = {0};
        int status = route_find(f.root, cases[i].name, &route, &err);
        if (status != (cases[i].mailbag != NULL ? 0 : -1))
            fail_msg("%s: %d %s", cases[i].name, status, err.text);
        if (status == 0) {
            assert_string_equal(route.mailbag, cases[i].mailbag);
            assert_int_equal(route.kind, cases[i].kind);
        } else {
            assert_int_equal(err.class, ERROR_SETUP);
            if (strstr(err.text, cases[i].error) == NULL)
                fail_msg("%s: %s", cases[i].name, err.text);
        }
    }
    end(&f);
}

static void test_published(void **state)
{
    struct route route;
    struct error err = {0};
    struct fixture f;
    uint8_t dump[256];

    (void)state;
    begin(&f);
    assert_int_equal(published("q148666.network.hex", dump, sizeof dump), 128);
    po_write(&f.po, "GLB/NETWORK.GLB", dump, 122);
    assert_int_equal(route_find(f.root, "MSMAIL", &route, &err), 0);
    assert_string_equal(route.mailbag, "0000002E");
    assert_string_equal(route.name, "MSMAIL");
    assert_int_equal(route.kind, ROUTE_GATEWAY);
    po_write(&f.po, "GLB/NETWORK.GLB", dump, 128);
    assert_int_equal(route_find(f.root, "MSMAIL", &route, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_non_null(strstr(err.text, "GLB/NETWORK.GLB: 128 octets"));
    end(&f);
}

static void test_damaged_files(void **state)
{
    struct route route;
    struct error err = {0};
    struct fixture f;

    (void)state;
    begin(&f);
    make_tables(&f);
    po_write(&f.po, "XTN/00000020.XTN", f.xtn->data, 697);
    assert_int_equal(route_find(f.root, "NORTH/SALES", &route, &err), -1);
    assert_non_null(strstr(err.text, "XTN/00000020.XTN: 697 octets"));
    assert_int_equal(route_find(f.root, "SMTP", &route, &err), 0);
    po_remove(&f.po, "XTN/00000020.XTN");
    assert_int_equal(route_find(f.root, "NORTH/SALES", &route, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    po_remove(&f.po, "GLB/NETWORK.GLB");
    assert_int_equal(route_find(f.root, "SMTP", &route, &err), -1);
    assert_non_null(strstr(err.text, "GLB/NETWORK.GLB"));
    end(&f);
}

static int count_routes(void *context, const struct route *route, struct error *err)
{
    unsigned *counts = context;

    (void)err;
    counts[route->problem[0] != '\0']++;
    assert_true((route->problem[0] == '\0') == (route->mailbag[0] != '\0'));
    return 0;
}

static void test_each(void **state)
{
    unsigned counts[2] = {0, 0};
    struct error err = {0};
    struct fixture f;

    (void)state;
    begin(&f);
    make_tables(&f);
    assert_int_equal(route_each(f.root, count_routes, counts, &err), 0);
    assert_int_equal(counts[0], 3 + 2 + 3);
    assert_int_equal(counts[1], 1 + 1 + 2 + 1);
    end(&f);
}

/* Many networks that name one large file are not read for hours. */
static void test_bound(void **state)
{
    static uint8_t many[8192 * 698];
    struct error err = {0};
    struct fixture f;
    unsigned counts[2] = {0, 0};

    (void)state;
    begin(&f);
    for (int i = 0; i < 1000; i++)
        add_network(&f, 1, 2, "NORTH", "00000020", "");
    po_write(&f.po, "GLB/NETWORK.GLB", f.networks->data, f.networks->size);
    for (size_t i = 0; i < sizeof many; i += 698)
        many[i] = 1;
    po_write(&f.po, "XTN/00000020.XTN", many, sizeof many);
    assert_int_equal(route_each(f.root, count_routes, counts, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_non_null(strstr(err.text, "more than 65536 records"));
    assert_int_equal(counts[1], 65536);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
