/* SPDX-License-Identifier: Apache-2.0 */

/* Pearson's correlation with its test, in one round. r is a root of an exact ratio; t^2 is r^2 (n -
 * 2) / (1 - r^2), so that its probability is that of an exact number. The interval is Fisher's: of
 * artanh r -+ q / sqrt(n - 3). With alternative=less or
 * greater p is that of one side, and the interval's other end is -1 or 1. */

#include "methods/fields.h"

#define BITS 192

enum { R, P, T, DF, LOW, HIGH, R2, COUNT, FIELDS_LEN };

static const struct sotto__method_field fields[] = {
    {.name = "r"},   {.name = "p"},
    {.name = "t"},   {.name = "df"},
    {.name = "low"}, {.name = "high"},
    {.name = "r2"},  {.name = "count", .is_count = true, .tells_nan = true},
};

static void ask(struct sotto__recipe *recipe, unsigned round)
{
    (void)round;
    sotto__ask_pair(recipe);
}

/* Sets one bound: tanh(artanh r + sign q / sqrt(n - 3)). */
static void set_bound(struct sotto__value *out, mpfr_srcptr centre, mpfr_srcptr width, bool is_low)
{
    mpfr_t bound;
    mpfr_init2(bound, BITS);
    if (is_low) {
        mpfr_sub(bound, centre, width, MPFR_RNDN);
    } else {
        mpfr_add(bound, centre, width, MPFR_RNDN);
    }
    mpfr_tanh(bound, bound, MPFR_RNDN);
    sotto__value_set_rounded(out, mpfr_get_d(bound, MPFR_RNDN));
    mpfr_clear(bound);
}

static void set_interval(struct sotto__value *out, mpq_srcptr square, bool is_negative,
                         mpq_srcptr n, const struct sotto__options *options)
{
    mpfr_t centre;
    mpfr_t width;
    mpfr_t count;
    mpfr_inits2(BITS, centre, count, NULL);
    mpfr_init2(width, SOTTO__QUANTILE_BITS);
    sotto__set_normal_width(width, options->level, options->alternative);
    mpfr_set_q(count, n, MPFR_RNDN);
    mpfr_sub_ui(count, count, 3, MPFR_RNDN);
    mpfr_rec_sqrt(count, count, MPFR_RNDN);
    mpfr_mul(width, width, count, MPFR_RNDN);
    mpfr_set_q(centre, square, MPFR_RNDN);
    mpfr_sqrt(centre, centre, MPFR_RNDN);
    mpfr_atanh(centre, centre, MPFR_RNDN);
    if (is_negative) {
        mpfr_neg(centre, centre, MPFR_RNDN);
    }
    set_bound(&out[LOW], centre, width, true);
    set_bound(&out[HIGH], centre, width, false);
    mpfr_clears(centre, width, count, NULL);
    if (options->alternative == SOTTO__ALTERNATIVE_LESS) {
        sotto__value_set_double(&out[LOW], -1);
    } else if (options->alternative == SOTTO__ALTERNATIVE_GREATER) {
        sotto__value_set_double(&out[HIGH], 1);
    }
}

/* Sets all fields but the count, from an r^2 that is below 1 or 1. freedom: n - 2. Returns: why
 * some are NaN, or NULL. */
