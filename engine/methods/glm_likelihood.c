/* SPDX-License-Identifier: Apache-2.0 */

/* Log-likelihoods and deviances of models, of exact sums. It leans on MPFR; each is rounded once,
 * when it is written. A dispersion is that of the deviance, as in R. */

#include "methods/glm_likelihood.h"
#include "probability/probability.h"

#include <mpfr.h>

#define BITS 256 /* n log n of 2^60 rows loses 66 of these at most, where the rest cancels */

/* Adds times log of to out. */
static void add_log(mpfr_t out, mpq_srcptr of, mpq_srcptr times)
{
    mpfr_t log;
    mpfr_init2(log, BITS);
    mpfr_set_q(log, of, MPFR_RNDN);
    mpfr_log(log, log, MPFR_RNDN);
    mpfr_mul_q(log, log, times, MPFR_RNDN);
    mpfr_add(out, out, log, MPFR_RNDN);
    mpfr_clear(log);
}

static double finish(mpfr_t value)
{
    double nearest = mpfr_get_d(value, MPFR_RNDN);
    mpfr_clear(value);
    return nearest;
}

/* --- Without regressors --- */

/* n log n - y log y - (n - y) log(n - y) */
static void set_binomial_null(mpfr_t out, mpq_srcptr n, mpq_srcptr y)
{
    mpq_t part;
    mpq_init(part);
    mpq_sub(part, n, y);
    if (mpq_sgn(part) > 0 && mpq_sgn(y) > 0) {
        add_log(out, n, n);
        mpfr_neg(out, out, MPFR_RNDN);
        add_log(out, part, part);
        add_log(out, y, y);
        mpfr_neg(out, out, MPFR_RNDN);
    }
    mpq_clear(part);
}

/* sum(y log y) - y log(y / n), y the sum */
static void set_poisson_null(mpfr_t out, mpq_srcptr n, mpq_srcptr y, mpq_srcptr own)
{
    mpq_t mean;
    mpq_init(mean);
    mpq_div(mean, y, n);
    if (mpq_sgn(y) > 0) {
        add_log(out, mean, y);
        mpfr_neg(out, out, MPFR_RNDN);
    }
    mpfr_add_q(out, out, own, MPFR_RNDN);
    mpq_clear(mean);
}

/* n log(y / n) - sum(log y) */
static void set_gamma_null(mpfr_t out, mpq_srcptr n, mpq_srcptr y, mpq_srcptr own)
{
    mpq_t mean;
    mpq_init(mean);
    mpq_div(mean, y, n);
    add_log(out, mean, n);
    mpfr_sub_q(out, out, own, MPFR_RNDN);
    mpq_clear(mean);
}

/* Half of the sum of squares. */
static void set_gaussian_null(mpfr_t out, mpq_srcptr n, mpq_srcptr y, mpq_srcptr own,
                              bool has_intercept)
{
    mpq_t square;
    mpq_init(square);
    mpq_mul(square, y, y);
    mpq_div(square, square, n);
    mpq_sub(square, own, square);
    mpfr_set_q(out, has_intercept ? square : own, MPFR_RNDN);
    mpfr_div_2ui(out, out, 1, MPFR_RNDN);
    mpq_clear(square);
}

/* log(1 - e^-1), negative: of y = 1 where the complementary log-log is 0. */
static void add_loglog_at_zero(mpfr_t out, mpq_srcptr times)
{
    mpfr_t log;
    mpfr_init2(log, BITS);
    mpfr_set_si(log, -1, MPFR_RNDN);
    mpfr_expm1(log, log, MPFR_RNDN);
    mpfr_neg(log, log, MPFR_RNDN);
    mpfr_log(log, log, MPFR_RNDN);
    mpfr_mul_q(log, log, times, MPFR_RNDN);
    mpfr_add(out, out, log, MPFR_RNDN);
    mpfr_clear(log);
}

