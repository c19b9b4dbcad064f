/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_FLOATS_KERNEL_H
#define SOTTO_ENGINE_FLOATS_KERNEL_H

/* The sum of a block of doubles without error, for one instruction set per file that includes this.
 *
 * Rump's extraction: for |x| < 2^E and sigma = 1.5 x 2^(E+9), q = (sigma + x) - sigma is x rounded
 * to a multiple of 2^(E-43), and x - q is exact and at most 2^(E-44). The sum of 512 such q is a
 * multiple of 2^(E-43) of at most 2^(E+9): a double, in any order. What is left goes onto a second
 * grid, of 2^(E-86), in the same way; only values that span more than 32 binades with the largest
 * one leave a rest. */

#include "floats.h"

#include <string.h>

/* len is a multiple of 8, at most ROWS_LEN. */
typedef double v8 __attribute__((vector_size(64)));
typedef int64_t v8i __attribute__((vector_size(64)));

/* The bits of the largest magnitude. */
static inline int64_t largest(const double *values, size_t len)
{
    v8i most = {0};
    for (size_t i = 0; i < len; i += 8) {
        v8i bits;
        memcpy(&bits, values + i, sizeof bits);
        bits &= INT64_MAX;
        v8i more = bits > most;
        most = (bits & more) | (most & ~more);
    }
    int64_t result = 0;
    for (size_t j = 0; j < 8; j++) {
        result = most[j] > result ? most[j] : result;
    }
    return result;
}

static inline double from_exponent(int64_t biased)
{
    int64_t bits = (biased << 52) | INT64_C(1) << 51;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline enum sotto__floats_result sum_block(double sums[2], double *rest,
                                                  const double *values, size_t len)
{
    int64_t most = largest(values, len);
    int64_t exponent = most >> 52; /* |x| < 2^(exponent - 1022) */
    sums[0] = 0;
    sums[1] = 0;
    if (most == 0) {
        return FLOATS_SUMMED;
    }
    if (exponent < 150 || exponent > 2000) { /* sigma would leave the range of doubles */
        return FLOATS_REFUSED;
    }
    const double sigma = from_exponent(exponent + 10);
    const double sigma2 = from_exponent(exponent - 33);
    v8 total = {0};
    v8 total2 = {0};
    v8i any = {0};
    for (size_t i = 0; i < len; i += 8) {
        v8 x;
        memcpy(&x, values + i, sizeof x);
        v8 q = (x + sigma) - sigma;
        v8 r = x - q;
        v8 q2 = (r + sigma2) - sigma2;
        r -= q2;
        total += q;
        total2 += q2;
        any |= r != 0;
        memcpy(rest + i, &r, sizeof r);
    }
    int64_t some = 0;
    for (size_t j = 0; j < 8; j++) {
        sums[0] += total[j];
        sums[1] += total2[j];
        some |= any[j];
    }
    return some != 0 ? FLOATS_LEFT_REST : FLOATS_SUMMED;
}

/* products + errors = x y, each exactly. Products are 0 or from 2^-700 to 2^900, so that errors are
 * multiples of 2^-806: neither is refused by sum_block. */
static inline enum sotto__floats_result multiply_block(double *products, double *errors,
                                                       const double *x, const double *y, size_t len)
{
#ifdef __FP_FAST_FMA
    int64_t bad = 0;
    for (size_t i = 0; i < len; i++) {
        double product = x[i] * y[i];
        products[i] = product;
        errors[i] = __builtin_fma(x[i], y[i], -product);
        bad |= __builtin_fabs(product) < 0x1p-700 && x[i] != 0 && y[i] != 0;
        bad |= !(__builtin_fabs(product) < 0x1p900);
    }
    return bad != 0 ? FLOATS_REFUSED : FLOATS_SUMMED;
#else
    (void)products;
    (void)errors;
    (void)x;
    (void)y;
    (void)len;
    return FLOATS_REFUSED;
#endif
}

#endif
