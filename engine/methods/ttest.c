/* SPDX-License-Identifier: Apache-2.0 */

/* t-tests, in one round: of two samples (Welch's; with equal_var=1 Student's), of pairs, of one
 * sample's mean against 0. Intervals are of the difference, or of the mean. The statistic is exact
 * but for its root; Welch's degrees of freedom are a fraction, exactly. d is Cohen's: the
 * difference in standard deviations (of two samples: the pooled one). */

#include "methods/fields.h"

enum {
    MEAN_X = SOTTO__COMPARISON_LEN,
    MEAN_Y,
    COUNT_X,
    COUNT_Y,
    FIELDS_LEN,
};

static const struct sotto__method_field fields[] = {
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
    {.name = "count_x", .is_count = true, .tells_nan = true},
    {.name = "count_y", .is_count = true},
};

/* Of one sample, and of the differences of pairs. */
enum { ONE_MEAN = SOTTO__COMPARISON_DIFFERENCE, ONE_COUNT = SOTTO__COMPARISON_LEN, ONE_FIELDS_LEN };

static const struct sotto__method_field mean_fields[] = {
    {.name = "t"},
    {.name = "p"},
    {.name = "df"},
    {.name = "mean"},
    {.name = "standard_error"},
    {.name = "low"},
    {.name = "high"},
    {.name = "d"},
    {.name = "count", .is_count = true, .tells_nan = true},
};

static const struct sotto__method_field pair_fields[] = {
    {.name = "t"},
    {.name = "p"},
    {.name = "df"},
    {.name = "difference"},
    {.name = "standard_error"},
    {.name = "low"},
    {.name = "high"},
    {.name = "d"},
    {.name = "count", .is_count = true, .tells_nan = true},
};

/* --- What is asked --- */

static void ask_two(struct sotto__recipe *recipe, unsigned round)
{
    size_t x = sotto__recipe_row(recipe, 0);
    size_t y = sotto__recipe_row(recipe, 1);
    (void)round;
    sotto__recipe_tell_nan(recipe, x);
    sotto__ask_sample(recipe, x);
    sotto__ask_sample(recipe, y);
}

static void ask_one(struct sotto__recipe *recipe, unsigned round)
{
    size_t row = sotto__recipe_row(recipe, 0);
    (void)round;
    sotto__recipe_tell_nan(recipe, row);
    sotto__ask_sample(recipe, row);
}

static void ask_pairs(struct sotto__recipe *recipe, unsigned round)
{
    (void)round;
    sotto__ask_pair(recipe);
}

/* --- What it says --- */

/* Why two samples can't be compared, or NULL. */
static const char *find_fault(const struct sotto__sample samples[2], bool is_pooled)
{
    bool is_empty =
        sotto__sample_is_short(&samples[0], 1) || sotto__sample_is_short(&samples[1], 1);
    bool is_short =
        sotto__sample_is_short(&samples[0], 2) || sotto__sample_is_short(&samples[1], 2);
    bool are_both_short =
        sotto__sample_is_short(&samples[0], 2) && sotto__sample_is_short(&samples[1], 2);
    if (is_empty) {
        return "a sample has no values";
    }
    if (!samples[0].is_finite || !samples[1].is_finite) {
        return "infinite values";
    }
    return (is_pooled ? are_both_short : is_short) ? "a sample has fewer than two values" : NULL;
}

static void set_two(struct sotto__step *step, const struct sotto__sample samples[2])
{
    struct sotto__value *out = step->values;
    const struct sotto__options *options = sotto__step_options(step);
    step->outcome = find_fault(samples, options->equal_var);
    if (step->outcome != NULL) {
        sotto__value_set_nans(out, FIELDS_LEN);
    } else {
        struct sotto__comparison comparison;
        sotto__comparison_init(&comparison);
        sotto__compare_samples(&comparison, samples, options->equal_var);
        step->outcome = sotto__value_set_comparison(out, &comparison, options);
        sotto__comparison_release(&comparison);
    }
    for (size_t i = 0; i < 2; i++) {
        sotto__value_set_rational(&out[COUNT_X + i], samples[i].n);
        if (samples[i].is_finite && !sotto__sample_is_short(&samples[i], 1)) {
            sotto__value_set_rational(&out[MEAN_X + i], samples[i].mean);
        }
    }
}

