/* SPDX-License-Identifier: Apache-2.0 */

#include "loop/spawn.h"

#include <signal.h>

static int set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int failed = posix_spawnattr_setsigmask(attr, &none);
    failed |= posix_spawnattr_setsigdefault(attr, &all);
    failed |= posix_spawnattr_setpgroup(attr, 0);
    failed |= posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                 POSIX_SPAWN_SETPGROUP);
    return failed;
}

int spawn_program(pid_t *out_pid, const char *path, const posix_spawn_file_actions_t *actions,
                  const char *const words[])
{
    posix_spawnattr_t attr;
    char *const environment[] = {NULL};
    int failed = posix_spawnattr_init(&attr);
    if (failed != 0) {
        return failed;
    }
    failed = set_attributes(&attr);
    if (failed == 0) {
        /* posix_spawn takes words that it does not change as if it could. */
        failed = posix_spawn(out_pid, path, actions, &attr, (char *const *)words, environment);
    }
    (void)posix_spawnattr_destroy(&attr);
    return failed;
}
