/* SPDX-License-Identifier: Apache-2.0 */

/* A cage, from outside. What is between a runner and everything else, from the outside in:
 *
 *   1. Control groups, where this process may make some: memory of all, number of processes. It
 *      has a lower priority, and where memory runs out the kernel takes it first.
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
 * the groups go. */

#include "cage/arguments.h"
#include "cage/cage_internal.h"
#include "cage/contents.h"
#include "loop/spawn.h"

#include <sotto/alloc.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BWRAP "/usr/bin/bwrap"
#define ARGUMENTS_FD 4
#define INFO_FD 5 /* arguments.c */
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

/* The ends that the child gets. */
struct child_fds {
    int socket;
    int output;
    int arguments;
    int info;
};

static bool make_pairs(struct cage *cage, struct child_fds *child)
{
    int sockets[2];
    int pipes[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0) {
        return false;
    }
    cage->socket = sockets[0];
    child->socket = sockets[1];
    if (pipe2(pipes, O_CLOEXEC) != 0) {
        return false;
    }
    cage->output_fd = pipes[0];
    child->output = pipes[1];
    child->info = memfd_create("info", MFD_CLOEXEC);
    return raise_fd(&child->socket) && raise_fd(&child->output) && raise_fd(&child->info) &&
           fcntl(cage->socket, F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(cage->output_fd, F_SETFL, O_NONBLOCK) == 0;
}

static enum sotto_status make_arguments(struct child_fds *child, const struct cage_config *config,
                                        struct sotto_error *err)
{
    struct sotto_writer writer;
    sotto_writer_init(&writer, ARGUMENTS_BYTES_MAX);
    enum sotto_status status = arguments_write(&writer, config, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    child->arguments = memfd_create("arguments", MFD_CLOEXEC);
    if (child->arguments < 0 || !raise_fd(&child->arguments) ||
        write(child->arguments, writer.data, writer.data_bytes) != (ssize_t)writer.data_bytes ||
        lseek(child->arguments, 0, SEEK_SET) != 0) {
        status =
            sotto_error_set(err, SOTTO_ERROR_IO, "the arguments of a cage: %s", strerror(errno));
    }
out:
    sotto_writer_release(&writer);
    return status;
}

#define WORDS_MAX 24

/* sotto-fence join GROUP... -- bwrap --args 4 -- fence run LIMIT... -- python3 -I -B runner.py. */
static int spawn_words(struct cage *cage, const struct cage_config *config,
                       const posix_spawn_file_actions_t *actions)
{
    char numbers[4][24];
    const struct cage_limits *limits = &cage->limits;
    const uint64_t values[] = {limits->memory_bytes, limits->cpu_seconds, limits->files_bytes,
                               limits->threads};
    const char *words[WORDS_MAX] = {config->fence_path, "join"};
    size_t len = 2;
    for (size_t i = 0; i < cage->groups.folders_len; i++) {
        words[len++] = cage->groups.folders[i];
    }
    static const char *const middle[] = {"--", BWRAP, "--args", "4", "--", "/run/sotto/fence",
                                         "run"};
    for (size_t i = 0; i < sizeof middle / sizeof middle[0]; i++) {
        words[len++] = middle[i];
    }
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(numbers[i], sizeof numbers[i], "%llu", (unsigned long long)values[i]);
        words[len++] = numbers[i];
    }
    const char *const end[] = {"--", config->python_path, "-I", "-B", "/run/sotto/runner.py"};
    for (size_t i = 0; i < sizeof end / sizeof end[0]; i++) {
        words[len++] = end[i];
    }
    return spawn_program(&cage->pid, config->fence_path, actions, words);
}

static int add_actions(posix_spawn_file_actions_t *actions, const struct child_fds *child)
{
    int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    failed |= posix_spawn_file_actions_adddup2(actions, child->output, 1);
    failed |= posix_spawn_file_actions_adddup2(actions, child->output, 2);
    failed |= posix_spawn_file_actions_adddup2(actions, child->socket, FENCE_SOCKET_FD);
    failed |= posix_spawn_file_actions_adddup2(actions, child->arguments, ARGUMENTS_FD);
    failed |= posix_spawn_file_actions_adddup2(actions, child->info, INFO_FD);
    failed |= posix_spawn_file_actions_addclosefrom_np(actions, INFO_FD + 1);
    return failed;
}

static enum sotto_status spawn(struct cage *cage, const struct cage_config *config,
                               const struct child_fds *child, struct sotto_error *err)
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return sotto_error_no_memory(err);
    }
    int failed = add_actions(&actions, child);
    if (failed == 0) {
        failed = spawn_words(cage, config, &actions);
    }
    if (failed != 0) {
        cage->pid = 0;
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed == 0 ? SOTTO_OK
                       : sotto_error_set(err, SOTTO_ERROR_STATE, "no cage can be started: %s",
                                         strerror(failed));
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

/* The fence speaks first, or the cage could not be built; then the output says why, which is
 * bubblewrap's or the fence's: nothing of others has run. */
static enum sotto_status await_fence(struct cage *cage, struct sotto_error *err)
{
    struct cage_frame frame;
    bool has_frame = false;
    cage->deadline_ms = cage_clock() + CAGE_START_MS;
    while (!cage->is_started) {
        if (cage_step(cage, &frame, &has_frame, CAGE_START_MS, err) != SOTTO_OK) {
            bool is_told = cage->output_bytes > 0;
            return sotto_error_set(err, SOTTO_ERROR_STATE,
                                   "no cage can be built here, so there is no learning: %.*s",
                                   is_told ? (int)cage->output_bytes : SOTTO_ERROR_TEXT_BYTES,
                                   is_told ? cage->output : cage->ended.text);
        }
    }
    cage_extend(cage);
    return SOTTO_OK;
}

/* Takes hold of the first process inside, which bubblewrap wrote down ({"child-pid": 123, ...})
 * before the fence spoke: it is the last one that dies. */
static enum sotto_status find_first(struct cage *cage, const struct child_fds *child,
                                    struct sotto_error *err)
{
    static const char key[] = "\"child-pid\":";
    char text[512];
    ssize_t bytes = pread(child->info, text, sizeof text - 1, 0);
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
    struct child_fds child = {-1, -1, -1, -1};
    *out = NULL;
    enum sotto_status status = check_all_there(config, err);
    if (status != SOTTO_OK) {
        return status;
    }
    struct cage *cage = sotto_alloc_zeroed(sizeof *cage);
    if (cage == NULL) {
        return sotto_error_no_memory(err);
    }
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
    if (!make_pairs(cage, &child)) {
        status = sotto_error_set(err, SOTTO_ERROR_IO, "the socket of a cage: %s", strerror(errno));
        goto out;
    }
    status = make_arguments(&child, config, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = make_groups(cage, config, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = spawn(cage, config, &child, err);
    cage_close(&child.socket);
    cage_close(&child.output);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = await_fence(cage, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    status = find_first(cage, &child, err);
out:
    cage_close(&child.socket);
    cage_close(&child.output);
    cage_close(&child.arguments);
    cage_close(&child.info);
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
