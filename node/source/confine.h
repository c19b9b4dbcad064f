/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_SOURCE_CONFINE_H
#define SOTTO_NODE_SOURCE_CONFINE_H

/* What a worker must not be able to do. */

#include <sotto/status.h>

/* Gives up cores, files to write, make and remove, signals to others, processes and programs to
 * start, and new privileges, for good; as far as the kernel has Landlock and seccomp. Before the
 * process has threads. Returns: SOTTO_ERROR_IO where they are there and fail. */
enum sotto_status source_confine(struct sotto_error *err) SOTTO_NODISCARD;

#endif
