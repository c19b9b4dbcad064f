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

/* Differences of points are below 2^10 in magnitude: six of them fit a word. */
#define DIFFERENCES_PER_WORD 6
_Static_assert(SOTTO_SESSION_PARTIES_MAX < 1 << 10, "six differences must fit 60 bits");

static void scalar_multiply_word(uint8_t out[SCALAR_BYTES], uint64_t word)
{
    uint8_t factor[SCALAR_BYTES] = {0};
    sotto_store_u64(factor, word);
    crypto_core_ristretto255_scalar_mul(out, out, factor);
}

/* x_k prod_{m != k} (x_m - x_k). */
static void basis_denominator(uint8_t out[SCALAR_BYTES], const uint32_t *holders,
                              uint32_t holders_len, uint32_t k)
{
    uint64_t word = holders[k] + 1;
    bool negative = false;
    unsigned factors = 1;
    memset(out, 0, SCALAR_BYTES);
    out[0] = 1;
    for (uint32_t m = 0; m < holders_len; m++) {
        if (m == k) {
            continue;
        }
        negative ^= holders[m] < holders[k];
        word *= holders[m] < holders[k] ? holders[k] - holders[m] : holders[m] - holders[k];
        if (++factors == DIFFERENCES_PER_WORD) {
            scalar_multiply_word(out, word);
            word = 1;
            factors = 0;
        }
    }
    scalar_multiply_word(out, word);
    if (negative) {
        crypto_core_ristretto255_scalar_negate(out, out);
    }
}

void sotto__shamir_basis(uint8_t *basis, const uint32_t *holders, uint32_t holders_len)
{
    /* basis_k = prod_m x_m / (x_k prod_{m != k} (x_m - x_k)). The denominators are inverted
     * together (Montgomery's trick): basis_k first holds the product of those before k. */
    uint8_t denominators[SOTTO_SESSION_PARTIES_MAX][SCALAR_BYTES];
    uint8_t product[SCALAR_BYTES] = {1};
    uint8_t numerator[SCALAR_BYTES] = {1};
    uint8_t inverse[SCALAR_BYTES];
    SOTTO_REQUIRE(holders_len <= SOTTO_SESSION_PARTIES_MAX);
    for (uint32_t k = 0; k < holders_len; k++) {
        scalar_multiply_word(numerator, holders[k] + 1);
        basis_denominator(denominators[k], holders, holders_len, k);
        memcpy(basis + (size_t)k * SCALAR_BYTES, product, SCALAR_BYTES);
        crypto_core_ristretto255_scalar_mul(product, product, denominators[k]);
    }
    SOTTO_REQUIRE(crypto_core_ristretto255_scalar_invert(inverse, product) == 0);
    crypto_core_ristretto255_scalar_mul(inverse, inverse, numerator);
    for (uint32_t k = holders_len; k-- > 0;) {
        uint8_t *entry = basis + (size_t)k * SCALAR_BYTES;
        crypto_core_ristretto255_scalar_mul(entry, entry, inverse);
        crypto_core_ristretto255_scalar_mul(inverse, inverse, denominators[k]);
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
