/* SPDX-License-Identifier: Apache-2.0 */

/* Tails of t, F, chi-squared, the normal and the binomial, from the regularised incomplete beta and
 * gamma functions. It leans on MPFR. The one idea: both have a series of positive terms, in which
 * nothing cancels (DLMF 8.17.8 and 8.7.1),
 *
 *     I_x(a, b) = x^a y^b / (a B(a, b)) sum (a + b)_n / (a + 1)_n x^n,    y = 1 - x
 *     P(a, x) = x^a e^-x / Gamma(a + 1) sum x^n / (a + 1)_n
 *
 * and I_x(a, b) = 1 - I_y(b, a). Of the two the one with fewer terms is summed up, with as many
 * more bits as 1 - I loses. A bound of the error goes along; where it does not tell how to round,
 * all is computed again with twice as many bits (Ziv's strategy). */

#include "probability/probability.h"

#include <limits.h>
#include <math.h>

#define BITS_FIRST 128
#define BITS_MAX 8192          /* only values halfway between two doubles need as many */
#define SMALLEST_EXPONENT 1080 /* below 2^-1076 the nearest double is 0 */
#define NATS_MIN (-1e6)
#define CHECKED_TERMS 16 /* so many terms are added before a look at the rest */

/* A series: of I_x(a, b), or of P(a, x). */
struct series {
    mpq_t x;
    mpq_t y;
    mpq_t a;
    mpq_t b;
    bool is_gamma;
};

static void series_init(struct series *out)
{
    *out = (struct series){.is_gamma = false};
    mpq_inits(out->x, out->y, out->a, out->b, NULL);
}

static void series_release(struct series *series)
{
    mpq_clears(series->x, series->y, series->a, series->b, NULL);
}

/* --- The first term --- */

/* The logarithm of x, where y = 1 - x: with a relative error of two units at most. */
static void set_log(mpfr_t out, mpq_srcptr x, mpq_srcptr y)
{
    if (mpq_cmp(x, y) <= 0) {
        mpfr_set_q(out, x, MPFR_RNDN);
        mpfr_log(out, out, MPFR_RNDN);
    } else {
        mpfr_set_q(out, y, MPFR_RNDN);
        mpfr_neg(out, out, MPFR_RNDN);
        mpfr_log1p(out, out, MPFR_RNDN);
    }
}

/* sum += sign * part; size += |part|. */
static void add_part(mpfr_t sum, mpfr_t size, mpfr_srcptr part, bool is_negative)
{
    if (is_negative) {
        mpfr_sub(sum, sum, part, MPFR_RNDN);
    } else {
        mpfr_add(sum, sum, part, MPFR_RNDN);
    }
    if (mpfr_sgn(part) < 0) {
        mpfr_sub(size, size, part, MPFR_RNDN);
    } else {
        mpfr_add(size, size, part, MPFR_RNDN);
    }
}

/* Adds or takes off ln Gamma(number + more). */
static void add_gamma(mpfr_t sum, mpfr_t size, mpq_srcptr number, unsigned long more,
                      bool is_negative)
{
    mpfr_t part;
    int sign;
    mpfr_init2(part, mpfr_get_prec(sum));
    mpfr_set_q(part, number, MPFR_RNDN);
    mpfr_add_ui(part, part, more, MPFR_RNDN);
    mpfr_add(size, size, part, MPFR_RNDN); /* its rounding is multiplied by psi */
    mpfr_lgamma(part, &sign, part, MPFR_RNDN);
    add_part(sum, size, part, is_negative);
    mpfr_clear(part);
}

/* Sets out to the logarithm of the first term, and size to a bound of the magnitudes that it is
 * made of, by which its error grows. */
static void set_first(mpfr_t out, mpfr_t size, const struct series *series)
{
    mpfr_t part;
    mpfr_init2(part, mpfr_get_prec(out));
    mpfr_set_ui(size, 1, MPFR_RNDN);
    mpfr_set_zero(out, 1);
    if (series->is_gamma) {
        mpfr_set_q(part, series->x, MPFR_RNDN);
        add_part(out, size, part, true);
        mpfr_log(part, part, MPFR_RNDN);
    } else {
        set_log(part, series->y, series->x);
        mpfr_mul_q(part, part, series->b, MPFR_RNDN);
        add_part(out, size, part, false);
        mpq_t both;
        mpq_init(both);
        mpq_add(both, series->a, series->b);
        add_gamma(out, size, both, 0, false);
        mpq_clear(both);
        add_gamma(out, size, series->b, 0, true);
        set_log(part, series->x, series->y);
    }
    mpfr_mul_q(part, part, series->a, MPFR_RNDN);
    add_part(out, size, part, false);
    add_gamma(out, size, series->a, 1, true);
    mpfr_clear(part);
}

