/* SPDX-License-Identifier: Apache-2.0 */

/* The owner's own program, asked for a part. Leans on spawn.c. The idea: it is the owner's, and may
 * do what the owner may, but whatever it does it ends, and what it began is not used: only what it
 * wrote before it ended well is an answer. Where this process is gone first, killed say, a second
 * one ends it (command_watch.c), which holds the other end of a pipe that only this process has. */

#include "source/command.h"

#include "loop/log.h"
#include "loop/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sotto/alloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FDS_FROM 10 /* above those of the child */
#define PIECE_BYTES ((size_t)1 << 16)
#define STEP_MS 100
#define LAST_STEP_MS 5 /* where it has closed its output and not ended */

struct stream {
    int fd; /* -1: closed */
    struct sotto_writer taken;
};

struct running {
    pid_t pid;   /* 0: none */
    pid_t watch; /* the process that ends it after this one; 0: none */
    int alive;   /* closed when this process ends, and by nothing else */
    int asked;
    struct stream answer;
    struct stream said;
    uint8_t *piece;
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

static enum sotto_status io_failed(const char *what, int code, struct sotto_error *err)
{
    return sotto_error_set(err, SOTTO_ERROR_IO, "%s: %s", what, strerror(code));
}

/* --- Start --- */

/* Puts what is asked into a file without a name, to be read from its beginning. */
static enum sotto_status store_asked(struct running *running, const char *asked,
                                     struct sotto_error *err)
{
    size_t bytes = strlen(asked);
    int fd = memfd_create("ask", MFD_CLOEXEC);
    running->asked = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, FDS_FROM) : -1;
    close_fd(&fd);
    size_t done = 0;
    while (running->asked >= 0 && done < bytes) {
        ssize_t written = write(running->asked, asked + done, bytes - done);
        if (written < 0 && errno != EINTR) {
            break;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return running->asked >= 0 && done == bytes && lseek(running->asked, 0, SEEK_SET) == 0
               ? SOTTO_OK
               : io_failed("what workers are asked", errno, err);
}

/* A pipe whose other end is *out_theirs. */
static bool open_pipe(int *out_ours, int *out_theirs)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return false;
    }
    *out_ours = ends[0];
    *out_theirs = fcntl(ends[1], F_DUPFD_CLOEXEC, FDS_FROM);
    (void)close(ends[1]);
    return *out_theirs >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

/* The program's path as it is from every folder. Returns: 0 or an errno. */
static int find_program(char out[PATH_MAX], const char *path)
{
    char folder[PATH_MAX] = "";
    if (path[0] != '/' && getcwd(folder, sizeof folder) == NULL) {
        return errno;
    }
    int bytes = snprintf(out, PATH_MAX, "%s%s%s", folder, path[0] != '/' ? "/" : "", path);
    return bytes > 0 && bytes < PATH_MAX ? 0 : ENAMETOOLONG;
}

static int spawn(struct running *running, const struct command_run *run, int answer, int said)
{
    posix_spawn_file_actions_t actions;
    char program[PATH_MAX];
    const char *const words[] = {program, NULL};
    int failed = find_program(program, run->program);
    if (failed != 0) {
        return failed;
    }
    if (posix_spawn_file_actions_init(&actions) != 0) {
        return ENOMEM;
    }
    failed = posix_spawn_file_actions_adddup2(&actions, running->asked, STDIN_FILENO);
    failed |= posix_spawn_file_actions_adddup2(&actions, answer, STDOUT_FILENO);
    failed |= posix_spawn_file_actions_adddup2(&actions, said, STDERR_FILENO);
    failed |= posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    failed |= posix_spawn_file_actions_addchdir_np(&actions, run->folder);
    failed = failed == 0 ? spawn_program(&running->pid, program, &actions, words) : ENOMEM;
    running->pid = failed == 0 ? running->pid : 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* Starts the process that has the program end after this one. Returns: 0 or an errno. */
static int spawn_watch(struct running *running, const struct command_run *run)
{
    posix_spawn_file_actions_t actions;
    char group[24];
    char seconds[24];
    const char *const words[] = {"sotto", "command-watch", group, seconds, NULL};
    int ends[2];
    (void)snprintf(group, sizeof group, "%ld", (long)running->pid);
    (void)snprintf(seconds, sizeof seconds, "%u", run->end_seconds);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return errno;
    }
    running->alive = ends[1];
    int theirs = fcntl(ends[0], F_DUPFD_CLOEXEC, FDS_FROM);
    int failed = theirs < 0 ? errno : posix_spawn_file_actions_init(&actions);
    (void)close(ends[0]);
    if (failed != 0) {
        close_fd(&theirs);
        return failed;
    }
    failed = posix_spawn_file_actions_adddup2(&actions, theirs, STDIN_FILENO);
    failed |= posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    failed = failed == 0 ? spawn_program(&running->watch,
                                         run->watch != NULL ? run->watch : "/proc/self/exe",
                                         &actions, words)
                         : ENOMEM;
    running->watch = failed == 0 ? running->watch : 0;
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(theirs);
    return failed;
}

static void end_watch(struct running *running)
{
    if (running->watch > 0) {
        (void)kill(running->watch, SIGKILL);
        while (waitpid(running->watch, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    running->watch = 0;
    close_fd(&running->alive);
}

static enum sotto_status start(struct running *running, const struct command_run *run,
                               struct sotto_error *err)
{
    int answer = -1;
    int said = -1;
    enum sotto_status status = store_asked(running, run->asked, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!open_pipe(&running->answer.fd, &answer) || !open_pipe(&running->said.fd, &said)) {
        status = io_failed("a pipe", errno, err);
        goto out;
    }
    int failed = spawn(running, run, answer, said);
    if (failed == 0) {
        failed = spawn_watch(running, run);
        status = failed == 0 ? SOTTO_OK : io_failed("what watches it", failed, err);
    } else {
        status = sotto_error_set(err, failed == ENOENT ? SOTTO_ERROR_NOT_FOUND : SOTTO_ERROR_IO,
                                 "it can't be started: %s", strerror(failed));
    }
out:
    close_fd(&answer);
    close_fd(&said);
    return status;
}

/* --- Its output --- */

/* Reads some of what there is; what its writer has no room for is thrown away. Returns: false if
 * there was nothing. */
static bool take(struct stream *stream, uint8_t *piece)
{
    ssize_t bytes = stream->fd >= 0 ? read(stream->fd, piece, PIECE_BYTES) : -1;
    if (stream->fd >= 0 && (bytes == 0 || (bytes < 0 && errno != EAGAIN && errno != EINTR))) {
        close_fd(&stream->fd);
    }
    if (bytes > 0) {
        size_t room = stream->taken.limit_bytes - stream->taken.data_bytes;
        sotto_write_bytes(&stream->taken, piece, (size_t)bytes < room ? (size_t)bytes : room);
    }
    return bytes > 0;
}

static enum sotto_status check_taken(const struct running *running, const struct command_run *run,
                                     struct sotto_error *err)
{
    if (running->answer.taken.failed || running->said.taken.failed) {
        return sotto_error_no_memory(err);
    }
    return running->answer.taken.data_bytes <= run->bytes_max
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                 "expected an answer of at most %zu bytes, found more",
                                 run->bytes_max);
}

static enum sotto_status check_time(const struct command_run *run, uint64_t end_ms,
                                    struct sotto_error *err)
{
    if (sotto_interrupt_is_set(run->interrupt)) {
        return sotto_error_set(err, SOTTO_ERROR_CANCELLED, "it was interrupted");
    }
    return clock_ms() < end_ms
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_TIMEOUT,
                                 "it did not end within %u s: it was killed", run->seconds_max);
}

static bool is_running(const struct running *running)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)running->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == 0;
}

