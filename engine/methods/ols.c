/* SPDX-License-Identifier: Apache-2.0 */

/* Ordinary least squares, in one round: the exact sums of all products of the variables' rows,
 * where none of them is missing, are all that is needed of the rows. X'X b = X'y is solved in
 * rationals (normal.c); nothing is rounded before the end. */

#include "methods/fields.h"
#include "methods/normal.h"

#include <sotto/alloc.h>

/* The values: some of each coefficient, then single ones. */
enum { COEFFICIENTS, STANDARD_ERRORS, T, P, LOW, HIGH, SERIES_LEN };
enum {
    R2,
    ADJUSTED_R2,
    RESIDUAL_SD,
    F,
    F_P,
    CONDITION,
    COUNT,
    DF,
    SCALARS_LEN,
};

static const struct sotto__method_field fields[] = {
    {.name = "coefficients", .axes_len = 1},
    {.name = "standard_errors", .axes_len = 1},
    {.name = "t", .axes_len = 1},
    {.name = "p", .axes_len = 1},
    {.name = "low", .axes_len = 1},
    {.name = "high", .axes_len = 1},
    {.name = "r2"},
    {.name = "adjusted_r2"},
    {.name = "residual_sd"},
    {.name = "f"},
    {.name = "f_p"},
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
    int level;        /* of intervals */
    struct sotto__normal normal;
    mpq_srcptr *moments; /* X'y */
    mpq_t *solution;
    mpq_t residual; /* sums of squares */
    mpq_t total;
    mpq_t freedom;   /* n - k */
    mpq_t explained; /* degrees of freedom */
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
    for (size_t i = 0; regression->solution != NULL && i < regression->k; i++) {
        mpq_clear(regression->solution[i]);
    }
    sotto__normal_release(&regression->normal);
    sotto_free(regression->moments);
    sotto_free(regression->solution);
    mpq_clears(regression->residual, regression->total, regression->freedom, regression->explained,
               NULL);
}

/* Ended by regression_release, also after a failure. */
static enum sotto_status regression_init(struct regression *out, const struct sotto__value *sums,
                                         const struct sotto__step *step)
{
    const struct sotto__options *options = sotto__step_options(step);
    size_t k = step->labels_len;
    *out = (struct regression){.sums = sums,
                               .variables = k - options->intercept + 1,
                               .k = k,
                               .intercept = options->intercept,
                               .level = options->level};
    mpq_inits(out->residual, out->total, out->freedom, out->explained, NULL);
    out->moments = sotto_alloc_array(k, sizeof *out->moments);
    out->solution = sotto_alloc_array(k, sizeof *out->solution);
    for (size_t i = 0; out->solution != NULL && i < k; i++) {
        mpq_init(out->solution[i]);
    }
    if (out->moments == NULL || out->solution == NULL ||
        sotto__normal_init(&out->normal, k) != SOTTO_OK) {
        return SOTTO_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < k; i++) {
        out->moments[i] = element_of(out, i, SOTTO_NONE);
        for (size_t j = 0; j < k; j++) {
            out->normal.matrix[i * k + j] = element_of(out, i, j);
        }
    }
    return SOTTO_OK;
}

/* --- What it says --- */

/* out = a / b, with the rules of IEEE 754. */
static void set_ratio(struct sotto__value *out, mpq_srcptr a, mpq_srcptr b)
{
    struct sotto__value divisor;
    sotto__value_init(&divisor);
    sotto__value_set_rational(&divisor, b);
    sotto__value_set_rational(out, a);
    sotto__value_divide(out, &divisor);
    sotto__value_clear(&divisor);
}

