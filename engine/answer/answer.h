/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_ANSWER_ANSWER_H
#define SOTTO_ENGINE_ANSWER_ANSWER_H

/* Room answer: what the opened sums say. */

#include "program/program.h"
#include <sotto/driver.h>

#define SOTTO__OLS_BITS_MAX 100000 /* coefficients times the bits of the longest element */

/* --- aggregate.c: the slots of a group as numbers --- */

/* The terms of one group. */
struct sotto__group_sums {
    struct sotto__value *terms;
    size_t terms_len;
};

/* Reads the slots of a group, limbs[0 .. program->group_limbs), into out, whose terms are as many
 * as the program's and were initialised. Returns: SOTTO_ERROR_PROTOCOL for what no rows can give.
 */
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

/* What a round says of one group. */
struct sotto__opened {
    const struct sotto__program *program;
    struct sotto__group_sums aggregate;
};

/* Evaluates node root of an expression on aggregates, the first of which is the first_moments'th of
 * all. opened: [round - 1], at least those rounds that it needs. Out: initialised. Returns: as
 * sotto__statistic. */
enum sotto_status sotto__evaluate(struct sotto__value *out,
                                  const struct sotto__expression *expression, size_t root,
                                  size_t first_moments, const struct sotto__opened *opened,
                                  struct sotto_error *err) SOTTO_NODISCARD;

/* --- ols.c: regressions --- */

/* Solves a regression from the values of its expressions (expand.c). out: sotto__ols_values_len
 * values, 0 each; NaN where a sum is infinite or there are fewer rows than coefficients. labels: of
 * the coefficients. Returns: SOTTO_ERROR_INPUT naming regressors that are collinear (is_grouped:
 * NaN), SOTTO_ERROR_LIMIT, SOTTO_ERROR_CANCELLED, SOTTO_ERROR_PROTOCOL for what no rows can give.
 */
enum sotto_status sotto__ols(struct sotto__value *out, const struct sotto__value *sums,
                             size_t regressors, bool intercept, char *const *labels,
                             bool is_grouped, const struct sotto_interrupt *interrupt,
                             struct sotto_error *err) SOTTO_NODISCARD;

/* --- outputs.c: the values of all outputs in all groups --- */

#define SOTTO__RESULT_VALUES_MAX ((size_t)1 << 18) /* in all groups */

struct sotto__results {
    const struct sotto_plan *plan;
    const struct sotto__expansion *expansion;
    const struct sotto__program *program; /* of any round: its keys and groups */
    const struct sotto_interrupt *interrupt;
    struct sotto__value *values; /* [group * expansion->values_len + value] */
    uint64_t *nan_made;          /* NaN made, likewise */
    size_t values_len;
    uint64_t *withheld; /* [group], of the last round: parties that kept the group back */
    bool *is_uncounted; /* [group]: counts were opened, and they and all else that the rounds opened
                           of it are 0, and nobody kept it back */
};

/* Borrows all of it. Returns: SOTTO_ERROR_LIMIT beyond SOTTO__RESULT_VALUES_MAX,
 * SOTTO_ERROR_NO_MEMORY. Ended by sotto__results_release, also after a failure. */
enum sotto_status sotto__results_init(struct sotto__results *out, const struct sotto_plan *plan,
                                      const struct sotto__expansion *expansion,
                                      const struct sotto__program *program,
                                      struct sotto_error *err) SOTTO_NODISCARD;
void sotto__results_release(struct sotto__results *results);
/* Sets the values of one group; opened: of all rounds. Returns: as sotto__evaluate and sotto__ols,
 * naming the output. */
enum sotto_status sotto__results_evaluate(struct sotto__results *results, size_t group,
                                          const struct sotto__opened *opened,
                                          struct sotto_error *err) SOTTO_NODISCARD;

/* --- result.c, warnings.c: a result as JSON --- */

#define SOTTO__RESULT_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* As sotto_driver_result. */
enum sotto_status sotto__results_write(const struct sotto__results *results, char **out,
                                       const struct sotto_result_parties *parties,
                                       const struct sotto_schema *offers, size_t offers_len,
                                       struct sotto_error *err) SOTTO_NODISCARD;
/* The key "warnings", after a comma. The writer keeps what fails. */
void sotto__warnings_write(struct sotto_writer *writer, const struct sotto__results *results,
                           const struct sotto_result_parties *parties);

#endif
