/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_PROBABILITY_PROBABILITY_H
#define SOTTO_ENGINE_PROBABILITY_PROBABILITY_H

/* Room probability: tails and quantiles of the distributions that tests and intervals need. They
 * take exact statistics; nothing is rounded before the end, and nothing comes from libm. */

#include "number/number.h"

#include <gmp.h> /* before mpfr.h, which declares what takes rationals only then */
#include <mpfr.h>

/* The freedom of chi-squared that quantiles and tails take: a series has about as many terms as the
 * root of it. */
#define SOTTO__CHI2_FREEDOM_MAX 100000000UL
/* Of a binomial, likewise. */
#define SOTTO__TRIALS_MAX 100000000UL
/* The bits of quantiles, and of what is computed with them. */
#define SOTTO__QUANTILE_BITS 192

/* --- tails.c: how likely so large a statistic is --- */

/* Each returns the double nearest to the exact probability, or, where that is halfway between two,
 * its neighbour; 0 below the doubles; NaN of a statistic below 0. Freedoms are positive; those of F
 * may be fractions. */

/* P(|T| >= t), of the square of t. */
double sotto__t_tails(mpq_srcptr square, mpq_srcptr freedom);
double sotto__f_tail(mpq_srcptr f, mpq_srcptr freedom, mpq_srcptr residual_freedom);
/* freedom: at most SOTTO__CHI2_FREEDOM_MAX. */
double sotto__chi2_tail(mpq_srcptr statistic, mpq_srcptr freedom);
/* P(|Z| >= z), of the square of z. */
double sotto__normal_tails(mpq_srcptr square);
/* P(X >= least), of n trials each of which succeeds with this probability; least at most n, n at
 * most SOTTO__TRIALS_MAX. */
double sotto__binomial_tail(mpq_srcptr least, mpq_srcptr n, mpq_srcptr probability);

/* The same with so many bits as out has, almost all of them right; for quantiles.c. */
void sotto__t_tails_set(mpfr_t out, mpq_srcptr square, mpq_srcptr freedom);
void sotto__chi2_tail_set(mpfr_t out, mpq_srcptr statistic, mpq_srcptr freedom);

/* --- quantiles.c: how large a statistic is that is so likely --- */

/* Each sets out, of SOTTO__QUANTILE_BITS bits, to what has the probability tail, between 0 and 1,
 * above it (of t and of the normal: above its magnitude on both sides). Right to 2^-128 of it. */
void sotto__t_quantile(mpfr_t out, mpq_srcptr tails, mpq_srcptr freedom);
void sotto__normal_quantile(mpfr_t out, mpq_srcptr tails);
/* freedom: at most SOTTO__CHI2_FREEDOM_MAX. */
void sotto__chi2_quantile(mpfr_t out, mpq_srcptr tail, mpq_srcptr freedom);

#endif
