/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_LEARNING_H
#define SOTTO_NODE_LEARNING_H

/* This node's part in learning tasks: an approved bundle in a cage, on this node's data. Threads:
 * the compute thread's, which also starts the cages: they end with it. */

#include "task/compute_internal.h"

/* A runner that works is looked at so often. */
#define LEARNING_POLL_MS 20

/* Whether a joined task brings code. */
bool learning_is(const struct joined *joined);

/* OFFER: keeps the bundle, and begins to run it if its owner has approved it. PARTIAL: trains on
 * the model of the round. Either declines, or goes on in learning_step. */
void learning_offer(struct compute *compute, struct joined *joined);
void learning_partial(struct compute *compute, struct joined *joined);

/* Takes what the runner has to say, if it was asked. Returns: whether the machine was answered. */
bool learning_step(struct compute *compute, struct joined *joined);
/* When to look again (of clock_ms); UINT64_MAX: not at all. */
uint64_t learning_deadline(const struct joined *joined);

/* Takes a round off the approval, before what was trained leaves: within the caller's transaction.
 * None where others are drawn for the round: then nothing is trained here.
 * Returns: SOTTO_ERROR_REFUSED where the owner revoked it meanwhile, or its rounds are over. */
enum sotto_status learning_use(const struct compute *compute, const struct joined *joined,
                               struct sotto_error *err) SOTTO_NODISCARD;

/* What leaves in this round, for the record: which round, of whose code, the weights of how many
 * rows, in a sum of how many parties; "" where the task is of statistics. */
void learning_describe(const struct joined *joined, char *out, size_t out_bytes);

/* The task is over here: as learning_release, and takes a round off the approval where training was
 * begun, and no update came: that nothing came, or when, code may let rows decide. */
void learning_end(const struct compute *compute, struct joined *joined);
/* Ends the runner, if there is one. */
void learning_release(struct joined *joined);

/* code.c: keeps the bundle that a peer offers, and says whether it may run for it, all rounds that
 * are left of the task. Returns: SOTTO_ERROR_REFUSED, and what its owner can do. */
enum sotto_status code_judge(const struct compute *compute, const struct joined *joined,
                             struct sotto_error *err) SOTTO_NODISCARD;

/* JOB_OFFER_CODE, JOB_DECIDE_CODE: code for learning tasks, and what the owner says to it. */
void code_offer(struct compute *compute, const struct job *job);
void code_decide(struct compute *compute, const struct job *job);

/* joined.c: a runner may have answered; what it leads to is done. */
void joined_step(struct compute *compute, struct joined *joined);

#endif
