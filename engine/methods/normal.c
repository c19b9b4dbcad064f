/* SPDX-License-Identifier: Apache-2.0 */

/* Normal equations, solved in rationals by way of the inverse, which standard errors need too:
 * Gauss-Jordan elimination without fractions (Bareiss, "Sylvester's identity and multistep
 * integer-preserving Gaussian elimination", 1968). Rows are scaled to integers, columns by what is
 * common to their elements, so that numbers are as short as the data are. Nothing is rounded. */

#include "methods/normal.h"

#include <sotto/alloc.h>
#include <stdio.h>

#define SOLVED_BITS_MAX 100000 /* equations times the bits of the longest element */

/* --- Storage --- */

void sotto__normal_release(struct sotto__normal *normal)
{
    size_t k = normal->k;
    for (size_t i = 0; normal->elements != NULL && i < 2 * k * k; i++) {
        mpz_clear(normal->elements[i]);
    }
    for (size_t i = 0; normal->rows != NULL && i < k; i++) {
        mpq_clear(normal->rows[i]);
    }
    for (size_t i = 0; normal->columns != NULL && i < k; i++) {
        mpz_clear(normal->columns[i]);
    }
    sotto_free(normal->matrix);
    sotto_free(normal->elements);
    sotto_free(normal->rows);
    sotto_free(normal->columns);
    *normal = (struct sotto__normal){0};
}

enum sotto_status sotto__normal_init(struct sotto__normal *out, size_t k)
{
    *out = (struct sotto__normal){.k = k};
    out->matrix = sotto_alloc_array(k * k, sizeof *out->matrix);
    out->elements = sotto_alloc_array(2 * k * k, sizeof *out->elements);
    out->rows = sotto_alloc_array(k, sizeof *out->rows);
    out->columns = sotto_alloc_array(k, sizeof *out->columns);
    for (size_t i = 0; out->elements != NULL && i < 2 * k * k; i++) {
        mpz_init(out->elements[i]);
    }
    for (size_t i = 0; out->rows != NULL && i < k; i++) {
        mpq_init(out->rows[i]);
    }
    for (size_t i = 0; out->columns != NULL && i < k; i++) {
        mpz_init(out->columns[i]);
    }
    if (out->matrix == NULL || out->elements == NULL || out->rows == NULL || out->columns == NULL) {
        sotto__normal_release(out);
        return SOTTO_ERROR_NO_MEMORY;
    }
    return SOTTO_OK;
}

/* --- Scaling --- */

/* Scales row i to integers without a common factor. */
static void scale_row(struct sotto__normal *normal, size_t i)
{
    size_t k = normal->k;
    mpz_ptr common = mpq_numref(normal->rows[i]); /* denominators' */
    mpz_ptr shared = mpq_denref(normal->rows[i]); /* numerators' */
    mpz_set_ui(common, 1);
    for (size_t j = 0; j < k; j++) {
        mpz_lcm(common, common, mpq_denref(normal->matrix[i * k + j]));
    }
    mpz_set_ui(shared, 0);
    for (size_t j = 0; j < k; j++) {
        mpq_srcptr from = normal->matrix[i * k + j];
        mpz_ptr to = normal->elements[i * 2 * k + j];
        mpz_divexact(to, common, mpq_denref(from));
        mpz_mul(to, to, mpq_numref(from));
        mpz_gcd(shared, shared, to);
    }
    if (mpz_sgn(shared) == 0) { /* a column that is 0 everywhere */
        mpz_set_ui(shared, 1);
    }
    for (size_t j = 0; j < k; j++) {
        mpz_ptr to = normal->elements[i * 2 * k + j];
        mpz_divexact(to, to, shared);
    }
    mpq_canonicalize(normal->rows[i]);
    mpz_set_ui(normal->elements[i * 2 * k + k + i], 1);
}

static void scale_column(struct sotto__normal *normal, size_t j)
{
    size_t k = normal->k;
    mpz_ptr shared = normal->columns[j];
    for (size_t i = 0; i < k; i++) {
        mpz_gcd(shared, shared, normal->elements[i * 2 * k + j]);
    }
    if (mpz_sgn(shared) == 0) {
        mpz_set_ui(shared, 1);
    }
    for (size_t i = 0; i < k; i++) {
        mpz_ptr to = normal->elements[i * 2 * k + j];
        mpz_divexact(to, to, shared);
    }
}

/* The bits of the largest element: the determinant has k times as many, and elimination takes
 * seconds at SOLVED_BITS_MAX. */
