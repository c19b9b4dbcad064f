/* SPDX-License-Identifier: Apache-2.0 */

/* t-tests, in one round: of two samples (Welch's; with equal_var=1 Student's), of pairs, of one
 * sample's mean against 0. Intervals are of the difference, or of the mean. The statistic is exact
 * but for its root; Welch's degrees of freedom are a fraction, exactly. d is Cohen's: the
 * difference in standard deviations (of two samples: the pooled one). With alternative=less or
 * greater p is that of one side, and the interval has one bound. */

#include "methods/fields.h"

enum {
    T,
    P,
    DF,
    DIFFERENCE,
    STANDARD_ERROR,
    LOW,
    HIGH,
    D,
    MEAN_X,
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
enum { ONE_MEAN = DIFFERENCE, ONE_COUNT = D + 1, ONE_FIELDS_LEN };

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

/* A difference, the square of its standard error, the square of the deviation that d is in units
 * of, and the degrees of freedom. */
struct comparison {
    mpq_t difference;
    mpq_t error;
    mpq_t variance;
    mpq_t freedom;
};

static void comparison_init(struct comparison *out)
{
    mpq_inits(out->difference, out->error, out->variance, out->freedom, NULL);
}

static void comparison_release(struct comparison *comparison)
{
    mpq_clears(comparison->difference, comparison->error, comparison->variance, comparison->freedom,
               NULL);
}

/* Of the level's bounds the one that is on the side of the alternative; the other is infinite. A
 * bound of one side and level is that of both sides and 2 level - 100; below 50 it is the one on
 * the other side. */
static void set_one_bound(struct sotto__value *low, struct sotto__value *high,
                          const struct comparison *comparison, int level,
                          enum sotto__alternative alternative)
{
    int both = 2 * level - 100;
    bool is_high = (alternative == SOTTO__ALTERNATIVE_LESS) == (both >= 0);
    if (both != 0) {
        sotto__value_set_interval(low, high, comparison->difference, comparison->error,
                                  comparison->freedom, both < 0 ? -both : both);
        sotto__value_set(is_high ? low : high, is_high ? high : low);
    } else {
        sotto__value_set_rational(low, comparison->difference);
        sotto__value_set_rational(high, comparison->difference);
    }
    if (alternative == SOTTO__ALTERNATIVE_LESS) {
        sotto__value_set_special(low, SOTTO__VALUE_NEGATIVE_INFINITE);
    } else {
        sotto__value_set_special(high, SOTTO__VALUE_INFINITE);
    }
}

/* Sets the fields up to D. Returns: why some are NaN, or NULL. */
static const char *set_comparison(struct sotto__value *out, const struct comparison *comparison,
                                  const struct sotto__options *options)
{
    struct sotto__value deviation;
    enum sotto__alternative alternative = options->alternative;
    sotto__value_set_rational(&out[DIFFERENCE], comparison->difference);
    sotto__value_set_root(&out[STANDARD_ERROR], comparison->error);
    if (mpq_sgn(comparison->freedom) > 0) {
        sotto__value_set_rational(&out[DF], comparison->freedom);
        sotto__value_set_t(&out[T], &out[P], comparison->difference, comparison->error,
                           comparison->freedom);
        if (alternative == SOTTO__ALTERNATIVE_TWO_SIDED) {
            sotto__value_set_interval(&out[LOW], &out[HIGH], comparison->difference,
                                      comparison->error, comparison->freedom, options->level);
        } else {
            set_one_bound(&out[LOW], &out[HIGH], comparison, options->level, alternative);
        }
    } else { /* Welch's freedom of two samples without variance: 0 / 0 */
        sotto__value_set_nans(&out[DF], 1);
        sotto__value_set_nans(&out[LOW], 2);
        sotto__value_set_rational(&out[T], comparison->difference);
        sotto__value_set_root(&out[P], comparison->error); /* 0 */
        sotto__value_divide(&out[T], &out[P]);
        if (out[T].kind == SOTTO__VALUE_NAN) {
            sotto__value_set_nans(&out[P], 1);
        }
    }
    bool is_less = out[T].kind == SOTTO__VALUE_NEGATIVE_INFINITE || mpq_sgn(out[T].number) < 0;
    sotto__value_take_side(&out[P], is_less, alternative);
    sotto__value_init(&deviation);
    sotto__value_set_root(&deviation, comparison->variance);
    sotto__value_set_rational(&out[D], comparison->difference);
    sotto__value_divide(&out[D], &deviation);
    sotto__value_clear(&deviation);
    return mpq_sgn(comparison->error) == 0 ? "all values are alike" : NULL;
}

/* Student's: one variance of both samples. */
static void compare_pooled(struct comparison *out, const struct sotto__sample samples[2])
{
    mpq_t part;
    mpq_init(part);
    mpq_add(out->freedom, samples[0].n, samples[1].n);
    mpq_set_ui(part, 2, 1);
    mpq_sub(out->freedom, out->freedom, part);
    mpq_add(out->variance, samples[0].squares, samples[1].squares);
    mpq_div(out->variance, out->variance, out->freedom);
    mpq_inv(out->error, samples[0].n);
    mpq_inv(part, samples[1].n);
    mpq_add(out->error, out->error, part);
    mpq_mul(out->error, out->error, out->variance);
    mpq_clear(part);
}

/* Welch's: v_i = s_i^2 / n_i, df = (v_1 + v_2)^2 / sum v_i^2 / (n_i - 1); 0 where both are 0. */
static void compare_unpooled(struct comparison *out, const struct sotto__sample samples[2])
{
    mpq_t part;
    mpq_t freedom;
    mpq_t below;
    mpq_inits(part, freedom, below, NULL);
    for (size_t i = 0; i < 2; i++) {
        sotto__sample_variance(part, &samples[i]);
        mpq_div(part, part, samples[i].n);
        mpq_add(out->error, out->error, part);
        sotto__sample_freedom(freedom, &samples[i], 1);
        mpq_mul(part, part, part);
        mpq_div(part, part, freedom);
        mpq_add(below, below, part);
    }
    if (mpq_sgn(below) > 0) {
        mpq_mul(out->freedom, out->error, out->error);
        mpq_div(out->freedom, out->freedom, below);
    }
    mpq_add(out->variance, samples[0].squares, samples[1].squares); /* pooled, for d */
    mpq_add(freedom, samples[0].n, samples[1].n);
    mpq_set_ui(part, 2, 1);
    mpq_sub(freedom, freedom, part);
    mpq_div(out->variance, out->variance, freedom);
    mpq_clears(part, freedom, below, NULL);
}

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
        struct comparison comparison;
        comparison_init(&comparison);
        mpq_sub(comparison.difference, samples[0].mean, samples[1].mean);
        if (options->equal_var) {
            compare_pooled(&comparison, samples);
        } else {
            compare_unpooled(&comparison, samples);
        }
        step->outcome = set_comparison(out, &comparison, options);
        comparison_release(&comparison);
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
        struct comparison comparison;
        comparison_init(&comparison);
        mpq_set(comparison.difference, sample->mean);
        sotto__sample_variance(comparison.variance, sample);
        mpq_div(comparison.error, comparison.variance, sample->n);
        sotto__sample_freedom(comparison.freedom, sample, 1);
        step->outcome = set_comparison(out, &comparison, sotto__step_options(step));
        comparison_release(&comparison);
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
