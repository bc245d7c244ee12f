/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups found by what is published of their files, wherever in a record their parts lie. */
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
#include "postoffice/group.h"

#define GROUP_RECORD 51
#define NME_RECORD 45
#define USER_RECORD 69

struct scene {
    struct po po;
    struct root *root;
    struct access2 *users;
    uint8_t groups[4 + 8 * GROUP_RECORD], nme[8 * NME_RECORD];
    size_t group_size, nme_size;
    struct error err;
};

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    uint8_t users[3 * USER_RECORD] = {0};
    static const char *const names[] = {"ANN", "BOB", "CY"};
    struct profile *profile;

    assert_non_null(scene);
    po_make(&scene->po);
    for (size_t i = 0; i < 3; i++) {
        strcpy((char *)users + i * USER_RECORD + 2, names[i]);
        snprintf((char *)users + i * USER_RECORD + 0x20, 9, "%08X", 0x20 + (unsigned)i);
    }
    po_write(&scene->po, "GLB/ACCESS2.GLB", users, sizeof users);
    assert_int_equal(root_open(&scene->root, scene->po.path, &scene->err), 0);
    assert_int_equal(profile_load(&profile, scene->po.profile, &scene->err), 0);
    assert_int_equal(access2_load(&scene->users, scene->root, profile, &scene->err), 0);
    profile_free(profile);
    scene->group_size = 4;
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;

    access2_free(scene->users);
    root_free(scene->root);
    po_clear(&scene->po);
    free(scene);
    return 0;
}

static void number(uint8_t *at, uint32_t value)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* Address at ADDRESS, alias at ALIAS, TID at TID: as digits when DIGITS. */
struct places {
    size_t address, alias, tid;
    bool digits;
};

static void add_group(struct scene *scene, const struct places *places, const char *address,
                      const char *alias, uint32_t tid)
{
    uint8_t *record = scene->groups + scene->group_size;
    char digits[9];

    strcpy((char *)record + places->address, address);
    strcpy((char *)record + places->alias, alias);
    snprintf(digits, sizeof digits, "%08X", (unsigned)tid);
    if (places->digits)
        memcpy(record + places->tid, digits, 9);
    else
        number(record + places->tid, tid);
    scene->group_size += GROUP_RECORD;
}

static void add_nme(struct scene *scene, unsigned type, const char *alias, uint32_t tid)
{
    uint8_t *record = scene->nme + scene->nme_size;

    record[scene->nme_size % 2] = (uint8_t)type;
    strcpy((char *)record + 2, alias);
    number(record + 41, tid);
    scene->nme_size += NME_RECORD;
}

static struct group_table *load(struct scene *scene)
{
    struct group_table *table;

    po_write(&scene->po, "GLB/GROUP.GLB", scene->groups, scene->group_size);
    po_write(&scene->po, "NME/ADMIN.NME", scene->nme, scene->nme_size);
    assert_int_equal(group_table_load(&table, scene->root, &scene->err), 0);
    return table;
}

static void test_any_order(void **state)
{
    static const struct places places[] = {
        {1, 12, 44, false},
        {40, 1, 33, false},
        {5, 16, 0, false},
        {20, 31, 2, true},
    };
    struct scene *scene = *state;

    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        struct group_table *table;
        const struct group *group = NULL;

        memset(scene->groups, 0, sizeof scene->groups);
        memset(scene->nme, 0, sizeof scene->nme);
        scene->group_size = 4;
        scene->nme_size = 0;
        add_nme(scene, 1, "Ann Ahlberg", 0x100);
        add_nme(scene, 4, "Everybody", 0x1234);
        add_nme(scene, 4, "Sales", 0x1235);
        add_group(scene, &places[i], "SALESGRP", "Sales", 0x1235);
        add_group(scene, &places[i], "OLD", "Gone", 0x1230); /* in no list any more */
        add_group(scene, &places[i], "ALL", "Everybody", 0x1234);
        table = load(scene);
        assert_int_equal(group_find(table, "all", &group, &scene->err), 1);
        assert_int_equal(group->tid, 0x1234);
        assert_string_equal(group->alias, "Everybody");
        assert_int_equal(group_find(table, "SalesGrp", &group, &scene->err), 1);
        assert_int_equal(group->tid, 0x1235);
        assert_int_equal(group_find(table, "OLD", &group, &scene->err), 0);
        assert_int_equal(group_find(table, "ANN", &group, &scene->err), 0);
        assert_int_equal(group_find(table, "00001234", &group, &scene->err), 0);
        assert_int_equal(group_find(table, "", &group, &scene->err), 0);
        group_table_free(table);
    }
}

