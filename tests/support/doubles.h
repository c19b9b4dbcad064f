/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_TEST_DOUBLES_H
#define SOTTO_TEST_DOUBLES_H

/* Doubles of known magnitudes. */

#include "files.h"

#include <math.h>

/* Numbers from 2^(exponent - span - 1) to below 2^exponent, some of them 0. */
static inline void test_fill_doubles(double *values, size_t len, int exponent, size_t span,
                                     uint64_t *random)
{
    for (size_t i = 0; i < len; i++) {
        double fraction = 0.5 + ldexp((double)(test_random(random) >> 12), -53);
        double value = ldexp(fraction, exponent - (int)test_random_below(random, span + 1));
        value = test_random_below(random, 9) == 0 ? 0 : value;
        values[i] = test_random_below(random, 2) == 0 ? value : -value;
    }
    values[0] = ldexp(1, exponent) - ldexp(1, exponent - 53); /* the largest there is */
}

#endif
