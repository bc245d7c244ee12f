/* SPDX-License-Identifier: BSD-2-Clause */
/* Who has which mailbag, and the three files that must agree. */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pofixture.h"
#include "postoffice/access2.h"

#define RECORD 69

struct scene {
    struct po po;
    struct root *root;
    struct profile *profile;
    struct error err;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);

    assert_non_null(scene);
    po_make(&scene->po);
    assert_int_equal(root_open(&scene->root, scene->po.path, &scene->err), 0);
    assert_int_equal(profile_load(&scene->profile, scene->po.profile, &scene->err), 0);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    profile_free(scene->profile);
    root_free(scene->root);
    po_clear(&scene->po);
    free(scene);
    return 0;
}

struct entry {
    const char *name, *mailbag;
};

/* Name at 2, mailbag at 0x20, as the fixture's profile says. */
static void write_users(const struct scene *scene, const struct entry *entries, size_t count,
                        size_t extra)
{
    uint8_t *data = calloc(count + 1, RECORD);

    assert_non_null(data);
    for (size_t i = 0; i < count; i++) {
        memcpy(data + i * RECORD + 2, entries[i].name, strlen(entries[i].name));
        memcpy(data + i * RECORD + 0x20, entries[i].mailbag, strlen(entries[i].mailbag));
    }
    po_write(&scene->po, "GLB/ACCESS2.GLB", data, count * RECORD + extra);
    free(data);
}

static void expect(const struct access2 *access2, const char *name, const char *mailbag,
                   bool ambiguous)
{
    const struct access2_user *user = access2_find(access2, name);

    assert_non_null(user);
    assert_string_equal(user->mailbag, mailbag);
    assert_int_equal(user->number, strtoul(mailbag, NULL, 16));
    assert_int_equal(user->ambiguous, ambiguous);
}

static void test_users(void **state)
{
    static const struct entry entries[] = {{"ZOE", "0000002e"}, {"", "00000030"},
                                           {"kim", "0000001F"}, {"BAD", "0000001"},
                                           {"EVE", "00000040"}, {"TENLETTERS", "FFFFFFFF"}};
    struct scene *scene = *state;
    struct access2 *access2;
    const struct access2_user *user;

    write_users(scene, entries, 6, 0);
    assert_int_equal(access2_load(&access2, scene->root, scene->profile, &scene->err), 0);
    assert_int_equal(access2_count(access2), 4);
    assert_string_equal(access2_at(access2, 0)->name, "ZOE");
    assert_int_equal(access2_at(access2, 1)->record, 2);
    expect(access2, "zoe", "0000002E", false);
    expect(access2, "KIM", "0000001F", false);
    expect(access2, "tenletters", "FFFFFFFF", false);
    assert_null(access2_find(access2, ""));
    assert_null(access2_find(access2, "BAD"));
    assert_null(access2_find(access2, "ZO"));
    user = access2_find_mailbag(access2, 0x1F);
    assert_non_null(user);
    assert_string_equal(user->name, "kim");
    assert_null(access2_find_mailbag(access2, 0x30));
    access2_free(access2);
}

/* Two with one name, two with one mailbag: none of them can be trusted. */
static void test_ambiguous(void **state)
{
    static const struct entry entries[] = {{"ZOE", "0000002E"},
                                           {"KIM", "0000001F"},
                                           {"EVE", "0000002E"},
                                           {"kim", "00000050"},
                                           {"ANN", "00000051"}};
    struct scene *scene = *state;
    struct access2 *access2;

    write_users(scene, entries, 5, 0);
    assert_int_equal(access2_load(&access2, scene->root, scene->profile, &scene->err), 0);
    expect(access2, "ZOE", "0000002E", true);
    expect(access2, "EVE", "0000002E", true);
    expect(access2, "KIM", "0000001F", true);
    expect(access2, "ANN", "00000051", false);
    assert_true(access2_find_mailbag(access2, 0x50)->ambiguous);
    access2_free(access2);
}

static void test_strange_files(void **state)
{
    static const struct entry entries[] = {{"ZOE", "0000002E"}};
    struct scene *scene = *state;
    struct access2 *access2;

    assert_int_equal(access2_load(&access2, scene->root, scene->profile, &scene->err), -1);
    assert_int_equal(scene->err.class, ERROR_DATA);
    assert_int_equal(scene->err.sys, ENOENT);
    write_users(scene, entries, 0, 0);
    assert_int_equal(access2_load(&access2, scene->root, scene->profile, &scene->err), 0);
    assert_int_equal(access2_count(access2), 0);
    assert_null(access2_find(access2, "ZOE"));
    assert_null(access2_find_mailbag(access2, 0));
    access2_free(access2);
    write_users(scene, entries, 1, 68);
    assert_int_equal(access2_load(&access2, scene->root, scene->profile, &scene->err), 0);
    assert_int_equal(access2_count(access2), 1);
    access2_free(access2);
}

static void test_profile_is_needed(void **state)
{
    static const struct entry entries[] = {{"ZOE", "0000002E"}};
    struct scene *scene = *state;
    struct access2 *access2;

    write_users(scene, entries, 1, 0);
    assert_true(access2_known(scene->profile));
    scene->profile->known &= ~(1u << PROFILE_ACCESS2_FORM);
    assert_false(access2_known(scene->profile));
    assert_int_equal(access2_load(&access2, scene->root, scene->profile, &scene->err), -1);
    assert_int_equal(scene->err.class, ERROR_SETUP);
    assert_non_null(strstr(scene->err.text, "access2.mailbag_form"));
}

static void write_zeros(const struct scene *scene, const char *name, size_t size)
{
    uint8_t *data = calloc(size + 1, 1);

    assert_non_null(data);
    po_write(&scene->po, name, data, size);
    free(data);
}

static void test_counts(void **state)
{
    static const struct {
        size_t access, access2, access3;
        const char *why; /* NULL: they agree */
    } cases[] = {
        {3 * 586, 3 * 69, 3 * 512, NULL},
        {0, 0, 0, NULL},
        {3 * 586, 2 * 69, 3 * 512, "3, 2 and 3 users"},
        {3 * 586, 3 * 69, 4 * 512, "3, 3 and 4 users"},
        {3 * 586 + 1, 3 * 69, 3 * 512, "ACCESS.GLB: 1759 octets"},
        {3 * 586, 3 * 69 + 68, 3 * 512, "ACCESS2.GLB: 275 octets"},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int status;

        write_zeros(scene, "GLB/ACCESS.GLB", cases[i].access);
        write_zeros(scene, "GLB/ACCESS2.GLB", cases[i].access2);
        write_zeros(scene, "GLB/ACCESS3.GLB", cases[i].access3);
        status = access2_check_counts(scene->root, &scene->err);
        assert_int_equal(status, cases[i].why == NULL ? 0 : -1);
        if (cases[i].why != NULL) {
            assert_int_equal(scene->err.class, ERROR_DATA);
            if (strstr(scene->err.text, cases[i].why) == NULL)
                fail_msg("\"%s\" does not say \"%s\"", scene->err.text, cases[i].why);
        }
    }
    write_zeros(scene, "GLB/ACCESS2.GLB", 3 * 69);
    po_remove(&scene->po, "GLB/ACCESS3.GLB");
    assert_int_equal(access2_check_counts(scene->root, &scene->err), -1);
    assert_int_equal(scene->err.sys, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_users, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_ambiguous, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_strange_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_profile_is_needed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
