/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_ELEMENTARY_KERNEL_H
#define SOTTO_ENGINE_ELEMENTARY_KERNEL_H

/* For one instruction set per file that includes this: VECTOR of LANES doubles, and SLEEF's EXP,
 * LOG and POW of it. The last lanes are filled up with ones. Of loops over single doubles the
 * compiler makes vectors. */

#include "kernels/elementary.h"

#include <math.h>
#include <sleef.h>
#include <string.h>

static inline VECTOR load_vector(const double *values, size_t len)
{
    VECTOR vector;
    if (len >= LANES) {
        memcpy(&vector, values, sizeof vector);
        return vector;
    }
    double filled[LANES];
    for (size_t i = 0; i < LANES; i++) {
        filled[i] = i < len ? values[i] : 1;
    }
    memcpy(&vector, filled, sizeof vector);
    return vector;
}

static inline void store_vector(double *out, VECTOR vector, size_t len)
{
    memcpy(out, &vector, len < LANES ? len * sizeof *out : sizeof vector);
}

static void vector_exp(double *out, const double *a, size_t len)
{
    for (size_t i = 0; i < len; i += LANES) {
        store_vector(out + i, EXP(load_vector(a + i, len - i)), len - i);
    }
}

static void vector_log(double *out, const double *a, size_t len)
{
    for (size_t i = 0; i < len; i += LANES) {
        store_vector(out + i, LOG(load_vector(a + i, len - i)), len - i);
    }
}

static void vector_pow(double *out, const double *a, const double *b, size_t len)
{
    for (size_t i = 0; i < len; i += LANES) {
        store_vector(out + i, POW(load_vector(a + i, len - i), load_vector(b + i, len - i)),
                     len - i);
    }
}

static void logit_tail(double *restrict out, const double *restrict eta, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = -fabs(eta[i]);
    }
    vector_exp(out, out, len);
}

static void logit_share(double *restrict out, const double *restrict s, const double *restrict t,
                        size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[i] = (s[i] > 0 ? t[i] : 1) / (1 + t[i]);
    }
}

static void logit_slope(double *restrict out, const double *restrict t, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        double u = 1 + t[i];
        out[i] = t[i] / (u * u);
    }
}

/* 2 atanh(r / 2) = r + r w P(w), w = r^2 at most 0.16: of P's Chebyshev series, right to 6e-19. */
static inline double find_twice_atanh(double r)
{
    double w = r * r;
    double sum = 1.0379040303897155e-06;
    sum = sum * w + 4.031482081644476e-06;
    sum = sum * w + 1.8785198581301167e-05;
    sum = sum * w + 8.877801979845228e-05;
    sum = sum * w + 0.0004340277937071727;
    sum = sum * w + 0.0022321428568233743;
    sum = sum * w + 0.012500000000002438;
    sum = sum * w + 0.08333333333333333;
    return r + r * (w * sum);
}

/* log(1 + t) = 2 atanh(t / (2 + t)), and log 2 + 2 atanh((t - 1) / (3 + t)) for t above 1/2: t is
 * never rounded beside 1, so that a small one loses nothing. Within 2 units in the last place.
 * Numbers choose, as of a condition the compiler makes jumps. */
static void logit_loss(double *restrict out, const double *restrict s, const double *restrict t,
                       size_t len)
{
    for (size_t i = 0; i < len; i++) {
        double above = (t[i] + 0x1p52) - 0x1p52; /* 1 or 0: the nearest integer */
        double r = 2 * (t[i] - above) / (2 + above + t[i]);
        out[i] = above * 0.6931471805599453 + find_twice_atanh(r);
    }
    for (size_t i = 0; i < len; i++) {
        out[i] = (s[i] < 0 ? -s[i] : 0) + out[i];
    }
}

#define SOTTO_ELEMENTARY_KERNELS                                                                   \
    {                                                                                              \
        .exp = vector_exp, .log = vector_log, .pow = vector_pow, .logit_tail = logit_tail,         \
        .logit_share = logit_share, .logit_slope = logit_slope, .logit_loss = logit_loss,          \
    }

#endif
