/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pofixture.h"
#include "postoffice/lock.h"

#define ID "0000002E"
#define FILE_NAME "P1/" ID ".0LK"

struct fixture {
    struct po po;
    struct root *root;
};

static void begin(struct fixture *f)
{
    struct error err = {0};

    po_make(&f->po);
    assert_int_equal(root_open(&f->root, f->po.path, &err), 0);
}

static void end(struct fixture *f)
{
    root_free(f->root);
    po_clear(&f->po);
}

static bool probe(struct fixture *f)
{
    struct error err = {0};
    bool held = false;

    assert_int_equal(lock_probe(f->root, ID, &held, &err), 0);
    return held;
}

static void test_take_and_release(void **state)
{
    struct error err = {0};
    struct lock *lock, *other;
    struct fixture f;

    (void)state;
    begin(&f);
    assert_false(probe(&f));
    assert_int_equal(lock_take(&lock, f.root, ID, &err), 0);
    assert_true(po_has(&f.po, FILE_NAME));
    assert_true(probe(&f));
    assert_int_equal(lock_take(&other, f.root, ID, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
    assert_non_null(strstr(err.text, FILE_NAME));
    assert_non_null(strstr(err.text, "held by another"));
    assert_true(po_has(&f.po, FILE_NAME));
    assert_int_equal(lock_take(&other, f.root, "0000002F", &err), 0);
    lock_release(other);
    lock_release(lock);
    assert_false(po_has(&f.po, FILE_NAME));
    assert_false(probe(&f));
    assert_int_equal(lock_take(&lock, f.root, ID, &err), 0);
    lock_release(lock);
    end(&f);
}

/* One that nobody holds is taken over, whatever its case, and gone afterwards. */
static void test_stranded(void **state)
{
    static const char *const names[] = {"P1/0000002E.0LK", "P1/0000002e.0lk", "P1/0000002E.0lk"};
    struct error err = {0};
    struct lock *lock, *other;
    struct fixture f;

    (void)state;
    begin(&f);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        po_write(&f.po, names[i], "old", 3);
        assert_false(probe(&f));
        assert_int_equal(lock_take(&lock, f.root, ID, &err), 0);
        assert_int_equal(lock_take(&other, f.root, ID, &err), -1);
        lock_release(lock);
        assert_false(po_has(&f.po, names[i]));
    }
    end(&f);
}

/* The holder is another process; after it is killed its lock is stranded. */
static void test_other_process(void **state)
{
    struct error err = {0};
    struct lock *lock;
    struct fixture f;
    int ready[2];
    char octet;
    pid_t pid;

    (void)state;
    begin(&f);
    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (lock_take(&lock, f.root, ID, &err) == 0 && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &octet, 1), 1);
    assert_true(probe(&f));
    assert_int_equal(lock_take(&lock, f.root, ID, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_true(po_has(&f.po, FILE_NAME));
    assert_int_equal(lock_take(&lock, f.root, ID, &err), 0);
    lock_release(lock);
    close(ready[0]);
    end(&f);
}

static const struct {
    const char *name;
    bool refused;
} others[] = {
    {"P1/0000002E.0AB", true},  {"P1/0000002e.0zz", true},  {"P1/0000002E.001", true},
    {"P1/0000002F.0AB", false}, {"P1/0000002E.P00", false}, {"P1/0000002E.0", false},
    {"P1/LOCKP1ID.PBB", false}, {"P1/POPULATE.MSM", false}, {"P1/0000002E.0ABC", false},
};

static void test_older_kinds(void **state)
{
    struct error err = {0};
    struct lock *lock;
    struct fixture f;

    (void)state;
    begin(&f);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        int status;
        po_write(&f.po, others[i].name, "", 0);
        status = lock_take(&lock, f.root, ID, &err);
        assert_int_equal(status, others[i].refused ? -1 : 0);
        if (status == 0) {
            lock_release(lock);
        } else {
            assert_int_equal(err.class, ERROR_SOFT);
            assert_non_null(strstr(err.text, "older kind"));
        }
        assert_false(po_has(&f.po, FILE_NAME));
        assert_true(po_has(&f.po, others[i].name));
        po_remove(&f.po, others[i].name);
    }
    end(&f);
}

static void test_strange_files(void **state)
{
    struct error err = {0};
    struct lock *lock;
    struct fixture f;
    char path[160];

    (void)state;
    begin(&f);
    snprintf(path, sizeof path, "%s/" FILE_NAME, f.po.path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(lock_take(&lock, f.root, ID, &err), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(lock_take(&lock, f.root, ID, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_true(po_has(&f.po, FILE_NAME));
    assert_int_equal(unlink(path), 0);
    po_write(&f.po, "P1/0000002E.0LK", "", 0);
    po_write(&f.po, "P1/0000002e.0lk", "", 0);
    po_remove(&f.po, "P1/0000002E.0LK");
    po_write(&f.po, "P1/0000002e.0Lk", "", 0);
    assert_int_equal(lock_take(&lock, f.root, ID, &err), -1);
    assert_int_equal(err.class, ERROR_DATA);
    assert_non_null(strstr(err.text, "differ only in case"));
    end(&f);
}

static void test_no_directory(void **state)
{
    struct error err = {0};
    struct lock *lock;
    struct fixture f;

    (void)state;
    begin(&f);
    po_remove(&f.po, "P1");
    assert_int_equal(lock_take(&lock, f.root, ID, &err), -1);
    assert_int_equal(err.class, ERROR_SOFT);
    assert_non_null(strstr(err.text, "the directory P1 is absent"));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take_and_release), cmocka_unit_test(test_stranded),
        cmocka_unit_test(test_other_process),    cmocka_unit_test(test_older_kinds),
        cmocka_unit_test(test_strange_files),    cmocka_unit_test(test_no_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