static size_t find_widest(const struct sotto__normal *normal)
{
    size_t k = normal->k;
    size_t bits = 0;
    for (size_t i = 0; i < k; i++) {
        for (size_t j = 0; j < k; j++) {
            size_t other = mpz_sizeinbase(normal->elements[i * 2 * k + j], 2);
            bits = other > bits ? other : bits;
        }
    }
    return bits;
}

/* --- Elimination --- */

/* Subtracts the pivot's row from another one. Columns left of the pivot hold 0 but on the diagonal,
 * which becomes the pivot; those of the identity right of it are still 0. */
static void eliminate_row(struct sotto__normal *normal, size_t row, size_t pivot, mpz_srcptr before)
{
    size_t k = normal->k;
    mpz_t *to = &normal->elements[row * 2 * k];
    mpz_t *from = &normal->elements[pivot * 2 * k];
    mpz_t factor;
    mpz_init_set(factor, to[pivot]);
    for (size_t j = pivot; j <= k + (row > pivot ? row : pivot); j++) {
        mpz_mul(to[j], to[j], from[pivot]);
        mpz_submul(to[j], factor, from[j]);
        mpz_divexact(to[j], to[j], before);
    }
    if (row < pivot) {
        mpz_set(to[row], from[pivot]);
    }
    mpz_clear(factor);
}

/* Ends with the determinant on the diagonal and the adjugate on the right. */
static enum sotto_status eliminate(struct sotto__normal *normal, size_t *out_rank,
                                   const struct sotto_interrupt *interrupt)
{
    size_t k = normal->k;
    enum sotto_status status = SOTTO_OK;
    size_t pivot = 0;
    mpz_t before;
    mpz_init_set_ui(before, 1);
    for (; pivot < k; pivot++) {
        mpz_srcptr value = normal->elements[pivot * 2 * k + pivot];
        if (mpz_sgn(value) == 0) { /* A is positive semidefinite: so is the rest of its row */
            break;
        }
        for (size_t row = 0; row < k; row++) {
            if (row != pivot) {
                eliminate_row(normal, row, pivot, before);
            }
            if (sotto_interrupt_is_set(interrupt)) {
                status = SOTTO_ERROR_CANCELLED;
                goto out;
            }
        }
        mpz_set(before, value);
    }
out:
    mpz_clear(before);
    *out_rank = pivot;
    return status;
}

enum sotto_status sotto__normal_invert(struct sotto__normal *normal, size_t *out_rank,
                                       const char *name, const struct sotto_interrupt *interrupt,
                                       struct sotto_error *err)
{
    size_t k = normal->k;
    for (size_t i = 0; i < k; i++) {
        scale_row(normal, i);
    }
    for (size_t j = 0; j < k; j++) {
        scale_column(normal, j);
    }
    if (k * find_widest(normal) > SOLVED_BITS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "%s: %zu coefficients of columns that span so many orders of "
                               "magnitude: leave some out, or scale them",
                               name, k);
    }
    enum sotto_status status = eliminate(normal, out_rank, interrupt);
    return status == SOTTO_OK ? SOTTO_OK
                              : sotto_error_set(err, status, "%s: solving was interrupted", name);
}

enum sotto_status sotto__normal_fail(const struct sotto__normal *normal, size_t rank,
                                     const char *name, char *const *labels, struct sotto_error *err)
{
    size_t k = normal->k;
    char list[SOTTO_ERROR_TEXT_BYTES / 2] = "";
    size_t at = 0;
    for (size_t i = 0; i < rank && at < sizeof list; i++) {
        if (mpz_sgn(normal->elements[i * 2 * k + rank]) != 0) {
            at += (size_t)snprintf(list + at, sizeof list - at, at > 0 ? ", %.60s" : "%.60s",
                                   labels[i]);
        }
    }
    if (at == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "%s: the regressor %.60s is 0 in every row: leave it out", name,
                               labels[rank]);
    }
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "%s: the regressor %.60s is collinear with %s: leave one of them out",
                           name, labels[rank], list);
}

/* --- What was asked of it --- */

/* Finds what an element of the right half is to be multiplied and divided by, to be an element of
 * the inverse. */
static void find_scale(mpz_t times, mpz_t over, const struct sotto__normal *normal, size_t i,
                       size_t j)
{
    mpz_set(times, mpq_numref(normal->rows[j]));
    mpz_mul(over, normal->elements[i * 2 * normal->k + i], normal->columns[i]);
    mpz_mul(over, over, mpq_denref(normal->rows[j]));
}

