/* SPDX-License-Identifier: Apache-2.0 */

/* Logarithms of probabilities, and their slopes, for links of models. It leans on exp and log of
 * elementary.c; all else here is + - * / of IEEE 754 in one order, so that each value has the same
 * bits on every CPU.
 *
 * The one idea: nothing is ever taken as 1 less something small, and nothing small underflows
 * before its logarithm is taken.
 *
 * 1. Of the normal that is done by the ratio m(x) = P(Z > x) / density(x) for x >= 0, which falls
 *    from 1.25 like 1 / x: so (x + 1) m(x) is near 1 everywhere, and a polynomial in
 *    (x - 5) / (x + 5), which is from -1 to 1. In the lower tail the slope is 1 / m(-a).
 * 2. log(1 - v), v at most 1/2, is log u - ((u - 1) + v) / u, u = 1 - v rounded: what rounding has
 *    taken is put back.
 * 3. (e^x - 1) / x is (u - 1) / log u, u = e^x rounded: the error of u is in both, and cancels
 *    (Higham, Accuracy and Stability of Numerical Algorithms, 1.14.1). */

#include "kernels/links.h"
#include "kernels/elementary.h"

#include <math.h>

#define BLOCK 256
#define ROOT_OF_TAU 2.5066282746310005      /* sqrt(2 pi) */
#define LOG_ROOT_OF_TAU 0.91893853320467274 /* its logarithm */
#define LOG_2 0.69314718055994531

/* (x + 1) m(x) in powers of (x - 5) / (x + 5), of its Chebyshev series: right to 2e-18. */
static const double ratio_terms[] = {
    1.1568486282918946,     -0.2294875382521129,    0.07778159886873554,     0.025072179301611947,
    -0.0661776007789934,    0.061505045841013566,   -0.038026592187762366,   0.0163482312692141,
    -0.004201290310663574,  1.953073289303005e-05,  0.00045704381820007954,  -0.0001343747460125513,
    -2.48054584472145e-05,  2.271112294988288e-05,  -1.7723438185601556e-07, -3.280567012895583e-06,
    3.2197131609042185e-07, 4.968188503341836e-07,  -6.738323465177047e-08,  -8.232321223515427e-08,
    1.0082895646260188e-08, 1.4010248782442869e-08, -1.0846925288860795e-09, -2.039456977423449e-09,
    6.288377855498677e-11,  1.7327578943235103e-10,
};
#define RATIO_TERMS_LEN (sizeof ratio_terms / sizeof ratio_terms[0])

/* P(Z > x) / density(x), x not below 0. */
static double find_ratio(double x)
{
    double t = (x - 5) / (x + 5);
    double sum = 0;
    for (size_t i = RATIO_TERMS_LEN; i-- > 0;) {
        sum = sum * t + ratio_terms[i];
    }
    return sum / (x + 1);
}

/* Sets ratios to m(|a|), and densities to the normal's. */
static void find_densities(double *densities, double *ratios, const double *a, size_t len)
{
    double squares[BLOCK];
    for (size_t i = 0; i < len; i++) {
        squares[i] = a[i] * a[i] * -0.5;
        ratios[i] = find_ratio(fabs(a[i]));
    }
    sotto__exp(densities, squares, len);
    for (size_t i = 0; i < len; i++) {
        densities[i] = densities[i] / ROOT_OF_TAU;
    }
}

/* Sets out to log(1 - v), v at most about 1/2. */
static void find_log_of_rest(double *out, const double *v, size_t len)
{
    double rests[BLOCK];
    for (size_t i = 0; i < len; i++) {
        rests[i] = 1 - v[i];
    }
    sotto__log(out, rests, len);
    for (size_t i = 0; i < len; i++) {
        out[i] = out[i] - ((rests[i] - 1) + v[i]) / rests[i];
    }
}

static void normal_log(double *out, const double *a, size_t len)
{
    double ratios[BLOCK];
    double tails[BLOCK]; /* P(Z > |a|), where a is above 0 */
    double lower[BLOCK];
    find_densities(tails, ratios, a, len);
    for (size_t i = 0; i < len; i++) {
        tails[i] = tails[i] * ratios[i];
    }
    sotto__log(lower, ratios, len);
    find_log_of_rest(out, tails, len);
    for (size_t i = 0; i < len; i++) {
        double below = lower[i] - LOG_ROOT_OF_TAU - a[i] * a[i] * 0.5;
        out[i] = a[i] < 0 ? below : out[i];
    }
}

static void normal_slope(double *out, const double *a, size_t len)
{
    double ratios[BLOCK];
    double densities[BLOCK];
    find_densities(densities, ratios, a, len);
    for (size_t i = 0; i < len; i++) {
        double above = densities[i] / (1 - densities[i] * ratios[i]);
        out[i] = a[i] < 0 ? 1 / ratios[i] : above;
    }
}

/* Where e^a is below log 2, 1 - exp(-e^a) is e^a times (1 - exp(-e^a)) / e^a. */
static void loglog_log(double *out, const double *a, size_t len)
{
    double means[BLOCK];
    double others[BLOCK]; /* exp(-e^a) */
    double shares[BLOCK]; /* (1 - exp(-e^a)) / e^a */
    double logs[BLOCK];
    sotto__exp(means, a, len);
    for (size_t i = 0; i < len; i++) {
        shares[i] = -means[i];
    }
    sotto__exp(others, shares, len);
    sotto__log(logs, others, len);
    for (size_t i = 0; i < len; i++) {
        shares[i] = others[i] == 1 ? 1 : (others[i] - 1) / logs[i];
    }
    sotto__log(logs, shares, len);
    find_log_of_rest(out, others, len);
    for (size_t i = 0; i < len; i++) {
        out[i] = means[i] < LOG_2 ? a[i] + logs[i] : out[i];
    }
}

static void loglog_slope(double *out, const double *a, size_t len)
{
    double means[BLOCK];
    double powers[BLOCK]; /* exp(e^a) */
    sotto__exp(means, a, len);
    sotto__exp(powers, means, len);
    sotto__log(out, powers, len);
    for (size_t i = 0; i < len; i++) {
        double slope = powers[i] == 1 ? 1 : out[i] / (powers[i] - 1);
        out[i] = powers[i] == (double)INFINITY ? 0 : slope;
    }
}

static void apply_blocks(double *out, const double *a, size_t len,
                         void (*apply)(double *out, const double *a, size_t len))
{
    for (size_t i = 0; i < len; i += BLOCK) {
        apply(out + i, a + i, len - i < BLOCK ? len - i : BLOCK);
    }
}

void sotto__normal_log(double *out, const double *a, size_t len)
{
    apply_blocks(out, a, len, normal_log);
}

void sotto__normal_slope(double *out, const double *a, size_t len)
{
    apply_blocks(out, a, len, normal_slope);
}

void sotto__loglog_log(double *out, const double *a, size_t len)
{
    apply_blocks(out, a, len, loglog_log);
}

void sotto__loglog_slope(double *out, const double *a, size_t len)
{
    apply_blocks(out, a, len, loglog_slope);
}
