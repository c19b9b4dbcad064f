/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOTTO_ENGINE_BLOCKS_KERNEL_H
#define SOTTO_ENGINE_BLOCKS_KERNEL_H

/* The kernels, for one instruction set per file that includes this.
 *
 * Rump's extraction: for |x| < 2^E and a sigma from 2^(E+9) to below 2^(E+10), which is a multiple
 * of 2^(E-43), q = (sigma + x) - sigma is x rounded to such a multiple, and x - q is exact and at
 * most 2^(E-44). The sum of q begins at 1.5 x 2^(E+9) and is the sigma of the next x: a lane adds
 * at most 256 of them, which don't lead out of that range. What is left goes onto a second grid, of
 * 2^(E-86), in the same way; only values that span more than 32 binades with the largest one leave
 * a rest, of at most 2^(E-87). */

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

static inline int64_t sum_integers(const int64_t *values, size_t len)
{
    vectori sums = {0};
    size_t i = 0;
    for (; i + LANES <= len; i += LANES) {
        vectori v;
        memcpy(&v, values + i, sizeof v);
        sums += v;
    }
    int64_t sum = 0;
    for (size_t j = 0; j < LANES; j++) {
        sum += sums[j];
    }
    for (; i < len; i++) {
        sum += values[i];
    }
    return sum;
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

/* 1.5 x 2^(biased - 1023) in all lanes. */
static inline vector make_sigma(int64_t biased)
{
    vectori bits = ((biased << 52) | INT64_C(1) << 51) - (vectori){0};
    vector value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Two grids: the sigma that each begins at, and with it the sum of what was put onto the grid. */
struct grids {
    vector sigma;
    vector sigma2;
    vector sum;
    vector sum2;
    vector one;
};

/* The grids for values |x| < 2^(exponent - 1022). */
static inline struct grids make_grids(int64_t exponent)
{
    vector sigma = make_sigma(exponent + 10);
    vector sigma2 = make_sigma(exponent - 33);
    vector one = 1 - (vector){0};
    __asm__("" : "+x"(one));
    return (struct grids){
        .sigma = sigma, .sigma2 = sigma2, .sum = sigma, .sum2 = sigma2, .one = one};
}

/* Whether a sigma, or a rest, would leave the range of normal doubles. */
static inline bool is_extreme(int64_t exponent)
{
    return exponent < 150 || exponent > 2000;
}

/* x - y. As a fused multiplication, by a one that the compiler does not know, it goes through the
 * multipliers, which have nothing else to do here: many CPUs have two adders beside them. */
static inline vector subtract_fused(vector x, vector y, vector one)
{
#ifdef FNMADD
    return FNMADD(y, one, x);
#else
    (void)one;
    return x - y;
#endif
}

/* Puts x onto both grids. Returns: what is left of each lane. */
static inline vector put_on_grids(struct grids *grids, vector x)
{
    vector sum = grids->sum + x;
    vector r = subtract_fused(x, sum - grids->sum, grids->one);
    vector sum2 = grids->sum2 + r;
    vector rest = r - (sum2 - grids->sum2);
    grids->sum = sum;
    grids->sum2 = sum2;
    return rest;
}

static inline uint64_t bound_rest(int64_t exponent)
{
    return (uint64_t)(exponent - 86) << 52;
}

/* The sum of the lanes: multiples of one unit that fit a double together are exact in any order. */
static inline double sum_lanes(vector total)
{
    double lanes[LANES];
    memcpy(lanes, &total, sizeof lanes);
    for (size_t half = LANES / 2; half > 0; half /= 2) {
        for (size_t j = 0; j < half; j++) {
            lanes[j] += lanes[j + half];
        }
    }
    return lanes[0];
}

/* Sets sums to what was put onto each of both grids, here and onto the same grids elsewhere. */
static inline void read_grids(double sums[2], const struct grids *grids, const struct grids *others)
{
    vector total = grids->sum - grids->sigma;
    vector total2 = grids->sum2 - grids->sigma2;
    if (others != NULL) {
        total += others->sum - others->sigma;
        total2 += others->sum2 - others->sigma2;
    }
    sums[0] = sum_lanes(total);
    sums[1] = sum_lanes(total2);
}

/* Whether some lane is not +-0. */
static inline bool is_any(vectori lanes)
{
    int64_t some = 0;
    for (size_t j = 0; j < LANES; j++) {
        some |= lanes[j];
    }
    return (some & INT64_MAX) != 0;
}

static inline vectori read_bits(vector x)
{
    vectori bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline enum sotto__blocks_result
sum_block(double sums[2], double *rest, uint64_t *in_out_bound, const double *values, size_t len)
{
    int64_t exponent = (int64_t)(*in_out_bound >> 52);
    sums[0] = 0;
    sums[1] = 0;
    if (*in_out_bound == 0) {
        return SOTTO__BLOCKS_SUMMED;
    }
    if (is_extreme(exponent)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    *in_out_bound = bound_rest(exponent);
    struct grids grids = make_grids(exponent);
    struct grids others = grids; /* two chains of additions hide their latency */
    vectori any = {0};
    for (size_t i = 0; i < len; i += 2 * LANES) {
        prefetch_next(values + i);
        prefetch_next(values + i + LANES);
        vector r = put_on_grids(&grids, load_vector(values + i));
        vector r2 = put_on_grids(&others, load_vector(values + i + LANES));
        any |= read_bits(r) | read_bits(r2);
        memcpy(rest + i, &r, sizeof r);
        memcpy(rest + i + LANES, &r2, sizeof r2);
    }
    read_grids(sums, &grids, &others);
    return is_any(any) ? SOTTO__BLOCKS_LEFT_REST : SOTTO__BLOCKS_SUMMED;
}

/* The exponent for grids that products of values with these bounds go onto. */
static inline int64_t find_exponent_of_products(const uint64_t bounds[2])
{
    return (int64_t)(bounds[0] >> 52) + (int64_t)(bounds[1] >> 52) - 1022;
}

/* Puts doubles nearest to products onto grids. checks: looks for what is left. Returns: whether
 * something is. */
static inline __attribute__((always_inline)) bool
put_products_on_grids(double sums[2], int64_t exponent, bool checks, const double *x,
                      const double *y, size_t len)
{
    struct grids grids = make_grids(exponent);
    struct grids others = grids; /* two chains of additions hide their latency */
    vectori any = {0};
    for (size_t i = 0; i < len; i += 2 * LANES) {
        vector product = load_vector(x + i) * load_vector(y + i);
        vector product2 = load_vector(x + i + LANES) * load_vector(y + i + LANES);
        vector r = put_on_grids(&grids, product);
        vector r2 = put_on_grids(&others, product2);
        any |= checks ? read_bits(r) | read_bits(r2) : any;
    }
    read_grids(sums, &grids, &others);
    return is_any(any);
}

/* A product is 0 or has a magnitude of at least 2^(leasts' biased exponents - 2046), and is a
 * multiple of 2^-52 of that: of the second grid, of 2^(exponent - 1022 - 86), where that is less.
 */
static inline bool leaves_nothing(int64_t exponent, const uint64_t leasts[2])
{
    int64_t x = (int64_t)(leasts[0] >> 52);
    int64_t y = (int64_t)(leasts[1] >> 52);
    return x > 0 && y > 0 && x + y - 2046 - 52 >= exponent - 1022 - 86;
}

static inline enum sotto__blocks_result
sum_rounded_products(double sums[2], const uint64_t bounds[2], const uint64_t leasts[2],
                     const double *x, const double *y, size_t len)
{
    int64_t exponent = find_exponent_of_products(bounds);
    sums[0] = 0;
    sums[1] = 0;
    if (bounds[0] == 0 || bounds[1] == 0) {
        return SOTTO__BLOCKS_SUMMED;
    }
    if (bounds[0] >= SOTTO__INFINITY_BITS || bounds[1] >= SOTTO__INFINITY_BITS ||
        is_extreme(exponent)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    if (leaves_nothing(exponent, leasts)) {
        (void)put_products_on_grids(sums, exponent, false, x, y, len);
        return SOTTO__BLOCKS_SUMMED;
    }
    return put_products_on_grids(sums, exponent, true, x, y, len) ? SOTTO__BLOCKS_REFUSED
                                                                  : SOTTO__BLOCKS_SUMMED;
}

#ifdef __FP_FAST_FMA
#define LEAST_PRODUCT_BITS (INT64_C(323) << 52) /* 2^-700 */

/* x y - product, which a fused multiplication gives exactly. */
static inline vector find_error(vector x, vector y, vector product)
{
    vector error;
    for (size_t j = 0; j < LANES; j++) {
        error[j] = __builtin_fma(x[j], y[j], -product[j]);
    }
    return error;
}

/* Whether some product is below the least magnitude, and not because a factor is 0. */
static inline bool has_tiny(vectori magnitudes, const double *x, const double *y, size_t len)
{
    vectori tiny = magnitudes < LEAST_PRODUCT_BITS;
    if (!is_any(tiny)) {
        return false;
    }
    vectori bad = {0};
    for (size_t i = 0; i < len; i += LANES) {
        vector a = load_vector(x + i);
        vector b = load_vector(y + i);
        bad |= ((read_bits(a * b) & INT64_MAX) < LEAST_PRODUCT_BITS) & (a != 0) & (b != 0);
    }
    return is_any(bad);
}
#endif

/* A product of doubles is the nearest double and an error of at most half a unit in its last place,
 * exactly, which is a double too where the product is 0 or at least 2^-700: a multiple of 2^-806.
 */
static inline enum sotto__blocks_result sum_products(double sums[4], double *rest, double *rest2,
                                                     uint64_t bounds[2], const double *x,
                                                     const double *y, size_t len)
{
    memset(sums, 0, 4 * sizeof *sums);
    if (bounds[0] == 0 || bounds[1] == 0) {
        return SOTTO__BLOCKS_SUMMED;
    }
#ifdef __FP_FAST_FMA
    int64_t exponent = find_exponent_of_products(bounds);
    if (bounds[0] >= SOTTO__INFINITY_BITS || bounds[1] >= SOTTO__INFINITY_BITS ||
        is_extreme(exponent) || is_extreme(exponent - 53)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    struct grids grids = make_grids(exponent);
    struct grids errors = make_grids(exponent - 53);
    vectori any = {0};
    vectori least = LEAST_PRODUCT_BITS - (vectori){0};
    for (size_t i = 0; i < len; i += LANES) {
        prefetch_next(x + i);
        vector a = load_vector(x + i);
        vector b = load_vector(y + i);
        vector product = a * b;
        vector r = put_on_grids(&grids, product);
        vector r2 = put_on_grids(&errors, find_error(a, b, product));
        least = take_smaller(read_bits(product) & INT64_MAX, least);
        any |= read_bits(r) | read_bits(r2);
        memcpy(rest + i, &r, sizeof r);
        memcpy(rest2 + i, &r2, sizeof r2);
    }
    if (has_tiny(least, x, y, len)) {
        return SOTTO__BLOCKS_REFUSED;
    }
    read_grids(sums, &grids, NULL);
    read_grids(sums + 2, &errors, NULL);
    bounds[0] = bound_rest(exponent);
    bounds[1] = bound_rest(exponent - 53);
    return is_any(any) ? SOTTO__BLOCKS_LEFT_REST : SOTTO__BLOCKS_SUMMED;
#else
    (void)rest;
    (void)rest2;
    (void)x;
    (void)y;
    (void)len;
    return SOTTO__BLOCKS_REFUSED;
#endif
}

#define SOTTO_BLOCKS_KERNELS                                                                       \
    {                                                                                              \
        .largest = find_largest, .range = find_range, .arithmetic = apply_arithmetic,              \
        .add_scaled = add_scaled, .magnitudes = join_magnitudes, .sum_integers = sum_integers,     \
        .keys = make_keys, .digits = find_digits, .more_digits = find_more_digits,                 \
        .are_two = are_two, .join_levels = join_levels, .sum = sum_block,                          \
        .sum_products = sum_products, .sum_rounded_products = sum_rounded_products,                \
    }

#endif
