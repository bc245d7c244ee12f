/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

struct scene {
    char path[64];
    struct root *root;
};

static void in_scene(const struct scene *scene, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", scene->path, name);
}

static void put(const struct scene *scene, const char *name, const char *text)
{
    char path[256];
    FILE *file;

    in_scene(scene, name, path, sizeof path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static void make_directory(const struct scene *scene, const char *name)
{
    char path[256];

    in_scene(scene, name, path, sizeof path);
    assert_int_equal(mkdir(path, 0700), 0);
}

static int set_up(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    struct error err;

    snprintf(scene->path, sizeof scene->path, "/tmp/msmailgw-root-XXXXXX");
    if (mkdtemp(scene->path) == NULL || root_open(&scene->root, scene->path, &err) != 0)
        return -1;
    make_directory(scene, "MBG");
    make_directory(scene, "key");
    put(scene, "MBG/0000002E.MBG", "upper");
    put(scene, "key/0000002e.key", "lower");
    put(scene, "outside", "not beneath MBG");
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    char command[128];

    root_free(scene->root);
    snprintf(command, sizeof command, "rm -rf '%s'", scene->path);
    if (system(command) != 0)
        return -1;
    free(scene);
    return 0;
}

static void assert_reads(struct root *root, const char *name, const char *text)
{
    struct error err = {0};
    uint8_t *data;
    size_t size;
    int fd = root_open_file(root, name, O_RDONLY, &err);

    assert_string_equal(err.text, "");
    assert_true(fd >= 0);
    assert_int_equal(file_read_all(fd, name, 100, &data, &size, &err), 0);
    assert_string_equal((char *)data, text);
    free(data);
    close(fd);
}

static void opens_in_any_case(void **state)
{
    struct scene *scene = *state;
    char real[128];
    struct error err;
    struct stat st;

    assert_reads(scene->root, "MBG/0000002E.MBG", "upper");
    assert_reads(scene->root, "mbg/0000002e.mbg", "upper");
    assert_reads(scene->root, "KEY/0000002E.KEY", "lower");
    assert_int_equal(root_real_name(scene->root, "KEY/0000002E.KEY", real, sizeof real, &err), 0);
    assert_string_equal(real, "key/0000002e.key");
    assert_int_equal(root_real_name(scene->root, "KEY/00000000.KEY", real, sizeof real, &err), 0);
    assert_string_equal(real, "");
    assert_int_equal(root_stat(scene->root, "KEY/0000002E.KEY", &st, &err), 0);
    assert_int_equal(st.st_size, 5);
}

static void refuses_what_is_not_beneath(void **state)
{
    static const char *const names[] = {"../etc/passwd", "MBG/../outside", "/etc/passwd", "",
                                        "MBG//x",        "./outside",      "MBG/."};
    struct scene *scene = *state;
    struct error err;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char real[128];
        if (strcmp(names[i], "MBG/../outside") == 0 || strcmp(names[i], "./outside") == 0) {
            /* The kernel resolves these beneath the root; our walk refuses them by name. */
            assert_int_equal(root_real_name(scene->root, names[i], real, sizeof real, &err), -1);
            continue;
        }
        err.class = ERROR_NONE;
        assert_int_equal(root_open_file(scene->root, names[i], O_RDONLY, &err), -1);
        assert_int_equal(err.class, ERROR_DATA);
    }
}

static void refuses_links_fifos_and_directories(void **state)
{
    struct scene *scene = *state;
    char path[128], target[128];
    struct error err;

    in_scene(scene, "outside", target, sizeof target);
    in_scene(scene, "MBG/LINK.MBG", path, sizeof path);
    assert_int_equal(symlink(target, path), 0);
    in_scene(scene, "MBG/FIFO.MBG", path, sizeof path);
    assert_int_equal(mkfifo(path, 0600), 0);
    make_directory(scene, "MBG/DIR.MBG");
    assert_int_equal(root_open_file(scene->root, "MBG/LINK.MBG", O_RDONLY, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_int_equal(root_open_file(scene->root, "MBG/FIFO.MBG", O_RDONLY, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_int_equal(root_open_file(scene->root, "MBG/DIR.MBG", O_RDONLY, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_int_equal(root_unlink(scene->root, "MBG/LINK.MBG", &err), -1);
    assert_int_equal(access(target, F_OK), 0);
}

static void tells_names_that_differ_in_case(void **state)
{
    struct scene *scene = *state;
    struct error err;

    put(scene, "MBG/abcdef01.mbg", "one");
    put(scene, "MBG/Abcdef01.mbg", "two");
    assert_int_equal(root_open_file(scene->root, "MBG/ABCDEF01.MBG", O_RDONLY, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_non_null(strstr(err.text, "differ only in case"));
}

static void creates_and_removes(void **state)
{
    struct scene *scene = *state;
    struct error err;
    char real[128];
    int fd = root_open_file(scene->root, "KEY/NEW.0LK", O_RDWR | O_CREAT | O_EXCL, &err);

    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, "x", "abcdef", 6, &err), 0);
    assert_int_equal(file_pwrite(fd, "x", "XY", 2, 2, &err), 0);
    assert_int_equal(file_pread(fd, "x", real, 6, 0, &err), 0);
    assert_memory_equal(real, "abXYef", 6);
    assert_int_equal(file_pread(fd, "x", real, 6, 1, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    close(fd);
    assert_int_equal(root_real_name(scene->root, "KEY/NEW.0LK", real, sizeof real, &err), 0);
    assert_string_equal(real, "key/NEW.0LK");
    assert_int_equal(root_unlink(scene->root, "KEY/new.0lk", &err), 0);
    assert_int_equal(root_unlink(scene->root, "KEY/new.0lk", &err), 0);
    assert_int_equal(root_open_file(scene->root, "KEY/NEW.0LK", O_RDONLY, &err), -1);
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(root_open_file(scene->root, "P1/NEW.0LK", O_RDWR | O_CREAT, &err), -1);
    assert_int_equal(err.sys, ENOENT);
}

static void bounds_what_it_reads(void **state)
{
    struct scene *scene = *state;
    struct error err;
    uint8_t *data;
    size_t size;
    int fd = root_open_file(scene->root, "outside", O_RDONLY, &err);

    assert_int_equal(file_read_all(fd, "outside", 5, &data, &size, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    close(fd);
    fd = file_temporary(scene->path, &err);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(file_temporary("/nonexistent", &err), -1);
    assert_int_equal(root_open(&scene->root, "/nonexistent", &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
}

static void secrets_are_private(void **state)
{
    struct scene *scene = *state;
    char path[128], *secret = NULL;
    struct error err;

    put(scene, "password", "s3cret\r\n");
    in_scene(scene, "password", path, sizeof path);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(secret_read(path, &secret, &err), -1);
    assert_int_equal(err.class, ERROR_SETUP);
    assert_non_null(strstr(err.text, "chmod 600"));
    assert_null(strstr(err.text, "s3cret"));
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(secret_read(path, &secret, &err), 0);
    assert_string_equal(secret, "s3cret");
    secret_free(secret);
    secret_free(NULL);
    put(scene, "password", "\n");
    assert_int_equal(secret_read(path, &secret, &err), -1);
    assert_int_equal(secret_read(scene->path, &secret, &err), -1);
    assert_int_equal(secret_read("/nonexistent/secret", &secret, &err), -1);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(opens_in_any_case),
        SCENE_TEST(refuses_what_is_not_beneath),
        SCENE_TEST(refuses_links_fifos_and_directories),
        SCENE_TEST(tells_names_that_differ_in_case),
        SCENE_TEST(creates_and_removes),
        SCENE_TEST(bounds_what_it_reads),
        SCENE_TEST(secrets_are_private),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
