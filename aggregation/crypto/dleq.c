/* SPDX-License-Identifier: Apache-2.0 */

/* A proof that two points have the same logarithm [PROTOCOL.md, COMPLAINT], after Chaum and
 * Pedersen (Wallet databases with observers, CRYPTO 1992), made non-interactive by a hash. Leans on
 * libsodium.
 *
 * The idea: the prover shows T_1 = kG and T_2 = kB for a k of its own, and the answer s = k + e c
 * to a challenge e that it could not choose. The same s fits both points only if C = cG and P = cB
 * have the same c; and s tells nothing of c, since k is uniform. */

#include "crypto/dleq.h"

#include <sotto/secret.h>
#include <string.h>

/* H-512("sotto complaint", context || C || B || P || T_1 || T_2) modulo q. */
static void make_challenge(uint8_t out[SOTTO__SCALAR_BYTES],
                           const struct sotto__dleq_statement *statement,
                           const uint8_t first[SOTTO__POINT_BYTES],
                           const uint8_t second[SOTTO__POINT_BYTES])
{
    static const char label[] = "sotto complaint"; /* ended by its NUL */
    const uint8_t *const points[] = {statement->own_point, statement->base, statement->shared,
                                     first, second};
    uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES];
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, sizeof wide);
    (void)crypto_generichash_update(&state, (const uint8_t *)label, sizeof label);
    (void)crypto_generichash_update(&state, statement->context, sizeof statement->context);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        (void)crypto_generichash_update(&state, points[i], SOTTO__POINT_BYTES);
    }
    (void)crypto_generichash_final(&state, wide, sizeof wide);
    crypto_core_ristretto255_scalar_reduce(out, wide);
}

/* CT: in secret and in k; points and challenge are public. */
enum sotto_status sotto__dleq_prove(struct sotto__dleq *out,
                                    const uint8_t secret[SOTTO__SCALAR_BYTES],
                                    const struct sotto__dleq_statement *statement,
                                    struct sotto_random random)
{
    uint8_t k[SOTTO__SCALAR_BYTES];
    uint8_t product[SOTTO__SCALAR_BYTES] = {0};
    uint8_t first[SOTTO__POINT_BYTES];
    uint8_t second[SOTTO__POINT_BYTES];
    enum sotto_status status = sotto__scalar_random(k, random);
    if (status != SOTTO_OK) {
        return status;
    }
    if (!sotto__point_base(first, k) || !sotto__point_multiply(second, k, statement->base)) {
        status = SOTTO_ERROR_RANDOM; /* a zero scalar: the source is broken */
        goto out;
    }
    make_challenge(out->challenge, statement, first, second);
    crypto_core_ristretto255_scalar_mul(product, out->challenge, secret);
    crypto_core_ristretto255_scalar_add(out->response, k, product);
out:
    sotto_wipe(product, sizeof product);
    sotto_wipe(k, sizeof k);
    return status;
}

/* out = s A - e B. Returns: false where one of the products is the identity, which no honest proof
 * has. */
static bool combine_points(uint8_t out[SOTTO__POINT_BYTES], const struct sotto__dleq *proof,
                           const uint8_t *base, const uint8_t *point)
{
    uint8_t left[SOTTO__POINT_BYTES];
    uint8_t right[SOTTO__POINT_BYTES];
    bool made = base == NULL ? sotto__point_base(left, proof->response)
                             : sotto__point_multiply(left, proof->response, base);
    return made && sotto__point_multiply(right, proof->challenge, point) &&
           crypto_core_ristretto255_sub(out, left, right) == 0;
}

/* Variable-time: all of it is public. */
bool sotto__dleq_verify(const struct sotto__dleq *proof,
                        const struct sotto__dleq_statement *statement)
{
    uint8_t first[SOTTO__POINT_BYTES];
    uint8_t second[SOTTO__POINT_BYTES];
    uint8_t challenge[SOTTO__SCALAR_BYTES];
    if (!sotto__point_is_usable(statement->own_point) || !sotto__point_is_usable(statement->base) ||
        !sotto__point_is_usable(statement->shared) ||
        !combine_points(first, proof, NULL, statement->own_point) ||
        !combine_points(second, proof, statement->base, statement->shared)) {
        return false;
    }
    make_challenge(challenge, statement, first, second);
    return memcmp(challenge, proof->challenge, sizeof challenge) == 0;
}
