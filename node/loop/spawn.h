/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SPAWN_H
#define SOTTO_NODE_SPAWN_H

/* Programs that run code of others, which a node starts. */

#include <spawn.h>

/* Starts the program at path with an empty environment, after these actions, in a process group of
 * its own: no signal of this process is blocked, handled or ignored in it, nor sent to it with this
 * one's group. words: ended by NULL. Returns: 0, or the errno that says why not. */
int spawn_program(pid_t *out_pid, const char *path, const posix_spawn_file_actions_t *actions,
                  const char *const words[]);

#endif
