/* SPDX-License-Identifier: Apache-2.0 */

/* The interval of a variance, by chi-squared, in one round. That of a mean is ttest_one's, that of
 * a proportion stands in proportion.c. */

#include "methods/fields.h"

#define BITS 256

enum {
    VARIANCE,
    VARIANCE_LOW,
    VARIANCE_HIGH,
    VARIANCE_STD,
    VARIANCE_DF,
    VARIANCE_COUNT,
    VARIANCE_FIELDS_LEN
};

static const struct sotto__method_field variance_fields[] = {
    {.name = "variance"},
    {.name = "low"},
    {.name = "high"},
    {.name = "std"},
    {.name = "df", .is_count = true},
    {.name = "count", .is_count = true, .tells_nan = true},
};

static void ask_variance(struct sotto__recipe *recipe, unsigned round)
{
    size_t row = sotto__recipe_row(recipe, 0);
    (void)round;
    sotto__recipe_tell_nan(recipe, row);
    sotto__ask_sample(recipe, row);
}

/* Sets a bound: squares over chi-squared's quantile with this tail. */
static void set_bound(struct sotto__value *out, mpq_srcptr squares, mpq_srcptr tail,
                      mpq_srcptr freedom)
{
    mpfr_t quantile;
    mpfr_t bound;
    mpfr_init2(quantile, SOTTO__QUANTILE_BITS);
    mpfr_init2(bound, BITS);
    sotto__chi2_quantile(quantile, tail, freedom);
    mpfr_set_q(bound, squares, MPFR_RNDN);
    mpfr_div(bound, bound, quantile, MPFR_RNDN);
    sotto__value_set_rounded(out, mpfr_get_d(bound, MPFR_RNDN));
    mpfr_clears(quantile, bound, NULL);
}

/* Sets both bounds, of so few rows that they can be. */
static void set_bounds(struct sotto__value *out, const struct sotto__sample *sample,
                       mpq_srcptr freedom, int level)
{
    mpq_t tail;
    mpq_t one;
    mpq_inits(tail, one, NULL);
    mpq_set_ui(one, 1, 1);
    sotto__set_outside(tail, level);
    mpq_div_2exp(tail, tail, 1);
    set_bound(&out[VARIANCE_LOW], sample->squares, tail, freedom);
    mpq_sub(tail, one, tail);
    set_bound(&out[VARIANCE_HIGH], sample->squares, tail, freedom);
    mpq_clears(tail, one, NULL);
}

static void set_variance(struct sotto__step *step, const struct sotto__sample *sample)
{
    struct sotto__value *out = step->values;
    mpq_t freedom;
    mpq_t variance;
    mpq_inits(freedom, variance, NULL);
    sotto__value_set_nans(out, VARIANCE_FIELDS_LEN);
    sotto__value_set_rational(&out[VARIANCE_COUNT], sample->n);
    step->outcome = sotto__sample_is_short(sample, 2) ? "fewer than two values"
                    : !sample->is_finite              ? "infinite values"
                                                      : NULL;
    if (step->outcome == NULL) {
        sotto__sample_freedom(freedom, sample, 1);
        sotto__value_set_rational(&out[VARIANCE_DF], freedom);
        sotto__sample_variance(variance, sample);
        sotto__value_set_rational(&out[VARIANCE], variance);
        sotto__value_set_root(&out[VARIANCE_STD], variance);
        if (mpq_cmp_ui(freedom, SOTTO__CHI2_FREEDOM_MAX, 1) > 0) {
            step->outcome = "more than 100,000,001 rows: no interval";
        } else {
            set_bounds(out, sample, freedom, sotto__step_options(step)->level);
        }
    }
    mpq_clears(freedom, variance, NULL);
}

static enum sotto_status step_variance(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    struct sotto__sample sample;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    status = sotto__sample_init(&sample, &sums[0], &sums[1], &sums[2], err);
    if (status == SOTTO_OK) {
        set_variance(step, &sample);
        step->is_done = true;
    }
    sotto__sample_release(&sample);
    sotto__step_sums_free(sums, step);
    return status;
}

const struct sotto__method sotto__method_var_ci = {.fields = variance_fields,
                                                   .fields_len = VARIANCE_FIELDS_LEN,
                                                   .ask = ask_variance,
                                                   .step = step_variance};
