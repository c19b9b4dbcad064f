/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_RECORDED_H
#define SOTTO_NODE_RECORDED_H

/* What is told of this node's part in tasks. Threads: the compute thread. */

#include "store/store_record.h"
#include "task/compute_internal.h"

/* Whose lines the owner's log limits: nobody's (NULL), if the task is this node's own. */
const char *joined_creator_name(const struct compute *compute, const struct joined *joined);

/* Adds an entry to the owner's record. reason: of a refusal, else NULL. Returns: what the store
 * does. */
enum sotto_status recorded_add(const struct compute *compute, const struct joined *joined,
                               enum record_event event, const struct sotto_error *reason,
                               struct sotto_error *err) SOTTO_NODISCARD;
/* The same for what goes on without it: the owner's log then says why. */
void recorded_add_or_say(const struct compute *compute, const struct joined *joined,
                         enum record_event event, const struct sotto_error *reason);
/* rule: of a refusal its rule's code, "policy" or "owner". */
void recorded_decline(const struct compute *compute, const struct joined *joined,
                      const struct sotto_error *reason, const char *rule);
/* A plan that can't be read is declined by the machine itself. */
void recorded_unread(const struct compute *compute, const struct joined *joined,
                     const struct sotto_action *done);

/* Says that this node takes part. */
void joined_tell_joined(const struct compute *compute, const struct joined *joined);
/* Declines: the machine is told, and all that is told of it. rule: as of recorded_decline. */
void joined_decline(const struct compute *compute, struct joined *joined,
                    const struct sotto_error *err, const char *rule);

#endif
