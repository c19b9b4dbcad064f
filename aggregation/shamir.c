/* SPDX-License-Identifier: Apache-2.0 */
/* Shamir's secret sharing over the scalars of ristretto255: constant time in the secrets, because
 * libsodium's scalar arithmetic is. Holder j's point is x = j + 1; points are public. */
#include "internal.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* Points, and so their differences, are at most 2^10 - 1 in magnitude: six of them fit a word. */
#define FACTORS_PER_WORD 6
_Static_assert(SOTTO_SESSION_PARTIES_MAX < 1 << 10, "six factors must fit 60 bits");

static void scalar_one(uint8_t out[SCALAR_BYTES])
{
    memset(out, 0, SCALAR_BYTES);
    out[0] = 1;
}

static void multiply_by_word(uint8_t out[SCALAR_BYTES], uint64_t word)
{
    uint8_t factor[SCALAR_BYTES] = {0};
    sotto_store_u64(factor, word);
    crypto_core_ristretto255_scalar_mul(out, out, factor);
}

/* out = prod_m (x - points[m]), a factor of zero left out. */
static void product_of_differences(uint8_t out[SCALAR_BYTES], int32_t x, const int32_t *points,
                                   uint32_t points_len)
{
    uint64_t word = 1;
    unsigned factors = 0;
    bool negative = false;
    scalar_one(out);
    for (uint32_t m = 0; m < points_len; m++) {
        int32_t difference = x - points[m];
        if (difference == 0) {
            continue;
        }
        negative ^= difference < 0;
        word *= (uint64_t)(difference < 0 ? -difference : difference);
        if (++factors == FACTORS_PER_WORD) {
            multiply_by_word(out, word);
            word = 1;
            factors = 0;
        }
    }
    multiply_by_word(out, word);
    if (negative) {
        crypto_core_ristretto255_scalar_negate(out, out);
    }
}

/* Inverts all of values at once (Montgomery's trick): one inversion and 3 len multiplications. work
 * has room for as many. None may be zero; public. */
static void invert_all(uint8_t *values, uint8_t *work, uint32_t len)
{
    uint8_t product[SCALAR_BYTES];
    uint8_t inverse[SCALAR_BYTES];
    scalar_one(product);
    for (uint32_t k = 0; k < len; k++) {
        memcpy(work + (size_t)k * SCALAR_BYTES, product, SCALAR_BYTES);
        crypto_core_ristretto255_scalar_mul(product, product, values + (size_t)k * SCALAR_BYTES);
    }
    SOTTO_REQUIRE(crypto_core_ristretto255_scalar_invert(inverse, product) == 0);
    for (uint32_t k = len; k-- > 0;) {
        uint8_t *value = values + (size_t)k * SCALAR_BYTES;
        crypto_core_ristretto255_scalar_mul(product, inverse, work + (size_t)k * SCALAR_BYTES);
        crypto_core_ristretto255_scalar_mul(inverse, inverse, value);
        memcpy(value, product, SCALAR_BYTES);
    }
}

/* --- Dealing --- */

/* A polynomial of degree threshold - 1 is drawn as its values at threshold points: the secret at 0
 * and uniform shares at the points of the first threshold - 1 holders. Its value elsewhere is, with
 * the barycentric weights w_k = 1 / prod_{m != k} (x_k - x_m) of those points,
 *
 *     prod_m (x - x_m)  sum_k w_k y_k / (x - x_k). */
struct sotto__shamir_dealer {
    uint32_t threshold;
    int32_t points[SOTTO_SESSION_PARTIES_MAX];
    uint8_t weights[SOTTO_SESSION_PARTIES_MAX][SCALAR_BYTES];
    uint8_t inverses[SOTTO_SESSION_PARTIES_MAX][SCALAR_BYTES]; /* of 1, 2, ... */
};