/* Who cannot be told apart is nobody. */
static void test_unsure(void **state)
{
    static const struct places places = {1, 12, 44, false};
    struct scene *scene = *state;
    struct group_table *table;
    const struct group *group = NULL;

    add_nme(scene, 4, "One", 0x11);
    add_nme(scene, 4, "Other", 0x12);
    add_nme(scene, 4, "Third", 0x13);
    add_group(scene, &places, "SAME", "One", 0x11);
    add_group(scene, &places, "same", "Other", 0x12);
    add_group(scene, &places, "WRONG", "Third", 0x11); /* alias and TID of two groups */
    table = load(scene);
    assert_int_equal(group_find(table, "SAME", &group, &scene->err), -1);
    assert_int_equal(scene->err.class, ERROR_DATA);
    assert_int_equal(group_find(table, "WRONG", &group, &scene->err), 0);
    group_table_free(table);
}

static int members_of(struct scene *scene, const void *data, size_t size, char *out)
{
    const struct group group = {.alias = "All", .tid = 0x1234};
    const struct access2_user **members;
    size_t count;

    po_write(&scene->po, "MEM/00001234.MEM", data, size);
    if (group_members(scene->root, &group, scene->users, &members, &count, &scene->err) != 0)
        return -1;
    out[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        strcat(out, members[i]->name);
        strcat(out, " ");
    }
    free(members);
    return 0;
}

/* T82: a file that is absent or empty has nobody; one that is no list tells so. */
static void test_members(void **state)
{
    struct scene *scene = *state;
    const struct group group = {.alias = "All", .tid = 0x9999};
    const struct access2_user **members;
    uint8_t data[16];
    uint8_t *large = calloc(GROUP_MAX_MEMBERS + 1, 4);
    char names[64];
    size_t count = 7;

    assert_int_equal(
        group_members(scene->root, &group, scene->users, &members, &count, &scene->err), 0);
    assert_int_equal(count, 0);
    free(members);
    assert_int_equal(members_of(scene, "", 0, names), 0);
    assert_string_equal(names, "");
    number(data, 0x22);
    number(data + 4, 0x20);
    number(data + 8, 0x22);
    number(data + 12, 0x77);
    assert_int_equal(members_of(scene, data, 12, names), 0);
    assert_string_equal(names, "ANN CY ");
    assert_int_equal(members_of(scene, data, 16, names), -1);
    assert_int_equal(scene->err.class, ERROR_DATA);
    assert_non_null(strstr(scene->err.text, "MEM/00001234.MEM: offset 0xC: mailbag 00000077"));
    assert_int_equal(members_of(scene, data, 7, names), -1);
    assert_int_equal(scene->err.class, ERROR_DATA);
    assert_int_equal(members_of(scene, large, ((size_t)GROUP_MAX_MEMBERS + 1) * 4, names), -1);
    free(large);
}

/* Whatever lies there is read to its end and no further. */
static void test_garbage(void **state)
{
    struct scene *scene = *state;
    unsigned seed = 1;

    for (unsigned round = 0; round < 300; round++) {
        struct group_table *table;
        const struct group *group;

        for (size_t i = 0; i < sizeof scene->groups; i++)
            scene->groups[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16 & 0x47);
        for (size_t i = 0; i < sizeof scene->nme; i++)
            scene->nme[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16 & 0x44);
        scene->group_size = round % sizeof scene->groups;
        scene->nme_size = round * 7 % sizeof scene->nme;
        table = load(scene);
        (void)!group_find(table, "D", &group, &scene->err);
        (void)!group_find(table, "@", &group, &scene->err);
        group_table_free(table);
    }
}

static void test_absent(void **state)
{
    struct scene *scene = *state;
    struct group_table *table;

    po_write(&scene->po, "NME/ADMIN.NME", "", 0);
    assert_int_equal(group_table_load(&table, scene->root, &scene->err), -1);
    assert_int_equal(scene->err.class, ERROR_DATA);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unsure, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_members, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_garbage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_absent, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