static const char *set_test(struct sotto__value *out, mpq_srcptr square, bool is_negative,
                            mpq_srcptr n, mpq_srcptr freedom, const struct sotto__options *options)
{
    mpq_t rest;
    const char *outcome = "two rows: no test";
    mpq_init(rest);
    mpq_set_ui(rest, 1, 1);
    mpq_sub(rest, rest, square);
    sotto__value_set_rational(&out[R2], square);
    sotto__value_set_root(&out[R], square);
    sotto__value_set_rational(&out[DF], freedom);
    if (is_negative) {
        sotto__value_negate(&out[R]);
    }
    sotto__value_set_nans(&out[LOW], 2);
    sotto__value_set_nans(&out[P], 2);
    if (mpq_sgn(freedom) > 0) {
        mpq_div(rest, rest, freedom);
        sotto__value_set_rational(&out[T], square);
        sotto__value_set_rational(&out[P], rest);
        sotto__value_divide(&out[T], &out[P]);
        bool is_finite = out[T].kind == SOTTO__VALUE_FINITE;
        sotto__value_set_rounded(&out[P], is_finite ? sotto__t_tails(out[T].number, freedom) : 0);
        sotto__value_take_side(&out[P], is_negative, options->alternative);
        sotto__value_sqrt(&out[T]);
        if (is_negative) {
            sotto__value_negate(&out[T]);
        }
        outcome = !is_finite                 ? "the columns go together wholly: no interval"
                  : mpq_cmp_ui(n, 3, 1) == 0 ? "three rows: no interval"
                                             : NULL;
        if (outcome == NULL) {
            set_interval(out, square, is_negative, n, options);
        }
    }
    mpq_clear(rest);
    return outcome;
}

/* The deviations' sums: of squares, and of products. */
static void set_deviations(mpq_t out, mpq_srcptr n, mpq_srcptr x, mpq_srcptr y, mpq_srcptr xy)
{
    mpq_mul(out, x, y);
    mpq_div(out, out, n);
    mpq_sub(out, xy, out);
}

static enum sotto_status set_fields(struct sotto__step *step, const struct sotto__value *sums,
                                    struct sotto_error *err)
{
    mpq_t xx;
    mpq_t yy;
    mpq_t xy;
    mpq_t freedom;
    mpq_srcptr n = sums[0].number;
    enum sotto_status status = SOTTO_OK;
    mpq_inits(xx, yy, xy, freedom, NULL);
    set_deviations(xx, n, sums[1].number, sums[1].number, sums[3].number);
    set_deviations(xy, n, sums[1].number, sums[2].number, sums[4].number);
    set_deviations(yy, n, sums[2].number, sums[2].number, sums[5].number);
    bool is_negative = mpq_sgn(xy) < 0;
    mpq_mul(xy, xy, xy);
    mpq_mul(yy, xx, yy);
    if (mpq_sgn(xx) < 0 || mpq_sgn(yy) < 0 || mpq_cmp(xy, yy) > 0) {
        status = sotto_error_set(err, SOTTO_ERROR_PROTOCOL,
                                 "the aggregate has sums of products that no parties' rows have");
    } else if (mpq_sgn(yy) == 0) {
        step->outcome = "a column is constant";
        sotto__value_set_nans(step->values, FIELDS_LEN);
    } else {
        mpq_div(xy, xy, yy);
        mpq_set_ui(freedom, 2, 1);
        mpq_sub(freedom, n, freedom);
        step->outcome =
            set_test(step->values, xy, is_negative, n, freedom, sotto__step_options(step));
    }
    mpq_clears(xx, yy, xy, freedom, NULL);
    return status;
}

static enum sotto_status step(struct sotto__step *step, struct sotto_error *err)
{
    struct sotto__value *sums = NULL;
    enum sotto_status status = sotto__step_sums(&sums, step, err);
    if (status != SOTTO_OK) {
        return status;
    }
    bool is_finite = true;
    for (size_t i = 0; i < step->asked_len; i++) {
        is_finite = is_finite && sums[i].kind == SOTTO__VALUE_FINITE;
    }
    if (!is_finite || mpq_cmp_ui(sums[0].number, 2, 1) < 0) {
        step->outcome = is_finite ? "fewer than two rows" : "infinite values";
        sotto__value_set_nans(step->values, FIELDS_LEN);
    } else {
        status = set_fields(step, sums, err);
    }
    sotto__value_set_rational(&step->values[COUNT], sums[0].number);
    step->is_done = status == SOTTO_OK;
    sotto__step_sums_free(sums, step);
    return status;
}

const struct sotto__method sotto__method_pearson = {
    .fields = fields, .fields_len = FIELDS_LEN, .ask = ask, .step = step};
