/* SPDX-License-Identifier: Apache-2.0 */

/* Means of rows that have weights, in one round, with their tests and intervals. It leans on exact
 * sums of products of up to four factors. What a weight is decides what the mean's error is:
 *
 * frequency: a row stands for w rows, so that all is as of these: statsmodels' DescrStatsW.
 * probability: a row was drawn with a probability that is 1 / w, or in proportion to it. The error
 * is that of linearisation, of rows drawn with replacement (R's survey):
 *
 *     n / (n - 1) sum (w (x - mean) / sum w)^2,    with n - 1 degrees of freedom
 *
 * and the variance is n / (n - 1) sum w (x - mean)^2 / sum w. Of a difference of two means the
 * squares of both are added up, n being all rows, with n - 2 degrees of freedom. */

#include "methods/fields.h"

/* Sums of rows that have a value and a weight. */
enum { COUNT, X, W, WW, WX, WXX, FREQUENCY_SUMS_LEN };
enum { WWX = FREQUENCY_SUMS_LEN, WWXX, PROBABILITY_SUMS_LEN };

static size_t count_sums(enum sotto__weights weights)
{
    return weights == SOTTO__WEIGHTS_FREQUENCY ? FREQUENCY_SUMS_LEN : PROBABILITY_SUMS_LEN;
}

static enum sotto__weights weights_of(const struct sotto__recipe *recipe)
{
    return recipe->call->expression->nodes[recipe->call->node].options.weights;
}

static size_t read_weight(struct sotto__recipe *recipe, size_t argument)
{
    return weights_of(recipe) == SOTTO__WEIGHTS_FREQUENCY
               ? sotto__recipe_whole(recipe, argument,
                                     "weights=frequency takes whole numbers, how many rows a row "
                                     "stands for")
               : sotto__recipe_row(recipe, argument);
}

static void ask_sums(struct sotto__recipe *recipe, size_t row, size_t weight)
{
    size_t x = sotto__recipe_together(recipe, row, weight);
    size_t w = sotto__recipe_together(recipe, weight, row);
    const size_t factors[] = {w, x, x, w};
    const size_t squares[] = {w, x, w, x};
    const size_t weights[] = {w, w};
    (void)sotto__recipe_count(recipe, x);
    (void)sotto__recipe_sum(recipe, x, SOTTO_NONE);
    (void)sotto__recipe_sum(recipe, w, SOTTO_NONE);
    (void)sotto__recipe_product(recipe, weights, 2);
    (void)sotto__recipe_product(recipe, factors, 2);
    (void)sotto__recipe_product(recipe, factors, 3);
    if (weights_of(recipe) == SOTTO__WEIGHTS_PROBABILITY) {
        (void)sotto__recipe_product(recipe, squares, 3);
        (void)sotto__recipe_product(recipe, squares, 4);
    }
}

static void ask_one(struct sotto__recipe *recipe, unsigned round)
{
    size_t x = sotto__recipe_row(recipe, 0);
    size_t w = read_weight(recipe, 1);
    (void)round;
    sotto__recipe_tell_nan(recipe, x);
    ask_sums(recipe, x, w);
}

static void ask_two(struct sotto__recipe *recipe, unsigned round)
{
    size_t x = sotto__recipe_row(recipe, 0);
    size_t y = sotto__recipe_row(recipe, 1);
    size_t w = read_weight(recipe, 2);
    (void)round;
    sotto__recipe_tell_nan(recipe, x);
    ask_sums(recipe, x, w);
    ask_sums(recipe, y, w);
}

/* --- A sample with weights --- */

/* The sample's n is the sum of the weights. */
struct weighted {
    struct sotto__sample sample;
    mpq_t rows;
    mpq_t effective;   /* (sum w)^2 / sum w^2 */
    mpq_t residual;    /* sum (w (x - mean))^2, of probability weights */
    const char *fault; /* why there is no mean, or NULL; static */
};