/* --- The terms --- */

/* How far the ratio of two terms is below 1 from term n on; not positive where it isn't yet. */
static double find_gap(const struct series *series, double n)
{
    double a = mpq_get_d(series->a);
    double x = mpq_get_d(series->x);
    double y = mpq_get_d(series->y);
    double b = mpq_get_d(series->b);
    double gap =
        series->is_gamma ? (a + 1 + n - x) / (a + 1 + n) : ((a + n) * y + 1 - b * x) / (a + 1 + n);
    return series->is_gamma || gap < y ? gap : y; /* the ratio tends to x, from either side */
}

/* About how many terms a series has; infinity where its ratio is as near to 1 as no double says. */
static double count_terms(const struct series *series, double bits)
{
    double a = mpq_get_d(series->a);
    double x = mpq_get_d(series->x);
    double y = mpq_get_d(series->y);
    double b = mpq_get_d(series->b);
    double largest = series->is_gamma ? x - a : (b * x - 1 - a * y) / y;
    double rising = largest > 0 ? largest : 0;
    double gap = find_gap(series, rising * 2 + 1);
    return gap > 0 ? 3 * rising + bits / gap : (double)INFINITY;
}

/* A power of two that 1 / gap is below. */
static long bound_inverse(double gap)
{
    long bits = 0;
    for (; gap < 1 && bits < 1100; bits++) {
        gap *= 2;
    }
    return bits;
}

/* Sets out to the sum of the terms over the first one. Returns: how many there are. */
static unsigned long sum_terms(mpfr_t out, const struct series *series)
{
    mpfr_prec_t bits = mpfr_get_prec(out);
    mpfr_t term;
    mpfr_t upper; /* of the next ratio, but for x */
    mpfr_t lower;
    mpfr_t x;
    mpfr_inits2(bits, term, upper, lower, x, NULL);
    mpfr_set_q(x, series->x, MPFR_RNDN);
    mpfr_set_q(lower, series->a, MPFR_RNDN);
    mpfr_set_ui(upper, 1, MPFR_RNDN);
    if (!series->is_gamma) {
        mpq_t both;
        mpq_init(both);
        mpq_add(both, series->a, series->b);
        mpfr_set_q(upper, both, MPFR_RNDN);
        mpq_clear(both);
    }
    mpfr_set_ui(term, 1, MPFR_RNDN);
    mpfr_set_ui(out, 1, MPFR_RNDN);
    unsigned long n = 0;
    for (bool is_done = mpfr_zero_p(x) != 0; !is_done; n++) {
        mpfr_add_ui(lower, lower, 1, MPFR_RNDN);
        mpfr_mul(term, term, x, MPFR_RNDN);
        mpfr_div(term, term, lower, MPFR_RNDN);
        if (!series->is_gamma) {
            mpfr_mul(term, term, upper, MPFR_RNDN);
            mpfr_add_ui(upper, upper, 1, MPFR_RNDN);
        }
        mpfr_add(out, out, term, MPFR_RNDN);
        if (n % CHECKED_TERMS == 0) {
            double gap = find_gap(series, (double)n);
            is_done =
                gap > 0 && mpfr_get_exp(term) + bound_inverse(gap) < mpfr_get_exp(out) - (long)bits;
        }
    }
    mpfr_clears(term, upper, lower, x, NULL);
    return n;
}

/* --- A tail --- */

static long bits_of(unsigned long number)
{
    long bits = 0;
    for (; number > 0; number >>= 1) {
        bits++;
    }
    return bits;
}

/* Sets out to the function that the series is of. Returns: the exponent of a bound of its relative
 * error. */
static long sum_series(mpfr_t out, const struct series *series)
{
    mpfr_prec_t bits = mpfr_get_prec(out);
    mpfr_t first;
    mpfr_t size;
    mpfr_inits2(bits, first, size, NULL);
    set_first(first, size, series);
    /* Each part of the logarithm is wrong by at most four units of its size, and so is their sum by
     * another for each part; terms of the sum by four units for each before them. */
    long error = mpfr_get_exp(size) + 5 - (long)bits;
    unsigned long terms = sum_terms(out, series);
    long sum_error = bits_of(terms + 1) + 4 - (long)bits;
    mpfr_exp(first, first, MPFR_RNDN);
    mpfr_mul(out, out, first, MPFR_RNDN);
    mpfr_clears(first, size, NULL);
    return (error > sum_error ? error : sum_error) + 2;
}

