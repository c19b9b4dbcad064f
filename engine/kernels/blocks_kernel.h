/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_BLOCKS_KERNEL_H
#define SOTTO_ENGINE_BLOCKS_KERNEL_H

/* The kernels, for one instruction set per file that includes this. */

#include "kernels/blocks.h"

#include <string.h>

/* LANES, 2 to 8, is defined by the file that includes this: it is the width of its registers, since
 * gcc takes wider vectors apart badly. */
typedef double vector __attribute__((vector_size(8 * LANES)));
typedef int64_t vectori __attribute__((vector_size(8 * LANES)));
typedef uint64_t vectoru __attribute__((vector_size(8 * LANES)));

/* Reaches the block after next. Hardware prefetchers stop at the end of a page, which is as long as
 * a block of doubles. */
#define PREFETCH_BYTES 8192

#define CACHE_LINE_LEN (64 / sizeof(double))

/* Reads ahead into the second-level cache, where more reads may be under way. Every pass over a
 * block does its share, so that memory works while sums are added up. */
static inline void prefetch_next(const void *values)
{
    __builtin_prefetch((const char *)values + PREFETCH_BYTES, 0, 2);
}

static inline vectori take_larger(vectori a, vectori b)
{
    vectori more = a > b;
    return (a & more) | (b & ~more);
}

static inline vectori take_smaller(vectori a, vectori b)
{
    vectori less = a < b;
    return (a & less) | (b & ~less);
}

static inline vectori load_magnitudes(const double *values)
{
    vectori bits;
    memcpy(&bits, values, sizeof bits);
    return bits & INT64_MAX;
}

static inline uint64_t reduce_largest(vectori most)
{
    int64_t result = 0;
    for (size_t j = 0; j < LANES; j++) {
        result = most[j] > result ? most[j] : result;
    }
    return (uint64_t)result;
}

static inline uint64_t find_largest(const double *values, size_t len)
{
    vectori most = {0};
    vectori most2 = {0};
    size_t i = 0;
    for (; i + 4 * LANES <= len; i += 4 * LANES) {
        prefetch_next(values + i);
        most = take_larger(load_magnitudes(values + i), most);
        most2 = take_larger(load_magnitudes(values + i + LANES), most2);
        most = take_larger(load_magnitudes(values + i + 2 * LANES), most);
        most2 = take_larger(load_magnitudes(values + i + 3 * LANES), most2);
    }
    uint64_t result = reduce_largest(take_larger(most, most2));
    for (; i < len; i++) {
        uint64_t bits;
        memcpy(&bits, values + i, sizeof bits);
        bits &= INT64_MAX;
        result = bits > result ? bits : result;
    }
    return result;
}

/* While the least magnitude but 0 is sought: 2^63 less each, so that the largest of them is that
 * one's, and that of 0 is the least number there is. */
static inline vectori take_nearer(vectori magnitudes, vectori nearest)
{
    return take_larger((vectori)((UINT64_C(1) << 63) - (vectoru)magnitudes), nearest);
}

static inline uint64_t reduce_nearest(vectori nearest)
{
    int64_t result = INT64_MIN;
    for (size_t j = 0; j < LANES; j++) {
        result = nearest[j] > result ? nearest[j] : result;
    }
    return (UINT64_C(1) << 63) - (uint64_t)result;
}

static inline uint64_t find_range(uint64_t *out_least, const double *values, size_t len)
{
    vectori most = {0};
    vectori most2 = {0};
    vectori nearest = INT64_MIN - (vectori){0};
    vectori nearest2 = nearest;
    size_t i = 0;
    for (; i + 2 * LANES <= len; i += 2 * LANES) {
        prefetch_next(values + i);
        vectori magnitudes = load_magnitudes(values + i);
        vectori magnitudes2 = load_magnitudes(values + i + LANES);
        most = take_larger(magnitudes, most);
        most2 = take_larger(magnitudes2, most2);
        nearest = take_nearer(magnitudes, nearest);
        nearest2 = take_nearer(magnitudes2, nearest2);
    }
    uint64_t largest = reduce_largest(take_larger(most, most2));
    uint64_t least = reduce_nearest(take_larger(nearest, nearest2));
    for (; i < len; i++) {
        uint64_t bits;
        memcpy(&bits, values + i, sizeof bits);
        bits &= INT64_MAX;
        largest = bits > largest ? bits : largest;
        least = bits - 1 < least - 1 ? bits : least; /* 0 less 1 is above all others */
    }
    *out_least = least;
    return largest;
}

