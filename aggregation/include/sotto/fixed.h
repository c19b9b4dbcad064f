/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_FIXED_H
#define SOTTO_FIXED_H

/* Real vectors for secure sums: fixed point, so that what the parties add is exact. x becomes
 * round(x 2^scale_bits), half to even, in two's complement; the sum of all parties comes back as
 * the double nearest to it. Nothing wraps and nothing is clipped unless asked for. */

#include <sotto/status.h>

SOTTO_BEGIN_DECLS

struct sotto_fixed {
    uint32_t element_bytes; /* 4, 5 or 8, as in struct sotto_vector_run */
    int scale_bits;         /* -1000 .. 1000: steps of 2^-scale_bits */
    double bound;           /* every |x| <= bound; positive and finite */
};

/* Whether the sum of parties_len vectors fits: parties_len round(bound 2^scale_bits) < 2^(8
 * element_bytes - 1). Returns: SOTTO_ERROR_LIMIT, saying how many bits are missing. */
SOTTO_API enum sotto_status sotto_fixed_check(const struct sotto_fixed *fixed, uint32_t parties_len,
                                              struct sotto_error *err) SOTTO_NODISCARD;

/* Encodes len values into len elements at out. Returns: SOTTO_ERROR_LIMIT naming the first index
 * whose value is NaN, infinite, or beyond the bound; out is then zeroed. If out_clipped is not
 * NULL, finite values beyond the bound become the bound of their sign instead, and are counted
 * there. fixed must have passed sotto_fixed_check. */
SOTTO_API enum sotto_status sotto_fixed_encode(uint8_t *out, size_t *out_clipped,
                                               const struct sotto_fixed *fixed,
                                               const double *values, size_t len,
                                               struct sotto_error *err) SOTTO_NODISCARD;

/* Decodes a sum: len elements into the doubles nearest to them. */
SOTTO_API void sotto_fixed_decode(double *out, const struct sotto_fixed *fixed, const uint8_t *sum,
                                  size_t len);

SOTTO_END_DECLS

#endif
