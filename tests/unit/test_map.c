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
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "message/map.h"

struct seen {
    unsigned count;
    unsigned lines[16];
    char first[ERROR_TEXT_SIZE];
};

static void note(void *context, unsigned line, const char *text)
{
    struct seen *seen = context;

    if (seen->count == 0)
        snprintf(seen->first, sizeof seen->first, "%s", text);
    if (seen->count < 16)
        seen->lines[seen->count] = line;
    seen->count++;
}

static int load(const void *data, size_t size, struct map **map, struct seen *seen,
                struct error *err)
{
    char path[] = "/tmp/msmailgw-map-XXXXXX";
    int fd = mkstemp(path);
    int status;

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, path, data, size, err), 0);
    close(fd);
    status = map_load(map, path, seen != NULL ? note : NULL, seen, err);
    unlink(path);
    return status;
}

static int load_text(const char *text, struct map **map, struct error *err)
{
    return load(text, strlen(text), map, NULL, err);
}

static void test_good(void **state)
{
    static const char text[] =
        "\xEF\xBB\xBF# address\tsmtp\tmigrated_at\tstate\tdisplay\tflags\r\n"
        "\r\n"
        "NORTH/HQ/ANNA\tanna@corp.example\r\n"
        "North/HQ/Bert\tbert@corp.example\t1997-03-01T08:00:00+01:00\tpending\tM\xC3\xBCller, "
        "B\tx\n"
        " \t\n"
        "SMTP:carl@old.example\tcarl@corp.example\t1997-03-01\tActive\t\n"
        "MS:SOUTH/LAB/J SMITH\tj.smith@corp.example\t\t\tJ (Lab)";
    const struct map_entry *entry;
    struct map *map;
    struct error err;

    (void)state;
    assert_int_equal(load_text(text, &map, &err), 0);
    assert_int_equal(map_size(map), 4);
    entry = map_find(map, "north/hq/anna");
    assert_ptr_equal(entry, map_at(map, 0));
    assert_string_equal(entry->key, "NORTH/HQ/ANNA");
    assert_string_equal(entry->smtp, "anna@corp.example");
    assert_string_equal(entry->display, "");
    assert_true(entry->active);
    assert_int_equal(entry->line, 3);
    entry = map_find(map, "NORTH/HQ/BERT");
    assert_string_equal(entry->display, "M\xC3\xBCller, B");
    assert_false(entry->active);
    assert_int_equal(entry->line, 4);
    entry = map_find(map, "smtp:CARL@OLD.example");
    assert_non_null(entry);
    assert_true(entry->active);
    entry = map_find(map, "SOUTH/LAB/J SMITH");
    assert_non_null(entry);
    assert_string_equal(entry->display, "J (Lab)");
    assert_null(map_find(map, "NORTH/HQ/ANN"));
    assert_null(map_find(map, ""));
    map_free(map);
    map_free(NULL);
}

static void test_empty(void **state)
{
    struct map *map;
    struct error err;

    (void)state;
    assert_int_equal(load_text("", &map, &err), 0);
    assert_int_equal(map_size(map), 0);
    assert_null(map_find(map, "A/B/C"));
    map_free(map);
}

