/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_GLM_EQUATIONS_H
#define SOTTO_ENGINE_METHODS_GLM_EQUATIONS_H

/* The equations of one round of a model: information times step = score. */

#include "methods/normal.h"

struct sotto__equations {
    size_t k;
    struct sotto__normal normal;
    mpq_srcptr *moments; /* the right side, borrowed */
    mpq_t *solution;
    mpq_t *room; /* k more: for a right side that is computed, or for a diagonal */
};

/* Of k equations without a right side, and with nothing on the left. Returns:
 * SOTTO_ERROR_NO_MEMORY. Ended by sotto__equations_release, also after a failure. */
enum sotto_status sotto__equations_init(struct sotto__equations *out, size_t k,
                                        struct sotto_error *err) SOTTO_NODISCARD;
void sotto__equations_release(struct sotto__equations *equations);
/* Sets the symmetric block of len rows and columns at row and column, and the one across the
 * diagonal, to what sums have of its upper triangle. Borrows them. */
void sotto__equations_set_block(struct sotto__equations *equations, size_t row, size_t column,
                                const struct sotto__value *sums, size_t len);
/* Adds ridge for each row of data to the diagonal. */
void sotto__equations_add_ridge(struct sotto__equations *equations, double ridge, uint64_t rows);
/* Inverts the matrix. *out_rank: as sotto__normal_invert, whose name and failures these are.
 * *out_is_singular: there is no one solution, or hardly one. */
enum sotto_status sotto__equations_invert(struct sotto__equations *equations, size_t *out_rank,
                                          bool *out_is_singular, const char *name,
                                          const struct sotto_interrupt *interrupt,
                                          struct sotto_error *err) SOTTO_NODISCARD;
/* Sets the solution, once the matrix is inverted. */
void sotto__equations_solve(struct sotto__equations *equations);

/* Of what is solved, rounded: the condition number of the scaled matrix, the square of the step in
 * standard errors, and the largest element of a row's share of the right side. */
double sotto__equations_condition(const struct sotto__equations *equations);
double sotto__equations_decrement(const struct sotto__equations *equations);
double sotto__equations_largest(const struct sotto__equations *equations, uint64_t rows);

#endif
