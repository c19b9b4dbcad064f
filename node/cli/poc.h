/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_POC_H
#define SOTTO_NODE_POC_H

/* The nodes of `sotto poc`: made, started and stopped by their folders, FOLDER/NAME. */

#include "cli/command.h"
#include "config/keys.h"

#define POC_NODES_MAX 9U
#define POC_PATH_BYTES 4200

/* In the order in which a network has them; the first one is called by the others. */
extern const char *const poc_names[POC_NODES_MAX];

/* FOLDER/NAME, or FOLDER/NAME/FILE if file is not NULL. Returns: SOTTO_OK, SOTTO_ERROR_INPUT for a
 * path that is too long. */
enum sotto_status poc_path(char out[POC_PATH_BYTES], const char *folder, const char *name,
                           const char *file, struct sotto_error *err) SOTTO_NODISCARD;

/* Makes count nodes that know each other, in folders that are there, on ports that are free. */
enum sotto_status poc_make_nodes(const char *folder, unsigned count,
                                 struct sotto_error *err) SOTTO_NODISCARD;

/* Starts a node, unless it runs, and waits until it listens. Out: the address of its API. */
enum sotto_status poc_start(char out_api[POC_PATH_BYTES], const char *folder, const char *name,
                            struct sotto_error *err) SOTTO_NODISCARD;

/* Ends a node and waits for its end. Out: whether it ran. */
enum sotto_status poc_stop(bool *out_stopped, const char *folder, const char *name,
                           struct sotto_error *err) SOTTO_NODISCARD;

#endif
