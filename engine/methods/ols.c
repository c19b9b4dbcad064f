/* SPDX-License-Identifier: Apache-2.0 */

/* Ordinary least squares, in one round: the exact sums of all products of the variables' rows,
 * where none of them is missing, are all that is needed of the rows. X'X b = X'y is solved in
 * rationals, by way of the inverse of X'X, which the standard errors need too: Gauss-Jordan
 * elimination without fractions (Bareiss, "Sylvester's identity and multistep integer-preserving
 * Gaussian elimination", 1968). Rows are scaled to integers, columns by what is common to their
 * elements, so that numbers are as short as the data are. Nothing is rounded before the end. */

#include "methods/methods.h"

#include <mpfr.h>
#include <sotto/alloc.h>
#include <stdio.h>

#define NORM_BITS 64
#define SOLVED_BITS_MAX 100000 /* coefficients times the bits of the longest element */

/* The values: three of each coefficient, then these. */
enum {
    R2,
    ADJUSTED_R2,
    RESIDUAL_SD,
    F,
    CONDITION,
    COUNT,
    DF,
    SCALARS_LEN,
};

static const struct sotto__method_field fields[] = {
    {.name = "coefficients", .axes_len = 1},
    {.name = "standard_errors", .axes_len = 1},
    {.name = "t", .axes_len = 1},
    {.name = "r2"},
    {.name = "adjusted_r2"},
    {.name = "residual_sd"},
    {.name = "f"},
    {.name = "condition"},
    {.name = "count", .is_count = true, .tells_nan = true},
    {.name = "df", .is_count = true},
};

struct regression {
    const struct sotto__value
        *sums;        /* the count, the sums and the products, y before the regressors */
    size_t variables; /* with y */
    size_t k;         /* coefficients */
    bool intercept;   /* the first coefficient */
    mpz_t *elements;  /* k rows of 2 k: X'X scaled, and the identity */
    mpq_t *rows;      /* what rows were multiplied by */
    mpz_t *columns;   /* what columns were divided by */
    mpq_t *moments;   /* X'y */
};

/* --- Sums --- */

static mpq_srcptr sum_of(const struct regression *regression, size_t variable)
{
    return regression->sums[1 + variable].number;
}

static mpq_srcptr product_of(const struct regression *regression, size_t x, size_t y)
{
    size_t row = x < y ? x : y;
    size_t column = x < y ? y : x;
    size_t before = row * regression->variables - row * (row + 1) / 2; /* row < column */
    return regression->sums[1 + regression->variables + before + column].number;
}

/* An element of X'X; y's are those of coefficient SOTTO_NONE. */
static mpq_srcptr element_of(const struct regression *regression, size_t i, size_t j)
{
    size_t first = regression->intercept; /* of the coefficients of regressors */
    size_t x = i == SOTTO_NONE ? 0 : i + 1 - first;
    size_t y = j == SOTTO_NONE ? 0 : j + 1 - first;
    bool one_i = regression->intercept && i == 0;
    bool one_j = regression->intercept && j == 0;
    if (one_i && one_j) {
        return regression->sums[0].number;
    }
    return one_i   ? sum_of(regression, y)
           : one_j ? sum_of(regression, x)
                   : product_of(regression, x, y);
}

/* --- Storage --- */

static void regression_release(struct regression *regression)
{
    size_t k = regression->k;
    for (size_t i = 0; regression->elements != NULL && i < 2 * k * k; i++) {
        mpz_clear(regression->elements[i]);
    }
    for (size_t i = 0; regression->rows != NULL && i < k; i++) {
        mpq_clear(regression->rows[i]);
    }
    for (size_t i = 0; regression->columns != NULL && i < k; i++) {
        mpz_clear(regression->columns[i]);
    }
    for (size_t i = 0; regression->moments != NULL && i < k; i++) {
        mpq_clear(regression->moments[i]);
    }
    sotto_free(regression->elements);
    sotto_free(regression->rows);
    sotto_free(regression->columns);
    sotto_free(regression->moments);
}

