/* SPDX-License-Identifier: Apache-2.0 */

/* What a worker gives up before it loads a driver. Leans on cage for Landlock, and on
 * libseccomp. The idea: each of these takes away something that no reading of rows needs; what a
 * driver must have, to read files and to reach a database, stays. */

#include "source/confine.h"

#include "cage/fence.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Where memory runs out the kernel takes this process first. */
static void volunteer_to_die(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "w");
    if (file != NULL) {
        (void)fputs("1000", file);
        (void)fclose(file);
    }
}

/* Forbids signals to others: a keeper is of this user, and one that is stopped ends nobody.
 * Landlock does so from Linux 6.12 on. Who sends to itself names its own process first. */
static int forbid_signals(scmp_filter_ctx filter)
{
    static const int calls[] = {SCMP_SYS(kill), SCMP_SYS(tgkill), SCMP_SYS(rt_sigqueueinfo),
                                SCMP_SYS(rt_tgsigqueueinfo)};
    int failed = 0;
    for (size_t i = 0; failed == 0 && i < sizeof calls / sizeof calls[0]; i++) {
        failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 1,
                                  SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid(), 0));
    }
    return failed;
}

/* Forbids to start processes and programs, whom nobody would end, and to meddle with others;
 * threads may be started. glibc takes clone where there is no clone3, whose flags can't be looked
 * at. Returns: 0, or what libseccomp says: minus an errno. */
static int forbid_processes(void)
{
    static const int calls[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork),
                                SCMP_SYS(vfork),  SCMP_SYS(ptrace),   SCMP_SYS(pidfd_send_signal),
                                SCMP_SYS(tkill)};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL) {
        return -ENOMEM;
    }
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (failed == 0) {
        failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    }
    for (size_t i = 0; failed == 0 && i < sizeof calls / sizeof calls[0]; i++) {
        failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
    }
    if (failed == 0) {
        failed = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    }
    if (failed == 0) {
        failed = forbid_signals(filter);
    }
    if (failed == 0) {
        failed = seccomp_load(filter);
    }
    seccomp_release(filter);
    return failed;
}

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
    return seccomp == 0 || seccomp == -EINVAL /* the kernel has none */
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_IO, "the worker's seccomp: %s",
                                 strerror(-seccomp));
}
