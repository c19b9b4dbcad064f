/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_COLUMNS_H
#define SOTTO_NODE_COLUMNS_H

/* Which columns a file of this node has. Threads: the compute thread. */

struct compute;
struct job;

/* JOB_COLUMNS: answers with names and types. */
void columns_tell(struct compute *compute, const struct job *job);

#endif