/* Of means that a predictor of 0 gives. Inverses of it are infinite. */
static void set_null_at_zero(mpfr_t out, enum sotto__family family, enum sotto__model_link link,
                             mpq_srcptr n, mpq_srcptr y, mpq_srcptr own)
{
    mpq_t two;
    mpq_init(two);
    mpq_set_ui(two, 2, 1);
    if (link == SOTTO__LINK_CLOGLOG) { /* n - y - y log(1 - e^-1) */
        add_loglog_at_zero(out, y);
        mpfr_add_q(out, out, y, MPFR_RNDN);
        mpfr_sub_q(out, out, n, MPFR_RNDN);
        mpfr_neg(out, out, MPFR_RNDN);
    } else if (family == SOTTO__FAMILY_BINOMIAL) {
        add_log(out, two, n);
    } else if (family == SOTTO__FAMILY_POISSON) {
        mpfr_set_q(out, own, MPFR_RNDN);
        mpfr_sub_q(out, out, y, MPFR_RNDN);
        mpfr_add_q(out, out, n, MPFR_RNDN);
    } else if (link == SOTTO__LINK_LOG) { /* of gamma */
        mpfr_set_q(out, y, MPFR_RNDN);
        mpfr_sub_q(out, out, n, MPFR_RNDN);
        mpfr_sub_q(out, out, own, MPFR_RNDN);
    } else {
        mpfr_set_nan(out);
    }
    mpq_clear(two);
}

double sotto__glm_null_deviance(enum sotto__family family, enum sotto__model_link link,
                                mpq_srcptr n, mpq_srcptr y, mpq_srcptr own, bool has_intercept)
{
    mpfr_t half;
    mpfr_init2(half, BITS);
    mpfr_set_zero(half, 1);
    if (family == SOTTO__FAMILY_GAUSSIAN) {
        set_gaussian_null(half, n, y, own, has_intercept);
    } else if (!has_intercept) {
        set_null_at_zero(half, family, link, n, y, own);
    } else if (family == SOTTO__FAMILY_BINOMIAL) {
        set_binomial_null(half, n, y);
    } else if (family == SOTTO__FAMILY_POISSON) {
        set_poisson_null(half, n, y, own);
    } else {
        set_gamma_null(half, n, y, own);
    }
    mpfr_mul_2ui(half, half, 1, MPFR_RNDN);
    return finish(half);
}

double sotto__glm_null_deviance_of_levels(mpq_srcptr n, const struct sotto__value *rows,
                                          size_t rows_len, bool has_intercept)
{
    mpfr_t half; /* n log n - sum(rows log rows), or, all as likely, n log(levels) */
    mpq_t rest;  /* of the first level, or how many levels there are */
    mpq_init(rest);
    mpfr_init2(half, BITS);
    mpfr_set_zero(half, 1);
    mpq_set(rest, n);
    for (size_t i = 0; i < rows_len && has_intercept; i++) {
        add_log(half, rows[i].number, rows[i].number);
        mpq_sub(rest, rest, rows[i].number);
    }
    if (has_intercept) {
        add_log(half, rest, rest);
        mpfr_neg(half, half, MPFR_RNDN);
        add_log(half, n, n);
    } else {
        mpq_set_ui(rest, 1 + rows_len, 1);
        add_log(half, rest, n);
    }
    mpfr_mul_2ui(half, half, 1, MPFR_RNDN);
    mpq_clear(rest);
    return finish(half);
}

const struct sotto__glm_zero *sotto__glm_at_zero(enum sotto__model_link link)
{
    static const struct sotto__glm_zero zeros[] = {
        [SOTTO__LINK_IDENTITY] = {0, 1, 1},
        [SOTTO__LINK_LOGIT] = {0.5, 1, 0.25},
        [SOTTO__LINK_LOG] = {1, 1, 1},
        /* 4 / sqrt(2 pi), 2 / pi */
        [SOTTO__LINK_PROBIT] = {0.5, 1.5957691216057308, 0.63661977236758138},
        /* 1 - 1 / e, e / (e - 1), 1 / (e - 1) */
        [SOTTO__LINK_CLOGLOG] = {0.63212055882855767, 1.5819767068693265, 0.58197670686932645},
    };
    return &zeros[link];
}

/* Sets out to the normal's quantile of a share between 0 and 1. */
static void set_probit(mpfr_t out, mpq_srcptr share)
{
    mpfr_t quantile;
    mpq_t tails;
    mpq_t one;
    mpq_inits(tails, one, NULL);
    mpq_set_ui(one, 1, 1);
    mpq_mul_2exp(tails, share, 1);
    bool is_lower = mpq_cmp(tails, one) < 0;
    if (!is_lower) { /* 2 (1 - share) */
        mpq_set_ui(one, 2, 1);
        mpq_sub(tails, one, tails);
        mpq_set_ui(one, 1, 1);
    }
    mpfr_init2(quantile, SOTTO__QUANTILE_BITS);
    mpfr_set_zero(quantile, 1);
    if (mpq_cmp(tails, one) < 0) {
        sotto__normal_quantile(quantile, tails);
    }
    mpfr_set(out, quantile, MPFR_RNDN);
    if (is_lower) {
        mpfr_neg(out, out, MPFR_RNDN);
    }
    mpfr_clear(quantile);
    mpq_clears(tails, one, NULL);
}

