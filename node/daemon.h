/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_DAEMON_H
#define SOTTO_NODE_DAEMON_H

/* The daemon: puts the parts together. */

#include "config/config.h"

/* Runs a node until SIGTERM or SIGINT. path: of the file that config came from. */
enum sotto_status daemon_run(const struct config *config, const char *path,
                             struct sotto_error *err) SOTTO_NODISCARD;

#endif
