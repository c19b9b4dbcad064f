/* SPDX-License-Identifier: Apache-2.0 */

/* Intervals in one round: of a variance, by chi-squared, and of a proportion, by Wilson's score
 * (which stays within 0 and 1, and is near what it says for small samples too). The interval of a
 * mean is ttest_one's. */

#include "methods/fields.h"

#define BITS 256

/* --- A variance --- */

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

/* --- A proportion --- */

enum { PROPORTION, LOW, HIGH, STANDARD_ERROR, TRUE_COUNT, COUNT, FIELDS_LEN };

static const struct sotto__method_field fields[] = {
    {.name = "proportion"},
    {.name = "low"},
    {.name = "high"},
    {.name = "standard_error"},
    {.name = "count_true", .is_count = true},
    {.name = "count", .is_count = true, .tells_nan = true},
};

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    size_t row = sotto__recipe_condition(recipe, 0);
    (void)round;
    sotto__recipe_tell_nan(recipe, row);
    (void)sotto__recipe_count(recipe, row);
    (void)sotto__recipe_sum(recipe, row, SOTTO_NONE);
}

/* (p + z^2 / 2n -+ z sqrt(v + z^2 / 4n^2)) / (1 + z^2 / n), v = p (1 - p) / n: exactly 0 and 1 at
 * the ends. */
static void set_wilson(struct sotto__value *out, mpq_srcptr p, mpq_srcptr v, mpq_srcptr n,
                       int level)
{
    mpq_t outside;
    mpfr_t z;
    mpfr_t centre;
    mpfr_t width;
    mpfr_t bound;
    mpq_init(outside);
    mpfr_init2(z, SOTTO__QUANTILE_BITS);
    mpfr_inits2(BITS, centre, width, bound, NULL);
    sotto__set_outside(outside, level);
    sotto__normal_quantile(z, outside);
    mpfr_div_2ui(centre, z, 1, MPFR_RNDN); /* z^2 / 4n^2 + v */
    mpfr_div_q(centre, centre, n, MPFR_RNDN);
    mpfr_sqr(width, centre, MPFR_RNDN);
    mpfr_add_q(width, width, v, MPFR_RNDN);
    mpfr_sqrt(width, width, MPFR_RNDN);
    mpfr_mul(width, width, z, MPFR_RNDN);
    mpfr_mul(centre, centre, z, MPFR_RNDN); /* z^2 / 2n */
    mpfr_mul_2ui(bound, centre, 1, MPFR_RNDN);
    mpfr_add_ui(z, bound, 1, MPFR_RNDN);
    mpfr_add_q(centre, centre, p, MPFR_RNDN);
    mpfr_sub(bound, centre, width, MPFR_RNDN);
    mpfr_div(bound, bound, z, MPFR_RNDN);
    sotto__value_set_rounded(&out[LOW], mpq_sgn(p) == 0 ? 0 : mpfr_get_d(bound, MPFR_RNDN));
    mpfr_add(bound, centre, width, MPFR_RNDN);
    mpfr_div(bound, bound, z, MPFR_RNDN);
    sotto__value_set_rounded(&out[HIGH],
                             mpq_cmp_ui(p, 1, 1) == 0 ? 1 : mpfr_get_d(bound, MPFR_RNDN));
    mpfr_clears(z, centre, width, bound, NULL);
    mpq_clear(outside);
}

static void set_proportion(struct sotto__value *out, mpq_srcptr n, mpq_srcptr sum, int level)
{
    mpq_t p;
    mpq_t v;
    mpq_inits(p, v, NULL);
    mpq_div(p, sum, n);
    mpq_sub(v, n, sum);
    mpq_div(v, v, n);
    mpq_mul(v, v, p);
    mpq_div(v, v, n);
    sotto__value_set_rational(&out[PROPORTION], p);
    sotto__value_set_root(&out[STANDARD_ERROR], v);
    set_wilson(out, p, v, n, level);
    mpq_clears(p, v, NULL);
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    struct sotto__value *out = step->values;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    if (mpq_cmp(sums[1].number, sums[0].number) > 0) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the aggregate has more true rows than rows");
    } else if (mpq_sgn(sums[0].number) == 0) {
        step->outcome = "no values";
        sotto__value_set_nans(out, FIELDS_LEN);
    } else {
        set_proportion(out, sums[0].number, sums[1].number, sotto__step_options(step)->level);
    }
    sotto__value_set_rational(&out[TRUE_COUNT], sums[1].number);
    sotto__value_set_rational(&out[COUNT], sums[0].number);
    step->is_done = status == SOTTO_OK;
    sotto__step_sums_free(sums, step);
    return status;
}

const struct sotto__method sotto__method_proportion = {
    .fields = fields, .fields_len = FIELDS_LEN, .ask = ask, .step = step};
