/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_ELEMENTARY_KERNEL_H
#define SOTTO_ENGINE_ELEMENTARY_KERNEL_H

/* For one instruction set per file that includes this: VECTOR of LANES doubles, and SLEEF's EXP,
 * LOG and POW of it. The last lanes are filled up with ones. */

#include "kernels/elementary.h"

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

#endif
