/* SPDX-License-Identifier: Apache-2.0 */

/* From an exact number to the nearest double, ties to even: the one rounding that a result goes
 * through. It leans on GMP's integers and on no floating-point operation.
 *
 * The one idea: the unit of a double's last bit, 2^last, is known from the number's magnitude; so
 * divide by it, take the floor, and compare what is left with one half, all in integers. The double
 * is then put together from its bits, where a carry out of the mantissa adds 1 to the exponent,
 * which is just what it should do. */

#include "number/number.h"

#include <string.h>

#define EXPONENT_MAX 1024    /* 2^1024 and more is infinity */
#define EXPONENT_MIN (-1074) /* of the last bit of a subnormal */
#define MANTISSA_BITS 53

/* The exponent of n / d, which is floor(log2(n / d)), for n, d > 0. */
static long find_exponent(const mpz_t n, const mpz_t d)
{
    /* Of a bits and b bits the quotient is between 2^(a-b-1) and 2^(a-b+1): k or k - 1. */
    long k = (long)mpz_sizeinbase(n, 2) - (long)mpz_sizeinbase(d, 2);
    mpz_t scaled;
    mpz_init(scaled);
    int order;
    if (k >= 0) {
        mpz_mul_2exp(scaled, d, (mp_bitcnt_t)k);
        order = mpz_cmp(n, scaled);
    } else {
        mpz_mul_2exp(scaled, n, (mp_bitcnt_t)-k);
        order = mpz_cmp(scaled, d);
    }
    mpz_clear(scaled);
    return order >= 0 ? k : k - 1;
}

/* n / (d 2^last) to the nearest integer, ties to even; it is at most 2^53. */
static uint64_t round_to_integer(const mpz_t n, const mpz_t d, long last)
{
    mpz_t scaled_n;
    mpz_t scaled_d;
    mpz_t quotient;
    mpz_init_set(scaled_n, n);
    mpz_init_set(scaled_d, d);
    mpz_init(quotient);
    if (last >= 0) {
        mpz_mul_2exp(scaled_d, scaled_d, (mp_bitcnt_t)last);
    } else {
        mpz_mul_2exp(scaled_n, scaled_n, (mp_bitcnt_t)-last);
    }
    mpz_fdiv_qr(quotient, scaled_n, scaled_n, scaled_d);
    mpz_mul_2exp(scaled_n, scaled_n, 1);
    int half = mpz_cmp(scaled_n, scaled_d);
    uint64_t result = mpz_get_ui(quotient);
    result += half > 0 || (half == 0 && (result & 1) != 0);
    mpz_clear(scaled_n);
    mpz_clear(scaled_d);
    mpz_clear(quotient);
    return result;
}

static double make_double(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* sqrt(n / d) / 2^last to the nearest integer, ties to even; it is at most 2^53. */
static uint64_t round_root_to_integer(const mpz_t n, const mpz_t d, long last)
{
    mpz_t scaled_n;
    mpz_t scaled_d;
    mpz_t root;
    mpz_init_set(scaled_n, n);
    mpz_init_set(scaled_d, d);
    mpz_init(root);
    if (last >= 0) {
        mpz_mul_2exp(scaled_d, scaled_d, (mp_bitcnt_t)(2 * last));
    } else {
        mpz_mul_2exp(scaled_n, scaled_n, (mp_bitcnt_t)(-2 * last));
    }
    mpz_fdiv_q(root, scaled_n, scaled_d);
    mpz_sqrt(root, root); /* the floor: no integer's square lies between a number and its floor */
    uint64_t result = mpz_get_ui(root);
    /* The midpoint is (2 root + 1) / 2: compare its square, (2 root + 1)^2 d to 4 n. */
    mpz_mul_2exp(root, root, 1);
    mpz_add_ui(root, root, 1);
    mpz_mul(root, root, root);
    mpz_mul(root, root, scaled_d);
    mpz_mul_2exp(scaled_n, scaled_n, 2);
    int half = mpz_cmp(scaled_n, root);
    result += half > 0 || (half == 0 && (result & 1) != 0);
    mpz_clear(scaled_n);
    mpz_clear(scaled_d);
    mpz_clear(root);
    return result;
}

static double round_number(const mpq_t number, bool is_root)
{
    static const uint64_t infinite = UINT64_C(0x7FF) << 52;
    int sign = mpq_sgn(number);
    if (sign == 0) {
        return 0.0;
    }
    mpz_t n;
    mpz_init(n);
    mpz_abs(n, mpq_numref(number));
    long exponent = find_exponent(n, mpq_denref(number));
    exponent = is_root ? (exponent - (exponent & 1)) / 2 : exponent;
    uint64_t bits = 0; /* stays 0 below half of the least subnormal */
    if (exponent >= EXPONENT_MAX) {
        bits = infinite;
    } else if (exponent >= EXPONENT_MIN - 1) {
        long last = exponent - (MANTISSA_BITS - 1);
        last = last < EXPONENT_MIN ? EXPONENT_MIN : last;
        uint64_t rounded = is_root ? round_root_to_integer(n, mpq_denref(number), last)
                                   : round_to_integer(n, mpq_denref(number), last);
        /* Biased exponent - 1, to which the mantissa's leading bit (where it has one) adds 1, and a
         * carry to 2^53 another; so a subnormal becomes normal, and DBL_MAX infinity, by itself. */
        bits = ((uint64_t)(last - EXPONENT_MIN) << 52) + rounded;
    }
    mpz_clear(n);
    if (bits == 0) {
        return 0.0; /* never -0 */
    }
    return make_double(sign < 0 ? bits | UINT64_C(1) << 63 : bits);
}

double sotto__rational_to_double(const mpq_t number)
{
    return round_number(number, false);
}

double sotto__root_to_double(const mpq_t number)
{
    return round_number(number, true);
}
