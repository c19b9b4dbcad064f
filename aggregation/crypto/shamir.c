/* SPDX-License-Identifier: Apache-2.0 */

/* Shamir's secret sharing over the scalars of ristretto255 [BIKMMPRSS17, sec. 3], [PROTOCOL.md,
 * DEAL and REVEAL]. Leans on libsodium to reduce modulo q, and on words for the rest.
 *
 * The idea: a secret and threshold - 1 uniform shares are a uniform polynomial of degree threshold
 * - 1 with that constant term, given by its values instead of its coefficients; the other shares
 * are interpolated. So is the secret, from any threshold shares. Both are sums of products with
 * public factors, which are computed once for all secrets of a dealer (or of a set of holders), and
 * sums of 126 products share one reduction.
 *
 * Holder j's point is x = j + 1; points are public, and so is everything that is made of points
 * alone: weights, inverses, the Lagrange basis. That part is variable-time where it is convenient.
 *
 * CT: in secrets and shares. They are only multiplied and added, in words, with carries that are
 * added and never branched on, and reduced by libsodium's scalar arithmetic, which has no branch
 * and no table. */

#include "crypto/crypto.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <string.h>

/* Points, and so their differences, are at most 2^10 - 1 in magnitude: six of them fit a word. */
#define FACTORS_PER_WORD 6
_Static_assert(SOTTO_SESSION_PARTIES_MAX < 1 << 10, "six factors must fit 60 bits");
/* A scalar of 253 bits times four such words is below 2^493. */
#define FACTORS_PER_REDUCTION (4 * FACTORS_PER_WORD)

static void scalar_one(uint8_t out[SOTTO__SCALAR_BYTES])
{
    memset(out, 0, SOTTO__SCALAR_BYTES);
    out[0] = 1;
}

/* --- Numbers of 512 bits, so that many terms or factors share one reduction modulo q --- */

__extension__ typedef unsigned __int128 double_word;

/* 512 bits, words[0] the lowest. Holds secrets: who makes one wipes it, unless it is of points. */
struct wide {
    uint64_t words[8];
};

