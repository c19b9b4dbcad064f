/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_REMEMBERED_H
#define SOTTO_NODE_REMEMBERED_H

/* What the ledger says, and is told. Threads: the compute thread's. */

#include <sotto/disclosure.h>
#include <sotto/tally.h>

struct compute;
struct joined;

/* Whether policy has a rule that asks the ledger. */
bool remembered_is_asked(const struct compute *compute);
/* Whether policy lets this node's rows be summed up with those of the session's members. */
enum sotto_status remembered_members(const struct compute *compute, const struct joined *joined,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* Asks about a partial that is tallied: which groups joined->withheld keeps back for what was
 * answered before, and whether it matters who survives. Nothing is written down. */
enum sotto_status remembered_foresee(const struct compute *compute, bool *out_is_of_parties,
                                     struct joined *joined, enum sotto_rule *out_rule,
                                     const struct sotto_tally *tally,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* The same in a session, whose answer is on disk when this returns SOTTO_OK. */
enum sotto_status remembered_answer(const struct compute *compute, struct joined *joined,
                                    enum sotto_rule *out_rule, const struct sotto_tally *tally,
                                    struct sotto_error *err) SOTTO_NODISCARD;
/* Before the weights of a round of learning leave: that they do, and who the parties are. No sums
 * of rows are in it, so it is held against no other answer. Who is not drawn gives nothing. */
enum sotto_status remembered_training(const struct compute *compute, struct joined *joined,
                                      struct sotto_error *err) SOTTO_NODISCARD;
/* Before a consent leaves. */
enum sotto_status remembered_consent(const struct compute *compute, struct joined *joined,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* When a session is over: what was never masked is no answer. */
void remembered_end(const struct compute *compute, struct joined *joined);
/* A refusal of a word for its reason. */
void remembered_refusal(const struct compute *compute, const struct joined *joined,
                        const char *reason);
/* Whether the creator was refused so often today that its plans wait for the owner. */
enum sotto_status remembered_waits(const struct compute *compute, bool *out,
                                   const struct joined *joined,
                                   struct sotto_error *err) SOTTO_NODISCARD;

#endif