void sotto__normal_set_inverse(mpq_t out, const struct sotto__normal *normal, size_t i, size_t j)
{
    size_t k = normal->k;
    find_scale(mpq_numref(out), mpq_denref(out), normal, i, j);
    mpz_mul(mpq_numref(out), mpq_numref(out), normal->elements[i * 2 * k + k + j]);
    mpq_canonicalize(out);
}

void sotto__normal_solve(mpq_t *out, const struct sotto__normal *normal, const mpq_srcptr *b)
{
    size_t k = normal->k;
    mpq_t scaled;
    mpz_t common; /* the denominator of b as the rows are scaled */
    mpz_t part;
    mpq_init(scaled);
    mpz_init_set_ui(common, 1);
    mpz_init(part);
    for (size_t j = 0; j < k; j++) {
        mpq_mul(scaled, b[j], normal->rows[j]);
        mpz_lcm(common, common, mpq_denref(scaled));
        mpq_set_ui(out[j], 0, 1);
    }
    for (size_t j = 0; j < k; j++) {
        mpq_mul(scaled, b[j], normal->rows[j]);
        mpz_divexact(part, common, mpq_denref(scaled));
        mpz_mul(part, part, mpq_numref(scaled));
        for (size_t i = 0; i < k; i++) {
            mpz_addmul(mpq_numref(out[i]), normal->elements[i * 2 * k + k + j], part);
        }
    }
    for (size_t i = 0; i < k; i++) {
        mpz_mul(mpq_denref(out[i]), normal->elements[i * 2 * k + i], normal->columns[i]);
        mpz_mul(mpq_denref(out[i]), mpq_denref(out[i]), common);
        mpq_canonicalize(out[i]);
    }
    mpz_clears(common, part, NULL);
    mpq_clear(scaled);
}

/* Sets out to an element of A, or of its inverse, rounded. */
static void set_element(mpfr_t out, const struct sotto__normal *normal, size_t i, size_t j,
                        bool of_inverse)
{
    size_t k = normal->k;
    mpz_t times;
    mpz_t over;
    if (!of_inverse) {
        mpfr_set_q(out, normal->matrix[i * k + j], MPFR_RNDN);
        return;
    }
    mpz_inits(times, over, NULL);
    find_scale(times, over, normal, i, j);
    mpfr_set_z(out, normal->elements[i * 2 * k + k + j], MPFR_RNDN);
    mpfr_mul_z(out, out, times, MPFR_RNDN);
    mpfr_div_z(out, out, over, MPFR_RNDN);
    mpz_clears(times, over, NULL);
}

/* Divides out, or in an inverse multiplies it, by the root of a diagonal element of A. */
static void scale_element(mpfr_t out, const struct sotto__normal *normal, size_t i, bool of_inverse)
{
    mpfr_t root;
    mpfr_init2(root, SOTTO__CONDITION_BITS);
    mpfr_set_q(root, normal->matrix[i * normal->k + i], MPFR_RNDN);
    mpfr_sqrt(root, root, MPFR_RNDN);
    if (of_inverse) {
        mpfr_mul(out, out, root, MPFR_RNDN);
    } else {
        mpfr_div(out, out, root, MPFR_RNDN);
    }
    mpfr_clear(root);
}

/* Sets out to the 1-norm of A, or of its inverse, rounded: the largest sum of the magnitudes in one
 * column. */
static void find_norm(mpfr_t out, const struct sotto__normal *normal, bool is_scaled,
                      bool of_inverse)
{
    size_t k = normal->k;
    mpfr_t sum;
    mpfr_t one;
    mpfr_inits2(SOTTO__CONDITION_BITS, sum, one, NULL);
    mpfr_set_zero(out, 1);
    for (size_t j = 0; j < k; j++) {
        mpfr_set_zero(sum, 1);
        for (size_t i = 0; i < k; i++) {
            set_element(one, normal, i, j, of_inverse);
            if (is_scaled) {
                scale_element(one, normal, i, of_inverse);
                scale_element(one, normal, j, of_inverse);
            }
            mpfr_abs(one, one, MPFR_RNDN);
            mpfr_add(sum, sum, one, MPFR_RNDN);
        }
        if (mpfr_greater_p(sum, out) != 0) {
            mpfr_set(out, sum, MPFR_RNDN);
        }
    }
    mpfr_clears(sum, one, NULL);
}

void sotto__normal_set_condition(mpfr_t out, const struct sotto__normal *normal, bool is_scaled)
{
    mpfr_t other;
    mpfr_init2(other, SOTTO__CONDITION_BITS);
    find_norm(out, normal, is_scaled, false);
    find_norm(other, normal, is_scaled, true);
    mpfr_mul(out, out, other, MPFR_RNDN);
    mpfr_clear(other);
}