/* Sets out to log(1 - share). */
static void set_log_of_rest(mpfr_t out, mpq_srcptr share)
{
    mpq_t rest;
    mpq_init(rest);
    mpq_set_ui(rest, 1, 1);
    mpq_sub(rest, rest, share);
    mpfr_set_q(out, rest, MPFR_RNDN);
    mpfr_log(out, out, MPFR_RNDN);
    mpq_clear(rest);
}

static void set_predictor(mpfr_t out, enum sotto__model_link link, mpq_srcptr mean)
{
    mpfr_t rest;
    mpfr_init2(rest, BITS);
    mpfr_set_q(out, mean, MPFR_RNDN);
    if (link == SOTTO__LINK_LOGIT) { /* log m - log(1 - m) */
        set_log_of_rest(rest, mean);
        mpfr_log(out, out, MPFR_RNDN);
        mpfr_sub(out, out, rest, MPFR_RNDN);
    } else if (link == SOTTO__LINK_LOG) {
        mpfr_log(out, out, MPFR_RNDN);
    } else if (link == SOTTO__LINK_INVERSE) {
        mpfr_ui_div(out, 1, out, MPFR_RNDN);
    } else if (link == SOTTO__LINK_PROBIT) {
        set_probit(out, mean);
    } else if (link == SOTTO__LINK_CLOGLOG) {
        set_log_of_rest(out, mean);
        mpfr_neg(out, out, MPFR_RNDN);
        mpfr_log(out, out, MPFR_RNDN);
    }
    mpfr_clear(rest);
}

double sotto__glm_predictor(enum sotto__model_link link, mpq_srcptr n, mpq_srcptr y)
{
    mpfr_t out;
    mpq_t mean;
    mpq_init(mean);
    mpfr_init2(out, BITS);
    mpq_div(mean, y, n);
    set_predictor(out, link, mean);
    mpq_clear(mean);
    return finish(out);
}

/* Sets out to sqrt(2 pi) e^(p^2 / 2), p being the normal's quantile of the mean. */
static void set_probit_slope(mpfr_t out, mpq_srcptr mean)
{
    mpfr_t tau;
    mpfr_init2(tau, BITS);
    set_probit(out, mean);
    mpfr_sqr(out, out, MPFR_RNDN);
    mpfr_div_2ui(out, out, 1, MPFR_RNDN);
    mpfr_exp(out, out, MPFR_RNDN);
    mpfr_const_pi(tau, MPFR_RNDN);
    mpfr_mul_2ui(tau, tau, 1, MPFR_RNDN);
    mpfr_sqrt(tau, tau, MPFR_RNDN);
    mpfr_mul(out, out, tau, MPFR_RNDN);
    mpfr_clear(tau);
}

double sotto__glm_slope(enum sotto__model_link link, mpq_srcptr n, mpq_srcptr y)
{
    mpfr_t out;
    mpq_t mean;
    mpq_t rest;
    mpq_inits(mean, rest, NULL);
    mpfr_init2(out, BITS);
    mpq_div(mean, y, n);
    mpq_set_ui(rest, 1, 1);
    mpq_sub(rest, rest, mean);
    mpfr_set_ui(out, 1, MPFR_RNDN);
    if (link == SOTTO__LINK_LOGIT) { /* 1 / (m (1 - m)) */
        mpq_mul(rest, rest, mean);
        mpfr_div_q(out, out, rest, MPFR_RNDN);
    } else if (link == SOTTO__LINK_LOG) { /* 1 / m */
        mpfr_div_q(out, out, mean, MPFR_RNDN);
    } else if (link == SOTTO__LINK_INVERSE) { /* -1 / m^2 */
        mpfr_div_q(out, out, mean, MPFR_RNDN);
        mpfr_div_q(out, out, mean, MPFR_RNDN);
        mpfr_neg(out, out, MPFR_RNDN);
    } else if (link == SOTTO__LINK_PROBIT) {
        set_probit_slope(out, mean);
    } else if (link == SOTTO__LINK_CLOGLOG) { /* -1 / ((1 - m) log(1 - m)) */
        set_log_of_rest(out, mean);
        mpfr_mul_q(out, out, rest, MPFR_RNDN);
        mpfr_si_div(out, -1, out, MPFR_RNDN);
    }
    mpq_clears(mean, rest, NULL);
    return finish(out);
}