static void weighted_init(struct weighted *out)
{
    mpq_inits(out->sample.n, out->sample.mean, out->sample.squares, out->rows, out->effective,
              out->residual, NULL);
}

static void weighted_release(struct weighted *weighted)
{
    sotto__sample_release(&weighted->sample);
    mpq_clears(weighted->rows, weighted->effective, weighted->residual, NULL);
}

/* Sets the sum of (w (x - mean))^2. */
static void set_residual(struct weighted *out, const struct sotto__value *sums)
{
    mpq_mul(out->residual, out->sample.mean, sums[WW].number);
    mpq_sub(out->residual, out->residual, sums[WWX].number);
    mpq_sub(out->residual, out->residual, sums[WWX].number);
    mpq_mul(out->residual, out->residual, out->sample.mean);
    mpq_add(out->residual, out->residual, sums[WWXX].number);
}

/* Sets all from sums whose weights add up to more than 0. */
static void set_sample(struct weighted *out, const struct sotto__value *sums,
                       enum sotto__weights weights)
{
    struct sotto__sample *sample = &out->sample;
    mpq_div(sample->mean, sums[WX].number, sample->n);
    mpq_mul(sample->squares, sample->mean, sums[WX].number);
    mpq_sub(sample->squares, sums[WXX].number, sample->squares);
    mpq_mul(out->effective, sample->n, sample->n);
    mpq_div(out->effective, out->effective, sums[WW].number);
    if (weights == SOTTO__WEIGHTS_PROBABILITY) {
        set_residual(out, sums);
    }
    out->fault = mpq_sgn(sample->squares) < 0 ? "some weights are negative" : NULL;
}

/* Out: initialised. Returns: SOTTO_ERROR_PROTOCOL for what no rows can give. */
static enum sotto_status weighted_set(struct weighted *out, const struct sotto__value *sums,
                                      enum sotto__weights weights, struct sotto_error *err)
{
    mpq_set(out->rows, sums[COUNT].number);
    mpq_set(out->sample.n, sums[W].number);
    out->sample.is_finite =
        sums[X].kind == SOTTO__VALUE_FINITE && sums[W].kind == SOTTO__VALUE_FINITE;
    bool is_positive = out->sample.is_finite && mpq_sgn(out->sample.n) > 0;
    bool is_possible = !is_positive || mpq_sgn(sums[WW].number) > 0;
    if (is_positive && is_possible) {
        set_sample(out, sums, weights);
    } else {
        out->fault = mpq_sgn(out->rows) == 0  ? "no values"
                     : !out->sample.is_finite ? "infinite values"
                                              : "the weights do not add up to more than 0";
    }
    /* (sum w)^2 is at most n times the sum of w^2, whatever w is. */
    is_possible =
        is_possible && mpq_cmp(out->effective, out->rows) <= 0 && mpq_sgn(out->residual) >= 0;
    return is_possible ? SOTTO_OK
                       : sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                         "the aggregate has sums of weights that no rows have");
}

/* Sets out to n / (n - less), of rows. */
static void set_correction(mpq_t out, mpq_srcptr rows, unsigned long less)
{
    mpq_t below;
    mpq_init(below);
    mpq_set_ui(below, less, 1);
    mpq_sub(below, rows, below);
    mpq_div(out, rows, below);
    mpq_clear(below);
}

/* Sets a variance, of two rows at least. */
static void set_variance(mpq_t out, const struct weighted *of, enum sotto__weights weights)
{
    mpq_t correction;
    if (weights == SOTTO__WEIGHTS_FREQUENCY) {
        sotto__sample_variance(out, &of->sample);
        return;
    }
    mpq_init(correction);
    set_correction(correction, of->rows, 1);
    mpq_div(out, of->sample.squares, of->sample.n);
    mpq_mul(out, out, correction);
    mpq_clear(correction);
}

/* Whether there are fewer than two rows, or than two that weights stand for. */
static bool is_short(const struct weighted *of, enum sotto__weights weights)
{
    return weights == SOTTO__WEIGHTS_FREQUENCY ? sotto__sample_is_short(&of->sample, 2)
                                               : mpq_cmp_ui(of->rows, 2, 1) < 0;
}

