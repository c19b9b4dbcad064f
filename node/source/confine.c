/* SPDX-License-Identifier: Apache-2.0 */

/* What a worker gives up before it loads a driver. Leans on cage for Landlock. The idea: each of
 * these takes away something that no reading of rows needs; what a driver must have, to read files
 * and to reach a database, stays. */

#include "source/confine.h"

#include "cage/fence.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif
#define OTHER_ABI 0x40000000u /* from here on x32's numbers */

/* Where memory runs out the kernel takes this process first. */
static void volunteer_to_die(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    if (file != NULL) {
        (void)fputs("1000", file);
        (void)fclose(file);
    }
}

#ifdef OUR_ARCH
#define WHERE(call, action)                                                                        \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), BPF_STMT(BPF_RET | BPF_K, (action))

/* Forbids to start processes and programs, whom nobody would end; threads may be started. glibc
 * takes clone where there is no clone3, whose flags can't be looked at. Returns: 0 or an errno. */
static int forbid_processes(void)
{
    const uint32_t refused = SECCOMP_RET_ERRNO | EPERM;
    const struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, OTHER_ABI, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, refused),
        WHERE(SYS_clone3, SECCOMP_RET_ERRNO | ENOSYS),
        WHERE(SYS_execve, refused),
        WHERE(SYS_execveat, refused),
#ifdef SYS_fork
        WHERE(SYS_fork, refused),
        WHERE(SYS_vfork, refused),
#endif
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, refused),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {.len = sizeof code / sizeof code[0],
                                       .filter = (struct sock_filter *)code};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0 ? 0 : errno;
}
#else
static int forbid_processes(void)
{
    return 0;
}
#endif

enum sotto_status source_confine(struct sotto_error *err)
{
    const struct rlimit none = {0, 0};
    volunteer_to_die();
    (void)signal(SIGXFSZ, SIG_IGN); /* a write is an error of the driver's, not a death */
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_FSIZE, &none);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)!chdir("/");
    int landlock = fence_writes();
    if (landlock < 0) {
        return sotto_error_set(err, SOTTO_ERROR_IO, "the worker's Landlock: %s",
                               strerror(-landlock));
    }
    int seccomp = forbid_processes();
    return seccomp == 0 || seccomp == EINVAL /* the kernel has none */
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_IO, "the worker's seccomp: %s",
                                 strerror(seccomp));
}
