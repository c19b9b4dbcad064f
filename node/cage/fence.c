/* SPDX-License-Identifier: Apache-2.0 */

/* The program sotto-fence: what must be done to a process from within, before another program
 * takes its place. The node starts it twice on the way to a runner:
 *
 *   1. `sotto-fence join FOLDER... -- bwrap ...` enters control groups, and goes behind the node
 *      where processor time or memory is short. The node can't do that for it: what bubblewrap
 *      starts before would stay outside.
 *   2. `sotto-fence run MEMORY SECONDS FILES THREADS -- python3 ...`, by bubblewrap, in its
 *      namespaces: sets limits, Landlock and the filter of system calls, says to the node which
 *      of them stand, and becomes the runner.
 *
 * It reads no data of others. What fails ends it; Landlock alone may be missing, and that is said.
 */

#include "cage/fence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define RUN_NUMBERS 4
#define OPEN_FILES_MAX 256
#define NICENESS 10 /* the node and its peers' deadlines come first */
#define PATH_BYTES 4096

static _Noreturn void fail(const char *what, int code)
{
    (void)fprintf(stderr, "sotto-fence: %s: %s\n", what, strerror(code));
    exit(FENCE_EXIT_FAILED);
}

static _Noreturn void execute(char **command)
{
    (void)execv(command[0], command);
    fail(command[0], errno);
}

/* Writes "0", which is whoever writes it, into the list of processes of a control group. */
static void join_group(const char *folder)
{
    char path[PATH_BYTES];
    int bytes = snprintf(path, sizeof path, "%s/cgroup.procs", folder);
    int file = bytes < (int)sizeof path ? open(path, O_WRONLY | O_CLOEXEC) : -1;
    if (file < 0 || write(file, "0", 1) != 1) {
        fail(folder, errno);
    }
    (void)close(file);
}

/* Where memory runs out, the kernel is to take this, not the node. */
static void offer_to_be_killed(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0 || write(file, "1000", 4) != 4) {
        fail("oom_score_adj", errno);
    }
    (void)close(file);
}

static void set_limit(int what, uint64_t soft, uint64_t hard)
{
    struct rlimit limit = {soft, hard};
    if (setrlimit((__rlimit_resource_t)what, &limit) != 0) {
        fail("a limit", errno);
    }
}

static void set_limits(const uint64_t numbers[RUN_NUMBERS])
{
    set_limit(RLIMIT_AS, numbers[0], numbers[0]);
    set_limit(RLIMIT_CPU, numbers[1], numbers[1] + 1); /* SIGXCPU, which says why, then SIGKILL */
    set_limit(RLIMIT_FSIZE, numbers[2], numbers[2]);
    set_limit(RLIMIT_NPROC, numbers[3], numbers[3]);
    set_limit(RLIMIT_NOFILE, OPEN_FILES_MAX, OPEN_FILES_MAX);
    set_limit(RLIMIT_CORE, 0, 0);
    set_limit(RLIMIT_MEMLOCK, 0, 0);
    set_limit(RLIMIT_MSGQUEUE, 0, 0);
}

/* Says which fences stand: the first frame on the socket, before there is a runner. */
static void tell_standing(int landlock)
{
    const uint8_t frame[FENCE_FRAME_HEADER_BYTES + 4] = {FENCE_FRAME_STANDING, 0, 0, 0, 4, 0, 0, 0,
                                                         (uint8_t)landlock};
    if (write(FENCE_SOCKET_FD, frame, sizeof frame) != (ssize_t)sizeof frame) {
        fail("the socket", errno);
    }
}

static _Noreturn void run(const uint64_t numbers[RUN_NUMBERS], char **command)
{
    if (close_range(FENCE_SOCKET_FD + 1, ~0u, 0) != 0) {
        fail("open files", errno);
    }
    set_limits(numbers);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        fail("no new privileges", errno);
    }
    int landlock = fence_landlock();
    if (landlock < 0) {
        fail("Landlock", -landlock);
    }
    int failed = fence_filter();
    if (failed != 0) {
        fail("the filter of system calls", -failed);
    }
    tell_standing(landlock);
    execute(command);
}

int main(int len, char **words)
{
    int dashes = 1;
    while (dashes < len && strcmp(words[dashes], "--") != 0) {
        dashes++;
    }
    if (dashes + 1 < len && strcmp(words[1], "join") == 0) {
        for (int i = 2; i < dashes; i++) {
            join_group(words[i]);
        }
        offer_to_be_killed();
        if (getpriority(PRIO_PROCESS, 0) < NICENESS &&
            setpriority(PRIO_PROCESS, 0, NICENESS) != 0) {
            fail("its priority", errno);
        }
        execute(words + dashes + 1);
    }
    if (dashes + 1 < len && dashes == 2 + RUN_NUMBERS && strcmp(words[1], "run") == 0) {
        uint64_t numbers[RUN_NUMBERS];
        for (int i = 0; i < RUN_NUMBERS; i++) {
            numbers[i] = strtoull(words[2 + i], NULL, 10);
        }
        run(numbers, words + dashes + 1);
    }
    (void)fputs("sotto-fence is started by a node, as part of a cage\n", stderr);
    return FENCE_EXIT_USAGE;
}