static enum sotto_status regression_init(struct regression *out, const struct sotto__value *sums,
                                         size_t regressors, bool intercept)
{
    size_t k = regressors + intercept;
    *out = (struct regression){
        .sums = sums, .variables = regressors + 1, .k = k, .intercept = intercept};
    out->elements = sotto_alloc_array(2 * k * k, sizeof *out->elements);
    out->rows = sotto_alloc_array(k, sizeof *out->rows);
    out->columns = sotto_alloc_array(k, sizeof *out->columns);
    out->moments = sotto_alloc_array(k, sizeof *out->moments);
    for (size_t i = 0; out->elements != NULL && i < 2 * k * k; i++) {
        mpz_init(out->elements[i]);
    }
    for (size_t i = 0; out->rows != NULL && i < k; i++) {
        mpq_init(out->rows[i]);
    }
    for (size_t i = 0; out->columns != NULL && i < k; i++) {
        mpz_init(out->columns[i]);
    }
    for (size_t i = 0; out->moments != NULL && i < k; i++) {
        mpq_init(out->moments[i]);
    }
    bool complete =
        out->elements != NULL && out->rows != NULL && out->columns != NULL && out->moments != NULL;
    if (!complete) {
        regression_release(out);
    }
    return complete ? SOTTO_OK : SOTTO_ERROR_NO_MEMORY;
}

/* --- Scaling --- */

/* Scales row i of X'X to integers without a common factor. */
static void scale_row(struct regression *regression, size_t i)
{
    size_t k = regression->k;
    mpz_ptr common = mpq_numref(regression->rows[i]); /* denominators' */
    mpz_ptr shared = mpq_denref(regression->rows[i]); /* numerators' */
    mpz_set_ui(common, 1);
    for (size_t j = 0; j < k; j++) {
        mpz_lcm(common, common, mpq_denref(element_of(regression, i, j)));
    }
    mpz_set_ui(shared, 0);
    for (size_t j = 0; j < k; j++) {
        mpq_srcptr from = element_of(regression, i, j);
        mpz_ptr to = regression->elements[i * 2 * k + j];
        mpz_divexact(to, common, mpq_denref(from));
        mpz_mul(to, to, mpq_numref(from));
        mpz_gcd(shared, shared, to);
    }
    if (mpz_sgn(shared) == 0) { /* a regressor that is 0 everywhere */
        mpz_set_ui(shared, 1);
    }
    for (size_t j = 0; j < k; j++) {
        mpz_ptr to = regression->elements[i * 2 * k + j];
        mpz_divexact(to, to, shared);
    }
    mpq_canonicalize(regression->rows[i]);
    mpz_set_ui(regression->elements[i * 2 * k + k + i], 1);
}

static void scale_column(struct regression *regression, size_t j)
{
    size_t k = regression->k;
    mpz_ptr shared = regression->columns[j];
    for (size_t i = 0; i < k; i++) {
        mpz_gcd(shared, shared, regression->elements[i * 2 * k + j]);
    }
    if (mpz_sgn(shared) == 0) {
        mpz_set_ui(shared, 1);
    }
    for (size_t i = 0; i < k; i++) {
        mpz_ptr to = regression->elements[i * 2 * k + j];
        mpz_divexact(to, to, shared);
    }
}

/* The bits of the largest element: the determinant has k times as many, and elimination takes
 * seconds at SOLVED_BITS_MAX. */
static size_t find_widest(const struct regression *regression)
{
    size_t k = regression->k;
    size_t bits = 0;
    for (size_t i = 0; i < k; i++) {
        for (size_t j = 0; j < k; j++) {
            size_t other = mpz_sizeinbase(regression->elements[i * 2 * k + j], 2);
            bits = other > bits ? other : bits;
        }
    }
    return bits;
}

/* --- Elimination --- */

/* Subtracts the pivot's row from another one. Columns left of the pivot hold 0 but on the diagonal,
 * which becomes the pivot; those of the identity right of it are still 0. */
