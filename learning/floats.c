/* SPDX-License-Identifier: Apache-2.0 */

/* Floats of four formats from and to exact numbers; leans on libm's exact functions alone. The idea
 * of rounding: a quotient of integers is known by its first 64 bits and whether anything follows,
 * and every format has fewer bits than that; so there is one rounding, at the format's own place,
 * also among its subnormal numbers. */

#include "floats.h"

#include <math.h>
#include <string.h>

struct float_format {
    int precision;    /* bits of a significand, the hidden one too */
    int exponent_min; /* 2^exponent_min is the least normal number */
};

static struct float_format find_format(enum sotto_tensor_type type)
{
    switch (type) {
    case SOTTO_TENSOR_F64:
        return (struct float_format){53, -1022};
    case SOTTO_TENSOR_F32:
        return (struct float_format){24, -126};
    case SOTTO_TENSOR_BF16:
        return (struct float_format){8, -126};
    default:
        return (struct float_format){11, -14};
    }
}

/* Half precision: a sign, 5 bits of exponent, 10 of the significand. */
static double load_half(uint16_t bits)
{
    int exponent = bits >> 10 & 0x1F;
    int significand = bits & 0x3FF;
    double magnitude;
    if (exponent == 0x1F) {
        magnitude = significand == 0 ? INFINITY : NAN;
    } else if (exponent == 0) {
        magnitude = ldexp(significand, -24);
    } else {
        magnitude = ldexp(significand | 0x400, exponent - 25);
    }
    return bits >> 15 ? -magnitude : magnitude;
}

/* value is a half precision number. */
static uint16_t make_half(double value)
{
    uint16_t sign = signbit(value) ? 0x8000 : 0;
    double magnitude = fabs(value);
    if (magnitude < 0x1p-14) {
        return (uint16_t)(sign | (uint16_t)ldexp(magnitude, 24));
    }
    int exponent;
    double significand = frexp(magnitude, &exponent); /* 0.5 .. 1 */
    uint16_t low = (uint16_t)((uint16_t)ldexp(significand, 11) & 0x3FF);
    return (uint16_t)(sign | (uint16_t)((exponent + 14) << 10) | low);
}

double sotto__float_load(enum sotto_tensor_type type, const uint8_t *from)
{
    double wide;
    float single;
    uint16_t half;
    uint32_t bits;
    switch (type) {
    case SOTTO_TENSOR_F64:
        memcpy(&wide, from, sizeof wide);
        return wide;
    case SOTTO_TENSOR_F32:
        memcpy(&single, from, sizeof single);
        return (double)single;
    case SOTTO_TENSOR_BF16:
        memcpy(&half, from, sizeof half);
        bits = (uint32_t)half << 16;
        memcpy(&single, &bits, sizeof single);
        return (double)single;
    default:
        memcpy(&half, from, sizeof half);
        return load_half(half);
    }
}

/* value is a number of this type. */
static void store_exact(enum sotto_tensor_type type, uint8_t *to, double value)
{
    float single = (float)value;
    uint32_t bits;
    uint16_t half;
    switch (type) {
    case SOTTO_TENSOR_F64:
        memcpy(to, &value, sizeof value);
        break;
    case SOTTO_TENSOR_F32:
        memcpy(to, &single, sizeof single);
        break;
    case SOTTO_TENSOR_BF16:
        memcpy(&bits, &single, sizeof bits);
        half = (uint16_t)(bits >> 16);
        memcpy(to, &half, sizeof half);
        break;
    default:
        half = make_half(value);
        memcpy(to, &half, sizeof half);
    }
}

/* How many bits a number has, from its highest 1; 0 for 0. */
static int count_bits(uint64_t value)
{
    return value != 0 ? 64 - __builtin_clzll(value) : 0;
}

/* The number of a format nearest to (significand + more) 2^exponent, where significand has its
 * highest bit, and 0 <= more < 1 is above 0 where is_inexact. */
static double round_once(uint64_t significand, bool is_inexact, int exponent,
                         struct float_format format)
{
    int below_normal = format.exponent_min - (exponent + 63); /* > 0: subnormal */
    int precision = format.precision - (below_normal > 0 ? below_normal : 0);
    if (precision < 0) {
        return 0; /* below half of the least number */
    }
    int cut = 64 - precision; /* at least 11 */
    uint64_t half = (uint64_t)1 << (cut - 1);
    uint64_t kept = precision == 0 ? 0 : significand >> cut;
    uint64_t rest = significand & (half | (half - 1));
    bool above_half = rest > half || (rest == half && is_inexact);
    kept += above_half || (rest == half && (kept & 1) != 0);
    return ldexp((double)kept, exponent + cut);
}

/* Stores the nearest F32 where doubles tell which one that is. Conversions and the division are off
 * by less than 2^-51 of the quotient, and rounding is monotone: if both ends of an interval that is
 * wider have one nearest number, it is the quotient's too. Between 2^-123 and 2^63 nothing is
 * subnormal. Returns: false, where the quotient is too close to the middle of two numbers. */
static bool store_single(uint8_t *to, sotto__i128 numerator, uint64_t divisor, int scale_bits)
{
    if (numerator != (int64_t)numerator || scale_bits < 0 || scale_bits > 60) {
        return false;
    }
    double near =
        (double)(int64_t)numerator / (double)divisor / (double)((uint64_t)1 << scale_bits);
    float low = (float)(near * (1 - 0x1p-50));
    float high = (float)(near * (1 + 0x1p-50));
    memcpy(to, &low, sizeof low);
    return low == high;
}

void sotto__float_store(enum sotto_tensor_type type, uint8_t *to, sotto__i128 numerator,
                        uint64_t divisor, int scale_bits)
{
    SOTTO_REQUIRE(divisor > 0 && divisor < (uint64_t)1 << 63);
    if (type == SOTTO_TENSOR_F32 && store_single(to, numerator, divisor, scale_bits)) {
        return;
    }
    sotto__u128 magnitude = numerator < 0 ? -(sotto__u128)numerator : (sotto__u128)numerator;
    double value = 0;
    if (magnitude > 0) {
        /* Shifted to 127 bits, it has a quotient by less than 2^63 of at least 64. */
        int high = count_bits((uint64_t)(magnitude >> 64));
        int shift = high > 0 ? 63 - high : 127 - count_bits((uint64_t)magnitude);
        magnitude <<= shift;
        sotto__u128 quotient = magnitude / divisor;
        bool is_inexact = quotient * divisor != magnitude;
        int beyond = count_bits((uint64_t)(quotient >> 64));
        is_inexact = is_inexact || (quotient & (((sotto__u128)1 << beyond) - 1)) != 0;
        value = round_once((uint64_t)(quotient >> beyond), is_inexact, beyond - shift - scale_bits,
                           find_format(type));
    }
    store_exact(type, to, numerator < 0 ? -value : value);
}
