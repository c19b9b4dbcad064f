/* SPDX-License-Identifier: Apache-2.0 */

/* What a difference says, whatever it is of: t, p, an interval and Cohen's d. It leans on the room
 * probability. The statistic is exact but for its root. With alternative=less or greater p is that
 * of one side, and the interval has one bound. */

#include "methods/fields.h"

void sotto__comparison_init(struct sotto__comparison *out)
{
    mpq_inits(out->difference, out->error, out->variance, out->freedom, NULL);
}

void sotto__comparison_release(struct sotto__comparison *comparison)
{
    mpq_clears(comparison->difference, comparison->error, comparison->variance, comparison->freedom,
               NULL);
}

/* Student's: one variance of both samples. */
static void compare_pooled(struct sotto__comparison *out, const struct sotto__sample samples[2])
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
static void compare_unpooled(struct sotto__comparison *out, const struct sotto__sample samples[2])
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

void sotto__compare_samples(struct sotto__comparison *out, const struct sotto__sample samples[2],
                            bool is_pooled)
{
    mpq_sub(out->difference, samples[0].mean, samples[1].mean);
    if (is_pooled) {
        compare_pooled(out, samples);
    } else {
        compare_unpooled(out, samples);
    }
}

/* Of the level's bounds the one that is on the side of the alternative; the other is infinite. A
 * bound of one side and level is that of both sides and 2 level - 100; below 50 it is the one on
 * the other side. */
static void set_one_bound(struct sotto__value *low, struct sotto__value *high,
                          const struct sotto__comparison *comparison, int level,
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

const char *sotto__value_set_comparison(struct sotto__value *out,
                                        const struct sotto__comparison *comparison,
                                        const struct sotto__options *options)
{
    struct sotto__value deviation;
    enum sotto__alternative alternative = options->alternative;
    sotto__value_set_rational(&out[SOTTO__COMPARISON_DIFFERENCE], comparison->difference);
    sotto__value_set_root(&out[SOTTO__COMPARISON_STANDARD_ERROR], comparison->error);
    if (mpq_sgn(comparison->freedom) > 0) {
        sotto__value_set_rational(&out[SOTTO__COMPARISON_DF], comparison->freedom);
        sotto__value_set_t(&out[SOTTO__COMPARISON_T], &out[SOTTO__COMPARISON_P],
                           comparison->difference, comparison->error, comparison->freedom);
        if (alternative == SOTTO__ALTERNATIVE_TWO_SIDED) {
            sotto__value_set_interval(&out[SOTTO__COMPARISON_LOW], &out[SOTTO__COMPARISON_HIGH],
                                      comparison->difference, comparison->error,
                                      comparison->freedom, options->level);
        } else {
            set_one_bound(&out[SOTTO__COMPARISON_LOW], &out[SOTTO__COMPARISON_HIGH], comparison,
                          options->level, alternative);
        }
    } else { /* Welch's freedom of two samples without variance: 0 / 0 */
        sotto__value_set_nans(&out[SOTTO__COMPARISON_DF], 1);
        sotto__value_set_nans(&out[SOTTO__COMPARISON_LOW], 2);
        sotto__value_set_rational(&out[SOTTO__COMPARISON_T], comparison->difference);
        sotto__value_set_root(&out[SOTTO__COMPARISON_P], comparison->error); /* 0 */
        sotto__value_divide(&out[SOTTO__COMPARISON_T], &out[SOTTO__COMPARISON_P]);
        if (out[SOTTO__COMPARISON_T].kind == SOTTO__VALUE_NAN) {
            sotto__value_set_nans(&out[SOTTO__COMPARISON_P], 1);
        }
    }
    bool is_less = out[SOTTO__COMPARISON_T].kind == SOTTO__VALUE_NEGATIVE_INFINITE ||
                   mpq_sgn(out[SOTTO__COMPARISON_T].number) < 0;
    sotto__value_take_side(&out[SOTTO__COMPARISON_P], is_less, alternative);
    sotto__value_init(&deviation);
    sotto__value_set_root(&deviation, comparison->variance);
    sotto__value_set_rational(&out[SOTTO__COMPARISON_D], comparison->difference);
    sotto__value_divide(&out[SOTTO__COMPARISON_D], &deviation);
    sotto__value_clear(&deviation);
    return mpq_sgn(comparison->error) == 0 ? "all values are alike" : NULL;
}