static const char *find_fault(const struct weighted *of, enum sotto__weights weights)
{
    return of->fault != NULL ? of->fault : is_short(of, weights) ? "fewer than two values" : NULL;
}

/* Sets the sum of w^2 (x - mean)^2 over the square of the weights' sum. */
static void set_part(mpq_t out, const struct weighted *of)
{
    mpq_div(out, of->residual, of->sample.n);
    mpq_div(out, out, of->sample.n);
}

/* --- One mean --- */

enum {
    VARIANCE = SOTTO__COMPARISON_LEN,
    STD,
    SUM_WEIGHTS,
    EFFECTIVE,
    ONE_COUNT,
    ONE_FIELDS_LEN,
};

static const struct sotto__method_field one_fields[] = {
    {.name = "t"},
    {.name = "p"},
    {.name = "df"},
    {.name = "mean"},
    {.name = "standard_error"},
    {.name = "low"},
    {.name = "high"},
    {.name = "d"},
    {.name = "variance"},
    {.name = "std"},
    {.name = "sum_weights"},
    {.name = "effective_count"},
    {.name = "count", .is_count = true, .tells_nan = true},
};

static void compare_one(struct sotto__comparison *out, const struct weighted *of,
                        enum sotto__weights weights)
{
    mpq_set(out->difference, of->sample.mean);
    set_variance(out->variance, of, weights);
    if (weights == SOTTO__WEIGHTS_FREQUENCY) {
        mpq_div(out->error, out->variance, of->sample.n);
        sotto__sample_freedom(out->freedom, &of->sample, 1);
        return;
    }
    mpq_t correction;
    mpq_init(correction);
    set_correction(correction, of->rows, 1);
    set_part(out->error, of);
    mpq_mul(out->error, out->error, correction);
    mpq_set_ui(out->freedom, 1, 1);
    mpq_sub(out->freedom, of->rows, out->freedom);
    mpq_clear(correction);
}

static void set_one(struct sotto__step *step, const struct weighted *of)
{
    struct sotto__value *out = step->values;
    const struct sotto__options *options = sotto__step_options(step);
    sotto__value_set_nans(out, ONE_FIELDS_LEN);
    step->outcome = find_fault(of, options->weights);
    if (step->outcome == NULL) {
        struct sotto__comparison comparison;
        sotto__comparison_init(&comparison);
        compare_one(&comparison, of, options->weights);
        step->outcome = sotto__value_set_comparison(out, &comparison, options);
        sotto__value_set_rational(&out[VARIANCE], comparison.variance);
        sotto__value_set_root(&out[STD], comparison.variance);
        sotto__comparison_release(&comparison);
    }
    if (of->fault == NULL) {
        sotto__value_set_rational(&out[SOTTO__COMPARISON_DIFFERENCE], of->sample.mean);
        sotto__value_set_rational(&out[EFFECTIVE], of->effective);
    }
    if (of->sample.is_finite) {
        sotto__value_set_rational(&out[SUM_WEIGHTS], of->sample.n);
    }
    sotto__value_set_rational(&out[ONE_COUNT], of->rows);
}

static enum sotto_status step_one(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    struct weighted of;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    weighted_init(&of);
    status = weighted_set(&of, sums, sotto__step_options(step)->weights, err);
    if (status == SOTTO_OK) {
        set_one(step, &of);
        step->is_done = true;
    }
    weighted_release(&of);
    sotto__step_sums_free(sums, step);
    return status;
}

const struct sotto__method sotto__method_weighted = {
    .fields = one_fields, .fields_len = ONE_FIELDS_LEN, .ask = ask_one, .step = step_one};

/* --- Two means --- */

enum {
    MEANS = SOTTO__COMPARISON_LEN,
    SUMS_OF_WEIGHTS = MEANS + 2,
    COUNTS = SUMS_OF_WEIGHTS + 2,
    TWO_FIELDS_LEN = COUNTS + 2,
};

