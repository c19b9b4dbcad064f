/* SPDX-License-Identifier: Apache-2.0 */

/* Equations of a round of a model. It leans on normal.c for the exact solution. */

#include "methods/glm_equations.h"

#include <math.h>
#include <sotto/alloc.h>

#define CONDITION_MAX 1e10 /* beyond it few digits of a solution would be right */

void sotto__equations_release(struct sotto__equations *equations)
{
    for (size_t i = 0; equations->solution != NULL && i < 2 * equations->k; i++) {
        mpq_clear(equations->solution[i]);
    }
    sotto__normal_release(&equations->normal);
    sotto_free(equations->moments);
    sotto_free(equations->solution);
}

enum sotto_status sotto__equations_init(struct sotto__equations *out, size_t k,
                                        struct sotto_error *err)
{
    *out = (struct sotto__equations){.k = k};
    out->moments = sotto_alloc_array(k, sizeof *out->moments);
    out->solution = sotto_alloc_array(2 * k, sizeof *out->solution);
    for (size_t i = 0; out->solution != NULL && i < 2 * k; i++) {
        mpq_init(out->solution[i]);
    }
    if (out->moments == NULL || out->solution == NULL ||
        sotto__normal_init(&out->normal, k) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    out->room = out->solution + k;
    return SOTTO_OK;
}

void sotto__equations_set_block(struct sotto__equations *equations, size_t row, size_t column,
                                const struct sotto__value *sums, size_t len)
{
    size_t k = equations->k;
    mpq_srcptr *matrix = equations->normal.matrix;
    for (size_t i = 0; i < len; i++) {
        for (size_t j = i; j < len; j++, sums++) {
            matrix[(row + i) * k + column + j] = matrix[(row + j) * k + column + i] = sums->number;
            matrix[(column + j) * k + row + i] = matrix[(column + i) * k + row + j] = sums->number;
        }
    }
}

void sotto__equations_add_ridge(struct sotto__equations *equations, double ridge, uint64_t rows)
{
    size_t k = equations->k;
    mpq_t added;
    mpq_t n;
    mpq_inits(added, n, NULL);
    mpq_set_d(added, ridge);
    mpq_set_ui(n, rows, 1);
    mpq_mul(added, added, n);
    for (size_t i = 0; i < k; i++) {
        mpq_add(equations->room[i], equations->normal.matrix[i * k + i], added);
        equations->normal.matrix[i * k + i] = equations->room[i];
    }
    mpq_clears(added, n, NULL);
}

enum sotto_status sotto__equations_invert(struct sotto__equations *equations, size_t *out_rank,
                                          bool *out_is_singular, const char *name,
                                          const struct sotto_interrupt *interrupt,
                                          struct sotto_error *err)
{
    enum sotto_status status =
        sotto__normal_invert(&equations->normal, out_rank, name, interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    *out_is_singular =
        *out_rank < equations->k || !(sotto__equations_condition(equations) <= CONDITION_MAX);
    return SOTTO_OK;
}

void sotto__equations_solve(struct sotto__equations *equations)
{
    sotto__normal_solve(equations->solution, &equations->normal, equations->moments);
}

double sotto__equations_condition(const struct sotto__equations *equations)
{
    mpfr_t condition;
    mpfr_init2(condition, SOTTO__CONDITION_BITS);
    sotto__normal_set_condition(condition, &equations->normal, true);
    double nearest = mpfr_get_d(condition, MPFR_RNDN);
    mpfr_clear(condition);
    return nearest;
}

double sotto__equations_decrement(const struct sotto__equations *equations)
{
    mpq_t sum;
    mpq_t product;
    mpq_inits(sum, product, NULL);
    for (size_t i = 0; i < equations->k; i++) {
        mpq_mul(product, equations->solution[i], equations->moments[i]);
        mpq_add(sum, sum, product);
    }
    double decrement = sotto__rational_to_double(sum);
    mpq_clears(sum, product, NULL);
    return decrement;
}

double sotto__equations_largest(const struct sotto__equations *equations, uint64_t rows)
{
    double largest = 0;
    mpq_t n;
    mpq_t share;
    mpq_inits(n, share, NULL);
    mpq_set_ui(n, rows, 1);
    for (size_t i = 0; i < equations->k; i++) {
        mpq_div(share, equations->moments[i], n);
        largest = fmax(largest, fabs(sotto__rational_to_double(share)));
    }
    mpq_clears(n, share, NULL);
    return largest;
}