static inline vector load_vector(const double *values)
{
    vector x;
    memcpy(&x, values, sizeof x);
    return x;
}

static inline vector take_magnitudes(vector x)
{
    vectori bits;
    memcpy(&bits, &x, sizeof bits);
    bits &= INT64_MAX;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline vector combine(enum sotto__arithmetic op, vector x, vector y)
{
    switch (op) {
    case SOTTO__ARITHMETIC_ADD:
        return x + y;
    case SOTTO__ARITHMETIC_SUBTRACT:
        return x - y;
    case SOTTO__ARITHMETIC_MULTIPLY:
        return x * y;
    case SOTTO__ARITHMETIC_DIVIDE:
        return x / y;
    case SOTTO__ARITHMETIC_NEGATE:
        return -x;
    default:
        return take_magnitudes(x);
    }
}

/* With an operation that the compiler knows, so that the loop has no choice in it. */
static inline __attribute__((always_inline)) uint64_t
combine_values(double *restrict out, uint64_t *out_least, enum sotto__arithmetic op,
               const double *restrict x, const double *restrict y, size_t len)
{
    vectori most = {0};
    vectori nearest = INT64_MIN - (vectori){0};
    size_t i = 0;
    for (; i + LANES <= len; i += LANES) {
        prefetch_next(x + i); /* again: a CPU drops what is more than it can have under way */
        prefetch_next(y + i);
        vector value = combine(op, load_vector(x + i), load_vector(y + i));
        memcpy(out + i, &value, sizeof value);
        vectori magnitudes = load_magnitudes(out + i);
        most = take_larger(magnitudes, most);
        nearest = take_nearer(magnitudes, nearest);
    }
    if (i < len) { /* the last ones, filled up with ones */
        vector last[2] = {1 - (vector){0}, 1 - (vector){0}};
        memcpy(&last[0], x + i, (len - i) * sizeof *x);
        memcpy(&last[1], y + i, (len - i) * sizeof *y);
        last[0] = combine(op, last[0], last[1]);
        memcpy(out + i, &last[0], (len - i) * sizeof *out);
    }
    uint64_t largest = reduce_largest(most);
    uint64_t least = reduce_nearest(nearest);
    uint64_t least_of_last;
    uint64_t largest_of_last = find_range(&least_of_last, out + i, len - i);
    *out_least = least_of_last - 1 < least - 1 ? least_of_last : least;
    return largest_of_last > largest ? largest_of_last : largest;
}

static inline uint64_t apply_arithmetic(double *out, uint64_t *out_least, enum sotto__arithmetic op,
                                        const double *x, const double *y, size_t len)
{
    switch (op) {
    case SOTTO__ARITHMETIC_ADD:
        return combine_values(out, out_least, SOTTO__ARITHMETIC_ADD, x, y, len);
    case SOTTO__ARITHMETIC_SUBTRACT:
        return combine_values(out, out_least, SOTTO__ARITHMETIC_SUBTRACT, x, y, len);
    case SOTTO__ARITHMETIC_MULTIPLY:
        return combine_values(out, out_least, SOTTO__ARITHMETIC_MULTIPLY, x, y, len);
    case SOTTO__ARITHMETIC_DIVIDE:
        return combine_values(out, out_least, SOTTO__ARITHMETIC_DIVIDE, x, y, len);
    case SOTTO__ARITHMETIC_NEGATE:
        return combine_values(out, out_least, SOTTO__ARITHMETIC_NEGATE, x, x, len);
    default:
        return combine_values(out, out_least, SOTTO__ARITHMETIC_ABS, x, x, len);
    }
}

static inline void add_scaled(double *restrict out, const double *sums, const double *restrict x,
                              double factor, size_t len)
{
    size_t i = 0;
    for (; i + LANES <= len; i += LANES) {
        vector product = load_vector(x + i) * factor;
        product = sums != NULL ? load_vector(sums + i) + product : product;
        memcpy(out + i, &product, sizeof product);
    }
    for (; i < len; i++) {
        double product = x[i] * factor;
        out[i] = sums != NULL ? sums[i] + product : product;
    }
}

static inline uint64_t join_magnitudes(const int64_t *values, size_t len)
{
    vectori any = {0};
    size_t i = 0;
    for (; i + LANES <= len; i += LANES) {
        vectori v;
        prefetch_next(values + i);
        memcpy(&v, values + i, sizeof v);
        any |= v ^ (v < 0); /* a comparison gives -1, and -v - 1 is ~v */
    }
    int64_t result = 0;
    for (size_t j = 0; j < LANES; j++) {
        result |= any[j];
    }
    for (; i < len; i++) {
        result |= values[i] < 0 ? ~values[i] : values[i];
    }
    return (uint64_t)result;
}

/* The bits of doubles of one sign are in the order of their magnitudes. */
static inline void make_keys(int64_t *restrict out, const double *restrict values, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        double number = values[i] + 0.0; /* -0 + 0 is 0 */
        int64_t bits;
        memcpy(&bits, &number, sizeof bits);
        out[i] = bits ^ ((bits >> 63) & INT64_MAX);
    }
}