/* --- With them --- */

double sotto__glm_constant(enum sotto__family family, mpq_srcptr n, mpq_srcptr y, mpq_srcptr own,
                           mpq_srcptr other)
{
    mpfr_t out;
    mpfr_t log;
    mpfr_init2(out, BITS);
    mpfr_init2(log, BITS);
    mpfr_set_zero(out, 1);
    if (family == SOTTO__FAMILY_POISSON) { /* sum(y log y) - y - sum(log y!) */
        mpfr_const_pi(log, MPFR_RNDN);
        mpfr_mul_2ui(log, log, 1, MPFR_RNDN);
        mpfr_log(log, log, MPFR_RNDN);
        mpfr_div_2ui(log, log, 1, MPFR_RNDN);
        mpfr_mul_q(log, log, n, MPFR_RNDN);
        mpfr_set_q(out, own, MPFR_RNDN);
        mpfr_sub_q(out, out, y, MPFR_RNDN);
        mpfr_sub_q(out, out, other, MPFR_RNDN);
        mpfr_sub(out, out, log, MPFR_RNDN);
    } else if (family == SOTTO__FAMILY_GAMMA) {
        mpfr_set_q(out, own, MPFR_RNDN);
        mpfr_neg(out, out, MPFR_RNDN);
    }
    mpfr_clear(log);
    return finish(out);
}

/* -n / 2 (log(2 pi f) + 1), f the dispersion. */
static void set_gaussian(mpfr_t out, mpq_srcptr n, mpq_srcptr dispersion)
{
    mpfr_const_pi(out, MPFR_RNDN);
    mpfr_mul_2ui(out, out, 1, MPFR_RNDN);
    mpfr_mul_q(out, out, dispersion, MPFR_RNDN);
    mpfr_log(out, out, MPFR_RNDN);
    mpfr_add_ui(out, out, 1, MPFR_RNDN);
    mpfr_mul_q(out, out, n, MPFR_RNDN);
    mpfr_div_2ui(out, out, 1, MPFR_RNDN);
    mpfr_neg(out, out, MPFR_RNDN);
}

/* -(half + n) s + n s log(s) - n log gamma(s), s = 1 / f. */
static void set_gamma(mpfr_t out, mpq_srcptr n, mpq_srcptr half, mpq_srcptr dispersion)
{
    mpfr_t part;
    mpq_t shape;
    mpq_t sum;
    mpq_inits(shape, sum, NULL);
    mpfr_init2(part, BITS);
    mpq_inv(shape, dispersion);
    mpq_add(sum, half, n);
    mpq_mul(sum, sum, shape);
    mpfr_set_q(part, shape, MPFR_RNDN);
    mpfr_lngamma(part, part, MPFR_RNDN);
    mpfr_mul_q(out, part, n, MPFR_RNDN);
    mpfr_neg(out, out, MPFR_RNDN);
    mpfr_sub_q(out, out, sum, MPFR_RNDN);
    mpq_mul(sum, n, shape);
    add_log(out, shape, sum);
    mpfr_clear(part);
    mpq_clears(shape, sum, NULL);
}

double sotto__glm_log_likelihood(enum sotto__family family, mpq_srcptr n, mpq_srcptr half,
                                 double constant)
{
    mpfr_t out;
    mpq_t dispersion;
    mpq_init(dispersion);
    mpfr_init2(out, BITS);
    mpq_mul_2exp(dispersion, half, 1);
    mpq_div(dispersion, dispersion, n);
    if (family == SOTTO__FAMILY_GAUSSIAN) {
        set_gaussian(out, n, dispersion);
    } else if (family == SOTTO__FAMILY_GAMMA && mpq_sgn(dispersion) > 0) {
        set_gamma(out, n, half, dispersion);
        mpfr_add_d(out, out, constant, MPFR_RNDN);
    } else if (family == SOTTO__FAMILY_GAMMA) { /* there is no other value at all */
        mpfr_set_inf(out, 1);
    } else {
        mpfr_set_q(out, half, MPFR_RNDN);
        mpfr_neg(out, out, MPFR_RNDN);
        mpfr_add_d(out, out, constant, MPFR_RNDN);
    }
    mpq_clear(dispersion);
    return finish(out);
}
