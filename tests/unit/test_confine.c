/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/confine.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Ways to a socket, each with two arguments; x86-64 has two numbers for a call. */
static const struct way {
    long number;
    long first, second;
    int error; /* 0: it must succeed */
} ways[] = {
    {SYS_socket, AF_UNIX, SOCK_DGRAM, 0},
    {SYS_socket, AF_INET, SOCK_STREAM, EACCES},
    {SYS_socket, AF_INET6, SOCK_DGRAM, EACCES},
    {SYS_socket, AF_NETLINK, SOCK_RAW, EACCES},
    {SYS_io_uring_setup, 1, 0, EACCES},
#if defined(__x86_64__)
    {0x40000000 + SYS_socket, AF_INET, SOCK_STREAM, EACCES},
#endif
};
#define WAYS (sizeof ways / sizeof ways[0])

/* In a process of its own, because it is for ever. 0, or the way that is wrong, counted from 1. */
static int try_all(const struct settings *settings)
{
    struct error err;

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || confine_intake(settings, &err) != 0)
        return 100;
    for (size_t i = 0; i < WAYS; i++) {
        long result = syscall(ways[i].number, ways[i].first, ways[i].second, 0L);

        if (ways[i].error == 0 ? result < 0 : result >= 0 || errno != ways[i].error)
            return (int)i + 1;
    }
    return 0;
}

static int status_of(const struct settings *settings)
{
    pid_t pid = fork();
    int status = -1;

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(try_all(settings));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_no_network(void **state)
{
    const struct settings_postoffice native = {.door = DOOR_NATIVE};
    const struct settings settings = {.postoffices = &native, .postoffice_count = 1};

    (void)state;
    assert_int_equal(status_of(&settings), 0);
}

/* A GET program may need the network: nothing is taken away. */
static void test_with_a_program(void **state)
{
    const struct settings_postoffice offices[] = {{.door = DOOR_NATIVE}, {.door = DOOR_FFAPI}};
    const struct settings settings = {.postoffices = offices, .postoffice_count = 2};

    (void)state;
    assert_int_equal(status_of(&settings), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_network),
        cmocka_unit_test(test_with_a_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