enum sotto_status sotto__shamir_dealer_new(struct sotto__shamir_dealer **out,
                                           const uint32_t *holders, uint32_t threshold)
{
    SOTTO_REQUIRE(threshold >= 1 && threshold <= SOTTO_SESSION_PARTIES_MAX);
    struct sotto__shamir_dealer *dealer = sotto_alloc_zeroed(sizeof *dealer);
    uint8_t *work = sotto_alloc_array(SOTTO_SESSION_PARTIES_MAX, SCALAR_BYTES);
    if (dealer == NULL || work == NULL) {
        sotto_free(dealer);
        sotto_free(work);
        return SOTTO_ERROR_NO_MEMORY;
    }
    dealer->threshold = threshold;
    for (uint32_t k = 1; k < threshold; k++) {
        dealer->points[k] = (int32_t)holders[k - 1] + 1; /* points[0] is the secret's, 0 */
    }
    for (uint32_t k = 0; k < threshold; k++) {
        product_of_differences(dealer->weights[k], dealer->points[k], dealer->points, threshold);
    }
    invert_all(dealer->weights[0], work, threshold);
    for (uint32_t d = 0; d < SOTTO_SESSION_PARTIES_MAX; d++) {
        sotto_store_u64(dealer->inverses[d], d + 1);
    }
    invert_all(dealer->inverses[0], work, SOTTO_SESSION_PARTIES_MAX);
    sotto_free(work);
    *out = dealer;
    return SOTTO_OK;
}

void sotto__shamir_dealer_free(struct sotto__shamir_dealer *dealer)
{
    sotto_free(dealer);
}

void sotto__shamir_weigh(const struct sotto__shamir_dealer *dealer, uint8_t *weighted,
                         const uint8_t *values)
{
    for (uint32_t k = 0; k < dealer->threshold; k++) {
        crypto_core_ristretto255_scalar_mul(weighted + (size_t)k * SCALAR_BYTES, dealer->weights[k],
                                            values + (size_t)k * SCALAR_BYTES);
    }
}

void sotto__shamir_extend(const struct sotto__shamir_dealer *dealer, uint8_t out[SCALAR_BYTES],
                          const uint8_t *weighted, uint32_t holder)
{
    int32_t x = (int32_t)holder + 1;
    uint8_t sum[SCALAR_BYTES] = {0};
    uint8_t term[SCALAR_BYTES];
    for (uint32_t k = 0; k < dealer->threshold; k++) {
        int32_t difference = x - dealer->points[k];
        SOTTO_REQUIRE(difference != 0);
        uint32_t magnitude = (uint32_t)(difference < 0 ? -difference : difference);
        crypto_core_ristretto255_scalar_mul(term, weighted + (size_t)k * SCALAR_BYTES,
                                            dealer->inverses[magnitude - 1]);
        if (difference < 0) {
            crypto_core_ristretto255_scalar_sub(sum, sum, term);
        } else {
            crypto_core_ristretto255_scalar_add(sum, sum, term);
        }
    }
    product_of_differences(term, x, dealer->points, dealer->threshold);
    crypto_core_ristretto255_scalar_mul(out, sum, term);
    sotto_wipe(sum, sizeof sum);
}

/* --- Recovering --- */

void sotto__shamir_basis(uint8_t *basis, const uint32_t *holders, uint32_t holders_len)
{
    /* basis_k = prod_{m != k} -x_m / (x_k - x_m) = prod_m -x_m / (-x_k prod_{m != k} (x_k - x_m)).
     */
    int32_t points[SOTTO_SESSION_PARTIES_MAX] = {0};
    uint8_t work[SOTTO_SESSION_PARTIES_MAX][SCALAR_BYTES];
    uint8_t numerator[SCALAR_BYTES];
    SOTTO_REQUIRE(holders_len <= SOTTO_SESSION_PARTIES_MAX);
    for (uint32_t k = 0; k < holders_len; k++) {
        points[k] = (int32_t)holders[k] + 1;
    }
    product_of_differences(numerator, 0, points, holders_len);
    for (uint32_t k = 0; k < holders_len; k++) {
        uint8_t *entry = basis + (size_t)k * SCALAR_BYTES;
        product_of_differences(entry, points[k], points, holders_len);
        multiply_by_word(entry, (uint64_t)points[k]);
        crypto_core_ristretto255_scalar_negate(entry, entry);
    }
    invert_all(basis, work[0], holders_len);
    for (uint32_t k = 0; k < holders_len; k++) {
        uint8_t *entry = basis + (size_t)k * SCALAR_BYTES;
        crypto_core_ristretto255_scalar_mul(entry, entry, numerator);
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