static const struct sotto__method_field two_fields[] = {
    {.name = "t"},
    {.name = "p"},
    {.name = "df"},
    {.name = "difference"},
    {.name = "standard_error"},
    {.name = "low"},
    {.name = "high"},
    {.name = "d"},
    {.name = "mean_x"},
    {.name = "mean_y"},
    {.name = "sum_weights_x"},
    {.name = "sum_weights_y"},
    {.name = "count_x", .is_count = true, .tells_nan = true},
    {.name = "count_y", .is_count = true},
};

/* Of rows drawn with probabilities: both means' parts, and d in units of the root of the mean of
 * both variances. */
static void compare_drawn(struct sotto__comparison *out, const struct weighted of[2])
{
    mpq_t part;
    mpq_t rows;
    mpq_inits(part, rows, NULL);
    mpq_sub(out->difference, of[0].sample.mean, of[1].sample.mean);
    for (size_t i = 0; i < 2; i++) {
        set_part(part, &of[i]);
        mpq_add(out->error, out->error, part);
        set_variance(part, &of[i], SOTTO__WEIGHTS_PROBABILITY);
        mpq_div_2exp(part, part, 1);
        mpq_add(out->variance, out->variance, part);
        mpq_add(rows, rows, of[i].rows);
    }
    set_correction(part, rows, 1);
    mpq_mul(out->error, out->error, part);
    mpq_set_ui(part, 2, 1);
    mpq_sub(out->freedom, rows, part);
    mpq_clears(part, rows, NULL);
}

static void compare_two(struct sotto__comparison *out, const struct weighted of[2],
                        enum sotto__weights weights)
{
    if (weights == SOTTO__WEIGHTS_PROBABILITY) {
        compare_drawn(out, of);
        return;
    }
    const struct sotto__sample samples[2] = {of[0].sample, of[1].sample}; /* borrows numbers */
    sotto__compare_samples(out, samples, false);
}

static void set_two(struct sotto__step *step, const struct weighted of[2])
{
    struct sotto__value *out = step->values;
    const struct sotto__options *options = sotto__step_options(step);
    const char *faults[2] = {find_fault(&of[0], options->weights),
                             find_fault(&of[1], options->weights)};
    sotto__value_set_nans(out, TWO_FIELDS_LEN);
    step->outcome = faults[0] != NULL ? faults[0] : faults[1];
    if (step->outcome == NULL) {
        struct sotto__comparison comparison;
        sotto__comparison_init(&comparison);
        compare_two(&comparison, of, options->weights);
        step->outcome = sotto__value_set_comparison(out, &comparison, options);
        sotto__comparison_release(&comparison);
    }
    for (size_t i = 0; i < 2; i++) {
        if (of[i].fault == NULL) {
            sotto__value_set_rational(&out[MEANS + i], of[i].sample.mean);
        }
        if (of[i].sample.is_finite) {
            sotto__value_set_rational(&out[SUMS_OF_WEIGHTS + i], of[i].sample.n);
        }
        sotto__value_set_rational(&out[COUNTS + i], of[i].rows);
    }
}

static enum sotto_status step_two(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    struct weighted of[2];
    enum sotto__weights weights = sotto__step_options(step)->weights;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    weighted_init(&of[0]);
    weighted_init(&of[1]);
    status = weighted_set(&of[0], sums, weights, err);
    enum sotto_status other = weighted_set(&of[1], sums + count_sums(weights), weights, err);
    status = status != SOTTO_OK ? status : other;
    if (status == SOTTO_OK) {
        set_two(step, of);
        step->is_done = true;
    }
    weighted_release(&of[0]);
    weighted_release(&of[1]);
    sotto__step_sums_free(sums, step);
    return status;
}

const struct sotto__method sotto__method_weighted_ttest = {
    .fields = two_fields, .fields_len = TWO_FIELDS_LEN, .ask = ask_two, .step = step_two};
