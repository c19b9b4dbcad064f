/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_ANSWER_ANSWER_H
#define SOTTO_ENGINE_ANSWER_ANSWER_H

/* Room answer: what the opened sums say. */

#include "program/program.h"
#include <sotto/interrupt.h>

#define OLS_BITS_MAX 100000 /* coefficients times the bits of the longest element */

/* --- aggregate.c: the slots of a group as numbers --- */

/* The terms of one group. */
struct sotto__aggregate {
    struct sotto__value *terms;
    size_t terms_len;
};

/* Reads the slots of a group. Returns: SOTTO_ERROR_PROTOCOL for what cannot be. */
enum sotto_status sotto__aggregate_read(struct sotto__aggregate *out, const uint64_t *limbs,
                                        const struct sotto__program *program,
                                        struct sotto_error *err) SOTTO_NODISCARD;

/* --- statistics.c: from sums to a statistic --- */

/* The value of an aggregate. Returns: SOTTO_ERROR_PROTOCOL for what no rows can give. */
enum sotto_status sotto__statistic(struct sotto__value *out, const struct sotto__node *node,
                                   const struct sotto__of *of,
                                   const struct sotto__aggregate *aggregate,
                                   struct sotto_error *err) SOTTO_NODISCARD;

/* What a round says of one group. */
struct sotto__opened {
    const struct sotto__program *program;
    struct sotto__aggregate aggregate;
};

/* Evaluates node root of an expression on aggregates, the first of which is the ofs_at'th of all.
 * opened: those rounds that it needs. */
enum sotto_status sotto__evaluate(struct sotto__value *out,
                                  const struct sotto__expression *expression, size_t root,
                                  size_t ofs_at, const struct sotto__opened *opened,
                                  struct sotto_error *err) SOTTO_NODISCARD;

/* --- ols.c: regressions --- */

/* Solves a regression from its cells' values (expand.c). out: sotto__ols_values_len values, 0 each;
 * NaN where a sum is infinite or there are fewer rows than coefficients. labels: of the
 * coefficients. Returns: SOTTO_ERROR_INPUT naming regressors that are collinear (is_grouped: NaN),
 * SOTTO_ERROR_LIMIT, SOTTO_ERROR_CANCELLED,
 * SOTTO_ERROR_PROTOCOL for what no rows can give. */
enum sotto_status sotto__ols(struct sotto__value *out, const struct sotto__value *sums,
                             size_t regressors, bool intercept, char *const *labels,
                             bool is_grouped, const struct sotto_interrupt *interrupt,
                             struct sotto_error *err) SOTTO_NODISCARD;

#endif