/* Line 2 of each is wrong; the text must be part of the message. */
static void test_bad(void **state)
{
    static const struct {
        const char *line, *text;
    } cases[] = {
        {"A/B/C", "needs at least"},
        {"A/B/C d@e", "needs at least"},
        {"A/B/C\t", "not an SMTP address"},
        {"A/B/C\td", "not an SMTP address"},
        {"A/B/C\td@e f", "not an SMTP address"},
        {"A/B/C\tX/Y/Q", "not in the map"},
        {"A/B/C\tX/Y", "nor an address of MS Mail"},
        {"A/B/C\tA/B/C", "leads back"},
        {"A/B/*\tall@e", "no %u"},
        {"A/B/*\t%u", "no %u"},
        {"A/B/*\tx@%u.e", "no %u"},
        {"A/B/*\t%x@e", "is not %u"},
        {"A/B/*\t%u%", "is not %u"},
        {"A/B/*\t%u@-", "does not give"},
        {"A/*\t%u@e", "NET/PO/USER"},
        {"FAX/B/*\t%u@e", "reserved"},
        {"A/B/C\td@e\t1997-13-01", "migrated_at"},
        {"A/B/C\td@e\tpending", "migrated_at"}, /* a TAB forgotten */
        {"A/B/C\td@e\t\tgone", "unknown state"},
        {"A/B/C\td@e\t\t\t\t\tx", "more than 6"},
        {"A/B\td@e", "NET/PO/USER"},
        {"A/B/C/D\td@e", "NET/PO/USER"},
        {"A//C\td@e", "NET/PO/USER"},
        {"A/B/\td@e", "NET/PO/USER"},
        {"\td@e", "NET/PO/USER"},
        {"NETWORK0001/B/C\td@e", "longer than 10"},
        {"A/POSTOFFICE1/C\td@e", "longer than 10"},
        {"A/B/MAILBOX0001\td@e", "longer than 10"},
        {"smtp/B/C\td@e", "reserved"},
        {"*EMS/B/C\td@e", "reserved"},
        {"MSMAIL/B/C\td@e", "reserved"},
        {"A/B/$system\td@e", "system"},
        {"A/B/*SPECIAL\td@e", "system"},
        {"x/y/Z\td@e", "already in line 1"},
        {"CSI:X/Y/z\td@e", "already in line 1"},
        {"A/B/\xC3\x9C\td@e", "7-bit"},
        {"FAX:\td@e", "no address"},
        {"A/B/C\td@e\t\t\t\xFF", "UTF-8"},
        {"A/B/C\td@e\t\t\ta\x07", "control character 0x07"},
        {"A/B/C\td@e\t\t\ta\rb", "control character 0x0D"},
    };
    struct map *map;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        struct error err;

        snprintf(text, sizeof text, "X/Y/Z\ta@b\n%s\nQ/R/S\tt@u\n", cases[i].line);
        assert_int_equal(load_text(text, &map, &err), -1);
        assert_int_equal(err.class, ERROR_SETUP);
        if (strstr(err.text, cases[i].text) == NULL || strstr(err.text, " line 2: ") == NULL)
            fail_msg("\"%s\" gave \"%s\"", cases[i].line, err.text);
    }
}

static void test_all_problems(void **state)
{
    static const char text[] = "A/B/C\ta@b\nbad\nD/E/F\tg@h\na/b/c\tx@y\nSMTP/P/U\tx@y\n";
    struct seen seen = {.count = 0};
    struct map *map;
    struct error err;

    (void)state;
    assert_int_equal(load(text, strlen(text), &map, &seen, &err), -1);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.lines[0], 2);
    assert_int_equal(seen.lines[1], 4);
    assert_int_equal(seen.lines[2], 5);
    assert_non_null(strstr(err.text, "line 2"));
    assert_non_null(strstr(err.text, seen.first));
}

static void test_aliases(void **state)
{
    struct map *map;
    struct error err;
    const struct map_entry *entry;

    (void)state;
    assert_int_equal(load_text("N/P/BOSS\tMS:n/p/anna\n"
                               "N/P/CHIEF\tN/P/BOSS\t\t\tThe Chief\n"
                               "N/P/ANNA\ta@b\t\t\tAnna\n"
                               "N/P/PEND\tc@d\t\tpending\n"
                               "N/P/A2\tN/P/PEND\n"
                               "N/P/A3\tSMTP:old@x\n"
                               "SMTP:old@x\tnew@x\n",
                               &map, &err),
                     0);
    entry = map_find(map, "N/P/Boss");
    assert_string_equal(entry->smtp, "a@b");
    assert_string_equal(entry->display, "Anna");
    assert_string_equal(entry->user->key, "N/P/ANNA");
    assert_true(entry->active);
    entry = map_find(map, "N/P/CHIEF");
    assert_string_equal(entry->smtp, "a@b");
    assert_string_equal(entry->display, "The Chief");
    assert_false(map_find(map, "N/P/A2")->active);
    assert_string_equal(map_find(map, "N/P/A3")->smtp, "new@x");
    assert_null(map_find(map, "N/P/ANNA")->user);
    map_free(map);
}

