/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_LINKS_H
#define SOTTO_ENGINE_LINKS_H

/* What models with a probit or complementary log-log link need of rows: how likely y = 1 is at a
 * linear predictor, as a logarithm that is right in both tails, and the slope of this logarithm. */

#include <stddef.h>

/* Of blocks of doubles: every CPU gives the same bits, right to 1e-15 of the value; in the upper
 * tail, where values are near 0, to 1e-16 times a^2 (of the log-log to 3e-16 times e^a), where that
 * is more. NaN gives NaN, and an infinite value may. out must not overlap a. Threads: safe. */

/* log P(Z <= a), Z normal, and its slope: the density over P(Z <= a). */
void sotto__normal_log(double *out, const double *a, size_t len);
void sotto__normal_slope(double *out, const double *a, size_t len);
/* log(1 - exp(-e^a)), and its slope: e^a / (exp(e^a) - 1). */
void sotto__loglog_log(double *out, const double *a, size_t len);
void sotto__loglog_slope(double *out, const double *a, size_t len);

#endif
