/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_NORMAL_H
#define SOTTO_ENGINE_METHODS_NORMAL_H

/* Normal equations A x = b, solved exactly. What regressions share. */

#include "methods/methods.h"

#include <mpfr.h>

#define SOTTO__CONDITION_BITS 64

/* A is symmetric and positive semidefinite. */
struct sotto__normal {
    size_t k;
    mpq_srcptr *matrix; /* [i * k + j] of A: set after init, borrowed */
    mpz_t *elements;    /* k rows of 2 k: A scaled and the identity, then A's inverse */
    mpq_t *rows;        /* what rows were multiplied by */
    mpz_t *columns;     /* what columns were divided by */
};

/* Of k equations. Returns: SOTTO_ERROR_NO_MEMORY. Ended by sotto__normal_release. */
enum sotto_status sotto__normal_init(struct sotto__normal *out, size_t k) SOTTO_NODISCARD;
void sotto__normal_release(struct sotto__normal *normal);
/* Inverts A. *out_rank: the first column that is a combination of those before it, or k. name: of
 * the method, for errors. Returns: SOTTO_ERROR_LIMIT, SOTTO_ERROR_CANCELLED. */
enum sotto_status sotto__normal_invert(struct sotto__normal *normal, size_t *out_rank,
                                       const char *name, const struct sotto_interrupt *interrupt,
                                       struct sotto_error *err) SOTTO_NODISCARD;
/* The failure of a rank below k. labels: of the columns. */
enum sotto_status sotto__normal_fail(const struct sotto__normal *normal, size_t rank,
                                     const char *name, char *const *labels,
                                     struct sotto_error *err) SOTTO_NODISCARD;
/* An element of the inverse. */
void sotto__normal_set_inverse(mpq_t out, const struct sotto__normal *normal, size_t i, size_t j);
/* Sets out, k rationals, to A^-1 b. */
void sotto__normal_solve(mpq_t *out, const struct sotto__normal *normal, const mpq_srcptr *b);
/* The condition number of A in the 1-norm; is_scaled: of A with rows and columns divided by the
 * roots of its diagonal. */
void sotto__normal_set_condition(mpfr_t out, const struct sotto__normal *normal, bool is_scaled);

#endif