/* Sets the sums of squares and the degrees of freedom. */
static void split_squares(struct regression *regression)
{
    size_t k = regression->k;
    mpq_t product;
    mpq_init(product);
    mpq_set(regression->residual, element_of(regression, SOTTO_NONE, SOTTO_NONE));
    mpq_set(regression->total, regression->residual);
    for (size_t i = 0; i < k; i++) {
        mpq_mul(product, regression->solution[i], regression->moments[i]);
        mpq_sub(regression->residual, regression->residual, product);
    }
    if (regression->intercept) {
        mpq_mul(product, sum_of(regression, 0), sum_of(regression, 0));
        mpq_div(product, product, regression->sums[0].number);
        mpq_sub(regression->total, regression->total, product);
    }
    mpq_set_ui(regression->explained, k - regression->intercept, 1);
    mpq_set_ui(regression->freedom, k, 1);
    mpq_sub(regression->freedom, regression->sums[0].number, regression->freedom);
    mpq_clear(product);
}

/* Sets what is known of coefficient i, whose error's square is square. */
static void set_coefficient(struct sotto__value *out, const struct regression *regression, size_t i,
                            mpq_srcptr square)
{
    size_t k = regression->k;
    mpq_srcptr estimate = regression->solution[i];
    sotto__value_set_root(&out[STANDARD_ERRORS * k + i], square);
    sotto__value_set_t(&out[T * k + i], &out[P * k + i], estimate, square, regression->freedom);
    sotto__value_set_interval(&out[LOW * k + i], &out[HIGH * k + i], estimate, square,
                              regression->freedom, regression->level);
}

/* Without degrees of freedom nothing is known of how far coefficients are off. */
static void set_coefficients(struct sotto__value *out, const struct regression *regression)
{
    size_t k = regression->k;
    bool has_freedom = mpq_sgn(regression->freedom) > 0;
    mpq_t square;
    mpq_init(square);
    for (size_t i = 0; i < k; i++) {
        sotto__value_set_rational(&out[COEFFICIENTS * k + i], regression->solution[i]);
        if (has_freedom) {
            sotto__normal_set_inverse(square, &regression->normal, i, i);
            mpq_mul(square, square, regression->residual);
            mpq_div(square, square, regression->freedom);
            set_coefficient(out, regression, i, square);
        }
    }
    if (!has_freedom) {
        sotto__value_set_nans(out + STANDARD_ERRORS * k, (SERIES_LEN - STANDARD_ERRORS) * k);
    }
    mpq_clear(square);
}

/* Sets F, of all regressors but the intercept, and its probability. */
static void set_f(struct sotto__value *scalars, const struct regression *regression,
                  const struct sotto__value *variance)
{
    mpq_t squares;
    mpq_init(squares);
    mpq_sub(squares, regression->total, regression->residual);
    set_ratio(&scalars[F], squares, regression->explained);
    if (mpq_sgn(regression->explained) == 0) {
        sotto__value_set_special(&scalars[F], SOTTO__VALUE_NAN);
    }
    sotto__value_divide(&scalars[F], variance);
    if (scalars[F].kind == SOTTO__VALUE_FINITE) {
        sotto__value_set_rounded(
            &scalars[F_P],
            sotto__f_tail(scalars[F].number, regression->explained, regression->freedom));
    } else if (scalars[F].kind == SOTTO__VALUE_NAN) {
        sotto__value_set_nans(&scalars[F_P], 1);
    } else {
        sotto__value_set_rounded(&scalars[F_P], 0);
    }
    mpq_clear(squares);
}

/* Sets R2 and adjusted R2, which are ratios of sums of squares. */
static void set_shares(struct sotto__value *scalars, const struct regression *regression)
{
    mpq_t value;
    mpq_t freedom; /* of the total */
    mpq_inits(value, freedom, NULL);
    mpq_sub(value, regression->total, regression->residual);
    set_ratio(&scalars[R2], value, regression->total);
    mpq_add(freedom, regression->freedom, regression->explained);
    if (mpq_sgn(regression->freedom) > 0) {
        mpq_div(value, freedom, regression->freedom);
        mpq_mul(value, value, regression->residual);
        mpq_sub(value, regression->total, value);
        set_ratio(&scalars[ADJUSTED_R2], value, regression->total);
    } else {
        sotto__value_set_special(&scalars[ADJUSTED_R2], SOTTO__VALUE_NAN);
    }
    mpq_clears(value, freedom, NULL);
}

