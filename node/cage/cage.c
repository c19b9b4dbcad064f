/* SPDX-License-Identifier: Apache-2.0 */

/* A cage, from outside. What is between a runner and everything else, from the outside in:
 *
 *   1. A unit of systemd, where there is one for runners: a user and a control group of its own
 *      (loop/keeper.c). Else control groups, where this process may make some: memory of all,
 *      number of processes. It has a lower priority, and where memory runs out the kernel takes it
 *      first.
 *   2. Namespaces by bubblewrap: no network, no processes but its own, no users, and the view that
 *      arguments.c draws. No capabilities, an empty environment, a session of its own. It dies with
 *      the thread that started it.
 *   3. Limits of the process: addresses, processor time, sizes of files, threads.
 *   4. Landlock, where the kernel has it: no file that is not meant to be seen, even if 2 fails.
 *   5. The filter of system calls: no new process, no socket, no ptrace; what is not listed is
 *      not there.
 *   6. This file: frames and outputs of stated sizes, and a clock.
 *
 * The idea: 2, 3 and 5 stand or there is no runner; the fence says so itself, in the first frame,
 * before it becomes the runner. Nothing is passed by arguments or environment that code inside may
 * not know: bubblewrap reads its arguments from a file that is gone then, and its environment,
 * which /proc would show, is empty.
 *
 * A runner ends in one way: the first process outside is killed and waited for, then the first one
 * inside; which dies after all others there, so that nothing is left when its death is told. Then
 * the groups go. In a unit its keeper does that. */

#include "cage/arguments.h"
#include "cage/cage_internal.h"
#include "cage/contents.h"

#include <sotto/alloc.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGUMENTS_BYTES_MAX ((size_t)256 * 1024)
#define FDS_FROM 10 /* so that those of the child can be set without overwriting each other */

/* Moves a descriptor out of the way of those that the child gets. */
static bool raise_fd(int *fd)
{
    int raised = fcntl(*fd, F_DUPFD_CLOEXEC, FDS_FROM);
    cage_close(fd);
    *fd = raised;
    return raised >= 0;
}

static bool make_pairs(struct cage *cage, int child[CAGE_FDS_LEN])
{
    int sockets[2];
    int pipes[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        return false;
    }
    cage->socket = sockets[0];
    child[CAGE_SOCKET] = sockets[1];
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        return false;
    }
    cage->output_fd = pipes[0];
    child[CAGE_OUTPUT] = pipes[1];
    child[CAGE_INFO] = memfd_create("info", MFD_CLOEXEC);
    return raise_fd(&child[CAGE_SOCKET]) && raise_fd(&child[CAGE_OUTPUT]) &&
           raise_fd(&child[CAGE_INFO]) && fcntl(cage->socket, F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(cage->output_fd, F_SETFL, O_NONBLOCK) == 0;
}

static enum sotto_status make_arguments(int child[CAGE_FDS_LEN], const struct cage_config *config,
                                        struct sotto_error *err)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, ARGUMENTS_BYTES_MAX);
    enum sotto_status status = arguments_write(&writer, config, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    child[CAGE_ARGUMENTS] = memfd_create("arguments", MFD_CLOEXEC);
    if (child[CAGE_ARGUMENTS] < 0 || !raise_fd(&child[CAGE_ARGUMENTS]) ||
        write(child[CAGE_ARGUMENTS], writer.data, writer.data_bytes) !=
            (ssize_t)writer.data_bytes ||
        lseek(child[CAGE_ARGUMENTS], 0, SEEK_SET) != 0) {
        status =
            sotto_error_set(err, SOTTO_ERROR_IO, "the arguments of a cage: %s", strerror(errno));
    }
out:
    sotto_writer_release(&writer);
    return status;
}

static enum sotto_status check_there(const char *what, const char *path, struct sotto_error *err)
{
    return access(path, R_OK) == 0 ? SOTTO_OK
                                   : sotto_error_set(err, SOTTO_ERROR_NOT_FOUND, "%s '%s': %s",
                                                     what, path, strerror(errno));
}

