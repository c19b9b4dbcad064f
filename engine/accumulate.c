/* SPDX-License-Identifier: Apache-2.0 */

/* Exact sums. Integers go through 128 bits into limbs; doubles into a superaccumulator:
 *
 * A finite double is m x 2^(e - 1074) with 0 <= e <= 2045 and |m| < 2^53. Its bits e .. e+52 of the
 * number line that starts at 2^-1074 lie in the 64-bit limbs e/64 and e/64 + 1, the last of them
 * limb 2045/64 + 1 = 32. Each limb has a signed 128-bit accumulator, to which a value adds less
 * than 2^64 in magnitude: after 2^60 values it is below 2^124, so that no carry is needed until the
 * end. */

#include "internal.h"

#include <sotto/alloc.h>
#include <string.h>

enum sotto_status sotto__accumulator_init(struct sotto__accumulator *out, struct sotto_type type)
{
    *out = (struct sotto__accumulator){0};
    if (type.kind == SOTTO_KIND_FLOAT64) {
        out->limbs = sotto_alloc_aligned((FLOAT_LIMBS + 1) * sizeof *out->limbs);
        if (out->limbs == NULL) {
            return SOTTO_ERROR_NO_MEMORY;
        }
    }
    return SOTTO_OK;
}

void sotto__accumulator_release(struct sotto__accumulator *accumulator)
{
    sotto_free(accumulator->limbs);
    *accumulator = (struct sotto__accumulator){0};
}

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

static void add_wide(uint64_t sum[3], sotto__int128 value)
{
    uint64_t limbs[3] = {(uint64_t)value, (uint64_t)(value >> 64), value < 0 ? UINT64_MAX : 0};
    sotto__limbs_add(sum, limbs, 3);
}

/* Values at missing places are 0, and a block's sum of int64 can't leave 128 bits. */
static void add_integers(struct sotto__accumulator *accumulator, const struct sotto_column *block)
{
    const int64_t *values = block->values;
    sotto__int128 sum = 0;
    for (size_t i = 0; i < block->len; i++) {
        sum += values[i];
    }
    add_wide(accumulator->sum, sum);
}

static void add_wide_decimals(struct sotto__accumulator *accumulator,
                              const struct sotto_column *block)
{
    const struct sotto_int128 *values = block->values;
    for (size_t i = 0; i < block->len; i++) {
        uint64_t limbs[3] = {values[i].low, (uint64_t)values[i].high,
                             values[i].high < 0 ? UINT64_MAX : 0};
        sotto__limbs_add(accumulator->sum, limbs, 3);
    }
}

static void add_booleans(struct sotto__accumulator *accumulator, const struct sotto_column *block)
{
    const uint8_t *bits = block->values;
    for (size_t i = 0; i < block->len; i++) {
        accumulator->sum[0] += ((unsigned)bits[i / 8] >> (i % 8)) & 1U;
    }
}

static void add_double(struct sotto__accumulator *accumulator, uint64_t bits)
{
    uint64_t mantissa = bits & ((UINT64_C(1) << 52) - 1);
    unsigned exponent = (unsigned)(bits >> 52) & 0x7FF;
    if (exponent > 0) {
        mantissa |= UINT64_C(1) << 52;
        exponent--;
    }
    unsigned shift = exponent % 64;
    __extension__ unsigned __int128 shifted = mantissa;
    shifted <<= shift;
    sotto__int128 *limb = &accumulator->limbs[exponent / 64];
    if (bits >> 63 == 0) {
        limb[0] += (uint64_t)shifted;
        limb[1] += (uint64_t)(shifted >> 64);
    } else {
        limb[0] -= (uint64_t)shifted;
        limb[1] -= (uint64_t)(shifted >> 64);
    }
}

static void add_doubles(struct sotto__accumulator *accumulator, const struct sotto_column *block)
{
    for (size_t i = 0; i < block->len; i++) {
        uint64_t bits;
        memcpy(&bits, (const double *)block->values + i, sizeof bits);
        if ((bits >> 52 & 0x7FF) != 0x7FF) {
            add_double(accumulator, bits);
        } else if ((bits & ((UINT64_C(1) << 52) - 1)) != 0) {
            /* NaN is missing; a null slot holds 0, so this one was counted as present. */
            accumulator->count--;
        } else if (bits >> 63 == 0) {
            accumulator->infinite++;
        } else {
            accumulator->negative_infinite++;
        }
    }
}

void sotto__accumulate(struct sotto__accumulator *accumulator, const struct sotto_column *block)
{
    accumulator->count += block->len - block->null_count;
    switch (block->type.kind) {
    case SOTTO_KIND_BOOL:
        add_booleans(accumulator, block);
        break;
    case SOTTO_KIND_INT64:
        add_integers(accumulator, block);
        break;
    case SOTTO_KIND_DECIMAL:
        if (block->wide) {
            add_wide_decimals(accumulator, block);
        } else {
            add_integers(accumulator, block);
        }
        break;
    case SOTTO_KIND_FLOAT64:
        add_doubles(accumulator, block);
        break;
    default:
        break;
    }
}

/* Carries through the accumulators: two's complement of FLOAT_LIMBS limbs. */
static void carry(uint64_t out[FLOAT_LIMBS], const sotto__int128 *limbs)
{
    sotto__int128 rest = 0;
    for (size_t i = 0; i < FLOAT_LIMBS; i++) {
        rest += limbs[i];
        out[i] = (uint64_t)rest;
        rest >>= 64; /* arithmetic in gcc and clang */
    }
}

void sotto__accumulator_add_to(const struct sotto__accumulator *accumulator, uint64_t *out,
                               const struct sotto__layout_column *column)
{
    uint64_t sum[FLOAT_LIMBS];
    if (column->counted) {
        out[column->count_offset] += accumulator->count;
    }
    if (!column->summed) {
        return;
    }
    if (column->type.kind == SOTTO_KIND_FLOAT64) {
        carry(sum, accumulator->limbs);
        sotto__limbs_add(out + column->sum_offset, sum, column->sum_limbs);
        out[column->infinite_offset] += accumulator->infinite;
        out[column->infinite_offset + 1] += accumulator->negative_infinite;
    } else {
        sotto__limbs_add(out + column->sum_offset, accumulator->sum, column->sum_limbs);
    }
}