static void eliminate_row(struct regression *regression, size_t row, size_t pivot,
                          mpz_srcptr before)
{
    size_t k = regression->k;
    mpz_t *to = &regression->elements[row * 2 * k];
    mpz_t *from = &regression->elements[pivot * 2 * k];
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

/* Inverts X'X: ends with the determinant on the diagonal and the adjugate on the right. *out_rank:
 * the first column that is a combination of those before it, or k. Returns: SOTTO_ERROR_CANCELLED.
 */
static enum sotto_status invert_products(struct regression *regression, size_t *out_rank,
                                         const struct sotto_interrupt *interrupt)
{
    size_t k = regression->k;
    enum sotto_status status = SOTTO_OK;
    size_t pivot = 0;
    mpz_t before;
    mpz_init_set_ui(before, 1);
    for (; pivot < k; pivot++) {
        mpz_srcptr value = regression->elements[pivot * 2 * k + pivot];
        if (mpz_sgn(value) == 0) { /* X'X is positive semidefinite: so is the rest of its row */
            break;
        }
        for (size_t row = 0; row < k; row++) {
            if (row != pivot) {
                eliminate_row(regression, row, pivot, before);
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

/* Finds what an element of the right half is to be multiplied and divided by, to be an element of
 * the inverse. */
static void find_scale(mpz_t times, mpz_t over, const struct regression *regression, size_t i,
                       size_t j)
{
    mpz_set(times, mpq_numref(regression->rows[j]));
    mpz_mul(over, regression->elements[i * 2 * regression->k + i], regression->columns[i]);
    mpz_mul(over, over, mpq_denref(regression->rows[j]));
}

/* An element of the inverse of X'X. */
static void set_inverse(mpq_t out, const struct regression *regression, size_t i, size_t j)
{
    size_t k = regression->k;
    find_scale(mpq_numref(out), mpq_denref(out), regression, i, j);
    mpz_mul(mpq_numref(out), mpq_numref(out), regression->elements[i * 2 * k + k + j]);
    mpq_canonicalize(out);
}

static enum sotto_status fail_collinear(const struct regression *regression, size_t column,
                                        char *const *labels, struct sotto_error *err)
{
    size_t k = regression->k;
    char list[SOTTO_ERROR_TEXT_BYTES / 2] = "";
    size_t at = 0;
    for (size_t i = 0; i < column && at < sizeof list; i++) {
        if (mpz_sgn(regression->elements[i * 2 * k + column]) != 0) {
            at += (size_t)snprintf(list + at, sizeof list - at, at > 0 ? ", %.60s" : "%.60s",
                                   labels[i]);
        }
    }
    if (at == 0) {
        return sotto_error_set(err, SOTTO_ERROR_INPUT,
                               "ols: the regressor %.60s is 0 in every row: leave it out",
                               labels[column]);
    }
    return sotto_error_set(err, SOTTO_ERROR_INPUT,
                           "ols: the regressor %.60s is collinear with %s: leave one of them out",
                           labels[column], list);
}

/* --- What it says --- */

/* Sets out to the 1-norm of X'X, or of its inverse, rounded: the largest sum of the magnitudes in
 * one column. */
static void find_norm(mpfr_t out, const struct regression *regression, bool of_inverse)
{
    size_t k = regression->k;
    mpfr_t sum;
    mpfr_t one;
    mpz_t times;
    mpz_t over;
    mpz_inits(times, over, NULL);
    mpfr_inits2(NORM_BITS, sum, one, NULL);
    mpfr_set_zero(out, 1);
    for (size_t j = 0; j < k; j++) {
        mpfr_set_zero(sum, 1);
        for (size_t i = 0; i < k; i++) {
            if (of_inverse) {
                find_scale(times, over, regression, i, j);
                mpfr_set_z(one, regression->elements[i * 2 * k + k + j], MPFR_RNDN);
                mpfr_mul_z(one, one, times, MPFR_RNDN);
                mpfr_div_z(one, one, over, MPFR_RNDN);
            } else {
                mpfr_set_q(one, element_of(regression, i, j), MPFR_RNDN);
            }
            mpfr_abs(one, one, MPFR_RNDN);
            mpfr_add(sum, sum, one, MPFR_RNDN);
        }
        if (mpfr_greater_p(sum, out) != 0) {
            mpfr_set(out, sum, MPFR_RNDN);
        }
    }
    mpz_clears(times, over, NULL);
    mpfr_clears(sum, one, NULL);
}

struct fit {
    mpq_t residual; /* sums of squares */
    mpq_t total;
    mpq_t freedom;   /* n - k */
    mpq_t explained; /* degrees of freedom */
};

/* b = (X'X)^-1 X'y, and what it leaves of y'y. */
static void set_coefficients(struct sotto__value *out, const struct regression *regression,
                             struct fit *fit)
{
    size_t k = regression->k;
    mpq_t product;
    mpq_t *scaled = regression->moments; /* X'y as the rows are scaled, of one denominator */
    mpz_t common;
    mpq_init(product);
    mpz_init_set_ui(common, 1);
    for (size_t j = 0; j < k; j++) {
        mpq_mul(scaled[j], element_of(regression, j, SOTTO_NONE), regression->rows[j]);
        mpz_lcm(common, common, mpq_denref(scaled[j]));
    }
    for (size_t j = 0; j < k; j++) {
        mpz_divexact(mpq_denref(scaled[j]), common, mpq_denref(scaled[j]));
        mpz_mul(mpq_numref(scaled[j]), mpq_numref(scaled[j]), mpq_denref(scaled[j]));
    }
    for (size_t i = 0; i < k; i++) {
        mpz_ptr sum = mpq_numref(out[i].number);
        for (size_t j = 0; j < k; j++) {
            mpz_addmul(sum, regression->elements[i * 2 * k + k + j], mpq_numref(scaled[j]));
        }
        mpz_mul(mpq_denref(out[i].number), regression->elements[i * 2 * k + i],
                regression->columns[i]);
        mpz_mul(mpq_denref(out[i].number), mpq_denref(out[i].number), common);
        mpq_canonicalize(out[i].number);
        mpq_mul(product, out[i].number, element_of(regression, i, SOTTO_NONE));
        mpq_sub(fit->residual, fit->residual, product);
    }
    mpz_clear(common);
    mpq_clear(product);
}

static void set_number(struct sotto__value *out, mpq_srcptr number)
{
    sotto__value_set_special(out, SOTTO__VALUE_FINITE);
    mpq_set(out->number, number);
}

/* out = a / b, with the rules of IEEE 754. */
static void set_ratio(struct sotto__value *out, mpq_srcptr a, mpq_srcptr b)
{
    struct sotto__value divisor;
    sotto__value_init(&divisor);
    set_number(&divisor, b);
    set_number(out, a);
    sotto__value_divide(out, &divisor);
    sotto__value_clear(&divisor);
}

static void set_errors(struct sotto__value *errors, struct sotto__value *t,
                       const struct sotto__value *coefficients, const struct regression *regression,
                       const struct sotto__value *variance)
{
    size_t k = regression->k;
    struct sotto__value factor;
    sotto__value_init(&factor);
    for (size_t i = 0; i < k; i++) {
        set_inverse(factor.number, regression, i, i);
        sotto__value_set(&errors[i], variance);
        sotto__value_multiply(&errors[i], &factor);
        sotto__value_sqrt(&errors[i]);
        sotto__value_set(&t[i], &coefficients[i]);
        sotto__value_divide(&t[i], &errors[i]);
    }
    sotto__value_clear(&factor);
}

/* Sets R2, adjusted R2 and F, which are ratios of sums of squares. */
static void set_ratios(struct sotto__value *scalars, const struct fit *fit,
                       const struct sotto__value *variance)
{
    mpq_t value;
    mpq_t other;
    mpq_inits(value, other, NULL);
    mpq_sub(value, fit->total, fit->residual);
    set_ratio(&scalars[R2], value, fit->total);
    mpq_add(other, fit->freedom, fit->explained); /* of the total */
    if (mpq_sgn(fit->freedom) > 0) {
        mpq_div(value, other, fit->freedom);
        mpq_mul(value, value, fit->residual);
        mpq_sub(value, fit->total, value);
        set_ratio(&scalars[ADJUSTED_R2], value, fit->total);
    } else {
        sotto__value_set_special(&scalars[ADJUSTED_R2], SOTTO__VALUE_NAN);
    }
    mpq_sub(value, fit->total, fit->residual);
    set_ratio(&scalars[F], value, fit->explained);
    if (mpq_sgn(fit->explained) == 0) {
        sotto__value_set_special(&scalars[F], SOTTO__VALUE_NAN);
    }
    sotto__value_divide(&scalars[F], variance);
    mpq_clears(value, other, NULL);
}

/* Sets the condition number: the root of ||X'X|| ||(X'X)^-1||, a double. */
static void set_condition(struct sotto__value *out, const struct regression *regression)
{
    mpfr_t one;
    mpfr_t other;
    mpfr_inits2(NORM_BITS, one, other, NULL);
    find_norm(one, regression, false);
    find_norm(other, regression, true);
    mpfr_mul(one, one, other, MPFR_RNDN);
    mpfr_sqrt(one, one, MPFR_RNDN);
    double nearest = mpfr_get_d(one, MPFR_RNDN);
    sotto__value_set_special(out,
                             nearest - nearest == 0 ? SOTTO__VALUE_FINITE : SOTTO__VALUE_INFINITE);
    if (nearest - nearest == 0) {
        mpq_set_d(out->number, nearest);
    }
    out->is_rounded = true;
    mpfr_clears(one, other, NULL);
}

/* Sets all values but the number of rows. Returns: SOTTO_ERROR_PROTOCOL for what no rows can give.
 */
static enum sotto_status set_fit(struct sotto__value *out, const struct regression *regression)
{
    size_t k = regression->k;
    struct sotto__value *scalars = out + 3 * k;
    struct sotto__value variance;
    struct fit fit;
    mpq_inits(fit.residual, fit.total, fit.freedom, fit.explained, NULL);
    sotto__value_init(&variance);
    mpq_set(fit.residual, element_of(regression, SOTTO_NONE, SOTTO_NONE));
    mpq_set(fit.total, fit.residual);
    if (regression->intercept) {
        mpq_mul(fit.freedom, sum_of(regression, 0), sum_of(regression, 0));
        mpq_div(fit.freedom, fit.freedom, regression->sums[0].number);
        mpq_sub(fit.total, fit.total, fit.freedom);
    }
    mpq_set_ui(fit.explained, k - regression->intercept, 1);
    mpq_set_ui(fit.freedom, k, 1);
    mpq_sub(fit.freedom, regression->sums[0].number, fit.freedom);
    set_coefficients(out, regression, &fit);
    enum sotto_status status = mpq_sgn(fit.residual) >= 0 ? SOTTO_OK : SOTTO_ERROR_PROTOCOL;
    set_ratio(&variance, fit.residual, fit.freedom); /* 0 / 0 is NaN */
    set_errors(out + k, out + 2 * k, out, regression, &variance);
    set_ratios(scalars, &fit, &variance);
    sotto__value_set(&scalars[RESIDUAL_SD], &variance);
    sotto__value_sqrt(&scalars[RESIDUAL_SD]);
    set_condition(&scalars[CONDITION], regression);
    set_number(&scalars[DF], fit.freedom);
    sotto__value_clear(&variance);
    mpq_clears(fit.residual, fit.total, fit.freedom, fit.explained, NULL);
    return status;
}

/* Sets all to NaN; the number of rows is set after it. */
static void set_unknown(struct sotto__value *out, const struct regression *regression)
{
    for (size_t i = 0; i < 3 * regression->k + SCALARS_LEN; i++) {
        sotto__value_set_special(&out[i], SOTTO__VALUE_NAN);
    }
}

/* Whether all sums are finite, and there are at least as many rows as coefficients. */
static bool is_solvable(const struct regression *regression)
{
    size_t variables = regression->variables;
    size_t sums_len = 1 + variables + variables * (variables + 1) / 2;
    bool solvable = mpq_cmp_ui(regression->sums[0].number, regression->k, 1) >= 0;
    for (size_t i = 0; i < sums_len; i++) {
        solvable = solvable && regression->sums[i].kind == SOTTO__VALUE_FINITE;
    }
    return solvable;
}

/* Scales X'X and inverts it; *out_rank as invert_products. */
static enum sotto_status scale_and_invert(struct regression *regression, size_t *out_rank,
                                          const struct sotto_interrupt *interrupt,
                                          struct sotto_error *err)
{
    size_t k = regression->k;
    for (size_t i = 0; i < k; i++) {
        scale_row(regression, i);
    }
    for (size_t j = 0; j < k; j++) {
        scale_column(regression, j);
    }
    if (k * find_widest(regression) > SOLVED_BITS_MAX) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "ols: %zu coefficients of columns that span so many orders of "
                               "magnitude: leave some out, or scale them",
                               k);
    }
    enum sotto_status status = invert_products(regression, out_rank, interrupt);
    return status == SOTTO_OK ? SOTTO_OK
                              : sotto_error_set(err, status, "ols: solving was interrupted");
}

/* Solves for one group, whose values are the step's fields. */
static enum sotto_status solve_normal_equations(struct sotto__step *step,
                                                struct regression *regression,
                                                struct sotto_error *err)
{
    size_t rank = 0;
    if (!is_solvable(regression)) {
        set_unknown(step->values, regression);
        step->outcome = mpq_cmp_ui(regression->sums[0].number, regression->k, 1) < 0
                            ? "fewer rows than coefficients"
                            : "infinite values";
        return SOTTO_OK;
    }
    enum sotto_status status = scale_and_invert(regression, &rank, step->interrupt, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (rank < regression->k && step->is_grouped) {
        set_unknown(step->values, regression);
        step->outcome = "collinear regressors";
        return SOTTO_OK;
    }
    if (rank < regression->k) {
        return fail_collinear(regression, rank, step->labels, err);
    }
    status = set_fit(step->values, regression);
    return status == SOTTO_OK
               ? SOTTO_OK
               : sotto_error_set(err, status,
                                 "the aggregate has sums of products that no parties' rows have");
}

/* --- The method --- */

/* Asks for the count of the rows that have all variables, their sums, and their products. */
static void ask(struct sotto__recipe *recipe, unsigned round)
{
    size_t rows[1 + SOTTO__METHOD_COLUMNS_MAX];
    size_t len = sotto__recipe_arguments_len(recipe);
    (void)round;
    rows[0] = sotto__recipe_row(recipe, 0);
    size_t all = rows[0];
    for (size_t i = 1; i < len; i++) {
        rows[i] = sotto__recipe_row(recipe, i);
        all = sotto__recipe_together(recipe, all, rows[i]);
    }
    sotto__recipe_tell_nan(recipe, all);
    (void)sotto__recipe_count(recipe, all);
    for (size_t i = 0; i < len; i++) {
        rows[i] = sotto__recipe_together(recipe, rows[i], all);
        (void)sotto__recipe_sum(recipe, rows[i], SOTTO_NONE);
    }
    (void)sotto__recipe_gram(recipe, rows, len, SOTTO_NONE);
}

static enum sotto_status solve(struct sotto__step *step, const struct sotto__value *sums,
                               struct sotto_error *err)
{
    struct regression regression;
    bool intercept = sotto__step_options(step)->intercept;
    if (regression_init(&regression, sums, step->labels_len - intercept, intercept) != SOTTO_OK) {
        return sotto_error_no_memory(err);
    }
    enum sotto_status status = solve_normal_equations(step, &regression, err);
    if (status == SOTTO_OK) {
        set_number(&step->values[3 * regression.k + COUNT], sums[0].number);
        step->is_done = true;
    }
    regression_release(&regression);
    return status;
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = solve(step, sums, err);
    sotto__step_sums_free(sums, step);
    return status;
}

const struct sotto__method sotto__method_ols = {
    .fields = fields,
    .fields_len = sizeof fields / sizeof fields[0],
    .ask = ask,
    .step = step,
};
