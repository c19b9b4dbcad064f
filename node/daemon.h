/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_DAEMON_H
#define SOTTO_NODE_DAEMON_H

/* The daemon: a node that runs. */

#include "config/config.h"

/* Runs a node until SIGTERM or SIGINT. path: of the file that config came from. Returns: what kept
 * it from starting. Ownership: borrows both. Threads: the calling one is the loop thread. */
enum sotto_status daemon_run(const struct config *config, const char *path,
                             struct sotto_error *err) SOTTO_NODISCARD;

#endif
