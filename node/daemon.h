/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_DAEMON_H
#define SOTTO_NODE_DAEMON_H

/* The daemon: a node that runs. */

#include "config/config.h"

/* Takes the lock of a state_dir, which one daemon at a time may use: it goes when *out_fd is
 * closed, or with the process. Returns: SOTTO_ERROR_STATE if another has it. */
enum sotto_status daemon_lock_state(int *out_fd, const char *folder,
                                    struct sotto_error *err) SOTTO_NODISCARD;

/* Whether a node would start, and go over, to this configuration: its key is there, no peer has it,
 * certificates fit their keys. Nothing is opened or made for it. */
enum sotto_status daemon_check(const struct config *config,
                               struct sotto_error *err) SOTTO_NODISCARD;

/* Runs a node until SIGTERM or SIGINT. path: of the file that config came from. Returns: what kept
 * it from starting. Ownership: borrows both. Threads: the calling one is the loop thread. */
enum sotto_status daemon_run(const struct config *config, const char *path,
                             struct sotto_error *err) SOTTO_NODISCARD;

#endif