/* Waits a little for what it writes, and takes it. */
static void take_some(struct running *running)
{
    struct pollfd fds[] = {{.fd = running->answer.fd, .events = POLLIN},
                           {.fd = running->said.fd, .events = POLLIN}};
    (void)poll(fds, 2, running->answer.fd >= 0 ? STEP_MS : LAST_STEP_MS);
    (void)take(&running->answer, running->piece);
    (void)take(&running->said, running->piece);
}

/* Takes what it writes until it ends. */
static enum sotto_status await_end(struct running *running, const struct command_run *run,
                                   struct sotto_error *err)
{
    uint64_t end_ms = clock_ms() + (uint64_t)run->seconds_max * 1000;
    while (is_running(running)) {
        take_some(running);
        enum sotto_status status = check_taken(running, run, err);
        if (status != SOTTO_OK) {
            return status;
        }
        status = check_time(run, end_ms, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    return SOTTO_OK;
}

/* --- End --- */

/* Has it end first where it runs, as a launcher has processes in groups of their own; then kills
 * all of its group, which it may have left behind. Returns: how it ended itself. */
static int end(struct running *running, const struct command_run *run)
{
    int status = 0;
    uint64_t end_ms = clock_ms() + (uint64_t)run->end_seconds * 1000;
    if (running->pid > 0 && is_running(running)) {
        (void)kill(-running->pid, SIGTERM);
        while (is_running(running) && clock_ms() < end_ms) {
            take_some(running);
        }
    }
    if (running->pid > 0) {
        (void)kill(-running->pid, SIGKILL);
        while (waitpid(running->pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    running->pid = 0;
    return status;
}

static enum sotto_status explain_end(int status, struct sotto_error *err)
{
    if (WIFSIGNALED(status)) {
        return sotto_error_set(err, SOTTO_ERROR_STATE, "it was killed: %s",
                               strsignal(WTERMSIG(status)));
    }
    return WEXITSTATUS(status) == 0
               ? SOTTO_OK
               : sotto_error_set(err, SOTTO_ERROR_STATE, "it failed with exit status %d",
                                 WEXITSTATUS(status));
}

static enum sotto_status run_to_end(struct running *running, const struct command_run *run,
                                    struct sotto_error *err)
{
    running->piece = sotto_alloc(PIECE_BYTES);
    if (running->piece == NULL) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = start(running, run, err);
    if (status != SOTTO_OK) {
        (void)end(running, run);
        return status;
    }
    status = await_end(running, run, err);
    int ended = end(running, run);
    while (take(&running->said, running->piece)) {
    }
    if (status != SOTTO_OK) {
        return status;
    }
    while (take(&running->answer, running->piece)) {
    }
    status = explain_end(ended, err);
    if (status != SOTTO_OK) {
        return status;
    }
    return check_taken(running, run, err);
}

static void release_stream(struct stream *stream)
{
    close_fd(&stream->fd);
    sotto_writer_release(&stream->taken);
}

static void hand_over(struct sotto_buffer *out, struct stream *stream)
{
    if (stream->taken.data_bytes > 0) {
        out->data = sotto_writer_take(&stream->taken, &out->data_bytes);
    }
}

enum sotto_status command_run(struct sotto_buffer *out, struct sotto_buffer *out_said,
                              const struct command_run *run, struct sotto_error *err)
{
    struct running running = {.alive = -1, .asked = -1, .answer = {.fd = -1}, .said = {.fd = -1}};
    *out = *out_said = (struct sotto_buffer){0};
    sotto_writer_init(&running.answer.taken, run->bytes_max + 1);
    sotto_writer_init(&running.said.taken, COMMAND_SAID_BYTES_MAX);
    enum sotto_status status = run_to_end(&running, run, err);
    hand_over(out_said, &running.said);
    if (status == SOTTO_OK) {
        hand_over(out, &running.answer);
    }
    end_watch(&running);
    close_fd(&running.asked);
    release_stream(&running.answer);
    release_stream(&running.said);
    sotto_free(running.piece);
    return status;
}