/* One sample against 0. */
static void set_one(struct sotto__step *step, const struct sotto__sample *sample)
{
    struct sotto__value *out = step->values;
    step->outcome = sotto__sample_is_short(sample, 1)   ? "no values"
                    : !sample->is_finite                ? "infinite values"
                    : sotto__sample_is_short(sample, 2) ? "fewer than two values"
                                                        : NULL;
    if (step->outcome != NULL) {
        sotto__value_set_nans(out, ONE_FIELDS_LEN);
    } else {
        struct sotto__comparison comparison;
        sotto__comparison_init(&comparison);
        mpq_set(comparison.difference, sample->mean);
        sotto__sample_variance(comparison.variance, sample);
        mpq_div(comparison.error, comparison.variance, sample->n);
        sotto__sample_freedom(comparison.freedom, sample, 1);
        step->outcome = sotto__value_set_comparison(out, &comparison, sotto__step_options(step));
        sotto__comparison_release(&comparison);
    }
    if (sample->is_finite && !sotto__sample_is_short(sample, 1)) {
        sotto__value_set_rational(&out[ONE_MEAN], sample->mean);
    }
    sotto__value_set_rational(&out[ONE_COUNT], sample->n);
}

/* --- Steps --- */

static enum sotto_status step_two(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    struct sotto__sample samples[2];
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__sample_init(&samples[0], &sums[0], &sums[1], &sums[2], err);
    enum sotto_status other = sotto__sample_init(&samples[1], &sums[3], &sums[4], &sums[5], err);
    status = status != SOTTO_OK ? status : other;
    if (status == SOTTO_OK) {
        set_two(step, samples);
        step->is_done = true;
    }
    sotto__sample_release(&samples[0]);
    sotto__sample_release(&samples[1]);
    sotto__step_sums_free(sums, step);
    return status;
}

/* Of a count, a sum and a sum of squares. */
static enum sotto_status step_sample(struct sotto__step *step, const struct sotto__value *count,
                                     const struct sotto__value *sum,
                                     const struct sotto__value *squares, struct sotto_error *err)
{
    struct sotto__sample sample;
    enum sotto_status status = sotto__sample_init(&sample, count, sum, squares, err);
    if (status == SOTTO_OK) {
        set_one(step, &sample);
        step->is_done = true;
    }
    sotto__sample_release(&sample);
    return status;
}

static enum sotto_status step_one(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status == SOTTO_OK) {
        status = step_sample(step, &sums[0], &sums[1], &sums[2], err);
        sotto__step_sums_free(sums, step);
    }
    return status;
}

/* The sums of x - y from those of n, x, y, xx, xy, yy. */
static enum sotto_status step_pairs(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status == SOTTO_OK) {
        sotto__value_negate(&sums[2]);
        sotto__value_add(&sums[1], &sums[2]);
        sotto__value_negate(&sums[4]);
        sotto__value_add(&sums[3], &sums[4]);
        sotto__value_add(&sums[3], &sums[4]);
        sotto__value_add(&sums[3], &sums[5]);
        status = step_sample(step, &sums[0], &sums[1], &sums[3], err);
        sotto__step_sums_free(sums, step);
    }
    return status;
}

const struct sotto__method sotto__method_ttest = {
    .fields = fields, .fields_len = FIELDS_LEN, .ask = ask_two, .step = step_two};

const struct sotto__method sotto__method_ttest_one = {
    .fields = mean_fields, .fields_len = ONE_FIELDS_LEN, .ask = ask_one, .step = step_one};

const struct sotto__method sotto__method_ttest_paired = {
    .fields = pair_fields, .fields_len = ONE_FIELDS_LEN, .ask = ask_pairs, .step = step_pairs};
