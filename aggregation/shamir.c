/* SPDX-License-Identifier: Apache-2.0 */
/* Shamir's secret sharing over the scalars of ristretto255: constant time in the secrets, because
 * libsodium's scalar arithmetic is. Holder j's point is x = j + 1; points are public. */
#include "internal.h"

#include <sotto/secret.h>
#include <string.h>

static void scalar_of_point(uint8_t out[SCALAR_BYTES], uint32_t holder)
{
    memset(out, 0, SCALAR_BYTES);
    uint32_t x = holder + 1;
    for (size_t i = 0; i < 4; i++) {
        out[i] = (uint8_t)(x >> (8 * i));
    }
}

void sotto__shamir_share(uint8_t out[SCALAR_BYTES], const uint8_t *coefficients, uint32_t threshold,
                         uint32_t holder)
{
    SOTTO_REQUIRE(threshold > 0);
    uint8_t x[SCALAR_BYTES];
    uint8_t value[SCALAR_BYTES];
    scalar_of_point(x, holder);
    memcpy(value, coefficients + (size_t)(threshold - 1) * SCALAR_BYTES, SCALAR_BYTES);
    for (size_t k = threshold - 1; k-- > 0;) {
        crypto_core_ristretto255_scalar_mul(value, value, x);
        crypto_core_ristretto255_scalar_add(value, value, coefficients + k * SCALAR_BYTES);
    }
    memcpy(out, value, SCALAR_BYTES);
    sotto_wipe(value, sizeof value);
}

void sotto__shamir_basis(uint8_t *basis, const uint32_t *holders, uint32_t holders_len)
{
    /* basis_k = prod_{m != k} x_m / (x_m - x_k). */
    for (uint32_t k = 0; k < holders_len; k++) {
        uint8_t numerator[SCALAR_BYTES] = {1};
        uint8_t denominator[SCALAR_BYTES] = {1};
        uint8_t x_k[SCALAR_BYTES];
        scalar_of_point(x_k, holders[k]);
        for (uint32_t m = 0; m < holders_len; m++) {
            if (m == k) {
                continue;
            }
            uint8_t x_m[SCALAR_BYTES];
            uint8_t difference[SCALAR_BYTES];
            scalar_of_point(x_m, holders[m]);
            crypto_core_ristretto255_scalar_sub(difference, x_m, x_k);
            crypto_core_ristretto255_scalar_mul(numerator, numerator, x_m);
            crypto_core_ristretto255_scalar_mul(denominator, denominator, difference);
        }
        uint8_t inverse[SCALAR_BYTES];
        SOTTO_REQUIRE(crypto_core_ristretto255_scalar_invert(inverse, denominator) == 0);
        crypto_core_ristretto255_scalar_mul(basis + (size_t)k * SCALAR_BYTES, numerator, inverse);
    }
}

void sotto__shamir_accumulate(uint8_t out[SCALAR_BYTES], const uint8_t basis[SCALAR_BYTES],
                              const uint8_t share[SCALAR_BYTES])
{
    uint8_t term[SCALAR_BYTES];
    crypto_core_ristretto255_scalar_mul(term, basis, share);
    crypto_core_ristretto255_scalar_add(out, out, term);
    sotto_wipe(term, sizeof term);
}
