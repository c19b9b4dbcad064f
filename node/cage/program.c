/* SPDX-License-Identifier: Apache-2.0 */

/* The process of a runner as a program with words and descriptors, and as what a keeper is asked
 * for. The idea: a node chooses numbers, the path of Python and what the cage shows; which programs
 * are started, and in which order, stands here for both ways, so that a unit starts nothing but
 * cages. */

#include "cage/cage_internal.h"
#include "loop/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ARGUMENTS_FD 4
#define INFO_FD 5 /* arguments.c */
#define WORDS_MAX 24

static const char *unit_fence; /* in a keeper */

static int add_actions(posix_spawn_file_actions_t *actions, const int fds[CAGE_FDS_LEN])
{
    int failed = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
    failed |= posix_spawn_file_actions_adddup2(actions, fds[CAGE_OUTPUT], 1);
    failed |= posix_spawn_file_actions_adddup2(actions, fds[CAGE_OUTPUT], 2);
    failed |= posix_spawn_file_actions_adddup2(actions, fds[CAGE_SOCKET], FENCE_SOCKET_FD);
    failed |= posix_spawn_file_actions_adddup2(actions, fds[CAGE_ARGUMENTS], ARGUMENTS_FD);
    failed |= posix_spawn_file_actions_adddup2(actions, fds[CAGE_INFO], INFO_FD);
    failed |= posix_spawn_file_actions_addclosefrom_np(actions, INFO_FD + 1);
    return failed;
}

/* sotto-fence join GROUP... -- bwrap --args 4 -- fence run LIMIT... -- python3 -I -B runner.py. */
static int spawn_words(pid_t *out_pid, const struct cage_program *program,
                       const posix_spawn_file_actions_t *actions)
{
    char numbers[4][24];
    const struct cage_limits *limits = &program->limits;
    const uint64_t values[] = {limits->memory_bytes, limits->cpu_seconds, limits->files_bytes,
                               limits->threads};
    const char *words[WORDS_MAX] = {program->fence_path, "join"};
    size_t len = 2;
    for (size_t i = 0; i < program->groups->folders_len; i++) {
        words[len++] = program->groups->folders[i];
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
    const char *const end[] = {"--", program->python_path, "-I", "-B", "/run/sotto/runner.py"};
    for (size_t i = 0; i < sizeof end / sizeof end[0]; i++) {
        words[len++] = end[i];
    }
    return spawn_program(out_pid, program->fence_path, actions, words);
}

int cage_spawn(pid_t *out_pid, const struct cage_program *program, const int fds[CAGE_FDS_LEN])
{
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    int failed = add_actions(&actions, fds) == 0 ? spawn_words(out_pid, program, &actions) : ENOMEM;
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* --- In a unit --- */

enum sotto_status cage_spawn_in_unit(struct spawned *out, const char *socket_path,
                                     const struct cage_program *program,
                                     const int fds[CAGE_FDS_LEN], struct sotto_error *err)
{
    struct sotto_writer writer;
    const struct cage_limits *limits = &program->limits;
    sotto_writer_init(&writer, KEEPER_MESSAGE_BYTES - 1);
    sotto_write_u64(&writer, limits->memory_bytes);
    sotto_write_u64(&writer, limits->files_bytes);
    sotto_write_u32(&writer, limits->cpu_seconds);
    sotto_write_u32(&writer, limits->threads);
    sotto_write_blob(&writer, program->python_path, strlen(program->python_path));
    enum sotto_status status =
        sotto_writer_status(&writer) == SOTTO_OK
            ? spawn_in_unit(out, socket_path, writer.data, writer.data_bytes, fds, CAGE_FDS_LEN,
                            err)
            : sotto_error_set(err, SOTTO_ERROR_LIMIT, "learning.python is longer than a path");
    sotto_writer_release(&writer);
    return status;
}

static int start_asked(pid_t *out_pid, const struct keeper_asked *asked)
{
    char python[PATH_MAX];
    size_t bytes = 0;
    const struct groups none = {0};
    struct sotto_reader reader;
    struct cage_program program = {unit_fence, python, &none, {0}};
    sotto_reader_init(&reader, asked->bytes, asked->bytes_len);
    program.limits.memory_bytes = sotto_read_u64(&reader);
    program.limits.files_bytes = sotto_read_u64(&reader);
    program.limits.cpu_seconds = sotto_read_u32(&reader);
    program.limits.threads = sotto_read_u32(&reader);
    const uint8_t *path = sotto_read_blob(&reader, &bytes, sizeof python - 1);
    if (!sotto_reader_finished(&reader) || asked->fds_len != CAGE_FDS_LEN || bytes == 0) {
        return EINVAL;
    }
    if (getuid() == 0) { /* whose threads no limit of a process holds for */
        return EPERM;
    }
    memcpy(python, path, bytes);
    python[bytes] = '\0';
    return cage_spawn(out_pid, &program, asked->fds);
}

bool cage_keep(const char *fence_path)
{
    unit_fence = fence_path;
    return keeper_serve(start_asked);
}