/* A bound of the binary exponent of I_x(a, b), or of 1 - P(a, x), by the series' first term; 2
 * where there is none. The terms of the one fall from the first on where its gap is positive, and
 * add up to less than that over the gap. The other is at most (a + 1) times it for x > a + 1, where
 * P's terms rise (DLMF 8.10.1). */
static long bound_exponent(mpfr_srcptr first, const struct series *series)
{
    double gap = find_gap(series, 0);
    double nats = mpfr_get_d(first, MPFR_RNDU);
    long more =
        series->is_gamma ? bits_of((unsigned long)mpq_get_d(series->a) + 2) : bound_inverse(gap);
    if (nats >= 0 || (gap > 0) == series->is_gamma) {
        return 2;
    }
    return (long)((nats > NATS_MIN ? nats : NATS_MIN) * 1.44) + more + 1; /* 1.44 < 1 / ln 2 */
}

/* Whether what bound_exponent bounds is so small that the nearest double is 0. */
static bool is_below_doubles(const struct series *series)
{
    mpfr_t first;
    mpfr_t size;
    mpfr_inits2(BITS_FIRST, first, size, NULL);
    set_first(first, size, series);
    bool is_below = bound_exponent(first, series) < -SMALLEST_EXPONENT;
    mpfr_clears(first, size, NULL);
    return is_below;
}

/* Sets out to the function, or to 1 less it. Returns: the exponent of a bound of its relative
 * error; 0 where nothing of it is right. */
static long compute_tail(mpfr_t out, const struct series *series, bool is_complement)
{
    long error = sum_series(out, series);
    if (!is_complement || error >= 0) {
        return error < 0 ? error : 0;
    }
    error += mpfr_get_exp(out);
    mpfr_ui_sub(out, 1, out, MPFR_RNDN);
    if (mpfr_sgn(out) <= 0) {
        return 0;
    }
    error -= mpfr_get_exp(out);
    long rounding = 1 - (long)mpfr_get_prec(out);
    error = (error > rounding ? error : rounding) + 1;
    return error < 0 ? error : 0;
}

/* Sets out to the function, or to 1 less it, so that 2^-wanted of it is right. */
static void find_tail(mpfr_t out, const struct series *series, bool is_complement, long wanted)
{
    long error = 0;
    mpfr_prec_t bits = BITS_FIRST > wanted ? BITS_FIRST : wanted + BITS_FIRST / 2;
    for (; bits <= BITS_MAX; bits *= 2) {
        mpfr_set_prec(out, bits);
        error = compute_tail(out, series, is_complement);
        bool is_right =
            wanted > 0 ? error < -wanted
                       : error < 0 && mpfr_can_round(out, -error, MPFR_RNDN, MPFR_RNDN, 53) != 0;
        if (is_right) {
            return;
        }
    }
}

/* The two series that give a tail: its own, and that of what is left of 1. */
struct tail {
    struct series own;
    struct series other;
};

static void tail_init(struct tail *out)
{
    series_init(&out->own);
    series_init(&out->other);
}

static void tail_release(struct tail *tail)
{
    series_release(&tail->own);
    series_release(&tail->other);
}

/* Sets out to the tail: by the series that has fewer terms. wanted: so many bits of it are right,
 * or (0) as many as the nearest double takes. */
static void set_tail(mpfr_t out, const struct tail *tail, long wanted)
{
    bool has_own = !tail->own.is_gamma;
    if (mpq_sgn(tail->other.x) == 0) {
        mpfr_set_ui(out, 1, MPFR_RNDN);
    } else if (wanted == 0 && is_below_doubles(has_own ? &tail->own : &tail->other)) {
        mpfr_set_zero(out, 1);
    } else if (has_own &&
               count_terms(&tail->own, BITS_FIRST) < count_terms(&tail->other, BITS_FIRST)) {
        find_tail(out, &tail->own, false, wanted);
    } else {
        find_tail(out, &tail->other, true, wanted);
    }
}

/* I_x(a, b) of x = p / (p + q), y = q / (p + q). */
static void set_beta(struct tail *out, mpq_srcptr p, mpq_srcptr q, mpq_srcptr twice_a,
                     mpq_srcptr twice_b)
{
    mpq_t sum;
    mpq_init(sum);
    mpq_add(sum, p, q);
    mpq_div(out->own.x, p, sum);
    mpq_div(out->own.y, q, sum);
    mpq_div_2exp(out->own.a, twice_a, 1);
    mpq_div_2exp(out->own.b, twice_b, 1);
    mpq_set(out->other.x, out->own.y);
    mpq_set(out->other.y, out->own.x);
    mpq_set(out->other.a, out->own.b);
    mpq_set(out->other.b, out->own.a);
    mpq_clear(sum);
}

