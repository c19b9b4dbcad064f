/* SPDX-License-Identifier: Apache-2.0 */

/* Doubles as fixed point, element by element of a vector, and the sum back. Leans on libm's exact
 * functions alone: ldexp scales by a power of two, rint rounds to an integer, ties to even.
 *
 * The idea: whether a sum can overflow is decided before a value is seen, from the bound, the
 * scale, the width and the number of parties (sotto_fixed_check). After that every party encodes
 * without a doubt, and two's complement modulo 2^bits gives the sum back. */

#include <sotto/fixed.h>

#include <math.h>
#include <string.h>

enum sotto_status sotto_fixed_check(const struct sotto_fixed *fixed, uint32_t parties_len,
                                    struct sotto_error *err)
{
    bool known_width =
        fixed->element_bytes == 4 || fixed->element_bytes == 5 || fixed->element_bytes == 8;
    if (!known_width || fixed->scale_bits < -1000 || fixed->scale_bits > 1000 ||
        !(fixed->bound > 0) || !isfinite(fixed->bound)) {
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "fixed point: elements of 4, 5 or 8 bytes, a scale of -1000 to 1000 "
                               "bits and a positive finite bound are expected");
    }
    int bits = (int)fixed->element_bytes * 8;
    /* Exact: scaling by a power of two, then rounding to an integer; an overflow is infinite. */
    double largest = rint(ldexp(fixed->bound, fixed->scale_bits));
    /* parties_len values of up to `largest` stay below 2^(bits - 1) in magnitude. */
    double room = ldexp(1, bits - 1) / parties_len;
    if (!(largest < room)) {
        double missing = isfinite(largest) ? ceil(log2(largest / room) + 1e-9) : INFINITY;
        return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                               "the sum of %u values of up to %g in steps of 2^%d needs %.0f bits "
                               "more than the %d of an element: lower the bound or the scale, or "
                               "take wider elements",
                               parties_len, fixed->bound, -fixed->scale_bits,
                               missing > 0 ? missing : 1, bits);
    }
    return SOTTO_OK;
}

enum sotto_status sotto_fixed_encode(uint8_t *out, size_t *out_clipped,
                                     const struct sotto_fixed *fixed, const double *values,
                                     size_t len, struct sotto_error *err)
{
    size_t clipped = 0;
    const double scale = ldexp(1, fixed->scale_bits); /* products with it are exact, or near 0 */
    for (size_t i = 0; i < len; i++) {
        double value = values[i];
        bool beyond = !(fabs(value) <= fixed->bound); /* NaN too */
        if (beyond && (out_clipped == NULL || !isfinite(value))) {
            memset(out, 0, len * fixed->element_bytes);
            return sotto_error_set(err, SOTTO_ERROR_LIMIT,
                                   "value %zu is %g: expected at most %g in magnitude", i, value,
                                   fixed->bound);
        }
        clipped += beyond;
        value = beyond ? copysign(fixed->bound, value) : value;
        /* Below 2^63 in magnitude, by sotto_fixed_check. */
        int64_t element = (int64_t)rint(value * scale);
        if (fixed->element_bytes == sizeof element) { /* a size that the compiler knows */
            memcpy(out + i * sizeof element, &element, sizeof element);
        } else {
            memcpy(out + i * fixed->element_bytes, &element, fixed->element_bytes);
        }
    }
    if (out_clipped != NULL) {
        *out_clipped = clipped;
    }
    return SOTTO_OK;
}

void sotto_fixed_decode(double *out, const struct sotto_fixed *fixed, const uint8_t *sum,
                        size_t len)
{
    unsigned unused_bits = 64 - 8 * fixed->element_bytes;
    for (size_t i = 0; i < len; i++) {
        uint64_t bits = 0;
        memcpy(&bits, sum + i * fixed->element_bytes, fixed->element_bytes);
        /* Extends the sign: shifting right is arithmetic in gcc and clang. */
        int64_t element = (int64_t)(bits << unused_bits) >> unused_bits;
        out[i] = ldexp((double)element, -fixed->scale_bits);
    }
}