/* Sets the condition number: the root of ||X'X|| ||(X'X)^-1||, a double. */
static void set_condition(struct sotto__value *out, const struct regression *regression)
{
    mpfr_t condition;
    mpfr_init2(condition, SOTTO__CONDITION_BITS);
    sotto__normal_set_condition(condition, &regression->normal, false);
    mpfr_sqrt(condition, condition, MPFR_RNDN);
    sotto__value_set_rounded(out, mpfr_get_d(condition, MPFR_RNDN));
    mpfr_clear(condition);
}

/* Sets all values but the number of rows. Returns: SOTTO_ERROR_PROTOCOL for what no rows can give.
 */
static enum sotto_status set_fit(struct sotto__value *out, struct regression *regression,
                                 struct sotto_error *err)
{
    struct sotto__value *scalars = out + SERIES_LEN * regression->k;
    struct sotto__value variance;
    sotto__normal_solve(regression->solution, &regression->normal, regression->moments);
    split_squares(regression);
    if (mpq_sgn(regression->residual) < 0) {
        return sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                               "the aggregate has sums of products that no parties' rows have");
    }
    sotto__value_init(&variance);
    set_ratio(&variance, regression->residual, regression->freedom); /* 0 / 0 is NaN */
    set_coefficients(out, regression);
    set_shares(scalars, regression);
    set_f(scalars, regression, &variance);
    sotto__value_set(&scalars[RESIDUAL_SD], &variance);
    sotto__value_sqrt(&scalars[RESIDUAL_SD]);
    set_condition(&scalars[CONDITION], regression);
    sotto__value_set_rational(&scalars[DF], regression->freedom);
    sotto__value_clear(&variance);
    return SOTTO_OK;
}

/* Why there is no solution, as far as sums tell before they are solved for; NULL: there may be. */
static const char *find_outcome(const struct regression *regression)
{
    size_t variables = regression->variables;
    size_t sums_len = 1 + variables + variables * (variables + 1) / 2;
    if (mpq_cmp_ui(regression->sums[0].number, regression->k, 1) < 0) {
        return "fewer rows than coefficients";
    }
    for (size_t i = 0; i < sums_len; i++) {
        if (regression->sums[i].kind != SOTTO__VALUE_FINITE) {
            return "infinite values";
        }
    }
    return NULL;
}

/* Solves for one group, whose values are the step's fields. */
static enum sotto_status solve_for_group(struct sotto__step *step, struct regression *regression,
                                         struct sotto_error *err)
{
    size_t rank = 0;
    step->outcome = find_outcome(regression);
    if (step->outcome == NULL) {
        enum sotto_status status =
            sotto__normal_invert(&regression->normal, &rank, "ols", step->interrupt, err);
        if (status != SOTTO_OK) {
            return status;
        }
    }
    if (step->outcome == NULL && rank < regression->k && !step->is_grouped) {
        return sotto__normal_fail(&regression->normal, rank, "ols", step->labels, err);
    }
    if (step->outcome == NULL && rank < regression->k) {
        step->outcome = "collinear regressors";
    }
    if (step->outcome == NULL) {
        return set_fit(step->values, regression, err);
    }
    sotto__value_set_nans(step->values, SERIES_LEN * regression->k + SCALARS_LEN);
    return SOTTO_OK;
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
    enum sotto_status status = regression_init(&regression, sums, step);
    if (status != SOTTO_OK) {
        (void)sotto_error_no_memory(err);
        goto out;
    }
    status = solve_for_group(step, &regression, err);
    if (status != SOTTO_OK) {
        goto out;
    }
    sotto__value_set_rational(&step->values[SERIES_LEN * regression.k + COUNT], sums[0].number);
    step->is_done = true;
out:
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