static double round_tail(const struct tail *tail)
{
    mpfr_t probability;
    mpfr_init2(probability, BITS_FIRST);
    set_tail(probability, tail, 0);
    double out = mpfr_get_d(probability, MPFR_RNDN);
    mpfr_clear(probability);
    return out;
}

/* --- Distributions --- */

/* P(F >= f) is I_x(d2 / 2, d1 / 2) of x = d2 / (d2 + d1 f). */
static void set_f(struct tail *out, mpq_srcptr f, mpq_srcptr freedom, mpq_srcptr residual_freedom)
{
    mpq_t weighted;
    mpq_init(weighted);
    mpq_mul(weighted, f, freedom);
    set_beta(out, residual_freedom, weighted, residual_freedom, freedom);
    mpq_clear(weighted);
}

/* P(X >= x) is 1 - P(k / 2, x / 2). */
static void set_chi2(struct tail *out, mpq_srcptr statistic, mpq_srcptr freedom)
{
    out->own.is_gamma = out->other.is_gamma = true;
    mpq_div_2exp(out->other.x, statistic, 1);
    mpq_div_2exp(out->other.a, freedom, 1);
}

double sotto__f_tail(mpq_srcptr f, mpq_srcptr freedom, mpq_srcptr residual_freedom)
{
    struct tail tail;
    if (mpq_sgn(f) < 0) {
        return NAN;
    }
    tail_init(&tail);
    set_f(&tail, f, freedom, residual_freedom);
    double out = round_tail(&tail);
    tail_release(&tail);
    return out;
}

double sotto__t_tails(mpq_srcptr square, mpq_srcptr freedom)
{
    mpq_t one;
    mpq_init(one);
    mpq_set_ui(one, 1, 1);
    double out = sotto__f_tail(square, one, freedom);
    mpq_clear(one);
    return out;
}

double sotto__binomial_tail(mpq_srcptr least, mpq_srcptr n, mpq_srcptr probability)
{
    struct tail tail;
    mpq_t rest;
    mpq_t twice_a;
    mpq_t twice_b;
    if (mpq_sgn(least) <= 0) {
        return 1;
    }
    tail_init(&tail);
    mpq_inits(rest, twice_a, twice_b, NULL);
    mpq_set_ui(rest, 1, 1);
    mpq_sub(twice_b, n, least); /* I_p(k, n - k + 1) */
    mpq_add(twice_b, twice_b, rest);
    mpq_mul_2exp(twice_b, twice_b, 1);
    mpq_mul_2exp(twice_a, least, 1);
    mpq_sub(rest, rest, probability);
    set_beta(&tail, probability, rest, twice_a, twice_b);
    double out = mpq_sgn(probability) > 0 ? round_tail(&tail) : 0;
    mpq_clears(rest, twice_a, twice_b, NULL);
    tail_release(&tail);
    return out;
}

double sotto__chi2_tail(mpq_srcptr statistic, mpq_srcptr freedom)
{
    struct tail tail;
    if (mpq_sgn(statistic) < 0) {
        return NAN;
    }
    tail_init(&tail);
    set_chi2(&tail, statistic, freedom);
    double out = round_tail(&tail);
    tail_release(&tail);
    return out;
}

double sotto__normal_tails(mpq_srcptr square)
{
    mpq_t one;
    mpq_init(one);
    mpq_set_ui(one, 1, 1);
    double out = sotto__chi2_tail(square, one); /* of one degree of freedom */
    mpq_clear(one);
    return out;
}

/* Copies a tail with so many bits as out has. */
static void copy_tail(mpfr_t out, const struct tail *tail)
{
    mpfr_t probability;
    mpfr_init2(probability, BITS_FIRST);
    set_tail(probability, tail, (long)mpfr_get_prec(out));
    mpfr_set(out, probability, MPFR_RNDN);
    mpfr_clear(probability);
}

void sotto__t_tails_set(mpfr_t out, mpq_srcptr square, mpq_srcptr freedom)
{
    struct tail tail;
    mpq_t one;
    mpq_init(one);
    mpq_set_ui(one, 1, 1);
    tail_init(&tail);
    set_f(&tail, square, one, freedom);
    copy_tail(out, &tail);
    tail_release(&tail);
    mpq_clear(one);
}

void sotto__chi2_tail_set(mpfr_t out, mpq_srcptr statistic, mpq_srcptr freedom)
{
    struct tail tail;
    tail_init(&tail);
    set_chi2(&tail, statistic, freedom);
    copy_tail(out, &tail);
    tail_release(&tail);
}
