/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SPAWN_H
#define SOTTO_NODE_SPAWN_H

/* Programs that run code of others, which a node has started: by itself, or by a keeper
 * (loop/keeper.h) in a unit of its own, where systemd listens for it. */

#include <sotto/status.h>

#include <spawn.h>
#include <stdint.h>

/* One that was started, and is not waited for yet. */
struct spawned {
    pid_t pid;  /* of a child; 0: none */
    int keeper; /* the connection to a keeper; -1: none */
};
#define SPAWNED_NONE ((struct spawned){.keeper = -1})

/* Starts the program at path with an empty environment, after these actions, in a process group of
 * its own: no signal of this process is blocked, handled or ignored in it, nor sent to it with this
 * one's group. words: ended by NULL. Returns: 0, or the errno that says why not. */
int spawn_program(pid_t *out_pid, const char *path, const posix_spawn_file_actions_t *actions,
                  const char *const words[]);

#define SPAWN_UNIT_BYTES 108 /* of the path of a socket */

/* The socket of the unit that has programs of this name ("runner"): NAME.sock in the folder that
 * the environment's SOTTO_UNITS names; without that variable in /run/sotto, if it is this user's
 * own. A path that is too long is cut off. Returns: false where this process starts them itself. */
bool spawn_unit(char out[SPAWN_UNIT_BYTES], const char *name);

/* Has the unit of this socket start its program with these descriptors, which stay the caller's;
 * bytes say the rest, and may be none. Returns: SOTTO_ERROR_STATE where nobody listens. */
enum sotto_status spawn_in_unit(struct spawned *out, const char *socket_path, const void *bytes,
                                size_t bytes_len, const int *fds, size_t fds_len,
                                struct sotto_error *err) SOTTO_NODISCARD;

bool spawned_is(const struct spawned *spawned);

/* Waits for it to end, for up to wait_ms. Returns: whether it did; *out_status is waitpid's, and
 * that of SIGKILL where its keeper is gone. Then it is SPAWNED_NONE. */
bool spawned_wait(struct spawned *spawned, int *out_status, uint64_t wait_ms);

/* Kills it and its group, and waits; a keeper has killed all that came of it when this returns.
 * Returns: as *out_status above, of what it died; 0 for SPAWNED_NONE, which it is then. */
int spawned_end(struct spawned *spawned);

#endif
