/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/crypto.h"

#include <sotto/secret.h>

enum sotto_status sotto__scalar_random(uint8_t out[SOTTO__SCALAR_BYTES], struct sotto_random random)
{
    /* 512 bits reduced modulo q (252 bits): the bias is below 2^-259. */
    uint8_t wide[crypto_core_ristretto255_NONREDUCEDSCALARBYTES];
    enum sotto_status status = random.fill(random.context, wide, sizeof wide);
    if (status == SOTTO_OK) {
        crypto_core_ristretto255_scalar_reduce(out, wide);
    } else {
        sotto_wipe(out, SOTTO__SCALAR_BYTES);
    }
    sotto_wipe(wide, sizeof wide);
    return status;
}

bool sotto__point_is_usable(const uint8_t point[SOTTO__POINT_BYTES])
{
    /* The identity's one valid encoding is all zeros. */
    return crypto_core_ristretto255_is_valid_point(point) == 1 &&
           sodium_is_zero(point, SOTTO__POINT_BYTES) == 0;
}

bool sotto__point_base(uint8_t out[SOTTO__POINT_BYTES], const uint8_t scalar[SOTTO__SCALAR_BYTES])
{
    if (crypto_scalarmult_ristretto255_base(out, scalar) != 0) {
        sotto_wipe(out, SOTTO__POINT_BYTES);
        return false;
    }
    return true;
}

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
