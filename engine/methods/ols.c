/* SPDX-License-Identifier: Apache-2.0 */

/* Ordinary least squares, in one round: the exact sums of all products of the variables' rows,
 * where none of them is missing, are all that is needed of the rows. X'X b = X'y is solved in
 * rationals (normal.c); nothing is rounded before the end. Robust errors take a second round: the
 * same sums, and x x' times squares of residuals, which are doubles, each operation rounded once.
 */

#include "methods/fields.h"
#include "methods/sandwich.h"

#include <sotto/alloc.h>
#include <string.h>

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

/* A group's words: coefficients, doubles, and how many parties kept the group back. */
enum { BETA, WITHHELD = 1 + SOTTO__METHOD_COLUMNS_MAX, STATE_WORDS };

/* What is asked of weights behind the products: rows where they are above 0, their sum, and the
 * sums of the variables without them, which tell of infinite ones. */
enum { POSITIVE, WEIGHT, WEIGHTS_LEN };

struct regression {
    const struct sotto__value
        *sums;         /* the count, the sums and the products, y before the regressors */
    mpq_srcptr weight; /* of all rows: how many there are, or the sum of their weights */
    size_t variables;  /* with y */
    size_t k;          /* coefficients */
    bool intercept;    /* the first coefficient */
    int level;         /* of intervals */
    enum sotto__errors errors;
    const struct sotto__value *weights;   /* what is asked of weights; NULL: there are none */
    const struct sotto__value *residuals; /* of the second round: rows that have one, and a triangle
                                             of their squares times x x'; NULL: it is the first */
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
        return regression->weight;
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

/* Sums of variables, and of products of two. */
static size_t count_products(size_t variables)
{
    return variables + variables * (variables + 1) / 2;
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
                               .errors = options->errors,
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
    size_t sums_len = 1 + count_products(out->variables);
    out->weight = sums[0].number;
    if (options->weights_at > 0) {
        out->weights = &sums[sums_len];
        out->weight = out->weights[WEIGHT].number;
        sums_len += WEIGHTS_LEN + out->variables;
    }
    if (step->round == 2) {
        out->residuals = &sums[sums_len];
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
        mpq_div(product, product, regression->weight);
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
    bool is_rounded = regression->residuals != NULL;
    sotto__value_set_root(&out[STANDARD_ERRORS * k + i], square);
    out[STANDARD_ERRORS * k + i].is_rounded = is_rounded;
    sotto__value_set_t(&out[T * k + i], &out[P * k + i], estimate, square, regression->freedom);
    out[T * k + i].is_rounded = is_rounded;
    sotto__value_set_interval(&out[LOW * k + i], &out[HIGH * k + i], estimate, square,
                              regression->freedom, regression->level);
}

/* Sets out to the square of coefficient i's error. */
static enum sotto_status find_square(mpq_t out, const struct regression *regression, size_t i,
                                     struct sotto_error *err)
{
    if (regression->residuals != NULL) {
        return sotto__sandwich_set(out, &regression->normal, regression->residuals + 1, 1, i,
                                   mpz_get_ui(mpq_numref(regression->sums[0].number)),
                                   regression->errors, err);
    }
    sotto__normal_set_inverse(out, &regression->normal, i, i);
    mpq_mul(out, out, regression->residual);
    mpq_div(out, out, regression->freedom);
    return sotto__value_check_square(out, err);
}

/* Without degrees of freedom nothing is known of how far coefficients are off. */
static enum sotto_status set_coefficients(struct sotto__value *out,
                                          const struct regression *regression,
                                          struct sotto_error *err)
{
    size_t k = regression->k;
    bool has_freedom = mpq_sgn(regression->freedom) > 0;
    enum sotto_status status = SOTTO_OK;
    mpq_t square;
    mpq_init(square);
    for (size_t i = 0; i < k && status == SOTTO_OK; i++) {
        sotto__value_set_rational(&out[COEFFICIENTS * k + i], regression->solution[i]);
        if (has_freedom) {
            status = find_square(square, regression, i, err);
        }
        if (has_freedom && status == SOTTO_OK) {
            set_coefficient(out, regression, i, square);
        }
    }
    if (!has_freedom) {
        sotto__value_set_nans(out + STANDARD_ERRORS * k, (SERIES_LEN - STANDARD_ERRORS) * k);
    }
    mpq_clear(square);
    return status;
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
    enum sotto_status status = sotto__value_check_square(regression->residual, err);
    if (status != SOTTO_OK) {
        return status;
    }
    sotto__value_init(&variance);
    set_ratio(&variance, regression->residual, regression->freedom); /* 0 / 0 is NaN */
    status = set_coefficients(out, regression, err);
    set_shares(scalars, regression);
    set_f(scalars, regression, &variance);
    sotto__value_set(&scalars[RESIDUAL_SD], &variance);
    sotto__value_sqrt(&scalars[RESIDUAL_SD]);
    set_condition(&scalars[CONDITION], regression);
    sotto__value_set_rational(&scalars[DF], regression->freedom);
    sotto__value_clear(&variance);
    return status;
}

/* Why the second round's sums give no errors; NULL: they do. */
static const char *find_outcome_of_residuals(const struct regression *regression)
{
    const struct sotto__value *residuals = regression->residuals;
    size_t k = regression->k;
    if (residuals == NULL) {
        return NULL;
    }
    bool are_finite = mpq_equal(residuals[0].number, regression->sums[0].number) != 0;
    for (size_t i = 0; i <= k * (k + 1) / 2; i++) {
        are_finite = are_finite && residuals[i].kind == SOTTO__VALUE_FINITE;
    }
    return are_finite ? NULL : "values are too large: scale them";
}

static const char *find_outcome_of_weights(const struct regression *regression)
{
    const struct sotto__value *weights = regression->weights;
    for (size_t i = 0; i < WEIGHTS_LEN + regression->variables; i++) {
        if (weights[i].kind != SOTTO__VALUE_FINITE) {
            return "infinite values";
        }
    }
    return mpq_equal(weights[POSITIVE].number, regression->sums[0].number) != 0
               ? find_outcome_of_residuals(regression)
               : "a weight is 0 or below in some rows";
}

/* Why there is no solution, as far as sums tell before they are solved for; NULL: there may be. */
static const char *find_outcome(const struct regression *regression)
{
    size_t sums_len = 1 + count_products(regression->variables);
    if (mpq_cmp_ui(regression->sums[0].number, regression->k, 1) < 0) {
        return "fewer rows than coefficients";
    }
    for (size_t i = 0; i < sums_len; i++) {
        if (regression->sums[i].kind != SOTTO__VALUE_FINITE) {
            return "infinite values";
        }
    }
    return regression->weights != NULL ? find_outcome_of_weights(regression)
                                       : find_outcome_of_residuals(regression);
}

/* Solves for one group, whose values are the step's fields. */
static enum sotto_status solve_for_group(struct sotto__step *step, struct regression *regression,
                                         struct sotto_error *err)
{
    size_t rank = 0;
    bool has_left = step->round == 2 && step->withheld != step->state[WITHHELD];
    step->outcome = has_left ? "rows that were fitted before have left" : find_outcome(regression);
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

/* Rows of a call, where all have values. */
struct variables {
    size_t rows[1 + SOTTO__METHOD_COLUMNS_MAX]; /* y and the regressors */
    size_t len;
    size_t all;
    size_t weights; /* SOTTO_NONE: there are none */
};

static void find_variables(struct variables *out, struct sotto__recipe *recipe)
{
    bool has_weights = recipe->call->expression->nodes[recipe->call->node].options.weights_at > 0;
    out->len = sotto__recipe_arguments_len(recipe) - has_weights;
    out->rows[0] = sotto__recipe_row(recipe, 0);
    out->all = out->rows[0];
    for (size_t i = 1; i < out->len; i++) {
        out->rows[i] = sotto__recipe_row(recipe, i);
        out->all = sotto__recipe_together(recipe, out->all, out->rows[i]);
    }
    out->weights = has_weights ? sotto__recipe_row(recipe, out->len) : SOTTO_NONE;
    if (has_weights) {
        out->all = sotto__recipe_together(recipe, out->all, out->weights);
        out->weights = sotto__recipe_together(recipe, out->weights, out->all);
    }
    for (size_t i = 0; i < out->len; i++) {
        out->rows[i] = sotto__recipe_together(recipe, out->rows[i], out->all);
    }
}

/* The rows of a where b is a finite number. */
static size_t keep_finite(struct sotto__recipe *recipe, size_t a, size_t b)
{
    size_t zero = sotto__recipe_apply(recipe, SOTTO__OP_SUBTRACT, b, b);
    return sotto__recipe_apply(recipe, SOTTO__OP_MASK, a, zero);
}

static void ask_residuals(struct sotto__recipe *recipe, const struct variables *variables)
{
    size_t x[1 + SOTTO__METHOD_COLUMNS_MAX];
    size_t y = variables->rows[0];
    size_t k = recipe->call->expression->nodes[recipe->call->node].options.intercept;
    x[0] = sotto__recipe_constant(recipe, 1);
    x[0] = sotto__recipe_apply(recipe, SOTTO__OP_MASK, x[0], y);
    for (size_t i = 1; i < variables->len; i++) {
        x[k++] = variables->rows[i];
    }
    size_t place = sotto__recipe_parameters(recipe, BETA, k);
    size_t residual = sotto__recipe_linear(recipe, x, k, place);
    residual = sotto__recipe_apply(recipe, SOTTO__OP_SUBTRACT, y, residual);
    if (variables->weights != SOTTO_NONE) {
        residual = sotto__recipe_apply(recipe, SOTTO__OP_MULTIPLY, residual, variables->weights);
    }
    size_t square = sotto__recipe_apply(recipe, SOTTO__OP_MULTIPLY, residual, residual);
    (void)sotto__recipe_count(recipe, keep_finite(recipe, square, square));
    (void)sotto__recipe_gram(recipe, x, k, square);
}

/* Asks for the sums of the variables times their weights, for those of products of two likewise,
 * and for what is told of weights: exact, all of them. */
static void ask_weighted(struct sotto__recipe *recipe, const struct variables *variables)
{
    size_t w = variables->weights;
    for (size_t i = 0; i < variables->len; i++) {
        const size_t factors[] = {w, variables->rows[i]};
        (void)sotto__recipe_product(recipe, factors, 2);
    }
    for (size_t i = 0; i < variables->len; i++) {
        for (size_t j = i; j < variables->len; j++) {
            const size_t factors[] = {w, variables->rows[i], variables->rows[j]};
            (void)sotto__recipe_product(recipe, factors, 3);
        }
    }
    size_t number = sotto__recipe_apply(recipe, SOTTO__OP_FLOAT, w, SOTTO_NONE);
    size_t log = sotto__recipe_apply(recipe, SOTTO__OP_LOG, number, SOTTO_NONE);
    (void)sotto__recipe_count(recipe, keep_finite(recipe, number, log));
    (void)sotto__recipe_sum(recipe, w, SOTTO_NONE);
    for (size_t i = 0; i < variables->len; i++) {
        (void)sotto__recipe_sum(recipe, variables->rows[i], SOTTO_NONE);
    }
}

/* Asks for the count of the rows that have all variables, their sums, and their products. */
static void ask(struct sotto__recipe *recipe, unsigned round)
{
    struct variables variables;
    find_variables(&variables, recipe);
    if (round == 1) {
        sotto__recipe_tell_nan(recipe, variables.all);
    }
    (void)sotto__recipe_count(recipe, variables.all);
    if (variables.weights != SOTTO_NONE) {
        ask_weighted(recipe, &variables);
    } else {
        for (size_t i = 0; i < variables.len; i++) {
            (void)sotto__recipe_sum(recipe, variables.rows[i], SOTTO_NONE);
        }
        (void)sotto__recipe_gram(recipe, variables.rows, variables.len, SOTTO_NONE);
    }
    if (round == 2) {
        ask_residuals(recipe, &variables);
    }
}

/* Keeps the coefficients for the residuals of the second round. */
static void keep_coefficients(struct sotto__step *step, const struct regression *regression)
{
    step->state[WITHHELD] = step->withheld;
    for (size_t i = 0; i < regression->k; i++) {
        double coefficient = sotto__rational_to_double(regression->solution[i]);
        memcpy(&step->state[BETA + i], &coefficient, sizeof coefficient);
    }
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
    step->is_done =
        step->outcome != NULL || step->round == 2 || regression.errors == SOTTO__ERRORS_NONROBUST;
    if (!step->is_done) {
        keep_coefficients(step, &regression);
    }
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
    .state_words = STATE_WORDS,
    .fields = fields,
    .fields_len = sizeof fields / sizeof fields[0],
    .ask = ask,
    .step = step,
};
