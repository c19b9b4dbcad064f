/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_METHODS_FIELDS_H
#define SOTTO_ENGINE_METHODS_FIELDS_H

/* What methods of one round have in common: samples as their moments, and the values of fields. */

#include "methods/methods.h"
#include "probability/probability.h"

/* A sample: its values' number, mean, and the sum of the squares of their deviations. */
struct sotto__sample {
    mpq_t n;
    mpq_t mean;    /* 0 of none */
    mpq_t squares; /* not negative */
    bool is_finite;
};

/* Of a count, a sum and a sum of squares. Returns: SOTTO_ERROR_PROTOCOL for what no rows can give.
 * Ended by sotto__sample_release, also after a failure. */
enum sotto_status sotto__sample_init(struct sotto__sample *out, const struct sotto__value *count,
                                     const struct sotto__value *sum,
                                     const struct sotto__value *squares,
                                     struct sotto_error *err) SOTTO_NODISCARD;
void sotto__sample_release(struct sotto__sample *sample);
/* Sets out to the sum of squares over n - 1: at least two values. */
void sotto__sample_variance(mpq_t out, const struct sotto__sample *sample);
/* Sets out to n - less. */
void sotto__sample_freedom(mpq_t out, const struct sotto__sample *sample, unsigned long less);
/* Whether it has fewer values than so many. */
bool sotto__sample_is_short(const struct sotto__sample *sample, unsigned long least);

/* --- comparison.c: a difference and its test --- */

/* A difference, the square of its standard error, the square of the deviation that d is in units
 * of, and the degrees of freedom (0: there are none). */
struct sotto__comparison {
    mpq_t difference;
    mpq_t error;
    mpq_t variance;
    mpq_t freedom;
};

/* The first fields of methods that compare. */
enum {
    SOTTO__COMPARISON_T,
    SOTTO__COMPARISON_P,
    SOTTO__COMPARISON_DF,
    SOTTO__COMPARISON_DIFFERENCE,
    SOTTO__COMPARISON_STANDARD_ERROR,
    SOTTO__COMPARISON_LOW,
    SOTTO__COMPARISON_HIGH,
    SOTTO__COMPARISON_D,
    SOTTO__COMPARISON_LEN,
};

void sotto__comparison_init(struct sotto__comparison *out);
void sotto__comparison_release(struct sotto__comparison *comparison);
/* Of the means of two samples of two values at least: Welch's test, or (is_pooled) Student's, for
 * which three values in all are enough. out: as it was initialised. */
void sotto__compare_samples(struct sotto__comparison *out, const struct sotto__sample samples[2],
                            bool is_pooled);
/* Sets the fields up to D. Returns: why some are NaN, or NULL; static. */
const char *sotto__value_set_comparison(struct sotto__value *out,
                                        const struct sotto__comparison *comparison,
                                        const struct sotto__options *options);

/* --- fields.c --- */

/* Asks for the count, the sum and the sum of squares of rows, three sums. */
void sotto__ask_sample(struct sotto__recipe *recipe, size_t row);
/* Asks for the count, the sums, the squares and the product of two arguments where both have a
 * value: six sums, in the order n, x, y, xx, xy, yy. */
void sotto__ask_pair(struct sotto__recipe *recipe);
/* Asks for a cell for each argument, a condition: ask of a method that counts only. */
void sotto__ask_cells(struct sotto__recipe *recipe, unsigned round);

/* Sets a field to a rational, to the signed square root of one, to a double that stands for no
 * rational, to NaN. Out: initialised. */
void sotto__value_set_rational(struct sotto__value *out, mpq_srcptr number);
void sotto__value_set_root(struct sotto__value *out, mpq_srcptr square);
void sotto__value_set_rounded(struct sotto__value *out, double number);
void sotto__value_set_nans(struct sotto__value *out, size_t len);

/* Whether a square may be one, of sums that are exact. Returns: SOTTO_ERROR_PROTOCOL. */
enum sotto_status sotto__value_check_square(mpq_srcptr square,
                                            struct sotto_error *err) SOTTO_NODISCARD;

/* Sets t = difference / sqrt(square), with the rules of IEEE 754, and its two-sided probability
 * (freedom NULL: the normal's). */
void sotto__value_set_t(struct sotto__value *t, struct sotto__value *p, mpq_srcptr difference,
                        mpq_srcptr square, mpq_srcptr freedom);
/* Sets the bounds of an interval of so many per cent: centre -+ q sqrt(square), q being t's
 * quantile (freedom NULL: the normal's). */
void sotto__value_set_interval(struct sotto__value *low, struct sotto__value *high,
                               mpq_srcptr centre, mpq_srcptr square, mpq_srcptr freedom, int level);
/* 1 - level / 100: what is outside an interval of so many per cent. */
void sotto__set_outside(mpq_t out, int level);
/* Sets out, of SOTTO__QUANTILE_BITS bits, to how many standard errors a bound of this level is from
 * the centre: of an interval, or of one side; not positive there for a level of a half or less. */
void sotto__set_normal_width(mpfr_t out, int level, enum sotto__alternative alternative);
/* Makes the probability of the alternative's side, from that of both. is_less: the statistic is
 * below what it is held against. NaN stays. */
void sotto__value_take_side(struct sotto__value *p, bool is_less,
                            enum sotto__alternative alternative);

#endif
