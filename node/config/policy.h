/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_NODE_POLICY_H
#define SOTTO_NODE_POLICY_H

/* What an owner's policy says to a plan, before any data is touched. How many rows there are is
 * asked afterwards (joined.c, sotto_driver_contribute). */

#include "config/config.h"
#include <sotto/schema.h>

struct policy_question {
    const struct sotto_plan *plan;
    const struct sotto_plan *continues; /* the plan that it goes on with, from what this node
                                           computed itself, and the grammar judges; NULL: none */
    const char *asker;                  /* a peer's name, or this node's */
    const struct sotto_schema *schema;  /* the types, if they are known: NULL */
    bool has_leave;        /* the owner decides by hand on what the grammar does not admit */
    bool follows_refusals; /* of so many plans of its creator today that the owner decides */
};

/* Why the owner decides on a plan that policy would let pass. */
#define POLICY_FOLLOWS_REFUSALS                                                                    \
    "so many of its creator's questions were refused today (policy.refusals)"

struct policy_rule {
    const char *name; /* its key in node.yaml */
    enum sotto_status (*judge)(const struct config *config, const struct policy_question *question,
                               struct sotto_error *err);
};

/* All rules, in the order in which they are asked; each alone says what is wrong: the class is its
 * status, the text is for the owner. */
const struct policy_rule *policy_rules(size_t *out_len);

/* Asks the rules in order. Returns: the status of the first one that refuses, and its text. */
enum sotto_status policy_judge(const struct config *config, const struct policy_question *question,
                               struct sotto_error *err) SOTTO_NODISCARD;

/* What the profile alone says, whether or not the owner decides. Returns: likewise. */
enum sotto_status policy_judge_grammar(const struct config *config,
                                       const struct policy_question *question,
                                       struct sotto_error *err) SOTTO_NODISCARD;

/* The plan for its owner: who asks for what, what leaves. Ownership: *out is ended by sotto_free.
 */
enum sotto_status policy_words(char **out, const struct config *config,
                               const struct policy_question *question,
                               struct sotto_error *err) SOTTO_NODISCARD;

#endif
