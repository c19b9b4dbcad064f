/* SPDX-License-Identifier: Apache-2.0 */

/* Integers in limbs of 64 bits, least significant first, in two's complement: as sums are sent and
 * added up. Modulo 2^(64 len) two's complement needs no case for signs: slots are wide enough
 * (program/layout.c) that the true sum is the one that is read back. */

#include "number/number.h"

void sotto__limbs_add(uint64_t *a, const uint64_t *b, size_t len)
{
    uint64_t carry = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t sum = a[i] + carry;
        carry = sum < carry;
        sum += b[i];
        carry += sum < b[i];
        a[i] = sum;
    }
}

void sotto__limbs_import(mpz_t out, const uint64_t *limbs, size_t len)
{
    mpz_import(out, len, -1, sizeof *limbs, 0, 0, limbs);
    if (limbs[len - 1] >> 63 != 0) {
        mpz_t modulus;
        mpz_init(modulus);
        mpz_setbit(modulus, 64 * len);
        mpz_sub(out, out, modulus);
        mpz_clear(modulus);
    }
}
