/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_FLOATS_H
#define SOTTO_ENGINE_FLOATS_H

#include "internal.h"

/* Blocks of doubles summed without error at the speed of memory. accumulate.c's superaccumulator is
 * the specification, and takes what is refused here. */

enum sotto__floats_result {
    FLOATS_SUMMED,
    FLOATS_LEFT_REST, /* some element of rest is not 0 */
    FLOATS_REFUSED,   /* nothing is said; the caller takes the slow way */
};

struct sotto__floats {
    /* sums[0] + sums[1] + rest[0] + ... is the sum of values, exactly; rest may be values. len is a
     * multiple of 8, at most ROWS_LEN. Refused for what is not finite or near the ends of the
     * range. */
    enum sotto__floats_result (*sum)(double sums[2], double *rest, const double *values,
                                     size_t len);
    /* products[i] + errors[i] is x[i] y[i], exactly; sum takes both. */
    enum sotto__floats_result (*multiply)(double *products, double *errors, const double *x,
                                          const double *y, size_t len);
};

/* Chosen once, by the CPU and SOTTO_CPU. Threads: safe. */
const struct sotto__floats *sotto__floats(void);

extern const struct sotto__floats sotto__floats_generic;
#ifdef __x86_64__
extern const struct sotto__floats sotto__floats_avx2; /* and FMA */
extern const struct sotto__floats sotto__floats_avx512;
#endif

#endif
