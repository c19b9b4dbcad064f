/* SPDX-License-Identifier: Apache-2.0 */

/* The system calls of a runner; leans on libseccomp. The idea: a list of what Python and torch need
 * to compute, and a kernel that seems to have nothing else (ENOSYS, on which C libraries fall
 * back). No process can be made, only threads; no socket is there to be opened or passed; what is
 * not listed, and what kernels will learn one day, is refused. */

#include "cage/fence.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>

/* A kernel call by its name; one that an architecture lacks is passed over. None changes a file
 * that is not the runner's own or locks one: of /dev/null, where the node is root's, a runner is
 * the owner; and a lock on a dataset would keep its owner's programs waiting. */
static const char *const allowed_calls[] = {
    /* the inherited socket, files */
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "lseek",
    "close",
    "close_range",
    "openat",
    "open",
    "fstat",
    "stat",
    "lstat",
    "newfstatat",
    "statx",
    "statfs",
    "fstatfs",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getdents64",
    "getcwd",
    "chdir",
    "dup",
    "dup2",
    "dup3",
    "ftruncate",
    "fallocate",
    "fadvise64",
    "fsync",
    "fdatasync",
    "mkdir",
    "mkdirat",
    "rmdir",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "umask",
    "pipe",
    "pipe2",
    "eventfd2",
    /* memory */
    "mmap",
    "mprotect",
    "munmap",
    "mremap",
    "madvise",
    "brk",
    "membarrier",
    /* threads and time */
    "futex",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "set_tid_address",
    "sched_yield",
    "sched_getaffinity",
    "sched_setaffinity",
    "sched_getparam",
    "sched_getscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "getcpu",
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "nanosleep",
    "gettimeofday",
    "time",
    "times",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "restart_syscall",
    /* signals to itself, and what it is */
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigpending",
    "sigaltstack",
    "tgkill",
    "getpid",
    "getppid",
    "gettid",
    "getpgrp",
    "getpgid",
    "getsid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getresuid",
    "getresgid",
    "getgroups",
    "getpriority",
    "getrlimit",
    "getrusage",
    "uname",
    "sysinfo",
    "getrandom",
    "arch_prctl",
    /* its begin and its end */
    "execve",
    "exit",
    "exit_group",
};

static int allow_call(scmp_filter_ctx filter, const char *name)
{
    int number = seccomp_syscall_resolve_name(name);
    return number < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
}

/* Allows a call where one of its arguments is one of these values, and else not. */
static int allow_values(scmp_filter_ctx filter, int number, unsigned argument,
                        const unsigned long *values, size_t len)
{
    int failed = 0;
    for (size_t i = 0; i < len && failed == 0; i++) {
        /* 32 bits: the kernel does not look at more of an int, so a filter must not either. */
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
                                  SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, 0xFFFFFFFFu, values[i]));
    }
    return failed;
}

static int allow_some(scmp_filter_ctx filter)
{
    static const unsigned long terminal_calls[] = {TCGETS, FIONREAD, FIOCLEX, FIONCLEX, FIONBIO};
    static const unsigned long names[] = {PR_SET_NAME, PR_GET_NAME};
    static const unsigned long file_commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,
                                                  F_SETFD, F_GETFL,         F_SETFL};
    int failed = allow_values(filter, SCMP_SYS(ioctl), 1, terminal_calls,
                              sizeof terminal_calls / sizeof terminal_calls[0]);
    if (failed == 0) {
        failed = allow_values(filter, SCMP_SYS(prctl), 0, names, sizeof names / sizeof names[0]);
    }
    if (failed == 0) {
        failed = allow_values(filter, SCMP_SYS(fcntl), 1, file_commands,
                              sizeof file_commands / sizeof file_commands[0]);
    }
    if (failed == 0) { /* a thread, in no new namespace; clone3 hides its flags and is not listed */
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ,
                                          CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWNS |
                                              CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                                              CLONE_NEWUTS | CLONE_NEWCGROUP,
                                          CLONE_THREAD));
    }
    if (failed == 0) { /* limits are read, not set */
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                                  SCMP_A2(SCMP_CMP_EQ, 0, 0));
    }
    return failed;
}

int fence_filter(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL) {
        return -ENOMEM;
    }
    int failed = allow_some(filter);
    for (size_t i = 0; i < sizeof allowed_calls / sizeof allowed_calls[0] && failed == 0; i++) {
        failed = allow_call(filter, allowed_calls[i]);
    }
    if (failed == 0) {
        failed = seccomp_load(filter);
    }
    seccomp_release(filter);
    return failed;
}
