/* SPDX-License-Identifier: Apache-2.0 */

/* Robust errors of coefficients. It leans on normal.c for the inverse, which is exact; the products
 * are rounded to so many bits that nothing of a double is lost, in one order. */

#include "methods/sandwich.h"

#include <sotto/alloc.h>

/* A double's, and what cancels where the condition number is 1e10 and columns are of unlike sizes.
 */
#define BITS 512

/* Rounds row i of the inverse. */
static void set_row(mpfr_t *out, const struct sotto__normal *normal, size_t i)
{
    mpq_t element;
    mpq_init(element);
    for (size_t j = 0; j < normal->k; j++) {
        sotto__normal_set_inverse(element, normal, i, j);
        mpfr_set_q(out[j], element, MPFR_RNDN);
    }
    mpq_clear(element);
}

/* Adds what a symmetric block of len rows of M, and the one across the diagonal, add to row' M row.
 * one, other: of the row what stands at the block's rows, and at its columns. */
static void add_block(mpfr_t out, mpfr_t *one, mpfr_t *other, const struct sotto__value *squares,
                      size_t len)
{
    mpfr_t part;
    mpfr_t across;
    mpfr_inits2(BITS, part, across, (mpfr_ptr)NULL);
    for (size_t a = 0; a < len; a++) {
        for (size_t b = a; b < len; b++, squares++) {
            mpfr_mul(part, one[a], other[b], MPFR_RNDN);
            mpfr_mul(across, one[b], other[a], MPFR_RNDN);
            if (a != b) {
                mpfr_add(part, part, across, MPFR_RNDN);
            }
            mpfr_mul_q(part, part, squares->number, MPFR_RNDN);
            mpfr_mul_2ui(part, part, one != other, MPFR_RNDN);
            mpfr_add(out, out, part, MPFR_RNDN);
        }
    }
    mpfr_clears(part, across, (mpfr_ptr)NULL);
}

/* Sets out to row' M row, of k elements. */
static void set_square(mpfr_t out, mpfr_t *row, const struct sotto__value *squares, size_t k,
                       size_t equations)
{
    size_t len = k / equations;
    mpfr_set_zero(out, 1);
    for (size_t i = 0; i < k; i += len) {
        for (size_t j = i; j < k; j += len, squares += len * (len + 1) / 2) {
            add_block(out, row + i, row + j, squares, len);
        }
    }
}

enum sotto_status sotto__sandwich_set(mpq_t out, const struct sotto__normal *normal,
                                      const struct sotto__value *squares, size_t equations,
                                      size_t i, uint64_t n, enum sotto__errors errors,
                                      struct sotto_error *err)
{
    mpfr_t sum;
    mpfr_t *row = sotto_alloc_array(normal->k, sizeof *row);
    if (row == NULL) {
        return sotto_error_no_memory(err);
    }
    mpfr_init2(sum, BITS);
    for (size_t j = 0; j < normal->k; j++) {
        mpfr_init2(row[j], BITS);
    }
    set_row(row, normal, i);
    set_square(sum, row, squares, normal->k, equations);
    if (errors == SOTTO__ERRORS_HC1) {
        mpfr_mul_ui(sum, sum, n, MPFR_RNDN);
        mpfr_div_ui(sum, sum, n - normal->k, MPFR_RNDN);
    }
    if (mpfr_sgn(sum) < 0) { /* of what is 0 but for rounding, or made up */
        mpfr_set_zero(sum, 1);
    }
    mpfr_get_q(out, sum);
    for (size_t j = 0; j < normal->k; j++) {
        mpfr_clear(row[j]);
    }
    mpfr_clear(sum);
    sotto_free(row);
    return SOTTO_OK;
}
