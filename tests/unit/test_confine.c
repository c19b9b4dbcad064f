/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker can do to other processes where the kernel's Landlock does not know signals: this
 * program is the worker too, of which its parent is the keeper. */
#include "test.h"

#include "loop/spawn.h"
#include "source/confine.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_UNCONFINED 100
#define EXIT_OWN 101

int __wrap_fence_writes(void);

/* As on a kernel that has no Landlock. */
int __wrap_fence_writes(void)
{
    return 0;
}

static bool is_forbidden(long result)
{
    return result == -1 && errno == EPERM;
}

/* Which way to another process is open, from 1 on; 0: none. */
static int find_way_out(void)
{
    pid_t parent = getppid();
    siginfo_t info = {.si_code = SI_QUEUE};
    int handle = (int)syscall(SYS_pidfd_open, parent, 0);
    const bool forbidden[] = {
        is_forbidden(kill(parent, 0)),
        is_forbidden(kill(0, 0)),
        is_forbidden(kill(-1, 0)),
        is_forbidden(kill(-getpgrp(), 0)),
        is_forbidden(syscall(SYS_tgkill, parent, parent, 0)),
        is_forbidden(syscall(SYS_tkill, parent, 0)),
        is_forbidden(syscall(SYS_rt_sigqueueinfo, parent, 0, &info)),
        is_forbidden(syscall(SYS_rt_tgsigqueueinfo, parent, parent, 0, &info)),
        is_forbidden(syscall(SYS_pidfd_send_signal, handle, 0, NULL, 0)),
        is_forbidden(ptrace(PTRACE_SEIZE, parent, NULL, NULL)),
    };
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++) {
        if (!forbidden[i]) {
            return (int)i + 1;
        }
    }
    return 0;
}

/* Aborts, which is a signal to itself, if all is as it should be. */
static int work(void)
{
    if (source_confine(NULL) != SOTTO_OK) {
        return EXIT_UNCONFINED;
    }
    (void)signal(SIGUSR1, SIG_IGN);
    if (raise(SIGUSR1) != 0 || kill(getpid(), SIGUSR1) != 0 ||
        pthread_kill(pthread_self(), SIGUSR1) != 0) {
        return EXIT_OWN;
    }
    int way = find_way_out();
    if (way == 0) {
        abort();
    }
    return way;
}

static void test_others_are_out_of_reach(void **state)
{
    (void)state;
    const char *const words[] = {"test_confine", "worker", NULL};
    pid_t pid;
    int status = 0;
    assert_int_equal(spawn_program(&pid, "/proc/self/exe", NULL, words), 0);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : 0, 0);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "worker") == 0) {
        return work();
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_others_are_out_of_reach)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
