/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_OWNER_H
#define SOTTO_NODE_OWNER_H

/* What the owner of this node's data is shown of its rules and of what was told by them. Threads:
 * the compute thread. */

struct compute;
struct job;

/* JOB_IN_FORCE: policy as it is in force, with what node.yaml leaves out. */
void owner_policy(struct compute *compute, const struct job *job);
/* JOB_LEDGER: what was told of each column and what is left, and the last entries. */
void owner_ledger(struct compute *compute, const struct job *job);

#endif