static enum sotto_status check_all_there(const struct cage_config *config, struct sotto_error *err)
{
    if (access(BWRAP, X_OK) != 0) {
        return sotto_error_set(err, SOTTO_ERROR_NOT_FOUND,
                               "learning needs bubblewrap, and there is no " BWRAP
                               ": install the package bubblewrap");
    }
    enum sotto_status status = check_there("the fence", config->fence_path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_there("Python", config->python_path, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = check_there("the runner", config->runner_path, err);
    for (size_t i = 0; i < config->datasets_len && status == SOTTO_OK; i++) {
        status = check_there("the dataset", config->datasets[i].path, err);
        if (status == SOTTO_OK) {
            status = contents_check(config->datasets[i].path, err);
        }
    }
    return status;
}

/* Their names are those of no other cage of this machine: the process, and a count. */
static enum sotto_status make_groups(struct cage *cage, const struct cage_config *config,
                                     struct sotto_error *err)
{
    static unsigned long long count;
    char name[64];
    const struct cage_limits *limits = &cage->limits;
    (void)snprintf(name, sizeof name, "%d-%llu", (int)getpid(),
                   __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED));
    groups_make(&cage->groups, "/proc/self/cgroup",
                config->groups_path != NULL ? config->groups_path : "/sys/fs/cgroup", name,
                limits->memory_bytes + limits->files_bytes, limits->threads + 8);
    cage->standing.memory_group = cage->groups.has_memory;
    cage->standing.processes_group = cage->groups.has_processes;
    if (getuid() == 0 && !cage->groups.has_processes) { /* RLIMIT_NPROC does not hold for root */
        return sotto_error_set(err, SOTTO_ERROR_STATE,
                               "no cage can be built here, so there is no learning: nothing limits "
                               "the threads of root but a control group (pids), and none can be "
                               "made: run the node as an ordinary user");
    }
    return SOTTO_OK;
}

/* Starts it here, or in a unit of its own where there is one for runners. */
static enum sotto_status start_process(struct cage *cage, const struct cage_config *config,
                                       const int child[CAGE_FDS_LEN], struct sotto_error *err)
{
    char path[SPAWN_UNIT_BYTES];
    const struct cage_program program = {config->fence_path, config->python_path, &cage->groups,
                                         cage->limits};
    if (spawn_unit(path, "runner")) {
        cage->standing.unit = true;
        return cage_spawn_in_unit(&cage->process, path, &program, child, err);
    }
    enum sotto_status status = make_groups(cage, config, err);
    if (status != SOTTO_OK) {
        return status;
    }
    int failed = cage_spawn(&cage->process.pid, &program, child);
    if (failed != 0) {
        cage->process = SPAWNED_NONE;
        return sotto_error_set(err, SOTTO_ERROR_STATE, "no cage can be started: %s",
                               strerror(failed));
    }
    return SOTTO_OK;
}

/* The fence speaks first, or the cage could not be built; then the output says why, which is
 * bubblewrap's or the fence's: nothing of others has run. */
static enum sotto_status await_fence(struct cage *cage, struct sotto_error *err)
{
    struct cage_frame frame;
    bool has_frame = false;
    cage->deadline_ms = clock_ms() + CAGE_START_MS;
    while (!cage->is_started) {
        if (cage_step(cage, &frame, &has_frame, CAGE_START_MS, err) != SOTTO_OK) {
            bool is_told = cage->output_bytes > 0;
            return sotto_error_set(err, SOTTO_ERROR_STATE,
                                   "no cage can be built here, so there is no learning%s: %.*s",
                                   cage->standing.unit ? " (the unit sotto-runner builds it, and "
                                                         "reads data as a user of the group sotto)"
                                                       : "",
                                   is_told ? (int)cage->output_bytes : SOTTO_ERROR_TEXT_BYTES,
                                   is_told ? cage->output : cage->ended.text);
        }
    }
    cage_extend(cage);
    return SOTTO_OK;
}

/* Takes hold of the first process inside, which bubblewrap wrote down ({"child-pid": 123, ...})
 * before the fence spoke: it is the last one that dies. */
static enum sotto_status find_first(struct cage *cage, const int child[CAGE_FDS_LEN],
                                    struct sotto_error *err)
{
    if (cage->process.keeper >= 0) {
        return SOTTO_OK; /* which tells the end when nothing is left */
    }
    static const char key[] = "\"child-pid\":";
    char text[512];
    ssize_t bytes = pread(child[CAGE_INFO], text, sizeof text - 1, 0);
    text[bytes > 0 ? bytes : 0] = '\0';
    const char *at = strstr(text, key);
    long pid = at != NULL ? strtol(at + strlen(key), NULL, 10) : 0;
    cage->first = pid > 1 ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
    return cage->first >= 0 ? SOTTO_OK
                            : sotto_error_set(err, SOTTO_ERROR_STATE,
                                              "no cage can be watched here, so there is no "
                                              "learning: the kernel is older than 5.3, or "
                                              "bubblewrap than 0.8");
}

enum sotto_status cage_start(struct cage **out, const struct cage_config *config,
                             struct sotto_error *err)
{
    int child[CAGE_FDS_LEN] = {-1, -1, -1, -1};
    *out = NULL;
    enum sotto_status status = check_all_there(config, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct cage *cage = sotto_alloc_zeroed(sizeof *cage);
    if (cage == NULL) {
        return sotto_error_no_memory(err);
    }
    cage->process = SPAWNED_NONE;
    cage->first = -1;
    cage->socket = -1;
    cage->output_fd = -1;
    cage->limits = config->limits;
    sotto_writer_init(&cage->queued, SIZE_MAX);
    cage->output = sotto_alloc(config->limits.output_bytes);
    if (cage->output == NULL) {
        status = sotto_error_no_memory(err);
        goto out;
    }
    if (!make_pairs(cage, child)) {
        status = sotto_error_set(err, SOTTO_ERROR_IO, "the socket of a cage: %s", strerror(errno));
        goto out;
    }
    status = make_arguments(child, config, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = start_process(cage, config, child, err);
    cage_close(&child[CAGE_SOCKET]);
    cage_close(&child[CAGE_OUTPUT]);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = await_fence(cage, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = find_first(cage, child, err);
out:
    for (size_t i = 0; i < CAGE_FDS_LEN; i++) {
        cage_close(&child[i]);
    }
    if (status != SOTTO_OK) {
        cage_free(cage);
        return status;
    }
    *out = cage;
    return SOTTO_OK;
}

enum sotto_status cage_probe(struct cage_standing *out, const char *fence_path,
                             const char *python_path, struct sotto_error *err)
{
    struct cage *cage;
    const uint64_t mib = 1024 * 1024;
    const struct cage_config config = {
        .fence_path = fence_path,
        .python_path = python_path,
        .runner_path = "/dev/null",
        .limits = {.memory_bytes = 256 * mib,
                   .files_bytes = mib,
                   .output_bytes = 4096,
                   .frame_bytes = 4096,
                   .cpu_seconds = 10,
                   .wall_seconds = 10,
                   .threads = 8},
    };
    enum sotto_status status = cage_start(&cage, &config, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out = cage_standing(cage);
    cage_free(cage);
    return SOTTO_OK;
}
