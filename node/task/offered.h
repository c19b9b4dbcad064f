/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_OFFERED_H
#define SOTTO_NODE_OFFERED_H

/* What this node answers to a task's invitation. Threads: the compute thread. */

#include "config/policy.h"
#include "store/store_asked.h"
#include "task/compute_internal.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)

/* OFFER: joins, declines, or waits for the owner. And what the owner approved, if policy and files
 * still allow it. */
void offered_answer(struct compute *compute, struct joined *joined);
void offered_approved(struct compute *compute, struct joined *joined);

/* What policy is asked of a task. schema: of its columns, or NULL. Borrows all. */
struct policy_question offered_question(const struct compute *compute, const struct joined *joined,
                                        const struct sotto_schema *schema);
/* Writes down what is asked, for the owner to decide. *out_state: the decision, if one was made
 * before a restart, else state. Returns: what the store does, SOTTO_ERROR_NO_MEMORY. */
enum sotto_status offered_ask_owner(struct compute *compute, struct joined *joined,
                                    enum asked_state *out_state, enum asked_state state,
                                    const struct sotto_schema *schema,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* Closes the files of a task. */
void offered_release(struct joined *joined);

#endif
