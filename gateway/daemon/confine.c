/* SPDX-License-Identifier: BSD-2-Clause */
#include "config.h"

#include "daemon/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

int confine_process(struct error *err)
{
    struct rlimit none = {0, 0}, files;

    /* Large contents of a batch are a temporary file each. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) != 0)
            log_warn("msmailgwd", "cannot raise the limit of open files");
    }
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || setrlimit(RLIMIT_CORE, &none) != 0)
        return error_sys(err, ERROR_SETUP, "", "cannot forbid core dumps");
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return error_sys(err, ERROR_SETUP, "", "cannot give up new privileges");
    return 0;
}

/* ---- intake: sockets only for AF_UNIX (the journal) ----
 *
 * socket(2) is not the only way to one: io_uring has its own, and on x86-64 the x32 numbers are other
 * names of the same calls. */

static bool runs_programs(const struct settings *settings)
{
    for (size_t i = 0; i < settings->postoffice_count; i++) {
        if (settings->postoffices[i].door == DOOR_FFAPI)
            return true;
    }
    return false;
}

#define X32_BIT 0x40000000
#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#endif

int confine_intake(const struct settings *settings, struct error *err)
{
#ifdef NATIVE_ARCH
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
    };
    struct sock_fprog program = {.len = sizeof rules / sizeof rules[0], .filter = rules};

    if (runs_programs(settings))
        return 0;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return error_sys(err, ERROR_SETUP, "", "cannot give up the network");
    return 0;
#else
    (void)settings;
    (void)err;
    return 0;
#endif
}

/* ---- relay: Landlock ---- */

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS                                                                               \
    (READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_FIFO)
#define ALL_RIGHTS                                                                                 \
    (WRITE_RIGHTS | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                   \
     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK |   \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* A path that is not there needs no rule. */
static int allow(int rules, const char *path, uint64_t rights, struct error *err)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    int status;

    if (path == NULL)
        return 0;
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return 0;
    status = (int)syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    if (status != 0)
        error_sys(err, ERROR_SETUP, "", "%s: cannot allow it (Landlock)", path);
    close(rule.parent_fd);
    return status;
}

static int allow_directory_of(int rules, const char *file, uint64_t rights, struct error *err)
{
    char path[4096];

    if (file == NULL || snprintf(path, sizeof path, "%s", file) >= (int)sizeof path)
        return 0;
    return allow(rules, dirname(path), rights, err);
}

static int add_rules(int rules, const struct settings *settings, struct error *err)
{
    static const char *const readable[] = {"/etc", "/usr", "/lib", "/lib64", "/run", "/proc"};

    for (size_t i = 0; i < sizeof readable / sizeof readable[0]; i++) {
        if (allow(rules, readable[i], READ_RIGHTS | LANDLOCK_ACCESS_FS_EXECUTE, err) != 0)
            return -1;
    }
    if (allow(rules, "/dev", READ_RIGHTS | LANDLOCK_ACCESS_FS_WRITE_FILE, err) != 0)
        return -1;
    if (allow(rules, settings->relay.ca_file, LANDLOCK_ACCESS_FS_READ_FILE, err) != 0 ||
        allow(rules, settings->relay.password_file, LANDLOCK_ACCESS_FS_READ_FILE, err) != 0)
        return -1;
    if (allow(rules, settings->spool, WRITE_RIGHTS, err) != 0)
        return -1;
    return allow_directory_of(rules, settings->log, WRITE_RIGHTS, err);
}

int confine_relay(const struct settings *settings, struct error *err)
{
    struct landlock_ruleset_attr attributes = {.handled_access_fs = ALL_RIGHTS};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    int status;

    if (rules < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
        log_info("relay", "this kernel has no Landlock: files are not confined");
        return 0;
    }
    if (rules < 0)
        return error_sys(err, ERROR_SETUP, "", "cannot make Landlock rules");
    status = add_rules(rules, settings, err);
    if (status == 0 && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        status = error_sys(err, ERROR_SETUP, "", "cannot confine files (Landlock)");
    close(rules);
    return status;
}
