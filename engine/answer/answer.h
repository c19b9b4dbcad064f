/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_ANSWER_ANSWER_H
#define SOTTO_ENGINE_ANSWER_ANSWER_H

/* Room answer: what the opened sums say. */

#include "program/program.h"
#include <sotto/driver.h>

/* --- aggregate.c: the slots of a group as numbers --- */

/* The terms of one group. */
struct sotto__group_sums {
    const uint64_t *limbs; /* borrows: terms of many counts are read there */
    struct sotto__value *terms;
    uint64_t *withheld; /* of a term that is a cell: the parties that kept it back */
    size_t terms_len;
};

/* Reads the slots of a group, limbs[0 .. program->group_limbs), into out, whose terms are as many
 * as the program's and were initialised; borrows limbs. Returns: SOTTO_ERROR_PROTOCOL for what no
 * rows can give. */
enum sotto_status sotto__group_sums_read(struct sotto__group_sums *out, const uint64_t *limbs,
                                         const struct sotto__program *program,
                                         struct sotto_error *err) SOTTO_NODISCARD;

/* --- statistics.c: from sums to a statistic --- */

/* The value of an aggregate, node, from a group's sums. Out: initialised, 0. Returns:
 * SOTTO_ERROR_PROTOCOL for what no rows can give. */
enum sotto_status sotto__statistic(struct sotto__value *out, const struct sotto__node *node,
                                   const struct sotto__moments *moments,
                                   const struct sotto__group_sums *aggregate,
                                   struct sotto_error *err) SOTTO_NODISCARD;

/* What is known of one group when a round was opened: its sums, and what was kept before. */
struct sotto__opened {
    const struct sotto__program *program;
    const struct sotto__kept *kept;
    unsigned round;
    size_t group;
    struct sotto__group_sums aggregate;
};

/* How many aggregates an expression has. */
size_t sotto__aggregates_len(const struct sotto__expression *expression);
/* Marks what node root is made of, down to aggregates. out: false for each node up to root. */
void sotto__needed_find(bool *out, const struct sotto__expression *expression, size_t root);
/* Evaluates node root of an expression on aggregates, the first of which is the first_moments'th of
 * all, each opened in this round or kept. Out: initialised. Returns: as sotto__statistic. */
enum sotto_status sotto__evaluate(struct sotto__value *out,
                                  const struct sotto__expression *expression, size_t root,
                                  size_t first_moments, const struct sotto__opened *opened,
                                  struct sotto_error *err) SOTTO_NODISCARD;

/* --- apply.c: what arithmetic on aggregates makes of numbers and of intervals --- */

/* value becomes what a node makes of it and of right (NULL: there is none). Of intervals it is the
 * interval of all that numbers in them give; NaN where that is no interval. */
void sotto__apply_node(struct sotto__value *value, const struct sotto__node *node,
                       const struct sotto__value *right);

/* --- kept.c: what later rounds need of the rounds before --- */

#define SOTTO__RESULT_VALUES_MAX ((size_t)1 << 18) /* in all groups; of kept values likewise */

/* One for each aggregate, by value expression, then by node, as the moments of programs. */
struct sotto__kept_aggregate {
    const struct sotto__node *node; /* borrows from the expansion */
    unsigned round;                 /* that opens it */
    unsigned last_use;              /* the last round after which it is read */
    size_t place;                   /* among a group's values; SOTTO_NONE: it is not kept */
    bool is_call;                   /* of a method, which sets its value, unless it stands alone */
};

struct sotto__kept {
    struct sotto__kept_aggregate *aggregates;
    struct sotto__moments *moments; /* [aggregate], in the program of its own round */
    size_t aggregates_len;
    unsigned *output_rounds;     /* [output]: after it all its aggregates are known */
    struct sotto__value *values; /* [group * group_len + place] */
    size_t group_len;
    size_t values_len;
};

/* Borrows the expansion. Returns: SOTTO_ERROR_LIMIT beyond SOTTO__RESULT_VALUES_MAX values,
 * SOTTO_ERROR_NO_MEMORY. Ended by sotto__kept_release, also after a failure. */
enum sotto_status sotto__kept_init(struct sotto__kept *out,
                                   const struct sotto__expansion *expansion, size_t groups_len,
                                   struct sotto_error *err) SOTTO_NODISCARD;
void sotto__kept_release(struct sotto__kept *kept);
/* Remembers by which sums a round's program opens its aggregates. */
void sotto__kept_learn(struct sotto__kept *kept, const struct sotto__program *program,
                       unsigned round);
/* Whether a round of the plan opens an aggregate; a method's call is one in its last round. */
bool sotto__kept_opens(const struct sotto__kept *kept, unsigned round);
/* Keeps what later rounds need of a group. Returns: as sotto__statistic. */
enum sotto_status sotto__kept_add(struct sotto__kept *kept, const struct sotto__opened *opened,
                                  struct sotto_error *err) SOTTO_NODISCARD;

#endif
