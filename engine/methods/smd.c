/* SPDX-License-Identifier: Apache-2.0 */

/* The standardised mean difference of two samples, in one round: by how many standard deviations
 * their means differ, in units of the root of the mean of both variances (Austin 2009), which for
 * samples of any size is the same unit. The variance of a condition is p (1 - p), of numbers it is
 * over n - 1. Its error is Hedges' and Olkin's: (n + m) / (n m) + smd^2 / (2 (n + m)). */

#include "methods/fields.h"

enum {
    SMD,
    STANDARD_ERROR,
    LOW,
    HIGH,
    MEANS,
    STDS = MEANS + 2,
    COUNTS = STDS + 2,
    FIELDS_LEN = COUNTS + 2
};

static const struct sotto__method_field fields[] = {
    {.name = "smd"},
    {.name = "standard_error"},
    {.name = "low"},
    {.name = "high"},
    {.name = "mean_x"},
    {.name = "mean_y"},
    {.name = "std_x"},
    {.name = "std_y"},
    {.name = "count_x", .is_count = true, .tells_nan = true},
    {.name = "count_y", .is_count = true},
};

#define ROOT_BITS 256
#define SAMPLE_SUMS 3 /* as sotto__ask_sample asks */

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    size_t x = sotto__recipe_row(recipe, 0);
    size_t y = sotto__recipe_row(recipe, 1);
    (void)round;
    sotto__recipe_tell_nan(recipe, x);
    sotto__ask_sample(recipe, x);
    sotto__ask_sample(recipe, y);
}

/* Whether a sample's values are truths: its sum, the second of its sums, is one of such. */
static bool are_truths(const struct sotto__step *step, size_t sample)
{
    const struct sotto__asked *sum = &step->asked[sample * SAMPLE_SUMS + 1];
    return step->program->terms[sum->moments.terms[SOTTO__MOMENT_X]].type == SOTTO__ROW_BOOL;
}

/* Sets the variance of a sample of two values at least; of truths of one. */
static void set_variance(mpq_t out, const struct sotto__sample *sample, bool of_truths)
{
    if (of_truths) {
        mpq_div(out, sample->squares, sample->n);
    } else {
        sotto__sample_variance(out, sample);
    }
}

/* Sets the square of the standard error. */
static void set_error(mpq_t out, mpq_srcptr square, const struct sotto__sample samples[2])
{
    mpq_t all;
    mpq_t part;
    mpq_inits(all, part, NULL);
    mpq_add(all, samples[0].n, samples[1].n);
    mpq_div(out, all, samples[0].n);
    mpq_div(out, out, samples[1].n);
    mpq_div(part, square, all);
    mpq_div_2exp(part, part, 1);
    mpq_add(out, out, part);
    mpq_clears(all, part, NULL);
}

/* Sets out to a root, to ROOT_BITS bits: it may be beyond the doubles. */
static void set_root(mpq_t out, mpq_srcptr square, bool is_negative)
{
    mpfr_t root;
    mpfr_init2(root, ROOT_BITS);
    mpfr_set_q(root, square, MPFR_RNDN);
    mpfr_sqrt(root, root, MPFR_RNDN);
    mpfr_get_q(out, root);
    if (is_negative) {
        mpq_neg(out, out);
    }
    mpfr_clear(root);
}

/* Sets the fields up to HIGH. variance: the mean of both, not 0. */
static void set_smd(struct sotto__value *out, mpq_srcptr variance,
                    const struct sotto__sample samples[2], int level)
{
    mpq_t square;
    mpq_t error;
    mpq_t centre;
    mpq_inits(square, error, centre, NULL);
    mpq_sub(centre, samples[0].mean, samples[1].mean);
    bool is_negative = mpq_sgn(centre) < 0;
    mpq_mul(square, centre, centre);
    mpq_div(square, square, variance);
    set_error(error, square, samples);
    sotto__value_set_root(&out[SMD], square);
    if (is_negative) {
        sotto__value_negate(&out[SMD]);
    }
    sotto__value_set_root(&out[STANDARD_ERROR], error);
    set_root(centre, square, is_negative);
    sotto__value_set_interval(&out[LOW], &out[HIGH], centre, error, NULL, level);
    mpq_clears(square, error, centre, NULL);
}

/* Why two samples have no such difference, or NULL. */
static const char *find_fault(const struct sotto__step *step, const struct sotto__sample samples[2])
{
    for (size_t i = 0; i < 2; i++) {
        if (sotto__sample_is_short(&samples[i], 1)) {
            return "a sample has no values";
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (!samples[i].is_finite) {
            return "infinite values";
        }
        if (sotto__sample_is_short(&samples[i], 2) && !are_truths(step, i)) {
            return "a sample has fewer than two values";
        }
    }
    return NULL;
}

static void set_fields(struct sotto__step *step, const struct sotto__sample samples[2])
{
    struct sotto__value *out = step->values;
    mpq_t variance;
    mpq_t both;
    mpq_inits(variance, both, NULL);
    sotto__value_set_nans(out, FIELDS_LEN);
    step->outcome = find_fault(step, samples);
    for (size_t i = 0; i < 2; i++) {
        sotto__value_set_rational(&out[COUNTS + i], samples[i].n);
        if (samples[i].is_finite && !sotto__sample_is_short(&samples[i], 1)) {
            sotto__value_set_rational(&out[MEANS + i], samples[i].mean);
        }
        if (step->outcome == NULL) {
            set_variance(variance, &samples[i], are_truths(step, i));
            sotto__value_set_root(&out[STDS + i], variance);
            mpq_add(both, both, variance);
        }
    }
    mpq_div_2exp(both, both, 1);
    if (step->outcome == NULL && mpq_sgn(both) == 0) {
        step->outcome = "all values are alike";
    }
    if (step->outcome == NULL) {
        set_smd(out, both, samples, sotto__step_options(step)->level);
    }
    mpq_clears(variance, both, NULL);
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    struct sotto__sample samples[2];
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__sample_init(&samples[0], &sums[0], &sums[1], &sums[2], err);
    enum sotto_status other = sotto__sample_init(
        &samples[1], &sums[SAMPLE_SUMS], &sums[SAMPLE_SUMS + 1], &sums[SAMPLE_SUMS + 2], err);
    status = status != SOTTO_OK ? status : other;
    if (status == SOTTO_OK) {
        set_fields(step, samples);
        step->is_done = true;
    }
    sotto__sample_release(&samples[0]);
    sotto__sample_release(&samples[1]);
    sotto__step_sums_free(sums, step);
    return status;
}

const struct sotto__method sotto__method_smd = {
    .fields = fields, .fields_len = FIELDS_LEN, .ask = ask, .step = step};