static uint64_t load_word(const uint8_t *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "scalars are little endian in memory; big-endian hosts need swapped loads here"
#endif

/* The scalar below 256 zero bits. */
static void wide_from_scalar(struct wide *wide, const uint8_t scalar[SOTTO__SCALAR_BYTES])
{
    *wide = (struct wide){0};
    memcpy(wide->words, scalar, SOTTO__SCALAR_BYTES);
}

/* out = wide modulo q. CT: libsodium's reduction is. */
static void wide_reduce(uint8_t out[SOTTO__SCALAR_BYTES], const struct wide *wide)
{
    _Static_assert(sizeof wide->words == crypto_core_ristretto255_NONREDUCEDSCALARBYTES, "512");
    crypto_core_ristretto255_scalar_reduce(out, (const uint8_t *)wide->words);
}

/* wide += a b, modulo 2^512. CT: in a and b. A step of the long multiplication stays below 2^128:
 * (2^64 - 1)^2 + 2 (2^64 - 1). */
static void wide_add_product(struct wide *wide, const uint8_t a[SOTTO__SCALAR_BYTES],
                             const uint8_t b[SOTTO__SCALAR_BYTES])
{
    const uint64_t factor[4] = {load_word(b), load_word(b + 8), load_word(b + 16),
                                load_word(b + 24)};
    for (size_t i = 0; i < 4; i++) {
        uint64_t word = load_word(a + 8 * i);
        uint64_t carry = 0;
        for (size_t j = 0; j < 4; j++) {
            double_word step = (double_word)word * factor[j] + wide->words[i + j] + carry;
            wide->words[i + j] = (uint64_t)step;
            carry = (uint64_t)(step >> 64);
        }
        /* To the end, whatever the carry is: stopping at a zero would tell of it. */
        for (size_t j = i + 4; j < 8; j++) {
            carry = __builtin_add_overflow(wide->words[j], carry, &wide->words[j]);
        }
    }
}

/* wide *= word, modulo 2^512: callers keep below it (FACTORS_PER_REDUCTION). */
static void wide_multiply(struct wide *wide, uint64_t word)
{
    uint64_t carry = 0;
    for (size_t j = 0; j < 8; j++) {
        double_word step = (double_word)wide->words[j] * word + carry;
        wide->words[j] = (uint64_t)step;
        carry = (uint64_t)(step >> 64);
    }
}

/* A sum of products of scalars. A product is below 2^505: this many, and what was summed before,
 * stay below 2^512. CT: in the scalars. */
#define TERMS_PER_REDUCTION 126

/* Starts as zeros; its terms since the last reduction are counted. */
struct dot {
    struct wide sum;
    uint32_t terms;
};

/* Makes room for as many terms more. What was summed becomes below q < 2^253, which is less than
 * one product. */
static void dot_reduce(struct dot *dot)
{
    uint8_t reduced[SOTTO__SCALAR_BYTES];
    wide_reduce(reduced, &dot->sum);
    wide_from_scalar(&dot->sum, reduced);
    dot->terms = 0;
    sotto_wipe(reduced, sizeof reduced);
}

/* dot += a b. a is below q. The number of terms is public. */
static void dot_add(struct dot *dot, const uint8_t a[SOTTO__SCALAR_BYTES],
                    const uint8_t b[SOTTO__SCALAR_BYTES])
{
    sotto__scalar_verify(a);
    wide_add_product(&dot->sum, a, b);
    if (++dot->terms == TERMS_PER_REDUCTION) {
        dot_reduce(dot);
    }
}

/* Ends the sum, and wipes it. */
static void dot_end(struct dot *dot, uint8_t out[SOTTO__SCALAR_BYTES])
{
    wide_reduce(out, &dot->sum);
    sotto_wipe(dot, sizeof *dot);
}

/* out *= word, modulo q. Below 2^253 2^64. */
static void multiply_by_word(uint8_t out[SOTTO__SCALAR_BYTES], uint64_t word)
{
    struct wide wide;
    wide_from_scalar(&wide, out);
    wide_multiply(&wide, word);
    wide_reduce(out, &wide);
}

/* out = prod_m (x - points[m]), a factor of zero left out. Variable-time: points are public.
 * Factors are gathered in a word, words in 512 bits, and signs are counted apart. */
static void product_of_differences(uint8_t out[SOTTO__SCALAR_BYTES], int32_t x,
                                   const int32_t *points, uint32_t points_len)
{
    struct wide product = {{1}};
    uint64_t word = 1; /* up to six factors below 2^10 */
    unsigned factors = 0;
    bool negative = false;
    for (uint32_t m = 0; m < points_len; m++) {
        int32_t difference = x - points[m];
        negative ^= difference < 0;
        word *= difference == 0 ? 1 : (uint64_t)(difference < 0 ? -difference : difference);
        if (++factors % FACTORS_PER_WORD == 0) {
            wide_multiply(&product, word);
            word = 1;
        }
        if (factors == FACTORS_PER_REDUCTION) { /* one word more would leave 512 bits */
            wide_reduce(out, &product);
            wide_from_scalar(&product, out);
            factors = 0;
        }
    }
    wide_multiply(&product, word);
    wide_reduce(out, &product);
    if (negative) { /* an odd number of points stand behind x */
        crypto_core_ristretto255_scalar_negate(out, out);
    }
}

/* Inverts all of values at once (Montgomery's trick): one inversion and 3 len multiplications. work
 * has room for as many. None may be zero, so their product is not: q is prime. Variable-time: they
 * are made of points. */
static void invert_all(uint8_t *values, uint8_t *work, uint32_t len)
{
    uint8_t product[SOTTO__SCALAR_BYTES];
    uint8_t inverse[SOTTO__SCALAR_BYTES];
    scalar_one(product);
    for (uint32_t k = 0; k < len; k++) {
        memcpy(work + (size_t)k * SOTTO__SCALAR_BYTES, product, SOTTO__SCALAR_BYTES);
        crypto_core_ristretto255_scalar_mul(product, product,
                                            values + (size_t)k * SOTTO__SCALAR_BYTES);
    }
    SOTTO_REQUIRE(crypto_core_ristretto255_scalar_invert(inverse, product) == 0);
    /* inverse is that of the first k + 1 values, work[k] the product of the first k. */
    for (uint32_t k = len; k-- > 0;) {
        uint8_t *value = values + (size_t)k * SOTTO__SCALAR_BYTES;
        crypto_core_ristretto255_scalar_mul(product, inverse,
                                            work + (size_t)k * SOTTO__SCALAR_BYTES);
        crypto_core_ristretto255_scalar_mul(inverse, inverse, value);
        memcpy(value, product, SOTTO__SCALAR_BYTES);
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
    int32_t parties_len;
    int32_t points[SOTTO_SESSION_PARTIES_MAX];
    uint8_t weights[SOTTO_SESSION_PARTIES_MAX][SOTTO__SCALAR_BYTES];
    /* Of d = -parties_len .. parties_len at d + parties_len, 0 left out. */
    uint8_t inverses[2 * SOTTO_SESSION_PARTIES_MAX + 1][SOTTO__SCALAR_BYTES];
};

/* 1 / d for all differences of points, which are few: extending a share then inverts nothing. */
static void fill_inverses(struct sotto__shamir_dealer *dealer, uint8_t *work)
{
    int32_t n = dealer->parties_len;
    uint8_t *positive = dealer->inverses[n + 1];
    for (int32_t d = 1; d <= n; d++) {
        sotto_store_u64(dealer->inverses[n + d], (uint64_t)d);
    }
    invert_all(positive, work, (uint32_t)n);
    for (int32_t d = 1; d <= n; d++) {
        crypto_core_ristretto255_scalar_negate(dealer->inverses[n - d], dealer->inverses[n + d]);
    }
}

enum sotto_status sotto__shamir_dealer_new(struct sotto__shamir_dealer **out,
                                           const uint32_t *holders, uint32_t threshold,
                                           uint32_t parties_len)
{
    SOTTO_REQUIRE(threshold >= 1 && threshold <= parties_len &&
                  parties_len <= SOTTO_SESSION_PARTIES_MAX);
    enum sotto_status status = SOTTO_ERROR_NO_MEMORY;
    struct sotto__shamir_dealer *dealer = sotto_alloc_zeroed(sizeof *dealer);
    uint8_t *work = sotto_alloc_array(parties_len, SOTTO__SCALAR_BYTES);
    if (dealer == NULL || work == NULL) {
        goto out;
    }
    dealer->threshold = threshold;
    dealer->parties_len = (int32_t)parties_len;
    for (uint32_t k = 1; k < threshold; k++) {
        dealer->points[k] = (int32_t)holders[k - 1] + 1; /* points[0] is the secret's, 0 */
    }
    for (uint32_t k = 0; k < threshold; k++) {
        product_of_differences(dealer->weights[k], dealer->points[k], dealer->points, threshold);
    }
    invert_all(dealer->weights[0], work, threshold);
    fill_inverses(dealer, work);
    status = SOTTO_OK;
    *out = dealer;
    dealer = NULL;
out:
    sotto_free(work);
    sotto_free(dealer);
    return status;
}

void sotto__shamir_dealer_free(struct sotto__shamir_dealer *dealer)
{
    sotto_free(dealer);
}

/* w_k y_k for all k. CT: in values. */
void sotto__shamir_weigh(const struct sotto__shamir_dealer *dealer, uint8_t *weighted,
                         const uint8_t *values)
{
    for (uint32_t k = 0; k < dealer->threshold; k++) {
        sotto__scalar_verify(values + (size_t)k * SOTTO__SCALAR_BYTES);
        crypto_core_ristretto255_scalar_mul(weighted + (size_t)k * SOTTO__SCALAR_BYTES,
                                            dealer->weights[k],
                                            values + (size_t)k * SOTTO__SCALAR_BYTES);
    }
}

/* The formula above at x = holder + 1. CT: in weighted; x and all points are public. */
void sotto__shamir_extend(const struct sotto__shamir_dealer *dealer,
                          uint8_t out[SOTTO__SCALAR_BYTES], const uint8_t *weighted,
                          uint32_t holder)
{
    int32_t x = (int32_t)holder + 1;
    uint8_t product[SOTTO__SCALAR_BYTES];
    struct dot dot = {0};
    SOTTO_REQUIRE(x <= dealer->parties_len);
    for (uint32_t k = 0; k < dealer->threshold; k++) {
        int32_t difference = x - dealer->points[k];
        SOTTO_REQUIRE(difference != 0); /* this holder's share was drawn, not interpolated */
        dot_add(&dot, weighted + (size_t)k * SOTTO__SCALAR_BYTES,
                dealer->inverses[dealer->parties_len + difference]);
    }
    dot_end(&dot, out);
    product_of_differences(product, x, dealer->points, dealer->threshold);
    crypto_core_ristretto255_scalar_mul(out, out, product);
}

/* --- Recovering --- */

/* Variable-time: who revealed shares is public. */
void sotto__shamir_basis(uint8_t *basis, const uint32_t *holders, uint32_t holders_len)
{
    /* basis_k = prod_{m != k} -x_m / (x_k - x_m) = prod_m -x_m / (-x_k prod_{m != k} (x_k - x_m)).
     */
    int32_t points[SOTTO_SESSION_PARTIES_MAX] = {0};
    uint8_t work[SOTTO_SESSION_PARTIES_MAX][SOTTO__SCALAR_BYTES];
    uint8_t numerator[SOTTO__SCALAR_BYTES];
    SOTTO_REQUIRE(holders_len <= SOTTO_SESSION_PARTIES_MAX);
    for (uint32_t k = 0; k < holders_len; k++) {
        points[k] = (int32_t)holders[k] + 1;
    }
    product_of_differences(numerator, 0, points, holders_len);
    for (uint32_t k = 0; k < holders_len; k++) {
        uint8_t *entry = basis + (size_t)k * SOTTO__SCALAR_BYTES;
        product_of_differences(entry, points[k], points, holders_len);
        multiply_by_word(entry, (uint64_t)points[k]);
        crypto_core_ristretto255_scalar_negate(entry, entry);
    }
    invert_all(basis, work[0], holders_len);
    for (uint32_t k = 0; k < holders_len; k++) {
        uint8_t *entry = basis + (size_t)k * SOTTO__SCALAR_BYTES;
        crypto_core_ristretto255_scalar_mul(entry, entry, numerator);
    }
}

/* [BIKMMPRSS17, fig. 4, Unmasking], [PROTOCOL.md, REVEAL]. CT: in the shares. */
void sotto__shamir_combine(uint8_t out[SOTTO__SCALAR_BYTES], const uint8_t *basis,
                           const uint8_t *shares, uint32_t len)
{
    struct dot dot = {0};
    for (uint32_t k = 0; k < len; k++) {
        dot_add(&dot, basis + (size_t)k * SOTTO__SCALAR_BYTES,
                shares + (size_t)k * SOTTO__SCALAR_BYTES);
    }
    dot_end(&dot, out);
}
