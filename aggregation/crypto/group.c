/* SPDX-License-Identifier: Apache-2.0 */

/* The group ristretto255, of prime order q: scalars are drawn, points are checked, one is
 * multiplied by the other. Leans on libsodium.
 *
 * The idea: two facts are used everywhere else, and made true here. A scalar that we made is
 * uniform and below q; a point that we accepted is not the identity, so that a nonzero scalar times
 * it is neither, and a shared secret can't be forced to be a known one. */

#include "crypto/crypto.h"

#include <sotto/secret.h>
#include <string.h>

#ifdef SOTTO_VERIFY_BUILD
void sotto__scalar_verify(const uint8_t scalar[SOTTO__SCALAR_BYTES])
{
    uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES] = {0};
    uint8_t reduced[SOTTO__SCALAR_BYTES];
    memcpy(wide, scalar, SOTTO__SCALAR_BYTES);
    crypto_core_ristretto255_scalar_reduce(reduced, wide);
    SOTTO_VERIFY(memcmp(reduced, scalar, SOTTO__SCALAR_BYTES) == 0);
    sotto_wipe(wide, sizeof wide);
    sotto_wipe(reduced, sizeof reduced);
}
#endif

/* CT: the scalar is reduced by libsodium, whose scalar arithmetic has no branch and no table. */
enum sotto_status sotto__scalar_random(uint8_t out[SOTTO__SCALAR_BYTES], struct sotto_random random)
{
    /* 512 bits reduced modulo q (252 bits): the bias is below 2^-259. */
    uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES];
    enum sotto_status status = random.fill(random.context, wide, sizeof wide);
    if (status != SOTTO_OK) {
        sotto_wipe(out, SOTTO__SCALAR_BYTES);
        goto out;
    }
    crypto_core_ristretto255_scalar_reduce(out, wide);
out:
    sotto_wipe(wide, sizeof wide);
    return status;
}

bool sotto__scalar_is_canonical(const uint8_t scalar[SOTTO__SCALAR_BYTES])
{
    uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES] = {0};
    uint8_t reduced[SOTTO__SCALAR_BYTES];
    memcpy(wide, scalar, SOTTO__SCALAR_BYTES);
    crypto_core_ristretto255_scalar_reduce(reduced, wide);
    return memcmp(reduced, scalar, sizeof reduced) == 0;
}

/* Variable-time: points are public, they stand in adverts and dealings. */
bool sotto__point_is_usable(const uint8_t point[SOTTO__POINT_BYTES])
{
    /* The identity's one valid encoding is all zeros. */
    return crypto_core_ristretto255_is_valid_point(point) == 1 &&
           sodium_is_zero(point, SOTTO__POINT_BYTES) == 0;
}

/* CT: in scalar. Only whether it is zero shows, and no source of randomness that works draws that.
 */
bool sotto__point_base(uint8_t out[SOTTO__POINT_BYTES], const uint8_t scalar[SOTTO__SCALAR_BYTES])
{
    if (crypto_scalarmult_ristretto255_base(out, scalar) != 0) {
        sotto_wipe(out, SOTTO__POINT_BYTES);
        return false;
    }
    return true;
}

/* CT: in scalar, as above; the point is public. */
bool sotto__point_multiply(uint8_t out[SOTTO__POINT_BYTES],
                           const uint8_t scalar[SOTTO__SCALAR_BYTES],
                           const uint8_t point[SOTTO__POINT_BYTES])
{
    if (crypto_scalarmult_ristretto255(out, scalar, point) != 0) {
        sotto_wipe(out, SOTTO__POINT_BYTES);
        return false;
    }
    return true;
}
