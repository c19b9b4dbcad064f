/* SPDX-License-Identifier: Apache-2.0 */
/* Constant time, after secp256k1's ctime_tests: run under valgrind, with secrets marked as
 * undefined memory, so that every branch and every address that depends on one is an error. What
 * leaves as public is declassified, with the reason. */
#include "aggregation/crypto/dleq.h"
#include "aggregation/message/message.h"
#include "aggregation/vector/vector.h"

#include <sotto/alloc.h>
#include <sotto/secret.h>
#include <stdio.h>
#include <string.h>
#include <valgrind/memcheck.h>

static void classify(void *secret, size_t bytes)
{
    (void)VALGRIND_MAKE_MEM_UNDEFINED(secret, bytes);
}

static void declassify(void *output, size_t bytes)
{
    (void)VALGRIND_MAKE_MEM_DEFINED(output, bytes);
}

static struct sotto_random_stream stream;
static struct sotto_random source;

static void draw(void *out, size_t bytes)
{
    SOTTO_REQUIRE(source.fill(source.context, out, bytes) == SOTTO_OK);
}

/* Shares of a secret: public are the holders and the threshold. */
static void sharing(void)
{
    enum { THRESHOLD = 4 };
    static const uint32_t holders[] = {3, 0, 5, 1, 2, 4};
    uint8_t values[THRESHOLD * SOTTO__SCALAR_BYTES];
    uint8_t weighted[THRESHOLD * SOTTO__SCALAR_BYTES];
    uint8_t share[SOTTO__SCALAR_BYTES];
    uint8_t secret[SOTTO__SCALAR_BYTES];
    uint8_t basis[SOTTO__SCALAR_BYTES] = {5};
    struct sotto__shamir_dealer *dealer;
    for (size_t k = 0; k < THRESHOLD; k++) {
        draw(values + k * SOTTO__SCALAR_BYTES, SOTTO__SCALAR_BYTES);
        values[k * SOTTO__SCALAR_BYTES + 31] &= 0x0f; /* below the order */
    }
    SOTTO_REQUIRE(sotto__shamir_dealer_new(&dealer, holders, THRESHOLD, 6) == SOTTO_OK);
    classify(values, sizeof values);
    sotto__shamir_weigh(dealer, weighted, values);
    for (uint32_t p = THRESHOLD - 1; p < 6; p++) {
        sotto__shamir_extend(dealer, share, weighted, holders[p]);
    }
    sotto__shamir_combine(secret, basis, share, 1);
    sotto__shamir_dealer_free(dealer);
}

/* Keys from secrets, and what they encrypt and mask. */
static void keys_and_masks(void)
{
    static const struct sotto_vector_run runs[] = {{4, 1000}, {5, 99}, {8, 7}, {272, 2}};
    uint8_t session[SOTTO_SESSION_BYTES] = {1};
    struct sotto_key a = {{2}};
    struct sotto_key b = {{3}};
    struct sotto__mask_key keys[5];
    struct sotto__share_pair pair;
    uint8_t cipher[SOTTO__SHARE_CIPHER_BYTES];
    uint8_t secret[32];
    size_t vector_bytes;
    SOTTO_REQUIRE(sotto_vector_bytes(&vector_bytes, runs, 4) == SOTTO_OK);
    uint8_t *vector = sotto_alloc_aligned(vector_bytes);
    SOTTO_REQUIRE(vector != NULL);
    draw(secret, sizeof secret);
    draw(&pair, sizeof pair);
    classify(secret, sizeof secret);
    classify(&pair, sizeof pair);
    classify(vector, vector_bytes);
    for (size_t k = 0; k < 5; k++) {
        sotto__derive_key(keys[k].key, "sotto pair mask", secret, session, &a, &b);
        keys[k].sign = k == 1 ? SOTTO__MASK_SUBTRACT : SOTTO__MASK_ADD;
    }
    sotto__share_encrypt(cipher, &pair, keys[0].key, session, 1, 2);
    declassify(cipher, sizeof cipher); /* ciphertext is public */
    SOTTO_REQUIRE(sotto__mask_apply(vector, runs, 4, keys, 3) == SOTTO_OK);
    SOTTO_REQUIRE(sotto__mask_apply(vector, runs, 4, keys, 5) == SOTTO_OK); /* enough for lanes */
    declassify(vector, vector_bytes); /* a masked vector is public */
    SOTTO_REQUIRE(sotto_equal_ct(vector, vector, vector_bytes));
    sotto_free(vector);
}

/* Scalars times points; that the result is not the identity is public. */
static void points(void)
{
    uint8_t scalar[SOTTO__SCALAR_BYTES];
    uint8_t base[SOTTO__POINT_BYTES];
    uint8_t product[SOTTO__POINT_BYTES];
    draw(scalar, sizeof scalar);
    scalar[31] &= 0x0f;
    SOTTO_REQUIRE(sotto__point_base(base, scalar));
    classify(scalar, sizeof scalar);
    /* libsodium's own answer, whether the product is the identity, is computed from the product:
     * what a caller of it may branch on. */
    (void)!crypto_scalarmult_ristretto255(product, scalar, base);
    declassify(product, sizeof product);
}

/* A proof tells nothing of the logarithm: neither does the time that making it takes. */
static void proofs(void)
{
    uint8_t secret[SOTTO__SCALAR_BYTES];
    uint8_t other[SOTTO__SCALAR_BYTES];
    uint8_t points_of[3][SOTTO__POINT_BYTES];
    struct sotto__dleq proof;
    SOTTO_REQUIRE(sotto__scalar_random(secret, source) == SOTTO_OK);
    SOTTO_REQUIRE(sotto__scalar_random(other, source) == SOTTO_OK);
    SOTTO_REQUIRE(sotto__point_base(points_of[0], secret));
    SOTTO_REQUIRE(sotto__point_base(points_of[1], other));
    SOTTO_REQUIRE(sotto__point_multiply(points_of[2], secret, points_of[1]));
    struct sotto__dleq_statement statement = {
        .own_point = points_of[0], .base = points_of[1], .shared = points_of[2]};
    classify(secret, sizeof secret);
    SOTTO_REQUIRE(sotto__dleq_prove(&proof, secret, &statement, source) == SOTTO_OK);
    declassify(&proof, sizeof proof); /* it is sent */
    SOTTO_REQUIRE(sotto__dleq_verify(&proof, &statement));
}

int main(void)
{
    if (RUNNING_ON_VALGRIND == 0) {
        (void)fprintf(stderr, "run this under valgrind: it says nothing without\n");
        return 1;
    }
    if (sotto_init() != SOTTO_OK) {
        return 1;
    }
    source = sotto_random_seeded(&stream, 1, 1);
    sharing();
    keys_and_masks();
    points();
    proofs();
    (void)puts("no branch and no address depends on a secret");
    return 0;
}