/* What find_digits and find_more_digits do, which say with is_more whether out has numbers. With
 * 2^63 added to keys and 2^(63 - shift) to the base nothing is negative: AVX2 has no shift of 64
 * bits that keeps the sign. */
static inline void put_digits(uint32_t *restrict out, const int64_t *restrict keys,
                              const struct sotto__digits *digits, bool is_more, size_t len)
{
    unsigned shift = digits->shift;
    uint32_t first = digits->first;
    uint32_t none = digits->none;
    uint64_t above = UINT64_MAX << digits->bits;
    uint64_t least = (uint64_t)digits->base + (UINT64_C(1) << (63 - shift));
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (((uint64_t)keys[i] ^ UINT64_C(1) << 63) >> shift) - least;
        uint32_t found = first + (uint32_t)digit;
        uint32_t other = is_more ? out[i] : none;
        out[i] = (digit & above) == 0 ? found : other;
    }
}

static inline void find_digits(uint32_t *out, const int64_t *keys,
                               const struct sotto__digits *digits, size_t len)
{
    put_digits(out, keys, digits, false, len);
}

static inline void find_more_digits(uint32_t *out, const int64_t *keys,
                                    const struct sotto__digits *digits, size_t len)
{
    put_digits(out, keys, digits, true, len);
}

static inline uint32_t count_equal(const uint32_t *numbers, uint32_t number, size_t len)
{
    uint32_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += numbers[i] == number;
    }
    return count;
}

/* If there is one more number than the first one, it differs from that in all bits in which any
 * number does. */
static inline bool are_two(uint32_t *out_second, size_t *out_first_len, const uint32_t *numbers,
                           size_t len)
{
    uint32_t first = numbers[0];
    uint32_t differing = 0;
    for (size_t i = 0; i < len; i++) {
        differing |= numbers[i] ^ first;
    }
    *out_second = first ^ differing;
    *out_first_len = differing == 0 ? len : count_equal(numbers, first, len);
    return differing == 0 || *out_first_len + count_equal(numbers, first ^ differing, len) == len;
}

static inline void join_levels(uint32_t *restrict groups, uint8_t *restrict skipped,
                               const uint32_t *restrict found, uint32_t levels_len, uint32_t none,
                               uint8_t why, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint32_t skips = skipped[i];
        skips |= found[i] >= none ? why : 0U;
        skipped[i] = (uint8_t)skips;
        uint32_t group = groups[i] * levels_len + found[i];
        groups[i] = skips != 0 ? 0 : group;
    }
}

#include "kernels/sums_kernel.h"

#include "kernels/products_kernel.h"

#include "kernels/slices_kernel.h"

#include "kernels/grids_kernel.h"

#include "kernels/wide_kernel.h"

#define SOTTO_BLOCKS_KERNELS                                                                       \
    {                                                                                              \
        .largest = find_largest, .range = find_range, .arithmetic = apply_arithmetic,              \
        .add_scaled = add_scaled, .magnitudes = join_magnitudes, .slice = take_slices,             \
        .multiply_slices = multiply_slices, .wide = apply_wide, .sum_narrow = sum_narrow,          \
        .sum_narrow_products = sum_narrow_products, .sum_wide = sum_wide, .keys = make_keys,       \
        .digits = find_digits, .more_digits = find_more_digits, .are_two = are_two,                \
        .join_levels = join_levels, .sum = sum_block, .sum_products = sum_products,                \
        .sum_rounded_products = sum_rounded_products, .split = split, .add_parts = add_parts,      \
    }

#endif
