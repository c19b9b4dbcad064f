/* SPDX-License-Identifier: Apache-2.0 */

/* The end of a cage, and of what it was. The idea: whatever a runner does, it is killed; and as
 * errors reach others, what is said of it is one of a few sentences, with nothing in them that it
 * wrote or chose. */

#include "cage/cage_internal.h"

#include <sotto/alloc.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void cage_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
}

bool cage_read_output(struct cage *cage)
{
    char spare; /* one byte more than fits says that it is too much */
    for (;;) {
        size_t left = cage->limits.output_bytes - cage->output_bytes;
        ssize_t bytes = left > 0 ? read(cage->output_fd, cage->output + cage->output_bytes, left)
                                 : read(cage->output_fd, &spare, 1);
        if (bytes <= 0) {
            return true;
        }
        if (left == 0) {
            return false;
        }
        cage->output_bytes += (size_t)bytes;
    }
}

/* The kernel lets the first process of a namespace die after all others. */
static void await_first(const struct cage *cage)
{
    struct pollfd poll_fd = {cage->first, POLLIN, 0};
    if (cage->first >= 0) {
        (void)syscall(SYS_pidfd_send_signal, cage->first, SIGKILL, NULL, 0);
        (void)poll(&poll_fd, 1, CAGE_END_MS);
    }
}

#define KILLED_HERE (-1)

/* Waits for bubblewrap, for up to wait_ms, then kills it. Returns: its exit status, which is the
 * runner's, or 128 and the signal that ended either; KILLED_HERE. */
static int await_exit(struct cage *cage, uint64_t wait_ms)
{
    int status = 0;
    if (spawned_is(&cage->process) && !spawned_wait(&cage->process, &status, wait_ms)) {
        (void)spawned_end(&cage->process);
        return KILLED_HERE;
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void kill_all(struct cage *cage)
{
    (void)await_exit(cage, 0);
    await_first(cage);
    groups_remove(&cage->groups);
}

void cage_free(struct cage *cage)
{
    if (cage == NULL) {
        return;
    }
    if (spawned_is(&cage->process)) {
        kill_all(cage);
    }
    groups_remove(&cage->groups);
    cage_close(&cage->socket);
    cage_close(&cage->output_fd);
    cage_close(&cage->first);
    sotto_writer_release(&cage->queued);
    sotto_buffer_release(&cage->body);
    sotto_free(cage->output);
    sotto_free(cage);
}

/* The runner is done for, whatever it does: kills it and keeps why. */
enum sotto_status cage_end(struct cage *cage, enum sotto_status status, const char *text,
                           struct sotto_error *err)
{
    kill_all(cage);
    (void)sotto_error_set(&cage->ended, status, "%s", text);
    if (err != NULL) {
        *err = cage->ended;
    }
    return status;
}

/* The runner closed its socket: it ended, or pretends to. Statuses are what it may have chosen:
 * bubblewrap tells one that a signal ended as 128 and the signal, and so can who exits. */
enum sotto_status cage_explain_exit(struct cage *cage, struct sotto_error *err)
{
    char text[SOTTO_ERROR_TEXT_BYTES];
    int code = await_exit(cage, CAGE_END_MS);
    (void)cage_read_output(cage);
    if (code == KILLED_HERE) {
        return cage_end(cage, SOTTO_ERROR_STATE, "the runner closed its socket, and went on", err);
    }
    if (code == 128 + SIGXCPU) {
        (void)snprintf(text, sizeof text,
                       "the runner ended as who takes more than its %u s of processor time",
                       cage->limits.cpu_seconds);
        return cage_end(cage, SOTTO_ERROR_LIMIT, text, err);
    }
    if (code == 128 + SIGKILL) {
        (void)snprintf(text, sizeof text,
                       "the runner ended as who is killed: for more than its memory (%llu MiB) or "
                       "its %u s of processor time, or by somebody",
                       (unsigned long long)(cage->limits.memory_bytes >> 20),
                       cage->limits.cpu_seconds);
        return cage_end(cage, SOTTO_ERROR_LIMIT, text, err);
    }
    return cage_end(cage, SOTTO_ERROR_STATE, "the runner ended: its output says why", err);
}