/* T86: a map that leads back to itself. */
static void test_t86_alias_circle(void **state)
{
    struct seen seen = {.count = 0};
    static const char text[] = "N/P/A\tN/P/B\nN/P/B\tN/P/C\nN/P/C\tN/P/A\nN/P/D\td@e\n";
    struct map *map;
    struct error err;

    (void)state;
    assert_int_equal(load(text, strlen(text), &map, &seen, &err), -1);
    assert_int_equal(seen.count, 3);
    assert_non_null(strstr(seen.first, "leads back"));
}

/* Q111840: several domains of a postoffice, the first one that fits wins. */
static void test_rules(void **state)
{
    struct map *map;
    struct error err;
    char out[400];

    (void)state;
    assert_int_equal(load_text("N/P/*\t%u@%p.%n.corp.example\n"
                               "n/p/*\t%u@corp.example\n"
                               "N/Q/*\t%u@q.example\t\tpending\n"
                               "N/Q/*\tx%%%u@q2.example\n"
                               "N/P/ANNA\ta@b\n",
                               &map, &err),
                     0);
    assert_int_equal(map_size(map), 1);
    assert_int_equal(map_rule_count(map), 4);
    assert_int_equal(map_rule_at(map, 1)->line, 2);
    assert_true(map_rule_apply(map, "n/p/zoe", out, sizeof out));
    assert_string_equal(out, "zoe@p.n.corp.example");
    assert_true(map_rule_apply(map, "N/Q/ZOE", out, sizeof out));
    assert_string_equal(out, "x%ZOE@q2.example");
    /* A name that is no local part gets no address; nothing is guessed. */
    assert_false(map_rule_apply(map, "N/P/J SMITH", out, sizeof out));
    assert_false(map_rule_apply(map, "N/X/ZOE", out, sizeof out));
    assert_false(map_rule_apply(map, "ZOE", out, sizeof out));
    assert_false(map_rule_apply(map, "N/P/zoe", out, 16));
    assert_null(map_find(map, "N/P/*"));
    map_free(map);
    /* "P_1" is no label of a domain: the next rule. */
    assert_int_equal(load_text("N/P_1/*\t%u@%p.example\nN/P_1/*\t%u@corp.example\n", &map, &err),
                     0);
    assert_true(map_rule_apply(map, "N/P_1/ZOE", out, sizeof out));
    assert_string_equal(out, "ZOE@corp.example");
    map_free(map);
}

static void test_nul(void **state)
{
    static const char text[] = "A/B/C\ta@b\0hidden\n";
    struct map *map;
    struct error err;

    (void)state;
    assert_int_equal(load(text, sizeof text - 1, &map, NULL, &err), -1);
    assert_non_null(strstr(err.text, "control character 0x00"));
}

static void test_absent(void **state)
{
    struct seen seen = {.count = 0};
    struct map *map;
    struct error err;

    (void)state;
    assert_int_equal(map_load(&map, "/nonexistent/map", note, &seen, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, "/nonexistent/map"));
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.lines[0], 0);
    assert_int_equal(map_load(&map, "/tmp", NULL, NULL, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_int_equal(map_load(&map, "/dev/zero", NULL, NULL, NULL), -1);
}

static void test_large(void **state)
{
    enum { USERS = 50000, LINE = 80 };
    char *text = malloc((size_t)USERS * LINE), key[40];
    const struct map_entry *entry;
    struct map *map;
    struct error err;
    size_t at = 0;
    int i;

    (void)state;
    assert_non_null(text);
    for (i = 0; i < USERS; i++)
        at += (size_t)snprintf(text + at, LINE, "NET%d/PO%d/U%d\tu%d@corp.example\t\t\tUser %d\n",
                               i % 7, i % 11, i, i, i);
    assert_int_equal(load(text, at, &map, NULL, &err), 0);
    assert_int_equal(map_size(map), USERS);
    for (i = 0; i < USERS; i += 997) {
        snprintf(key, sizeof key, "net%d/po%d/u%d", i % 7, i % 11, i);
        entry = map_find(map, key);
        assert_non_null(entry);
        assert_int_equal(entry->line, i + 1);
    }
    map_free(map);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),    cmocka_unit_test(test_empty),
        cmocka_unit_test(test_bad),     cmocka_unit_test(test_all_problems),
        cmocka_unit_test(test_aliases), cmocka_unit_test(test_t86_alias_circle),
        cmocka_unit_test(test_rules),   cmocka_unit_test(test_nul),
        cmocka_unit_test(test_absent),  cmocka_unit_test(test_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
