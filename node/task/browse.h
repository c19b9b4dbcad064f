/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_BROWSE_H
#define SOTTO_NODE_BROWSE_H

/* Asking all nodes what they publish of their files. Threads: the compute thread. */

#include "task/compute_internal.h"

/* Questions of all nodes that are under way; more are refused. */
#define BROWSES_MAX 8

/* JOB_BROWSE: asks the peers, and answers when all who are not known to be away have, or after
 * BROWSE_MS. */
void browse_begin(struct compute *compute, const struct job *job);
/* A LISTING. */
void browse_receive(struct compute *compute, const struct sotto_message_route *route,
                    const struct sotto_buffer *message);
/* When browse_tick has something to do, of clock_ms. */
uint64_t browse_deadline(const struct compute *compute);
/* Answers what was asked long enough ago, with what came; or all (the thread stops). */
void browse_tick(struct compute *compute, bool all);

#endif
